"""The ledger of what was erased: a text file beside the key store, which only grows, so that no older copy of the store brings a key back.

One line an id: `<32 hex digits> <time, ISO 8601 UTC>`. An id is that of a key, or stands for an owner that gets no key any more: a hash
of a keyed hash. Nothing else is in it, so it may be kept anywhere. A line that a power cut tore is closed with `#` and counts for nothing:
its erasure was never reported as done, and is done again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from hub.log.durable import sync_folder, write_all
from schemas.errors import Broken

EVERY = "*"
"""Stands for all compartments of an owner."""
_LINE = re.compile(r"([0-9a-f]{32}) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")


def owner_hash(owner: bytes) -> bytes:
    """Give the 16 bytes by which an erased owner is still known."""
    return sha256(b"tsunagu/1/erased owner\0" + owner).digest()[:16]


def mark(owner: bytes, compartment: str) -> bytes:
    """Give the id that stands for an owner in a compartment (or EVERY) getting no key any more."""
    return sha256(b"tsunagu/1/erased\0" + owner_hash(owner) + compartment.encode()).digest()[:16]


class Ledger:
    """One file. `None` instead of a path: a store without a ledger (a copy for replay)."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def read(self) -> dict[bytes, int]:
        """Give all ids with their times (seconds since 1970 UTC); raises Broken (HUB-5079) naming the first line that is none."""
        if self.path is None or not self.path.exists():
            return {}
        whole, _, _ = self.path.read_bytes().rpartition(b"\n")
        found: dict[bytes, int] = {}
        for number, line in enumerate(whole.decode("ascii", "replace").splitlines(), 1):
            if line.endswith("#"):
                continue
            if (parts := _LINE.fullmatch(line)) is None:
                raise Broken("HUB-5079", where=f"{self.path.name}:{number}")
            found[bytes.fromhex(parts[1])] = int(datetime.fromisoformat(parts[2]).timestamp())
        return found

    def append(self, entries: Mapping[bytes, int]) -> None:
        """Add ids with their times, durable when this returns."""
        if self.path is None or not entries:
            return
        text = "".join(_lines(entries.items()))
        fresh = not self.path.exists()
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
        try:
            size = os.fstat(handle).st_size
            if size and (os.lseek(handle, size - 1, os.SEEK_SET), os.read(handle, 1))[1] != b"\n":
                text = "#\n" + text
            write_all(handle, text.encode("ascii"))
        finally:
            os.close(handle)
        if fresh:
            sync_folder(self.path.parent)


def _lines(entries: Iterable[tuple[bytes, int]]) -> Iterable[str]:
    for one, at in entries:
        yield f"{one.hex()} {datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}\n"
