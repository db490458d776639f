"""Who looked at whom, from the index of decisions: the counts that rules of unusual access ask for. Each begins at a position, never at the first."""

from __future__ import annotations

from typing import NamedTuple

from hub.log.store import Tx
from hub.tables.decisions import DecisionRow

LOOKING = ("read", "search", "view", "emergency")
"""Actions by which somebody looks. What is delivered was chosen by the hub; what is written came in."""
_COLUMNS = ", ".join(f'd."{name}"' for name in DecisionRow._fields)
_LOOKED = f"d.action IN ({','.join('?' * len(LOOKING))})"


class Asker(NamedTuple):
    """A user, or (empty) the application of an organization."""

    organization: str
    user: str


class Stretch(NamedTuple):
    """A stretch of time in milliseconds, `until` exclusive, and of the log: no line of it stands before `first` or after `last`."""

    since: int
    until: int
    first: int
    last: int


def first_of(tx: Tx, since: int) -> int:
    """Give a position before which no line of a moment (milliseconds) or later can stand, whatever the clock did."""
    found = tx.one("SELECT min(position) FROM moments WHERE minute>=?", (since // 60_000,))
    return int(found[0]) if found[0] is not None else 0


def between(tx: Tx, after: int, until: int) -> list[DecisionRow]:
    """Give the looks after a position and up to another."""
    sql = f"SELECT {_COLUMNS} FROM decisions d WHERE d.position>? AND d.position<=? AND {_LOOKED} ORDER BY d.position"
    return [DecisionRow(*r) for r in tx.all(sql, (after, until, *LOOKING))]


def of(tx: Tx, asker: Asker, stretch: Stretch, *, own: bool = False) -> list[tuple[int, bytes, str, str]]:
    """Give an asker's looks in a stretch, oldest first: (at, person, reference, effect). `own` = at its own organization's records too."""
    named = 'd."user"=?' if asker.user else 'd.organization=? AND d."user"=?'
    names = (asker.user,) if asker.user else (asker.organization, "")
    without = "" if own else " AND d.reason<>?"
    sql = f"""SELECT d.at, d.person, d.reference, d.effect FROM decisions d WHERE {named} AND d.position>=? AND d.position<=? AND d.at>=? AND d.at<?
      AND d.person<>? AND {_LOOKED}{without} ORDER BY d.position"""
    rows = tx.all(sql, (*names, stretch.first, stretch.last, stretch.since, stretch.until, b"", *LOOKING, *(() if own else ("P-OWN",))))
    return [(int(at), bytes(person), reference, effect) for at, person, reference, effect in rows]


def alone(tx: Tx, row: DecisionRow) -> bool:
    """Say whether a look was at this one person: a request that reached others at the same instant was a list, chosen by nobody."""
    sql = (
        'SELECT 1 FROM decisions d WHERE d.at=? AND d."user"=? AND d.organization=? AND d.action=? AND d.person<>? AND d.person<>? LIMIT 1'
    )
    return tx.one(sql, (row.at, row.user, row.organization, row.action, row.person, b"")) is None
