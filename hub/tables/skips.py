"""Where followers stand before an event that they cannot take, and which events they were told to pass by.

Standing is of the moment and lies here so that every process of the hub can tell of it. What was passed by follows from the log: a replay
passes it by too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from schemas.events import FOLLOWER_SKIPPED, Skipped

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS standing (
  follower TEXT PRIMARY KEY, position INTEGER NOT NULL, fault TEXT NOT NULL, since INTEGER NOT NULL, tried INTEGER NOT NULL,
  wanted INTEGER NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS skips (
  follower TEXT NOT NULL, position INTEGER NOT NULL, recorded INTEGER NOT NULL, PRIMARY KEY (follower, position)) WITHOUT ROWID""",
)
VERSION = 1
TABLES = ("skips",)
"""Standing is not rebuilt by a replay: it is no history."""


class StandingRow(NamedTuple):
    """A follower that stands. `fault` is a kind, never its words; `since` in milliseconds; `wanted` = try again at once."""

    follower: str
    position: int
    fault: str
    since: int
    tried: int
    wanted: int


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Take in what was passed by."""
    rows = [(r.rows.follower, r.rows.position, r.position) for r in recorded if r.topic == FOLLOWER_SKIPPED and isinstance(r.rows, Skipped)]
    tx.insert("skips", ("follower", "position", "recorded"), rows, then="ON CONFLICT (follower, position) DO NOTHING")


def passed(tx: Tx, follower: str, after: int, until: int) -> frozenset[int]:
    """Give the positions after one and up to another that a follower passes by."""
    rows = tx.all("SELECT position FROM skips WHERE follower=? AND position>? AND position<=?", (follower, after, until))
    return frozenset(int(p) for (p,) in rows)


def counts(tx: Tx) -> dict[str, int]:
    """Give how many events each follower has passed by."""
    return {f: int(n) for f, n in tx.all("SELECT follower, count(*) FROM skips GROUP BY follower")}


def claim(tx: Tx, follower: str) -> int:
    """Give a follower's position, and hold up whoever would move it until this write transaction ends."""
    tx.run(
        "INSERT INTO tracking VALUES (?,?) ON CONFLICT (application_name) DO UPDATE SET notification_id=tracking.notification_id",
        (follower, 0),
    )
    return int(tx.one("SELECT notification_id FROM tracking WHERE application_name=?", (follower,))[0])


# ── standing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def all_standing(tx: Tx) -> dict[str, StandingRow]:
    """Give all followers that stand."""
    rows = (StandingRow(*r) for r in tx.all("SELECT follower, position, fault, since, tried, wanted FROM standing"))
    return {row.follower: row for row in rows}


def stand(tx: Tx, follower: str, position: int, fault: str, at: int) -> None:
    """Record that a follower stands before a position, once more or for the first time there."""
    tx.run(
        "INSERT INTO standing VALUES (?,?,?,?,1,0) ON CONFLICT (follower) DO UPDATE SET fault=excluded.fault, wanted=0,"
        " since=CASE WHEN standing.position=excluded.position THEN standing.since ELSE excluded.since END,"
        " tried=CASE WHEN standing.position=excluded.position THEN standing.tried+1 ELSE 1 END, position=excluded.position",
        (follower, position, fault, at),
    )


def want(tx: Tx, follower: str) -> None:
    """Ask the process that runs a follower to try at once."""
    tx.run("UPDATE standing SET wanted=1 WHERE follower=?", (follower,))


def clear(tx: Tx, follower: str) -> None:
    """Record that a follower goes on."""
    tx.run("DELETE FROM standing WHERE follower=?", (follower,))
