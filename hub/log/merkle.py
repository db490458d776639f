"""Hashes and proofs of the Merkle tree over the log (RFC 6962 §2.1, RFC 9162 §2.1; SHA-256). Pure; no import of the hub.

Shared by the writer and by the checker, and nothing else is shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

EMPTY = sha256(b"").digest()


def leaf(data: bytes) -> bytes:
    """Give the hash of a leaf."""
    return sha256(b"\0" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Give the hash of an inner node."""
    return sha256(b"\1" + left + right).digest()


def event_leaf(*, position: int, stream: bytes, version: int, topic: str, state: bytes) -> bytes:
    """Give the leaf of a stored event: every column that is stored, each with its length, so that none can be swapped for another."""
    name = topic.encode()
    return leaf(
        position.to_bytes(8, "big") + stream + version.to_bytes(8, "big")
        + len(name).to_bytes(2, "big") + name + len(state).to_bytes(8, "big") + state
    )  # fmt: skip


class Tree:
    """A growing tree that keeps only its right edge: append in O(log n), root by folding from the right."""

    def __init__(self, edge: Sequence[tuple[int, bytes]] = ()) -> None:
        self._edge: list[tuple[int, bytes]] = list(edge)

    @property
    def size(self) -> int:
        """Count the leaves."""
        return sum(n for n, _ in self._edge)

    @property
    def edge(self) -> tuple[tuple[int, bytes], ...]:
        """Give the state to go on from: (leaves under it, hash), largest first."""
        return tuple(self._edge)

    def append(self, leaf_hash: bytes) -> None:
        """Take one more leaf (its hash)."""
        self._edge.append((1, leaf_hash))
        while len(self._edge) > 1 and self._edge[-1][0] == self._edge[-2][0]:
            (_, left), (n, right) = self._edge[-2], self._edge[-1]
            self._edge[-2:] = [(2 * n, node(left, right))]

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


def _split(n: int) -> int:
    return 1 << (n - 1).bit_length() - 1


def inclusion_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Give the path that shows leaf `index` in the tree of all `leaves`."""
    n = len(leaves)
    if n <= 1:
        return []
    k = _split(n)
    if index < k:
        return [*inclusion_path(index, leaves[:k]), root_of(leaves[k:])]
    return [*inclusion_path(index - k, leaves[k:]), root_of(leaves[:k])]


def includes(index: int, size: int, leaf_hash: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Check an inclusion path (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    fn, sn, r = index, size - 1, leaf_hash
    for p in path:
        if len(p) != 32 or sn == 0:
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
