"""The hub's clock: real time, or real time counted on from a chosen start (demos and tests)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_EPOCH, _MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)


def milliseconds(at: datetime) -> int:
    """Give a moment as the log keeps it: whole milliseconds since 1970, rounded down, without the fractions of a float."""
    return (at - _EPOCH) // _MILLISECOND


def moment(number: int) -> datetime:
    """Give the moment of so many milliseconds since 1970 (UTC)."""
    return _EPOCH + number * _MILLISECOND


def clock(starts: datetime | None) -> Callable[[], datetime]:
    """Give the function that says now (aware, UTC). With a start, time runs on from there by the monotonic clock."""
    if starts is None:
        return lambda: datetime.now(UTC)
    begun, first = time.monotonic(), starts.astimezone(UTC)
    return lambda: first + timedelta(seconds=time.monotonic() - begun)
