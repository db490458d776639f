"""The key store in one SQLite file, shared by the hub processes of one machine (WAL)."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hub.log.key_store import KeyStore, KeyTx
from schemas.errors import Away, Broken

WAIT = 10
"""Seconds at most to wait for another process's transaction."""
_PLACES = 4_096
"""Hubs that may have one file open, where the system knows no shared lock."""


class KeyFile(KeyStore):
    """One file and one connection. Nothing is made before something is written."""

    __slots__ = ("_db", "_held", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = None
        self._held: int | None = None

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            made = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None, timeout=WAIT)
            try:
                made.execute("PRAGMA synchronous=FULL")
                made.execute("PRAGMA secure_delete=ON")
                names = {row[0] for row in made.execute("SELECT name FROM sqlite_master WHERE type='table'")}
                if not names or "data_keys" in names:  # a file that is something else is left as it is
                    _switch_to_wal(made)
            except sqlite3.Error as fault:
                made.close()
                raise _broken(fault) from fault
            self._db = made
        return self._db

    def run(self, sql: str, params: Sequence[Any] = ()) -> None:
        """Execute one statement."""
        self.all(sql, params)

    def all(self, sql: str, params: Sequence[Any] = ()) -> list[Any]:
        """Give all rows."""
        try:
            return self._open().execute(sql, params).fetchall()
        except sqlite3.Error as fault:
            raise _broken(fault) from fault

    def tables(self) -> frozenset[str]:
        """Give the names of the tables; an absent or empty file has none."""
        if not self.path.exists() or not self.path.stat().st_size:
            return frozenset()
        return frozenset(row[0] for row in self.all("SELECT name FROM sqlite_master WHERE type=?", ("table",)))

    def make(self, tx: KeyTx, tables: Sequence[str]) -> None:
        """Make the tables."""
        for table in tables:
            tx.run(table)

    @contextmanager
    def write(self) -> Iterator[KeyTx]:
        """Open the write transaction."""
        self.run("BEGIN IMMEDIATE")
        try:
            yield self
            self.run("COMMIT")
        except BaseException:
            if self._open().in_transaction:
                self.run("ROLLBACK")
            raise

    def purge(self) -> None:
        """Move the write-ahead file into the store, where deleted cells were overwritten (secure_delete), and cut it to nothing."""
        until = time.monotonic() + WAIT
        while self.all("PRAGMA wal_checkpoint(TRUNCATE)")[0][0]:
            if time.monotonic() > until:
                raise Broken("HUB-5078")
            time.sleep(0.05)  # a reader of another process stands in the way; readers here are short

    def hold(self, *, alone: bool) -> None:
        """Lock the file beside the store, shared or alone."""
        if self._held is not None:
            os.close(self._held)
            self._held = None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path.with_name(self.path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(handle, alone)
        except OSError as fault:
            os.close(handle)
            raise Broken("HUB-5075") from fault
        self._held = handle

    def copy_to(self, path: Path) -> None:
        """Copy the file."""
        target = sqlite3.connect(path)
        try:
            self._open().backup(target)
        finally:
            target.close()

    def close(self) -> None:
        """Close it."""
        if self._db is not None:
            self._db.close()
            self._db = None
        if self._held is not None:
            os.close(self._held)
            self._held = None


def _switch_to_wal(opened: sqlite3.Connection) -> None:
    """Wait for another process that switches the same new file: SQLite says at once that it is busy there, whatever its timeout."""
    until = time.monotonic() + WAIT
    while True:
        try:
            opened.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        else:
            return
        time.sleep(0.005)


def _broken(fault: sqlite3.Error) -> Broken:
    damaged = not isinstance(fault, sqlite3.OperationalError)  # busy, full, not writable; everything else is about what was read
    return Broken("HUB-5071") if damaged else Away("HUB-5078")


def _lock(handle: int, alone: bool) -> None:
    if sys.platform == "win32":
        import msvcrt

        # no shared locks there: each user locks a byte of its own, and whoever wants to be alone all of them
        os.lseek(handle, 0 if alone else int.from_bytes(os.urandom(2), "big") % _PLACES, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, _PLACES if alone else 1)
    else:
        import fcntl

        fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
