"""The PostgreSQL engine (15 or later), for one hub process or several.

The library's recorder with its table replaced: positions come from a counter row that is also the log's write lock, so they have no gaps
and follow the order of commits; a sequence has neither. The library's database functions stay off: they take no lock, and a reader that
follows the log would miss events. Every wait is finite, and no statement runs in a pipeline.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.persistence import Notification, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.adapt import Dumper
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Format
from psycopg.raw_cursor import RawCursor
from psycopg.rows import tuple_row
from psycopg.sql import SQL

from hub.log.connections import Connections, alive
from hub.log.dialect import ARRAYS, BYTEA, INT8, TEXT, UUIDS, array, definition, numbered
from hub.log.merkle import event_leaf
from hub.log.store import Store, Tx, Unknown
from schemas.errors import Broken, Busy

CONNECT, LOCK, STATEMENT, IDLE, MIGRATION = 5, 30, 120, 60, 3_600
"""Seconds at most: to connect, to wait for a lock, for a statement, for a transaction in which nothing happens; for a table to be made anew.

A transaction in which nothing happens may hold the log's lock: no hub that hangs holds up the others for longer."""
LOST = 20
"""Seconds after which a network that swallows everything counts as broken, on both sides."""
_DEFINITIONS = (
    """CREATE TABLE IF NOT EXISTS events (
  position bigint PRIMARY KEY, originator_id uuid NOT NULL, originator_version bigint NOT NULL, topic text COLLATE "C" NOT NULL,
  state bytea NOT NULL, leaf bytea NOT NULL, UNIQUE (originator_id, originator_version))""",
    "CREATE TABLE IF NOT EXISTS heads (shard bigint PRIMARY KEY, last bigint NOT NULL) WITH (fillfactor = 10)",
    "INSERT INTO heads VALUES (0, 0) ON CONFLICT DO NOTHING",
    "CREATE TABLE IF NOT EXISTS submissions (id bytea PRIMARY KEY, first bigint NOT NULL, last bigint NOT NULL)",
    'CREATE TABLE IF NOT EXISTS tracking (application_name text COLLATE "C" PRIMARY KEY, notification_id bigint NOT NULL) WITH (fillfactor = 10)',
)
"""`state` is stored as it is: sealed bytes do not compress. `heads` has one row, the counter: locking it is locking the log."""
_OLDEST = 150_000
_MIGRATION = int.from_bytes(sha256(b"tsunagu/migration").digest()[:8], "big", signed=True)
_CHANNEL = "tsunagu"
_COALESCE = 0.02
"""Seconds between two calls to other processes at least."""
_EVENT_COLUMNS = ("position", "originator_id", "originator_version", "topic", "state", "leaf")
_EVENTS = "events"
_PUT = (
    "INSERT INTO events SELECT p, s, v, t, b, l FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::text[], $5::bytea[], $6::bytea[])"
    " AS x(p, s, v, t, b, l)"
)


class _Array:
    """An array in binary form, with the kind of its elements."""

    __slots__ = ("raw",)

    def __init__(self, kind: int, values: Sequence[Any]) -> None:
        self.raw = array(kind, values)


class _Ints(_Array):
    __slots__ = ()


class _Bytes(_Array):
    __slots__ = ()


class _Uuids(_Array):
    __slots__ = ()


class _Texts(_Array):
    __slots__ = ()


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: _Array) -> bytes:
        return obj.raw


class _IntsDumper(_ArrayDumper):
    oid = ARRAYS[INT8]


class _BytesDumper(_ArrayDumper):
    oid = ARRAYS[BYTEA]


class _UuidsDumper(_ArrayDumper):
    oid = ARRAYS[UUIDS]


class _TextsDumper(_ArrayDumper):
    oid = ARRAYS[TEXT]


_KINDS: dict[str, tuple[int, type[_Array]]] = {"bigint": (INT8, _Ints), "bytea": (BYTEA, _Bytes), "text": (TEXT, _Texts)}


