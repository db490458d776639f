"""What the checker reads of a file of SQLite: read-only, in one snapshot, row after row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from hub.log.verify import Head, Item, Torn, Verified, check, merged, stored


def verify_file(database: Path, verifier: str, outside: str = "") -> Verified:
    """Check a database (opened read-only) against its signed checkpoints and those kept outside."""
    return check(of_sqlite(database), keys=[verifier], outside=[outside] if outside else [])


def of_sqlite(database: Path) -> Iterator[Item]:
    """Read a database as it stands at one moment, read-only, beside a hub that uses it."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            yield from _sqlite(connection)
        except sqlite3.DatabaseError:  # no database, or a damaged page of one
            yield Torn()


def _sqlite(connection: sqlite3.Connection) -> Iterator[Item]:
    connection.execute("BEGIN")
    events = connection.execute("SELECT position, leaf, originator_id, originator_version, topic, state FROM events ORDER BY position")
    rows = ((p, stored(p, h, s, v, t, b)) for p, h, s, v, t, b in events)
    yield from merged(rows, _sqlite_heads(connection))


def _sqlite_heads(connection: sqlite3.Connection) -> Iterator[Head]:
    known = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type='table'")}
    for size, note in connection.execute("SELECT size, note FROM checkpoints ORDER BY size"):
        more = "SELECT line FROM cosignatures WHERE size=? ORDER BY witness"
        lines = connection.execute(more, (size,)) if "cosignatures" in known else ()  # 0.1.0 had none
        yield Head(max(size, 0), "".join(text for text in (note, *(line for (line,) in lines)) if isinstance(text, str)))
