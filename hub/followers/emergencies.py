"""What time does to emergencies: closes break-glass sessions, tells of reviews that are late, ends switches of disasters. Each once.

What is due is judged anew under the lock, from the rows that the events before have moved: a second process finds nothing left to do.
"""

from __future__ import annotations

from hub.writes.emergency import Breaking
from hub.writes.emergency_disaster import Switching
from hub.writes.emergency_review import MOST, Reviewing


class Timing:
    """A follower of the clock."""

    name = "emergencies"

    def __init__(self, *, breaking: Breaking, reviewing: Reviewing, switching: Switching) -> None:
        self._breaking, self._reviewing, self._switching = breaking, reviewing, switching

    def step(self) -> bool:
        """Record what is due; say whether there may be more at once."""
        closed, told = self._breaking.timed_out(MOST), self._reviewing.overdue()
        self._switching.timed_out()
        return closed >= MOST or told >= MOST
