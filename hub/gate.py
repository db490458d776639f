"""The gate: the only caller of `consent.decide`. Every decision is recorded before anything leaves; without that record nothing does.

A decision holds at the moment at which it is recorded: under the lock the consents' epoch is compared with the one it was taken on, and
when a consent or a link has moved meanwhile it is taken anew.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType

from consent.ask import Ask, Decision, Emergency, Labels, Network, Record, Requester
from consent.decide import decide, decide_write
from consent.directive import Directive, unreadable
from hub.clock import milliseconds, moment
from hub.commands import Asking
from hub.log.envelope import Header
from hub.log.event import NewEvent, seal_json
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import MAIN, event_id, hub_id, reference
from hub.tables import directives, emergencies, identities
from hub.tables.derive import open_directive, open_facts, record_of
from hub.tables.resources import Row
from hub.vault import Permit
from hub.writer import Proposal, Writer
from schemas.errors import Refusal
from schemas.events import ACCESS_DECIDED, JSON, Decided, Effect, SeenRow

AUDIT = "audit"
"""Compartment of the keys that decisions are sealed under: one for each asking organization, so that erasing a person leaves the audit whole."""
_KEEP, _KEEP_RECORDS = 50_000, 20_000
_ERASED = Decision("deny", "D-HARD", trail=("erased:yes",))
_RESTRICTED = Decision("deny", "D-RESTRICTED", trail=("restricted:yes",))
_LEVELS = (b"", directives.RESTRICTED, directives.ERASED)
_BARRED = {directives.RESTRICTED: _RESTRICTED, directives.ERASED: _ERASED}


@dataclass(frozen=True, slots=True)
class Given:
    """One version that may be opened by the asker."""

    row: Row
    permit: Permit


@dataclass(frozen=True, slots=True)
class Released:
    """What a request came to: what may be opened, in the order asked, and the references of the recorded decisions by person."""

    given: tuple[Given, ...]
    references: Mapping[bytes, str]
    decisions: tuple[Decision, ...]
    """One for each row asked for, in order."""


@dataclass(slots=True)
class _Person:
    """What is in force for a person, in one snapshot."""

    directives: tuple[Directive, ...]
    emergency: emergencies.EmergencyRow | None
    barred: bytes = b""
    """RESTRICTED or ERASED (`hub.tables.directives`)."""


class Gate:
    """Decides, records, and makes permits. Thread-safe."""

    def __init__(
        self, *, store: Store, keys: Keyring, secrets: Secrets, writer: Writer, network: Network, now: Callable[[], datetime], proof: object
    ) -> None:
        self._store, self._keys, self._secrets, self._writer = store, keys, secrets, writer
        self.network, self._now, self._proof = network, now, proof
        self._known: dict[tuple[bytes, int], Directive] = {}
        self._records: dict[bytes, Record] = {}
        """By event; like consents, given only after their key was found."""

    # ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def release(self, asking: Asking, rows: Sequence[Row], *, about: Iterable[bytes] = ()) -> Released:
        """Decide on each row, record, and give permits for what may leave. Blocks until the record is durable.

        `about` = persons that were asked for even where nothing is kept, so that the question itself is recorded.
        """

        def again(tx: Tx) -> Proposal:
            return self._decided(tx, asking, rows, tuple(about))

        with self._store.read() as tx:
            proposal = again(tx)
        proposal.again = again
        written = self._writer.submit(proposal).result()
        decisions, references = written.answer
        given = tuple(
            Given(row, Permit(row.stream, row.version, decision.masks, inside=False, proof=self._proof))
            for row, decision in zip(rows, decisions, strict=True)
            if decision.gives
        )
        return Released(given, references, decisions)

    def note(self, asking: Asking, person: bytes, decision: Decision) -> str:
        """Record a use that is no question about resources (an officer reads the record of disclosures); give its reference."""
        event, name = self._event(asking, person, [(decision, ())], self._now())
        self._writer.submit(Proposal(os.urandom(16), [event])).result()
        return name

    def inside(self, rows: Sequence[Row]) -> list[Given]:
        """Give permits for the hub's own reckoning (folding stays, matching): what is opened so never leaves by itself."""
        return [Given(row, Permit(row.stream, row.version, frozenset(), inside=True, proof=self._proof)) for row in rows]

    def would(
        self, askers: Iterable[tuple[Requester, str]], row: Row, *, held: Iterable[directives.DirectiveRow], at: datetime
    ) -> list[Decision]:
        """Decide without recording to which subscribers (with their purposes) an event is matched; delivery decides again.

        `held` = the consents of the person, as of the event, that were in force when the row itself was recorded: how soon the hub comes to
        tell of it must not make the difference.
        """
        person = self._person(held, None)
        return [self._one(Ask(requester, purpose, at, "disclose"), row, person) for requester, purpose in askers]

    def as_of(self, tx: Tx, asking: Asking, rows: Sequence[Row], *, position: int, at: datetime) -> list[Decision]:
        """Decide on each row as it was to be decided at a position and a moment: nothing is recorded, and nothing permitted by it."""
        people = identities.groups(tx, {row.patient for row in rows if row.patient}, position)
        state = self._state(tx, people, asking, at, position)
        ask = _asked(asking, whole(at))
        return [self._one(ask, row, state[people.person.get(row.patient, b"")]) for row in rows]

    # ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def collect(
        self,
        tx: Tx,
        asking: Asking,
        types: Mapping[bytes, AbstractSet[str]],
        people: identities.Groups,
        at: datetime,
        position: int | None = None,
        joins: Mapping[bytes, AbstractSet[bytes]] = MappingProxyType({}),
    ) -> list[tuple[bytes, Decision]]:
        """Decide whether data of these types about these Patients (`people` are theirs) may be taken in from this sender: (Patient, decision).

        About a person who is to be erased nothing is taken in from anybody; nor about a new Patient that would be of that person (`joins`:
        those with whom each will be one; they are among `people`). `position` = by the consents as of then.
        """
        ask = Ask(asking.requester, asking.purpose, whole(at), "collect")
        found = []
        state = self._state(tx, people, asking, at, position)
        for patient, kinds in types.items():
            only_consents = "Consent" if kinds == {"Consent"} else ""
            person = state[people.person[patient]]
            decision = decide_write(ask, person.directives, self.network, resource_type=only_consents)
            barred = {person.barred, *(state[people.person[other]].barred for other in joins.get(patient, ()))}
            found.append((patient, _BARRED.get(max(barred, key=_LEVELS.index), decision)))
        return found

    def record_of_collecting(
        self, asking: Asking, decided: Sequence[tuple[bytes, Decision, Sequence[SeenRow]]], persons: Mapping[bytes, bytes], at: datetime
    ) -> list[NewEvent]:
        """Make the events that record these decisions; they go with the submission itself."""
        return [self._event(asking, persons.get(patient, patient), [(decision, seen)], at)[0] for patient, decision, seen in decided]

    # ── shared ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _decided(self, tx: Tx, asking: Asking, rows: Sequence[Row], about: tuple[bytes, ...]) -> Proposal:
        at = whole(self._now())
        people = identities.groups(tx, {row.patient for row in rows if row.patient})
        state = self._state(tx, people, asking, at)
        nobodys = _nobodys(rows)
        barred = directives.barred(tx, nobodys)
        decisions: list[Decision] = []
        seen: dict[bytes, list[tuple[Decision, SeenRow]]] = {person: [] for person in about}
        ask = _asked(asking, at)
        for row in rows:
            person = people.person.get(row.patient, b"")
            decision = self._one(ask, row, state[person] if row.stream not in barred else _Person((), None, barred[row.stream]))
            decisions.append(decision)
            seen.setdefault(person, []).append((decision, _seen(row, decision)))
        epochs = directives.epochs_of(tx, people)
        events, references = [], {}
        for person, items in seen.items():
            event, name = self._event(asking, person, [(d, [s]) for d, s in items], at, state.get(person))
            events.append(event)
            references[person] = name

        def holds(later: Tx) -> bool:
            return (
                directives.epochs_of(later, identities.groups(later, people.patients)) == epochs
                and directives.barred(later, nobodys) == barred
            )

        return Proposal(os.urandom(16), events, holds=holds, answer=(tuple(decisions), references))

    def _state(self, tx: Tx, people: identities.Groups, asking: Asking, at: datetime, position: int | None = None) -> dict[bytes, _Person]:
        """Give what is in force for each of these persons, now or as of a position; for the directory (no person) nothing is."""
        by_patient: dict[bytes, list[directives.DirectiveRow]] = {}
        for row in directives.in_force(tx, (patient for patients in people.patients.values() for patient in patients), position):
            by_patient.setdefault(row.patient, []).append(row)
        sessions: dict[bytes, emergencies.EmergencyRow] = {}
        if asking.requester.person:
            for o in emergencies.open_for(tx, asking.requester.person, milliseconds(at)):
                if o.organization == asking.requester.organization and (position is None or o.position <= position):
                    sessions.setdefault(identities.person_of(tx, o.patient, position), o)
        state = {b"": _Person((), None)}
        for person, patients in people.patients.items():
            rows = sorted(row for patient in patients for row in by_patient.get(patient, ()))
            state[person] = self._person(rows, sessions.get(person))
        return state

    def _person(self, rows: Iterable[directives.DirectiveRow], session: emergencies.EmergencyRow | None) -> _Person:
        """Open what is in force for one person."""
        held, barred = [], b""
        for row in rows:
            if not row.key:
                barred = max(barred, row.directive, key=_LEVELS.index)
            elif (found := self._directive(row)) is not None:
                held.append(found)
        return _Person(tuple(held), session, barred)

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
            made = unreadable(consent=named, version=row.version, patient=about, custodian="", controller="NW", at=datetime.now(UTC))
        self._known[name] = made
        return made

    def _one(self, ask: Ask, row: Row, person: _Person) -> Decision:
        record = self.record(row) if person.barred != directives.ERASED else None
        if record is None:
            return _ERASED
        if person.barred and ask.requester.kind != "subject" and ask.requester.organization != row.custodian:
            return _RESTRICTED
        if person.emergency is not None:
            ask = replace(ask, purpose="BTG", emergency=_emergency(person.emergency, ask.requester, record))
        return decide(ask, record, person.directives, self.network)

    def record(self, row: Row) -> Record | None:
        """Give what a decision may know of a row; None when its key was erased."""
        key = self._keys.held(row.key)
        if key is None:
            return None
        if (known := self._records.get(row.event)) is not None:
            return known
        sensitivities = None if row.sensitivities is None else frozenset(filter(None, row.sensitivities.split("|")))
        labels = Labels(row.confidentiality or None, sensitivities)
        cell = open_facts(key, row.facts, row.event)
        made = record_of(cell, custodian=row.custodian, kind=row.type, stream=row.stream, patient=row.patient, labels=labels)
        if len(self._records) >= _KEEP_RECORDS:
            self._records.clear()
        self._records[row.event] = made
        return made

    def _event(
        self,
        asking: Asking,
        person: bytes,
        items: Sequence[tuple[Decision, Sequence[SeenRow]]],
        at: datetime,
        state: _Person | None = None,
    ) -> tuple[NewEvent, str]:
        """Make the event of one request about one person."""
        lead, effect, obligations = summed_up([d for d, _ in items])
        name = reference()
        requester = asking.requester
        recorded = milliseconds(at)
        event = event_id(recorded)
        stream = os.urandom(16)
        body = Decided(
            reference=name,
            request=asking.request,
            organization=requester.organization,
            kind=requester.kind,
            role=requester.role,
            user=requester.person,
            purpose=asking.purpose,
            action=asking.action,
            effect=effect,
            reason=lead.reason,
            basis=lead.basis,
            network=self.network.version,
            consents=tuple((c.consent, c.version, c.effect) for c in lead.consents),
            trail=lead.trail,
            obligations=obligations,
            seen=tuple(s for _, rows in items for s in rows),
            session=state.emergency.session if state and state.emergency and lead.reason.startswith(("P-BTG", "R-BTG")) else "",
            asof=asking.asof,
        )
        key = self._keys.of(self._secrets.name("audit", requester.organization), AUDIT)
        header = Header(
            event=event, submission=b"", recorded=recorded, occurred=0, schema=JSON, shard=0, compartment=MAIN, custodian=requester.organization,
            kind="AccessDecided", patient=person, pseudonym=self._secrets.pseudonym(person) if person else b"", key=key.key_id, digest=b"",
            confidentiality="", sensitivities=(),
        )  # fmt: skip
        return NewEvent(stream, ACCESS_DECIDED, header, seal_json(key, body, stream=stream, event=event), version=1, rows=body), name


