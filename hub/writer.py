"""The one thread that writes: a queue, one transaction for many submissions, each answered after the commit.

Versions are assigned, conditions and consent epochs are judged under the lock, submission after submission in order. One that is refused
before it wrote anything leaves the group; when one fails later, the group is rolled back and each is tried alone. No submission is appended
twice: its id is looked up first, also where the answer to a commit was lost.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hub.log.envelope import pack
from hub.log.event import NewEvent, Recorded
from hub.log.keys import KeyMoved, Keyring
from hub.log.store import Store, Stored, Tx, Unknown
from schemas.errors import Broken, Busy, Refusal, quiet

GROUP = 64
"""Submissions of one transaction at most; a group is whatever waits, so that a lone client never waits for others."""
QUEUE = 2_000
"""Submissions that may wait; one more is refused with Busy (503, Retry-After)."""
ASK, PAUSE = 20.0, 0.2
"""Seconds for which a database that is away is asked about a commit whose answer was lost, and between two questions."""
AT_ONCE = "HUB-5020"
"""Rule of a refusal that says nothing of the store: too many asked at once."""
Apply = Callable[[Tx, Sequence[Recorded]], None]
_log = logging.getLogger("tsunagu.writer")


@dataclass(slots=True)
class Proposal:
    """A submission prepared outside the lock. `holds` says under the lock whether what it was prepared on still stands."""

    submission: bytes
    events: list[NewEvent]
    holds: Callable[[Tx], bool] | None = None
    again: Callable[[Tx], Proposal] | None = None
    """Prepares it anew from what the transaction sees; may raise a Refusal."""
    also: Callable[[Tx, Sequence[Recorded]], None] | None = None
    """Moves rows that are no table of the log (a follower's position)."""
    answer: Any = None


def free(make: Callable[[], list[NewEvent]], name: bytes = b"") -> Proposal:
    """Propose events that rest on nothing in the log: made anew when another process was first with a key that they lie under.

    `name` = of the submission, where it may come again.
    """
    name = name or os.urandom(16)
    return Proposal(name, make(), again=lambda _: Proposal(name, make()))


@dataclass(slots=True)
class _Job:
    proposal: Proposal | None
    work: Callable[[Tx], Any] | None
    future: Future[Any] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class _Held:
    """What a group has learnt under the lock: submissions that were appended before, and the last versions of streams (0 = none)."""

    known: set[bytes]
    versions: dict[bytes, int]


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a submission; `answer` is the proposal's own, as it was prepared last."""

    recorded: tuple[Recorded, ...]
    answer: Any = None
    name: bytes = b""
    """Id of the submission."""


@dataclass(frozen=True, slots=True)
class Halt:
    """Since when nothing can be recorded, and so nothing is read, and the rule that says why."""

    since: datetime
    rule: str


class Writer:
    """Start it once for a store; `heard` is called after each commit that recorded something."""

    def __init__(self, store: Store, keys: Keyring, apply: Apply, heard: Callable[[], None] = lambda: None) -> None:
        self._store, self._keys, self._apply, self.heard = store, keys, apply, heard
        self.wrote: Callable[[int, Sequence[Written]], None] = _unmeasured
        """Called after each commit with the size of its group and what was recorded: for measuring alone."""
        self._queue: queue.Queue[_Job | None] = queue.Queue(QUEUE)
        self.halt: Halt | None = None
        """Set by the first group that the store does not take, let go by the next that it takes: without a record nothing is given out."""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, proposal: Proposal) -> Future[Written]:
        """Queue a submission; its future gives Written after the commit, or raises the refusal."""
        for event in proposal.events:  # here, in the asker's thread: the writer's own time is the log's
            event.state = pack(event.header, event.body)
        return self._put(_Job(proposal, None))

    def work(self, fn: Callable[[Tx], Any]) -> Future[Any]:
        """Queue rows that no event brings (a follower's): run inside a transaction of the group."""
        return self._put(_Job(None, fn))

    def _put(self, job: _Job) -> Future[Any]:
        if self._closing.is_set() or not self._thread.is_alive():
            raise Busy("HUB-5171")
        try:
            self._queue.put_nowait(job)
        except queue.Full as fault:
            raise Busy(AT_ONCE) from fault
        if not self._thread.is_alive():  # it ended just now: what it left behind is answered here
            self._left()
        return job.future

    def _left(self) -> None:
        """Refuse what came too late to be written: nobody must wait for ever."""
        while True:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return
            if job is not None:
                job.future.set_exception(Busy("HUB-5171"))

    @property
    def waiting(self) -> int:
        """Give how many wait."""
        return self._queue.qsize()

    def close(self) -> None:
        """Finish what is queued and stop."""
        self._closing.set()
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._take()
        finally:
            self._closing.set()
            self._left()

    def _take(self) -> None:
        while (job := self._queue.get()) is not None:
            group = [job]
            while len(group) < GROUP:
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    self._write(group)
                    return
                group.append(following)
            self._write(group)

    def _write(self, group: list[_Job]) -> None:
        """Write what waits. Where other processes wait for the log, a follower's rows do not hold it up: they go by themselves."""
        if self._store.shared and len({job.proposal is None for job in group}) > 1:
            self._together([job for job in group if job.proposal is not None])
            group = [job for job in group if job.proposal is None]
        self._together(group)

    def _together(self, group: list[_Job], *, anew: bool = False) -> None:
        """Write a group in one transaction; when it fails as a whole, each member is tried alone. `anew` = prepare all once more."""
        done: list[tuple[_Job, Any]] = []
        failed: list[tuple[_Job, Refusal]] = []
        try:
            with self._store.write() as tx:
                held = _Held(set(), {})
                if proposals := [job.proposal for job in group if job.proposal is not None]:
                    self._store.lock(tx)
                    held.known.update(self._store.known(tx, [p.submission for p in proposals]))
                    self._versions(tx, held, [e for p in proposals for e in p.events])
                for job in group:
                    before = tx.writes
                    try:
                        done.append((job, self._one(tx, job, held, anew=anew)))
                    except Refusal as refusal:
                        if tx.writes != before:
                            raise
                        failed.append((job, refusal))
                self._keys.store_fresh(e.header.key for _, result in done if isinstance(result, Written) for e in result.recorded)
        except Unknown:
            self._asked(group, done, failed)
        except KeyMoved as moved:
            for job in group:
                self._together([job], anew=_sealed(job, moved.lost))
        except Busy as busy:
            self._halted(busy)
            for job in group:
                job.future.set_exception(busy)
        except Exception as fault:  # noqa: BLE001  whatever it is, nobody must wait for ever
            if len(group) > 1:
                for job in group:
                    self._together([job])
            else:
                group[0].future.set_exception(fault if isinstance(fault, Refusal) else _broken(fault))
        else:
            self._answered(done, failed)

    def _halted(self, busy: Busy) -> None:
        """Remember since when the store takes nothing, and why."""
        rule = busy.issues[0].rule
        if rule != AT_ONCE and (self.halt is None or self.halt.rule != rule):
            since = self.halt.since if self.halt else datetime.now(UTC)
            self.halt = Halt(since, rule)
            _log.error("nothing can be recorded, and so nothing is read: %s", rule)

    def _answered(self, done: list[tuple[_Job, Any]], failed: list[tuple[_Job, Refusal]]) -> None:
        if self.halt is not None and any(isinstance(result, Written) and result.recorded for _, result in done):
            _log.warning("recording works again")
            self.halt = None
        for job, result in done:
            job.future.set_result(result)
        for job, reason in failed:
            job.future.set_exception(reason)
        written = [result for _, result in done if isinstance(result, Written) and result.recorded]
        self.wrote(len(done), written)
        if written:
            self.heard()
            self._store.ring()

    def _asked(self, group: list[_Job], done: list[tuple[_Job, Any]], failed: list[tuple[_Job, Refusal]]) -> None:
        """Learn whether a commit whose answer was lost has happened: under the lock, which it held to its end.

        A database that went away with the answer is waited for: who sent the submission could not ask.
        """
        named = [result.name for _, result in done if isinstance(result, Written) and result.recorded]
        try:
            happened = bool(named) and self._happened(named[0])
        except Exception as fault:  # noqa: BLE001
            for job in group:
                job.future.set_exception(Broken("HUB-5102"))
            _log.error("a commit's outcome is not known", exc_info=quiet(fault))
            return
        if happened:
            self._answered(done, failed)
        else:
            for job in group:
                self._together([job])

    def _happened(self, name: bytes) -> bool:
        until = time.monotonic() + ASK
        while True:
            try:
                with self._store.write() as tx:
                    self._store.lock(tx)
                    return self._store.submission(tx, name) is not None
            except Busy:
                if time.monotonic() > until or self._closing.wait(PAUSE):
                    raise

    def _one(self, tx: Tx, job: _Job, held: _Held, *, anew: bool = False) -> Any:
        if job.proposal is None:
            return job.work(tx) if job.work else None
        proposal = job.proposal
        if proposal.submission in held.known:
            return Written((), proposal.answer)
        if anew or (proposal.holds is not None and not proposal.holds(tx)):
            if proposal.again is None:
                raise Broken("HUB-5022")
            proposal = proposal.again(tx)
        recorded = self._append(tx, proposal, held) if proposal.events else []
        self._apply(tx, recorded)
        if proposal.also is not None:
            proposal.also(tx, recorded)
        if recorded:
            held.known.add(proposal.submission)
        return Written(tuple(recorded), proposal.answer, proposal.submission)

    def _versions(self, tx: Tx, held: _Held, events: Sequence[NewEvent]) -> None:
        """Learn the last versions of the streams whose next version is to be given; under the lock nobody else moves them."""
        streams = {e.stream for e in events if e.version is None} - held.versions.keys()
        if streams:
            held.versions.update(dict.fromkeys(streams, 0))
            held.versions.update(self._store.last_versions(tx, streams))

    def _append(self, tx: Tx, proposal: Proposal, held: _Held) -> list[Recorded]:
        self._versions(tx, held, proposal.events)
        versions = held.versions
        stored: list[Stored] = []
        for event in proposal.events:
            number = event.version if event.version is not None else versions[event.stream] + 1
            versions[event.stream] = number
            stored.append(Stored(event.stream, number, event.topic, event.state or pack(event.header, event.body)))
        positions = self._store.append(tx, stored)
        self._store.settle(tx, proposal.submission, positions)
        return [
            Recorded(position, e.stream, s.version, e.topic, e.header, e.body, e.rows)
            for position, e, s in zip(positions, proposal.events, stored, strict=True)
        ]


def _sealed(job: _Job, keys: frozenset[bytes]) -> bool:
    """Say whether a submission holds an event that was sealed under one of these keys."""
    return job.proposal is not None and any(e.header.key in keys for e in job.proposal.events)


def _unmeasured(_: int, __: Sequence[Written]) -> None:
    """Measure nothing."""


def _broken(fault: BaseException) -> Broken:
    _log.error("a submission failed", exc_info=quiet(fault))
    broken = Broken("HUB-5021")
    broken.__cause__ = fault
    return broken
