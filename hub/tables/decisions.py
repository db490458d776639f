"""Who asked for whose data, when, and what came of it: the index over AccessDecided events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from hub.tables.wheres import Where
from schemas.events import ACCESS_DECIDED, Decided, SeenRow

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS decisions (
  position INTEGER PRIMARY KEY, reference TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, person BLOB NOT NULL, organization TEXT NOT NULL,
  "user" TEXT NOT NULL, role TEXT NOT NULL, purpose TEXT NOT NULL, action TEXT NOT NULL, effect TEXT NOT NULL, reason TEXT NOT NULL,
  basis TEXT NOT NULL, session TEXT NOT NULL, asof TEXT NOT NULL, given TEXT NOT NULL, custodians TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS decisions_person ON decisions (person, position)",
    "CREATE INDEX IF NOT EXISTS decisions_at ON decisions (at, position)",
    "CREATE INDEX IF NOT EXISTS decisions_organization ON decisions (organization, position)",
    'CREATE INDEX IF NOT EXISTS decisions_user ON decisions ("user", position)',
    "CREATE INDEX IF NOT EXISTS decisions_reason ON decisions (reason, position)",
    "CREATE INDEX IF NOT EXISTS decisions_session ON decisions (session, position) WHERE session<>''",
)
VERSION = 2
TABLES = ("decisions",)
COLUMNS = (
    "position", "reference", "at", "person", "organization", '"user"', "role", "purpose", "action", "effect", "reason", "basis", "session",
    "asof", "given", "custodians",
)  # fmt: skip
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM decisions"
GIVING = frozenset({"read", "search", "view", "deliver"})
"""Actions by which something leaves. What is written comes in; an officer's look and an emergency's opening release nothing by themselves."""


class DecisionRow(NamedTuple):
    """Where a decision stands in the log, and the columns it is searched by."""

    position: int
    reference: str
    at: int
    person: bytes
    organization: str
    user: str
    role: str
    purpose: str
    action: str
    effect: str
    reason: str
    basis: str
    session: str
    asof: str
    given: str
    """What left, by type and number: `Condition:2 Observation:5`; empty = nothing did."""
    custodians: str
    """Whose records those were: codes, parted by blanks; empty = nothing left, or the decision is of an edition that did not say."""


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Take decisions in."""
    rows = [
        (
            r.position,
            d.reference,
            r.header.recorded,
            r.header.patient,
            d.organization,
            d.user,
            d.role,
            d.purpose,
            d.action,
            d.effect,
            d.reason,
            d.basis,
            d.session,
            d.asof,
            *_given(d),
        )
        for r in recorded
        if r.topic == ACCESS_DECIDED and isinstance(d := r.rows, Decided)
    ]
    if rows:
        tx.insert("decisions", COLUMNS, rows)


def gave(seen: SeenRow) -> bool:
    """Say whether anything of a resource left."""
    return seen.effect == "permit" or (seen.effect == "redact" and "resource" not in seen.masks)


def _given(d: Decided) -> tuple[str, str]:
    """Give the columns `given` and `custodians`."""
    if d.effect == "deny" or d.action not in GIVING:
        return "", ""
    left = [s for s in d.seen if gave(s)]
    types = Counter([s.type for s in left])
    owners = {d.owners[s.owner].custodian for s in left if s.owner >= 0}
    return " ".join([f"{kind}:{types[kind]}" for kind in sorted(types)]), " ".join(sorted(owners))


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
    role: str = ""
    reason: str = ""
    basis: str = ""
    session: str = ""


def search(tx: Tx, by: Filter, *, limit: int, below: int | None = None, custodian: str = "") -> list[DecisionRow]:
    """Give decisions, newest first. `below` = go on under this position; `custodian` = only those by which something of its records left."""
    where, params = _where(by)
    if custodian:
        where.append("' ' || custodians || ' ' LIKE ?")
        params.append(f"% {custodian} %")
    if below is not None:
        where.append("position<?")
        params.append(below)
    return [
        DecisionRow(*r) for r in tx.all(f"{_SELECT} WHERE {' AND '.join(where) or 'true'} ORDER BY position DESC LIMIT ?", (*params, limit))
    ]


def count(tx: Tx, by: Filter) -> int:
    """Count decisions."""
    where, params = _where(by)
    return int(tx.one(f"SELECT count(*) FROM decisions WHERE {' AND '.join(where) or 'true'}", params)[0])


def _where(by: Filter) -> tuple[list[str], list[object]]:
    where = Where()
    where.one_of("person", by.persons)
    if by.effect == GIVEN:
        where.said.append("effect<>'deny'")
        by = by._replace(effect="")
    for column in ("organization", "user", "role", "purpose", "effect", "action", "reference", "reason", "basis", "session"):
        where.equal(column, getattr(by, column))
    if by.session:
        where.said.append("session<>''")  # so that the index over sessions alone is taken
    where.between(by.since, by.until)
    return where.said, where.params
