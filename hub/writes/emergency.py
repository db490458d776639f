"""OpenEmergencyAccess (緊急開示, break-glass) and its review by the privacy officer."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta

import pyotp

from consent.ask import Requester
from consent.networks import Networks
from hub.commands import Asking
from hub.gate import AUDIT
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import MAIN, reference
from hub.tables import emergencies
from hub.writer import Proposal, Writer
from hub.writes.events import append, event
from schemas.emergency_events import EMERGENCY_OPENED, EMERGENCY_REVIEWED, Opened, Reviewed
from schemas.errors import BadValue, BrokenRule, Denied, MissingValue, NotFound

REASON_LEAST = 10
STEP = 30
"""Seconds of a one-time code's time step (RFC 6238 §4.1); the step before and the step after are taken too."""
RESULTS = frozenset({"justified", "question"})


class Breaking:
    """The command OpenEmergencyAccess and the review over their ports."""

    def __init__(
        self,
        *,
        store: Store,
        keys: Keyring,
        secrets: Secrets,
        writer: Writer,
        networks: Networks,
        now: Callable[[], datetime],
        seconds: Callable[[], float],
    ) -> None:
        self._store, self._keys, self._secrets, self._writer, self._networks, self._now = store, keys, secrets, writer, networks, now
        self._seconds = seconds
        """The wall clock that one-time codes follow: an authenticator knows no demo clock."""

    def may(self, requester: Requester) -> bool:
        """Say whether this asker is of a kind and role that may break the glass."""
        network = self._networks.at(self._now())
        return requester.kind in network.emergency_kinds and requester.role in network.emergency_roles and bool(requester.person)

    def seed(self, user: str) -> str:
        """Give the secret of a user's authenticator app (Base32, RFC 6238)."""
        return self._secrets.totp_seed(user)

    def code(self, user: str) -> str:
        """Give the code of this moment: for a demo, where nobody holds the second factor."""
        return pyotp.TOTP(self.seed(user)).at(int(self._seconds()))

    def open(self, asking: Asking, person: bytes, *, reason: str, necessity: bool, difficulty: bool, code: str) -> str:
        """Open one person's record for one user until it closes; give the session.

        Raises Denied for kinds and roles that may not, MissingValue for a reason too short or an attestation not made, BadValue for a wrong
        or used code.
        """
        requester = asking.requester
        if not self.may(requester):
            raise Denied("HUB-5060")
        if len(reason.strip()) < REASON_LEAST:
            raise MissingValue("HUB-5061", where="reason", least=str(REASON_LEAST))
        if not necessity or not difficulty:
            raise MissingValue("HUB-5062", where="necessity" if not necessity else "difficulty")
        step = self._step(requester.person, code)

        def unused(tx: Tx) -> bool:
            return not emergencies.code_used(tx, requester.person, step)

        def again(_: Tx) -> Proposal:
            raise BadValue("HUB-5063", where="code")

        at = self._now()
        session = reference()
        closes = at + timedelta(minutes=self._networks.at(at).emergency_minutes)
        body = Opened(
            session, requester.organization, requester.kind, requester.role, requester.person, reason.strip(), True, step,
            int(at.timestamp() * 1000), int(closes.timestamp() * 1000),
        )  # fmt: skip
        made = event(
            topic=EMERGENCY_OPENED, kind="EmergencyAccess", body=body, key=self._keys.of(person, MAIN), custodian=requester.organization,
            patient=person, secrets=self._secrets, at=at,
        )  # fmt: skip
        append(self._writer, made, holds=unused, again=again)
        return session

    def _step(self, user: str, code: str) -> int:
        totp = pyotp.TOTP(self.seed(user))
        now = int(self._seconds())
        for step in (now // STEP - 1, now // STEP, now // STEP + 1):
            if len(code) == 6 and code.isascii() and pyotp.utils.strings_equal(totp.at(step * STEP), code):
                return step
        raise BadValue("HUB-5063", where="code")

    def review(self, asking: Asking, session: str, result: str) -> None:
        """Record what the privacy officer found: justified, or to be asked about. Raises Denied, NotFound, BrokenRule."""
        requester = asking.requester
        if requester.role != "privacy-officer":
            raise Denied("HUB-5043")
        if result not in RESULTS:
            raise BadValue("HUB-5064", where="result")

        def waiting(tx: Tx) -> emergencies.EmergencyRow | None:
            return emergencies.session(tx, session)

        with self._store.read() as tx:
            row = waiting(tx)
        if row is None:
            raise NotFound("HUB-5041")
        if row.review == "justified":
            raise BrokenRule("HUB-5065")
        body = Reviewed(session, requester.person, result)
        made = event(
            topic=EMERGENCY_REVIEWED, kind="EmergencyAccess", body=body,
            key=self._keys.of(self._secrets.name("audit", requester.organization), AUDIT),  # so that it outlives the person
            custodian=requester.organization, patient=row.patient, secrets=self._secrets, at=self._now(), stream=os.urandom(16),
        )  # fmt: skip
        append(self._writer, made)
