"""One person under many numbers: links made by rule (the same care-insurance number) or by a human, and unmade again.

Rows carry the positions between which they held, so that a late follower judges with what was known at an event's own position.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from schemas.events import PERSON_LINKED, PERSON_UNLINKED, RESOURCE_RECORDED, RESOURCE_WITHDRAWN, Link

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS persons (
  patient BLOB NOT NULL, since INTEGER NOT NULL, until INTEGER, person BLOB NOT NULL, how TEXT NOT NULL, PRIMARY KEY (patient, since)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS persons_person ON persons (person)",
    "CREATE TABLE IF NOT EXISTS person_tokens (token BLOB NOT NULL, patient BLOB NOT NULL, kind TEXT NOT NULL, PRIMARY KEY (token, patient)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS person_tokens_patient ON person_tokens (patient)",
    "CREATE TABLE IF NOT EXISTS apart (first BLOB NOT NULL, second BLOB NOT NULL, PRIMARY KEY (first, second)) WITHOUT ROWID",
)
VERSION = 1
TABLES = ("persons", "person_tokens", "apart")


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Follow Patients and the clerk's links."""
    for r in recorded:
        if r.topic == RESOURCE_RECORDED and r.header.kind == "Patient" and r.rows is not None:
            _patient(tx, r)
        elif r.topic == RESOURCE_WITHDRAWN and r.header.kind == "Patient":
            tx.run("DELETE FROM person_tokens WHERE patient=?", (r.stream,))
        elif r.topic == PERSON_LINKED and isinstance(r.rows, Link):
            _linked(tx, bytes.fromhex(r.rows.first), bytes.fromhex(r.rows.second), r.position)
        elif r.topic == PERSON_UNLINKED and isinstance(r.rows, Link):
            _unlinked(tx, bytes.fromhex(r.rows.first), bytes.fromhex(r.rows.second), r.position)


def _patient(tx: Tx, r: Recorded) -> None:
    if r.version > 1:
        tx.run("DELETE FROM person_tokens WHERE patient=?", (r.stream,))
    rows = [(t, r.stream, "insured") for t in r.rows.insured] + [(t, r.stream, "name") for t in r.rows.names]
    tx.insert("person_tokens", ("token", "patient", "kind"), rows)
    current = _current(tx, r.stream)
    if current is not None and current[1] == "human":
        return
    other = _same_number(tx, r.stream, r.rows.insured)
    if other is not None:
        _move(tx, r.stream, person_of(tx, other), "number", r.position)
    elif current is not None and current[1] == "number":
        _move(tx, r.stream, r.stream, "alone", r.position)


def _same_number(tx: Tx, patient: bytes, tokens: Sequence[bytes]) -> bytes | None:
    for t in tokens:
        for (other,) in tx.all(
            "SELECT patient FROM person_tokens WHERE token=? AND kind='insured' AND patient<>? ORDER BY patient", (t, patient)
        ):
            first, second = sorted((patient, other))
            if not tx.one("SELECT 1 FROM apart WHERE first=? AND second=?", (first, second)):
                return bytes(other)
    return None


def _linked(tx: Tx, first: bytes, second: bytes, position: int) -> None:
    low, high = sorted((first, second))
    tx.run("DELETE FROM apart WHERE first=? AND second=?", (low, high))
    target = person_of(tx, first)
    for patient in patients_of(tx, person_of(tx, second)):
        _move(tx, patient, target, "human", position)
    if person_of(tx, first) == first and _current(tx, first) is None:
        _move(tx, first, first, "human", position)


def _unlinked(tx: Tx, first: bytes, second: bytes, position: int) -> None:
    """Take `second` out of the person of `first`; the rule does not join the two again."""
    low, high = sorted((first, second))
    tx.run("INSERT INTO apart VALUES (?,?) ON CONFLICT DO NOTHING", (low, high))
    person = person_of(tx, second)
    rest = [p for p in patients_of(tx, person) if p != second]
    if person == second:
        for patient in rest:
            _move(tx, patient, rest[0], "human", position)
    _move(tx, second, second, "alone", position)


def _current(tx: Tx, patient: bytes) -> tuple[bytes, str] | None:
    found = tx.one("SELECT person, how FROM persons WHERE patient=? AND until IS NULL", (patient,))
    return (bytes(found[0]), found[1]) if found else None


def _move(tx: Tx, patient: bytes, person: bytes, how: str, position: int) -> None:
    current = _current(tx, patient)
    if current == (person, how):
        return
    tx.run("UPDATE persons SET until=? WHERE patient=? AND until IS NULL", (position, patient))
    tx.run(
        "INSERT INTO persons VALUES (?,?,NULL,?,?) ON CONFLICT (patient, since) DO UPDATE SET until=NULL, person=excluded.person, how=excluded.how",
        (patient, position, person, how),
    )


