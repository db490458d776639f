"""The work list of unusual access: what was noticed, on which decisions it stands, what came of it. For officers; each look is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec

from hub.clock import moment
from hub.commands import Asking
from hub.gate import Gate
from hub.log.event import open_event
from hub.log.keys import Keyring
from hub.log.store import Store, Tx
from hub.reads.audits import Auditing
from hub.reads.officers import LOOK, officer
from hub.reads.opaque import Opaque
from hub.tables import identities, unusual
from hub.tables.unusual import Status, UnusualRow
from schemas.errors import NotFound
from schemas.events import Noticed, UnusualSettled

PAGE = 50
_Body = TypeVar("_Body", Noticed, UnusualSettled)


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `person` is an opaque reference with its pseudonym, both empty where it is about nobody in particular."""

    reference: str
    at: datetime
    rule: str
    edition: str
    organization: str
    user: str
    person: str
    pseudonym: str
    since: datetime
    until: datetime
    number: int
    usual: int
    bound: int
    status: Status
    decisions: tuple[str, ...] = ()
    by: str = ""
    note: str = ""
    settled: datetime | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """One page of the work list, newest first, with the cursor of the next."""

    found: tuple[Finding, ...]
    next: str


class Unusual:
    """These questions over their ports. All raise Denied for anybody but officers."""

    def __init__(self, *, store: Store, keys: Keyring, gate: Gate, opaque: Opaque, audit: Auditing) -> None:
        self._store, self._keys, self._gate, self._opaque, self._audit = store, keys, gate, opaque, audit

    def listed(self, asking: Asking, status: Status, cursor: str = "", size: int = PAGE) -> Findings:
        """Give a page of findings of one status."""
        officer(asking)
        self._gate.note(asking, b"", LOOK)
        organization = asking.requester.organization
        below = int.from_bytes(self._opaque.open("unusual", organization, cursor), "big") if cursor else None
        with self._store.read() as tx:
            rows = unusual.listed(tx, status, limit=size + 1, below=below)
            found = tuple(self._finding(tx, organization, row) for row in rows[:size])
        more = self._opaque.shut("unusual", organization, rows[size - 1].position.to_bytes(8, "big")) if len(rows) > size else ""
        return Findings(found, more)

    def one(self, asking: Asking, reference: str) -> Finding:
        """Give a finding with the decisions it stands on, and what the officer said of it. Raises NotFound."""
        officer(asking)
        with self._store.read() as tx:
            row = unusual.one(tx, reference) if reference else None
            if row is None:
                raise NotFound("HUB-5041")
            found = self._finding(tx, asking.requester.organization, row, whole=True)
        self._gate.note(asking, row.patient, LOOK)
        return found

    def _finding(self, tx: Tx, organization: str, row: UnusualRow, *, whole: bool = False) -> Finding:
        person = identities.person_of(tx, row.patient) if row.patient else b""
        noticed = self._opened(tx, row.position, Noticed) if whole else None
        settled = self._opened(tx, row.settled, UnusualSettled) if whole and row.settled else None
        event = self._store.event(tx, row.settled) if settled else None
        return Finding(
            row.reference, moment(row.at), row.rule, row.edition, row.organization, row.asker,
            self._opaque.shut("person", organization, person) if person else "", self._audit.pseudonym(person) if person else "",
            moment(row.since), moment(row.until), row.number, row.usual, row.bound, row.status, noticed.decisions if noticed else (),
            settled.by if settled else "", settled.note if settled else "", moment(event.header.recorded) if event else None,
        )  # fmt: skip

    def _opened(self, tx: Tx, position: int, kind: type[_Body]) -> _Body | None:
        recorded = self._store.event(tx, position)
        body = open_event(self._keys, recorded) if recorded else None
        return msgspec.json.decode(body, type=kind) if body else None
