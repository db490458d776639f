"""The record of disclosures as a file: all decisions of a search, batch by batch, in the memory of one."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hub.commands import Asking
from hub.gate import Gate
from hub.log.event import open_event
from hub.log.keys import Keyring
from hub.log.store import Store, Tx
from hub.reads.audits import Auditing
from hub.reads.officers import LOOK, officer
from hub.tables import decisions, identities
from hub.tables.decisions import DecisionRow, Filter
from hub.views.disclosure import instant
from schemas.events import Decided

AT_ONCE = 500
COLUMNS = (
    "reference", "at", "organization", "user", "role", "purpose", "action", "person", "effect", "reason", "basis", "consents", "resources",
    "given", "custodians", "session", "network", "request",
)  # fmt: skip
_decoded = msgspec.json.Decoder(Decided).decode


class Exporting:
    """The question over its ports."""

    def __init__(self, *, store: Store, keys: Keyring, gate: Gate, audit: Auditing) -> None:
        self._store, self._keys, self._gate, self._audit = store, keys, gate, audit

    def every(self, asking: Asking, by: Filter) -> Iterator[list[dict[str, str]]]:
        """Give the cells of all decisions up to this moment, newest first. The look is recorded before the first; raises Denied."""
        officer(asking)
        with self._store.read() as tx:
            head = self._store.head(tx)
        self._gate.note(asking, by.persons[0] if by.persons else b"", LOOK)
        return self._batches(by, head + 1)

    def _batches(self, by: Filter, below: int) -> Iterator[list[dict[str, str]]]:
        while True:
            with self._store.read() as tx:
                rows = decisions.search(tx, by, limit=AT_ONCE, below=below)
                told = self._told(tx, rows)
            if not rows:
                return
            below = rows[-1].position
            yield told

    def _told(self, tx: Tx, rows: list[DecisionRow]) -> list[dict[str, str]]:
        events = self._store.events_at(tx, [row.position for row in rows])
        people = identities.groups(tx, {row.person for row in rows if row.person}).person
        names = {person: self._audit.pseudonym(person) for person in set(people.values())}
        told = []
        for row in rows:
            body = open_event(self._keys, events[row.position])
            decided = _decoded(body) if body is not None else None
            consents = " ".join(f"{c}/{v}:{e}" for c, v, e in decided.consents) if decided else ""
            told.append(dict(zip(COLUMNS, (
                row.reference, instant(row.at), row.organization, row.user, row.role, row.purpose, row.action,
                names[people[row.person]] if row.person else "", row.effect, row.reason, row.basis, consents,
                str(len(decided.seen)) if decided else "", row.given, row.custodians, row.session, decided.network if decided else "",
                decided.request if decided else "",
            ), strict=True)))  # fmt: skip
        return told
