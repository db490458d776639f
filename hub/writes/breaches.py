"""SuspectBreach and RecordBreachStep: from when a breach was known, and what was done about it."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from typing import cast, get_args

from hub.clock import milliseconds
from hub.commands import Asking
from hub.log.store import Store, Tx
from hub.names import reference
from hub.tables import breaches
from hub.views import breach
from hub.writer import Proposal, Writer
from hub.writes.events import append
from hub.writes.tombstone import Network
from schemas.breach_events import BREACH_STEP, BreachStep, Step
from schemas.emergency_events import BREACH_SUSPECTED, BreachSuspected
from schemas.errors import BadValue, BrokenRule, Denied, MissingValue, NotFound

NOTE_LEAST = 10
"""Characters."""


class Breaching:
    """The commands over their ports. Raise Denied (HUB-5043) for anybody but a privacy officer of the network who is signed in."""

    def __init__(self, *, store: Store, writer: Writer, network: Network, now: Callable[[], datetime]) -> None:
        self._store, self._writer, self._network, self._now = store, writer, network, now

    def suspect(self, asking: Asking, known: datetime, reason: str, *, malicious: bool = False, decisions: tuple[str, ...] = ()) -> str:
        """Record that a breach is suspected, known since a moment; give its reference. The clocks run from that moment.

        Raises MissingValue (HUB-5193: reason too short), BadValue (HUB-5195: known later than now, or before there were clocks).
        """
        by = _officer(asking)
        now = self._now()
        self._noted(reason, "reason")
        if not breach.begins() <= known <= now:
            raise BadValue("HUB-5195", where="known")
        name = reference()
        body = BreachSuspected(name, milliseconds(known), by, reason.strip(), decisions=decisions, malicious=malicious)
        append(self._writer, lambda: self._network.event(BREACH_SUSPECTED, "BreachSuspected", body, patient=b"", at=now))
        return name

    def step(self, asking: Asking, name: str, step: str, done: datetime, note: str) -> None:
        """Record that something was done about it, at a moment.

        Raises BadValue (HUB-5192: no such step; HUB-5195: before it was known or later than now), MissingValue (HUB-5193), NotFound
        (HUB-5041), BrokenRule (HUB-5194: done already, or ended).
        """
        by = _officer(asking)
        now = self._now()
        if step not in get_args(Step):
            raise BadValue("HUB-5192", where="step")
        self._noted(note, "note")

        def again(tx: Tx) -> Proposal:
            row, before = breaches.one(tx, name), {s.step for s in breaches.steps(tx, name)}
            if row is None:
                raise NotFound("HUB-5041")
            if step in before or before & breaches.ENDS:
                raise BrokenRule("HUB-5194")
            if not row.known <= milliseconds(done) <= milliseconds(now):
                raise BadValue("HUB-5195", where="done")
            body = BreachStep(name, cast("Step", step), milliseconds(done), by, note.strip())
            made = self._network.event(BREACH_STEP, "BreachStep", body, patient=b"", at=now)

            def holds(later: Tx) -> bool:
                return {s.step for s in breaches.steps(later, name)} == before

            return Proposal(os.urandom(16), [made], holds=holds, again=again)

        with self._store.read() as tx:
            proposal = again(tx)
        self._writer.submit(proposal).result()

    @staticmethod
    def _noted(text: str, where: str) -> None:
        if len(text.strip()) < NOTE_LEAST:
            raise MissingValue("HUB-5193", where=where, least=str(NOTE_LEAST))


def _officer(asking: Asking) -> str:
    requester = asking.requester
    if requester.kind != "network" or requester.role != "privacy-officer" or not requester.person:
        raise Denied("HUB-5043")
    return requester.person
