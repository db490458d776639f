"""Makes the records of provision (提供の記録) from the recorded decisions."""

from __future__ import annotations

import msgspec

from hub.followers.run import BATCH
from hub.log.event import open_event
from hub.log.keys import Keyring
from hub.log.store import Store, Tx
from hub.names import MAIN, lies_in
from hub.tables import provisions, skips
from hub.writer import Writer
from schemas.events import ACCESS_DECIDED, Decided
from schemas.provision import ProvisionRow

_decoded = msgspec.json.Decoder(Decided).decode


class Providing:
    """The follower `provisions`."""

    name = provisions.NAME

    def __init__(self, *, store: Store, keys: Keyring, writer: Writer) -> None:
        self._store, self._keys, self._writer = store, keys, writer

    def step(self) -> bool:
        """Take the next batch."""
        return self.take(BATCH)

    def take(self, limit: int) -> bool:
        """Read outside the lock; lines and position are one transaction, which does nothing when the position has moved meanwhile."""
        with self._store.read() as tx:
            after, head = self._store.position_of(tx, self.name), self._store.head(tx)
            until = min(head, after + limit)  # positions have no gaps
            rows = self._lines(tx, after, until)
        if until == after:
            return False

        def work(tx: Tx) -> None:
            if skips.claim(tx, self.name) == after:
                provisions.add(tx, rows)
                self._store.track(tx, self.name, until)

        self._writer.work(work).result()
        return until < head

    def coming(self, tx: Tx, until: int) -> list[ProvisionRow]:
        """Give the lines of a snapshot that the follower has not come to yet: so an answer is whole at its moment."""
        after = self._store.position_of(tx, self.name)
        return self._lines(tx, after, until) if after < until else []

    def _lines(self, tx: Tx, after: int, until: int) -> list[ProvisionRow]:
        told = self._store.events_of(tx, ACCESS_DECIDED, after, until)
        passed = skips.passed(tx, self.name, after, until) if told else frozenset()
        found = []
        for one in told:
            main = lies_in(one.header.compartment) == MAIN
            body = open_event(self._keys, one) if main and one.position not in passed else None
            if body is not None:
                found += provisions.lines(tx, one, _decoded(body))
        return found
