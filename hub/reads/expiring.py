"""Consents that end soon, or have ended without another in their place: the officer's work list, with whom to tell. Each look is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from consent.rules import Directive
from hub.clock import milliseconds, moment
from hub.commands import Asking
from hub.gate import Gate
from hub.log.keys import Keyring
from hub.log.store import Store, Tx
from hub.names import hub_id
from hub.reads.audits import Auditing
from hub.reads.officers import LOOK, officer
from hub.reads.opaque import Opaque
from hub.tables import capacities, directives, expiries, identities
from hub.tables.derive import read_directive
from hub.tables.directives import DirectiveRow
from hub.tables.expiries import CAPACITY, CONSENT, ExpiryRow
from schemas.errors import BadValue

PAGE = 50
ENDED = timedelta(days=366)
"""For so long what has ended is listed."""
WITHIN = {"30": 30, "60": 60, "90": 90, "ended": 0}
"""What can be asked for: days from now, or what has ended."""


@dataclass(frozen=True, slots=True)
class Ending:
    """One end. `directive` None = it cannot be read any more, or it is a finding of capacity that is to be looked at again (`consent` empty). `followed` = another consent of the same kind goes on behind it."""

    what: str
    consent: str
    version: int
    ends: datetime
    custodian: str
    person: str
    pseudonym: str
    directive: Directive | None
    followed: bool


@dataclass(frozen=True, slots=True)
class Endings:
    """One page, soonest first (of those that have ended, the oldest first), with the cursor of the next."""

    found: tuple[Ending, ...]
    next: str


class ExpiringConsents:
    """The question over its ports; raises Denied for anybody but officers."""

    def __init__(self, *, store: Store, keys: Keyring, gate: Gate, opaque: Opaque, audit: Auditing, now: Callable[[], datetime]) -> None:
        self._store, self._keys, self._gate, self._opaque, self._audit, self._now = store, keys, gate, opaque, audit, now

    def listed(self, asking: Asking, within: str, custodian: str = "", cursor: str = "", size: int = PAGE) -> Endings:
        """Give a page. Raises BadValue (HUB-5187) for a stretch of time that is none of WITHIN."""
        officer(asking)
        if within not in WITHIN:
            raise BadValue("HUB-5187", where="within", known="、".join(WITHIN))
        self._gate.note(asking, b"", LOOK)
        organization, now = asking.requester.organization, self._now()
        first, last = (now - ENDED, now) if within == "ended" else (now, now + timedelta(days=WITHIN[within]))
        after = expiries.FIRST
        if cursor:
            after = msgspec.msgpack.decode(self._opaque.open("expiring", organization, cursor), type=tuple[int, bytes, str])
        found: list[Ending] = []
        with self._store.read() as tx:
            rows = expiries.between(tx, milliseconds(first), milliseconds(last), limit=size + 1, custodian=custodian, after=after)
            for row in rows[:size]:
                one = self._ending(tx, organization, row, now)
                if not one.followed or (within != "ended" and one.what != CAPACITY):
                    found.append(one)
        more = ""
        if len(rows) > size:
            end = rows[size - 1]
            more = self._opaque.shut("expiring", organization, msgspec.msgpack.encode((end.ends, end.consent, end.what)))
        return Endings(tuple(found), more)

    def _ending(self, tx: Tx, organization: str, row: ExpiryRow, now: datetime) -> Ending:
        person = identities.person_of(tx, row.patient)
        held = [(one, d) for one in directives.in_force(tx, identities.patients_of(tx, person)) if (d := self._open(one)) is not None]
        mine = next((d for one, d in held if one.consent == row.consent), None)
        if row.what == CAPACITY:
            reference = self._opaque.shut("person", organization, person)
            last = max((one.position for one in capacities.of(tx, identities.patients_of(tx, person))), default=row.position)
            later = last > row.position
            return Ending(row.what, "", 0, moment(row.ends), row.custodian, reference, self._audit.pseudonym(person), None, followed=later)
        return Ending(
            row.what, f"Consent/{hub_id(row.consent)}", row.version, moment(row.ends), row.custodian, self._opaque.shut("person", organization, person),
            self._audit.pseudonym(person), mine,
            mine is not None and any(_follows(d, mine, row, now) for one, d in held if one.consent != row.consent),
        )  # fmt: skip

    def _open(self, row: DirectiveRow) -> Directive | None:
        return read_directive(self._keys, row.key, row.directive, row.event)


def _follows(other: Directive, ending: Directive, row: ExpiryRow, now: datetime) -> bool:
    """Say whether another consent goes on where one ends: in force, to the same effect, for the same custodian or the whole network, longer."""
    end = moment(row.ends)
    alike = other.status == "active" and other.speaks and other.readable and other.root.effect == ending.root.effect
    wide = other.controller == ending.controller or (other.controller == "NW" and row.what == CONSENT)
    lasts = all(ends is None or ends > max(end, now) for ends in (other.ends, other.proxy_until if other.proxy else None))
    return alike and wide and lasts
