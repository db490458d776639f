"""The key store in a PostgreSQL database of its own, for hubs on several machines.

One connection a hub, opened again when it breaks. Two session locks of the server (advisory) stand for what a file's lock is elsewhere:
one says that a hub has the store open, one lets one write transaction in at a time. A pooler that hands one connection to several
clients breaks the first: the address must be the server's own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.raw_cursor import RawCursor
from psycopg.rows import tuple_row

from hub.log.dialect import definition, numbered
from hub.log.key_store import DATA_KEYS, ERASED, ROOTS, KeyStore, KeyTx
from schemas.errors import Away, Broken

CONNECT, LOCK, STATEMENT, PURGE = 5, 10, 30, 600
"""Seconds at most: to connect, to wait for a lock, for a statement, to write the table anew after an erasure."""
_COPIED = {"data_keys": DATA_KEYS, "erased": ERASED, "roots": ROOTS}


def _number(name: str) -> int:
    return int.from_bytes(sha256(f"tsunagu/keys/{name}".encode()).digest()[:8], "big", signed=True)


_IN_USE, _WRITING = _number("in use"), _number("writing")


class KeyDatabase(KeyStore):
    """One database and one connection."""

    __slots__ = ("_alone", "_db", "_holds", "_told", "_writing")

    def __init__(self, url: str) -> None:
        waits = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000}
        self._told: dict[str, Any] = {**waits, **conninfo_to_dict(url), "connect_timeout": CONNECT}
        self._db: psycopg.Connection[tuple[Any, ...]] | None = None
        self._holds = self._alone = self._writing = False

    def _open(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Give the connection; a new one takes the hold again, which others may have broken meanwhile."""
        if self._db is None or self._db.closed:
            made = psycopg.connect(**self._told, autocommit=True, row_factory=tuple_row, cursor_factory=RawCursor)
            self._db = made
            for name, seconds in (("statement_timeout", STATEMENT), ("lock_timeout", LOCK)):
                made.execute(f"SET {name} = {seconds * 1_000}")
            made.execute("SET synchronous_commit = on")
            if self._holds:
                self._take()
        return self._db

    def _asked(self, sql: str, params: Sequence[Any]) -> list[Any]:
        found = self._open().execute(numbered(sql), params)
        return found.fetchall() if found.description else []

    def run(self, sql: str, params: Sequence[Any] = ()) -> None:
        """Execute one statement."""
        self.all(sql, params)

    def all(self, sql: str, params: Sequence[Any] = ()) -> list[Any]:
        """Give all rows. Outside a transaction a connection that has broken is opened again, once."""
        try:
            try:
                return self._asked(sql, params)
            except psycopg.OperationalError:
                if self._writing or self._db is None or not self._db.broken:
                    raise
                return self._asked(sql, params)
        except psycopg.Error as fault:
            raise _broken(fault) from None

    def tables(self) -> frozenset[str]:
        """Give the names of the tables."""
        wanted = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()"
        return frozenset(row[0] for row in self.all(wanted))

    def make(self, tx: KeyTx, tables: Sequence[str]) -> None:
        """Make the tables: the write transaction lets one process in at a time."""
        for table in tables:
            tx.run(definition(table))

    @contextmanager
    def write(self) -> Iterator[KeyTx]:
        """Open the write transaction."""
        self.run("BEGIN")
        self._writing = True
        try:
            self.all("SELECT pg_advisory_xact_lock(?)", (_WRITING,))
            yield self
            self.run("COMMIT")
        except BaseException:
            with suppress(Broken):
                if self._db is not None and not self._db.closed:
                    self.run("ROLLBACK")
            raise
        finally:
            self._writing = False

    def purge(self) -> None:
        """Write the tables anew, without what was deleted. What the server's write-ahead log and its archive hold is for their own retention."""
        self.run(f"SET statement_timeout = {PURGE * 1_000}")
        try:
            for table in sorted(self.tables() & {"data_keys", "roots"}):
                self.run(f"VACUUM (FULL) {table}")
            self.run("CHECKPOINT") if self._may_checkpoint() else None
        finally:
            self.run(f"SET statement_timeout = {STATEMENT * 1_000}")

    def _may_checkpoint(self) -> bool:
        return bool(self.one("SELECT pg_has_role(current_user, ?, ?)", ("pg_checkpoint", "MEMBER"))[0])

    def hold(self, *, alone: bool) -> None:
        """Take the session lock, shared or alone."""
        try:
            db = self._open()
            if self._holds:
                db.execute("SELECT pg_advisory_unlock_all()")
            self._holds, self._alone = True, alone
            self._take()
        except psycopg.Error as fault:
            raise _broken(fault) from None

    def _take(self) -> None:
        assert self._db is not None
        how = "pg_try_advisory_lock" if self._alone else "pg_try_advisory_lock_shared"
        (taken,) = self._db.execute(f"SELECT {how}($1)", (_IN_USE,)).fetchone() or (False,)
        if not taken:
            self.close()
            raise Broken("HUB-5075")

    def copy_to(self, path: Path) -> None:
        """Copy row by row from one snapshot."""
        target = sqlite3.connect(path)
        try:
            self.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
            try:
                for table in sorted(self.tables() & _COPIED.keys()):
                    rows = self.all(f"SELECT * FROM {table}")
                    target.execute(_COPIED[table])
                    if rows:
                        target.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(rows[0]))})", rows)
            finally:
                self.run("ROLLBACK")
            target.commit()
        finally:
            target.close()

    def close(self) -> None:
        """Close it."""
        if self._db is not None:
            self._db.close()
            self._db = None


def _broken(fault: psycopg.Error) -> Broken:
    """Keep the kind of a fault, never its words: they may name the server, the user, a row."""
    damaged = isinstance(fault, psycopg.errors.DataCorrupted | psycopg.errors.IndexCorrupted)
    return Broken("HUB-5071", where=type(fault).__name__) if damaged else Away("HUB-5078", where=type(fault).__name__)
