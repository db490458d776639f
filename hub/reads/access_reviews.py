"""The officer's regular review of the record of disclosures: what was signed for, and which months nobody has signed for yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import msgspec

from hub.commands import Asking
from hub.log.event import open_event
from hub.log.keys import Keyring
from hub.log.store import Store
from hub.reads.officers import officer
from hub.tables import acts, moments
from schemas.events import ACCESS_REVIEWED, AccessReviewed
from schemas.fhir.facts import JST

MONTHS = 24
"""How many months back are looked at for reviews that are due."""
_MOST = 200


@dataclass(frozen=True, slots=True)
class SignedReview:
    """One signature. Days in Japan, both inclusive; `decisions` = how many lay in them; `name` = by which it is found in the log."""

    name: str
    at: datetime
    since: date
    until: date
    decisions: int
    by: str
    note: str


class AccessReviews:
    """These looks over their ports. All raise Denied for anybody but an officer.

    They tell nothing of any person, so that looking is not recorded.
    """

    def __init__(self, *, store: Store, keys: Keyring, now: Callable[[], datetime]) -> None:
        self._store, self._keys, self._now = store, keys, now

    def listed(self, asking: Asking) -> tuple[SignedReview, ...]:
        """Give the newest signatures, newest first."""
        officer(asking)
        with self._store.read() as tx:
            rows = acts.search(tx, acts.Filter(topics=(ACCESS_REVIEWED,)), limit=_MOST)
            kept = self._store.events_at(tx, [row.position for row in rows])
        made = []
        for row in rows:
            text = open_event(self._keys, kept[row.position])
            if text is not None:
                body = msgspec.json.decode(text, type=AccessReviewed)
                days = date.fromisoformat(body.since), date.fromisoformat(body.until)
                made.append(SignedReview(row.name, datetime.fromtimestamp(row.at / 1000, UTC), *days, body.decisions, body.by, body.note))
        return tuple(made)

    def due(self, asking: Asking) -> tuple[tuple[date, date], ...]:
        """Give the months that are over and of which some day is under no signature (first and last day), oldest first, since the log began."""
        signed = {day for one in self.listed(asking) for day in _days(one.since, one.until)}
        with self._store.read() as tx:
            begun = moments.recorded_at(self._store, tx, 1)
        if begun is None:
            return ()
        first = datetime.fromtimestamp(begun / 1000, UTC).astimezone(JST).date()
        found: list[tuple[date, date]] = []
        last = self._now().astimezone(JST).date().replace(day=1) - timedelta(days=1)
        while last >= first and len(found) < MONTHS:
            begin = last.replace(day=1)
            found.append((begin, last))
            last = begin - timedelta(days=1)
        return tuple((a, b) for a, b in reversed(found) if not signed.issuperset(_days(max(a, first), b)))


def _days(since: date, until: date) -> list[date]:
    return [since + timedelta(days=n) for n in range((until - since).days + 1)]
