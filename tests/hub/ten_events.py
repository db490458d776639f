"""A log of ten events with its signed heads, as one who changes it sees it, and what the checker finds in it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.log import exported
from hub.log.merkle import Tree, event_data, leaf
from hub.log.notes import Checkpoint, Verifier, public_bytes, sign
from hub.log.verify import Event, Head, Item, Verified, check
from tests.hub.watching import key_of, line_of, verifier_of

ORIGIN = "log.example.jp/test"
LOG = key_of(77)
KEY = Verifier(ORIGIN, 1, public_bytes(LOG)).text
WITNESSES = [verifier_of(n).text for n in (1, 2, 3)]
LINES = (
    (11, "a.v1"),
    (12, "a.v1"),
    (11, "b.v1"),
    (13, "a.v1"),
    (12, "a.v1"),
    (11, "a.v1"),
    (14, "c.v1"),
    (12, "b.v1"),
    (15, "a.v1"),
    (16, "a.v1"),
)
"""Stream and topic of ten events."""


@dataclass
class Row:
    """A stored event, as one who changes it sees it."""

    position: int
    stream: bytes
    version: int
    topic: str
    state: bytes
    leaf: bytes = bytes(32)

    @property
    def event(self) -> Event:
        return Event(self.leaf, self.data)

    @property
    def data(self) -> bytes:
        return event_data(position=self.position, stream=self.stream, version=self.version, topic=self.topic, state=self.state)


def rows() -> list[Row]:
    versions: dict[int, int] = {}
    made = []
    for position, (stream, topic) in enumerate(LINES, 1):
        versions[stream] = versions.get(stream, 0) + 1
        one = Row(position, bytes((stream,)) * 16, versions[stream], topic, b"\x01\x00\x04head" + b"body %d" % position)
        one.leaf = leaf(one.data)
        made.append(one)
    return made


def notes(held: list[Row], at: tuple[int, ...] = (3, 7, 10), key: Ed25519PrivateKey = LOG) -> dict[int, str]:
    tree, made = Tree(), {}
    for size, one in enumerate(held, 1):
        tree.append(leaf(one.data))
        if size in at:
            made[size] = sign(Checkpoint(ORIGIN, size, tree.root), key)
    return made


NOTES = notes(rows())


def items(held: list[Row], heads: dict[int, str]) -> list[Item]:
    left = dict(sorted(heads.items()))
    made: list[Item] = []
    for one in held:
        made.append(one.event)
        if one.position in left:
            made.append(Head(one.position, left.pop(one.position)))
    return made + [Head(size, note) for size, note in left.items()]


def checked(held: list[Row], heads: dict[int, str] | None = None, **more: Any) -> Verified:
    """Check what was written to a file and read again."""
    file = io.BytesIO()
    exported.write(items(held, NOTES if heads is None else heads), file)
    file.seek(0)
    return check(exported.read(file), **{"keys": [KEY], **more})


def named(found: Verified) -> set[tuple[str, int]]:
    return {(f.what, f.position) for f in found.findings}


def cosigned(size: int, *who: int) -> str:
    text = NOTES[size].partition("\n\n")[0] + "\n"
    return NOTES[size] + "".join(line_of(n, text) for n in who)
