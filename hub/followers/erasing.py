"""Destroys keys whose day has come: of restricted persons, of refused messages; and finishes what a hub that stopped had begun."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from hub.writes.destroying import Destroying
from hub.writes.erase import Erasing

EVERY = 60.0
"""Seconds between two looks at whose day has come; a refused message that was taken after all goes at once."""


class Shredding:
    """The follower `erasing`. `keep` = how long refused messages are kept."""

    name = "erasing"

    def __init__(
        self, *, erasing: Erasing, destroying: Destroying, keep: timedelta, now: Callable[[], datetime], every: float = EVERY
    ) -> None:
        self._erasing, self._destroying, self._keep, self._now, self._every = erasing, destroying, keep, now, every
        self._looked = float("-inf")
        self._recovered = False

    def step(self) -> bool:
        """Do what is due."""
        if not self._recovered:
            self._destroying.recover()
            self._recovered = True
        more = self._destroying.finish() > 0
        for basis, references in self._destroying.ended(self._now() - self._keep).items():
            self._destroying.messages(basis, self.name, references)
            more = True
        if time.monotonic() - self._looked >= self._every:
            for reference in self._erasing.due():
                self._erasing.shred(reference)
            self._looked = time.monotonic()
        return more
