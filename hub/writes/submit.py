"""Submit: resources of one sender, checked already, become events; all of them or none.

Order of the work: targets and conditions → references in the text → whose data it is → consent → labels, rows, seal → what was withdrawn.
All that is read on the way is compared under the lock, and prepared anew when it has moved.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Semaphore

from consent.ask import Decision
from hub.commands import Submit, Taken, Write
from hub.gate import Gate
from hub.log.event import NewEvent, Recorded
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import hub_id
from hub.tables import directives, identities, messages, resources
from hub.writer import Proposal, Writer
from hub.writes.conditions import matching
from hub.writes.making import Making
from hub.writes.numbered import Numbered, number
from hub.writes.owners import Owners
from hub.writes.sets import Sets
from hub.writes.targets import Aim
from hub.writes.withdrawals import Withdrawals
from schemas import events
from schemas.errors import Denied, Issue, NotFound, Refusal
from schemas.events import SeenRow

TURNS = 2
"""Submissions that are checked or prepared at a time. Python's threads share one lock: more at once take it from each other a hundred times a
Bundle and push each other out of the processor's cache. One more than one, because a preparation also waits for the database."""
_RULES = {"restricted:yes": "HUB-5111", "erased:yes": "HUB-5112", "concern:yes": "HUB-3052"}
"""Last step of a decision → what the sender is told, where it is not that the person has refused the hub."""
_RESOURCES = frozenset({events.RESOURCE_RECORDED, events.RESOURCE_WITHDRAWN})


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
        self.turns = Semaphore(TURNS)
        """Taken for the work before the commit: for the check of what was sent, and again for its preparation."""
        self._store, self._keys, self._secrets, self._writer, self._gate, self._now, self._base = (
            store,
            keys,
            secrets,
            writer,
            gate,
            now,
            base,
        )

    def __call__(self, command: Submit) -> Answer:
        """Record it; blocks until it is durable. Raises the refusal of the first write that cannot be recorded.

        Who only puts concerns in brings new resources and nothing else, and is told that they were taken: not where they lie, nor what of.
        """
        quiet = command.asking.requester.kind in self._gate.network.concern_kinds
        if quiet and (command.message is not None or any(not _is_new(write) for write in command.writes)):
            raise Denied("HUB-3052")

        def again(tx: Tx) -> Proposal:
            return self._prepare(tx, command)

        try:
            with self.turns, self._store.read() as tx:
                if command.submission and self._store.submission(tx, command.submission) is not None:
                    return Answer((), repeat=True)
                proposal = again(tx)
            proposal.again = again
            written = self._writer.submit(proposal).result()
        except _Refused as refused:
            self._writer.submit(Proposal(os.urandom(16), refused.events)).result()
            raise refused.refusal from None
        answer: Answer = written.answer
        if answer.repeat:
            return answer
        if quiet:
            return Answer(tuple(Taken(taken.index, 201, "", "", b"") for taken in answer.taken))
        made = {r.stream: r for r in written.recorded if r.topic in _RESOURCES}
        return Answer(tuple(self._settled(t, made.get(t.stream)) for t in answer.taken))

    @staticmethod
    def _settled(taken: Taken, recorded: Recorded | None) -> Taken:
        if recorded is None:
            return taken
        status = taken.status if taken.status == 204 else 201 if recorded.version == 1 else 200
        return Taken(taken.index, status, taken.type, taken.id, taken.stream, recorded.version, recorded.header.recorded, taken.text)

    def _prepare(self, tx: Tx, command: Submit) -> Proposal:
        at = self._now()
        secrets = self._secrets.within(command.asking.compartment)
        aim = Aim(tx, command, secrets, self._keys, self._base)
        self._unsettled(tx, aim, command.settles)
        message = number(tx, aim, command.message, secrets)
        named = command.submission or os.urandom(16)
        work = Making(aim, Owners(tx, aim, secrets), secrets, self._keys, int(at.timestamp() * 1000), named)
        if message is not None and message.repeat:
            settled = [work.settled(command.settles)] if command.settles else []
            return Proposal(work.submission, settled, holds=_holds(aim, command.settles, (), {}, message), answer=Answer((), repeat=True))
        if message is not None:
            Sets(tx, aim, secrets, self._keys).order()
        made = [work.event(t) for t in aim.targets if not t.idle]
        types = _types(made, message)
        joins = {e.header.patient: found for e in made if e is not None and (found := _joins(tx, e))}
        everybody = {*types, *(other for others in joins.values() for other in others)}
        people = identities.groups(tx, everybody, compartment=aim.compartment)
        decided = self._gate.collect(tx, command.asking, types, people, at, joins=joins)
        self._refuse(command, aim, work, decided, people.person, at)
        silent = {t.stream for t in aim.targets if t.write.same_is_silent}
        new = [e for e in made if e is not None and not (e.stream in silent and self._unchanged(tx, aim, e))]
        Withdrawals(tx, aim, self._keys).hold(new, people)
        if message is not None:
            new.append(work.message(message, command.message))
        if command.settles:
            new.append(work.settled(command.settles))
        seen: dict[bytes, list[SeenRow]] = {p: [] for p in types}
        for e in new:
            if e.header.patient and e.topic in _RESOURCES:
                seen[e.header.patient].append(SeenRow(e.header.kind, hub_id(e.stream), e.version or 0, "permit", ""))
        audit = self._gate.record_of_collecting(command.asking, [(p, d, seen[p]) for p, d in decided], people.person, at)
        epochs = directives.epochs_of(tx, people)
        return Proposal(
            work.submission,
            new + audit if new else [],
            holds=_holds(aim, command.settles, people.person.keys(), epochs, message),
            answer=Answer(tuple(work.taken(t) for t in aim.targets)),
        )

    @staticmethod
    def _unsettled(tx: Tx, aim: Aim, settles: bytes) -> None:
        """Refuse a refused message that was taken meanwhile: sent again twice, it is taken once."""
        if settles and not _waits(tx, aim, settles):
            raise NotFound("HUB-5053")

    def _refuse(
        self,
        command: Submit,
        aim: Aim,
        work: Making,
        decided: Sequence[tuple[bytes, Decision]],
        persons: Mapping[bytes, bytes],
        at: datetime,
    ) -> None:
        """Refuse the whole when one person has refused the hub, or is to be erased; the refusal itself is recorded."""
        refused = [(p, d) for p, d in decided if not d.gives]
        if not refused:
            return
        no = {p: _RULES.get(d.trail[-1], "HUB-5040") for p, d in refused}
        issues = [
            Issue(no[owner], aim.where(t.write), code="forbidden") for t in aim.targets if (owner := work.owner.get(t.stream)) in no
        ] or [Issue(min(no.values()), code="forbidden")]
        recording = self._gate.record_of_collecting(command.asking, [(p, d, ()) for p, d in refused], persons, at)
        raise _Refused(Denied(issues=issues), recording)

    def _unchanged(self, tx: Tx, aim: Aim, event: NewEvent) -> bool:
        """Say whether a draft says just what its newest version says."""
        _, digest = _newest(aim, event.stream, tx)
        aim.reading.digests[event.stream] = digest
        return digest == event.header.digest


