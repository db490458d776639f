"""Decisions counted by day (Asia/Tokyo), organization, role, action and effect: what a page counts without walking the log. Filled by a follower."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from hub.log.store import Tx

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS tallies (
  day INTEGER NOT NULL, organization TEXT NOT NULL, role TEXT NOT NULL, action TEXT NOT NULL, effect TEXT NOT NULL, number INTEGER NOT NULL,
  PRIMARY KEY (day, organization, role, action, effect)) WITHOUT ROWID""",
)  # fmt: skip
VERSION = 1
TABLES = ("tallies",)
DAY, EAST = 86_400_000, 9 * 3_600_000
"""Milliseconds of a day, and by which Tokyo is ahead of UTC."""
_KEY = "day, organization, role, action, effect"


class Tally(NamedTuple):
    """How many decisions: `day` in days since 1970-01-01 in Tokyo."""

    day: int
    organization: str
    role: str
    action: str
    effect: str
    number: int


def day_of(at: int) -> int:
    """Give the day in Tokyo of a moment (milliseconds)."""
    return (at + EAST) // DAY


def add(tx: Tx, after: int, until: int) -> None:
    """Count the decisions after a position and up to another; inside the transaction that moves the follower."""
    sql = f"INSERT INTO tallies VALUES (?,?,?,?,?,?) ON CONFLICT ({_KEY}) DO UPDATE SET number=tallies.number+excluded.number"
    tx.many(sql, [tuple(one) for one in _counted(tx, after, until)])


def between(tx: Tx, follower: int, first: int, last: int) -> list[Tally]:
    """Give the tallies of some days, both ends inclusive, with what the follower, which has come to a position, has not counted yet."""
    found: Counter[tuple[int, str, str, str, str]] = Counter()
    for *key, number in tx.all(f"SELECT {_KEY}, number FROM tallies WHERE day>=? AND day<=?", (first, last)):
        found[key[0], key[1], key[2], key[3], key[4]] += int(number)
    for one in _counted(tx, follower, None):
        if first <= one.day <= last:
            found[one.day, one.organization, one.role, one.action, one.effect] += one.number
    return [Tally._make((*key, number)) for key, number in sorted(found.items())]


def _counted(tx: Tx, after: int, until: int | None) -> list[Tally]:
    end, params = ("", ()) if until is None else (" AND position<=?", (until,))
    sql = f"""SELECT (at + {EAST}) / {DAY}, organization, role, action, effect, count(*) FROM decisions WHERE position>?{end}
      GROUP BY (at + {EAST}) / {DAY}, organization, role, action, effect ORDER BY 1, 2, 3, 4, 5"""
    return [Tally._make((int(day), *names, int(number))) for day, *names, number in tx.all(sql, (after, *params))]
