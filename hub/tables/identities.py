"""One person under many numbers: links made by rule (the same care-insurance number) or by a human, and unmade again.

Rows carry the positions between which they held, so that a late follower judges with what was known at an event's own position. What is
known (numbers borne, the clerk's word) stands in tables of its own; who is whom follows from that alone, so that when somebody is erased
the others stand as if that one had never been there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from hub.names import MAIN, lies_in
from hub.tables import grouping
from hub.tables.grouping import Borne, Statement
from schemas.events import KEY_ERASED, PERSON_LINKED, PERSON_UNLINKED, RESOURCE_RECORDED, RESOURCE_WITHDRAWN, Erased, Link

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS persons (
  patient BLOB NOT NULL, since INTEGER NOT NULL, until INTEGER, person BLOB NOT NULL, compartment TEXT NOT NULL,
  PRIMARY KEY (patient, since)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS persons_person ON persons (person)",
    """CREATE TABLE IF NOT EXISTS person_tokens (
  token BLOB NOT NULL, patient BLOB NOT NULL, since INTEGER NOT NULL, until INTEGER, kind TEXT NOT NULL,
  PRIMARY KEY (token, patient, since)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS person_tokens_patient ON person_tokens (patient)",
    """CREATE TABLE IF NOT EXISTS statements (
  position INTEGER PRIMARY KEY, first BLOB NOT NULL, second BLOB NOT NULL, apart INTEGER NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS statements_first ON statements (first)",
    "CREATE INDEX IF NOT EXISTS statements_second ON statements (second)",
)
VERSION = 3
TABLES = ("persons", "person_tokens", "statements")
INSURED, FORMER, NAME = "insured", "former", "name"
"""Kinds of tokens. Former = a number of a Patient that was withdrawn: it still says who its other records are about, but finds nobody.
Of names only those of now are kept; of numbers the earlier ones too."""


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Follow Patients and the clerk's links; forget who is erased."""
    for r in recorded:
        if r.topic == RESOURCE_RECORDED and r.header.kind == "Patient" and r.rows is not None:
            _patient(tx, r)
        elif r.topic == RESOURCE_WITHDRAWN and r.header.kind == "Patient":
            tx.run("DELETE FROM person_tokens WHERE patient=? AND kind=?", (r.stream, NAME))
            tx.run("UPDATE person_tokens SET kind=? WHERE patient=? AND kind=? AND until IS NULL", (FORMER, r.stream, INSURED))
        elif r.topic in {PERSON_LINKED, PERSON_UNLINKED} and isinstance(r.rows, Link):
            first, second = bytes.fromhex(r.rows.first), bytes.fromhex(r.rows.second)
            tx.run("INSERT INTO statements VALUES (?,?,?,?)", (r.position, first, second, int(r.topic == PERSON_UNLINKED)))
            _regroup(tx, {first, second}, r.position, lies_in(r.header.compartment))
        elif r.topic == KEY_ERASED and isinstance(r.rows, Erased):
            _erase(tx, {bytes.fromhex(k.owner) for k in r.rows.keys})


def _patient(tx: Tx, r: Recorded) -> None:
    """Take the numbers and names of a version; who is whom moves only where numbers do."""
    held = tx.all("SELECT token, kind FROM person_tokens WHERE patient=? AND until IS NULL", (r.stream,)) if r.version > 1 else []
    before, named = {t for t, kind in held if kind != NAME}, {t for t, kind in held if kind == NAME}
    numbers, names = set(r.rows.insured), set(r.rows.names)
    if any(kind == FORMER for _, kind in held):
        tx.run("UPDATE person_tokens SET kind=? WHERE patient=? AND kind=? AND until IS NULL", (INSURED, r.stream, FORMER))
    tx.many("DELETE FROM person_tokens WHERE token=? AND patient=? AND kind=?", [(t, r.stream, NAME) for t in sorted(named - names)])
    tx.many(
        "UPDATE person_tokens SET until=? WHERE token=? AND patient=? AND until IS NULL",
        [(r.position, t, r.stream) for t in sorted(before - numbers)],
    )
    new = [(t, r.stream, r.position, INSURED) for t in sorted(numbers - before)]
    new += [(t, r.stream, r.position, NAME) for t in sorted(names - named)]
    tx.insert("person_tokens", ("token", "patient", "since", "kind"), new)
    if before - numbers or (numbers - before and carriers(tx, numbers - before) - {r.stream}):
        _regroup(tx, {r.stream}, r.position, lies_in(r.header.compartment))


def _regroup(tx: Tx, named: set[bytes], position: int, compartment: str) -> None:
    """Say anew who is whom among these Patients, all that belonged to them until now, and all that are joined to them by what is known now."""
    was = groups(tx, named, compartment=compartment)
    members, borne, said = _joined(tx, {p for group in was.patients.values() for p in group} | named)
    lead = grouping.leaders([b for b, _ in borne], said, _born(tx, members))
    current = _people(tx, members, "until IS NULL", (), compartment)
    for patient in sorted(members):
        person = lead.get(patient, patient)
        if person == current.get(patient, patient):
            continue
        if patient in current:
            tx.run("UPDATE persons SET until=? WHERE patient=? AND until IS NULL", (position, patient))
        if person != patient:
            tx.insert("persons", ("patient", "since", "person", "compartment"), [(patient, position, person, compartment)])


def _joined(tx: Tx, named: set[bytes], *, ever: bool = False) -> tuple[set[bytes], list[tuple[Borne, int | None]], list[Statement]]:
    """Give all Patients that a shared number or a human's word joins to these, now or `ever`; with their numbers (and until when), and the words."""
    held = "" if ever else " AND until IS NULL"
    members: set[bytes] = set()
    borne: dict[tuple[bytes, bytes, int], tuple[Borne, int | None]] = {}
    said: dict[int, Statement] = {}
    sql = "SELECT token, patient, since, until FROM person_tokens WHERE"
    while named - members:
        found = named - members
        members |= found
        own = tx.each(f"{sql} patient IN", found, (NAME,), f" AND kind<>?{held}")
        shared = tx.each(f"{sql} token IN", {t for t, *_ in own}, (NAME,), f" AND kind<>?{held}")
        borne |= {(t, p, since): (Borne(t, p, since), until) for t, p, since, until in (*own, *shared)}
        words = [
            row
            for end in ("first", "second")
            for row in tx.each(f"SELECT position, first, second, apart FROM statements WHERE {end} IN", found)
        ]
        said |= {row[0]: Statement(row[0], row[1], row[2], bool(row[3])) for row in words}
        named = {p for _, p, *_ in shared} | {p for row in words for p in (row[1], row[2])}
    return members, list(borne.values()), list(said.values())


def _born(tx: Tx, patients: Iterable[bytes]) -> dict[bytes, int]:
    """Give the position of each Patient's first version."""
    rows = tx.each("SELECT patient, min(position) FROM resources WHERE patient IN", patients, ("Patient",), " AND type=? GROUP BY patient")
    return {patient: int(position) for patient, position in rows}


def ever_joined(tx: Tx, patients: set[bytes]) -> set[bytes]:
    """Give others that anything ever joined to these Patients: of whom something may have been judged by what was known of these."""
    return _joined(tx, patients, ever=True)[0] - patients


def _erase(tx: Tx, erased: set[bytes]) -> None:
    """Forget what was known of these Patients, and say of the others, at each moment, who they were without them.

    A replay finds nothing of the erased from the start, and comes to the same rows.
    """
    members, borne, said = _joined(tx, erased, ever=True)
    for sql in ("DELETE FROM person_tokens WHERE patient=?", "DELETE FROM persons WHERE patient=?"):
        tx.many(sql, [(p,) for p in sorted(members if "persons " in sql else erased)])
    tx.many("DELETE FROM statements WHERE first=? OR second=?", [(p, p) for p in sorted(erased)])
    left = members - erased
    borne = [(b, until) for b, until in borne if b.patient in left]
    said = [s for s in said if s.first in left and s.second in left]
    rows = [(*row, MAIN) for row in _history(left, borne, said, _born(tx, left))]  # nobody is erased elsewhere
    tx.insert("persons", ("patient", "since", "until", "person", "compartment"), rows)


def _history(
    patients: set[bytes], borne: Sequence[tuple[Borne, int | None]], said: Sequence[Statement], born: Mapping[bytes, int]
) -> list[tuple[bytes, int, int | None, bytes]]:
    """Give the rows that following these numbers and words from the first would have made."""
    moments = {b.since for b, _ in borne} | {until for _, until in borne if until is not None} | {s.position for s in said}
    rows: list[tuple[bytes, int, int | None, bytes]] = []
    current: dict[bytes, tuple[bytes, int]] = {}
    for at in sorted(moments):
        held = [b for b, until in borne if b.since <= at and (until is None or until > at)]
        lead = grouping.leaders(held, [s for s in said if s.position <= at], born)
        for patient in patients:
            person, before = lead.get(patient, patient), current.get(patient)
            if before is not None and before[0] != person:
                rows.append((patient, before[1], at, before[0]))
                del current[patient]
            if person != patient and patient not in current:
                current[patient] = (person, at)
    return sorted([*rows, *((patient, since, None, person) for patient, (person, since) in current.items())], key=lambda row: row[:2])


def person_of(tx: Tx, patient: bytes, at: int | None = None) -> bytes:
    """Give the person of a Patient of the main compartment, now or as of a position: a lone Patient stands for itself."""
    return _people(tx, (patient,), *_when(at), MAIN).get(patient, patient)


def patients_of(tx: Tx, person: bytes, at: int | None = None) -> list[bytes]:
    """Give all Patients of a person of the main compartment, itself first."""
    when, times = _when(at)
    found = {p for (p,) in tx.all(f"SELECT patient FROM persons WHERE person=? AND compartment=? AND {when}", (person, MAIN, *times))}
    if person_of(tx, person, at) == person:
        found.add(person)
    return sorted(found)


def _when(at: int | None) -> tuple[str, tuple[int, ...]]:
    return ("until IS NULL", ()) if at is None else ("since<=? AND (until IS NULL OR until>?)", (at, at))


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
    persons = {patient, *(bytes(r[3]) for r in tx.all(f"{columns} patient=? AND compartment=?", (patient, MAIN)))}
    of_main = [tx.each(f"{columns} {column} IN", sorted(persons), (MAIN,), " AND compartment=?") for column in ("patient", "person")]
    return sorted({Spell(*row) for rows in of_main for row in rows})


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


def groups(tx: Tx, patients: Iterable[bytes], at: int | None = None, compartment: str = MAIN) -> Groups:
    """Give the same as `person_of` and `patients_of` for many in few statements, now or as of a position: a board asks for a thousand.

    Who is whom in another compartment is known there alone.
    """
    held, times = _when(at)
    person = dict.fromkeys(patients, b"")
    person |= _people(tx, person, held, times, compartment)
    named = dict.fromkeys(one or patient for patient, one in person.items())
    of_named = person | _people(tx, named.keys() - person.keys(), held, times, compartment)
    members: dict[bytes, set[bytes]] = {one: {one} if (of_named.get(one) or one) == one else set() for one in named}
    sql = "SELECT patient, person FROM persons WHERE person IN"
    for patient, one in tx.each(sql, named, (*times, compartment), f" AND {held} AND compartment=?"):
        members[one].add(patient)
    return Groups({p: one or p for p, one in person.items()}, {one: sorted(found) for one, found in members.items()})


def _people(tx: Tx, patients: Iterable[bytes], held: str, times: Sequence[int], compartment: str) -> dict[bytes, bytes]:
    sql = "SELECT patient, person FROM persons WHERE patient IN"
    return dict(tx.each(sql, patients, (*times, compartment), f" AND {held} AND compartment=?"))


def by_token(tx: Tx, token: bytes) -> list[bytes]:
    """Give the Patients that carry a number or a name."""
    sql = "SELECT patient FROM person_tokens WHERE token=? AND kind<>? AND until IS NULL ORDER BY patient"
    return [bytes(p) for (p,) in tx.all(sql, (token, FORMER))]


def tokens_of(tx: Tx, patients: Iterable[bytes]) -> set[bytes]:
    """Give the numbers and names that these Patients carry now, as keyed hashes."""
    return {
        bytes(t)
        for (t,) in tx.each("SELECT token FROM person_tokens WHERE patient IN", patients, (FORMER,), " AND kind<>? AND until IS NULL")
    }


def carriers(tx: Tx, tokens: Iterable[bytes]) -> set[bytes]:
    """Give all Patients that bear one of these numbers, withdrawn ones too."""
    return {p for (p,) in tx.each("SELECT patient FROM person_tokens WHERE token IN", tokens, (NAME,), " AND kind<>? AND until IS NULL")}


def likely_pairs(tx: Tx, limit: int) -> list[tuple[bytes, bytes]]:
    """Give Patients of the same kana name and birth date that are not one person and were not parted: the clerk's work list.

    Those of the main compartment alone; a name in two compartments has not the same token.
    """
    rows = tx.all(
        "SELECT DISTINCT a.patient, b.patient FROM person_tokens a JOIN person_tokens b ON a.token=b.token AND a.patient<b.patient "
        "WHERE a.kind=? AND b.kind=? AND a.since NOT IN (SELECT position FROM apart) ORDER BY a.patient, b.patient",
        (NAME, NAME),
    )
    pairs = [(bytes(a), bytes(b)) for a, b in rows if person_of(tx, bytes(a)) != person_of(tx, bytes(b))]
    return [pair for pair in pairs if not _parted(tx, pair)][:limit]


def _parted(tx: Tx, pair: tuple[bytes, bytes]) -> bool:
    """Say whether the last word on a pair is that they are not one person."""
    last = tx.one(
        "SELECT apart FROM statements WHERE (first=? AND second=?) OR (first=? AND second=?) ORDER BY position DESC LIMIT 1",
        (*pair, *reversed(pair)),
    )
    return last is not None and bool(last[0])
