"""Messages that came: which were taken (so that a repeat is silent), and which were not (so that they can be sent again)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from schemas.events import MESSAGE_RECEIVED, MESSAGE_REFUSED, MESSAGE_SETTLED

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS messages (control BLOB PRIMARY KEY, digest BLOB NOT NULL, position INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS refusals (
  position INTEGER PRIMARY KEY, reference BLOB NOT NULL UNIQUE, custodian TEXT NOT NULL, at INTEGER NOT NULL, settled INTEGER)""",
)
VERSION = 1
TABLES = ("messages", "refusals")


class RefusalRow(NamedTuple):
    """One message that was not taken. `settled` = position at which it was taken after all."""

    position: int
    reference: bytes
    custodian: str
    at: int
    settled: int | None


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Take messages in. The stream of a received message is the keyed hash of its sender and control number."""
    for r in recorded:
        if r.topic == MESSAGE_RECEIVED:
            tx.run(
                "INSERT INTO messages VALUES (?,?,?) ON CONFLICT (control) DO UPDATE SET digest=excluded.digest, position=excluded.position",
                (r.stream, r.header.digest, r.position),
            )
        elif r.topic == MESSAGE_REFUSED:
            tx.run("INSERT INTO refusals VALUES (?,?,?,?,NULL)", (r.position, r.stream, r.header.custodian, r.header.recorded))
        elif r.topic == MESSAGE_SETTLED:
            tx.run("UPDATE refusals SET settled=? WHERE reference=?", (r.position, r.stream))


def digest_of(tx: Tx, control: bytes) -> bytes | None:
    """Give the digest under which a control number was taken; None when it is new."""
    found = tx.one("SELECT digest FROM messages WHERE control=?", (control,))
    return bytes(found[0]) if found else None


def refused(tx: Tx, custodian: str, *, limit: int = 200) -> list[RefusalRow]:
    """Give an organization's messages that were not taken, newest first."""
    return [RefusalRow(*r) for r in tx.all("SELECT * FROM refusals WHERE custodian=? ORDER BY position DESC LIMIT ?", (custodian, limit))]


def refusal(tx: Tx, custodian: str, reference: bytes) -> RefusalRow | None:
    """Give one of an organization's own refused messages."""
    found = tx.one("SELECT * FROM refusals WHERE custodian=? AND reference=?", (custodian, reference))
    return RefusalRow(*found) if found else None
