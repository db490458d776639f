"""漏えいの範囲: whose data may have left, which, and by which clocks it has to be told (Art. 26). For the network's officers alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from hub.commands import Asking
from hub.gate import Gate
from hub.log.event import open_event
from hub.log.keys import Keyring
from hub.log.store import Store, Tx
from hub.reads.audits import Auditing
from hub.reads.officers import LOOK, officer
from hub.reads.opaque import Opaque
from hub.tables import breaches, directives, identities, scopes
from hub.tables.breaches import BreachRow
from hub.tables.derive import open_directive
from hub.tables.scopes import Found, Part, Wanted
from hub.views.breach import Due, clock
from schemas.emergency_events import BreachSuspected
from schemas.errors import BadValue, NotFound

MOST = 200
"""Breaches that are listed at most, the newest."""
_reason = msgspec.json.Decoder(BreachSuspected).decode


@dataclass(frozen=True, slots=True)
class Suspected:
    """One suspected breach with its clocks. `ended` = closed or not-a-breach; empty = it is open."""

    row: BreachRow
    known: datetime
    clock: tuple[Due, ...]
    steps: tuple[tuple[str, datetime, str], ...]
    """(step, when it was done, by whom), in order."""
    ended: str
    reason: str


@dataclass(frozen=True, slots=True)
class Concerned:
    """One person within a scope. `keys` = data keys that their records lie under, one for each Patient."""

    person: str
    """Opaque reference, for the officer's own addresses."""
    pseudonym: str
    decisions: int
    first: datetime
    last: datetime
    types: tuple[str, ...]
    custodians: tuple[str, ...]
    receivers: tuple[str, ...]
    keys: int
    withdrawn: bool
    """Whether a consent of theirs that held within the stretch holds no more."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose data left within a stretch of the record, and which. `reference` = of the recorded look.

    `unknown` = some decisions are of an edition that did not say whose the records were; `nobodys` = some of what left is about no person.
    """

    reference: str
    wanted: Wanted
    persons: int
    decisions: int
    counts: dict[str, int]
    custodians: tuple[str, ...]
    receivers: tuple[str, ...]
    keys: int
    withdrawn: int
    unknown: bool
    nobodys: bool
    found: tuple[Found, ...]
    parts: tuple[Part, ...]
    withdrawn_persons: frozenset[bytes]
    patients: dict[bytes, int]


