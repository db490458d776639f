"""Submit: resources of one sender, checked already, become events; all of them or none.

Order of the work: targets and conditions → references in the text → whose data it is → consent → labels, rows, seal. All that is read on
the way is compared under the lock, and prepared anew when it has moved.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import orjson

from consent.ask import Decision, Labels
from consent.labels import label, label_codes
from hub.commands import Message, Submit, Taken
from hub.gate import Gate
from hub.log.envelope import Header
from hub.log.event import NewEvent, Recorded, joined
from hub.log.keys import Keyring
from hub.log.seal import seal_body
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import MAIN, event_id, hub_id
from hub.tables import derive, directives, identities, messages, resources
from hub.writer import Proposal, Writer
from hub.writes.conditions import matching
from hub.writes.owners import Owners
from hub.writes.targets import Aim, Target
from schemas import events
from schemas.errors import Denied, Duplicate, Issue, Refusal
from schemas.events import SeenRow
from schemas.fhir import facts
from schemas.fhir.references import splice


@dataclass(frozen=True, slots=True)
class Answer:
    """What a submission came to. `repeat` = the message had come before, byte for byte: nothing was written."""

    taken: tuple[Taken, ...]
    repeat: bool = False


class Submitting:
    """The command Submit over its ports. Thread-safe."""

    def __init__(
        self, *, store: Store, keys: Keyring, secrets: Secrets, writer: Writer, gate: Gate, now: Callable[[], datetime], base: str
    ) -> None:
        self._store, self._keys, self._secrets, self._writer, self._gate, self._now, self._base = store, keys, secrets, writer, gate, now, base

    def __call__(self, command: Submit) -> Answer:
        """Record it; blocks until it is durable. Raises the refusal of the first write that cannot be recorded."""

        def again(tx: Tx) -> Proposal:
            return self._prepare(tx, command)

        try:
            with self._store.read() as tx:
                proposal = again(tx)
            proposal.again = again
            written = self._writer.submit(proposal).result()
        except _Refused as refused:
            self._writer.submit(Proposal(os.urandom(16), refused.events)).result()
            raise refused.refusal from None
        answer: Answer = written.answer
        if answer.repeat:
            return answer
        made = {r.stream: r for r in written.recorded if r.topic in {events.RESOURCE_RECORDED, events.RESOURCE_WITHDRAWN}}
        return Answer(tuple(self._settled(t, made.get(t.stream)) for t in answer.taken))

    @staticmethod
    def _settled(taken: Taken, recorded: Recorded | None) -> Taken:
        if recorded is None:
            return taken
        status = taken.status if taken.status == 204 else 201 if recorded.version == 1 else 200
        return Taken(
            taken.index, status, taken.type, taken.id, taken.stream, recorded.version, recorded.header.recorded, taken.text
        )

    def _prepare(self, tx: Tx, command: Submit) -> Proposal:
        at = self._now()
        aim = Aim(tx, command, self._secrets, self._keys, self._base)
        message = self._message(tx, aim, command.message)
        if message is not None and message.repeat:
            return Proposal(os.urandom(16), [], answer=Answer((), repeat=True))
        work = _Work(aim, Owners(tx, aim, self._secrets), self._secrets, self._keys, int(at.timestamp() * 1000), os.urandom(16))
        made = [work.event(t) for t in aim.targets if not t.idle]
        patients = sorted({e.header.patient for e in made if e is not None and e.header.patient} | ({message.patient} if message else set()))
        types = {p: {e.header.kind for e in made if e is not None and e.header.patient == p} for p in patients}
        decided = self._gate.collect(tx, command.asking, types, at)
        persons = {p: identities.person_of(tx, p) for p in patients}
        self._refuse(command, aim, work, decided, persons, at)
        new = [e for e in made if e is not None and not self._unchanged(tx, aim, e)]
        if message is not None:
            new.append(work.message(message, command.message))
        if command.settles:
            new.append(work.settled(command.settles))
        seen = {p: [SeenRow(e.header.kind, hub_id(e.stream), e.version or 0, "permit", "") for e in new if e.header.patient == p] for p in patients}
        audit = self._gate.record_of_collecting(command.asking, [(p, d, seen[p]) for p, d in decided], persons, at)
        epochs = {p: directives.epoch(tx, identities.patients_of(tx, persons[p])) for p in patients}
        return Proposal(
            work.submission, new + audit if new else [], holds=_holds(aim, epochs, message), answer=Answer(tuple(work.taken(t) for t in aim.targets))
        )

    def _message(self, tx: Tx, aim: Aim, message: Message | None) -> _Message | None:
        """Compare a message's number with those that came before (facts: facility, number, time and bytes together)."""
        if message is None:
            return None
        stream = self._secrets.name("message", aim.custodian, message.control)
        digest = self._secrets.digest(message.raw)
        before = messages.digest_of(tx, stream)
        if before is not None and before != digest and not message.revises:
            raise Duplicate("HUB-5050")
        return _Message(stream, digest, before, aim.name("Patient", message.patient), repeat=before == digest)

    def _refuse(
        self, command: Submit, aim: Aim, work: _Work, decided: Sequence[tuple[bytes, Decision]], persons: Mapping[bytes, bytes], at: datetime
    ) -> None:
        """Refuse the whole when one person has refused the hub; the refusal itself is recorded."""
        refused = [(p, d) for p, d in decided if not d.gives]
        if not refused:
            return
        no = {p for p, _ in refused}
        issues = [
            Issue("HUB-5040", aim.where(t.write), code="forbidden") for t in aim.targets if work.owner.get(t.stream) in no
        ] or [Issue("HUB-5040", code="forbidden")]
        recording = self._gate.record_of_collecting(command.asking, [(p, d, ()) for p, d in refused], persons, at)
        raise _Refused(Denied(issues=issues), recording)

    def _unchanged(self, tx: Tx, aim: Aim, event: NewEvent) -> bool:
        """Say whether a draft says just what its newest version says."""
        write = next(t.write for t in aim.targets if t.stream == event.stream)
        if not write.same_is_silent:
            return False
        _, digest = _newest(tx, event.stream)
        aim.reading.digests[event.stream] = digest
        return digest == event.header.digest