def _nobodys(rows: Sequence[Row]) -> list[bytes]:
    """Give the streams of the directory that lie under keys of their own, and so can be erased one by one."""
    return sorted({row.stream for row in rows if not row.patient and row.type == "Practitioner"})


def _seen(row: Row, decision: Decision) -> SeenRow:
    return SeenRow(
        row.type, hub_id(row.stream), row.version, decision.effect, decision.reason, decision.basis, tuple(sorted(decision.masks))
    )


def whole(at: datetime) -> datetime:
    """Give a moment as the log keeps it, in whole milliseconds: a decision is taken on the very moment that it can be repeated with."""
    return moment(milliseconds(at))


def _asked(asking: Asking, at: datetime) -> Ask:
    return Ask(asking.requester, asking.purpose, at, "disclose" if asking.action == "deliver" else "access")


def summed_up(decisions: Sequence[Decision]) -> tuple[Decision, Effect, tuple[str, ...]]:
    """Give what one request about one person came to: the decision that speaks for it, its effect, its obligations."""
    return _lead(decisions), _effect(decisions), tuple(sorted({o for d in decisions for o in d.obligations}))


def _lead(decisions: Sequence[Decision]) -> Decision:
    """Give the decision that speaks for the request: the commonest of those that gave something, else the commonest refusal."""
    if not decisions:
        return Decision("deny", "D-NOTHING", trail=("found:no",))
    given = [d for d in decisions if d.gives] or list(decisions)
    reason, _ = Counter(d.reason for d in given).most_common(1)[0]
    return next(d for d in given if d.reason == reason)


def _effect(decisions: Sequence[Decision]) -> Effect:
    if not any(d.gives for d in decisions):
        return "deny"
    return "permit" if all(d.effect == "permit" for d in decisions) else "redact"


def _emergency(row: emergencies.EmergencyRow, requester: Requester, record: Record) -> Emergency:
    return Emergency(
        session=row.session,
        person=requester.person,
        patient=record.patient,
        reason="recorded",  # the typed reason is sealed in the session's own event; that there is one was judged when it was opened
        attested=True,
        second_factor=True,
        opened=datetime.fromtimestamp(row.opened / 1000, UTC),
        closes=datetime.fromtimestamp(row.closes / 1000, UTC),
    )
