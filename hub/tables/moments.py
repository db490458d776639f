"""At which position the log came to each minute of the hub's clock, so that a moment of the past has a position.

The order of the log is the truth; a clock may be set back. The position of a moment is the last one up to which nothing was recorded after
that moment: what stands behind something later was not there before it, whatever its own clock said. Times that lie in the future even now are
of a clock that was wrong, and count for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from hub.log.envelope import unpack
from hub.log.event import Recorded
from hub.log.store import Store, Tx

SCHEMA = ("CREATE TABLE IF NOT EXISTS moments (minute INTEGER PRIMARY KEY, position INTEGER NOT NULL)",)
"""The first position recorded in each minute since 1970 (UTC) in which anything was."""
VERSION = 1
TABLES = ("moments",)
MINUTE = 60_000
"""Milliseconds."""
_BATCH = 500


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Take in the minutes that are new."""
    first: dict[int, int] = {}
    for r in recorded:
        first.setdefault(r.header.recorded // MINUTE, r.position)
    tx.insert("moments", ("minute", "position"), list(first.items()), then="ON CONFLICT (minute) DO NOTHING")


def position_at(store: Store, tx: Tx, at: int, now: int) -> int:
    """Give the position of a moment (both in milliseconds); 0 = the log had not begun."""
    minute, last = at // MINUTE, now // MINUTE
    # what begins a minute between the two is later; of the minutes of the two themselves each event has to be looked at
    found = tx.one("SELECT min(position) FROM moments WHERE minute>? AND minute<?", (minute, last))
    after = int(found[0]) if found[0] is not None else store.head(tx) + 1
    inside = tx.one("SELECT min(position) FROM moments WHERE minute IN (?,?)", (minute, last))
    position = int(inside[0]) if inside[0] is not None else after
    while position < after:
        for row in store.raw(tx, position - 1, min(_BATCH, after - position)):
            if at < unpack(row[4])[0].recorded <= now:
                return position - 1
            position += 1
    return after - 1


def recorded_at(store: Store, tx: Tx, position: int) -> int | None:
    """Give the time at which an event was recorded, in milliseconds; None when there is none at that position."""
    found = store.raw(tx, position - 1, 1)
    return unpack(found[0][4])[0].recorded if found and found[0][0] == position else None
