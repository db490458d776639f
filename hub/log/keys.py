"""Data keys: one for each (Patient stream, compartment, generation), wrapped by the master key, in a store of their own.

The id of a key is a commitment to it (HMAC of the key), so that a sealed body names the one key that opens it. Erasing a row
erases what was sealed with it, in every copy that has no copy of this store.
"""

from __future__ import annotations

import hmac
import os
import sqlite3
import threading
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV

from schemas.errors import Broken

SCHEMA = """
CREATE TABLE IF NOT EXISTS data_keys (
  key_id BLOB PRIMARY KEY, owner BLOB NOT NULL, compartment TEXT NOT NULL, generation INTEGER NOT NULL, wrapped BLOB NOT NULL,
  UNIQUE (owner, compartment, generation)
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True, repr=False)
class DataKey:
    """An opened key with its two ciphers, made once: AES-256-GCM for event bodies, GCM-SIV where equal rows must give equal bytes."""

    key_id: bytes
    owner: bytes
    compartment: str
    generation: int
    secret: bytes
    body: AESGCM = field(compare=False)
    row: AESGCMSIV = field(compare=False)


def commitment(secret: bytes) -> bytes:
    """Give the 16 bytes that stand for a key and fit no other."""
    return hmac.digest(secret, b"tsunagu/1 key commitment", sha256)[:16]


def _open(key_id: bytes, owner: bytes, compartment: str, generation: int, secret: bytes) -> DataKey:
    return DataKey(key_id, owner, compartment, generation, secret, AESGCM(secret), AESGCMSIV(secret))


class KeyMoved(Exception):
    """Another process made a key for the same owner first: what was sealed under the losing one has to be sealed anew."""


class Keyring:
    """All data keys. Thread-safe; opened keys are kept in memory, newest `keep` of them."""

    def __init__(self, path: Path | str, wrapping: bytes, *, keep: int = 20_000) -> None:
        self._wrap = AESGCM(wrapping)
        self._lock = threading.Lock()
        self._keep = keep
        self._by_id: dict[bytes, DataKey] = {}
        self._newest: dict[tuple[bytes, str], DataKey] = {}
        self._fresh: dict[bytes, DataKey] = {}
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA secure_delete=ON")
        self._db.execute(SCHEMA)

    def of(self, owner: bytes, compartment: str) -> DataKey:
        """Give the newest key of `owner` in `compartment`; when there is none, a fresh one that `store_fresh` will write.

        Whoever asks meanwhile gets the same fresh key, so that two submissions about a new person seal under one.
        """
        with self._lock:
            if found := self._newest.get((owner, compartment)):
                return found
            row = self._db.execute(
                "SELECT key_id, generation, wrapped FROM data_keys WHERE owner=? AND compartment=? ORDER BY generation DESC LIMIT 1",
                (owner, compartment),
            ).fetchone()
            if row:
                return self._remember(self._unwrap(row[0], owner, compartment, row[1], row[2]))
            secret = os.urandom(32)
            fresh = self._remember(_open(commitment(secret), owner, compartment, 1, secret))
            self._fresh[fresh.key_id] = fresh
            return fresh

    def store_fresh(self) -> None:
        """Write all fresh keys durably, in one transaction: called before anything sealed with them is committed."""
        with self._lock:
            if not self._fresh:
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany(
                    "INSERT INTO data_keys VALUES (?,?,?,?,?)",
                    [(k.key_id, k.owner, k.compartment, k.generation, self._wrapped(k)) for k in self._fresh.values()],
                )
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._fresh.clear()

    def by_id(self, key_id: bytes) -> DataKey | None:
        """Give the key of that id; None when it was erased (or never was here)."""
        with self._lock:
            if found := self._by_id.get(key_id):
                return found
            row = self._db.execute("SELECT owner, compartment, generation, wrapped FROM data_keys WHERE key_id=?", (key_id,)).fetchone()
            return self._remember(self._unwrap(key_id, row[0], row[1], row[2], row[3])) if row else None

    def copy_to(self, path: Path) -> None:
        """Copy the store as it stands into a new file (for replay beside, and backup)."""
        with self._lock, sqlite3.connect(path) as target:
            self._db.backup(target)
        target.close()

    def close(self) -> None:
        """Close the store."""
        with self._lock:
            self._db.close()

    def _remember(self, key: DataKey) -> DataKey:
        if len(self._by_id) >= self._keep:
            for old in [k for k in list(self._by_id)[: self._keep // 10] if k not in self._fresh]:
                gone = self._by_id.pop(old)
                self._newest.pop((gone.owner, gone.compartment), None)
        self._by_id[key.key_id] = key
        newest = self._newest.get((key.owner, key.compartment))
        if newest is None or newest.generation < key.generation:
            self._newest[key.owner, key.compartment] = key
        return key

    def _wrapped(self, key: DataKey) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._wrap.encrypt(nonce, key.secret, _aad(key.key_id, key.owner, key.compartment))

    def _unwrap(self, key_id: bytes, owner: bytes, compartment: str, generation: int, wrapped: bytes) -> DataKey:
        try:
            secret = self._wrap.decrypt(wrapped[:12], wrapped[12:], _aad(key_id, owner, compartment))
        except InvalidTag as fault:
            raise Broken("HUB-5003") from fault
        if commitment(secret) != key_id:
            raise Broken("HUB-5003")
        return _open(key_id, owner, compartment, generation, secret)


def _aad(key_id: bytes, owner: bytes, compartment: str) -> bytes:
    return b"tsunagu/1/key\0" + key_id + owner + compartment.encode()