def _array(values: Sequence[Any]) -> _Array:
    first = values[0]
    kind, form = _KINDS["bytea" if isinstance(first, bytes) else "text" if isinstance(first, str) else "bigint"]
    return form(kind, values)


class PostgresTx(Tx):
    """A transaction over one connection."""

    __slots__ = ("cursor", "kinds", "locked", "waiting")

    def __init__(self, cursor: RawCursor[Any], kinds: dict[str, dict[str, str]]) -> None:
        super().__init__()
        self.cursor, self.kinds = cursor, kinds
        self.locked: int | None = None
        """The last position, once the log is locked."""
        self.waiting: dict[tuple[str, tuple[str, ...], str], list[Sequence[Any]]] = {}
        """Rows to insert: nothing sees them before the next statement, so that several submissions of a group go in one step."""

    def run(self, sql: str, params: Sequence[Any] = ()) -> None:
        """Execute one statement that changes rows."""
        self.flush()
        self.writes += 1
        self.cursor.execute(numbered(sql), params)

    def all(self, sql: str, params: Sequence[Any] = ()) -> list[Any]:
        """Give all rows."""
        self.flush()
        return self.cursor.execute(numbered(sql), params).fetchall()

    def one(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """Give the first row, or None."""
        self.flush()
        return self.cursor.execute(numbered(sql), params).fetchone()

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], then: str = "") -> None:
        """Insert many rows before the next statement, in one step a table."""
        if rows:
            self.writes += 1
            self.waiting.setdefault((table, tuple(columns), then), []).extend(rows)

    def flush(self) -> None:
        """Insert what waits, as one array a column."""
        if not self.waiting:
            return
        waiting, self.waiting = self.waiting, {}
        for (table, columns, then), rows in waiting.items():
            if table == _EVENTS:
                _put(self.cursor, rows)  # type: ignore[arg-type]
                continue
            kinds = [_KINDS[self.kinds[table][name.strip('"')]] for name in columns]
            arrays = [form(kind, values) for (kind, form), values in zip(kinds, zip(*rows, strict=True), strict=True)]
            self.cursor.execute(_bulk(table, columns, tuple(k for k, _ in kinds), then), arrays)

    def each(self, sql: str, names: Iterable[Any], params: Sequence[Any] = (), then: str = "") -> list[Any]:
        """Give all rows of a statement that ends in `IN`, for any number of names, in one step."""
        wanted = list(names)
        return self.all(f"{sql.removesuffix('IN')}= ANY(?){then}", (_array(wanted), *params)) if wanted else []


@lru_cache(256)
def _bulk(table: str, columns: tuple[str, ...], kinds: tuple[int, ...], then: str) -> str:
    names = {INT8: "bigint", BYTEA: "bytea", TEXT: "text"}
    arrays = ", ".join(f"${i}::{names[kind]}[]" for i, kind in enumerate(kinds, 1))
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays}) {then}"


_NETWORK = {
    "connect_timeout": CONNECT, "tcp_user_timeout": LOST * 1_000, "keepalives_idle": LOST // 2, "keepalives_interval": LOST // 4,
    "keepalives_count": 2,
}  # fmt: skip


class Datastore(PostgresDatastore):
    """The library's datastore over a URL, with every wait finite. Its pool serves the library's recorder alone, which the hub does not use."""

    def __init__(self, url: str, *, connections: int = 16) -> None:
        told: dict[str, Any] = dict(conninfo_to_dict(url))
        super().__init__(
            dbname=told.pop("dbname", ""), host=told.pop("host", ""), port=told.pop("port", ""), user=told.pop("user", ""),
            password=told.pop("password", ""), connect_timeout=CONNECT, pool_size=2, max_overflow=connections - 2, lock_timeout=LOCK,
            idle_in_transaction_session_timeout=IDLE, enable_db_functions=False,
        )  # fmt: skip
        assert isinstance(self.pool.kwargs, dict)
        self.url = url
        self.pool.kwargs.update(told, **_NETWORK)
        self.pool.kwargs = {k: v for k, v in self.pool.kwargs.items() if v != ""}

    def after_connect_func(self) -> Callable[[psycopg.Connection[Any]], None]:
        """Give what is done with a new connection."""
        return configured

    def __del__(self) -> None:
        """Leave closing to `close`."""


