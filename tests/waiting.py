"""Waiting for what happens by itself: as short as it takes, and no shorter than a busy machine needs."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(holds: Callable[[], object], what: str = "it did not come to be", seconds: float = 120.0) -> None:
    """Return once it is so; fail when it is not within so many seconds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.02)
