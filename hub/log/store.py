"""The SQLite store: the library's recorder over a table whose position is a key of its own, and transactions that carry views along.

One file holds the log and the views. Positions have no gaps and survive a dump and restore, because they are assigned under the
write lock and never by an implicit rowid. There is one write transaction at a time, and only `hub.writer` opens it.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteConnection, SQLiteConnectionPool, SQLiteCursor, SQLiteDatastore

from hub.log.envelope import unpack
from hub.log.event import Recorded
from hub.log.merkle import event_leaf
from schemas.errors import Broken
from schemas.events import TOPICS

EVENTS = """CREATE TABLE IF NOT EXISTS events (
  position INTEGER PRIMARY KEY, originator_id TEXT NOT NULL, originator_version INTEGER NOT NULL, topic TEXT NOT NULL,
  state BLOB NOT NULL, leaf BLOB NOT NULL, UNIQUE (originator_id, originator_version))"""
SUBMISSIONS = "CREATE TABLE IF NOT EXISTS submissions (id BLOB PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL) WITHOUT ROWID"
_AT_ONCE = 500
"""Parameters of one statement at most."""
TRACKING = "CREATE TABLE IF NOT EXISTS tracking (application_name TEXT PRIMARY KEY, notification_id INTEGER NOT NULL) WITHOUT ROWID"


class Stored(NamedTuple):
    """An event as it is appended; its position and leaf are settled under the write lock."""

    stream: bytes
    version: int
    topic: str
    state: bytes


class Tx:
    """One transaction as tables see it: `?` parameters, rows as tuples."""

    __slots__ = ("cursor",)

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.cursor = cursor

    def run(self, sql: str, params: Sequence[Any] = ()) -> None:
        """Execute one statement."""
        self.cursor.execute(sql, params)

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute one statement for each row."""
        self.cursor.executemany(sql, rows)

    def all(self, sql: str, params: Sequence[Any] = ()) -> list[Any]:
        """Give all rows."""
        return self.cursor.execute(sql, params).fetchall()

    def each(self, sql: str, names: Iterable[Any], params: Sequence[Any] = (), then: str = "") -> list[Any]:
        """Give all rows of a statement that ends in `IN`, for any number of names, in few steps; `params` are of `then`, which follows it."""
        wanted = list(names)
        rows: list[Any] = []
        for i in range(0, len(wanted), _AT_ONCE):
            some = wanted[i : i + _AT_ONCE]
            rows += self.all(f"{sql} ({','.join('?' * len(some))}){then}", (*some, *params))
        return rows

    def one(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """Give the first row, or None."""
        return self.cursor.execute(sql, params).fetchone()


class _Pool(SQLiteConnectionPool):
    def _create_connection(self) -> SQLiteConnection:
        connection = super()._create_connection()
        cursor = connection._sqlite_conn.cursor()  # noqa: SLF001  the library sets no durability and has no other place for it
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.execute("PRAGMA cache_size=-16000")
        cursor.execute("PRAGMA wal_autocheckpoint=4000")
        cursor.close()
        return connection


class Datastore(SQLiteDatastore):
    """The library's datastore with our durability: synchronous=FULL, deleted cells overwritten."""

    def __init__(self, path: str) -> None:
        super().__init__(path, lock_timeout=30, pool_size=4, max_overflow=12)
        self.pool.close()
        self.pool = _Pool(db_name=path, lock_timeout=30, pool_size=4, max_overflow=12)


class EventTable(SQLiteApplicationRecorder):
    """The library's application recorder; positions and leaves are settled under the write lock."""

    def __init__(self, datastore: SQLiteDatastore) -> None:
        super().__init__(datastore, events_table_name="events")

    def construct_create_table_statements(self) -> list[str]:
        """Give the table with its own position, and the two that stand beside it."""
        return [EVENTS, SUBMISSIONS, TRACKING]

    def _insert_events(self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int]:
        return _insert(
            _raw(c),
            [
                Stored((i if isinstance(i := e.originator_id, UUID) else UUID(i)).bytes, e.originator_version, e.topic, e.state)
                for e in stored_events
            ],
        )


class Store:
    """One SQLite file, held by one hub."""

    def __init__(self, path: Path, *, tables: Sequence[str] = ()) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._held: int | None = _hold(path)
        self.datastore = Datastore(str(path))
        self.recorder = EventTable(self.datastore)
        self.recorder.create_table()
        with self.datastore.transaction(commit=True) as cursor:
            for statement in tables:
                cursor.execute(statement)

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Open the one write transaction; commits at the end, rolls all back on an error."""
        with self.datastore.transaction(commit=True) as cursor:
            yield Tx(_raw(cursor))

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Open a snapshot: all reads inside see one state."""
        with self.datastore.transaction(commit=False) as cursor:
            yield Tx(_raw(cursor))

    def append(self, tx: Tx, events: Sequence[Stored]) -> range:
        """Append inside the write transaction; give the positions. A version that is taken raises sqlite3.IntegrityError."""
        return _insert(tx.cursor, events)

    def submission(self, tx: Tx, name: bytes) -> tuple[int, int] | None:
        """Give the first and last position of a submission that was appended before; None when it was not."""
        found = tx.one("SELECT first, last FROM submissions WHERE id=?", (name,))
        return (found[0], found[1]) if found else None

    def settle(self, tx: Tx, name: bytes, positions: range) -> None:
        """Remember a submission by its id, so that it is never appended twice."""
        tx.run("INSERT INTO submissions VALUES (?,?,?)", (name, positions.start, positions.stop - 1))

    def last_versions(self, tx: Tx, streams: Iterable[bytes]) -> dict[bytes, int]:
        """Give the last version of each of these streams that has one, in few statements."""
        sql = "SELECT originator_id, max(originator_version) FROM events WHERE originator_id IN"
        return {bytes.fromhex(s): v for s, v in tx.each(sql, (s.hex() for s in streams), then=" GROUP BY 1")}

    def head(self, tx: Tx) -> int:
        """Give the last position; 0 when the log is empty."""
        return int(tx.one("SELECT coalesce(max(position), 0) FROM events")[0])

    def events(self, tx: Tx, after: int, limit: int) -> list[Recorded]:
        """Give events after a position, in order."""
        rows = tx.all(
            "SELECT position, originator_id, originator_version, topic, state FROM events WHERE position>? ORDER BY position LIMIT ?",
            (after, limit),
        )
        return [_recorded(*row) for row in rows]

    def events_of(self, tx: Tx, topic: str, after: int, until: int) -> list[Recorded]:
        """Give the events of one topic after a position and up to another, in order; those of others are not even unpacked."""
        rows = tx.all(
            "SELECT position, originator_id, originator_version, topic, state FROM events WHERE position>? AND position<=? AND topic=? ORDER BY position",
            (after, until, topic),
        )
        return [_recorded(*row) for row in rows]

    def event(self, tx: Tx, position: int) -> Recorded | None:
        """Give the event at a position."""
        row = tx.one("SELECT position, originator_id, originator_version, topic, state FROM events WHERE position=?", (position,))
        return _recorded(*row) if row else None

    def position_of(self, tx: Tx, follower: str) -> int:
        """Give the position that a follower has come to."""
        found = tx.one("SELECT notification_id FROM tracking WHERE application_name=?", (follower,))
        return int(found[0]) if found else 0

    def track(self, tx: Tx, follower: str, position: int) -> None:
        """Move a follower's position, in the transaction that moves its rows."""
        tx.run(
            "INSERT INTO tracking VALUES (?,?) ON CONFLICT (application_name) DO UPDATE SET notification_id=excluded.notification_id",
            (follower, position),
        )

    def copy_to(self, path: Path) -> None:
        """Copy the store as it stands at one moment into a new file, while it goes on being used."""
        with self.datastore.transaction(commit=False) as cursor, sqlite3.connect(path) as target:
            _raw(cursor).connection.backup(target)
        target.close()

    def close(self) -> None:
        """Close all connections and let the file go."""
        self.datastore.close()
        if self._held is not None:
            os.close(self._held)
            self._held = None


def _raw(cursor: Any) -> sqlite3.Cursor:
    raw: sqlite3.Cursor = cursor if isinstance(cursor, sqlite3.Cursor) else cursor.sqlite_cursor
    raw.row_factory = None  # plain tuples: four times cheaper than the library's named rows
    return raw


def stored_event(stream: bytes, version: int, topic: str, state: bytes) -> Stored:
    """Make the value of one event that `append` takes."""
    return Stored(stream, version, topic, state)


def _insert(cursor: sqlite3.Cursor, events: Sequence[Stored]) -> range:
    """Give each event the next position and its leaf; the one place where the log grows."""
    first: int = cursor.execute("SELECT coalesce(max(position), 0) + 1 FROM events").fetchone()[0]
    rows = [
        (
            at,
            e.stream.hex(),
            e.version,
            e.topic,
            e.state,
            event_leaf(position=at, stream=e.stream, version=e.version, topic=e.topic, state=e.state),
        )
        for at, e in enumerate(events, first)
    ]
    cursor.executemany("INSERT INTO events VALUES (?,?,?,?,?,?)", rows)
    return range(first, first + len(rows))


def _recorded(position: int, stream: str, version: int, topic: str, state: bytes) -> Recorded:
    if topic not in TOPICS:
        raise Broken("HUB-5007")
    header, body = unpack(state)
    return Recorded(position, bytes.fromhex(stream), version, topic, header, body)


def _hold(path: Path) -> int:
    """Take the lock that says a hub has this file open; raise Broken when another has it."""
    handle = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(handle)
    except OSError as fault:
        os.close(handle)
        raise Broken("HUB-5006") from fault
    return handle


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
