"""The key store as a port: one small database of its own, with its own backup. Two engines stand behind: SQLite, PostgreSQL.

    data_keys  one row a key: (owner, compartment, generation), wrapped by the master key
    roots      "root": the root secret, wrapped by the master key; "kek": the master key, wrapped by the service that guards it
    erased     ids that never come back: of keys, and of owners that get no key any more

Several hub processes may have one key store open. Statements are in the dialect of `hub.log.dialect`.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

DATA_KEYS = """
CREATE TABLE IF NOT EXISTS data_keys (
  key_id BLOB PRIMARY KEY, owner BLOB NOT NULL, compartment TEXT NOT NULL, generation INTEGER NOT NULL, wrapped BLOB NOT NULL,
  UNIQUE (owner, compartment, generation)
) WITHOUT ROWID
"""
ERASED = """
CREATE TABLE IF NOT EXISTS erased (
  id BLOB PRIMARY KEY, owner BLOB NOT NULL, compartment TEXT NOT NULL, at INTEGER NOT NULL
) WITHOUT ROWID
"""
"""`owner` = a hash of it; empty where only the id is known. `at` = seconds since 1970 UTC."""
ROOTS = "CREATE TABLE IF NOT EXISTS roots (name TEXT PRIMARY KEY, wrapped BLOB NOT NULL) WITHOUT ROWID"


class KeyTx(abc.ABC):
    """Statements of one transaction, or each for itself: `?` parameters, rows as tuples."""

    __slots__ = ()

    @abc.abstractmethod
    def run(self, sql: str, params: Sequence[Any] = ()) -> None:
        """Execute one statement."""

    @abc.abstractmethod
    def all(self, sql: str, params: Sequence[Any] = ()) -> list[Any]:
        """Give all rows."""

    def one(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """Give the first row, or None."""
        return next(iter(self.all(sql, params)), None)


class KeyStore(KeyTx):
    """One key store. Not for several threads at once: `Keyring` lets one in at a time.

    Away HUB-5078 = it does not answer; Broken HUB-5071 = it is damaged.
    """

    __slots__ = ()

    @abc.abstractmethod
    def tables(self) -> frozenset[str]:
        """Give the names of the tables that are there; none where there is no store yet. Makes nothing."""

    @abc.abstractmethod
    def make(self, tx: KeyTx, tables: Sequence[str]) -> None:
        """Make the tables that are not there yet, inside a write transaction."""

    @abc.abstractmethod
    def write(self) -> AbstractContextManager[KeyTx]:
        """Open the write transaction, one at a time over all processes; durable when it ends, undone on an error."""

    @abc.abstractmethod
    def purge(self) -> None:
        """Leave no byte of what was deleted or replaced in the store's own files. Raises Broken (HUB-5078) when others keep it from that."""

    @abc.abstractmethod
    def hold(self, *, alone: bool) -> None:
        """Say until `close` that the store is in use; `alone` = by nobody else. Raises Broken (HUB-5075) when that is not so."""

    @abc.abstractmethod
    def copy_to(self, path: Path) -> None:
        """Copy the store as it stands into a new SQLite file."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close it and let it go."""


def key_store(place: Path | str) -> KeyStore:
    """Give the engine of a place: `postgresql://…`, or the path of a file. A file is made when something is written."""
    from hub.log.key_files import KeyFile  # the engines know this module
    from hub.log.key_postgres import KeyDatabase

    return KeyDatabase(place) if isinstance(place, str) and place.startswith(("postgresql://", "postgres://")) else KeyFile(Path(place))
