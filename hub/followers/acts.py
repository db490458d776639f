"""Keeps the record of the hub's own acts going: counts of refused sign-ins once their minute is over, and the moment from which recording works again."""

from __future__ import annotations

from hub.clock import milliseconds
from hub.writer import Writer
from hub.writes.acts import Acts


class Recounting:
    """A follower of the clock, in every process. While nothing can be recorded it stands, and tries again by itself."""

    name = "acts"
    everywhere = True

    def __init__(self, *, acts: Acts, writer: Writer) -> None:
        self._acts, self._writer = acts, writer

    def step(self) -> bool:
        """Record what is due; raises Busy while nothing can be recorded."""
        halt = self._writer.halt
        if halt is not None:
            self._acts.resumed(milliseconds(halt.since), halt.rule)
        self._acts.flush()
        return False
