"""The tree over the log as it is kept: tiles of hashes, the heads that were signed, and what witnesses signed beside them.

None of it is rebuilt by a replay: the times and signatures of heads belong to the moment at which they were made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from hub.log.merkle import HASH
from hub.log.store import Tx
from hub.log.tiles import WIDTH

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS checkpoints (
  size INTEGER PRIMARY KEY, root BLOB NOT NULL, at INTEGER NOT NULL, note TEXT NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS tiles (level INTEGER NOT NULL, number INTEGER NOT NULL, hashes BLOB NOT NULL, PRIMARY KEY (level, number))",
    """CREATE TABLE IF NOT EXISTS cosignatures (
  witness TEXT NOT NULL, size INTEGER NOT NULL, at INTEGER NOT NULL, line TEXT NOT NULL, PRIMARY KEY (witness, size)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS cosignatures_size ON cosignatures (size)",
    "DROP TABLE IF EXISTS tree",  # the right edge alone, as 0.1.0 kept it: tiles are made from the leaves
)
TABLES = ()
_HEAD = "SELECT size, root, note FROM checkpoints"


class Head(NamedTuple):
    """A signed head; the note holds the log's own signature alone."""

    size: int
    root: bytes
    note: str


# ── tiles ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def tiles(tx: Tx) -> Callable[[int, int], bytes]:
    """Give what reads a tile inside a transaction."""

    def read(level: int, number: int) -> bytes:
        row = tx.one("SELECT hashes FROM tiles WHERE level=? AND number=?", (level, number))
        return bytes(row[0]) if row else b""

    return read


def size(tx: Tx) -> int:
    """Give how many leaves the tiles hold."""
    row = tx.one("SELECT number, hashes FROM tiles WHERE level=0 ORDER BY number DESC LIMIT 1")
    return int(row[0]) * WIDTH + len(row[1]) // HASH if row else 0


def put(tx: Tx, made: Mapping[tuple[int, int], bytes]) -> None:
    """Store tiles that have grown."""
    rows = [(level, number, hashes) for (level, number), hashes in made.items()]
    tx.insert("tiles", ("level", "number", "hashes"), rows, then="ON CONFLICT (level, number) DO UPDATE SET hashes=excluded.hashes")


def leaves(tx: Tx, after: int, limit: int) -> list[tuple[int, bytes]]:
    """Give the leaves of the log after a position, in order: (position, hash)."""
    return [
        (p, bytes(h)) for p, h in tx.all("SELECT position, leaf FROM events WHERE position>? ORDER BY position LIMIT ?", (after, limit))
    ]


# ── heads ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def sign(tx: Tx, head: Head, at: int) -> None:
    """Store a head that was signed now (`at` in milliseconds)."""
    tx.run("INSERT INTO checkpoints VALUES (?,?,?,?)", (head.size, head.root, at, head.note))


def newest(tx: Tx) -> Head | None:
    """Give the newest signed head."""
    return _head(tx.one(f"{_HEAD} ORDER BY size DESC LIMIT 1"))


def of_size(tx: Tx, size: int) -> Head | None:
    """Give the signed head of a size."""
    return _head(tx.one(f"{_HEAD} WHERE size=?", (size,)))


def covering(tx: Tx, position: int) -> Head | None:
    """Give a head that covers a position: the first that a witness has signed too; where there is none, the first."""
    found = tx.one("SELECT min(size) FROM cosignatures WHERE size>=?", (position,))
    if found[0] is not None:
        return of_size(tx, int(found[0]))
    return _head(tx.one(f"{_HEAD} WHERE size>=? ORDER BY size LIMIT 1", (position,)))


def _head(row: Sequence[Any] | None) -> Head | None:
    return None if row is None else Head(int(row[0]), bytes(row[1]), str(row[2]))


# ── witnesses ────────────────────────────────────────────────────────────────────────────────────────────────────────


def cosign(tx: Tx, witness: str, size: int, at: int, line: str) -> None:
    """Store a witness's signature under a head; the latest of a witness stands (`at` in seconds)."""
    then = "ON CONFLICT (witness, size) DO UPDATE SET at=excluded.at, line=excluded.line WHERE excluded.at>cosignatures.at"
    tx.insert("cosignatures", ("witness", "size", "at", "line"), [(witness, size, at, line)], then=then)


def witnessed(tx: Tx, witness: str) -> int:
    """Give the size of the largest head that a witness has signed; 0 = none."""
    return int(tx.one("SELECT coalesce(max(size), 0) FROM cosignatures WHERE witness=?", (witness,))[0])


def note(tx: Tx, head: Head) -> str:
    """Give a head's note with the signatures of witnesses."""
    return head.note + "".join(r[0] for r in tx.all("SELECT line FROM cosignatures WHERE size=? ORDER BY witness", (head.size,)))
