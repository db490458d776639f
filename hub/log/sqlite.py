"""The SQLite engine: the library's recorder over a table whose position is a key of its own. One file holds the log and the views.

Positions survive a dump and restore, because they are assigned under the write lock and never by an implicit rowid.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from eventsourcing.persistence import Notification, OperationalError, StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteConnection, SQLiteConnectionPool, SQLiteCursor, SQLiteDatastore

from hub.log.merkle import event_leaf
from hub.log.store import Room, Store, Tx
from schemas.errors import Broken, Busy

EVENTS = """CREATE TABLE IF NOT EXISTS events (
  position INTEGER PRIMARY KEY, originator_id TEXT NOT NULL, originator_version INTEGER NOT NULL, topic TEXT NOT NULL,
  state BLOB NOT NULL, leaf BLOB NOT NULL, UNIQUE (originator_id, originator_version))"""
SUBMISSIONS = "CREATE TABLE IF NOT EXISTS submissions (id BLOB PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL) WITHOUT ROWID"
TRACKING = "CREATE TABLE IF NOT EXISTS tracking (application_name TEXT PRIMARY KEY, notification_id INTEGER NOT NULL) WITHOUT ROWID"
_LAST = "SELECT coalesce(max(position), 0) FROM events"
_ONE_EVENT = "INSERT INTO events VALUES (?,?,?,?,?,?)"


class SqliteTx(Tx):
    """A transaction over one cursor of the library's pool."""

    __slots__ = ("cursor",)

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        super().__init__()
        self.cursor = cursor

    def run(self, sql: str, params: Sequence[Any] = ()) -> None:
        """Execute one statement that changes rows."""
        self.writes += 1
        self.cursor.execute(sql, params)

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute one statement for each row."""
        self.writes += 1
        self.cursor.executemany(sql, rows)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], then: str = "") -> None:
        """Insert many rows in one step."""
        if rows:
            self.many(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({','.join('?' * len(columns))}) {then}", rows)

    def all(self, sql: str, params: Sequence[Any] = ()) -> list[Any]:
        """Give all rows."""
        return self.cursor.execute(sql, params).fetchall()

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


class _ScratchPool(SQLiteConnectionPool):
    def _create_connection(self) -> SQLiteConnection:
        self.is_journal_mode_wal = True  # else the library would set it
        connection = super()._create_connection()
        cursor = connection._sqlite_conn.cursor()  # noqa: SLF001
        for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-32000"):
            cursor.execute(f"PRAGMA {setting}")
        cursor.close()
        return connection


class Datastore(SQLiteDatastore):
    """The library's datastore with our durability: synchronous=FULL, deleted cells overwritten. `scratch` = with none at all."""

    def __init__(self, path: str, *, scratch: bool = False) -> None:
        super().__init__(path, lock_timeout=30, pool_size=16, max_overflow=0)
        self.pool.close()
        self.pool = (_ScratchPool if scratch else _Pool)(db_name=path, lock_timeout=30, pool_size=16, max_overflow=0)


class EventTable(SQLiteApplicationRecorder):
    """The library's application recorder; positions and leaves are settled under the write lock."""

    def __init__(self, datastore: SQLiteDatastore) -> None:
        super().__init__(datastore, events_table_name="events")

    def construct_create_table_statements(self) -> list[str]:
        """Give the table with its own position, and the two that stand beside it."""
        return [EVENTS, SUBMISSIONS, TRACKING]

    def _insert_events(self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int]:
        cursor = _raw(c)
        first: int = cursor.execute(_LAST).fetchone()[0] + 1
        rows = []
        for at, e in enumerate(stored_events, first):
            stream = (i if isinstance(i := e.originator_id, UUID) else UUID(i)).bytes
            leaf = event_leaf(position=at, stream=stream, version=e.originator_version, topic=e.topic, state=e.state)
            rows.append((at, stream.hex(), e.originator_version, e.topic, e.state, leaf))
        cursor.executemany(_ONE_EVENT, rows)
        return range(first, first + len(rows))

    def select_notifications(
        self, start: int | None, limit: int, stop: int | None = None, topics: Sequence[str] = (), *, inclusive_of_start: bool = True
    ) -> Sequence[Notification]:
        """Give events in the order of the log: the library asks for `rowid`, which here has a name."""
        sql = "SELECT position, originator_id, originator_version, topic, state FROM events WHERE position>=? AND position<=?"
        if topics:
            sql += f" AND topic IN ({','.join('?' * len(topics))})"
        since = (start or 0) if inclusive_of_start else (start or 0) + 1
        with self.datastore.transaction(commit=False) as cursor:
            rows = _raw(cursor).execute(f"{sql} ORDER BY position LIMIT ?", (since, stop or 2**62, *topics, limit)).fetchall()
        return [Notification(originator_id=UUID(i), originator_version=v, topic=t, state=b, id=p) for p, i, v, t, b in rows]


