"""The PostgreSQL engine (15 or later), for one hub process or several.

The library's recorder with its table replaced: positions come from a counter row that is also the log's write lock, so they have no gaps
and follow the order of commits; a sequence has neither. The library's database functions stay off: they take no lock, and a reader that
follows the log would miss events. Every wait is finite, and no statement runs in a pipeline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import Any

import psycopg
from psycopg.raw_cursor import RawCursor
from psycopg.rows import tuple_row

from hub.log.connections import Connections
from hub.log.dialect import UUIDS, definition
from hub.log.postgres_peers import Peers
from hub.log.postgres_recorder import Datastore, EventTable
from hub.log.postgres_tx import EVENTS, LOCK, MIGRATION, NETWORK, PostgresTx, Uuids, configured
from hub.log.store import Store, Tx, Unknown
from schemas.errors import Broken, Busy

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


class PostgresStore(Store):
    """One database, for one hub process or several."""

    engine, shared = "postgresql", True
    _EVENT = "position, uuid_send(originator_id), originator_version, topic, state"

    def __init__(self, url: str, *, tables: Sequence[str] = (), connections: int = 16) -> None:
        self.datastore = Datastore(url, connections=connections)
        self._connections = Connections(self._connected, limit=connections, wait=LOCK)
        self._peers = Peers(self._connected)
        self._kinds: dict[str, dict[str, str]] = {}
        try:
            self.make_tables(tables)
            self.recorder = EventTable(self.datastore)  # last: it asks the database at once, and waits for long where there is none
        except BaseException:
            self._connections.close()
            self.datastore.close()
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
        """Give a connection that answers. Raises Busy: HUB-5100 = the database does not, HUB-5103 = it has no room, HUB-5170 = it cannot be written, HUB-5020 = too many at once."""
        with self._connections.one() as connection:
            try:
                yield connection
            except psycopg.errors.DiskFull as fault:
                raise Busy("HUB-5103") from fault
            except (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.IoError) as fault:  # a standby, or a server set so
                raise Busy("HUB-5170") from fault
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
            tx.insert(EVENTS, (), rows)
            tx.locked = rows[-1][0]

    def last_versions(self, tx: Tx, streams: Iterable[bytes]) -> dict[bytes, int]:
        """Give the last version of each of these streams that has one."""
        wanted = list(streams)
        if not wanted:
            return {}
        sql = "SELECT uuid_send(originator_id), max(originator_version) FROM events WHERE originator_id = ANY(?) GROUP BY originator_id"
        return {bytes(s): int(v) for s, v in tx.all(sql, (Uuids(UUIDS, wanted),))}

    # ── several processes ────────────────────────────────────────────────────────────────────────────────────────────

    def leads(self, name: str) -> bool:
        """Say whether this process leads: it holds an advisory lock for as long as its connection lives."""
        return self._peers.leads(name)

    def listen(self, heard: Callable[[], None]) -> None:
        """Call `heard` when another process has appended, from a thread of its own."""
        self._peers.listen(heard)

    def ring(self) -> None:
        """Tell other processes, after the commit: inside it, every commit would wait for every other."""
        self._peers.ring()

    def _connected(self) -> psycopg.Connection[Any]:
        connection: psycopg.Connection[Any] = psycopg.connect(self.datastore.url, **NETWORK)
        try:
            configured(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Close all connections."""
        self._peers.close()
        self._connections.close()
        self.datastore.close()
