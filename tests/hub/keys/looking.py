"""What tests of the key store share: persons, a master key, a look into the store by hand."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from hub.log.key_store import key_store
from hub.log.keys import Keyring
from hub.log.master import GivenMaster
from hub.log.secrets import Secrets
from hub.log.unlocking import KeyPlace, open_keys
from schemas.errors import Broken
from tests.postgres import cluster

HISTORY = Path(__file__).parents[2] / "histories" / "0.1.0"

ANNA, BERTA, CHIYO = b"a" * 16, b"b" * 16, b"c" * 16
MASTER = GivenMaster("M", "3c" * 32)
Open = Callable[[], Keyring]


def stored(place: KeyPlace, sql: str) -> list[tuple[object, ...]]:
    """Look into the store by hand."""
    held = key_store(place.store)
    try:
        return held.all(sql)
    finally:
        held.close()


def content(place: KeyPlace) -> bytes:
    """Give every byte that the store's own files hold."""
    if isinstance(place.store, Path):
        return b"".join(p.read_bytes() for p in place.store.parent.iterdir() if p.name.startswith("keys.db"))
    with psycopg.connect(place.store, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        tables = connection.execute(
            "SELECT pg_relation_filepath(oid) FROM pg_class WHERE relname IN ('data_keys', 'erased', 'roots')"
        ).fetchall()
    return b"".join((cluster().home / "data" / one[0]).read_bytes() for one in tables)


def opened(place: KeyPlace, *, begun: bool = False) -> tuple[Secrets, dict[bytes, bytes]]:
    """Open a store, look at two persons' keys, close it: (secrets, owner → secret)."""
    secrets, keys = open_keys(place, begun=begun)
    try:
        held = {one: keys.of(one, "main").secret for one in (ANNA, BERTA)}
        keys.store_fresh()
    finally:
        keys.close()
    return secrets, held


def refused(rule: str, what: Callable[[], object]) -> Broken:
    with pytest.raises(Broken) as said:
        what()
    assert said.value.issues[0].rule == rule
    return said.value


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file() and not p.name.endswith((".lock", "-shm"))}


def of_0_1_0(folder: Path) -> KeyPlace:
    folder.mkdir(exist_ok=True)
    for name in ("keys.db", "master.key"):
        shutil.copy(HISTORY / name, folder / name)
    return KeyPlace.under(folder)


def every_row(folder: Path) -> list[tuple[bytes, bytes, str, int, bytes]]:
    with sqlite3.connect(folder / "keys.db") as db:
        rows = db.execute("SELECT key_id, owner, compartment, generation, wrapped FROM data_keys ORDER BY key_id").fetchall()
    db.close()
    return rows