def configured(connection: psycopg.Connection[Any]) -> None:
    """Set the limits of a connection."""
    connection.autocommit = True
    connection.adapters.register_dumper(_Ints, _IntsDumper)
    connection.adapters.register_dumper(_Bytes, _BytesDumper)
    connection.adapters.register_dumper(_Texts, _TextsDumper)
    connection.adapters.register_dumper(_Uuids, _UuidsDumper)
    connection.execute(
        f"SET statement_timeout='{STATEMENT}s'; SET lock_timeout='{LOCK}s'; SET idle_in_transaction_session_timeout='{IDLE}s';"
        f" SET tcp_user_timeout='{LOST}s'; SET tcp_keepalives_idle={LOST // 2}; SET tcp_keepalives_interval={LOST // 4}; SET tcp_keepalives_count=2;"
        " SET timezone='UTC'; SET client_min_messages=warning; SET synchronous_commit=on"
    )


class EventTable(PostgresApplicationRecorder):
    """The library's application recorder; positions and leaves are settled under the lock of the counter row."""

    def __init__(self, datastore: PostgresDatastore) -> None:
        super().__init__(datastore, events_table_name="events")
        self.sql_create_statements = []  # the store makes its tables in one step of its own
        self.max_notification_id_statement = SQL("SELECT nullif(max(position), 0) AS max FROM events").format()

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Append; one attempt, because a second one after a lost answer could append twice."""
        if not stored_events:
            return None
        with self.datastore.transaction(commit=True) as cursor:
            raw = RawCursor(cursor.connection, row_factory=tuple_row)
            found = raw.execute("SELECT last FROM heads WHERE shard=0 FOR UPDATE").fetchone()
            assert found is not None
            first = found[0] + 1
            rows = []
            for at, e in enumerate(stored_events, first):
                stream = (i if isinstance(i := e.originator_id, UUID) else UUID(i)).bytes
                leaf = event_leaf(position=at, stream=stream, version=e.originator_version, topic=e.topic, state=e.state)
                rows.append((at, stream, e.originator_version, e.topic, e.state, leaf))
            _put(raw, rows)
            raw.execute("UPDATE heads SET last=$1 WHERE shard=0", (first + len(rows) - 1,))
        return range(first, first + len(rows))

    def select_notifications(
        self, start: int | None, limit: int, stop: int | None = None, topics: Sequence[str] = (), *, inclusive_of_start: bool = True
    ) -> Sequence[Notification]:
        """Give events in the order of the log."""
        since = (start or 0) if inclusive_of_start else (start or 0) + 1
        sql = "SELECT position, originator_id, originator_version, topic, state FROM events WHERE position>=$1 AND position<=$2"
        params: list[Any] = [since, stop if stop is not None else 2**62]
        if topics:
            sql += " AND topic=ANY($4)"
        with self.datastore.get_connection() as connection:
            cursor = RawCursor(connection, row_factory=tuple_row)
            more = (_Texts(TEXT, topics),) if topics else ()
            rows = cursor.execute(f"{sql} ORDER BY position LIMIT $3", (*params, limit, *more)).fetchall()
        return [Notification(originator_id=i, originator_version=v, topic=t, state=bytes(b), id=p) for p, i, v, t, b in rows]


def _put(cursor: RawCursor[Any], rows: Sequence[tuple[int, bytes, int, str, bytes, bytes]]) -> None:
    positions, streams, versions, topics, states, leaves = zip(*rows, strict=True)
    cursor.execute(
        _PUT,
        (
            _Ints(INT8, positions), _Uuids(UUIDS, streams), _Ints(INT8, versions), _Texts(TEXT, topics), _Bytes(BYTEA, states), _Bytes(BYTEA, leaves),
        ),
    )  # fmt: skip


class PostgresStore(Store):
    """One database, for one hub process or several."""

    engine, shared = "postgresql", True
    _EVENT = "position, uuid_send(originator_id), originator_version, topic, state"

    def __init__(self, url: str, *, tables: Sequence[str] = (), connections: int = 16) -> None:
        self.datastore = Datastore(url, connections=connections)
        self.recorder = EventTable(self.datastore)
        self._connections = Connections(self._connected, limit=connections, wait=LOCK)
        self._name = os.urandom(8).hex()
        """By which this store knows its own calls: an address would be the same in processes that were forked from one."""
        self._kinds: dict[str, dict[str, str]] = {}
        self._leading: psycopg.Connection[Any] | None = None
        self._led: set[str] = set()
        self._lock = threading.Lock()
        self._closing, self._rung = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []
        try:
            self.make_tables(tables)
        except BaseException:
            self._connections.close()
            raise

    # ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def make_tables(self, tables: Sequence[str]) -> None:
        """Make tables and indexes that are not there yet, one process at a time; refuse a server that is too old."""
        with self._connection() as connection:
            if connection.info.server_version < _OLDEST:
                raise Broken("HUB-5101")
            cursor = connection.cursor(row_factory=tuple_row)
            with connection.transaction():
                cursor.execute(f"SET LOCAL lock_timeout='{MIGRATION}s'; SET LOCAL statement_timeout='{MIGRATION}s'")
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION,))
                fresh = cursor.execute("SELECT to_regclass('events') IS NULL").fetchone() == (True,)
                for statement in (*_DEFINITIONS, *(definition(t) for t in tables)):
                    cursor.execute(statement)
                if fresh:
                    cursor.execute("ALTER TABLE events ALTER COLUMN state SET STORAGE EXTERNAL")
            self._learn(cursor)

    def has(self, tx: Tx, table: str) -> bool:
        """Say whether there is a table of this name."""
        return bool(tx.one("SELECT to_regclass(?) IS NOT NULL", (table,))[0])

    def remake(self, tx: Tx, names: Sequence[str], tables: Sequence[str]) -> None:
        """Drop tables and make others."""
        assert isinstance(tx, PostgresTx)
        tx.run(f"SET LOCAL statement_timeout='{MIGRATION}s'")
        for statement in (*(f"DROP TABLE IF EXISTS {name}" for name in names), *(definition(t) for t in tables)):
            tx.run(statement)
        self._learn(tx.cursor)

    def _learn(self, cursor: psycopg.Cursor[Any] | RawCursor[Any]) -> None:
        """Learn the types of all columns, of which arrays of rows are made."""
        rows = cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema=current_schema()"
        ).fetchall()
        for table, column, kind in rows:
            self._kinds.setdefault(table, {})[column] = kind

    # ── transactions ─────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Open a write transaction; the log itself is locked by what appends (`lock`)."""
        with self._connection() as connection, self._begun(connection, "BEGIN") as tx:
            yield tx

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Open a snapshot: all reads inside see one state."""
        with self._connection() as connection, self._begun(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as tx:
            yield tx

    @contextmanager
    def _begun(self, connection: psycopg.Connection[Any], begin: str) -> Iterator[PostgresTx]:
        cursor = RawCursor(connection, row_factory=tuple_row)
        cursor.execute(begin)
        tx = PostgresTx(cursor, self._kinds)
        committing = False
        try:
            yield tx
            tx.flush()
            committing = True
            if tx.locked is not None and tx.writes:
                cursor.execute(f"UPDATE heads SET last={tx.locked} WHERE shard=0 AND last<>{tx.locked}; COMMIT")
            else:
                cursor.execute("COMMIT")
        except BaseException as fault:
            if committing and tx.writes and connection.closed:
                raise Unknown from fault
            with suppress(psycopg.Error):
                connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        """Give a connection that answers. Raises Busy: HUB-5100 = the database does not, HUB-5103 = it has no room, HUB-5020 = too many at once."""
        with self._connections.one() as connection:
            try:
                yield connection
            except psycopg.errors.DiskFull as fault:
                raise Busy("HUB-5103") from fault
            except psycopg.OperationalError as fault:  # it went away, or a wait was too long
                raise Busy("HUB-5100") from fault

    # ── the log ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def lock(self, tx: Tx) -> int:
        """Lock the counter row; give the last position."""
        assert isinstance(tx, PostgresTx)
        if tx.locked is None:
            tx.locked = int(tx.one("SELECT last FROM heads WHERE shard=0 FOR UPDATE")[0])
        return tx.locked

    def _insert(self, tx: Tx, rows: Sequence[tuple[int, bytes, int, str, bytes, bytes]]) -> None:
        assert isinstance(tx, PostgresTx)
        if rows:
            self.lock(tx)
            tx.insert(_EVENTS, (), rows)
            tx.locked = rows[-1][0]

    def last_versions(self, tx: Tx, streams: Iterable[bytes]) -> dict[bytes, int]:
        """Give the last version of each of these streams that has one."""
        wanted = list(streams)
        if not wanted:
            return {}
        sql = "SELECT uuid_send(originator_id), max(originator_version) FROM events WHERE originator_id = ANY(?) GROUP BY originator_id"
        return {bytes(s): int(v) for s, v in tx.all(sql, (_Uuids(UUIDS, wanted),))}

    # ── several processes ────────────────────────────────────────────────────────────────────────────────────────────

    def leads(self, name: str) -> bool:
        """Say whether this process leads: it holds an advisory lock for as long as its connection lives."""
        with self._lock:
            if self._closing.is_set():
                return False
            if self._leading is not None and not alive(self._leading):
                self._leading.close()
                self._leading, self._led = None, set()
            if name in self._led:
                return True
            try:
                if self._leading is None:
                    self._leading = self._connected()
                key = int.from_bytes(sha256(f"tsunagu/leads/{name}".encode()).digest()[:8], "big", signed=True)
                found = self._leading.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
            except psycopg.Error:
                return False
            if found and found[0]:
                self._led.add(name)
                return True
            return False

    def listen(self, heard: Callable[[], None]) -> None:
        """Call `heard` when another process has appended, from a thread of its own."""
        for work in (lambda: self._listening(heard), self._ringing):
            thread = threading.Thread(target=work, name="postgres-bell", daemon=True)
            self._threads.append(thread)
            thread.start()

    def ring(self) -> None:
        """Tell other processes, after the commit: inside it, every commit would wait for every other."""
        self._rung.set()

    def _listening(self, heard: Callable[[], None]) -> None:
        while not self._closing.is_set():
            try:
                with self._connected() as connection:
                    connection.execute(f"LISTEN {_CHANNEL}")
                    heard()  # what was rung while nobody listened
                    while not self._closing.is_set():
                        for one in connection.notifies(timeout=0.5, stop_after=1):
                            if one.payload != self._name:
                                heard()
            except psycopg.Error:
                self._closing.wait(1.0)

    def _ringing(self) -> None:
        while not self._closing.is_set():
            try:
                with self._connected() as connection:
                    while not self._closing.is_set():
                        if self._rung.wait(0.5):
                            self._rung.clear()
                            connection.execute("SELECT pg_notify(%s, %s)", (_CHANNEL, self._name))
                            self._closing.wait(_COALESCE)
            except psycopg.Error:
                self._closing.wait(1.0)

    def _connected(self) -> psycopg.Connection[Any]:
        connection: psycopg.Connection[Any] = psycopg.connect(self.datastore.url, **_NETWORK)
        try:
            configured(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Close all connections."""
        self._closing.set()
        self._rung.set()
        for thread in self._threads:
            thread.join()
        with self._lock:
            if self._leading is not None:
                self._leading.close()
        self._connections.close()
        self.datastore.close()
