"""The log as a file for outsiders: stored bytes and signed heads, no key. Read and checked without the hub.

    file    = "tsunagu-log 1" LF record … end
    record  = u32 length of what follows | kind (one byte) | content; numbers big-endian
    E event = 32 bytes of leaf | what the leaf is the hash of: SHA-256(0x00 | it), `merkle.event_data`
    H head  = u64 size | signed note with its signature lines, UTF-8 (C2SP signed-note); just after the event of its size
    Z end   = u64 number of events; nothing follows

Written and read record by record: memory stays flat.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO

from hub.log.verify import Event, Head, Item, Torn

MAGIC = b"tsunagu-log 1\n"
LARGEST = 256_000_000
"""Bytes of a record at most."""
_LEAST = 1 + 32 + 42


def record(item: Item) -> bytes:
    """Give one record."""
    if isinstance(item, Event):
        return (len(item.leaf) + len(item.data) + 1).to_bytes(4, "big") + b"E" + item.leaf + item.data
    if isinstance(item, Head):
        note = item.note.encode()
        return (len(note) + 9).to_bytes(4, "big") + b"H" + item.size.to_bytes(8, "big") + note
    raise ValueError("torn")


def write(items: Iterable[Item], file: IO[bytes]) -> int:
    """Write a file, item by item; give how many events it holds. Raises ValueError where the items themselves are torn."""
    file.write(MAGIC)
    count = 0
    for item in items:
        file.write(record(item))
        count += isinstance(item, Event)
    file.write((9).to_bytes(4, "big") + b"Z" + count.to_bytes(8, "big"))
    return count


def read(file: IO[bytes]) -> Iterator[Item]:
    """Read a file, item by item; the last is Torn where it is cut off, goes on, or holds what has no place in it."""
    count, whole = 0, file.read(len(MAGIC)) == MAGIC
    while whole:
        length = int.from_bytes(file.read(4), "big")
        held = file.read(length) if 0 < length <= LARGEST else b""
        kind, content = held[:1], held[1:]
        if len(held) != length or not held:
            break
        if kind == b"E" and length >= _LEAST:
            count += 1
            yield Event(content[:32], content[32:])
        elif kind == b"H" and length >= 9:
            yield Head(int.from_bytes(content[:8], "big"), content[8:].decode("utf-8", "replace"))
        elif kind == b"Z" and int.from_bytes(content, "big") == count and not file.read(1):
            return
        else:
            break
    yield Torn()