class _Refused(Exception):
    """Carries a refusal and its record out of the preparation."""

    def __init__(self, refusal: Refusal, recording: list[NewEvent]) -> None:
        super().__init__()
        self.refusal, self.events = refusal, recording


@dataclass(frozen=True, slots=True)
class _Message:
    stream: bytes
    digest: bytes
    before: bytes | None
    patient: bytes
    repeat: bool


def _holds(aim: Aim, epochs: Mapping[bytes, int], message: _Message | None) -> Callable[[Tx], bool]:
    """Compare under the lock all that was read: conditions, If-Match, digests, consents, the message's number."""
    reading, custodian = aim.reading, aim.custodian

    def holds(tx: Tx) -> bool:
        return (
            all(tuple(r.stream for r in matching(tx, kind, mark, custodian)) == was for mark, (kind, was) in reading.conditions.items())
            and all(_newest(tx, stream)[0] == was for stream, was in reading.versions.items())
            and all(_newest(tx, stream)[1] == was for stream, was in reading.digests.items())
            and all(directives.epoch(tx, identities.patients_of(tx, identities.person_of(tx, p))) == e for p, e in epochs.items())
            and (message is None or messages.digest_of(tx, message.stream) == message.before)
        )

    return holds


def _newest(tx: Tx, stream: bytes) -> tuple[int, bytes | None]:
    """Give version and digest of a stream's newest version; (0, None) when there is none."""
    row = resources.newest(tx, stream)
    return (row.version, row.digest) if row is not None else (0, None)


@lru_cache(20_000)
def _label(kind: str, codes: frozenset[str], security: frozenset[str], custodian: str) -> Labels:
    """Label once what comes again and again: the same laboratory codes, the same drugs."""
    return label(kind, codes=codes, security=security, custodian_kind=custodian)


