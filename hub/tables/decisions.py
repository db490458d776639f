"""Who asked for whose data, when, and what came of it: the index over AccessDecided events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from schemas.events import ACCESS_DECIDED, Decided

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS decisions (
  position INTEGER PRIMARY KEY, reference TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, person BLOB NOT NULL, organization TEXT NOT NULL,
  "user" TEXT NOT NULL, purpose TEXT NOT NULL, action TEXT NOT NULL, effect TEXT NOT NULL, session TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS decisions_person ON decisions (person, position)",
    "CREATE INDEX IF NOT EXISTS decisions_at ON decisions (at)",
)
VERSION = 1
TABLES = ("decisions",)
_COLUMNS = ("position", "reference", "at", "person", "organization", '"user"', "purpose", "action", "effect", "session")


class DecisionRow(NamedTuple):
    """Where a decision stands in the log, and the columns it is searched by."""

    position: int
    reference: str
    at: int
    person: bytes
    organization: str
    user: str
    purpose: str
    action: str
    effect: str
    session: str


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Take decisions in."""
    rows = [
        (r.position, d.reference, r.header.recorded, r.header.patient, d.organization, d.user, d.purpose, d.action, d.effect, d.session)
        for r in recorded
        if r.topic == ACCESS_DECIDED and isinstance(d := r.rows, Decided)
    ]
    if rows:
        tx.insert("decisions", _COLUMNS, rows)


GIVEN = "given"
"""Effect of a filter: permitted whole or in part."""


class Filter(NamedTuple):
    """What an officer searches by. Times in milliseconds, `until` exclusive; empty = any."""

    persons: tuple[bytes, ...] = ()
    organization: str = ""
    user: str = ""
    purpose: str = ""
    effect: str = ""
    action: str = ""
    reference: str = ""
    since: int | None = None
    until: int | None = None


def search(tx: Tx, by: Filter, *, limit: int, below: int | None = None) -> list[DecisionRow]:
    """Give decisions, newest first. `below` = go on under this position."""
    where, params = _where(by)
    if below is not None:
        where.append("position<?")
        params.append(below)
    return [
        DecisionRow(*r)
        for r in tx.all(f"SELECT * FROM decisions WHERE {' AND '.join(where) or 'true'} ORDER BY position DESC LIMIT ?", (*params, limit))
    ]


def count(tx: Tx, by: Filter) -> int:
    """Count decisions."""
    where, params = _where(by)
    return int(tx.one(f"SELECT count(*) FROM decisions WHERE {' AND '.join(where) or 'true'}", params)[0])


def _where(by: Filter) -> tuple[list[str], list[object]]:
    where: list[str] = []
    params: list[object] = []
    if by.persons:
        where.append(f"person IN ({','.join('?' * len(by.persons))})")
        params += by.persons
    if by.effect == GIVEN:
        where.append("effect<>'deny'")
        by = by._replace(effect="")
    for column in ("organization", "user", "purpose", "effect", "action", "reference"):
        if text := getattr(by, column):
            where.append(f'"{column}"=?')
            params.append(text)
    if by.since is not None:
        where.append("at>=?")
        params.append(by.since)
    if by.until is not None:
        where.append("at<?")
        params.append(by.until)
    return where, params


def persons(tx: Tx) -> list[bytes]:
    """Give the persons that any decision was about."""
    return [bytes(r[0]) for r in tx.all("SELECT DISTINCT person FROM decisions WHERE person<>? ORDER BY person", (b"",))]
