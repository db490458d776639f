"""Matches each domain event to those whom it concerns and who may hear it, as of the event's own position, and numbers it for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from consent.ask import Requester
from hub.followers.looking import Looking, Patients
from hub.followers.run import BATCH
from hub.gate import Gate
from hub.log.event import Recorded, open_event
from hub.log.keys import Keyring
from hub.log.store import Store, Tx
from hub.region import Region
from hub.tables import erasures, feeds, heard, resources, skips
from hub.writer import Writer
from schemas import events

Match = tuple[str, int]
"""A subscriber, and the position of an event that it is to hear."""


def application(region: Region, code: str) -> tuple[Requester, str]:
    """Give the requester and purpose of an organization's own application."""
    return Requester(code, region.kind_of(code), "system"), region.purposes[code]


class Feeding:
    """The follower `feeds`."""

    name = "feeds"
    hurried = True

    def __init__(self, *, store: Store, keys: Keyring, writer: Writer, gate: Gate, region: Region, rung: Callable[[], None]) -> None:
        self._rung = rung
        """Called when a feed has something new, so that open streams look at once."""
        self._store, self._keys, self._writer, self._gate, self._region = store, keys, writer, gate, region

    def step(self) -> bool:
        """Match the next batch."""
        return self.take(BATCH)

    def take(self, limit: int) -> bool:
        """Match outside the lock; numbers and position are one transaction, which does nothing when the position has moved meanwhile."""
        with self._store.read() as tx:
            after, head = self._store.position_of(tx, self.name), self._store.head(tx)
            until = min(head, after + limit)  # positions have no gaps
            found, erased = self._matched(tx, after, until), erasures.last(tx)
        if until == after:
            return False

        def work(tx: Tx) -> bool:
            if skips.claim(tx, self.name) != after or erasures.last(tx) != erased:
                return False
            feeds.add(tx, found)
            self._store.track(tx, self.name, until)
            return True

        if not self._writer.work(work).result():
            return True
        if found:
            self._rung()
        return until < head

    def advance(self, tx: Tx, limit: int) -> int:
        """Match inside a write transaction (a replay's); give how many positions were passed."""
        after = skips.claim(tx, self.name)
        until = min(self._store.head(tx), after + limit)
        feeds.add(tx, self._matched(tx, after, until))
        if until > after:
            self._store.track(tx, self.name, until)
        return until - after

    def _matched(self, tx: Tx, after: int, until: int) -> list[Match]:
        """Give who is to hear what, in the order of the log."""
        told = self._store.events_of(tx, events.DOMAIN_EVENT, after, until)
        passed = skips.passed(tx, self.name, after, until) if told else frozenset()
        known = heard.known(tx, after, until) if told else {}
        left = [one for one in told if one.position not in passed and one.position not in known]
        bodies = {one.position: body for one in left if (body := open_event(self._keys, one)) is not None}
        causes = {one.position: _cause(bodies[one.position]) for one in left if one.position in bodies and one.header.kind != events.NOTICE}
        rows = resources.by_events(tx, causes.values())
        looking = Looking(tx, until)
        hearing: list[tuple[str, int]] = []
        for one in told:
            codes: Sequence[str] = known.get(one.position, ())
            if one.position in causes:
                row = rows.get(causes[one.position])
                codes = self._subscribers(looking, one, row) if row is not None and not row.deleted else ()
            elif one.position in bodies:
                codes = msgspec.json.decode(bodies[one.position], type=events.Notice).hearers
            if one.position not in passed:
                hearing += [(code, one.position) for code in codes]
        return hearing

    def _subscribers(self, looking: Looking, one: Recorded, row: resources.Row) -> list[str]:
        """Give those whom the event concerns and who may see the resource that it is about."""
        at = datetime.fromtimestamp(one.header.recorded / 1000, UTC)
        patients = looking.together(one.header.patient, one.position)
        codes = sorted(self._concerned(looking, one, patients))
        held = looking.directives(patients, row.position) if codes else ()
        decided = self._gate.would(looking.tx, (application(self._region, code) for code in codes), row, held=held, at=at)
        return [code for code, decision in zip(codes, decided, strict=True) if decision.gives]

    def _concerned(self, looking: Looking, one: Recorded, patients: Patients) -> set[str]:
        """Give the organizations that care for the person: each that holds a Patient of it; of care managers, the one with the newest plan.

        That a consent ends is told to its custodian alone.
        """
        if one.header.kind == events.CONSENT_EXPIRING:
            return {one.header.custodian} & self._region.offices.keys()
        rows = looking.standing(patients, ("Patient", "CarePlan"), one.position)
        holders = {r.custodian for r in rows if r.type == "Patient"} - {one.header.custodian}
        managers = {c for c in holders if self._kind(c) in _MANAGERS}
        plans = [r for r in rows if r.type == "CarePlan" and r.custodian in managers]
        newest = {max(plans, key=lambda r: r.position).custodian} if plans else managers
        return {c for c in holders if c in self._region.offices and (c not in managers or c in newest)}

    def _kind(self, code: str) -> str:
        found = self._region.offices.get(code)
        return found.kind if found else ""


_MANAGERS = frozenset({"care-manager", "support-center"})


def cause_of(tx: Tx, derived: events.Derived) -> resources.Row | None:
    """Give the version of a resource that a domain event came from."""
    return resources.by_event(tx, bytes.fromhex(derived.cause))


def _cause(body: bytes) -> bytes:
    """Give the event that caused a domain event, from its opened body."""
    return bytes.fromhex(msgspec.json.decode(body, type=events.Derived).cause)
