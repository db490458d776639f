"""Messages that came: which were taken (so that a repeat is silent), and which were not (so that they can be sent again, until their end date)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from hub.names import MAIN, lies_in
from schemas.events import KEY_ERASED, MESSAGE_RECEIVED, MESSAGE_REFUSED, MESSAGE_SETTLED, Erased

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS messages (control BLOB PRIMARY KEY, digest BLOB NOT NULL, position INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS refusals (
  position INTEGER PRIMARY KEY, reference BLOB NOT NULL UNIQUE, custodian TEXT NOT NULL, at INTEGER NOT NULL, settled INTEGER,
  erased INTEGER, compartment TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS refusals_kept ON refusals (at) WHERE erased IS NULL",
)
VERSION = 3
TABLES = ("messages", "refusals")


class RefusalRow(NamedTuple):
    """One message that was not taken. `settled` = position at which it was taken after all, `erased` = at which its content was given up."""

    position: int
    reference: bytes
    custodian: str
    at: int
    settled: int | None
    erased: int | None
    compartment: str


_COLUMNS = "position, reference, custodian, at, settled, erased, compartment"


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Take messages in. The stream of a received message is the keyed hash of its sender and control number."""
    for r in recorded:
        if r.topic == MESSAGE_RECEIVED:
            tx.run(
                "INSERT INTO messages VALUES (?,?,?) ON CONFLICT (control) DO UPDATE SET digest=excluded.digest, position=excluded.position",
                (r.stream, r.header.digest, r.position),
            )
        elif r.topic == MESSAGE_REFUSED:
            row = r.position, r.stream, r.header.custodian, r.header.recorded, lies_in(r.header.compartment)
            tx.run("INSERT INTO refusals VALUES (?,?,?,?,NULL,NULL,?)", row)
        elif r.topic == MESSAGE_SETTLED:
            tx.run("UPDATE refusals SET settled=? WHERE reference=?", (r.position, r.stream))
        elif r.topic == KEY_ERASED and isinstance(r.rows, Erased):
            tx.many("UPDATE refusals SET erased=? WHERE reference=?", [(r.position, bytes.fromhex(k.owner)) for k in r.rows.keys])


def digest_of(tx: Tx, control: bytes) -> bytes | None:
    """Give the digest under which a control number was taken; None when it is new."""
    found = tx.one("SELECT digest FROM messages WHERE control=?", (control,))
    return bytes(found[0]) if found else None


def refused(tx: Tx, custodian: str, *, limit: int = 200, compartment: str = MAIN) -> list[RefusalRow]:
    """Give an organization's messages that were not taken, newest first."""
    sql = f"SELECT {_COLUMNS} FROM refusals WHERE custodian=? AND compartment=? ORDER BY position DESC LIMIT ?"
    rows = tx.all(sql, (custodian, compartment, limit))
    return [RefusalRow(*r) for r in rows]


def refusal(tx: Tx, custodian: str, reference: bytes, compartment: str = MAIN) -> RefusalRow | None:
    """Give one of an organization's own refused messages."""
    sql = f"SELECT {_COLUMNS} FROM refusals WHERE custodian=? AND reference=? AND compartment=?"
    found = tx.one(sql, (custodian, reference, compartment))
    return RefusalRow(*found) if found else None


def ended(tx: Tx, before: int, limit: int) -> list[RefusalRow]:
    """Give refused messages whose content is kept no longer: taken after all, or older than a moment (milliseconds)."""
    sql = f"SELECT {_COLUMNS} FROM refusals WHERE erased IS NULL AND (settled IS NOT NULL OR at<?) ORDER BY position LIMIT ?"
    return [RefusalRow(*r) for r in tx.all(sql, (before, limit))]


def of(tx: Tx, references: Iterable[bytes]) -> list[RefusalRow]:
    """Give these refused messages, whoever sent them."""
    return [RefusalRow(*r) for r in sorted(tx.each(f"SELECT {_COLUMNS} FROM refusals WHERE reference IN", references))]


def kept(tx: Tx) -> list[RefusalRow]:
    """Give all refused messages whose content is still kept."""
    return [RefusalRow(*r) for r in tx.all(f"SELECT {_COLUMNS} FROM refusals WHERE erased IS NULL ORDER BY position")]
