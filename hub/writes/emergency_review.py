"""What follows an emergency access: its notices, its review by the privacy officer, who is told when that is late, and the suspicion of a breach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from consent.ask import Requester
from hub.clock import milliseconds
from hub.commands import Asking
from hub.log.event import NewEvent
from hub.log.store import Store, Tx
from hub.names import reference
from hub.tables import emergencies, notices
from hub.tables.emergencies import EmergencyRow
from hub.tables.notices import NoticeRow
from hub.views import breaking
from hub.writer import Writer
from hub.writes.events import within
from hub.writes.tombstone import Network
from schemas.emergency_events import (
    BREACH_SUSPECTED,
    EMERGENCY_REVIEWED,
    NOTICE_QUEUED,
    NOTICE_SETTLED,
    BreachSuspected,
    NoticeQueued,
    NoticeSettled,
    Receiver,
    Reviewed,
)
from schemas.errors import BadValue, BrokenRule, Denied, MissingValue, NotFound

RESULTS = ("justified", "not-justified", "question")
_TOLD = {"posted": ("patient", "head"), "handed": ("patient", "head"), "delayed": ("patient", "head")}
"""What may become of a notice by the officer's hand, and of whose."""
MOST = 200
"""Notices that one look marks as seen, and sessions that one step of the follower takes, at most."""


class Reviewing:
    """These commands over their ports. Thread-safe."""

    def __init__(self, *, store: Store, writer: Writer, network: Network, now: Callable[[], datetime]) -> None:
        self._store, self._writer, self._network, self._now = store, writer, network, now

    def review(self, asking: Asking, session: str, result: str, text: str = "") -> None:
        """Record what the officer found: justified, not justified (which raises the suspicion of a breach), or what is to be asked.

        Raises Denied for anybody else, NotFound, BadValue for another result, MissingValue (HUB-5157) without the words that a question and a
        finding against need, BrokenRule (HUB-5065) where the review is done, and (HUB-5166) by who opened it, an officer by now.
        """
        requester = _officer(asking)
        if result not in RESULTS:
            raise BadValue("HUB-5064", where="result")
        if result != "justified":
            self._worded(text, "text")

        def make(tx: Tx) -> tuple[Sequence[NewEvent], None]:
            row, at = emergencies.session(tx, session), self._now()
            if row is None:
                raise NotFound("HUB-5041")
            if row.review not in emergencies.OPEN_REVIEWS:
                raise BrokenRule("HUB-5065")
            if row.user == requester.person:
                raise BrokenRule("HUB-5166")
            body = Reviewed(session, requester.person, result, text.strip())
            made = [self._network.event(EMERGENCY_REVIEWED, "EmergencyAccess", body, patient=row.patient, at=at)]
            return [*made, *([self._suspected(row, requester, text, at)] if result == "not-justified" else [])], None

        within(self._writer, make)

    def _suspected(self, row: EmergencyRow, requester: Requester, text: str, at: datetime) -> NewEvent:
        body = BreachSuspected(reference(), milliseconds(at), requester.person, text.strip(), (row.session,))
        return self._network.event(BREACH_SUSPECTED, "Breach", body, patient=row.patient, at=at)

    # ── notices ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def settle(self, asking: Asking, notice: str, state: str, reason: str = "") -> None:
        """Record what became of a notice: posted, handed, or delayed with the reason.

        Raises Denied, NotFound, BadValue (HUB-5156), MissingValue (HUB-5157), BrokenRule (HUB-5155) where it was given already.
        """
        requester = _officer(asking)
        if state not in _TOLD:
            raise BadValue("HUB-5156", where="state")
        if state == "delayed":
            self._worded(reason, "reason")

        def make(tx: Tx) -> tuple[Sequence[NewEvent], None]:
            row, at = notices.one(tx, notice), self._now()
            if row is None or row.receiver not in _TOLD[state]:
                raise NotFound("HUB-5041")
            if row.state not in notices.OPEN:
                raise BrokenRule("HUB-5155")
            due = milliseconds(at + timedelta(days=breaking.rules(at).delay_days)) if state == "delayed" else 0
            body = NoticeSettled(notice, state, requester.person, reason.strip() if due else "", due)  # type: ignore[arg-type]  # `state` is one of _TOLD, looked at above
            return [self._network.event(NOTICE_SETTLED, "Notice", body, patient=row.patient, at=at)], None

        within(self._writer, make)

    def seen(self, asking: Asking, shown: Iterable[NoticeRow]) -> None:
        """Record that an officer has seen what the list told: of the notices `shown`, each to officers once; that of a late review by somebody else than let it lie.

        What was queued since the list was read was told to nobody, and waits.
        """
        requester = _officer(asking)
        told = {row.reference: row.about for row in shown}

        def make(tx: Tx) -> tuple[Sequence[NewEvent], None]:
            at = self._now()
            made = [(NoticeSettled(row.reference, "seen", requester.person), row.patient) for row in self._unseen(tx, requester, told)]
            return [self._network.event(NOTICE_SETTLED, "Notice", body, patient=patient, at=at) for body, patient in made], None

        with self._store.read() as tx:
            if not self._unseen(tx, requester, told):
                return
        within(self._writer, make)

    @staticmethod
    def _unseen(tx: Tx, requester: Requester, told: Mapping[str, str]) -> list[NoticeRow]:
        """Give the notices that this officer's look makes seen, of those told (notice → what it is about).

        A second officer is one who has not seen the opening: the notice of a late review waits for a look by another than saw that one.
        """
        rows = notices.about(tx, set(told.values()))
        waiting = [row for row in rows if row.reference in told and row.state in notices.OPEN]
        first = [row for row in waiting if row.receiver == "officer"]
        late = [row for row in waiting if row.receiver == "second-officer"]
        saw = {n.about for n in rows if n.receiver == "officer" and n.state == notices.SEEN and n.by == requester.person}
        mine = saw | {row.about for row in first}
        return [*first, *(row for row in late if row.about not in mine)][:MOST]

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def overdue(self) -> int:
        """Queue the notices of reviews that are late, each once; give how many."""

        def late(tx: Tx, at: datetime, limit: int) -> list[tuple[Receiver, EmergencyRow]]:
            return [
                (one.receiver, row)
                for one in breaking.escalations(at)
                for row in emergencies.unreviewed_since(tx, milliseconds(at - timedelta(days=one.days)), one.receiver, limit=limit)
            ]

        def make(tx: Tx) -> tuple[Sequence[NewEvent], int]:
            at = self._now()
            made = [self._late(receiver, row, at) for receiver, row in late(tx, at, MOST)]
            return made, len(made)

        with self._store.read() as tx:
            if not late(tx, self._now(), 1):
                return 0
        return within(self._writer, make)

    def _late(self, receiver: Receiver, row: EmergencyRow, at: datetime) -> NewEvent:
        body = NoticeQueued(reference(), row.session, receiver, "overdue", milliseconds(at), row.organization, row.user)
        return self._network.event(NOTICE_QUEUED, "Notice", body, patient=row.patient, at=at)

    def _worded(self, text: str, where: str) -> None:
        least = breaking.rules(self._now()).reason_least
        if len(text.strip()) < least:
            raise MissingValue("HUB-5157", where=where, least=str(least))


def _officer(asking: Asking) -> Requester:
    requester = asking.requester
    if requester.kind != "network" or requester.role != "privacy-officer" or not requester.person:
        raise Denied("HUB-5043")
    return requester