class Breaches:
    """The questions over their ports."""

    def __init__(self, *, store: Store, keys: Keyring, gate: Gate, opaque: Opaque, audit: Auditing, now: Callable[[], datetime]) -> None:
        self._store, self._keys, self._gate, self._opaque, self._audit, self._now = store, keys, gate, opaque, audit, now

    # ── clocks ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def listed(self, asking: Asking, *, looked: bool = False) -> tuple[Suspected, ...]:
        """Give the suspected breaches, the newest first; the look is recorded first. `looked` = it was already, with the scope beside."""
        officer(asking)
        if not looked:
            self._gate.note(asking, b"", LOOK)
        with self._store.read() as tx:
            return tuple(self._suspected(tx, row) for row in breaches.newest(tx, MOST))

    def one(self, asking: Asking, reference: str) -> Suspected:
        """Give one; raise NotFound."""
        officer(asking)
        with self._store.read() as tx:
            row = breaches.one(tx, reference)
            if row is None:
                raise NotFound("HUB-5041")
            return self._suspected(tx, row)

    def _suspected(self, tx: Tx, row: BreachRow) -> Suspected:
        steps = breaches.steps(tx, row.reference)
        done = {s.step: _moment(s.done) for s in steps}
        ended = next((s.step for s in steps if s.step in breaches.ENDS), "")
        known = _moment(row.known)
        due = clock(known, malicious=bool(row.malicious), done=done, ended=bool(ended), now=self._now())
        recorded = self._store.event(tx, row.position)
        body = open_event(self._keys, recorded) if recorded is not None else None
        reason = _reason(body).reason if body is not None else ""
        return Suspected(row, known, due, tuple((s.step, _moment(s.done), s.officer) for s in steps), ended, reason)

    # ── scope ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def scope(self, asking: Asking, wanted: Wanted) -> Scope:
        """Sum up what left; the look is recorded first. Raises BadValue (HUB-5196) for a stretch that ends before it begins."""
        officer(asking)
        if wanted.since >= wanted.until:
            raise BadValue("HUB-5196", where="to")
        reference = self._gate.note(asking, b"", LOOK)
        with self._store.read() as tx:
            summed = scopes.summed(tx, wanted)
            somebodys = [found for found in summed.persons if found.person]
            groups = identities.groups(tx, [found.person for found in somebodys])
            named = _together(somebodys, groups.person)
            patients = {found.person: groups.patients[found.person] for found in named}
            withdrawn = self._withdrawn(tx, patients, wanted)
        used = {place for found in named for place in found.parts}
        parts = [part for place, part in enumerate(summed.parts) if place in used]
        return Scope(
            reference=reference, wanted=wanted, persons=len(named), decisions=sum(found.decisions for found in named), counts=summed.counts,
            custodians=tuple(sorted({code for part in parts for code in part.custodians.split()})),
            receivers=tuple(sorted({part.organization for part in parts})), keys=sum(map(len, patients.values())), withdrawn=len(withdrawn),
            unknown=any(not part.custodians for part in parts), nobodys=len(somebodys) < len(summed.persons),
            found=tuple(sorted(named, key=lambda found: (-found.decisions, found.person))), parts=tuple(summed.parts), withdrawn_persons=withdrawn,
            patients={person: len(ids) for person, ids in patients.items()},
        )  # fmt: skip

    def concerned(self, asking: Asking, scope: Scope, first: int = 0, most: int | None = None) -> Iterator[Concerned]:
        """Give the persons of a scope, those first of whom most left."""
        organization = asking.requester.organization
        for found in scope.found[first : None if most is None else first + most]:
            parts = [scope.parts[place] for place in found.parts]
            yield Concerned(
                self._opaque.shut("person", organization, found.person), self._audit.pseudonym(found.person), found.decisions,
                _moment(found.first), _moment(found.last), tuple(sorted({t for part in parts for t in part.types.split()})),
                tuple(sorted({c for part in parts for c in part.custodians.split()})), tuple(sorted({part.organization for part in parts})),
                scope.patients.get(found.person, 0), found.person in scope.withdrawn_persons,
            )  # fmt: skip

    def _withdrawn(self, tx: Tx, patients: dict[bytes, list[bytes]], wanted: Wanted) -> frozenset[bytes]:
        """Give those of whom a consent that stood within the stretch, or since, was taken back by now."""
        of = {patient: person for person, ids in patients.items() for patient in ids}
        ended = directives.overtaken(tx, of, self._position(tx, wanted.since))
        return frozenset(of[patient] for patient, now in ended.values() if now is None or self._over(now))

    def _over(self, row: directives.DirectiveRow) -> bool:
        key = self._keys.held(row.key)
        return key is None or open_directive(key, row.directive, row.event).status != "active"

    @staticmethod
    def _position(tx: Tx, since: int) -> int:
        row = tx.one("SELECT position FROM decisions WHERE at>=? ORDER BY at LIMIT 1", (since,))
        return int(row[0]) if row else 0


def _together(found: list[Found], person: Mapping[bytes, bytes]) -> list[Found]:
    """Give one line for each person by the links of today: decisions stand under the name that each had then."""
    made: dict[bytes, Found] = {}
    for one in found:
        name = person[one.person]
        held = made.get(name)
        made[name] = one._replace(person=name) if held is None else Found(
            name, held.decisions + one.decisions, min(held.first, one.first), max(held.last, one.last), tuple(sorted({*held.parts, *one.parts})),
        )  # fmt: skip
    return list(made.values())


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)
