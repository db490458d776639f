"""The record of disclosures for the network's privacy officer; each look at it is itself recorded."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from hub.clock import milliseconds
from hub.commands import Asking
from hub.followers.tallying import TALLIES
from hub.gate import Gate
from hub.log.event import open_event
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.reads.officers import LOOK, officer
from hub.reads.opaque import Opaque
from hub.reads.telling import states
from hub.region import Region
from hub.tables import apart, decisions, emergencies, expiries, identities, searching, tallies, unusual
from hub.tables.decisions import DecisionRow, Filter
from hub.views.audit_shapes import Decided, Seen
from schemas import events
from schemas.emergency_events import Opened
from schemas.errors import NotFound

PAGE = 50
EXPIRING = timedelta(days=30)
_MILLISECOND = timedelta(milliseconds=1)
MOST = 1_000
"""Up to here the tiles count what waits."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of decisions, newest first, with the cursor of the next."""

    decided: tuple[Decided, ...]
    next: str
    """Empty = that was all. A page may be short, or empty, and yet not the last: see `hub.tables.searching`."""
    total: int = 0
    exact: bool = True
    """Whether `total` is all; else there are at least so many. Counted on the first page alone."""


@dataclass(frozen=True, slots=True)
class Tiles:
    """What stands above the officer's pages. What waits is counted up to MOST."""

    today: int
    refused_today: int
    reviews: tuple[emergencies.EmergencyRow, ...]
    expiring: int
    unusual: int


class Auditing:
    """The officer's questions over their ports. All raise Denied for anybody else."""

    def __init__(
        self, *, store: Store, keys: Keyring, gate: Gate, opaque: Opaque, region: Region, secrets: Secrets, now: Callable[[], datetime]
    ) -> None:
        self._store, self._keys, self._gate, self._opaque, self._region = store, keys, gate, opaque, region
        self._secrets, self._now = secrets, now

    def listed(self, asking: Asking, by: Filter, cursor: str = "", size: int = PAGE) -> Listed:
        """Give decisions; the look is recorded first, for each person that is asked about by name."""
        officer(asking)
        organization = asking.requester.organization
        before: int | None = None
        if cursor:
            # a cursor carries the search that it goes on with, sealed: no address holds whom it was about
            before, by = msgspec.msgpack.decode(self._opaque.open("audit", organization, cursor), type=tuple[int, Filter])
        self._gate.note(asking, by.persons[0] if by.persons else b"", LOOK)
        with self._store.read() as tx:
            below = apart.position_of(tx, before) if before is not None else None
            page = searching.page(tx, by, limit=size, below=below)
            counted = searching.count(tx, by) if below is None else searching.Counted(0, exact=False)
            found = [self._decided(tx, organization, r) for r in page.rows]
            following = apart.rank(tx, page.below) if page.below is not None else 0
        more = ""
        if page.below is not None:
            more = self._opaque.shut("audit", organization, msgspec.msgpack.encode((following, by)))
        return Listed(tuple(found), more, counted.number, counted.exact)

    def one(self, asking: Asking, reference: str) -> Decided:
        """Give one decision; the look is recorded. Raises NotFound."""
        found = self.listed(asking, Filter(reference=reference), size=1).decided if reference else ()
        if not found:
            raise NotFound("HUB-5041")
        return found[0]

    def tiles(self, asking: Asking) -> Tiles:
        """Give the tiles."""
        officer(asking)
        now = milliseconds(self._now())
        day = tallies.day_of(now)
        with self._store.read() as tx:
            today = tallies.between(tx, self._store.position_of(tx, TALLIES), day, day)
            return Tiles(
                sum(one.number for one in today), sum(one.number for one in today if one.effect == "deny"), tuple(emergencies.waiting(tx)),
                expiries.count(tx, now, now + EXPIRING // _MILLISECOND, most=MOST), unusual.count(tx, "open", most=MOST),
            )  # fmt: skip

    def persons(self, asking: Asking, reference: str) -> tuple[bytes, ...]:
        """Give all ids under which decisions about a person may stand."""
        person = self._opaque.open("person", asking.requester.organization, reference)
        with self._store.read() as tx:
            return self._ids(tx, person)

    def persons_of_patient(self, asking: Asking, patient: bytes) -> tuple[bytes, ...]:
        """Give the same for a Patient stream."""
        officer(asking)
        with self._store.read() as tx:
            return self._ids(tx, identities.person_of(tx, patient))

    @staticmethod
    def _ids(tx: Tx, person: bytes) -> tuple[bytes, ...]:
        return tuple(dict.fromkeys((person, *identities.patients_of(tx, person))))

    def pseudonym(self, person: bytes) -> str:
        """Say how a person is named to officers."""
        return f"P-{base64.b32encode(self._secrets.pseudonym(person)).decode()[:6]}"

    def session_of(self, asking: Asking, reference: str) -> str:
        """Give the break-glass session that a decision was taken on. Raises NotFound when there was none."""
        officer(asking)
        with self._store.read() as tx:
            rows = decisions.search(tx, Filter(reference=reference), limit=1)
        if not rows or not rows[0].session:
            raise NotFound("HUB-5041")
        return rows[0].session

    def _decided(self, tx: Tx, organization: str, row: DecisionRow) -> Decided:
        recorded = self._store.event(tx, row.position)
        body = open_event(self._keys, recorded) if recorded is not None else None
        if recorded is None or body is None:
            raise NotFound("HUB-5041")
        d = msgspec.json.decode(body, type=events.Decided)
        person = identities.person_of(tx, row.person) if row.person else b""  # who it is by the links of today
        session = emergencies.session(tx, d.session) if d.session else None
        return Decided(
            reference=d.reference, request=d.request, at=datetime.fromtimestamp(row.at / 1000, UTC), organization=d.organization, kind=d.kind,
            role=d.role, user=d.user, purpose=d.purpose, action=d.action, person=self._opaque.shut("person", organization, person) if person else "",
            pseudonym=self.pseudonym(person) if person else "", effect=d.effect, reason=d.reason, basis=d.basis, consents=d.consents,
            trail=d.trail, obligations=d.obligations,
            seen=tuple(Seen(s.type, s.id, s.version, s.effect, s.reason, s.basis, s.masks) for s in d.seen),
            typed_reason=self._typed(tx, session), closes=datetime.fromtimestamp(session.closes / 1000, UTC) if session else None,
            review=session.review if session else "", notices=states(tx, session.session) if session else (), asof=datetime.fromisoformat(d.asof) if d.asof else None,
        )  # fmt: skip

    def _typed(self, tx: Tx, session: emergencies.EmergencyRow | None) -> str:
        recorded = self._store.event(tx, session.position) if session else None
        body = open_event(self._keys, recorded) if recorded else None
        return msgspec.json.decode(body, type=Opened).reason if body else ""
