"""The second factor of emergencies: one-time codes (TOTP, RFC 6238). A code serves once; wrong ones are counted, and lock for a while."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pyotp

from consent.ask import Requester
from hub.clock import milliseconds, moment
from hub.log.event import NewEvent
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import reference
from hub.tables import codes, disasters, emergencies
from hub.views.breaking import locked_until, rules
from hub.writer import Writer
from hub.writes.events import within
from hub.writes.tombstone import Network
from schemas.emergency_events import EMERGENCY_CODE_REFUSED, NOTICE_QUEUED, CodeRefused, NoticeQueued
from schemas.errors import BadValue, Denied

STEP = 30
"""Seconds of a one-time code's time step (RFC 6238 §4.1); the step before and the step after are taken too."""
_MINUTE = 60_000


class SecondFactor:
    """One-time codes over their ports. Thread-safe, and the same in every process: what is counted is in the log."""

    def __init__(
        self, *, store: Store, writer: Writer, secrets: Secrets, network: Network, now: Callable[[], datetime], seconds: Callable[[], float]
    ) -> None:
        self._store, self._writer, self._secrets, self._network, self._now = store, writer, secrets, network, now
        self._seconds = seconds
        """The wall clock that one-time codes follow: an authenticator knows no demo clock."""

    def seed(self, user: str) -> str:
        """Give the secret of a user's authenticator app (Base32, RFC 6238)."""
        return self._secrets.totp_seed(user)

    def code(self, user: str) -> str:
        """Give the code of this moment: for a demo, where nobody holds the second factor."""
        return pyotp.TOTP(self.seed(user)).at(int(self._seconds()))

    def step(self, requester: Requester, code: str, door: str) -> int:
        """Give the time step of a right code. Raises BadValue (HUB-5063) for a wrong one, which is recorded, Denied (HUB-5153) while locked."""
        with self._store.read() as tx:
            self.free(tx, requester.person)
        found = self._found(requester.person, code)
        if found is None:
            within(self._writer, lambda tx: (self._refused(tx, requester, door), None))
            raise BadValue("HUB-5063", where="code")
        return found

    def free(self, tx: Tx, user: str) -> None:
        """Raise Denied (HUB-5153) while too many wrong codes lock a user out."""
        at = self._now()
        if locked_until(self._wrong(tx, user, at), rules(at)) > milliseconds(at):
            raise Denied("HUB-5153", minutes=str(rules(at).lock_minutes))

    @staticmethod
    def unused(tx: Tx, user: str, step: int) -> None:
        """Raise BadValue (HUB-5063) where a code of this step has served already, at whatever door. Under the lock."""
        if emergencies.code_used(tx, user, step) or disasters.code_used(tx, user, step):
            raise BadValue("HUB-5063", where="code")

    def _found(self, user: str, code: str) -> int | None:
        totp, now, found = pyotp.TOTP(self.seed(user)), int(self._seconds()) // STEP, None
        for step in (now - 1, now, now + 1):
            if len(code) == 6 and code.isascii() and pyotp.utils.strings_equal(totp.at(step * STEP), code):
                found = step
        return found

    @staticmethod
    def _wrong(tx: Tx, user: str, at: datetime) -> list[int]:
        held = rules(at)
        span = (held.wrong_minutes + held.lock_minutes) * _MINUTE
        return codes.since(tx, user, milliseconds(at) - span, limit=held.wrong_codes)

    def _refused(self, tx: Tx, requester: Requester, door: str) -> list[NewEvent]:
        """Make what is recorded of a wrong code: where it is the one that locks, a notice to the officers too. While locked nothing is judged."""
        self.free(tx, requester.person)
        at = self._now()
        number, held = milliseconds(at), rules(at)
        body = CodeRefused(requester.organization, requester.person, number, door)
        made = [self._network.event(EMERGENCY_CODE_REFUSED, "EmergencyAccess", body, patient=b"", at=at)]
        until = locked_until([number, *self._wrong(tx, requester.person, at)], held)
        if until > number:
            told = NoticeQueued(
                reference(), reference(), "officer", "codes", number, organization=requester.organization, user=requester.person
            )
            made.append(self._network.event(NOTICE_QUEUED, "Notice", told, patient=b"", at=moment(number)))
        return made
