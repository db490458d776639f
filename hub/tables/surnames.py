"""Which surnames a Patient bears, as keyed hashes of their own: whether a user bears the same one can be asked, without opening anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hub.log.event import Recorded
from hub.log.store import Tx
from schemas.events import KEY_ERASED, RESOURCE_RECORDED, RESOURCE_WITHDRAWN, Erased

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS surnames (patient BLOB NOT NULL, token BLOB NOT NULL, PRIMARY KEY (patient, token)) WITHOUT ROWID",
)  # fmt: skip
VERSION = 1
TABLES = ("surnames",)


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Follow Patients: the surnames of the newest version are kept."""
    for r in recorded:
        if r.topic == RESOURCE_RECORDED and r.header.kind == "Patient" and r.rows is not None:
            if r.version > 1:
                tx.run("DELETE FROM surnames WHERE patient=?", (r.stream,))
            tx.insert("surnames", ("patient", "token"), [(r.stream, token) for token in r.rows.surnames])
        elif r.topic == RESOURCE_WITHDRAWN and r.header.kind == "Patient":
            tx.run("DELETE FROM surnames WHERE patient=?", (r.stream,))
        elif r.topic == KEY_ERASED and isinstance(r.rows, Erased):
            tx.many("DELETE FROM surnames WHERE patient=?", [(bytes.fromhex(owner),) for owner in sorted({k.owner for k in r.rows.keys})])


def of(tx: Tx, patients: Iterable[bytes]) -> set[tuple[bytes, bytes]]:
    """Give the surnames of these Patients: (Patient, token)."""
    return {(bytes(patient), bytes(token)) for patient, token in tx.each("SELECT patient, token FROM surnames WHERE patient IN", patients)}
