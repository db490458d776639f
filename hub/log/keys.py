"""Data keys: one for each (Patient stream, compartment, generation), wrapped by the master key, in a store of their own.

The id of a key is a commitment to it (HMAC of the key), so that a sealed body names the one key that opens it. Erasing a row
erases what was sealed with it, in every copy that has no copy of this store.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV

from hub.log import key_rows
from hub.log.erased import EVERY, Ledger, mark
from hub.log.key_rows import KeyRow
from hub.log.key_store import DATA_KEYS, ERASED, KeyStore, KeyTx, key_store
from hub.log.wrapping import Wrapping, commitment
from schemas.errors import Broken, Gone

KEPT = 45.0
"""Seconds that an opened key is used at most; idle ones are let go every SWEEP seconds, so that none is in memory after 60."""
SWEEP = 15.0
KEEP = 20_000
"""Opened keys in memory at most, five kilobytes each."""


class KeyMoved(Exception):
    """What was sealed under these keys cannot be recorded: another hub was first with a key for the same owner, or erased it.

    `lost` = the ids of those keys (no secret). Whatever was sealed under them has to be prepared anew.
    """

    def __init__(self, lost: frozenset[bytes]) -> None:
        self.lost = lost
        super().__init__(f"{len(lost)} keys moved")


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
    until: float = field(default=0.0, compare=False)
    """Moment (of the keyring's clock) after which it is read from the store again."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What `destroy` did: the ids of all keys of these owners that are no more, in order, and when the last of them went."""

    key_ids: tuple[bytes, ...]
    at: datetime


class Keyring:
    """All data keys of one store, for any number of threads; other hub processes may use the same store.

    Opened keys stay in memory for less than a minute, the newest `keep` of them: one that another process erased opens no longer then.
    """

    def __init__(
        self,
        store: KeyStore | Path | str,
        wrapping: Wrapping | bytes,
        *,
        ledger: Ledger | None = None,
        keep: int = KEEP,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take a store, or the place of one that is made when it is missing; `wrapping` = what wraps its keys.

        A hub opens its own by `hub.log.unlocking.open_keys`, which looks first whether store, master key and log belong together.
        """
        self._store = store if isinstance(store, KeyStore) else _made(store)
        self._wrapping = wrapping if isinstance(wrapping, Wrapping) else Wrapping(wrapping)
        self._ledger = ledger or Ledger(None)
        self._lock, self._keep, self._clock = threading.Lock(), keep, clock
        self._by_id: dict[bytes, DataKey] = {}
        self._newest: dict[tuple[bytes, str], DataKey] = {}
        self._fresh: dict[tuple[bytes, str], DataKey] = {}
        self._roots = key_rows.roots(self._store) if "roots" in self._store.tables() else {}
        self._closing = threading.Event()
        threading.Thread(target=_sweeping, args=(weakref.ref(self), self._closing), name="keys", daemon=True).start()

    # ── finding ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def of(self, owner: bytes, compartment: str) -> DataKey:
        """Give the newest key of `owner` in `compartment`; when there is none, a fresh one that `store_fresh` will write.

        Whoever asks meanwhile gets the same fresh key, so that two submissions about a new person seal under one. Raises Gone (HUB-5072)
        when the owner's keys were destroyed: there is never a new one.
        """
        found = self._newest.get((owner, compartment))  # without the lock: one look into a dict is atomic
        if found is not None and found.until > self._clock():
            return found
        with self._lock:
            if fresh := self._fresh.get((owner, compartment)):
                return fresh
            if (row := key_rows.newest(self._store, owner, compartment)) is not None:
                return self._remember(self._opened(row))
            if key_rows.is_gone(self._store, owner, compartment):
                self._let_go(self._newest.get((owner, compartment)))
                raise Gone("HUB-5072")
            secret = os.urandom(32)
            made = self._key(commitment(secret), owner, compartment, 1, secret)
            self._fresh[owner, compartment] = made
            return self._remember(made)

    def by_id(self, key_id: bytes) -> DataKey | None:
        """Give the key of that id; None when it is not here: erased, or missing (`held` and `erased` tell which)."""
        found = self._by_id.get(key_id)
        if found is not None and found.until > self._clock():
            return found
        with self._lock:
            if fresh := next((k for k in self._fresh.values() if k.key_id == key_id), None):
                return fresh
            if (row := key_rows.found(self._store, key_id)) is not None:
                return self._remember(self._opened(row))
            self._let_go(self._by_id.get(key_id))
            return None

    def held(self, key_id: bytes) -> DataKey | None:
        """Give the key of that id; None when it was erased, or there is none (empty id).

        Raises Broken (HUB-5073) when it is missing: store and log do not belong together.
        """
        found = self._by_id.get(key_id)
        if found is not None and found.until > self._clock():
            return found
        found = self.by_id(key_id) if key_id else None
        if found is None and key_id and not self.erased(key_id):
            raise Broken("HUB-5073")
        return found

    def erased(self, key_id: bytes) -> bool:
        """Say whether a key was destroyed, as store and ledger tell."""
        with self._lock:
            return key_rows.is_erased(self._store, key_id)

    def missing(self, key_ids: Iterable[bytes]) -> frozenset[bytes]:
        """Give those ids that are neither here nor erased."""
        wanted = frozenset(key_ids) - {b""}
        with self._lock:
            absent = self._absent(wanted)
            return frozenset(absent - key_rows.among(self._store, "erased", "id", sorted(absent)))

    def ids(self, owner: bytes, compartment: str) -> tuple[bytes, ...]:
        """Give the ids of all keys of an owner that are here, in order; none when there never was one, or all were destroyed."""
        with self._lock:
            fresh = self._fresh.get((owner, compartment))
            return (*key_rows.keys_of(self._store, owner, frozenset({compartment})), *((fresh.key_id,) if fresh else ()))

    def gone(self, owners: Iterable[tuple[bytes, str]]) -> list[tuple[bytes, str]]:
        """Give those of these (owner, compartment) that get no key any more."""
        with self._lock:
            return [(owner, compartment) for owner, compartment in owners if key_rows.is_gone(self._store, owner, compartment)]

    def erasures(self) -> frozenset[bytes]:
        """Give all ids that store and ledger name as erased: of keys, and marks of owners (`hub.log.erased.mark`)."""
        with self._lock:
            return frozenset(key_rows.all_erased(self._store))

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def store_fresh(self, used: Iterable[bytes] = ()) -> None:
        """Write all fresh keys durably, in one transaction: called in the log's write transaction, before its commit.

        `used` = the key ids (`header.key`) of all events that this transaction appends. When this returns, each of them lies in the store:
        what was sealed under it can be committed. Raises KeyMoved when one does not and never will: another process was first with a key
        for the same owner (its key is the one that `of` gives from now on), or the owner's keys were destroyed. Keys that did not lose
        are stored all the same; the losers are forgotten here. On KeyMoved the caller rolls the log's transaction back, prepares each
        submission that holds an event under one of `lost` anew (all of them, when it does not know which) and tries again. A submission
        that another thread sealed under a lost key and queues later is found by its `used`. Any other fault: the fresh keys stay fresh,
        and the same group may be tried again.
        """
        with self._lock:
            waiting = list(self._fresh.values())
            lost = self._insert(waiting) if waiting else set()
            for key in waiting:
                self._fresh.pop((key.owner, key.compartment), None)
                self._let_go(key if key.key_id in lost else None)
            lost |= self._absent(frozenset(used) - {b""} - lost)
        if lost:
            raise KeyMoved(frozenset(lost))

    def destroy(self, owners: Iterable[bytes], compartments: Iterable[str] | None = None, *, at: datetime | None = None) -> Receipt:
        """Destroy all keys of these owners in these compartments (None = in all, also in those that never had one), for ever.

        First the ledger has them, durably; then the rows go, overwritten, and no byte of them is left in the store's files. Done twice it
        is done once: the receipt names all their keys that are no more. Broken off by a fault it may be asked again, and is finished at
        the next opening of the store at the latest. Other processes use keys that they opened before for less than a minute more.
        """
        moment = int((at or datetime.now(UTC)).timestamp())
        whose, where = sorted(set(owners)), frozenset(compartments) if compartments is not None else None
        marks = [mark(one, c) for one in whose for c in sorted(where if where is not None else {EVERY})]
        with self._lock:
            with self._store.write() as tx:
                self._assert_same(tx)
                going = [key for one in whose for key in key_rows.keys_of(tx, one, where)]
                told = key_rows.among(tx, "erased", "id", marks)
                self._ledger.append(dict.fromkeys([*(m for m in marks if m not in told), *going], moment))
                for one in marks:
                    key_rows.note(tx, one, b"", "", moment)
                for one in going:
                    key_rows.bury(tx, one, moment)
            self._drop(lambda k: k.owner in whose and (where is None or k.compartment in where))
            self._store.purge()
            gone = {key: when for one in whose for key, when in key_rows.erased_of(self._store, one, where).items()}
        return Receipt(tuple(sorted(gone)), datetime.fromtimestamp(max(gone.values(), default=moment), UTC))

    def forget(self, owner: bytes) -> None:
        """Drop an owner's opened keys from memory; those not yet stored stay."""
        with self._lock:
            waiting = {k.key_id for k in self._fresh.values()}
            self._drop(lambda k: k.owner == owner and k.key_id not in waiting)

    def copy_to(self, path: Path) -> None:
        """Copy the store as it stands into a new file (for replay beside, and backup)."""
        with self._lock:
            self._store.copy_to(path)

    def close(self) -> None:
        """Close the store."""
        self._closing.set()
        with self._lock:
            self._drop(lambda _: True)
            self._store.close()

    # ── inside, under the lock ───────────────────────────────────────────────────────────────────────────────────────

    def _insert(self, keys: list[DataKey]) -> set[bytes]:
        """Write keys; give the ids of those that another one stands before, or whose owner gets none any more."""
        with self._store.write() as tx:
            self._assert_same(tx)
            rows = [
                KeyRow(k.key_id, k.owner, k.compartment, k.generation, self._wrapping.wrap(k.key_id, k.owner, k.compartment, k.secret))
                for k in keys
            ]
            return key_rows.insert(tx, rows)

    def _assert_same(self, tx: KeyTx) -> None:
        """Raise Broken (HUB-5003) when the master key was changed since this store was opened: nothing is wrapped by the old one."""
        if self._roots and key_rows.roots(tx) != self._roots:
            raise Broken("HUB-5003")

    def _absent(self, key_ids: frozenset[bytes]) -> set[bytes]:
        """Give those ids that are neither opened here nor in the store."""
        unknown = sorted(k for k in key_ids if k not in self._by_id)
        return set(unknown) - key_rows.among(self._store, "data_keys", "key_id", unknown) if unknown else set()

    def _remember(self, key: DataKey) -> DataKey:
        if len(self._by_id) >= self._keep:
            oldest = set(list(self._by_id)[: self._keep // 10 + 1])
            self._drop(lambda k: k.key_id in oldest, fresh=False)
        self._by_id.pop(key.key_id, None)  # to the end: the oldest go first
        self._by_id[key.key_id] = key
        newest = self._newest.get((key.owner, key.compartment))
        if newest is None or newest.generation <= key.generation:
            self._newest[key.owner, key.compartment] = key
        return key

    def _let_go(self, key: DataKey | None) -> None:
        if key is not None:
            self._by_id.pop(key.key_id, None)
            self._newest.pop((key.owner, key.compartment), None)

    def _drop(self, which: Callable[[DataKey], bool], *, fresh: bool = True) -> None:
        """Forget keys; looks at all of them."""
        for key in [k for k in self._by_id.values() if which(k)]:
            del self._by_id[key.key_id]
        for held in (self._newest, self._fresh) if fresh else (self._newest,):
            for name in [name for name, key in held.items() if which(key)]:
                del held[name]

    def _sweep(self) -> None:
        """Let go of opened keys whose time is over; those not yet stored are held apart."""
        with self._lock:
            now = self._clock()
            self._drop(lambda k: k.until <= now, fresh=False)

    def _opened(self, row: KeyRow) -> DataKey:
        secret = self._wrapping.unwrap(row.key_id, row.owner, row.compartment, row.wrapped)
        return self._key(row.key_id, row.owner, row.compartment, row.generation, secret)

    def _key(self, key_id: bytes, owner: bytes, compartment: str, generation: int, secret: bytes) -> DataKey:
        return DataKey(key_id, owner, compartment, generation, secret, AESGCM(secret), AESGCMSIV(secret), self._clock() + KEPT)


def _made(place: Path | str) -> KeyStore:
    store = key_store(place)
    if not {"data_keys", "erased"} <= store.tables():
        with store.write() as tx:
            store.make(tx, (DATA_KEYS, ERASED))
    return store


def _sweeping(ring: weakref.ref[Keyring], closing: threading.Event) -> None:
    while not closing.wait(SWEEP):
        held = ring()
        if held is None:
            return
        held._sweep()  # noqa: SLF001  its own thread
        del held
