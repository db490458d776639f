"""Options of the whole suite."""

from __future__ import annotations

import logging
import sys

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--long`: loads and races as long as they take to be believed, instead of a few seconds."""
    parser.addoption("--postgres", action="store_true", help="let every hub of these tests stand on PostgreSQL instead of SQLite")
    parser.addoption("--long", action="store_true", help="races and loads in full length (minutes)")


def pytest_sessionfinish() -> None:
    """Let the databases of this session go, where it has made any."""
    if (held := sys.modules.get("tests.postgres")) is not None:
        held.end()


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    found: bool = request.config.getoption("--long")
    return found


@pytest.fixture(autouse=True)
def heard() -> None:
    """Let the hub's logs be heard: the linter of imports, run in this process by a test of the house, switches off what was there before it."""
    for name, logger in logging.root.manager.loggerDict.items():
        if name.startswith("tsunagu") and isinstance(logger, logging.Logger):
            logger.disabled = False
