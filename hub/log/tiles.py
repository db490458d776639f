"""The tree as it is kept: tiles of 256 hashes, from which every root and every proof is made by reading a few of them. Pure.

A tile of level L holds the hashes of 256 subtrees of 256^L leaves that follow one another (C2SP tlog-tiles, height 8); the last of a level
may hold fewer. Level 0 holds the leaves. A tree of a million leaves has three levels: a proof reads two tiles of each at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256

from hub.log.merkle import EMPTY, HASH, node

WIDTH = 256
_HEIGHT = 8
Read = Callable[[int, int], bytes]
"""(level, number) → the hashes of that tile, joined; empty when there is none."""


class Lost(Exception):
    """A tile that this size needs is not there, or holds too little."""


def split(tile: bytes) -> list[bytes]:
    """Give the hashes of a tile."""
    return [tile[i : i + HASH] for i in range(0, len(tile), HASH)]


def grow(read: Read, size: int, leaves: Iterable[bytes]) -> dict[tuple[int, int], bytes]:
    """Give the tiles that change when leaves (their hashes) follow the first `size`: by (level, number). Raises Lost."""
    made: dict[tuple[int, int], bytes] = {}
    level, fresh = 0, list(leaves)
    while fresh:
        number, inside = divmod(size, WIDTH)
        row = split(read(level, number))[:inside] if inside else []
        if len(row) != inside:
            raise Lost
        whole: list[bytes] = []
        row += fresh
        for first in range(0, len(row), WIDTH):
            some = row[first : first + WIDTH]
            made[level, number] = b"".join(some)
            number += 1
            if len(some) == WIDTH:
                whole.append(_perfect(some))
        level, size, fresh = level + 1, size // WIDTH, whole
    return made


def _perfect(row: Sequence[bytes]) -> bytes:
    """Give the root of a power of two of hashes."""
    level = list(row)
    while len(level) > 1:
        level = [sha256(b"\1" + level[i] + level[i + 1]).digest() for i in range(0, len(level), 2)]
    return level[0]


class Tiles:
    """One look at the tiles: each is read once. All raise Lost when a tile is missing."""

    def __init__(self, read: Read, over: Mapping[tuple[int, int], bytes] | None = None) -> None:
        self._read = read
        self._held = dict(over or {})
        """Read so far; at first those that are not stored yet."""

    def root(self, size: int) -> bytes:
        """Give the root of the first `size` leaves."""
        return self._span(0, size) if size else EMPTY

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Give the path that shows leaf `index` (from 0) in the tree of `size` leaves, from the leaf upwards (RFC 9162 §2.1.3.1)."""
        if not 0 <= index < size:
            raise Lost
        first, stop = 0, size
        path: list[bytes] = []
        while stop - first > 1:
            middle = first + _below(stop - first)
            if index < middle:
                path.append(self._span(middle, stop))
                stop = middle
            else:
                path.append(self._span(first, middle))
                first = middle
        return path[::-1]

    def consistency(self, old: int, size: int) -> list[bytes]:
        """Give the path that shows that the tree of `size` leaves begins with the one of `old` (RFC 9162 §2.1.4.1)."""
        if not 0 <= old <= size:
            raise Lost
        if old in {0, size}:
            return []
        first, stop = 0, size
        path: list[bytes] = []
        while stop != old:
            middle = first + _below(stop - first)
            if old <= middle:
                path.append(self._span(middle, stop))
                stop = middle
            else:
                path.append(self._span(first, middle))
                first = middle
        if first:  # else what is left is the old tree itself, whose root the asker has
            path.append(self._span(first, stop))
        return path[::-1]

    def _span(self, first: int, stop: int) -> bytes:
        """Give the hash over a range of leaves that begins where a subtree of its size may begin."""
        count = stop - first
        if count & (count - 1) == 0:
            return self._whole(count.bit_length() - 1, first)
        middle = first + _below(count)
        return node(self._span(first, middle), self._span(middle, stop))

    def _whole(self, height: int, first: int) -> bytes:
        """Give the hash of the whole subtree of 2^height leaves that begins at leaf `first`."""
        level, rest = divmod(height, _HEIGHT)
        number, inside = divmod(first >> (level * _HEIGHT), WIDTH)
        if (level, number) not in self._held:
            self._held[level, number] = self._read(level, number)
        row = self._held[level, number][inside * HASH : (inside + (1 << rest)) * HASH]
        if len(row) != HASH << rest:
            raise Lost
        return _perfect(split(row))


def _below(count: int) -> int:
    """Give the largest power of two below a number greater than 1."""
    return 1 << (count - 1).bit_length() - 1
