"""A key store on each engine, opened as often as a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.log.keys import Keyring
from hub.log.unlocking import KeyPlace, open_keys
from tests.hub.keys.looking import MASTER
from tests.hub.keys.transit import Transit, vault
from tests.postgres import cluster


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> KeyPlace:
    """Where the keys are, on each engine."""
    where = cluster().new() if request.param == "postgres" else ""
    return KeyPlace.under(tmp_path, store=where, master=MASTER)


@pytest.fixture
def open_(place: KeyPlace) -> Iterator[Callable[[], Keyring]]:
    """Open the store as one more hub process does."""
    made: list[Keyring] = []

    def opening() -> Keyring:
        made.append(open_keys(place, begun=bool(made))[1])
        return made[-1]

    yield opening
    for one in made:
        one.close()


@pytest.fixture
def transit() -> Iterator[Transit]:
    with vault() as made:
        yield made
