"""Which moment of the past an asker means by `at=`, and where in the log it lies."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from hub.clock import milliseconds, moment
from hub.commands import Asking
from hub.log.store import Store
from hub.reads.officers import is_officer
from hub.tables import moments
from schemas.errors import BadValue, Denied

_POSITION = re.compile(r"[0-9]{1,15}")
_BLANK = re.compile(r"(T[0-9:.]+) ([0-9]{2}:?[0-9]{2})")
"""A plus sign that was not written as %2B arrives as a blank."""


@dataclass(frozen=True, slots=True)
class Past:
    """A moment (aware) and the last position of the log that it knows."""

    at: datetime
    position: int

    def named(self, asking: Asking) -> Asking:
        """Let the decision of this request tell which moment was asked for."""
        return replace(asking, asof=self.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"))


class Looking:
    """Reads `at=`: ISO 8601 with offset; for the network's officers a position of the log too."""

    def __init__(self, *, store: Store, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now

    def __call__(self, asking: Asking, told: Sequence[str]) -> Past | None:
        """Give the moment; None when none was asked for.

        Raises BadValue: HUB-5120 = no time with an offset, HUB-5121 = it lies ahead, HUB-5122 = before the log began; Denied (HUB-5123) for a
        position that somebody else asks for.
        """
        if not told:
            return None
        if len(told) > 1:
            raise BadValue("HUB-5120", where="at")
        text, now = told[0].strip(), self._now()
        if _POSITION.fullmatch(text):
            if not is_officer(asking):
                raise Denied("HUB-5123", where="at")
            return self._of_position(int(text), now)
        at = instant(text)
        if at > now:
            raise BadValue("HUB-5121", where="at")
        with self._store.read() as tx:
            first = moments.recorded_at(self._store, tx, 1)
            if first is None or milliseconds(at) < first:
                raise BadValue("HUB-5122", where="at")
            position = moments.position_at(self._store, tx, milliseconds(at), milliseconds(now))
        if not position:
            raise BadValue("HUB-5122", where="at")
        return Past(at, position)

    def _of_position(self, position: int, now: datetime) -> Past:
        with self._store.read() as tx:
            recorded = moments.recorded_at(self._store, tx, position)
        if recorded is None:
            raise BadValue("HUB-5121" if position else "HUB-5122", where="at")
        return Past(min(moment(recorded), now), position)


def instant(text: str) -> datetime:
    """Read an ISO 8601 time with offset; raise BadValue (HUB-5120) for anything else."""
    try:
        at = datetime.fromisoformat(_BLANK.sub(r"\1+\2", text, count=1))
        if at.tzinfo is None:
            raise BadValue("HUB-5120", where="at")
        return at.astimezone(UTC)
    except (ValueError, OverflowError) as fault:
        raise BadValue("HUB-5120", where="at") from fault
