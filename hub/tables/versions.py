"""Which version of each view the database holds, and at which position it was made: what is older than the program is made anew."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hub.log.store import Tx

SCHEMA = ("CREATE TABLE IF NOT EXISTS views (name TEXT PRIMARY KEY, version INTEGER NOT NULL, position INTEGER NOT NULL)",)


class Made(NamedTuple):
    """A view as it lies there. `position` = the head of the log when it was made; since then it moved with the log."""

    version: int
    position: int


def held(tx: Tx) -> dict[str, Made]:
    """Give what is there, by name."""
    return {str(name): Made(int(v), int(p)) for name, v, p in tx.all("SELECT name, version, position FROM views")}


def write(tx: Tx, rows: Iterable[tuple[str, int, int]]) -> None:
    """Say of views (name, version, position) that they were made."""
    then = "ON CONFLICT (name) DO UPDATE SET version=excluded.version, position=excluded.position"
    tx.insert("views", ("name", "version", "position"), list(rows), then=then)
