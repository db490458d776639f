"""Counts decisions by day, so that no page has to."""

from __future__ import annotations

from hub.followers.run import BATCH
from hub.log.store import Store, Tx
from hub.tables import skips, tallies
from hub.writer import Writer

TALLIES = "tallies"


class Tallying:
    """The follower `tallies`."""

    name = TALLIES

    def __init__(self, *, store: Store, writer: Writer) -> None:
        self._store, self._writer = store, writer

    def step(self) -> bool:
        """Count the next batch."""
        return self.take(BATCH)

    def take(self, limit: int) -> bool:
        """Count inside the transaction that moves the position: another process that was faster has moved it."""
        with self._store.read() as tx:
            after, head = self._store.position_of(tx, self.name), self._store.head(tx)
        if after >= head:
            return False
        self._writer.work(lambda tx: self.advance(tx, limit)).result()
        return after + limit < head

    def advance(self, tx: Tx, limit: int) -> int:
        """Count inside a write transaction; give how many positions were passed."""
        after = skips.claim(tx, self.name)
        until = min(self._store.head(tx), after + limit)
        passed = skips.passed(tx, self.name, after, until)
        at = after
        for position in (*sorted(passed), until + 1):
            tallies.add(tx, at, position - 1)
            at = position
        if until > after:
            self._store.track(tx, self.name, until)
        return until - after
