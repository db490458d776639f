"""The gate: the only caller of `consent.decide`. Every decision is recorded before anything leaves; without that record nothing does.

A decision holds at the moment at which it is recorded: under the lock the consents' epoch is compared with the one it was taken on, and
when a consent or a link has moved meanwhile it is taken anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from consent.ask import Ask, Decision, Disaster, Network, Record, Requester
from consent.decide import decide, decide_write
from consent.networks import Networks
from hub.clock import milliseconds, moment
from hub.commands import Asking
from hub.gate import labelling
from hub.gate.actors import Actors, Resolution
from hub.gate.known import LEVELS, Knowing, Person, emergency_of
from hub.gate.querying import names_somebody
from hub.gate.recording import Items, Recording, seen_rows
from hub.gate.switching import stands, switch_of
from hub.log.event import NewEvent
from hub.log.keys import DataKey, Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.region import Region
from hub.tables import directives, emergencies, identities, labels, resources
from hub.tables.resources import Row
from hub.vault import Permit
from hub.writer import Proposal, Writer, free
from schemas.events import Owner, SeenRow

_ERASED = Decision("deny", "D-HARD", trail=("erased:yes",))
_RESTRICTED = Decision("deny", "D-RESTRICTED", trail=("restricted:yes",))
_APART = Decision("deny", "D-SCOPE", trail=("compartment:other",))
"""What lies in another compartment is looked up by nobody; should it be asked for all the same, this is the answer."""
_DESK = Decision("permit", "P-DESK", "JP-27-5-ENTRUST", trail=("guard:ok", "desk:yes"))
"""The network's clerk looks at a consent that speaks for the whole network, to change or withdraw it with the person."""
_DESK_PURPOSES = frozenset({"RECORDMGT", "PATADMIN"})
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
    stands: Callable[[Tx], bool] = field(repr=False, compare=False)
    """Says in a later snapshot whether all that these decisions were taken on is as it was: what is sent bit by bit asks before each bit."""


