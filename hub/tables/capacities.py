"""Findings of whether a person can decide alone, each sealed as it stands in the log; what they say is opened by the gate alone.

Nothing is taken back: a later finding stands beside an earlier one. They go when the person's key does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from consent.capacity import Capacity
from hub.clock import moment
from hub.log.event import Recorded
from hub.log.keys import Keyring
from hub.log.seal import open_body
from hub.log.store import Tx
from schemas.capacity_events import CAPACITY_STATED, CapacityStated
from schemas.events import KEY_ERASED, Erased

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS capacities (
  position INTEGER PRIMARY KEY, patient BLOB NOT NULL, stream BLOB NOT NULL, event BLOB NOT NULL, key BLOB NOT NULL, body BLOB NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS capacities_patient ON capacities (patient)",
)
VERSION = 1
TABLES = ("capacities",)
_decode = msgspec.json.Decoder(CapacityStated).decode


class CapacityRow(NamedTuple):
    """One finding about a Patient: `body` is sealed under `key`."""

    position: int
    patient: bytes
    stream: bytes
    event: bytes
    key: bytes
    body: bytes


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Follow findings by their headers; forget those of who is erased."""
    for r in recorded:
        if r.topic == CAPACITY_STATED:
            row = (r.position, r.header.patient, r.stream, r.header.event, r.header.key, r.body)
            tx.run("INSERT INTO capacities VALUES (?,?,?,?,?,?)", row)
        elif r.topic == KEY_ERASED and isinstance(r.rows, Erased):
            tx.many("DELETE FROM capacities WHERE patient=?", [(owner,) for owner in sorted({bytes.fromhex(k.owner) for k in r.rows.keys})])


def of(tx: Tx, patients: Iterable[bytes], at: int | None = None) -> list[CapacityRow]:
    """Give the findings about these Patients in the order of the log, all or up to a position."""
    rows = tx.each("SELECT position, patient, stream, event, key, body FROM capacities WHERE patient IN", patients)
    return sorted(CapacityRow(*r) for r in rows if at is None or r[0] <= at)


def opened(keys: Keyring, row: CapacityRow) -> CapacityStated | None:
    """Open one finding; None when its key was erased."""
    key = keys.held(row.key)
    return _decode(open_body(key, row.body, stream=row.stream, event=row.event)) if key is not None else None


def finding(stated: CapacityStated) -> Capacity:
    """Give a finding as a decision sees it."""
    review = date.fromisoformat(stated.review) if stated.review else None
    return Capacity(stated.state, stated.by, moment(stated.at), review)
