"""Who belongs to what at each position of the log: versions of Groups, CareTeams, roles, people and offices, in sealed cells.

What lies in another compartment says nothing of whom a consent means here. They move inside the append, so that a change of membership acts on the next decision; a decision under way is compared with `moved`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from hub.names import MAIN
from hub.tables.belonging import KINDS
from schemas.events import KEY_ERASED, RESOURCE_RECORDED, RESOURCE_WITHDRAWN, Erased

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS actors (
  since INTEGER PRIMARY KEY, stream BLOB NOT NULL, until INTEGER, event BLOB NOT NULL, type TEXT NOT NULL, custodian TEXT NOT NULL,
  compartment TEXT NOT NULL, patient BLOB NOT NULL, key BLOB NOT NULL, cell BLOB NOT NULL, office BLOB NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS actors_stream ON actors (stream)",
    "CREATE INDEX IF NOT EXISTS actors_office ON actors (office) WHERE until IS NULL",
)
VERSION = 1
TABLES = ("actors",)
_COLUMNS = ("since", "stream", "event", "type", "custodian", "compartment", "patient", "key", "cell", "office")
_SELECT = "SELECT since, stream, event, type, custodian, patient, key, cell FROM actors WHERE"


class ActorRow(NamedTuple):
    """One version. `cell` (`hub.tables.belonging`) empty = taken back, or nobody can open it any more."""

    since: int
    stream: bytes
    event: bytes
    type: str
    custodian: str
    patient: bytes
    key: bytes
    cell: bytes


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Follow the directory and the teams about persons; empty what is erased."""
    for r in recorded:
        if r.topic in {RESOURCE_RECORDED, RESOURCE_WITHDRAWN} and r.header.kind in KINDS:
            if r.version > 1:
                tx.run("UPDATE actors SET until=? WHERE stream=? AND until IS NULL", (r.position, r.stream))
            cell, office = (r.rows.actor or b"", r.rows.office) if r.rows is not None else (b"", b"")
            h = r.header
            row = (r.position, r.stream, h.event, h.kind, h.custodian, h.compartment, h.patient, h.key, cell, office)
            tx.insert("actors", _COLUMNS, [row])
        elif r.topic == KEY_ERASED and isinstance(r.rows, Erased):
            for owner in sorted({bytes.fromhex(k.owner) for k in r.rows.keys}):
                tx.run("UPDATE actors SET cell=?, office=? WHERE patient=? OR stream=?", (b"", b"", owner, owner))


def of(tx: Tx, streams: Iterable[bytes], at: int | None = None, compartment: str = MAIN) -> dict[bytes, ActorRow]:
    """Give the newest version of each of these streams that there is, now or as of a position."""
    held, times = _held(at)
    rows = tx.each(f"{_SELECT} stream IN", streams, (compartment, *times), f" AND compartment=?{held}")
    return {row[1]: ActorRow(*row) for row in rows}


def offices(tx: Tx, office: bytes, custodians: Iterable[str], at: int | None = None, compartment: str = MAIN) -> list[ActorRow]:
    """Give what these organizations say of an office (a keyed hash of its registered name), now or as of a position."""
    held, times = _held(at)
    then = f" AND office=? AND compartment=?{held}"
    return sorted(ActorRow(*row) for row in tx.each(f"{_SELECT} custodian IN", custodians, (office, compartment, *times), then))


def _held(at: int | None) -> tuple[str, tuple[int, ...]]:
    return (" AND until IS NULL", ()) if at is None else (" AND since<=? AND (until IS NULL OR until>?)", (at, at))


def moved(tx: Tx) -> int:
    """Give the position at which anything here last changed; 0 = never."""
    return int(tx.one("SELECT coalesce(max(since), 0) FROM actors")[0])
