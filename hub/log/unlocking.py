"""Opens the key store that belongs to a log, and changes the master key.

    no store, no events yet       the root and, where there is none, the master key are made
    no store, but events          HUB-5070 (also: a database that holds other things)
    store, but no master key      HUB-5002
    store of another master key   HUB-5003
    damaged store or row          HUB-5071
    store without a root (0.1.0)  the master key's own bytes are the root from now on: every name stays

Beside a log or a key store that is there nothing is made anew.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from hub.log import key_rows
from hub.log.erased import Ledger
from hub.log.key_store import DATA_KEYS, ERASED, ROOTS, KeyStore, KeyTx, key_store
from hub.log.keys import KEEP, Keyring
from hub.log.master import MASTER_FILE, FileMaster, Kek, Master
from hub.log.secrets import ROOT_BYTES, Secrets
from hub.log.store import Store
from hub.log.wrapping import Wrapping, check_ciphers
from schemas.errors import Broken

KEYS, LEDGER = "keys.db", "erased.txt"
"""Names in the folder of data."""
ROOT, KEK = "root", "kek"
_SAMPLE = 20
"""Rows of a store of 0.1.0 that are tried: one that opens says that the master key is the right one, though another be damaged."""
NEWEST = 1_000
"""Events whose keys are looked up at the start."""
_BATCH = 500


@dataclass(frozen=True, slots=True, repr=False)
class _Known:
    """What an opened store is opened with."""

    master: bytes
    root: bytes


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where a hub's keys lie: the store (a file, or `postgresql://…`), the master key, the ledger of what was erased (None: a copy's)."""

    store: Path | str = field(repr=False)
    master: Master = field(repr=False)
    ledger: Path | None

    @classmethod
    def under(cls, data: Path, *, store: str = "", master: Master | None = None) -> KeyPlace:
        """Give the places in a folder of data, but for those that are elsewhere."""
        return cls(store or data / KEYS, master or FileMaster(data / MASTER_FILE), data / LEDGER)


def open_keys(place: KeyPlace, *, begun: bool, keep: int = KEEP) -> tuple[Secrets, Keyring]:
    """Open a hub's key store, and hold it until it is closed; give the secrets and the keys, of which `keep` at most stay opened.

    `begun` = the log holds events: then nothing is made. Raises Broken as above, and HUB-5074 (cipher missing), HUB-5075 (the master key is
    being changed), HUB-5078 (no answer), HUB-5079 (ledger damaged).
    """
    check_ciphers()
    store = key_store(place.store)
    try:
        _assert_there(store, begun=begun)
        store.hold(alone=False)
        known = _known(store, place.master, begun=begun)
        told = Ledger(place.ledger)
        _unite(store, told)
        return Secrets.of(known.root), Keyring(store, Wrapping.of(known.master), ledger=told, keep=keep)
    except BaseException:
        store.close()
        raise


def assert_belongs(keys: Keyring, log: Store) -> None:
    """Raise Broken (HUB-5073) when a key of the newest events is neither here nor erased: the store is older than the log, or another's.

    Older events are not looked at here: `tsunagu replay` opens them all, and so does whoever reads them.
    """
    with log.read() as tx:
        used = {e.header.key for e in log.events(tx, max(log.head(tx) - NEWEST, 0), NEWEST)}
    if keys.missing(used):
        raise Broken("HUB-5073")


def rotate(place: KeyPlace, following: Master) -> int:
    """Change the master key: wrap the root and all data keys anew in one transaction; give the number of data keys. No event changes.

    For a stopped hub (HUB-5075 otherwise). Broken off at any moment it has happened or not: the store opens with the key that is found by
    `following`, or still by the place's own. A damaged row (HUB-5071, its key id named) stops it before anything is changed.
    """
    store = key_store(place.store)
    try:
        _assert_there(store, begun=True)
        store.hold(alone=True)
        known = _known(store, place.master, begun=True)
        _unite(store, Ledger(place.ledger))
        kek = following.following(known.master)
        with store.write() as tx:
            count = _rewrap(tx, Wrapping.of(known.master), Wrapping.of(kek.key))
            _root(tx, known.root, kek)
        store.purge()
        following.settle(kek.key)
    finally:
        store.close()
    return count


