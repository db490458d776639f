"""One-time codes that were wrong: what locks a user out for a while, in whatever process the next is tried."""

from __future__ import annotations

from collections.abc import Sequence

from hub.log.event import Recorded
from hub.log.store import Tx
from schemas.emergency_events import EMERGENCY_CODE_REFUSED, CodeRefused

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS codes_refused (
  position INTEGER PRIMARY KEY, asker TEXT NOT NULL, organization TEXT NOT NULL, at INTEGER NOT NULL, door TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS codes_refused_asker ON codes_refused (asker, at)",
)
VERSION = 1
TABLES = ("codes_refused",)
_COLUMNS = ("position", "asker", "organization", "at", "door")


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Take in what was wrong."""
    rows = [
        (r.position, c.user, c.organization, c.at, c.door)
        for r in recorded
        if r.topic == EMERGENCY_CODE_REFUSED and isinstance(c := r.rows, CodeRefused)
    ]
    tx.insert("codes_refused", _COLUMNS, rows)


def since(tx: Tx, user: str, at: int, *, limit: int) -> list[int]:
    """Give the moments (milliseconds) of a user's wrong codes after a moment, newest first."""
    sql = "SELECT at FROM codes_refused WHERE asker=? AND at>? ORDER BY at DESC LIMIT ?"
    return [int(r[0]) for r in tx.all(sql, (user, at, limit))]
