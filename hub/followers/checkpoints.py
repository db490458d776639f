"""Takes the leaves by position, grows the tree and signs its head; the head is published outside the database too.

One process leads, and nothing rests on that: what was grown outside the lock is stored only when tiles and newest head are still those it was
grown from. A head is signed only where the newest one before it, and the one published in the folder, are heads of the same tree.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.log.notes import Checkpoint, Verifier, notes_in, public_bytes, sign, verifier_text, verify
from hub.log.store import Store, Tx
from hub.log.tiles import Lost, Tiles, grow
from hub.tables import tree
from hub.writer import Writer
from schemas.errors import Broken, quiet

EVERY, MOST = 10.0, 1_000
"""Seconds, and events, after which a new head is signed: whichever comes first."""
BATCH = 5_000
PUBLISH = 1.0
"""Seconds between two looks at whether the published head has changed."""
_log = logging.getLogger("tsunagu.checkpoints")


@dataclass(frozen=True, slots=True)
class _Grown:
    """What the tree will be: grown from `before` leaves and the newest head then to `size` leaves; `more` = the log goes on."""

    before: int
    newest: tree.Head | None
    size: int
    root: bytes
    tiles: Mapping[tuple[int, int], bytes]
    more: bool


class Checkpoints:
    """The follower `checkpoints`. Writes `checkpoint.txt` and `checkpoint.pub` beside the database, for whoever keeps watch."""

    name = "checkpoints"
    everywhere = True
    """Each process publishes what any of them signed."""

    def __init__(
        self, *, store: Store, writer: Writer, signing: bytes, origin: str, folder: Path, now: Callable[[], datetime], every: float = EVERY,
        most: int = MOST,
    ) -> None:  # fmt: skip
        self._store, self._writer, self._now, self._folder, self._every, self._most = store, writer, now, folder, every, most
        self._key = Ed25519PrivateKey.from_private_bytes(signing)
        self._origin = origin
        self._signed = self._looked = float("-inf")
        self.verifier = verifier_text(origin, public_bytes(self._key))
        self._verifier = Verifier.parse(self.verifier)
        _write(folder / "checkpoint.pub", self.verifier + "\n")

    def step(self) -> bool:
        """Take leaves in and sign when the time has come; publish what was signed, by whatever process."""
        more = self._due() and self._advance()
        if not more and time.monotonic() - self._looked >= PUBLISH:
            self.publish()
        return more

    def sign_now(self) -> None:
        """Sign the head of the log and publish it, when anything is new."""
        while self._advance():
            pass
        self.publish()

    def close(self) -> None:
        """Sign once more at the end; what hinders it is told in the log and does not keep the hub from closing."""
        try:
            self.sign_now()
        except Exception as fault:  # noqa: BLE001
            _log.error("no last head was signed", exc_info=quiet(fault))

    def publish(self) -> None:
        """Write the newest head with its cosignatures to `checkpoint.txt`, when it is not there yet.

        Raises Broken (HUB-5080) when what lies there is a head of another tree, or of more than this log holds: that is never written over.
        """
        self._looked = time.monotonic()
        published = self._published()  # before the snapshot: no process publishes what is not committed
        with self._store.read() as tx:
            head = tree.newest(tx)
            if head is None and published is None:
                return
            size, note = (head.size, tree.note(tx, head)) if head else (0, "")
            path = self._folder / "checkpoint.txt"
            if path.exists() and path.read_bytes() == note.encode():
                return
            self._same(Tiles(tree.tiles(tx)), size, published)
        _write(path, note)

    def _due(self) -> bool:
        with self._store.read() as tx:
            head = tree.newest(tx)
            fresh = self._store.head(tx) - (head.size if head else 0)
        return fresh >= self._most or (fresh > 0 and time.monotonic() - self._signed >= self._every)

    def _advance(self) -> bool:
        """Grow outside the lock, store and sign under it; say whether the log goes on."""
        published = self._published()
        with self._store.read() as tx:
            grown = self._grown(tx, published)

        def work(tx: Tx) -> str:
            return self._record(tx, grown)

        if self._writer.work(work).result():
            self._signed = time.monotonic()
            self.publish()
        return grown.more

    def _grown(self, tx: Tx, published: Checkpoint | None) -> _Grown:
        before, newest = tree.size(tx), tree.newest(tx)
        rows = tree.leaves(tx, before, BATCH)
        if [position for position, _ in rows] != list(range(before + 1, before + 1 + len(rows))):
            raise Broken("HUB-5080")
        read, size = tree.tiles(tx), before + len(rows)
        try:
            made = grow(read, before, [leaf for _, leaf in rows])
            look = Tiles(read, made)
            more = len(rows) == BATCH
            if not more:
                self._same(look, size, newest, published)
            return _Grown(before, newest, size, look.root(size), made, more)
        except Lost as fault:
            raise Broken("HUB-5080") from fault

    @staticmethod
    def _same(look: Tiles, size: int, *heads: tree.Head | Checkpoint | None) -> None:
        """Refuse to go on where a head that was signed before is none of this tree: there must never be two trees."""
        try:
            for head in heads:
                if head is not None and (head.size > size or look.root(head.size) != head.root):
                    raise Broken("HUB-5080")
        except Lost as fault:
            raise Broken("HUB-5080") from fault

    def _record(self, tx: Tx, grown: _Grown) -> str:
        """Store what has grown and sign it; empty when there is nothing to sign, or another process was first."""
        tx.run(
            "INSERT INTO tracking VALUES (?,?) ON CONFLICT (application_name) DO UPDATE SET notification_id=tracking.notification_id",
            (self.name, 0),
        )  # holds up another process that would do the same until this transaction has ended
        if tree.size(tx) != grown.before or tree.newest(tx) != grown.newest:
            return ""
        tree.put(tx, grown.tiles)
        self._store.track(tx, self.name, grown.size)
        if grown.more or grown.size == (grown.newest.size if grown.newest else 0):
            return ""
        note = sign(Checkpoint(self._origin, grown.size, grown.root), self._key)
        tree.sign(tx, tree.Head(grown.size, grown.root, note), int(self._now().timestamp() * 1000))
        return note

    def _published(self) -> Checkpoint | None:
        """Give the head that lies in the folder, when it is one of ours: the folder may be newer than a database that was put back."""
        path = self._folder / "checkpoint.txt"
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        found = [point for note in notes_in(text) if (point := verify(note, self._verifier))]
        return max(found, key=lambda point: point.size, default=None)


def _write(path: Path, text: str) -> None:
    """Replace a small file as one step."""
    beside = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.new")  # several processes may share a folder
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
