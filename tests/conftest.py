"""Options of the whole suite."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--long`: loads and races as long as they take to be believed, instead of a few seconds."""
    parser.addoption("--postgres", action="store_true", help="let every hub of these tests stand on PostgreSQL instead of SQLite")
    parser.addoption("--long", action="store_true", help="races and loads in full length (minutes)")


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    found: bool = request.config.getoption("--long")
    return found
