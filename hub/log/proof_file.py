"""A proof that an entry stands in the signed log, as a file that is checked without the hub (C2SP tlog-proof v1).

The `extra` line is the entry itself: its leaf has to be the hash of it.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from hub.log.merkle import includes, leaf
from hub.log.notes import Verifier, cosignatures, decoded, verify

FIRST = "c2sp.org/tlog-proof@v1\n"


def write(entry: bytes, index: int, path: Sequence[bytes], note: str) -> str:
    """Give the file."""
    return f"{FIRST}extra {_text(entry)}index {index}\n{''.join(map(_text, path))}\n{note}"


@dataclass(frozen=True, slots=True)
class Proved:
    """An entry that stands in the log at `index` (from 0), under a head of `size`; `witnesses` have signed that head."""

    entry: bytes
    index: int
    size: int
    witnesses: int


def judge(text: str, *, keys: Sequence[str], witnesses: Sequence[str] = ()) -> Proved | None:
    """Check a file against the log's keys; None when anything does not fit. Raises ValueError for a key that is none."""
    logs, watching = [Verifier.parse(k) for k in keys], [Verifier.parse(k) for k in witnesses]
    head, _, note = text.partition("\n\n")
    lines = head.split("\n")
    point = next((p for key in logs if (p := verify(note, key))), None)
    if (
        point is None
        or len(lines) < 3
        or lines[0] + "\n" != FIRST
        or not lines[1].startswith("extra ")
        or not lines[2].startswith("index ")
    ):
        return None
    number = lines[2].removeprefix("index ")
    if not number.isascii() or not number.isdigit() or str(int(number)) != number:
        return None
    try:
        entry = decoded(lines[1].removeprefix("extra "))
        path = [decoded(line) for line in lines[3:]]
        signed = sum(bool(cosignatures(note, witness)) for witness in watching)
    except ValueError:
        return None
    if not includes(int(number), point.size, leaf(entry), path, point.root):
        return None
    return Proved(entry, int(number), point.size, signed)


def _text(held: bytes) -> str:
    return base64.b64encode(held).decode() + "\n"
