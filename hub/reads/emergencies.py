"""Emergency accesses as those read them who have to: the officer's queue, one session whole, the person's letter, a doctor's own open ones.

Nothing clinical: which kinds of data were read and how many, never what they say. Each look of an officer is itself recorded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from consent.classes import data_class
from hub.clock import milliseconds, moment
from hub.commands import Asking
from hub.gate import Gate
from hub.log.event import open_event
from hub.log.keys import Keyring
from hub.log.store import Store, Tx
from hub.reads.audits import Auditing
from hub.reads.disasters import Disasters
from hub.reads.officers import LOOK, officer
from hub.reads.opaque import Opaque
from hub.tables import decisions, emergencies, identities, notices
from hub.tables.decisions import DecisionRow, Filter, gave
from hub.tables.emergencies import EmergencyRow
from hub.tables.notices import NoticeRow
from hub.views import breaking
from schemas.emergency_events import Opened, Reviewed
from schemas.errors import NotFound
from schemas.events import Decided

DONE = 50
"""Sessions with a review that one page shows."""
_READS = 500
"""Reads of one session that are looked into for what they gave; all are counted."""
_BASIS = "JP-EMERG"


@dataclass(frozen=True, slots=True)
class Session:
    """One session as the officer's list shows it. `due` = when its review is due; `reads` = decisions that rested on it."""

    row: EmergencyRow
    pseudonym: str
    opened: datetime
    closes: datetime
    closed: datetime | None
    due: datetime
    late: bool
    reads: int
    notices: tuple[NoticeRow, ...]
    days: int
    """Whole days that are left for the review; negative = by which it is late."""


@dataclass(frozen=True, slots=True)
class Told:
    """One session whole. Counts by words: `normal` = what the normal path had said of how many resources, by reason code."""

    session: Session
    reason: str
    """As typed; empty where the person is erased."""
    normal: tuple[tuple[str, int], ...]
    classes: tuple[tuple[str, int], ...]
    """Class of data → resources that were given on the ground of this session."""
    types: tuple[tuple[str, int], ...]
    refused: tuple[tuple[str, int], ...]
    """Reason code → reads of which nothing was given."""
    reviewed: Reviewed | None
    reviewed_at: datetime | None
    references: tuple[str, ...]
    """Of the reads, newest first."""


@dataclass(frozen=True, slots=True)
class Mine:
    """A session that the asker holds open: the person by the reference of pages."""

    session: str
    person: str
    opened: datetime
    closes: datetime


