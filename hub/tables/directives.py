"""Consents in force by Patient, with the positions between which each version held, and the epoch that every change of them moves on.

Restrictions and erasures move epochs as well: what was decided before holds no longer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from hub.tables.identities import Groups
from schemas.capacity_events import CAPACITY_STATED
from schemas.events import (
    KEY_ERASED,
    PERSON_LINKED,
    PERSON_UNLINKED,
    PROVISION_RESTORED,
    PROVISION_RESTRICTED,
    RESOURCE_RECORDED,
    RESOURCE_WITHDRAWN,
    Erased,
    Link,
    Restored,
    Restricted,
)

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS directives (
  consent BLOB NOT NULL, version INTEGER NOT NULL, patient BLOB NOT NULL, since INTEGER NOT NULL, until INTEGER, event BLOB NOT NULL,
  key BLOB NOT NULL, directive BLOB NOT NULL, PRIMARY KEY (consent, version)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS directives_patient ON directives (patient)",
    "CREATE TABLE IF NOT EXISTS epochs (patient BLOB PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID",
)
VERSION = 2
TABLES = ("directives", "epochs")
RESTRICTED, ERASED = b"restricted", b"erased"
"""What stands in place of a consent, under no key, where a person is to be erased or is: a word of the network that stands above them."""
_ALL = b""
"""Stands for everybody: an erasure moves all epochs, since others may have been judged by what was known of the erased."""


class DirectiveRow(NamedTuple):
    """One version of a consent in its sealed canonical form; under no key: RESTRICTED or ERASED."""

    consent: bytes
    version: int
    patient: bytes
    event: bytes
    key: bytes
    directive: bytes
    gone: bool = False
    """It was the newest version when its consent was deleted."""


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Follow Consents; links move the epoch of both Patients, and a finding of capacity that of its own."""
    for r in recorded:
        if r.header.kind == "Consent" and r.topic in {RESOURCE_RECORDED, RESOURCE_WITHDRAWN}:
            tx.run("UPDATE directives SET until=? WHERE consent=? AND until IS NULL", (r.position, r.stream))
            if r.topic == RESOURCE_RECORDED and r.rows is not None and r.rows.directive is not None:
                tx.run(
                    "INSERT INTO directives VALUES (?,?,?,?,NULL,?,?,?)",
                    (r.stream, r.version, r.header.patient, r.position, r.header.event, r.header.key, r.rows.directive),
                )
            _moved(tx, r.header.patient, r.position)
        elif r.topic == CAPACITY_STATED:
            _moved(tx, r.header.patient, r.position)
        elif r.topic in {PERSON_LINKED, PERSON_UNLINKED} and isinstance(r.rows, Link):
            for patient in (r.rows.first, r.rows.second):
                _moved(tx, bytes.fromhex(patient), r.position)
        elif r.topic in {PROVISION_RESTRICTED, PROVISION_RESTORED} and isinstance(r.rows, Restricted | Restored):
            _restricted(tx, bytes.fromhex(r.rows.patient), r.position, anew=r.topic == PROVISION_RESTRICTED)
        elif r.topic == KEY_ERASED and isinstance(r.rows, Erased):
            _erase(tx, {bytes.fromhex(k.owner) for k in r.rows.keys}, r.position)


def _erase(tx: Tx, erased: set[bytes], position: int) -> None:
    """Drop the consents of who is erased. Of others that a human had linked to them, say by what is left when theirs last moved, as a replay does."""
    words = [row for end in ("first", "second") for row in tx.each(f"SELECT first, second FROM statements WHERE {end} IN", erased)]
    for patient in sorted(erased):
        tx.run("DELETE FROM directives WHERE patient=?", (patient,))
        tx.run("DELETE FROM epochs WHERE patient=?", (patient,))
        _bar(tx, patient, position, ERASED)
    for patient in sorted({p for row in words for p in row} - erased):
        last = _last(tx, patient, erased)
        tx.run("DELETE FROM epochs WHERE patient=?", (patient,))
        if last:
            _moved(tx, patient, last)
    _moved(tx, _ALL, position)


def _restricted(tx: Tx, patient: bytes, position: int, *, anew: bool) -> None:
    tx.run("UPDATE directives SET until=? WHERE patient=? AND directive=? AND until IS NULL", (position, patient, RESTRICTED))
    if anew:
        _bar(tx, patient, position, RESTRICTED)
    _moved(tx, patient, position)


def _bar(tx: Tx, patient: bytes, position: int, word: bytes) -> None:
    tx.run("INSERT INTO directives VALUES (?,?,?,?,NULL,?,?,?)", (patient, position, patient, position, b"", b"", word))


def _last(tx: Tx, patient: bytes, erased: set[bytes]) -> int:
    """Give the position of the last thing that moved a Patient's epoch and does not name an erased one; 0 = nothing did."""
    consents = tx.one("SELECT coalesce(max(position), 0) FROM resources WHERE patient=? AND type=?", (patient, "Consent"))[0]
    found = tx.one("SELECT coalesce(max(position), 0) FROM capacities WHERE patient=?", (patient,))[0]
    asked = tx.all("SELECT since, until FROM directives WHERE patient=? AND key=?", (patient, b""))
    words = tx.all("SELECT position, first, second FROM statements WHERE first=? OR second=?", (patient, patient))
    said = [position for position, first, second in words if first not in erased and second not in erased]
    return int(max(consents, found, *(n or 0 for row in asked for n in row), *said, 0))


