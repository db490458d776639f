"""Recomputes everything from stored bytes and trusts nothing else: leaves, order, versions, roots, signatures, witnesses.

Shares only the hash rules with the writer. Reads what it checks once, from first to last, and holds none of it: memory stays flat.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import Any, NamedTuple

from hub.log.merkle import HASH, Tree, event_data, leaf
from hub.log.notes import Checkpoint, Verifier, cosignatures, notes_in, verify

LISTED = 100
"""Findings that are listed; further ones are counted."""
_PARTS, _ROW, _MOST = 64, 32, 10_000


class Event(NamedTuple):
    """A stored event: the leaf that is stored beside it, and what that has to be the hash of (`merkle.event_data`)."""

    leaf: bytes
    data: bytes


class Head(NamedTuple):
    """A signed head with what witnesses signed under it. It stands just after the event of its size."""

    size: int
    note: str


class Torn(NamedTuple):
    """The bytes end, or go on, where they must not."""


Item = Event | Head | Torn


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit, and at which position.

    leaf (a changed byte) · order · version · root (a head is of another tree) · missing (the log ends before a signed head) · signature ·
    witnesses (too few) · torn (the file is cut off or goes on)
    """

    what: str
    position: int = 0


@dataclass(frozen=True, slots=True)
class Verified:
    """What was recomputed: events, root over all of them, checkpoints that fit, how far witnesses have signed, and all that does not fit."""

    size: int
    root: bytes
    checkpoints: int
    findings: tuple[Finding, ...]
    more: int = 0
    """Findings beyond those listed."""
    witnessed: int = 0


@dataclass(slots=True)
class _Found:
    listed: list[Finding] = field(default_factory=list)
    more: int = 0

    def add(self, what: str, position: int) -> None:
        if len(self.listed) < LISTED:
            self.listed.append(Finding(what, position))
        else:
            self.more += 1


class _Versions:
    """Finds events whose version does not follow on in their stream; a log has millions of streams.

    What has to be compared is put by in parts, in temporary files that the system removes, and each part is judged by itself at the end.
    """

    def __init__(self) -> None:
        self._files = [TemporaryFile() for _ in range(_PARTS)]  # noqa: SIM115  closed by `close`

    def put(self, position: int, head: bytes) -> None:
        """Take an event: its position, and the stream and version as they lie behind it."""
        self._files[head[15] % _PARTS].write(head + position.to_bytes(8, "big"))

    def judge(self, found: _Found) -> None:
        """Add what does not follow on, in order of position."""
        wrong: list[int] = []
        for file in self._files:
            file.seek(0)
            seen: dict[bytes, int] = {}
            while held := file.read(_ROW * 4_096):
                for i in range(0, len(held), _ROW):
                    stream, version = held[i : i + 16], int.from_bytes(held[i + 16 : i + 24], "big")
                    if version != seen.get(stream, 0) + 1 and len(wrong) < _MOST:
                        wrong.append(int.from_bytes(held[i + 24 : i + _ROW], "big"))
                    seen[stream] = version
        for position in sorted(wrong):
            found.add("version", position)

    def close(self) -> None:
        """Let the files go."""
        for file in self._files:
            file.close()


def check(
    items: Iterable[Item], *, keys: Sequence[str], witnesses: Sequence[str] = (), quorum: int = 0, outside: Sequence[str] = ()
) -> Verified:
    """Check events in their order, each head just after the event of its size.

    `keys` = verifier keys of the log (a head needs a signature of one of them), `witnesses` = those of witnesses, of whom the newest head
    needs `quorum`; `outside` = notes of heads that were kept elsewhere, to which the log has to fit as well. Raises ValueError for a key
    that is none.
    """
    heads = _Heads([Verifier.parse(k) for k in keys], [Verifier.parse(k) for k in witnesses])
    found, tree, position = _Found(), Tree(), 0
    for note in outside:
        for one in notes_in(note):
            heads.keep(one, found)
    heads.judge(tree, found)
    with closing(_Versions()) as versions:
        for item in items:
            if isinstance(item, Event):
                position = _event(item, position, tree, versions, found)
                heads.judge(tree, found)
            elif isinstance(item, Head):
                heads.take(item, tree, position, found)
            else:
                found.add("torn", position)
        versions.judge(found)
    heads.end(quorum, found)
    return Verified(tree.size, tree.root, heads.fitting, tuple(found.listed), found.more, heads.witnessed(max(quorum, 1)))


