"""What each subscriber hears, under its own numbers. Filled by a follower, with its position in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hub.log.store import Tx

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS feeds (
  subscriber TEXT NOT NULL, number INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (subscriber, number)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS feeds_position ON feeds (position)",
)
VERSION = 1
TABLES = ("feeds",)


class FeedRow(NamedTuple):
    """One event for one subscriber."""

    number: int
    position: int


def add(tx: Tx, heard: Sequence[tuple[str, int]]) -> None:
    """Give each subscriber its next number for the event at a position, in the order given."""
    numbers = {subscriber: last(tx, subscriber) for subscriber in sorted({subscriber for subscriber, _ in heard})}
    rows = []
    for subscriber, position in heard:
        numbers[subscriber] += 1
        rows.append((subscriber, numbers[subscriber], position))
    tx.insert("feeds", ("subscriber", "number", "position"), rows)


def after(tx: Tx, subscriber: str, number: int, limit: int) -> list[FeedRow]:
    """Give what a subscriber has not heard yet."""
    rows = tx.all("SELECT number, position FROM feeds WHERE subscriber=? AND number>? ORDER BY number LIMIT ?", (subscriber, number, limit))
    return [FeedRow(*r) for r in rows]


def last(tx: Tx, subscriber: str) -> int:
    """Give a subscriber's last number; 0 = none yet."""
    return int(tx.one("SELECT coalesce(max(number), 0) FROM feeds WHERE subscriber=?", (subscriber,))[0])