def person_of(tx: Tx, patient: bytes, at: int | None = None) -> bytes:
    """Give the person of a Patient, now or as of a position: a lone Patient stands for itself."""
    if at is None:
        found = tx.one("SELECT person FROM persons WHERE patient=? AND until IS NULL", (patient,))
    else:
        found = tx.one("SELECT person FROM persons WHERE patient=? AND since<=? AND (until IS NULL OR until>?)", (patient, at, at))
    return bytes(found[0]) if found else patient


def patients_of(tx: Tx, person: bytes, at: int | None = None) -> list[bytes]:
    """Give all Patients of a person, itself first."""
    if at is None:
        rows = tx.all("SELECT patient FROM persons WHERE person=? AND until IS NULL", (person,))
    else:
        rows = tx.all("SELECT patient FROM persons WHERE person=? AND since<=? AND (until IS NULL OR until>?)", (person, at, at))
    found = {bytes(p) for (p,) in rows}
    if person_of(tx, person, at) == person:
        found.add(person)
    return sorted(found)


class Spell(NamedTuple):
    """For how long a Patient was of a person. `until` None = it still is."""

    patient: bytes
    since: int
    until: int | None
    person: bytes

    def at(self, position: int) -> bool:
        """Say whether it was so as of a position."""
        return self.since <= position and (self.until is None or self.until > position)


def spells(tx: Tx, patient: bytes) -> list[Spell]:
    """Give all that tells who was one person with a Patient at any time."""
    columns = "SELECT patient, since, until, person FROM persons WHERE"
    persons = {patient, *(bytes(r[3]) for r in tx.all(f"{columns} patient=?", (patient,)))}
    return sorted({Spell(*r) for column in ("patient", "person") for r in tx.each(f"{columns} {column} IN", sorted(persons))})


def together(held: Sequence[Spell], patient: bytes, at: int) -> tuple[bytes, ...]:
    """Give all Patients of a Patient's person as of a position, from its `spells`: `patients_of` its `person_of`."""
    now = {spell.patient: spell.person for spell in held if spell.at(at)}
    person = now.get(patient, patient)
    members = {p for p, one in now.items() if one == person}
    return tuple(sorted(members | {person} if now.get(person, person) == person else members))


class Groups(NamedTuple):
    """Persons of many Patients at once: of each its person, and of each such person all Patients, itself first."""

    person: Mapping[bytes, bytes]
    patients: Mapping[bytes, list[bytes]]


def groups(tx: Tx, patients: Iterable[bytes], at: int | None = None) -> Groups:
    """Give the same as `person_of` and `patients_of` for many in few statements, now or as of a position: a board asks for a thousand."""
    held, times = ("until IS NULL", ()) if at is None else ("since<=? AND (until IS NULL OR until>?)", (at, at))
    person = dict.fromkeys(patients, b"")
    person |= _people(tx, person, held, times)
    named = dict.fromkeys(one or patient for patient, one in person.items())
    of_named = person | _people(tx, named.keys() - person.keys(), held, times)
    members: dict[bytes, set[bytes]] = {one: {one} if (of_named.get(one) or one) == one else set() for one in named}
    for patient, one in tx.each("SELECT patient, person FROM persons WHERE person IN", named, times, f" AND {held}"):
        members[one].add(patient)
    return Groups({p: one or p for p, one in person.items()}, {one: sorted(found) for one, found in members.items()})


def _people(tx: Tx, patients: Iterable[bytes], held: str, times: Sequence[int]) -> dict[bytes, bytes]:
    return dict(tx.each("SELECT patient, person FROM persons WHERE patient IN", patients, times, f" AND {held}"))


def by_token(tx: Tx, token: bytes) -> list[bytes]:
    """Give the Patients that carry a number or a name."""
    return [bytes(p) for (p,) in tx.all("SELECT patient FROM person_tokens WHERE token=? ORDER BY patient", (token,))]


def likely_pairs(tx: Tx, limit: int) -> list[tuple[bytes, bytes]]:
    """Give Patients of the same kana name and birth date that are not one person yet: the clerk's work list."""
    rows = tx.all(
        "SELECT DISTINCT a.patient, b.patient FROM person_tokens a JOIN person_tokens b ON a.token=b.token AND a.patient<b.patient "
        "WHERE a.kind='name' AND b.kind='name' AND NOT EXISTS (SELECT 1 FROM apart x WHERE x.first=a.patient AND x.second=b.patient) "
        "ORDER BY a.patient, b.patient"
    )
    pairs = [(bytes(a), bytes(b)) for a, b in rows if person_of(tx, bytes(a)) != person_of(tx, bytes(b))]
    return pairs[:limit]