class Gate:
    """Decides, records, and makes permits. Thread-safe."""

    def __init__(
        self, *, store: Store, keys: Keyring, secrets: Secrets, writer: Writer, networks: Networks, region: Region, now: Callable[[], datetime],
        proof: object, statutes: Mapping[str, str] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        """`statutes`: compartment → the law that lets its members see each other's records there."""
        self._store, self._writer, self._keys = store, writer, keys
        self.networks, self._now, self._proof, self._statutes = networks, now, proof, statutes
        self._knowing, self._recording = Knowing(keys, region), Recording(keys=keys, secrets=secrets)
        self._actors = Actors(keys=keys, secrets=secrets, region=region)

    @property
    def network(self) -> Network:
        """Give the edition of the network's rules that holds now."""
        return self.networks.at(self._now())

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
        decisions, references, labelled, stands = written.answer
        given = tuple(
            Given(row, Permit(row.stream, row.version, decision.masks, inside=False, proof=self._proof))
            for row, decision in zip(labelled, decisions, strict=True)
            if decision.gives
        )
        return Released(given, references, decisions, stands)

    def note(self, asking: Asking, person: bytes, decision: Decision) -> str:
        """Record a use that is no question about resources (an officer reads the record of disclosures); give its reference."""

        def again(tx: Tx) -> Proposal:
            event, name = self._event(asking, person, [(decision, ())], self._now(), key=self._key(tx, asking, person, ()))
            return Proposal(os.urandom(16), [event], again=again, answer=name)

        with self._store.read() as tx:
            proposal = again(tx)
        reference: str = self._writer.submit(proposal).result().answer
        return reference

    def looked(self, asking: Asking, persons: Iterable[bytes], decision: Decision) -> None:
        """Record a look at a work list about each of these persons; about nobody where it was empty. Blocks until that is durable."""
        at, looked_up = self._now(), dict.fromkeys(persons) or (b"",)
        self._writer.submit(free(lambda: [self._event(asking, person, [(decision, ())], at)[0] for person in looked_up])).result()

    def inside(self, rows: Sequence[Row]) -> list[Given]:
        """Give permits for the hub's own reckoning (folding stays, matching): what is opened so never leaves by itself."""
        return [Given(row, Permit(row.stream, row.version, frozenset(), inside=True, proof=self._proof)) for row in rows]

    def would(
        self, tx: Tx, askers: Iterable[tuple[Requester, str]], row: Row, *, held: Iterable[directives.DirectiveRow], at: datetime
    ) -> list[Decision]:
        """Decide without recording to which subscribers (with their purposes) an event is matched; delivery decides again.

        `held` = the consents of the person, as of the event, that were in force when the row itself was recorded: how soon the hub comes to
        tell of it must not make the difference. Members of a Group are those of then, too.
        """
        person = self._knowing.as_matched(tx, row.patient, held, row.position)
        found = []
        for requester, purpose in askers:
            who = self._actors.look(tx, requester, at, row.position).requester(person.named)
            found.append(self._one(Ask(who, purpose, at, "disclose"), row, person, self._known(row, person, "")))
        return found

    def as_of(
        self, tx: Tx, asking: Asking, rows: Sequence[Row], *, position: int, at: datetime, rules: Network | None = None,
        session: str | None = None,
    ) -> list[Decision]:  # fmt: skip
        """Decide on each row as it was to be decided at a position and a moment: nothing is recorded, and nothing permitted by it.

        `rules` = the edition of the network's rules; None = the one of that moment. `session` = the break-glass session that it rested on,
        empty = none; None = whichever of the asker's was open.
        """
        people = identities.groups(tx, {row.patient for row in rows if row.patient}, position)
        state = self._knowing.state(tx, people, asking, at, position, session)
        resolution = self._actors.look(tx, asking.requester, at, position, asking.compartment)
        asked = _Asked(asking, whole(at), resolution, switch_of(tx, asking, at, position))
        barred = directives.barred(tx, _nobodys(rows), position)
        persons = [_of(row, state[people.person.get(row.patient, b"")], barred) for row in rows]
        edition, held, wrong = labelling.in_force(tx, position), labelling.stands(tx, rows, position), self._in_error(tx, rows, position)
        return [
            self._one(asked.about(person), row, person, self._known(row, person, edition, wrong), rules)
            for row, person in zip(held, persons, strict=True)
        ]

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
        rules: Network | None = None,
    ) -> list[tuple[bytes, Decision]]:
        """Decide whether data of these types about these Patients (`people` are theirs) may be taken in from this sender: (Patient, decision).

        About a person who is to be erased nothing is taken in from anybody; nor about a new Patient that would be of that person (`joins`:
        those with whom each will be one; they are among `people`). `position` = by the consents as of then; `rules` = by this edition.
        """
        ask = Ask(asking.requester, asking.purpose, whole(at), "collect")
        found = []
        state = self._knowing.state(tx, people, asking, at, position)
        for patient, kinds in types.items():
            only_consents = "Consent" if kinds == {"Consent"} else ""
            person = state[people.person[patient]]
            decision = decide_write(ask, person.directives, rules or self.networks.at(at), resource_type=only_consents, types=kinds)
            barred = {person.barred, *(state[people.person[other]].barred for other in joins.get(patient, ()))}
            found.append((patient, _BARRED.get(max(barred, key=LEVELS.index), decision)))
        return found

    def record_of_collecting(
        self, asking: Asking, decided: Sequence[tuple[bytes, Decision, Sequence[SeenRow]]], persons: Mapping[bytes, bytes], at: datetime
    ) -> list[NewEvent]:
        """Make the events that record these decisions; they go with the submission itself."""
        return [self._event(asking, persons.get(patient, patient), [(decision, seen)], at)[0] for patient, decision, seen in decided]

    # ── shared ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _decided(self, tx: Tx, asking: Asking, rows: Sequence[Row], about: tuple[bytes, ...]) -> Proposal:
        at = whole(self._now())
        people = identities.groups(tx, {row.patient for row in rows if row.patient}, compartment=asking.compartment)
        state = self._knowing.state(tx, people, asking, at)
        nobodys = _nobodys(rows)
        barred = directives.barred(tx, nobodys)
        decisions: list[Decision] = []
        seen: dict[bytes, list[tuple[Decision, Row]]] = {person: [] for person in about}
        switch = switch_of(tx, asking, at)
        asked = _Asked(asking, at, self._actors.look(tx, asking.requester, at, None, asking.compartment), switch)
        sessions = {known.emergency.session for known in state.values() if known.emergency}
        moved, edition, labelled, wrong = labels.moved(tx), labelling.in_force(tx, None), [], self._in_error(tx, rows)
        for row in labelling.stands(tx, rows):
            person = people.person.get(row.patient, b"")
            known = _of(row, state[person], barred)
            record = self._known(row, known, edition, wrong)
            decision = self._here(asking, asked.about(known), row, known, record)
            labelled.append(row if record is None else labelling.labelled(row, record.labels))
            decisions.append(decision)
            seen.setdefault(person, []).append((decision, row))
        if not seen and asking.came.query is not None:
            seen[b""] = []  # that somebody searched is recorded, though nothing was there to decide on
        epochs = directives.epochs_of(tx, people)
        events, references = [], {}
        for person, items in seen.items():
            told, owners = seen_rows(items)
            key = self._key(tx, asking, person, people.patients.get(person, ()))
            event, name = self._event(asking, person, told, at, state.get(person), owners, key, switch)
            events.append(event)
            references[person] = name

        def holds(later: Tx) -> bool:
            return (
                identities.groups(later, people.person, compartment=asking.compartment) == people
                and directives.epochs_of(later, people) == epochs
                and directives.barred(later, nobodys) == barred
                and asked.resolution.stands(later)
                and labels.moved(later) == moved
                and emergencies.all_open(later, sessions)
                and stands(later, switch)
            )

        return Proposal(os.urandom(16), events, holds=holds, answer=(tuple(decisions), references, labelled, holds))

    def record(self, row: Row) -> Record | None:
        """Give what a decision may know of a row; None when its key was erased."""
        return self._knowing.record(row)

    def _event(
        self,
        asking: Asking,
        person: bytes,
        items: Items,
        at: datetime,
        state: Person | None = None,
        owners: tuple[Owner, ...] = (),
        key: DataKey | None = None,
        switch: Disaster | None = None,
    ) -> tuple[NewEvent, str]:
        session = state.emergency.session if state and state.emergency else ""
        rules, declared = self.networks.at(at).version, switch.reference if switch else ""
        return self._recording.event(asking, person, items, at, rules=rules, session=session, switch=declared, owners=owners, persons=key)

    def _key(self, tx: Tx, asking: Asking, person: bytes, patients: Iterable[bytes]) -> DataKey | None:
        """Give a person's own key, where what was searched by could name a person; None where no key of that person is left or known."""
        if not person or not names_somebody(asking.came.query):
            return None
        rows = (resources.newest(tx, patient, asking.compartment) for patient in dict.fromkeys((person, *sorted(patients))))
        return next((key for row in rows if row is not None and row.key and (key := self._keys.held(row.key)) is not None), None)

    def _here(self, asking: Asking, ask: Ask, row: Row, person: Person, record: Record | None) -> Decision:
        """Decide where the asker is registered: in a compartment that rests on a law, others' records by that law.

        Where that law is about a meeting, the compartment is the meeting: whoever is registered there is of its listed members.
        """
        if row.compartment != asking.compartment:
            return _APART
        if row.custodian != asking.requester.organization and (law := self._statutes.get(asking.compartment)):
            meeting = f"compartment/{asking.compartment}"
            member = replace(ask.requester, groups=ask.requester.groups | {meeting})
            ask = replace(ask, requester=member, statute=law, meeting=meeting)
        return self._one(ask, row, person, record)

    def _known(self, row: Row, person: Person, edition: str, wrong: AbstractSet[bytes] = frozenset()) -> Record | None:
        """Give what a decision may know of a row of a person; None for who is erased. `wrong` = streams that were entered in error."""
        found = self._knowing.record(row, edition, person.same) if person.barred != directives.ERASED else None
        return replace(found, in_error=True) if found is not None and row.stream in wrong else found

    def _in_error(self, tx: Tx, rows: Sequence[Row], position: int | None = None) -> frozenset[bytes]:
        """Give the streams, of older versions among these rows, of which the newest one says that all was entered in error."""
        newest = {row.stream: row for row in rows if row.newest}
        found = set[bytes]()
        for stream, place in {row.stream: row.compartment for row in rows if not row.newest}.items():
            row = newest.get(stream) or (resources.newest(tx, stream, place) if position is None else resources.as_of(tx, stream, position))
            record = self._knowing.record(row) if row is not None and not row.deleted else None
            if record is not None and record.in_error:
                found.add(stream)
        return frozenset(found)

    def _one(self, ask: Ask, row: Row, person: Person, record: Record | None, rules: Network | None = None) -> Decision:
        if record is None:
            return _ERASED
        if person.barred and ask.requester.kind != "subject" and ask.requester.organization != row.custodian:
            return _RESTRICTED
        if person.emergency is not None:
            ask = replace(ask, purpose="BTG", emergency=emergency_of(person.emergency, ask.requester))
        rules = rules or self.networks.at(ask.at)
        if row.type == "Consent" and _at_the_desk(ask, record, person, rules):
            return _DESK
        return decide(ask, record, person.held(rules), rules)