class _Work:
    """Makes the events of one submission."""

    def __init__(self, aim: Aim, owners: Owners, secrets: Secrets, keys: Keyring, at: int, submission: bytes) -> None:
        self._aim, self._owners, self._secrets, self._keys, self._at, self.submission = aim, owners, secrets, keys, at, submission
        self.owner: dict[bytes, bytes] = {}
        self._texts: dict[bytes, bytes] = {}

    def event(self, target: Target) -> NewEvent | None:
        """Make the event of one write."""
        write = target.write
        if write.method == "DELETE":
            return self._withdrawal(target)
        body = write.body
        if body is None:
            return None
        text = body.raw
        if self._aim.needs_change(text):
            text = splice(text, self._aim.change(write))
        tree = body.value if text is body.raw else orjson.loads(text)  # checked already; only addresses differ
        if b'"urn:uuid:' in text:
            self._aim.resolved(write, tree)
        patient, key_owner = self._owners.of(target, body.type, body.value)
        self.owner[target.stream] = patient
        self._texts[target.stream] = text
        content, schema = (joined(text, write.facts), events.TEXT_WITH_FACTS) if write.facts else (text, events.TEXT)
        codes = facts.main_codes(body.type, body.value) | label_codes(body.type, body.value)
        labels = _label(body.type, codes, derive.security(body.value), self._aim.kind)
        key = self._keys.of(key_owner, MAIN)
        event = event_id(self._at)
        header = Header(
            event=event, submission=self.submission, recorded=self._at, occurred=0, schema=schema, shard=0, compartment=MAIN,
            custodian=self._aim.custodian, kind=body.type, patient=patient, pseudonym=self._secrets.pseudonym(patient) if patient else b"",
            key=key.key_id, digest=self._secrets.digest(content), confidentiality=labels.confidentiality or "",
            sensitivities=tuple(sorted(labels.sensitivities or ())),
        )  # fmt: skip
        try:
            rows = derive.make(
                header=header, stream=target.stream, value=tree, text=text, key=key, secrets=self._secrets, name=self._aim.name
            )
        except Refusal as refusal:
            place = self._aim.where(write, ".resource")
            raise type(refusal)(issues=[i.at(place) for i in refusal.issues]) from refusal
        sealed = seal_body(key, content, stream=target.stream, event=event)
        return NewEvent(target.stream, events.RESOURCE_RECORDED, header, sealed, target.version, rows)

    def _withdrawal(self, target: Target) -> NewEvent:
        row = self._owners.row(target.stream)
        event = event_id(self._at)
        header = Header(
            event=event, submission=self.submission, recorded=self._at, occurred=0, schema=events.JSON, shard=0, compartment=MAIN,
            custodian=self._aim.custodian, kind=target.type, patient=row.patient, pseudonym=self._secrets.pseudonym(row.patient) if row.patient else b"",
            key=b"", digest=b"", confidentiality=row.confidentiality, sensitivities=(), deleted=True,
        )  # fmt: skip
        self.owner[target.stream] = row.patient
        return NewEvent(target.stream, events.RESOURCE_WITHDRAWN, header, b"")

    def message(self, message: _Message, sent: Message | None) -> NewEvent:
        """Keep the message as it came, under the person's own key."""
        assert sent is not None
        key = self._keys.of(message.patient, MAIN)
        event = event_id(self._at)
        header = Header(
            event=event, submission=self.submission, recorded=self._at, occurred=sent.occurred, schema=events.JSON, shard=0, compartment=MAIN,
            custodian=self._aim.custodian, kind=sent.layout, patient=message.patient, pseudonym=self._secrets.pseudonym(message.patient),
            key=key.key_id, digest=message.digest, confidentiality="", sensitivities=(),
        )  # fmt: skip
        sealed = seal_body(key, sent.raw, stream=message.stream, event=event)
        return NewEvent(message.stream, events.MESSAGE_RECEIVED, header, sealed)

    def settled(self, refusal: bytes) -> NewEvent:
        """Say that a refused message was taken after all."""
        header = Header(
            event=event_id(self._at), submission=self.submission, recorded=self._at, occurred=0, schema=events.JSON, shard=0, compartment=MAIN,
            custodian=self._aim.custodian, kind="MessageSettled", patient=b"", pseudonym=b"", key=b"", digest=b"", confidentiality="", sensitivities=(),
        )  # fmt: skip
        return NewEvent(refusal, events.MESSAGE_SETTLED, header, b"")

    def taken(self, target: Target) -> Taken:
        """Say what became of a write; version and time are known after the commit."""
        row = target.existing
        if row is not None:
            status = 204 if target.write.method == "DELETE" else 200
            return Taken(target.write.index, status, target.type, target.id, target.stream, row.version, row.updated)
        status = 204 if target.write.method == "DELETE" else 201
        return Taken(target.write.index, status, target.type, target.id, target.stream, text=self._texts.get(target.stream, b""))

