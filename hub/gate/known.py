"""What is known in a snapshot of persons and records when a decision is taken: consents in force, open emergency accesses, facts of a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from consent.ask import Emergency, Network, Record, Requester
from consent.capacity import Capacity
from consent.directive import Directive, unreadable
from consent.held import Held
from consent.restating import withdraws
from consent.rules import REFUSING
from hub.clock import milliseconds
from hub.commands import Asking
from hub.gate.actors import Named, named
from hub.gate.labelling import raised
from hub.log.keys import Keyring
from hub.log.store import Tx
from hub.names import hub_id
from hub.region import Region
from hub.tables import capacities, directives, emergencies, identities
from hub.tables.derive import open_directive, open_facts, record_of
from hub.tables.resources import Row
from schemas.errors import Refusal

_KEEP, _KEEP_RECORDS, _KEEP_READY = 50_000, 20_000, 10_000
_ALWAYS = datetime.min.replace(tzinfo=UTC)
"""When what cannot be read was signed: nobody knows, so it counts at every moment."""
LEVELS = (b"", directives.RESTRICTED, directives.ERASED)
"""What bars a person, from nothing to all."""


@dataclass(frozen=True, slots=True)
class Person:
    """What is in force for a person, in one snapshot."""

    directives: tuple[Directive, ...]
    emergency: emergencies.EmergencyRow | None
    barred: bytes = b""
    """RESTRICTED or ERASED (`hub.tables.directives`)."""
    capacity: tuple[Capacity, ...] = ()
    """All findings, as of the snapshot, of whether the person can decide alone."""
    named: Named = field(default_factory=dict)
    """Recipients that the consents name."""
    same: frozenset[str] = frozenset()
    """All Patients that are this person, where there are several."""
    ready: dict[str, Held] = field(default_factory=dict, compare=False, repr=False)
    """The consents made ready, by edition of the rules; shared by all who know just these consents and findings."""

    def held(self, rules: Network) -> Held:
        """Give the consents ready to be asked under an edition of the rules."""
        if (made := self.ready.get(rules.version)) is None or made.network is not rules:
            made = self.ready[rules.version] = Held(self.directives, rules, self.capacity)
        return made


class Knowing:
    """Opens what a decision may know. Thread-safe."""

    def __init__(self, keys: Keyring, region: Region) -> None:
        self._keys, self._region = keys, region
        self._known: dict[tuple[bytes, int], Directive] = {}
        self._withdrawn: dict[tuple[bytes, int], Directive | None] = {}
        self._records: dict[tuple[bytes, str, str | None, str, frozenset[str]], Record] = {}
        """By event, the label that the log gives it, the edition that raises it, and whom its person is known as; like consents, given only after
        their key was found."""
        self._ready: dict[tuple[tuple[tuple[str, int], ...], tuple[Capacity, ...]], dict[str, Held]] = {}

    def state(
        self, tx: Tx, people: identities.Groups, asking: Asking, at: datetime, position: int | None = None, session: str | None = None
    ) -> dict[bytes, Person]:
        """Give what is in force for each of these persons, now or as of a position; for the directory (no person) nothing is.

        `session` = as of a position, the break-glass session that held; None = whichever of the asker's was open.
        """
        by_patient: dict[bytes, list[directives.DirectiveRow]] = {}
        for row in directives.counting(tx, (patient for patients in people.patients.values() for patient in patients), position):
            by_patient.setdefault(row.patient, []).append(row)
        sessions: dict[bytes, emergencies.EmergencyRow] = {}
        if asking.requester.person:
            for o in emergencies.open_for(tx, asking.requester.person, milliseconds(at), position):
                bound = o.login == asking.login if position is None else not o.login or session in {None, o.session}
                if o.organization == asking.requester.organization and bound:
                    sessions.setdefault(identities.person_of(tx, o.patient, position), o)
        state = {b"": Person((), None)}
        for person, patients in people.patients.items():
            rows = sorted(row for patient in patients for row in by_patient.get(patient, ()))
            found = partial(self._findings, tx, patients, position)
            state[person] = replace(self.person(tx, rows, sessions.get(person), found), same=_together(patients))
        return state

    def as_matched(self, tx: Tx, patient: bytes, rows: Iterable[directives.DirectiveRow], position: int) -> Person:
        """Open what was in force for one person when something was recorded, with the findings about that person as of then."""

        def found() -> tuple[Capacity, ...]:
            return self._findings(tx, identities.patients_of(tx, identities.person_of(tx, patient, position), position), position)

        return self.person(tx, rows, None, found)

    def _findings(self, tx: Tx, patients: Iterable[bytes], position: int | None) -> tuple[Capacity, ...]:
        """Give the findings of whether a person can decide alone, as of a position."""
        opened = (capacities.opened(self._keys, row) for row in capacities.of(tx, patients, position))
        return tuple(capacities.finding(one) for one in opened if one is not None)

    def person(
        self, tx: Tx, rows: Iterable[directives.DirectiveRow], session: emergencies.EmergencyRow | None,
        findings: Callable[[], tuple[Capacity, ...]] = tuple,
    ) -> Person:  # fmt: skip
        """Open what is in force for one person; `findings` of whether that person can decide alone are asked for where a proxy speaks."""
        held, barred = [], b""
        for row in rows:
            if not row.key:
                barred = max(barred, row.directive, key=LEVELS.index)
            elif (found := self._directive(row)) is not None and (not row.gone or found.status in REFUSING):
                held.append(found)
                if found.status in REFUSING and (more := self._also_withdrawn(tx, row, found)) is not None:
                    held.append(more)
        capacity = findings() if any(one.proxy for one in held) else ()
        return Person(tuple(held), session, barred, capacity, named=named(held), ready=self._made_ready(held, capacity))

    def _made_ready(self, held: Sequence[Directive], capacity: tuple[Capacity, ...]) -> dict[str, Held]:
        """Give what was made ready of just these: a consent that moves is another version, and so another name here."""
        name = (tuple((one.consent, one.version) for one in held), capacity)
        if (known := self._ready.get(name)) is None:
            if len(self._ready) >= _KEEP_READY:
                self._ready.clear()
            known = self._ready[name] = {}
        return known

    def _directive(self, row: directives.DirectiveRow) -> Directive | None:
        """Open a consent's canonical form; None when its key was erased."""
        key = self._keys.held(row.key)
        if key is None:
            return None  # erased with its person: there is nothing left that it could speak of
        name = (row.consent, row.version)
        if (known := self._known.get(name)) is not None:
            return known
        if len(self._known) >= _KEEP:
            self._known.clear()
        try:
            made = replace(open_directive(key, row.directive, row.event), version=row.version)
        except Refusal:
            # what cannot be read refuses (consent-and-audit facts §2.5 step 4): nothing is provided while it stands
            named, about = f"Consent/{hub_id(row.consent)}", f"Patient/{hub_id(row.patient)}"
            made = unreadable(consent=named, version=row.version, patient=about, custodian="", controller="NW", at=_ALWAYS)
        self._known[name] = made
        return made

    def _also_withdrawn(self, tx: Tx, row: directives.DirectiveRow, over: Directive) -> Directive | None:
        """Give what a withdrawal withdraws beside what it says itself."""
        name = (row.consent, row.version)
        if name not in self._withdrawn:
            if len(self._withdrawn) >= _KEEP:
                self._withdrawn.clear()
            before = (self._directive(one) for one in directives.earlier(tx, row))
            self._withdrawn[name] = withdraws(over, (one for one in before if one is not None))
        return self._withdrawn[name]

    def record(self, row: Row, edition: str = "", same: frozenset[str] = frozenset()) -> Record | None:
        """Give what a decision may know of a row; None when its key was erased.

        `edition` = of the table of labels, to raise by; empty = none. `same` = all Patients that the row's person is, where there are several.
        """
        key = self._keys.held(row.key)
        if key is None:
            return None
        name = row.event, row.confidentiality, row.sensitivities, edition, same
        if (known := self._records.get(name)) is not None:
            return known
        cell = open_facts(key, row.facts, row.event)
        labels = raised(row, cell, edition, self._kind_of)
        made = record_of(cell, custodian=row.custodian, kind=row.type, stream=row.stream, patient=row.patient, labels=labels)
        made = replace(made, same_person=same) if same else made
        if len(self._records) >= _KEEP_RECORDS:
            self._records.clear()
        self._records[name] = made
        return made

    def _kind_of(self, code: str) -> str:
        office = self._region.offices.get(code)
        return office.kind if office is not None else ""


def _together(patients: Sequence[bytes]) -> frozenset[str]:
    return frozenset(f"Patient/{hub_id(p)}" for p in patients) if len(patients) > 1 else frozenset()


def emergency_of(row: emergencies.EmergencyRow, requester: Requester) -> Emergency:
    """Give an open session as a decision sees it; a record of another Patient of the same person says so itself (`Record.same_person`)."""
    return Emergency(
        session=row.session,
        person=requester.person,
        patient=f"Patient/{hub_id(row.patient)}",
        reason="recorded",  # the typed reason is sealed in the session's own event; that there is one was judged when it was opened
        attested=True,
        second_factor=True,
        opened=datetime.fromtimestamp(row.opened / 1000, UTC),
        closes=datetime.fromtimestamp(row.closes / 1000, UTC),
    )
