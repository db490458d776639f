"""Takes the leaves by position, grows the tree and signs its head: at most once in ten seconds, and published outside the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.log.merkle import Tree
from hub.log.notes import Checkpoint, public_bytes, sign, verifier_text
from hub.log.store import Store, Tx
from hub.writer import Writer

EVERY = 10.0
"""Seconds between two heads."""
BATCH = 5_000


class Checkpoints:
    """The follower `checkpoints`. Writes `checkpoint.txt` and `checkpoint.pub` beside the database, for whoever keeps watch."""

    name = "checkpoints"

    def __init__(
        self, *, store: Store, writer: Writer, signing: bytes, origin: str, folder: Path, now: Callable[[], datetime], every: float = EVERY
    ) -> None:
        self._store, self._writer, self._now, self._folder, self._every = store, writer, now, folder, every
        self._key = Ed25519PrivateKey.from_private_bytes(signing)
        self._origin = origin
        self._signed = float("-inf")
        self.verifier = verifier_text(origin, public_bytes(self._key))
        _write(folder / "checkpoint.pub", self.verifier + "\n")

    def step(self) -> bool:
        """Take leaves in; sign when the time has come."""
        if time.monotonic() - self._signed >= self._every:
            self.sign_now()
        return False

    def sign_now(self) -> None:
        """Sign the head of the log and publish it, when anything is new."""
        note = self._writer.work(self.sign).result()
        if note:
            _write(self._folder / "checkpoint.txt", note)
            self._signed = time.monotonic()

    def sign(self, tx: Tx) -> str:
        """Grow the tree to the head of the log and sign it, inside a transaction; empty when nothing is new."""
        edge = [(int(n), bytes(h)) for n, h in tx.all("SELECT size, hash FROM tree ORDER BY level")]
        tree = Tree(edge)
        before = tree.size
        position = self._store.position_of(tx, self.name)
        while rows := tx.all("SELECT position, leaf FROM events WHERE position>? ORDER BY position LIMIT ?", (position, BATCH)):
            for at, leaf in rows:
                tree.append(bytes(leaf))
                position = at
        if tree.size == before:
            return ""
        note = sign(Checkpoint(self._origin, tree.size, tree.root), self._key)
        tx.run("DELETE FROM tree")
        tx.insert("tree", ("level", "size", "hash"), [(i, n, h) for i, (n, h) in enumerate(tree.edge)])
        tx.run("INSERT INTO checkpoints VALUES (?,?,?,?)", (tree.size, tree.root, int(self._now().timestamp() * 1000), note))
        self._store.track(tx, self.name, position)
        return note


def _write(path: Path, text: str) -> None:
    """Replace a small file as one step."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
