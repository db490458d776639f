"""From tombstones to keys that are no more: what a tombstone names is destroyed and receipted; refused messages past their time get one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from hub.log.keys import Keyring
from hub.log.store import Store, Tx
from hub.names import MAIN, lies_in
from hub.tables import erasures, messages, resources, skips
from hub.tables.messages import RefusalRow
from hub.writer import Proposal, Writer
from hub.writes import tombstone
from schemas import events
from schemas.events import Destroyed, Key

FEEDS = "feeds"
"""The follower that gives subscribers their numbers."""
SETTLED, ENDED, ASKED, LEDGER = "SETTLED", "ENDED", "ASKED", "LEDGER"
"""Grounds that no officer gives: a refused message was taken after all, is past its end date, or its sender wants it gone; a ledger of
erased keys that is newer than the database names the key."""
_BATCH = 200


def under_the_lock(writer: Writer, prepare: Callable[[Tx], Proposal]) -> Any:
    """Prepare a submission under the lock alone, from what nobody can move any more; give its answer after the commit."""
    return writer.submit(Proposal(os.urandom(16), [], holds=lambda _: False, again=prepare)).result().answer


class Destroying:
    """Tombstones of refused messages, of what a newer ledger names, and the end of all of them."""

    def __init__(self, *, store: Store, writer: Writer, network: tombstone.Network, now: Callable[[], datetime]) -> None:
        self._store, self._keys, self._writer, self._network, self._now = store, network.keys, writer, network, now

    def messages(self, basis: str, by: str, references: Iterable[bytes]) -> None:
        """Give refused messages up, under one tombstone in each compartment."""
        wanted = list(references)

        def again(tx: Tx) -> Proposal:
            keys = [key for row in messages.of(tx, wanted) if row.erased is None and (key := self._key(tx, row)) is not None]
            made = []
            for compartment in sorted({lies_in(key.compartment) for key in keys}):
                body = tombstone.body(tx, [k for k in keys if lies_in(k.compartment) == compartment], fed=0, basis=basis, by=by)
                made.append(self._network.tombstone(body, patient=b"", at=self._now(), compartment=compartment))
            return Proposal(os.urandom(16), made)

        under_the_lock(self._writer, again)
        self.finish()

    def ended(self, before: datetime) -> Mapping[str, list[bytes]]:
        """Give refused messages that are kept no longer, some at a time, by ground: taken after all, or come before a moment."""
        with self._store.read() as tx:
            rows = messages.ended(tx, int(before.timestamp() * 1000), _BATCH)
        found: dict[str, list[bytes]] = {}
        for row in rows:
            found.setdefault(SETTLED if row.settled is not None else ENDED, []).append(row.reference)
        return found

    def _key(self, tx: Tx, row: RefusalRow) -> Key | None:
        recorded = self._store.event(tx, row.position)
        return Key(recorded.header.key.hex(), row.reference.hex(), recorded.header.compartment) if recorded is not None else None

    def finish(self) -> int:
        """Destroy what tombstones name and no receipt does, and record the receipts; give how many tombstones that were."""
        with self._store.read() as tx:
            waiting = sorted({key.position for key in erasures.waiting(tx, _BATCH)})
            named = {position: erasures.keys_of(tx, position) for position in waiting}
        for position, keys in named.items():
            for compartment in sorted({key.compartment for key in keys}):
                self._keys.destroy({key.owner for key in keys if key.compartment == compartment}, [compartment], at=self._now())
            under_the_lock(self._writer, self._receipt(position))
        return len(named)

    def _receipt(self, tombstone: int) -> Callable[[Tx], Proposal]:
        def again(tx: Tx) -> Proposal:
            keys = [key for key in erasures.keys_of(tx, tombstone) if key.destroyed is None]
            if not keys:
                return Proposal(os.urandom(16), [])
            body = Destroyed(tombstone, tuple(key.key.hex() for key in keys), self._now().isoformat())
            place = lies_in(keys[0].compartment)  # of one tombstone all lie in one
            return Proposal(
                os.urandom(16), [self._network.event(events.KEY_DESTROYED, "Erasure", body, patient=b"", at=self._now(), compartment=place)]
            )

        return again

    def recover(self) -> int:
        """Make the tombstone that a database lacks which is older than the ledger of erased keys; give how many keys it names."""
        with self._store.read() as tx:
            if self._keys.erasures() <= erasures.marks(tx):
                return 0

        def again(tx: Tx) -> Proposal:
            keys = _lost(tx, self._keys, [key for row in messages.kept(tx) if (key := self._key(tx, row)) is not None])
            if not keys:
                return Proposal(os.urandom(16), [], answer=0)
            body = tombstone.body(tx, keys, fed=skips.claim(tx, FEEDS), basis=LEDGER, by="ledger")
            return Proposal(os.urandom(16), [self._network.tombstone(body, patient=b"", at=self._now())], answer=len(keys))

        found = int(under_the_lock(self._writer, again))
        self.finish()
        return found


def _lost(tx: Tx, keyring: Keyring, refused: Iterable[Key]) -> list[Key]:
    """Give the keys of rows that are not empty although their owner gets no key any more."""
    held = [Key(key.hex(), owner.hex(), MAIN) for owner, key in resources.owners(tx)] + list(refused)
    gone = set(keyring.gone({(bytes.fromhex(key.owner), key.compartment) for key in held}))
    return [key for key in held if (bytes.fromhex(key.owner), key.compartment) in gone]
