"""The switch of a disaster (災害時の開示): asked for by one officer, agreed to by another, for some organizations and some hours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from schemas.emergency_events import (
    DISASTER_DECLARED,
    DISASTER_ENDED,
    DISASTER_PROPOSED,
    DisasterDeclared,
    DisasterEnded,
    DisasterProposed,
)

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS disasters (
  position INTEGER PRIMARY KEY, reference TEXT NOT NULL UNIQUE, first TEXT NOT NULL, step INTEGER NOT NULL, area TEXT NOT NULL,
  organizations TEXT NOT NULL, hours INTEGER NOT NULL, asked INTEGER NOT NULL, void INTEGER NOT NULL, renews TEXT NOT NULL, second TEXT NOT NULL,
  second_step INTEGER NOT NULL, declared INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL, shut INTEGER NOT NULL,
  ended INTEGER NOT NULL, ended_by TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS disasters_shut ON disasters (shut, until)",
)
VERSION = 1
TABLES = ("disasters",)
PREFIX = "dis-"
"""Begins the references of switches, so that they are told from break-glass sessions."""


class DisasterRow(NamedTuple):
    """One switch. Times in milliseconds, 0 = not yet; `declared` and `shut` = positions, 0 = not yet; `organizations` = codes, parted by blanks."""

    position: int
    reference: str
    first: str
    step: int
    area: str
    organizations: str
    hours: int
    asked: int
    void: int
    renews: str
    second: str
    second_step: int
    declared: int
    since: int
    until: int
    shut: int
    ended: int
    ended_by: str


_COLUMNS = DisasterRow._fields
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM disasters"


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Follow proposals, declarations and ends."""
    for r in recorded:
        if r.topic == DISASTER_PROPOSED and isinstance(p := r.rows, DisasterProposed):
            row = DisasterRow(
                r.position, p.reference, p.by, p.step, p.area, " ".join(p.organizations), p.hours, p.at, p.void, p.renews, "", 0, 0, 0, 0, 0, 0, "",
            )  # fmt: skip
            tx.insert("disasters", _COLUMNS, [row])
        elif r.topic == DISASTER_DECLARED and isinstance(d := r.rows, DisasterDeclared):
            tx.run(
                "UPDATE disasters SET second=?, second_step=?, declared=?, since=?, until=? WHERE reference=? AND declared=0",
                (d.second, d.step, r.position, d.since, d.until, d.reference),
            )
        elif r.topic == DISASTER_ENDED and isinstance(e := r.rows, DisasterEnded):
            tx.run("UPDATE disasters SET shut=?, ended=?, ended_by=? WHERE reference=? AND shut=0", (r.position, e.at, e.by, e.reference))


def on(tx: Tx, at: int, position: int | None = None) -> list[DisasterRow]:
    """Give the switches that are on at a moment, oldest first; `position` = by what had been recorded until then."""
    where, params = "declared>0 AND since<=? AND until>?", (at, at)
    if position is None:
        return [DisasterRow(*r) for r in tx.all(f"{_SELECT} WHERE {where} AND shut=0 ORDER BY position", params)]
    where += " AND declared<=? AND (shut=0 OR shut>?)"
    return [DisasterRow(*r) for r in tx.all(f"{_SELECT} WHERE {where} ORDER BY position", (*params, position, position))]


def waiting(tx: Tx, at: int) -> list[DisasterRow]:
    """Give the proposals that another officer may still agree to, oldest first."""
    return [DisasterRow(*r) for r in tx.all(f"{_SELECT} WHERE declared=0 AND shut=0 AND void>? ORDER BY position", (at,))]


def over(tx: Tx, at: int) -> list[DisasterRow]:
    """Give the switches whose time is over at a moment and whose end is not recorded, oldest first."""
    return [DisasterRow(*r) for r in tx.all(f"{_SELECT} WHERE declared>0 AND shut=0 AND until<=? ORDER BY position", (at,))]


def one(tx: Tx, reference: str) -> DisasterRow | None:
    """Give one switch."""
    found = tx.one(f"{_SELECT} WHERE reference=?", (reference,))
    return DisasterRow(*found) if found else None


def listed(tx: Tx, *, limit: int) -> list[DisasterRow]:
    """Give the newest switches."""
    return [DisasterRow(*r) for r in tx.all(f"{_SELECT} ORDER BY position DESC LIMIT ?", (limit,))]


def code_used(tx: Tx, officer: str, step: int) -> bool:
    """Say whether a one-time code of this time step, or a later one, has served this officer here already."""
    return tx.one("SELECT 1 FROM disasters WHERE (first=? AND step>=?) OR (second=? AND second_step>=?)", (officer, step) * 2) is not None
