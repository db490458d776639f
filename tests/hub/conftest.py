"""A hub over a temporary folder, for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.world import World, world


@pytest.fixture
def hub_world(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "data") as made:
        yield made