def _event(item: Event, last: int, tree: Tree, versions: _Versions, found: _Found) -> int:
    data = item.data
    position = int.from_bytes(data[:8], "big")
    made = leaf(data)
    if position != last + 1:
        found.add("order", position)
    versions.put(position, data[8:32])
    if made != item.leaf:
        found.add("leaf", position)
    tree.append(made)
    return position


class _Heads:
    """Heads of the log itself and those kept elsewhere."""

    def __init__(self, keys: Sequence[Verifier], witnesses: Sequence[Verifier]) -> None:
        self._keys, self._witnesses = keys, witnesses
        self._kept: dict[int, list[Checkpoint]] = {}
        self._newest, self._signers = 0, frozenset[str]()
        self._by_count: dict[int, int] = {}
        """The largest head that at least so many witnesses have signed."""
        self._unfit = False
        self.fitting = 0

    def keep(self, note: str, found: _Found) -> None:
        """Keep a head that was kept outside until the tree has come to its size."""
        point = self._read(note)
        if point is None:
            found.add("signature", 0)
            return
        self._kept.setdefault(point.size, []).append(point)
        self._seen(point.size, note, found)

    def judge(self, tree: Tree, found: _Found) -> None:
        """Compare the heads kept outside that are of this size."""
        if self._kept:
            for point in self._kept.pop(tree.size, ()):
                self._fits(point, tree, found)

    def take(self, head: Head, tree: Tree, position: int, found: _Found) -> None:
        """Judge a head where it stands."""
        point = self._read(head.note)
        if point is None or point.size != head.size:
            found.add("signature", head.size)
        elif point.size != position:
            found.add("missing" if point.size > position else "order", point.size)
        else:
            self._fits(point, tree, found)
        if point is not None:
            self._seen(point.size, head.note, found)

    def end(self, quorum: int, found: _Found) -> None:
        """Judge what is left at the end: heads that the log did not come to, and whether enough witnesses signed the newest."""
        for size in sorted(self._kept):
            found.add("missing", size)
        if quorum and len(self._signers) < quorum:
            found.add("witnesses", self._newest)

    def witnessed(self, quorum: int) -> int:
        """Give the largest head that so many witnesses have signed."""
        return self._by_count.get(quorum, 0)

    def _fits(self, point: Checkpoint, tree: Tree, found: _Found) -> None:
        if point.root == tree.root and point.size == tree.size:
            self.fitting += 1
        elif self._unfit:
            found.more += 1  # one event changed makes every later head unfit: the first tells where
        else:
            self._unfit = True
            found.add("root", point.size)

    def _read(self, note: str) -> Checkpoint | None:
        return next((point for key in self._keys if (point := verify(note, key))), None)

    def _seen(self, size: int, note: str, found: _Found) -> None:
        signers = set()
        for witness in self._witnesses:
            try:
                if cosignatures(note, witness):
                    signers.add(witness.text)
            except ValueError:
                found.add("signature", size)
        if size > self._newest:
            self._newest, self._signers = size, frozenset()
        if size == self._newest:
            self._signers |= signers
        for count in range(1, len(signers) + 1):
            self._by_count[count] = max(self._by_count.get(count, 0), size)


# ── what the readers of databases share ──────────────────────────────────────────────────────────────────────────────


def stored(position: Any, held: Any, stream: Any, version: Any, topic: Any, state: Any) -> Event:
    """Give an event from columns that anybody may have written; what no event can hold has no leaf that fits."""
    try:
        told = bytes.fromhex(stream) if isinstance(stream, str) else bytes(stream)
        data = event_data(position=position, stream=told, version=version, topic=topic, state=bytes(state))
        if len(told) == 16 and isinstance(held, bytes) and len(held) == HASH:
            return Event(held, data)
    except (ValueError, TypeError, AttributeError, OverflowError):
        pass
    return Event(bytes(HASH), (position if isinstance(position, int) and 0 <= position < 1 << 63 else 0).to_bytes(8, "big") + bytes(34))


def merged(events: Iterator[tuple[int, Event]], heads: Iterator[Head]) -> Iterator[Item]:
    """Give events (with their positions) and heads (by size) as one: each head just after the event of its size."""
    head = next(heads, None)
    for position, event in events:
        while head is not None and head.size < position:
            yield head
            head = next(heads, None)
        yield event
    while head is not None:
        yield head
        head = next(heads, None)
