"""Runs followers: one thread each, woken by an append and by the clock; the clock is the truth, the wake a hint."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from schemas.errors import quiet

POLL = 1.0
"""Seconds after which a follower looks by itself."""
GATHER = 0.05
"""Seconds that a follower lets pass under load once it is woken, so that one step takes the appends of several: a tenth of all CPU then.
What it tells comes so much later, twice so much where one follower stands behind another; the care side is to know within a second."""
LOAD = 20, 0.5
"""Load is so many appends within so many seconds; below it nothing waits."""
_log = logging.getLogger("tsunagu.followers")


class Follower(Protocol):
    """Pulls from the log."""

    name: str

    def step(self) -> bool:
        """Take the next events; say whether there may be more at once."""
        ...


class Runner:
    """Keeps followers going. A failing one stops by itself, is named in `stopped`, and is tried again at each wake by the clock."""

    def __init__(self, followers: Sequence[Follower]) -> None:
        self.followers = tuple(followers)
        self._wake = {f.name: threading.Event() for f in followers}
        self._closing = threading.Event()
        self._recent: deque[float] = deque(maxlen=LOAD[0])
        self.stopped: dict[str, str] = {}
        self._threads = [threading.Thread(target=self._run, args=(f,), name=f"follower-{f.name}", daemon=True) for f in followers]

    def start(self) -> None:
        """Start all."""
        for thread in self._threads:
            thread.start()

    def heard(self) -> None:
        """Wake all: something was appended."""
        self._recent.append(time.monotonic())
        for event in self._wake.values():
            event.set()

    def close(self) -> None:
        """Stop all and wait for the step under way."""
        self._closing.set()
        self.heard()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _run(self, follower: Follower) -> None:
        wake = self._wake[follower.name]
        while not self._closing.is_set():
            wake.clear()
            try:
                while follower.step() and not self._closing.is_set():
                    pass
                self.stopped.pop(follower.name, None)
            except Exception as fault:  # noqa: BLE001  a poisoned event stops its follower alone, and is shown
                if follower.name not in self.stopped:
                    _log.error("follower %s stopped", follower.name, exc_info=quiet(fault))
                self.stopped[follower.name] = type(fault).__name__
                self._closing.wait(POLL)
            if wake.wait(POLL) and self._loaded():
                self._closing.wait(GATHER)

    def _loaded(self) -> bool:
        recent = tuple(self._recent)
        return len(recent) == LOAD[0] and time.monotonic() - recent[0] < LOAD[1]
