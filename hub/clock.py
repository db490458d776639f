"""The hub's clock: real time, or real time counted on from a chosen start (demos and tests)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def clock(starts: datetime | None) -> Callable[[], datetime]:
    """Give the function that says now (aware, UTC). With a start, time runs on from there by the monotonic clock."""
    if starts is None:
        return lambda: datetime.now(UTC)
    begun, first = time.monotonic(), starts.astimezone(UTC)
    return lambda: first + timedelta(seconds=time.monotonic() - begun)
