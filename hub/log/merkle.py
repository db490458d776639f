"""Hashes of the Merkle tree over the log, and what judges its proofs (RFC 6962 §2.1, RFC 9162 §2.1; SHA-256). Pure; no import of the hub.

Shared by the writer and by the checker, and with `notes` nothing else is shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

EMPTY = sha256(b"").digest()
HASH = 32
"""Bytes of a hash."""


def leaf(data: bytes) -> bytes:
    """Give the hash of a leaf."""
    return sha256(b"\0" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Give the hash of an inner node."""
    return sha256(b"\1" + left + right).digest()


def event_data(*, position: int, stream: bytes, version: int, topic: str, state: bytes) -> bytes:
    """Give what the leaf of a stored event is the hash of: every column that is stored, each with its length, so that none can be swapped for another.

    u64 position | 16 bytes of stream | u64 version | u16 length of topic | topic | u64 length of state | state; numbers big-endian.
    """
    name = topic.encode()
    return (
        position.to_bytes(8, "big") + stream + version.to_bytes(8, "big")
        + len(name).to_bytes(2, "big") + name + len(state).to_bytes(8, "big") + state
    )  # fmt: skip


def event_leaf(*, position: int, stream: bytes, version: int, topic: str, state: bytes) -> bytes:
    """Give the leaf of a stored event."""
    return leaf(event_data(position=position, stream=stream, version=version, topic=topic, state=state))


class Tree:
    """A growing tree that keeps only its right edge: append in O(log n), root by folding from the right."""

    def __init__(self, edge: Sequence[tuple[int, bytes]] = ()) -> None:
        self._edge: list[tuple[int, bytes]] = list(edge)
        self.size = sum(n for n, _ in self._edge)
        """Leaves."""

    @property
    def edge(self) -> tuple[tuple[int, bytes], ...]:
        """Give the state to go on from: (leaves under it, hash), largest first."""
        return tuple(self._edge)

    def append(self, leaf_hash: bytes) -> None:
        """Take one more leaf (its hash)."""
        edge, n, made = self._edge, 1, leaf_hash
        while edge and edge[-1][0] == n:
            made = node(edge.pop()[1], made)
            n *= 2
        edge.append((n, made))
        self.size += 1

    @property
    def root(self) -> bytes:
        """Give the root."""
        if not self._edge:
            return EMPTY
        root = self._edge[-1][1]
        for _, left in reversed(self._edge[:-1]):
            root = node(left, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Give the root over leaf hashes."""
    tree = Tree()
    for one in leaves:
        tree.append(one)
    return tree.root


def includes(index: int, size: int, leaf_hash: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Check an inclusion path (RFC 9162 §2.1.3.2): the leaf stands at `index` (from 0) in the tree of `size` leaves with this root."""
    if not 0 <= index < size:
        return False
    fn, sn, r = index, size - 1, leaf_hash
    for p in path:
        if len(p) != HASH or sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            r = node(r, p)
        fn >>= 1
        sn >>= 1
    return sn == 0 and r == root


def consistent(old: int, size: int, old_root: bytes, root: bytes, path: Sequence[bytes]) -> bool:
    """Check a consistency path (RFC 9162 §2.1.4.2): the tree of `size` leaves begins with the one of `old`.

    Of an old size of 0 nothing can be shown and everything holds (C2SP tlog-witness): the path is empty, the old root that of no leaves.
    """
    if not 0 <= old <= size:
        return False
    if old == 0:
        return not path and old_root == EMPTY
    if old == size:
        return not path and old_root == root
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    if not steps or any(len(step) != HASH for step in steps):
        return False
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    fr = sr = steps[0]
    for c in steps[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            sr = node(sr, c)
        fn >>= 1
        sn >>= 1
    return sn == 0 and fr == old_root and sr == root