def _assert_there(store: KeyStore, *, begun: bool) -> None:
    if begun and not store.tables():
        raise Broken("HUB-5070")


def _rewrap(tx: KeyTx, old: Wrapping, new: Wrapping) -> int:
    count, last = 0, b""
    while rows := key_rows.after(tx, last, _BATCH):
        for row in rows:
            try:
                secret = old.unwrap(row.key_id, row.owner, row.compartment, row.wrapped)
            except Broken as fault:
                raise Broken("HUB-5071", where=row.key_id.hex()) from fault
            key_rows.replace(tx, row.key_id, new.wrap(row.key_id, row.owner, row.compartment, secret))
        count, last = count + len(rows), rows[-1].key_id
    return count


def _known(store: KeyStore, master: Master, *, begun: bool) -> _Known:
    """Find the master key and the root, or make them where there is nothing yet."""
    tables = store.tables()
    if "data_keys" in tables and "roots" not in tables:
        return _adopted(store, master, begun=begun)
    if "data_keys" not in tables:
        if tables or begun:
            raise Broken("HUB-5070")
        kek = master.first()
        made = _Known(kek.key, os.urandom(ROOT_BYTES))
        if _establish(store, made.root, kek):
            return made
    return _recognized(store, master)


def _recognized(store: KeyStore, master: Master) -> _Known:
    """Open the root with the master key."""
    held = key_rows.roots(store)
    if ROOT not in held or "erased" not in store.tables():
        raise Broken("HUB-5071", where=ROOT)
    candidates = master.candidates(held.get(KEK))
    for key in candidates:
        root = Wrapping.of(key).unwrap_root(held[ROOT])
        if root is not None:
            master.settle(key)
            return _Known(key, root)
    if any(_opens(store, key) for key in candidates):
        raise Broken("HUB-5071", where=ROOT)  # the right master key: it is the row of the root that is damaged
    raise Broken("HUB-5003")


def _adopted(store: KeyStore, master: Master, *, begun: bool) -> _Known:
    """Take over a store of 0.1.0: its names were drawn from the master key itself, so that is the root."""
    some = key_rows.after(store, b"", 1)
    if begun and not some:
        raise Broken("HUB-5073")
    candidates = master.candidates(None)
    key = next((k for k in candidates if _opens(store, k)), None if some else candidates[0])
    if key is None:
        raise Broken("HUB-5003")
    master.settle(key)
    return _Known(key, key) if _establish(store, key, Kek(key)) else _recognized(store, master)


def _opens(store: KeyStore, key: bytes) -> bool:
    """Say whether one of the first rows opens with a master key."""
    wrapping = Wrapping.of(key)
    for row in key_rows.after(store, b"", _SAMPLE):
        try:
            wrapping.unwrap(row.key_id, row.owner, row.compartment, row.wrapped)
        except Broken:
            continue
        return True
    return False


def _establish(store: KeyStore, root: bytes, kek: Kek) -> bool:
    """Make the tables and write the root, in one transaction; False when another process was first."""
    with store.write() as tx:
        store.make(tx, (DATA_KEYS, ERASED, ROOTS))
        if ROOT in key_rows.roots(tx):
            return False
        _root(tx, root, kek)
        return True


def _root(tx: KeyTx, root: bytes, kek: Kek) -> None:
    key_rows.set_roots(tx, ((ROOT, Wrapping.of(kek.key).wrap_root(root)), (KEK, kek.held)))


def _unite(store: KeyStore, ledger: Ledger) -> None:
    """Let table and ledger both name all that was erased, and delete again what an older copy of the store brought back."""
    told, held = ledger.read(), key_rows.all_erased(store)
    back = key_rows.among(store, "data_keys", "key_id", sorted({*told, *held}))
    if back or told.keys() - held.keys():
        with store.write() as tx:
            for one in sorted({*told, *held} if back else told.keys() - held.keys()):
                key_rows.bury(tx, one, told.get(one, held.get(one, 0)))
        if back:
            store.purge()
    ledger.append({one: at for one, at in held.items() if one not in told})
