"""EraseKey: restrict first (nothing is provided any more), destroy the keys once the records need be kept no longer, and say so in the log.

Order of an erasure: restriction → tombstone (with it all rows are emptied, in its own transaction) → the store of keys destroys → receipt.
Whoever stops in between is followed by the next: what a tombstone names is destroyed at the latest when a hub starts again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, datetime

from consent.retention import bases
from hub.commands import Asking
from hub.gate import Gate
from hub.log.store import Store, Tx
from hub.names import MAIN, reference
from hub.region import Region
from hub.tables import directives, erasures, identities, resources, skips
from hub.tables.resources import ERASED
from hub.views.ages import JST
from hub.writer import Proposal, Writer
from hub.writes import tombstone
from hub.writes.destroying import FEEDS, Destroying, under_the_lock
from hub.writes.retained import due_of
from schemas import events
from schemas.errors import BadValue, BrokenRule, Denied, MissingValue, NotFound
from schemas.events import Key, Restored, Restricted

OFFICERS = frozenset({"privacy-officer", "system"})
"""Roles of the network's own office that may erase: its privacy officer, its own application."""
ERASABLE = frozenset({"Patient", "Practitioner"})
_LEAST = 4
"""Letters of a reason, where one is asked for."""


class Erasing:
    """The command EraseKey over its ports."""

    def __init__(
        self, *, store: Store, writer: Writer, gate: Gate, region: Region, network: tombstone.Network, destroying: Destroying,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._store, self._keys, self._writer, self._gate, self._region = store, network.keys, writer, gate, region
        self._network, self._finish, self._now = network, destroying.finish, now

    # ── restrict, lift ───────────────────────────────────────────────────────────────────────────────────────────────

    def restrict(self, asking: Asking, stream: bytes, basis: str, reason: str = "") -> str:
        """Stop all provision about a person (named by one of its Patients) or a Practitioner; give the reference of the erasure.

        Raises Denied, BadValue for an unknown ground, NotFound, BrokenRule when it is restricted or erased already.
        """
        by = self._officer(asking)
        if basis not in bases():
            raise BadValue("HUB-5113", where="basis", names="、".join(bases()))
        name = reference()

        def again(tx: Tx) -> Proposal:
            self._there(tx, stream)
            patients = self._group(tx, stream)
            if directives.barred(tx, patients):
                raise BrokenRule("HUB-5114", where="person")
            due = due_of(tx, patients, self._gate, self._region, self._today())
            body = Restricted(name, stream.hex(), basis, reason.strip(), by, due.isoformat())
            made = self._network.event(events.PROVISION_RESTRICTED, "Erasure", body, patient=stream, at=self._now())
            return Proposal(os.urandom(16), [made])

        under_the_lock(self._writer, again)
        return name

    def lift(self, asking: Asking, stream: bytes, reason: str) -> str:
        """Take a restriction back while the keys are there; give the reference of the erasure that it was. Raises Denied, NotFound, MissingValue."""
        by = self._officer(asking)
        self._reason(reason)

        def again(tx: Tx) -> Proposal:
            row = self._open(tx, stream)
            body = Restored(row.reference, row.patient.hex(), by, reason.strip())
            made = self._network.event(events.PROVISION_RESTORED, "Erasure", body, patient=row.patient, at=self._now())
            return Proposal(os.urandom(16), [made], answer=row.reference)

        found: str = under_the_lock(self._writer, again)
        return found

    # ── shred ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def at_once(self, asking: Asking, stream: bytes, reason: str) -> str:
        """Destroy the keys of a restricted person before their day, for a reason that stays in the log. Raises as `lift`."""
        by = self._officer(asking)
        self._reason(reason)
        with self._store.read() as tx:
            row = self._open(tx, stream)
        self._shred(row.reference, by=by, reason=reason.strip(), early=True)
        self._finish()
        return row.reference

    def due(self) -> list[str]:
        """Give the references of erasures whose day has come, by what is kept now."""
        with self._store.read() as tx:
            rows = [r for r in erasures.asked_for(tx) if r.lifted is None and r.erased is None]
            return [r.reference for r in rows if self.due_of(tx, r.patient) <= self._today()]

    def due_of(self, tx: Tx, stream: bytes) -> date:
        """Give the day from which a restricted person's keys may go: whoever was linked to it since is counted too."""
        return due_of(tx, self._group(tx, stream), self._gate, self._region, self._today())

    def shred(self, reference: str) -> bool:
        """Destroy the keys of an erasure whose day has come; False when it has not, or another hub was first."""
        done = self._shred(reference, by="retention", reason="", early=False)
        self._finish()
        return done

    def _shred(self, reference: str, *, by: str, reason: str, early: bool) -> bool:
        with self._store.read() as tx:
            row = erasures.by_reference(tx, reference)
            if row is None:
                return False
            # whoever is restricted is given to nobody else any more, so that this may be found out before the lock is taken
            hearers = tombstone.hearers(tx, self._store, self._keys, self._group(tx, row.patient), self._region.network)

        def again(tx: Tx) -> Proposal:
            now = erasures.by_reference(tx, reference)
            if now is None or now.lifted is not None or now.erased is not None:
                return Proposal(os.urandom(16), [], answer=False)
            day = self.due_of(tx, now.patient)
            if not early and day > self._today():
                return Proposal(os.urandom(16), [], answer=False)
            owners = self._group(tx, now.patient)
            keys = [Key(key.hex(), owner.hex(), MAIN) for owner in owners for key in self._keys.ids(owner, MAIN)]
            body = tombstone.body(
                tx, keys, fed=skips.claim(tx, FEEDS), basis=now.basis, by=by, reference=reference, reason=reason,
                due=day.isoformat(), early=early and day > self._today(),
            )  # fmt: skip
            told = tombstone.notices(self._network, {p: codes for p, codes in hearers.items() if p in owners}, self._now())
            stone = self._network.tombstone(body, patient=now.patient, at=self._now())
            return Proposal(os.urandom(16), [stone, *told], answer=True)

        return bool(under_the_lock(self._writer, again))

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _officer(self, asking: Asking) -> str:
        """Give who asks, where that is somebody who may erase."""
        requester = asking.requester
        if requester.kind != "network" or requester.organization != self._region.network or requester.role not in OFFICERS:
            raise Denied("HUB-5043")
        return requester.person or requester.organization

    @staticmethod
    def _reason(reason: str) -> None:
        if len(reason.strip()) < _LEAST:
            raise MissingValue("HUB-5115", where="reason", least=str(_LEAST))

    @staticmethod
    def _there(tx: Tx, stream: bytes) -> None:
        row = resources.newest(tx, stream)
        if row is None or row.type not in ERASABLE:
            raise NotFound("HUB-5110", where="person")
        if row.deleted == ERASED:
            raise BrokenRule("HUB-5114", where="person")

    @staticmethod
    def _group(tx: Tx, stream: bytes) -> list[bytes]:
        """Give whose keys go: all Patients that are one person with the one that was named; a Practitioner stands alone."""
        return identities.patients_of(tx, identities.person_of(tx, stream))

    def _open(self, tx: Tx, stream: bytes) -> erasures.ErasureRow:
        row = erasures.open_of(tx, self._group(tx, stream))
        if row is None:
            raise NotFound("HUB-5116", where="person")
        return row

    def _today(self) -> date:
        return self._now().astimezone(JST).date()
