"""The regular review of access logs, a month at a time: who looked how often and with what outcome, what is still open, who signed.

医療情報システムの安全管理に関するガイドライン 6.0, システム運用編 17①.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hub.commands import Asking
from hub.followers.tallying import TALLIES
from hub.gate import Gate
from hub.log.store import Store
from hub.reads.access_reviews import AccessReviews, SignedReview
from hub.reads.audits import Auditing
from hub.reads.officers import LOOK, officer
from hub.tables import tallies
from hub.views.ages import JST
from schemas.errors import BadValue

_EPOCH = date(1970, 1, 1)
_APART = {"write": "taken", "audit": "looked"}
"""Actions by which nothing of a person is given out: counted by themselves, whatever came of them."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What one role of one organization came to in a month."""

    organization: str
    role: str
    given: int
    partly: int
    refused: int
    taken: int
    """Decisions on what was sent in."""
    looked: int
    """An officer's looks at the record itself."""


@dataclass(frozen=True, slots=True)
class Month:
    """One month. `over` = it can be signed; `signed` = signatures that reach into it; `open` = findings and emergencies that wait now."""

    first: date
    last: date
    counted: tuple[Counted, ...]
    over: bool
    signed: tuple[SignedReview, ...]
    due: bool
    unusual: int
    emergencies: int


class Months:
    """The question over its ports; raises Denied for anybody but officers. The look is recorded."""

    def __init__(self, *, store: Store, gate: Gate, audit: Auditing, reviews: AccessReviews, now: Callable[[], datetime]) -> None:
        self._store, self._gate, self._audit, self._reviews, self._now = store, gate, audit, reviews, now

    def one(self, asking: Asking, text: str = "") -> Month:
        """Give a month (`2026-11`); empty = the oldest that is due, else the present one. Raises BadValue (HUB-5186)."""
        officer(asking)
        today, due = self._now().astimezone(JST).date(), self._reviews.due(asking)
        first = _month(text) if text else (due[0][0] if due else today.replace(day=1))
        if first > today:
            raise BadValue("HUB-5186", where="month")
        last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        self._gate.note(asking, b"", LOOK)
        with self._store.read() as tx:
            rows = tallies.between(tx, self._store.position_of(tx, TALLIES), (first - _EPOCH).days, (last - _EPOCH).days)
        tiles = self._audit.tiles(asking)
        signed = tuple(one for one in self._reviews.listed(asking) if one.since <= last and one.until >= first)
        return Month(
            first, last, _counted(rows), last < today, signed, any(begin == first for begin, _ in due), tiles.unusual, len(tiles.reviews)
        )


def _month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=JST).date()
    except ValueError as fault:
        raise BadValue("HUB-5186", where="month") from fault


def _counted(rows: list[tallies.Tally]) -> tuple[Counted, ...]:
    found: dict[tuple[str, str], dict[str, int]] = {}
    for row in rows:
        sums = found.setdefault((row.organization, row.role), dict.fromkeys(("permit", "redact", "deny", *_APART.values()), 0))
        sums[_APART.get(row.action, row.effect)] += row.number
    return tuple(Counted(*key, s["permit"], s["redact"], s["deny"], s["taken"], s["looked"]) for key, s in sorted(found.items()))
