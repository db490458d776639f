"""Consents in force by Patient, with the positions between which each version held, and the epoch that every change of them moves on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from hub.tables.identities import Groups
from schemas.events import PERSON_LINKED, PERSON_UNLINKED, RESOURCE_RECORDED, RESOURCE_WITHDRAWN, Link

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS directives (
  consent BLOB NOT NULL, version INTEGER NOT NULL, patient BLOB NOT NULL, since INTEGER NOT NULL, until INTEGER, event BLOB NOT NULL,
  key BLOB NOT NULL, directive BLOB NOT NULL, PRIMARY KEY (consent, version)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS directives_patient ON directives (patient)",
    "CREATE TABLE IF NOT EXISTS epochs (patient BLOB PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID",
)
VERSION = 1
TABLES = ("directives", "epochs")


class DirectiveRow(NamedTuple):
    """One version of a consent in its sealed canonical form."""

    consent: bytes
    version: int
    patient: bytes
    event: bytes
    key: bytes
    directive: bytes


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Follow Consents; links move the epoch of both Patients."""
    for r in recorded:
        if r.header.kind == "Consent" and r.topic in {RESOURCE_RECORDED, RESOURCE_WITHDRAWN}:
            tx.run("UPDATE directives SET until=? WHERE consent=? AND until IS NULL", (r.position, r.stream))
            if r.topic == RESOURCE_RECORDED and r.rows is not None and r.rows.directive is not None:
                tx.run(
                    "INSERT INTO directives VALUES (?,?,?,?,NULL,?,?,?)",
                    (r.stream, r.version, r.header.patient, r.position, r.header.event, r.header.key, r.rows.directive),
                )
            _moved(tx, r.header.patient, r.position)
        elif r.topic in {PERSON_LINKED, PERSON_UNLINKED} and isinstance(r.rows, Link):
            for patient in (r.rows.first, r.rows.second):
                _moved(tx, bytes.fromhex(patient), r.position)


def _moved(tx: Tx, patient: bytes, position: int) -> None:
    tx.run("INSERT INTO epochs VALUES (?,?) ON CONFLICT (patient) DO UPDATE SET position=excluded.position", (patient, position))


def in_force(tx: Tx, patients: Iterable[bytes], at: int | None = None) -> list[DirectiveRow]:
    """Give the newest version of each consent of these Patients, now or as of a position."""
    held = " AND until IS NULL" if at is None else " AND since<=? AND (until IS NULL OR until>?)"
    more = () if at is None else (at, at)
    rows = tx.each("SELECT consent, version, patient, event, key, directive FROM directives WHERE patient IN", patients, more, held)
    return [DirectiveRow(*r) for r in sorted(rows)]


class Held(NamedTuple):
    """One version of a consent, with the positions between which it was in force."""

    row: DirectiveRow
    since: int
    until: int | None


def history(tx: Tx, patients: Iterable[bytes]) -> list[Held]:
    """Give all versions of the consents of these Patients."""
    rows = tx.each("SELECT consent, version, patient, event, key, directive, since, until FROM directives WHERE patient IN", patients)
    return [Held(DirectiveRow(*r[:6]), r[6], r[7]) for r in sorted(rows)]


def as_of(held: Iterable[Held], at: int) -> list[DirectiveRow]:
    """Give what was in force as of a position: `in_force` from a history."""
    return [one.row for one in held if one.since <= at and (one.until is None or one.until > at)]


def epochs(tx: Tx, patients: Iterable[bytes]) -> dict[bytes, int]:
    """Give the positions at which the consents of these Patients last changed; a Patient whose consents never did is not in it."""
    return dict(tx.each("SELECT patient, position FROM epochs WHERE patient IN", patients))


def epochs_of(tx: Tx, people: Groups) -> dict[bytes, int]:
    """Give for each person the position at which any of its Patients' consents last changed; 0 = never."""
    moved = epochs(tx, (patient for patients in people.patients.values() for patient in patients))
    return {person: max((moved.get(p, 0) for p in patients), default=0) for person, patients in people.patients.items()}


def expiring(tx: Tx) -> list[DirectiveRow]:
    """Give all consents in force (for the officer's count of those that end soon)."""
    return [DirectiveRow(*r) for r in tx.all("SELECT consent, version, patient, event, key, directive FROM directives WHERE until IS NULL")]