def _at_the_desk(ask: Ask, record: Record, person: Person, rules: Network) -> bool:
    """Say whether the network's clerk asks for a consent by which the person speaks to the network itself."""
    who = ask.requester
    if (
        who.kind != "network"
        or who.role != "clerk"
        or ask.purpose not in _DESK_PURPOSES & rules.purposes_by_kind.get("network", frozenset())
    ):
        return False
    return any(d.consent == record.id and d.speaks and d.controller in rules.controllers for d in person.directives)


def _nobodys(rows: Sequence[Row]) -> list[bytes]:
    """Give the streams of the directory that lie under keys of their own, and so can be erased one by one."""
    return sorted({row.stream for row in rows if not row.patient and row.type == "Practitioner"})


def _of(row: Row, person: Person, barred: Mapping[bytes, bytes]) -> Person:
    """Give of whom a row is; one of the directory that is barred by itself is of nobody else."""
    return person if row.stream not in barred else Person((), None, barred[row.stream])


def whole(at: datetime) -> datetime:
    """Give a moment as the log keeps it, in whole milliseconds: a decision is taken on the very moment that it can be repeated with."""
    return moment(milliseconds(at))


class _Asked:
    """One question, put about many persons: whom the consents of each mean has to be looked up for the requester."""

    def __init__(self, asking: Asking, at: datetime, resolution: Resolution, switch: Disaster | None) -> None:
        self.resolution = resolution
        self._plain = Ask(asking.requester, asking.purpose, at, "disclose" if asking.action == "deliver" else "access", disaster=switch)

    def about(self, person: Person) -> Ask:
        """Give the question about one person."""
        who = self.resolution.requester(person.named) if person.named else self._plain.requester
        return self._plain if who is self._plain.requester else replace(self._plain, requester=who)
