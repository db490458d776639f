"""The erasures that were asked for, and the keys that are no more. Nothing is taken out of these tables: that somebody was erased outlives them.

Whether somebody is restricted now, or was, stands among the consents (`hub.tables.directives`): it is judged with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hub.log.erased import mark
from hub.log.event import Recorded
from hub.log.store import Tx
from schemas.emergency_events import EMERGENCY_OPENED
from schemas.errors import Gone
from schemas.events import (
    DOMAIN_EVENT,
    KEY_DESTROYED,
    KEY_ERASED,
    PERSON_LINKED,
    PERSON_UNLINKED,
    PROVISION_RESTORED,
    PROVISION_RESTRICTED,
    RESOURCE_RECORDED,
    Destroyed,
    Erased,
    Restored,
    Restricted,
)

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS erasures (
  reference TEXT PRIMARY KEY, position INTEGER NOT NULL, patient BLOB NOT NULL, at INTEGER NOT NULL, basis TEXT NOT NULL, due TEXT NOT NULL,
  lifted INTEGER, erased INTEGER, erased_at INTEGER, keys INTEGER NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS erased_keys (
  key BLOB PRIMARY KEY, owner BLOB NOT NULL, compartment TEXT NOT NULL, position INTEGER NOT NULL, destroyed INTEGER) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS erased_keys_owner ON erased_keys (owner)",
    "CREATE INDEX IF NOT EXISTS erased_keys_position ON erased_keys (position)",
    "CREATE INDEX IF NOT EXISTS erased_keys_waiting ON erased_keys (position) WHERE destroyed IS NULL",
)
VERSION = 1
TABLES = ("erasures", "erased_keys")


class ErasureRow(NamedTuple):
    """One erasure that was asked for. `patient` = the stream that was named; `lifted`, `erased` = positions; times in milliseconds."""

    reference: str
    position: int
    patient: bytes
    at: int
    basis: str
    due: str
    lifted: int | None
    erased: int | None
    erased_at: int | None
    keys: int


class ErasedKey(NamedTuple):
    """One key that a tombstone names. `destroyed` = position of the receipt; None = it may still be in the store of keys."""

    key: bytes
    owner: bytes
    compartment: str
    position: int
    destroyed: int | None


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Follow restrictions, tombstones and receipts."""
    for r in recorded:
        if r.topic == PROVISION_RESTRICTED and isinstance(a := r.rows, Restricted):
            tx.run(
                "INSERT INTO erasures VALUES (?,?,?,?,?,?,NULL,NULL,NULL,0)",
                (a.reference, r.position, bytes.fromhex(a.patient), r.header.recorded, a.basis, a.due),
            )
        elif r.topic == PROVISION_RESTORED and isinstance(b := r.rows, Restored):
            tx.run("UPDATE erasures SET lifted=? WHERE reference=?", (r.position, b.reference))
        elif r.topic == KEY_ERASED and isinstance(e := r.rows, Erased):
            _erased(tx, r, e)
        elif r.topic == KEY_DESTROYED and isinstance(d := r.rows, Destroyed):
            tx.run("UPDATE erased_keys SET destroyed=? WHERE position=? AND destroyed IS NULL", (r.position, d.tombstone))


def _erased(tx: Tx, r: Recorded, told: Erased) -> None:
    tx.many(
        "INSERT INTO erased_keys VALUES (?,?,?,?,NULL) ON CONFLICT (key) DO UPDATE SET position=excluded.position, destroyed=NULL",
        [(bytes.fromhex(k.id), bytes.fromhex(k.owner), k.compartment, r.position) for k in told.keys],
    )
    if told.reference:
        tx.run(
            "UPDATE erasures SET erased=?, erased_at=?, keys=? WHERE reference=?",
            (r.position, r.header.recorded, len(told.keys), told.reference),
        )


_UNHELD = frozenset({PERSON_LINKED, PERSON_UNLINKED, EMERGENCY_OPENED, DOMAIN_EVENT})
"""Topics whose makers do not compare the epochs of the persons they are about."""


def guard(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Raise Gone (HUB-5112) where something was sealed under a key that a tombstone names: it was prepared before, and comes too late.

    What a submission says of persons is prepared anew when an epoch has moved (an erasure moves all), and needs no look here.
    """
    used = {r.header.key for r in recorded if r.topic in _UNHELD or (r.topic == RESOURCE_RECORDED and not r.header.patient)}
    if used and tx.each("SELECT key FROM erased_keys WHERE key IN", sorted(used)):
        raise Gone("HUB-5112")


_COLUMNS = "reference, position, patient, at, basis, due, lifted, erased, erased_at, keys"


def open_of(tx: Tx, patients: Iterable[bytes]) -> ErasureRow | None:
    """Give the erasure under way of one of these Patients."""
    rows = tx.each(f"SELECT {_COLUMNS} FROM erasures WHERE patient IN", patients, (), " AND lifted IS NULL AND erased IS NULL")
    return ErasureRow(*min(rows, key=lambda row: row[1])) if rows else None


def by_reference(tx: Tx, reference: str) -> ErasureRow | None:
    """Give one erasure."""
    row = tx.one(f"SELECT {_COLUMNS} FROM erasures WHERE reference=?", (reference,))
    return ErasureRow(*row) if row else None


def asked_for(tx: Tx) -> list[ErasureRow]:
    """Give all erasures that were asked for, newest first."""
    return [ErasureRow(*row) for row in tx.all(f"SELECT {_COLUMNS} FROM erasures ORDER BY position DESC")]


def waiting(tx: Tx, limit: int) -> list[ErasedKey]:
    """Give keys that a tombstone names and no receipt does."""
    sql = "SELECT key, owner, compartment, position, destroyed FROM erased_keys WHERE destroyed IS NULL ORDER BY position, key LIMIT ?"
    return [ErasedKey(*row) for row in tx.all(sql, (limit,))]


def keys_of(tx: Tx, tombstone: int) -> list[ErasedKey]:
    """Give the keys that one tombstone names."""
    sql = "SELECT key, owner, compartment, position, destroyed FROM erased_keys WHERE position=? ORDER BY key"
    return [ErasedKey(*row) for row in tx.all(sql, (tombstone,))]


def last(tx: Tx) -> int:
    """Give the position of the newest tombstone; 0 = none."""
    return int(tx.one("SELECT coalesce(max(position), 0) FROM erased_keys")[0])


def marks(tx: Tx) -> frozenset[bytes]:
    """Give all ids by which a ledger may know what tombstones name: of keys, and of owners."""
    rows = tx.all("SELECT key, owner, compartment FROM erased_keys")
    return frozenset(key for key, _, _ in rows) | {mark(owner, compartment) for _, owner, compartment in rows}