def _moved(tx: Tx, patient: bytes, position: int) -> None:
    tx.run("INSERT INTO epochs VALUES (?,?) ON CONFLICT (patient) DO UPDATE SET position=excluded.position", (patient, position))


def in_force(tx: Tx, patients: Iterable[bytes], at: int | None = None) -> list[DirectiveRow]:
    """Give the newest version of each consent of these Patients, now or as of a position."""
    held = " AND until IS NULL" if at is None else " AND since<=? AND (until IS NULL OR until>?)"
    more = () if at is None else (at, at)
    rows = tx.each("SELECT consent, version, patient, event, key, directive FROM directives WHERE patient IN", patients, more, held)
    return [DirectiveRow(*r) for r in sorted(rows)]


def counting(tx: Tx, patients: Iterable[bytes], at: int | None = None) -> list[DirectiveRow]:
    """Give what is in force and, as `gone`, the newest version of what was deleted: a withdrawal stays one when its record goes."""
    held = list(patients)
    then, params = ("", ()) if at is None else (" AND {}<=?", (at,))
    later = f"SELECT 1 FROM directives later WHERE later.consent=d.consent AND later.since>=d.until{then.format('later.since')}"
    gone = tx.each(
        "SELECT consent, version, patient, event, key, directive FROM directives d WHERE patient IN", held, (b"", *params, *params),
        f" AND key<>? AND until IS NOT NULL{then.format('until')} AND NOT EXISTS ({later})",
    )  # fmt: skip
    return in_force(tx, held, at) + [DirectiveRow(*row)._replace(gone=True) for row in sorted(gone)]


def version(tx: Tx, consent: bytes, number: int) -> DirectiveRow | None:
    """Give one version of a consent, in force or not."""
    sql = "SELECT consent, version, patient, event, key, directive FROM directives WHERE consent=? AND version=?"
    found = tx.one(sql, (consent, number))
    return DirectiveRow(*found) if found else None


def earlier(tx: Tx, row: DirectiveRow) -> Iterator[DirectiveRow]:
    """Give the versions of a consent before this one, newest first, read one by one as they are asked for."""
    for number in range(row.version - 1, 0, -1):
        if (found := version(tx, row.consent, number)) is not None:
            yield found


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


def counting_as_of(held: Sequence[Held], at: int) -> list[DirectiveRow]:
    """Give what counted as of a position: `counting` from a history."""
    newest: dict[bytes, Held] = {}
    for one in held:
        if one.since <= at and (one.row.consent not in newest or one.since > newest[one.row.consent].since):
            newest[one.row.consent] = one
    gone = [one.row._replace(gone=True) for one in newest.values() if one.until is not None and one.until <= at and one.row.key]
    return as_of(held, at) + gone


def overtaken(tx: Tx, patients: Iterable[bytes], since: int) -> dict[bytes, tuple[bytes, DirectiveRow | None]]:
    """Give the consents of these Patients of which a version ended after a position: consent → (Patient, what holds of it now, if anything)."""
    ended = tx.each("SELECT consent, patient FROM directives WHERE patient IN", patients, (since, b""), " AND until>? AND key<>?")
    now = {row.consent: row for row in in_force(tx, {patient for _, patient in ended})}
    return {consent: (patient, now.get(consent)) for consent, patient in ended}


def epochs(tx: Tx, patients: Iterable[bytes]) -> dict[bytes, int]:
    """Give the positions at which the consents of these Patients last changed, for each of them; 0 = never."""
    wanted = list(patients)
    found = dict(tx.each("SELECT patient, position FROM epochs WHERE patient IN", [*wanted, _ALL]))
    least = found.get(_ALL, 0)
    return {patient: max(found.get(patient, 0), least) for patient in wanted}


def epochs_of(tx: Tx, people: Groups) -> dict[bytes, int]:
    """Give for each person the position at which any of its Patients' consents last changed; 0 = never."""
    moved = epochs(tx, (patient for patients in people.patients.values() for patient in patients))
    return {person: max((moved.get(p, 0) for p in patients), default=0) for person, patients in people.patients.items()}


def barred(tx: Tx, streams: Iterable[bytes], at: int | None = None) -> dict[bytes, bytes]:
    """Give those of these streams that are RESTRICTED or ERASED, and which, now or as of a position."""
    return {row.patient: row.directive for row in in_force(tx, streams, at) if not row.key}


def expiring(tx: Tx) -> list[DirectiveRow]:
    """Give all consents in force in the main compartment (for the officer's count of those that end soon)."""
    sql = "SELECT consent, version, patient, event, key, directive FROM directives WHERE until IS NULL AND key<>?"
    apart = "SELECT position FROM apart"
    return [DirectiveRow(*r) for r in tx.all(f"{sql} AND since NOT IN ({apart})", (b"",))]
