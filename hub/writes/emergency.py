"""OpenEmergencyAccess (緊急開示, break-glass): opened after the normal path did not give all, closed by its user, the officer or the sign-in.

Opening and the notices to the person and the officers are one submission: no access without them. Source: consent-and-audit facts §2.5 step 9, §7.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from consent.ask import Requester
from consent.networks import Networks
from hub.clock import milliseconds
from hub.commands import Asking
from hub.gate import Gate
from hub.gate.labelling import stands
from hub.log.event import NewEvent
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import MAIN, reference
from hub.tables import emergencies, identities, resources
from hub.tables.emergencies import EmergencyRow
from hub.views import breaking
from hub.views.ages import JST
from hub.writer import Writer
from hub.writes.emergency_codes import SecondFactor
from hub.writes.events import event, within
from hub.writes.tombstone import Network
from schemas.emergency_events import (
    EMERGENCY_CLOSED,
    EMERGENCY_OPENED,
    NOTICE_QUEUED,
    Closed,
    NoticeQueued,
    Opened,
)
from schemas.errors import BadValue, BrokenRule, Denied, MissingValue, NotFound

_NEVER = frozenset({"D-CEILING", "R-CEILING", "D-HARD"})
"""Reasons for which an emergency gives no more either: beyond the role, in error, erased."""
_MASKED = frozenset({"", "V"})
"""Labels that stay masked in an emergency too; empty = none is known."""
_HOUR = 3_600_000


class Breaking:
    """The life of a session up to its closing, over its ports. Thread-safe."""

    def __init__(
        self,
        *,
        store: Store,
        keys: Keyring,
        secrets: Secrets,
        writer: Writer,
        gate: Gate,
        network: Network,
        second: SecondFactor,
        networks: Networks,
        now: Callable[[], datetime],
        seconds: Callable[[], float],
    ) -> None:
        """Take the ports; `seconds` = the wall clock that sign-ins follow."""
        self._store, self._keys, self._secrets, self._writer, self._gate = store, keys, secrets, writer, gate
        self._network, self._second, self._networks, self._now, self._seconds = network, second, networks, now, seconds

    def may(self, requester: Requester) -> bool:
        """Say whether this asker is of a kind and role that may break the glass, by the network's rules of this moment."""
        network = self._networks.at(self._now())
        return requester.kind in network.emergency_kinds and requester.role in network.emergency_roles and bool(requester.person)

    def seed(self, user: str) -> str:
        """Give the secret of a user's authenticator app (Base32, RFC 6238)."""
        return self._second.seed(user)

    def code(self, user: str) -> str:
        """Give the code of this moment: for a demo, where nobody holds the second factor."""
        return self._second.code(user)

    # ── open ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def open(
        self, asking: Asking, person: bytes, *, reason: str, necessity: bool, difficulty: bool, identity: str, code: str, ends: int = 0
    ) -> str:  # fmt: skip
        """Open one person's record for one user and one sign-in until it closes; give the session.

        `identity` = how the person was identified, a code of the dated list; `ends` = when the sign-in ends by itself (seconds of the wall
        clock), 0 = never. The normal path is decided first, and recorded. Raises Denied for kinds and roles that may not (HUB-5060) and while
        wrong codes lock (HUB-5153), MissingValue for a reason too short, an attestation or the identity that is missing, BadValue for a wrong or
        used code, BrokenRule where it is open already (HUB-5152) and where the normal path gives all (HUB-5150).
        """
        requester = asking.requester
        if not self.may(requester):
            raise Denied("HUB-5060")
        self._said(reason, identity, necessity=necessity, difficulty=difficulty)
        with self._store.read() as tx:
            self._not_open(tx, asking, person)
        step = self._second.step(requester, code, "emergency")
        decision, gives_all = self._normally(asking, person)
        if gives_all:
            raise BrokenRule("HUB-5150")
        key, session = self._keys.of(person, MAIN), reference()

        def make(tx: Tx) -> tuple[Sequence[NewEvent], str]:
            self._second.free(tx, requester.person)
            self._second.unused(tx, requester.person, step)
            self._not_open(tx, asking, person)
            at = self._now()
            opened = milliseconds(at)
            body = Opened(
                session, requester.organization, requester.kind, requester.role, requester.person, reason.strip(), True, step, opened,
                milliseconds(self._closes(at, ends)), identity, asking.login, decision, self._networks.at(at).version,
            )  # fmt: skip
            made = event(
                topic=EMERGENCY_OPENED, kind="EmergencyAccess", body=body, key=key, custodian=requester.organization,
                patient=person, secrets=self._secrets, at=at,
            )  # fmt: skip
            return [made, *self._told(tx, body, person, at)], session

        return within(self._writer, make)

    def _said(self, reason: str, identity: str, *, necessity: bool, difficulty: bool) -> None:
        """Check what was typed and confirmed."""
        at = self._now()
        if len(reason.strip()) < breaking.rules(at).reason_least:
            raise MissingValue("HUB-5061", where="reason", least=str(breaking.rules(at).reason_least))
        if not necessity or not difficulty:
            raise MissingValue("HUB-5062", where="necessity" if not necessity else "difficulty")
        if identity not in dict(breaking.identities(at)):
            raise BadValue("HUB-5151", where="identity") if identity else MissingValue("HUB-5151", where="identity")

    def _not_open(self, tx: Tx, asking: Asking, person: bytes) -> None:
        for row in emergencies.open_for(tx, asking.requester.person, milliseconds(self._now())):
            if row.login == asking.login and identities.person_of(tx, row.patient) == person:
                raise BrokenRule("HUB-5152")

    def _normally(self, asking: Asking, person: bytes) -> tuple[str, bool]:
        """Try the normal path for all that is kept of a person; give the recorded decision, and whether an emergency could give no more."""
        with self._store.read() as tx:
            rows = stands(tx, resources.of_patients(tx, identities.patients_of(tx, person)))
        released = self._gate.release(asking, rows, about=(person,))
        gives_all = all(
            d.effect == "permit" or d.reason in _NEVER or row.confidentiality in _MASKED
            for row, d in zip(rows, released.decisions, strict=True)
        )
        return released.references.get(person, ""), gives_all

    def _closes(self, at: datetime, ends: int) -> datetime:
        """Give when it closes by itself: after the network's minutes, and with the sign-in at the latest."""
        closes = at + timedelta(minutes=self._networks.at(at).emergency_minutes)
        return min(closes, at + timedelta(seconds=max(ends - self._seconds(), 0))) if ends else closes

    def _told(self, tx: Tx, opened: Opened, person: bytes, at: datetime) -> list[NewEvent]:
        """Make the notices of an opening: to the person within a day, to the officers now; and one more where a user has opened many today."""
        held, number = breaking.rules(at), opened.opened
        bodies = [
            NoticeQueued(reference(), opened.session, "patient", "opened", number + held.notice_hours * _HOUR),
            NoticeQueued(reference(), opened.session, "officer", "opened", number),
        ]
        today = at.astimezone(JST).replace(hour=0, minute=0, second=0, microsecond=0)
        if emergencies.number_since(tx, opened.user, milliseconds(today)) == held.openings_a_day:
            bodies.append(NoticeQueued(reference(), opened.session, "officer", "many", number, opened.organization, opened.user))
        return [self._network.event(NOTICE_QUEUED, "Notice", body, patient=person, at=at) for body in bodies]

    # ── close ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def close(self, asking: Asking, session: str) -> None:
        """Close a session: who opened it, or the officer. Raises NotFound for anybody else, BrokenRule (HUB-5154) where it is closed."""
        requester = asking.requester
        officer = requester.kind == "network" and requester.role == "privacy-officer" and bool(requester.person)

        def make(tx: Tx) -> tuple[Sequence[NewEvent], None]:
            row, at = emergencies.session(tx, session), self._now()
            own = row is not None and bool(requester.person) and (row.user, row.organization) == (requester.person, requester.organization)
            if row is None or not (own or officer):
                raise NotFound("HUB-5041")
            if row.shut or row.closes <= milliseconds(at):
                raise BrokenRule("HUB-5154")
            return [self.closing(row, "user" if own else "officer", at, requester.person)], None

        within(self._writer, make)

    def signed_out(self, asking: Asking) -> None:
        """Close what is open by a sign-in that ends here."""

        def make(tx: Tx) -> tuple[Sequence[NewEvent], None]:
            at = self._now()
            held = emergencies.open_for(tx, asking.requester.person, milliseconds(at))
            return [self.closing(row, "sign-out", at, asking.requester.person) for row in held if row.login == asking.login], None

        with self._store.read() as tx:
            if not emergencies.open_for(tx, asking.requester.person, milliseconds(self._now())):
                return
        within(self._writer, make)

    def timed_out(self, limit: int) -> int:
        """Record the closing of sessions whose time is over, each once; give how many."""

        def make(tx: Tx) -> tuple[Sequence[NewEvent], int]:
            at = self._now()
            held = emergencies.over(tx, milliseconds(at), limit=limit)
            return [self.closing(row, "time", at) for row in held], len(held)

        with self._store.read() as tx:
            if not emergencies.over(tx, milliseconds(self._now()), limit=1):
                return 0
        return within(self._writer, make)

    def closing(self, row: EmergencyRow, how: Literal["user", "officer", "sign-out", "time"], at: datetime, by: str = "") -> NewEvent:
        """Make the event of a closing."""
        body = Closed(row.session, how, min(row.closes, milliseconds(at)), by)
        return self._network.event(EMERGENCY_CLOSED, "EmergencyAccess", body, patient=row.patient, at=at)
