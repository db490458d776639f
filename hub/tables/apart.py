"""Events of other compartments than the main one: which positions of the log they take up, and the decisions among them.

They are no part of any count, list or look of the main compartment: whoever counts events there leaves these out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from hub.names import MAIN, lies_in
from schemas.events import ACCESS_DECIDED, Decided

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS apart (
  position INTEGER PRIMARY KEY, compartment TEXT NOT NULL, topic TEXT NOT NULL, at INTEGER NOT NULL, reference TEXT NOT NULL,
  organization TEXT NOT NULL, effect TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS apart_decided ON apart (compartment, topic, position)",
)
VERSION = 1
TABLES = ("apart",)


class ApartRow(NamedTuple):
    """One event. `reference`, `organization` and `effect` are of a decision, and empty otherwise. `at` in milliseconds."""

    position: int
    compartment: str
    topic: str
    at: int
    reference: str
    organization: str
    effect: str


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Take events of other compartments in."""
    rows = [_row(r) for r in recorded if lies_in(r.header.compartment) != MAIN]
    if rows:
        tx.insert("apart", ApartRow._fields, rows)


def _row(r: Recorded) -> ApartRow:
    decided = r.rows if r.topic == ACCESS_DECIDED and isinstance(r.rows, Decided) else None
    told = (decided.reference, decided.organization, decided.effect) if decided is not None else ("", "", "")
    return ApartRow(r.position, r.header.compartment, r.topic, r.header.recorded, *told)


def count(tx: Tx, until: int) -> int:
    """Count the events up to a position that lie apart."""
    return int(tx.one("SELECT count(*) FROM apart WHERE position<=?", (until,))[0])


def following(tx: Tx, position: int) -> int:
    """Give the first position after another that lies in the main compartment, or behind the head of the log."""
    position += 1
    while tx.one("SELECT 1 FROM apart WHERE position=?", (position,)) is not None:
        position += 1
    return position


def rank(tx: Tx, position: int) -> int:
    """Give how many events of the main compartment come before a position: what a cursor may hold of it."""
    return position - 1 - count(tx, position - 1)


def position_of(tx: Tx, rank: int) -> int:
    """Give the first position that so many events of the main compartment come before."""
    position = rank + 1
    while (found := rank + 1 + count(tx, position)) != position:
        position = found
    return position


def decided(tx: Tx, compartment: str, *, limit: int, below: int | None = None) -> list[ApartRow]:
    """Give the decisions of a compartment, newest first. `below` = go on under this position."""
    more, params = ("", ()) if below is None else (" AND position<?", (below,))
    sql = f"SELECT {', '.join(ApartRow._fields)} FROM apart WHERE compartment=? AND topic=?{more} ORDER BY position DESC LIMIT ?"
    return [ApartRow(*r) for r in tx.all(sql, (compartment, ACCESS_DECIDED, *params, limit))]