class SqliteStore(Store):
    """One SQLite file, held by one hub."""

    engine, shared = "sqlite", False
    _EVENT = "position, originator_id, originator_version, topic, state"

    def __init__(self, path: Path, *, tables: Sequence[str] = (), beside: bool = False, scratch: bool = False) -> None:
        """Open or make it. `beside` = to read beside the hub that has it open: it must be there, and is not held.

        `scratch` = a new file that is thrown away after a fault: nothing of it is undone or survives one.
        """
        if beside and not path.exists():
            raise Broken("HUB-5016", where=path.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._held: int | None = None if beside else _hold(path)
        self.datastore = Datastore(str(path), scratch=scratch)
        self.recorder = EventTable(self.datastore)
        if not beside:
            self.recorder.create_table()
            self.make_tables(tables)

    def make_tables(self, tables: Sequence[str]) -> None:
        """Make tables and indexes that are not there yet."""
        with self.datastore.transaction(commit=True) as cursor:
            for statement in tables:
                cursor.execute(statement)

    def has(self, tx: Tx, table: str) -> bool:
        """Say whether there is a table of this name."""
        return tx.one("SELECT 1 FROM sqlite_master WHERE type=? AND name=?", ("table", table)) is not None

    def remake(self, tx: Tx, names: Sequence[str], tables: Sequence[str]) -> None:
        """Drop tables and make others."""
        for statement in (*(f"DROP TABLE IF EXISTS {name}" for name in names), *tables):
            tx.run(statement)

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Open the one write transaction; commits at the end, rolls all back on an error."""
        with self._transaction(commit=True) as tx:
            yield tx

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Open a snapshot: all reads inside see one state."""
        with self._transaction(commit=False) as tx:
            yield tx

    @contextmanager
    def _transaction(self, *, commit: bool) -> Iterator[Tx]:
        try:
            with self.datastore.get_connection(commit=commit) as connection:
                try:
                    with connection.transaction(commit=commit) as cursor:
                        yield SqliteTx(_raw(cursor))
                finally:
                    # a commit that failed (no room) leaves its transaction open, and the library would hand that on to the next
                    if connection._sqlite_conn.in_transaction:  # noqa: SLF001
                        connection.rollback()
        except OperationalError as fault:
            if rule := _unwritable(fault.__cause__):
                raise Busy(rule) from fault
            raise

    def lock(self, tx: Tx) -> int:
        """Give the last position: the write transaction itself is the lock."""
        return int(tx.one(_LAST)[0])

    def _insert(self, tx: Tx, rows: Sequence[tuple[int, bytes, int, str, bytes, bytes]]) -> None:
        tx.many(_ONE_EVENT, [(p, s.hex(), v, t, b, leaf) for p, s, v, t, b, leaf in rows])

    def last_versions(self, tx: Tx, streams: Iterable[bytes]) -> dict[bytes, int]:
        """Give the last version of each of these streams that has one."""
        sql = "SELECT originator_id, max(originator_version) FROM events WHERE originator_id IN"
        return {bytes.fromhex(s): v for s, v in tx.each(sql, (s.hex() for s in streams), then=" GROUP BY 1")}

    def room(self) -> Room:
        """Tell of the disk that the file lies on."""
        used = shutil.disk_usage(self.path.parent)
        return Room(used.free, used.total)

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


_UNWRITABLE = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM})


def _unwritable(fault: BaseException | None) -> str:
    """Give the rule of what keeps the file from being written; empty for any other fault.

    No room (HUB-5103) is told of the file itself, or of the shared memory beside it, which cannot be made longer. Not to be written
    (HUB-5170): read-only, or the system gives an error, which may pass. The last byte of a code is its kind (SQLite, result codes §3).
    """
    code = int(getattr(fault, "sqlite_errorcode", 0))
    if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE}:
        return "HUB-5103"
    return "HUB-5170" if code & 0xFF in _UNWRITABLE else ""


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