class Emergencies:
    """These questions over their ports."""

    def __init__(
        self, *, store: Store, keys: Keyring, gate: Gate, opaque: Opaque, audit: Auditing, now: Callable[[], datetime]
    ) -> None:  # fmt: skip
        self._store, self._keys, self._gate, self._opaque, self._audit, self._now = store, keys, gate, opaque, audit, now
        self.disasters = Disasters(store=store, keys=keys, gate=gate, audit=audit, now=now)

    # ── who opened them ──────────────────────────────────────────────────────────────────────────────────────────────

    def mine(self, asking: Asking) -> tuple[Mine, ...]:
        """Give what the asker holds open by this sign-in, newest first."""
        requester = asking.requester
        if not requester.person:
            return ()
        with self._store.read() as tx:
            rows = emergencies.open_for(tx, requester.person, milliseconds(self._now()))
            return tuple(
                Mine(
                    row.session, self._opaque.shut("person", requester.organization, identities.person_of(tx, row.patient)),
                    moment(row.opened), moment(row.closes),
                )
                for row in rows
                if row.login == asking.login and row.organization == requester.organization
            )  # fmt: skip

    def open_of(self, asking: Asking, person: bytes) -> str:
        """Give the session that the asker holds open for a person; empty = none."""
        with self._store.read() as tx:
            for row in emergencies.open_for(tx, asking.requester.person, milliseconds(self._now())):
                if row.login == asking.login and identities.person_of(tx, row.patient) == person:
                    return row.session
        return ""

    def questions(self, asking: Asking) -> tuple[tuple[datetime, str], ...]:
        """Give what officers ask the asker about own sessions: (when it was opened, what is asked)."""
        if not asking.requester.person:
            return ()
        with self._store.read() as tx:
            rows = emergencies.asked_about(tx, asking.requester.person)
            found = [(moment(row.opened), self._reviewed(tx, row)[0]) for row in rows if row.organization == asking.requester.organization]
        return tuple((at, said.text) for at, said in found if said is not None)

    # ── the officer ──────────────────────────────────────────────────────────────────────────────────────────────────

    def queue(self, asking: Asking) -> tuple[tuple[Session, ...], tuple[Session, ...], tuple[NoticeRow, ...]]:
        """Give what waits for a review, the most urgent first; what was reviewed, newest first; and alarms. The look is recorded."""
        officer(asking)
        self._gate.note(asking, b"", LOOK)
        with self._store.read() as tx:
            waiting = self._sessions(tx, emergencies.waiting(tx))
            return waiting, self._sessions(tx, emergencies.done(tx, limit=DONE)), tuple(notices.alarms(tx, limit=DONE))

    def one(self, asking: Asking, name: str) -> Told:
        """Give one session whole; the look is recorded. Raises NotFound."""
        officer(asking)
        with self._store.read() as tx:
            row = emergencies.session(tx, name)
            if row is None:
                raise NotFound("HUB-5041")
            person = identities.person_of(tx, row.patient)
        self._gate.note(asking, person, LOOK)
        with self._store.read() as tx:
            (session,) = self._sessions(tx, [row])
            rows = decisions.search(tx, Filter(session=name), limit=_READS)
            classes, types, refused = self._read(tx, rows)
            reviewed, at = self._reviewed(tx, row)
            return Told(
                session,
                self._typed(tx, row),
                self._normal(tx, row),
                classes,
                types,
                refused,
                reviewed,
                at,
                tuple(r.reference for r in rows),
            )

    def notice_of(self, asking: Asking, name: str) -> tuple[NoticeRow, Session]:
        """Give a notice and what it is about. Raises NotFound."""
        officer(asking)
        with self._store.read() as tx:
            notice = notices.one(tx, name)
            row = emergencies.session(tx, notice.about) if notice else None
            if notice is None or row is None:
                raise NotFound("HUB-5041")
            person = identities.person_of(tx, row.patient)
        self._gate.note(asking, person, LOOK)
        with self._store.read() as tx:
            return notice, self._sessions(tx, [row])[0]

    def _sessions(self, tx: Tx, rows: Iterable[EmergencyRow]) -> tuple[Session, ...]:
        held, now = list(rows), self._now()
        told: dict[str, list[NoticeRow]] = {}
        for notice in notices.about(tx, [row.session for row in held]):
            told.setdefault(notice.about, []).append(notice)
        found = []
        for row in held:
            opened = moment(row.opened)
            due = opened + breaking.rules(opened).review
            over = min(row.closes, milliseconds(now)) if not row.shut and row.closes <= milliseconds(now) else row.closed
            found.append(
                Session(
                    row, self._audit.pseudonym(identities.person_of(tx, row.patient)), opened, moment(row.closes), moment(over) if over else None,
                    due, row.review in emergencies.OPEN_REVIEWS and due <= now, decisions.count(tx, Filter(session=row.session)),
                    tuple(told.get(row.session, ())), (due - now) // timedelta(days=1),
                )
            )  # fmt: skip
        return tuple(sorted(found, key=lambda one: one.due)) if held and held[0].review in emergencies.OPEN_REVIEWS else tuple(found)

    def _read(self, tx: Tx, rows: Iterable[DecisionRow]) -> tuple[tuple[tuple[str, int], ...], ...]:
        """Count what was given on the ground of a session, each resource once, by class and by type; and the reads that gave nothing, by reason."""
        given: dict[str, str] = {}
        refused: Counter[str] = Counter()
        for row in rows:
            body = self._body(tx, row.position)
            if body is None:
                continue
            decided = msgspec.json.decode(body, type=Decided)
            left = {s.id: s.type for s in decided.seen if gave(s) and s.basis == _BASIS}
            given |= left
            if not left:
                refused[decided.reason] += 1
        types = Counter(given.values())
        classes: Counter[str] = Counter()
        for kind, number in types.items():
            found = data_class(kind, frozenset())
            classes[found.name if found else "?"] += number
        return tuple(sorted(classes.items())), tuple(types.most_common()), tuple(refused.most_common())

    def _normal(self, tx: Tx, row: EmergencyRow) -> tuple[tuple[str, int], ...]:
        """Count what the normal path had said when it was tried, by reason."""
        tried = decisions.search(tx, Filter(reference=row.decision), limit=1) if row.decision else []
        body = self._body(tx, tried[0].position) if tried else None
        if body is None:
            return ()
        decided = msgspec.json.decode(body, type=Decided)
        return tuple(Counter(s.reason for s in decided.seen).most_common()) or ((decided.reason, 0),)

    def _typed(self, tx: Tx, row: EmergencyRow) -> str:
        body = self._body(tx, row.position)
        return msgspec.json.decode(body, type=Opened).reason if body else ""

    def _reviewed(self, tx: Tx, row: EmergencyRow) -> tuple[Reviewed | None, datetime | None]:
        recorded = self._store.event(tx, row.reviewed) if row.reviewed else None
        body = open_event(self._keys, recorded) if recorded else None
        if recorded is None or body is None:
            return None, None
        return msgspec.json.decode(body, type=Reviewed), datetime.fromtimestamp(recorded.header.recorded / 1000, UTC)

    def _body(self, tx: Tx, position: int) -> bytes | None:
        recorded = self._store.event(tx, position)
        return open_event(self._keys, recorded) if recorded is not None else None
