"""What each subscriber hears, under its own numbers. Filled by a follower, with its position in the same transaction."""

from __future__ import annotations

from typing import NamedTuple

from hub.log.store import Tx

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS feeds (
  subscriber TEXT NOT NULL, number INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (subscriber, number)) WITHOUT ROWID""",
)
TABLES = ("feeds",)


class FeedRow(NamedTuple):
    """One event for one subscriber."""

    number: int
    position: int


def add(tx: Tx, subscriber: str, position: int) -> None:
    """Give a subscriber its next number for the event at a position."""
    tx.run(
        "INSERT INTO feeds SELECT ?, coalesce((SELECT max(number) FROM feeds WHERE subscriber=?), 0) + 1, ?",
        (subscriber, subscriber, position),
    )


def after(tx: Tx, subscriber: str, number: int, limit: int) -> list[FeedRow]:
    """Give what a subscriber has not heard yet."""
    rows = tx.all("SELECT number, position FROM feeds WHERE subscriber=? AND number>? ORDER BY number LIMIT ?", (subscriber, number, limit))
    return [FeedRow(*r) for r in rows]


def last(tx: Tx, subscriber: str) -> int:
    """Give a subscriber's last number; 0 = none yet."""
    return int(tx.one("SELECT coalesce(max(number), 0) FROM feeds WHERE subscriber=?", (subscriber,))[0])
