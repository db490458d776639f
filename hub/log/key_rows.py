"""The statements on the key store's rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hub.log.erased import EVERY, mark, owner_hash
from hub.log.key_store import KeyTx

_AT_ONCE = 500
"""Parameters of one statement at most."""


class KeyRow(NamedTuple):
    """A data key as it lies there."""

    key_id: bytes
    owner: bytes
    compartment: str
    generation: int
    wrapped: bytes


_COLUMNS = "key_id, owner, compartment, generation, wrapped"


def newest(tx: KeyTx, owner: bytes, compartment: str) -> KeyRow | None:
    """Give an owner's newest key in a compartment."""
    sql = f"SELECT {_COLUMNS} FROM data_keys WHERE owner=? AND compartment=? ORDER BY generation DESC LIMIT 1"
    row = tx.one(sql, (owner, compartment))
    return KeyRow(*row) if row else None


def found(tx: KeyTx, key_id: bytes) -> KeyRow | None:
    """Give the key of an id."""
    row = tx.one(f"SELECT {_COLUMNS} FROM data_keys WHERE key_id=?", (key_id,))
    return KeyRow(*row) if row else None


def after(tx: KeyTx, key_id: bytes, limit: int) -> list[KeyRow]:
    """Give rows after an id, in the order of ids."""
    sql = f"SELECT {_COLUMNS} FROM data_keys WHERE key_id>? ORDER BY key_id LIMIT {limit:d}"
    return [KeyRow(*row) for row in tx.all(sql, (key_id,))]


def insert(tx: KeyTx, rows: Sequence[KeyRow]) -> set[bytes]:
    """Add keys; give the ids of those that are not there then: another is of this owner, or the owner gets none any more."""
    gone = among(tx, "erased", "id", sorted({mark(r.owner, c) for r in rows for c in (r.compartment, EVERY)}))
    wanted = [r for r in rows if not gone & {mark(r.owner, r.compartment), mark(r.owner, EVERY)}]
    for i in range(0, len(wanted), _AT_ONCE // 5):
        some = wanted[i : i + _AT_ONCE // 5]
        values = ",".join(["(?,?,?,?,?)"] * len(some))
        tx.run(f"INSERT INTO data_keys VALUES {values} ON CONFLICT DO NOTHING", [cell for row in some for cell in row])
    return {r.key_id for r in rows} - among(tx, "data_keys", "key_id", [r.key_id for r in wanted])


def replace(tx: KeyTx, key_id: bytes, wrapped: bytes) -> None:
    """Put another wrapping in the place of a key's."""
    tx.run("UPDATE data_keys SET wrapped=? WHERE key_id=?", (wrapped, key_id))


def among(tx: KeyTx, table: str, column: str, ids: Sequence[bytes]) -> set[bytes]:
    """Give those ids that a table has."""
    held: set[bytes] = set()
    for i in range(0, len(ids), _AT_ONCE):
        some = ids[i : i + _AT_ONCE]
        held.update(row[0] for row in tx.all(f"SELECT {column} FROM {table} WHERE {column} IN ({','.join('?' * len(some))})", some))
    return held


# ── erased ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_erased(tx: KeyTx, key_id: bytes) -> bool:
    """Say whether an id is in the table of what was erased."""
    return tx.one("SELECT 1 FROM erased WHERE id=?", (key_id,)) is not None


def is_gone(tx: KeyTx, owner: bytes, compartment: str) -> bool:
    """Say whether an owner gets no key any more in a compartment."""
    return tx.one("SELECT 1 FROM erased WHERE id IN (?,?)", (mark(owner, compartment), mark(owner, EVERY))) is not None


def keys_of(tx: KeyTx, owner: bytes, compartments: frozenset[str] | None) -> list[bytes]:
    """Give the ids of an owner's keys in some compartments, or in all (None)."""
    rows = tx.all("SELECT key_id, compartment FROM data_keys WHERE owner=? ORDER BY key_id", (owner,))
    return [row[0] for row in rows if compartments is None or row[1] in compartments]


def erased_of(tx: KeyTx, owner: bytes, compartments: frozenset[str] | None) -> dict[bytes, int]:
    """Give the ids of an owner's erased keys with their times."""
    rows = tx.all("SELECT id, at, compartment FROM erased WHERE owner=?", (owner_hash(owner),))
    return {row[0]: int(row[1]) for row in rows if compartments is None or row[2] in compartments}


def bury(tx: KeyTx, key_id: bytes, at: int) -> None:
    """Move a key from one table to the other; when it is not here, note the id alone."""
    row = tx.one("SELECT owner, compartment FROM data_keys WHERE key_id=?", (key_id,))
    owner, compartment = (owner_hash(row[0]), row[1]) if row else (b"", "")
    tx.run("DELETE FROM data_keys WHERE key_id=?", (key_id,))
    note(tx, key_id, owner, compartment, at)


def note(tx: KeyTx, one: bytes, owner: bytes, compartment: str, at: int) -> None:
    """Note an id as erased; the first time stays."""
    tx.run("INSERT INTO erased VALUES (?,?,?,?) ON CONFLICT (id) DO NOTHING", (one, owner, compartment, at))


def all_erased(tx: KeyTx) -> dict[bytes, int]:
    """Give all erased ids with their times."""
    return {row[0]: int(row[1]) for row in tx.all("SELECT id, at FROM erased")}


# ── roots ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def roots(tx: KeyTx) -> dict[str, bytes]:
    """Give the root secret and the master key as they lie there, wrapped."""
    return dict(tx.all("SELECT name, wrapped FROM roots"))


def set_roots(tx: KeyTx, wrapped: Iterable[tuple[str, bytes | None]]) -> None:
    """Write them; None = none."""
    for name, value in wrapped:
        tx.run("DELETE FROM roots WHERE name=?", (name,))
        if value is not None:
            tx.run("INSERT INTO roots VALUES (?,?)", (name, value))
