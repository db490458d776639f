"""What tests of the key store share: persons, a master key, a look into the store by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg

from hub.log.key_store import key_store
from hub.log.keys import Keyring
from hub.log.master import GivenMaster
from hub.log.unlocking import KeyPlace
from tests.postgres import cluster

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
