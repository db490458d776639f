"""A station's file → conversion: rows gathered by person, judged, and told as FHIR."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from adapters.visiting_nurse.archive import holds_visits, is_zip
from adapters.visiting_nurse.encounter import encounter, orders
from adapters.visiting_nurse.follow_up import cautions, messages, standing
from adapters.visiting_nurse.judged import Judged, judge
from adapters.visiting_nurse.nursing import impression, observations, procedures
from adapters.visiting_nurse.observation import measured
from adapters.visiting_nurse.patient import patient
from adapters.visiting_nurse.sheets import Sheets, is_measures, is_visits, read_sheets
from adapters.wire.csv_ja import Row, by_person
from schemas.adapter import Conversion, Draft, Part, RefusedPart, Wire
from schemas.errors import Issue

_NAME = re.compile(r"(?i)(?:.*[/\\])?vn_(visit|observation)[^/\\]*\.(csv|zip)", re.DOTALL)
_DATES = re.compile(r"[-_. ]?[0-9]{4,}")
_RAGGED = "HUB-2010"


@dataclass(frozen=True, slots=True)
class VisitingNurseAdapter:
    """The source `visiting_nurse`."""

    name: str = "visiting_nurse"

    def claims(self, wire: Wire) -> bool:
        """Say whether name, header or the ZIP's list of files is that of a station's file; never raises."""
        if is_zip(wire.data):
            return holds_visits(wire.data)
        return _NAME.fullmatch(wire.name) is not None or is_visits(wire.data) or is_measures(wire.data)

    def convert(self, wire: Wire) -> Conversion:
        """Turn the file into resources, each person for itself.

        Raises Malformed, MissingValue or TooLong when the file cannot be read as rows, Unsupported for measurements without visits.
        """
        sheets = read_sheets(wire.data)
        sound = {row["patient_local_id"] for row in sheets.visits.rows if not row.issues}
        persons = by_person(sheets.visits.rows, lambda row: _whose(row, sound))
        owners = _owners(persons)
        shared = frozenset(visit for visit, of in owners.items() if len(of) > 1)
        taken = by_person(sheets.measures.rows if sheets.measures else (), lambda row: next(iter(owners.get(row["visit_id"], ())), ""))
        parts: list[Part] = []
        refused = [_nobodys(sheets, row) for row in persons.pop("", [])]
        for person, rows in persons.items():
            judged = judge(sheets, wire.sender, rows, taken.get(person, []), shared)
            if judged.issues:
                refused.append(RefusedPart(judged.raw, judged.issues, tuple(row.line for row in rows)))
            else:
                parts.append(_part(wire, person, judged))
        refused += [_orphan(sheets, row) for row in taken.get("", [])]
        refused.sort(key=lambda one: one.rows)
        general = (*sheets.in_visits(sheets.visits.warnings), *sheets.in_measures(sheets.measures.warnings if sheets.measures else ()))
        parts[:1] = [replace(part, warnings=(*general, *part.warnings)) for part in parts[:1]]
        return Conversion("vn_visit.csv", tuple(parts), tuple(refused))


def _whose(row: Row, sound: set[str]) -> str:
    """Give the person's number, or "" where it cannot be trusted: in a shifted row only one that other rows know."""
    person = row["patient_local_id"]
    return person if person in sound or all(issue.rule != _RAGGED for issue in row.issues) else ""


def _owners(persons: Mapping[str, list[Row]]) -> Mapping[str, list[str]]:
    """Give the persons in whose rows each visit number stands; more than one is a mistake."""
    found: dict[str, list[str]] = {}
    for person, rows in persons.items():
        for visit in dict.fromkeys(row["visit_id"] for row in rows) if person else ():
            found.setdefault(visit, []).append(person)
    return found


def _nobodys(sheets: Sheets, row: Row) -> RefusedPart:
    """Refuse a row that names nobody by itself; the others go on."""
    known = row.issues or (Issue("HUB-2023", f"row {row.line}", code="required"),)
    return RefusedPart(sheets.cut([row]), tuple(sheets.in_visits(known)), (row.line,))


def _orphan(sheets: Sheets, row: Row) -> RefusedPart:
    """Refuse a measurement whose visit is not in the wire: nobody can say whose it is."""
    issue = Issue("HUB-2116", f"row {row.line}, visit_id", code="business-rule")
    return RefusedPart(sheets.cut([], [row]), tuple(sheets.in_measures([*row.issues, issue])), (row.line,))


def _part(wire: Wire, person: str, judged: Judged) -> Part:
    name = _DATES.sub("", re.split(r"[/\\]", wire.name)[-1])
    occurred = max(visit.end for visit in judged.visits)
    return Part(person, judged.raw, tuple(_drafts(judged)), f"{name}:{person}", revises=True, occurred=occurred, warnings=judged.warnings)


def _drafts(judged: Judged) -> Iterator[Draft]:
    """Give all that the rows say. Of a visit that was taken back the same resources come, each marked as entered in error."""
    yield patient(judged.visits)
    yield from orders(judged.visits)
    for visit in judged.visits:
        yield encounter(visit)
        yield from impression(visit)
        yield from procedures(visit)
        yield from observations(visit)
        yield from measured(visit, judged.measures[visit.id])
        yield from cautions(visit)
        yield from messages(visit)
    yield from standing(judged.visits)