class _Refused(Refusal):
    """Carries a refusal and its record out of the preparation, also where that is done anew under the lock."""

    def __init__(self, refusal: Refusal, recording: list[NewEvent]) -> None:
        super().__init__(issues=refusal.issues)
        self.refusal, self.events = refusal, recording


def _is_new(write: Write) -> bool:
    """Say whether it is a plain POST: no condition, no key, nothing that an answer could say more of than that it was taken."""
    return write.method == "POST" and not write.key and not write.if_none_exist and "?" not in write.url


def _types(made: Sequence[NewEvent | None], message: Numbered | None) -> dict[bytes, set[str]]:
    """Give the types of what is to be recorded about each Patient."""
    found: dict[bytes, set[str]] = {message.patient: set()} if message else {}
    for e in made:
        if e is not None and e.header.patient:
            found.setdefault(e.header.patient, set()).add(e.header.kind)
    return dict(sorted(found.items()))


def _joins(tx: Tx, made: NewEvent) -> set[bytes]:
    """Give the Patients that bear a number of a Patient that is to be recorded: by the rule they are one person."""
    if made.header.kind != "Patient" or made.rows is None or not made.rows.insured:
        return set()
    return identities.carriers(tx, made.rows.insured) - {made.stream}


def _waits(tx: Tx, aim: Aim, settles: bytes) -> bool:
    row = messages.refusal(tx, aim.custodian, settles, aim.compartment)
    return row is not None and row.settled is None and row.erased is None


def _holds(
    aim: Aim, settles: bytes, patients: Collection[bytes], epochs: Mapping[bytes, int], message: Numbered | None
) -> Callable[[Tx], bool]:
    """Compare under the lock all that was read: conditions, versions, digests, consents, the message's number."""
    reading = aim.reading

    def holds(tx: Tx) -> bool:
        return (
            all(
                tuple(r.stream for r in matching(tx, kind, mark, aim.custodian, aim.compartment)) == was
                for mark, (kind, was) in reading.conditions.items()
            )
            and all(_newest(aim, stream, tx)[0] == was for stream, was in reading.versions.items())
            and all(_newest(aim, stream, tx)[1] == was for stream, was in reading.digests.items())
            and directives.epochs_of(tx, identities.groups(tx, patients, compartment=aim.compartment)) == epochs
            and (message is None or messages.digest_of(tx, message.stream) == message.before)
            and (not settles or _waits(tx, aim, settles))
        )

    return holds


def _newest(aim: Aim, stream: bytes, tx: Tx) -> tuple[int, bytes | None]:
    """Give version and digest of a stream's newest version; (0, None) when there is none."""
    row = resources.newest(tx, stream, aim.compartment)
    return (row.version, row.digest) if row is not None else (0, None)
