"""What the hub and its office did, beside decisions: sign-ins, tokens, starts, emergency accesses, links, erasures. The index for the search of AuditEvents.

A row follows from the header alone, but for who it was: that lies in the body, and goes with the person whose key the body is under.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Any, NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from hub.names import MAIN
from hub.tables.wheres import Where
from schemas import breach_events, capacity_events, emergency_events, events, sign_in_events

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS acts (
  position INTEGER PRIMARY KEY, name TEXT NOT NULL, at INTEGER NOT NULL, topic TEXT NOT NULL, person BLOB NOT NULL, organization TEXT NOT NULL,
  "user" TEXT NOT NULL, effect TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS acts_name ON acts (name)",
    "CREATE INDEX IF NOT EXISTS acts_person ON acts (person, position)",
    "CREATE INDEX IF NOT EXISTS acts_at ON acts (at)",
)
VERSION = 1
TABLES = ("acts",)
_COLUMNS = ("position", "name", "at", "topic", "person", "organization", '"user"', "effect")
PREFIX = "act-"
"""Begins the names of acts, so that they are told from references of decisions."""
_BY: Mapping[str, Callable[[Any], str]] = MappingProxyType({
    emergency_events.EMERGENCY_OPENED: lambda body: body.user,
    emergency_events.EMERGENCY_CLOSED: lambda body: body.by,
    emergency_events.EMERGENCY_REVIEWED: lambda body: body.by,
    emergency_events.EMERGENCY_CODE_REFUSED: lambda body: body.user,
    emergency_events.NOTICE_SETTLED: lambda body: body.by,
    emergency_events.BREACH_SUSPECTED: lambda body: body.by,
    breach_events.BREACH_STEP: lambda body: body.by,
    emergency_events.DISASTER_PROPOSED: lambda body: body.by,
    emergency_events.DISASTER_DECLARED: lambda body: body.second,
    emergency_events.DISASTER_ENDED: lambda body: body.by,
    capacity_events.CAPACITY_STATED: lambda body: body.by,
    events.PERSON_LINKED: lambda body: body.by,
    events.PERSON_UNLINKED: lambda body: body.by,
    events.FOLLOWER_SKIPPED: lambda body: body.by,
    events.PROVISION_RESTRICTED: lambda body: body.by,
    events.PROVISION_RESTORED: lambda body: body.by,
    events.KEY_ERASED: lambda body: body.by,
    events.SIGNED_IN: lambda body: body.user,
    events.SIGNED_OUT: lambda body: body.user,
    events.TOKEN_ISSUED: lambda body: body.by,
    events.TOKEN_REVOKED: lambda body: body.by,
    sign_in_events.USER_INVITED: lambda body: body.by,
    sign_in_events.PASSKEY_REGISTERED: lambda body: body.user,
    sign_in_events.PASSKEYS_REVOKED: lambda body: body.by,
    events.ACCESS_REVIEWED: lambda body: body.by,
    events.UNUSUAL_SETTLED: lambda body: body.by,
})  # fmt: skip
"""Topic → who did it."""
TOPICS = frozenset({
    *_BY, events.KEY_DESTROYED, events.LABELS_REVISED, events.HUB_STARTED, events.HUB_STOPPED, events.AUDIT_RESUMED, events.SIGN_IN_REFUSED,
})  # fmt: skip
"""Of whatever is an act."""
READ = TOPICS - {events.KEY_DESTROYED, events.LABELS_REVISED}
"""Of those whose body is opened for a row: long ones that tell nothing of it are not."""
PERSONS = (emergency_events.EMERGENCY_OPENED, capacity_events.CAPACITY_STATED, events.PERSON_LINKED, events.PERSON_UNLINKED)
"""Of what is sealed under the key of the person concerned: who did it is forgotten with that person, but for who broke the glass: the tombstone tells."""
_OF_SOMEBODY = frozenset({
    events.SIGNED_IN, events.SIGNED_OUT, events.SIGN_IN_REFUSED, emergency_events.EMERGENCY_CODE_REFUSED, sign_in_events.PASSKEY_REGISTERED,
})  # fmt: skip
_REFUSED = frozenset({events.SIGN_IN_REFUSED, emergency_events.EMERGENCY_CODE_REFUSED})


class ActRow(NamedTuple):
    """Where an act stands in the log, and the columns that it is searched by. `effect`: permit, deny."""

    position: int
    name: str
    at: int
    topic: str
    person: bytes
    organization: str
    user: str
    effect: str


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Take acts in."""
    tx.insert("acts", _COLUMNS, [_values(r) for r in recorded if r.topic in TOPICS])
    for r in recorded:
        if r.topic == events.KEY_ERASED and isinstance(e := r.rows, events.Erased):
            owners = sorted({bytes.fromhex(k.owner) for k in e.keys if k.compartment == MAIN})
            forget = f'UPDATE acts SET "user"=? WHERE person=? AND topic IN ({",".join("?" * len(PERSONS))})'
            tx.many(forget, [("", owner, *PERSONS) for owner in owners])
            tx.many('UPDATE acts SET "user"=? WHERE position=?', [(s.user, s.position) for s in e.sessions])  # who broke glass stays known


def _values(r: Recorded) -> tuple[object, ...]:
    by = _BY[r.topic](r.rows) if r.topic in _BY and r.rows is not None else ""
    organization = r.rows.organization if r.topic in _OF_SOMEBODY and r.rows is not None else r.header.custodian
    effect = "deny" if r.topic in _REFUSED else "permit"
    return r.position, name_of(r.header.event), r.header.recorded, r.topic, r.header.patient, organization, by, effect


def name_of(event: bytes) -> str:
    """Give the name by which an act is known outside: of its event's id, and telling nothing of it."""
    return PREFIX + base64.b32encode(sha256(b"act" + event).digest()[:15]).decode().lower()


class Filter(NamedTuple):
    """What is searched by. Times in milliseconds, `until` exclusive; empty = any."""

    persons: tuple[bytes, ...] = ()
    organization: str = ""
    user: str = ""
    effect: str = ""
    topics: tuple[str, ...] = ()
    name: str = ""
    since: int | None = None
    until: int | None = None


def search(tx: Tx, by: Filter, *, limit: int, below: int | None = None) -> list[ActRow]:
    """Give acts, newest first. `below` = go on under this position."""
    where, params = _where(by)
    if below is not None:
        where.append("position<?")
        params.append(below)
    columns = ", ".join(_COLUMNS)
    found = tx.all(f"SELECT {columns} FROM acts WHERE {' AND '.join(where) or 'true'} ORDER BY position DESC LIMIT ?", (*params, limit))
    return [ActRow(*r) for r in found]


def count(tx: Tx, by: Filter) -> int:
    """Count acts."""
    where, params = _where(by)
    return int(tx.one(f"SELECT count(*) FROM acts WHERE {' AND '.join(where) or 'true'}", params)[0])


def _where(by: Filter) -> tuple[list[str], list[object]]:
    where = Where()
    where.one_of("person", by.persons)
    where.one_of("topic", by.topics)
    for column in ("organization", "user", "effect", "name"):
        where.equal(column, getattr(by, column))
    where.between(by.since, by.until)
    return where.said, where.params


def persons(tx: Tx) -> list[bytes]:
    """Give all whom a decision or an act was about, in no order: for the one who is known by a pseudonym alone."""
    sql = "SELECT person FROM decisions WHERE person<>? UNION SELECT person FROM acts WHERE person<>?"
    return [bytes(person) for (person,) in tx.all(sql, (b"", b""))]
