"""A hub over a temporary folder, for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import world as worlds
from tests.hub.world import World, world
from tests.postgres import cluster


def pytest_configure(config: pytest.Config) -> None:
    """With `--postgres` each hub gets a new database."""
    if config.getoption("--postgres", default=False):
        worlds.new_database = lambda: cluster().new()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, with `--postgres`, what speaks of the file of SQLite itself."""
    if config.getoption("--postgres", default=False):
        left = [item for item in items if item.get_closest_marker("sqlite") is None]
        config.hook.pytest_deselected(items=[item for item in items if item not in left])
        items[:] = left


@pytest.fixture
def hub_world(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "data") as made:
        yield made
