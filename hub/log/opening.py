"""Opens the store that a setting names: a file of SQLite, or a database of PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hub.log.sqlite import SqliteStore
from hub.log.store import Store

SCHEMES = ("postgresql://", "postgres://")


def open_store(place: str | Path, *, tables: Sequence[str] = (), beside: bool = False) -> Store:
    """Open a store by its path or URL, with its tables made. `beside` = only to read, beside a hub that has it open."""
    if isinstance(place, str) and place.startswith(SCHEMES):
        from hub.log.postgres import PostgresStore

        return PostgresStore(place, tables=tables)
    return SqliteStore(Path(place), tables=tables, beside=beside)
