"""The one thread that writes: a queue, one transaction for many submissions, each answered after the commit.

Versions are assigned, conditions and consent epochs are judged under the lock, submission after submission in order. A failing one
leaves the group with its refusal; the others go on. No submission is appended twice: its id is looked up first.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from hub.log.envelope import pack
from hub.log.event import NewEvent, Recorded
from hub.log.keys import Keyring
from hub.log.store import Store, Stored, Tx
from schemas.errors import Broken, Busy, Refusal, quiet

GROUP = 64
"""Submissions of one transaction at most; a group is whatever waits, so that a lone client never waits for others."""
QUEUE = 2_000
"""Submissions that may wait; one more is refused with Busy (503, Retry-After)."""
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


@dataclass(slots=True)
class _Job:
    proposal: Proposal | None
    work: Callable[[Tx], Any] | None
    future: Future[Any] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a submission; `answer` is the proposal's own, as it was prepared last."""

    recorded: tuple[Recorded, ...]
    answer: Any = None


class Writer:
    """Start it once for a store; `heard` is called after each commit that recorded something."""

    def __init__(self, store: Store, keys: Keyring, apply: Apply, heard: Callable[[], None] = lambda: None) -> None:
        self._store, self._keys, self._apply, self.heard = store, keys, apply, heard
        self._queue: queue.Queue[_Job | None] = queue.Queue(QUEUE)
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, proposal: Proposal) -> Future[Written]:
        """Queue a submission; its future gives Written after the commit, or raises the refusal."""
        return self._put(_Job(proposal, None))

    def work(self, fn: Callable[[Tx], Any]) -> Future[Any]:
        """Queue rows that no event brings (a follower's): run inside a transaction of the group."""
        return self._put(_Job(None, fn))

    def _put(self, job: _Job) -> Future[Any]:
        try:
            self._queue.put_nowait(job)
        except queue.Full as fault:
            raise Busy("HUB-5020") from fault
        return job.future

    def close(self) -> None:
        """Finish what is queued and stop."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
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
        """Write a group; when the transaction as a whole fails, each member is tried alone."""
        done: list[tuple[_Job, Any]] = []
        failed: list[tuple[_Job, BaseException]] = []
        try:
            with self._store.write() as tx:
                for job in group:
                    tx.run("SAVEPOINT one")
                    try:
                        done.append((job, self._one(tx, job)))
                    except Exception as fault:  # noqa: BLE001  each waits for its own answer
                        tx.run("ROLLBACK TO one")
                        failed.append((job, fault))
                    tx.run("RELEASE one")
                self._keys.store_fresh()
        except Exception as broken:  # noqa: BLE001  whatever it is, nobody must wait for ever
            if len(group) > 1:
                for job in group:
                    self._write([job])
                return
            _log.exception("append failed", exc_info=quiet(broken))
            group[0].future.set_exception(Broken("HUB-5021"))
            return
        for job, result in done:
            job.future.set_result(result)
        for job, reason in failed:
            job.future.set_exception(reason if isinstance(reason, Refusal) else _broken(reason))
        if any(isinstance(result, Written) and result.recorded for _, result in done):
            self.heard()

    def _one(self, tx: Tx, job: _Job) -> Any:
        if job.proposal is None:
            return job.work(tx) if job.work else None
        proposal = job.proposal
        if self._store.submission(tx, proposal.submission) is not None:
            return Written((), proposal.answer)
        if proposal.holds is not None and not proposal.holds(tx):
            if proposal.again is None:
                raise Broken("HUB-5022")
            proposal = proposal.again(tx)
        recorded = self._append(tx, proposal) if proposal.events else []
        self._apply(tx, recorded)
        if proposal.also is not None:
            proposal.also(tx, recorded)
        return Written(tuple(recorded), proposal.answer)

    def _append(self, tx: Tx, proposal: Proposal) -> list[Recorded]:
        versions = self._store.last_versions(tx, {e.stream for e in proposal.events if e.version is None})
        stored: list[Stored] = []
        for event in proposal.events:
            number = event.version if event.version is not None else versions.get(event.stream, 0) + 1
            versions[event.stream] = number
            stored.append(Stored(event.stream, number, event.topic, pack(event.header, event.body)))
        positions = self._store.append(tx, stored)
        self._store.settle(tx, proposal.submission, positions)
        return [
            Recorded(position, e.stream, s.version, e.topic, e.header, e.body, e.rows)
            for position, e, s in zip(positions, proposal.events, stored, strict=True)
        ]


def _broken(fault: BaseException) -> Broken:
    _log.error("a submission failed", exc_info=quiet(fault))
    broken = Broken("HUB-5021")
    broken.__cause__ = fault
    return broken
