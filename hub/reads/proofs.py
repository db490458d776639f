"""Heads, proofs and raw entries of the log, for the network's officers; heads and consistency for registered witnesses too. Nobody else.

Positions and sizes tell how much goes on in the region: they leave by these doors alone. An officer's look is recorded first; a witness's is
not, for a log that grew by being watched would never come to rest.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import NamedTuple

from hub.commands import Asking
from hub.gate import Gate
from hub.log import proof_file
from hub.log.exported import record
from hub.log.merkle import event_data, includes, leaf
from hub.log.store import Store, Tx
from hub.log.tiles import Lost, Tiles
from hub.log.verify import Event
from hub.reads.officers import LOOK, is_officer, officer
from hub.tables import acts, breaches, decisions, resources, tree
from hub.tables.decisions import Filter
from hub.writes.cosigning import Cosigning
from schemas.errors import Broken, Denied, NotFound

ENTRIES, BYTES = 1_000, 16_000_000
"""Entries, and bytes, of one page at most; one entry is always given."""


_AT_ONCE = 100


class Page(NamedTuple):
    """Some entries as the exported file has them, and the index to go on from; 0 = that was the end."""

    records: bytes
    next: int


class Proving:
    """These questions over their ports. All raise Denied (HUB-5043) for anybody else."""

    def __init__(self, *, store: Store, gate: Gate, cosigning: Cosigning) -> None:
        self._store, self._gate, self._cosigning = store, gate, cosigning
        self._organizations = frozenset(w.organization for w in cosigning.witnesses if w.organization)

    def size(self, asking: Asking) -> int:
        """Give the size of the newest signed head; 0 = none yet. For the officer's page, whose look is recorded already."""
        officer(asking)
        with self._store.read() as tx:
            head = tree.newest(tx)
        return head.size if head else 0

    def checkpoint(self, asking: Asking) -> str:
        """Give the newest head with its cosignatures (C2SP tlog-checkpoint). Raises NotFound while there is none."""
        self._watcher(asking)
        with self._store.read() as tx:
            return tree.note(tx, _signed(tree.newest(tx)))

    def inclusion(self, asking: Asking, *, reference: str = "", event: str = "", index: int = -1, size: int = -1) -> str:
        """Give what shows that an entry stands in the signed log as it was written, to be checked without the hub (C2SP tlog-proof v1).

        The entry is named by a decision's or a breach's reference or an act's name, the id of a recorded resource's event (hex) or its index. `extra` is the entry itself.
        `size` = under the head of that size; otherwise one that covers it, by preference one that a witness has signed.
        """
        officer(asking)
        with self._store.read() as tx:
            position, person = _named(tx, reference, event, index)
        self._gate.note(asking, person, LOOK)
        with self._store.read() as tx:
            head = tree.of_size(tx, size) if size >= 0 else tree.covering(tx, position)
            if size >= 0 and (head is None or head.size < position):
                raise NotFound("HUB-5081")
            head = _signed(head)
            found = self._store.raw(tx, position - 1, 1)
            if not found or found[0][0] != position:
                raise NotFound("HUB-5041")
            path = _made(lambda: Tiles(tree.tiles(tx)).inclusion(position - 1, head.size))
            note = tree.note(tx, head)
        at, stream, version, topic, state = found[0]
        extra = event_data(position=at, stream=stream, version=version, topic=topic, state=state)
        if not includes(position - 1, head.size, leaf(extra), path, head.root):
            raise Broken("HUB-5080")  # what is stored is no more what was signed: nothing is given that does not hold
        return proof_file.write(extra, position - 1, path, note)

    def consistency(self, asking: Asking, old: int, size: int = -1) -> str:
        """Give what shows that the head of `size` (otherwise the newest) goes on from one of `old` leaves, as `add-checkpoint` has it."""
        self._watcher(asking)
        with self._store.read() as tx:
            head = tree.of_size(tx, size) if size >= 0 else _signed(tree.newest(tx))
            if head is None or old > head.size:
                raise NotFound("HUB-5081")
            path = _made(lambda: Tiles(tree.tiles(tx)).consistency(old, head.size))
            note = tree.note(tx, head)
        return f"old {old}\n{''.join(map(_text, path))}\n{note}"

    def entries(self, asking: Asking, first: int, stop: int = -1) -> Page:
        """Give raw entries from index `first` (from 0) to before `stop`, as far as they are signed: stored bytes, sealed as they are."""
        officer(asking)
        self._gate.note(asking, b"", LOOK)
        with self._store.read() as tx:
            signed = _signed(tree.newest(tx)).size
            stop = min(signed if stop < 0 else stop, signed, first + ENTRIES)
            made: list[bytes] = []
            size = 0
            if first < stop:
                for one in self._events(tx, first, stop):
                    if made and size + len(one.data) > BYTES:
                        break
                    made.append(record(one))
                    size += len(one.data)
        following = first + len(made)
        return Page(b"".join(made), following if made and following < signed else 0)

    def _events(self, tx: Tx, after: int, until: int) -> Iterator[Event]:
        while after < until and (rows := self._store.raw(tx, after, min(_AT_ONCE, until - after))):
            leaves = dict(tree.leaves(tx, after, len(rows)))
            for position, stream, version, topic, state in rows:
                data = event_data(position=position, stream=stream, version=version, topic=topic, state=state)
                yield Event(leaves[position], data)
            after = rows[-1][0]

    def cosigned(self, asking: Asking, note: str) -> str:
        """Take a head that a witness has signed (see `Cosigning.take`); give it with all that is signed under it."""
        self._admitted(asking)
        return self._cosigning.take(note)

    def _watcher(self, asking: Asking) -> None:
        """Admit an officer, whose look is recorded, or the application of an organization that runs a witness."""
        self._admitted(asking)
        if is_officer(asking):
            self._gate.note(asking, b"", LOOK)

    def _admitted(self, asking: Asking) -> None:
        if is_officer(asking):
            return
        if asking.requester.role != "system" or asking.requester.organization not in self._organizations:
            raise Denied("HUB-5043")


def _named(tx: Tx, reference: str, event: str, index: int) -> tuple[int, bytes]:
    """Give the position of an entry, and the person whom a decision was about."""
    if reference.startswith(acts.PREFIX):
        found = acts.search(tx, acts.Filter(name=reference), limit=1)
        if found:
            return found[0].position, found[0].person
    elif reference:
        rows = decisions.search(tx, Filter(reference=reference), limit=1)
        if rows:
            return rows[0].position, rows[0].person
        if (breach := breaches.one(tx, reference)) is not None:
            return breach.position, b""
    elif event:
        row = resources.by_event(tx, bytes.fromhex(event))
        if row is not None:
            return row.position, b""
    elif index >= 0:
        return index + 1, b""
    raise NotFound("HUB-5041")


def _signed(head: tree.Head | None) -> tree.Head:
    if head is None:
        raise NotFound("HUB-5055")
    return head


def _made(path: Callable[[], list[bytes]]) -> list[bytes]:
    try:
        return path()
    except Lost as fault:
        raise Broken("HUB-5080") from fault


def _text(held: bytes) -> str:
    return base64.b64encode(held).decode() + "\n"
