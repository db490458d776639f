"""A care manager's file → conversion: the name says what it is and when it was sent, rows are gathered by person, judged, and told as FHIR."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from adapters.care_manager import rules
from adapters.care_manager.elements import PACKAGE
from adapters.care_manager.file_name import FileName, is_standard, read_file_name
from adapters.care_manager.plan import first_table, withdrawal
from adapters.care_manager.services import second_table, team
from adapters.care_manager.supplement import supplement
from adapters.care_manager.told import PLAN_DATE, Person, pair
from adapters.wire.csv_ja import FEW, Row, Sheet, by_person, first_cells, read_sheet
from adapters.wire.csv_layout import Layout, fault, read_layout
from schemas.adapter import Conversion, Draft, Part, RefusedPart, Wire
from schemas.errors import BrokenRule, Issue, Unsupported

_NUMBERS = re.compile(r"[0-9]{6},[0-9]{6},(?:[0-9]{10}|H[0-9]{9})(?:,|$)")
_IDENTIFIED = re.compile(r"[0-9]{10}|H[0-9]{9}")
_RECORD = re.compile("[0-9]{6}")
_INSURER, _INSURED = 1, 2


def _each(tell: Callable[[Row, Person], Iterator[Draft]]) -> Callable[[Sequence[Row], Person], Iterator[Draft]]:
    return lambda rows, person: (draft for row in rows for draft in tell(row, person))


def _second(rows: Sequence[Row], person: Person) -> Iterator[Draft]:
    plans = by_person(rows, lambda row: row[PLAN_DATE])
    for lines in plans.values():
        yield from second_table(lines, person)
    yield team(plans[max(plans)], person)


TOLD: Mapping[str, Callable[[Sequence[Row], Person], Iterator[Draft]]] = {
    "UPHOSOKU": _each(supplement),
    "UP1KYO": _each(first_table),
    "UP2KYO": _second,
    "DLT1KYO": _each(withdrawal),
}
"""Kind of file → what one person's rows say. A kind that is not here is refused by its name."""


@dataclass(frozen=True, slots=True)
class CareManagerAdapter:
    """The source `care_manager`."""

    name: str = "care_manager"

    def claims(self, wire: Wire) -> bool:
        """Say whether the name is one of the standard's, or the first record begins with version, insurer and insured number; never raises."""
        return is_standard(wire.name) or _NUMBERS.match(",".join(first_cells(wire.data))) is not None

    def convert(self, wire: Wire) -> Conversion:
        """Turn the file into resources, each person for itself.

        Raises Malformed for a name that is not the standard's or a file that cannot be read as rows, Unsupported for a kind that is not
        taken yet, BrokenRule when somebody else made it, its rows have several versions, or a plan's row cannot be given to anybody.
        """
        file = read_file_name(wire.name)
        if file.kind not in TOLD:
            raise Unsupported("HUB-2201", where="file name", layout=file.kind)
        if file.sender != wire.sender:
            raise BrokenRule("HUB-2202", where="file name")
        sheet = read_sheet(wire.data, layout_of(file.kind), heads=is_header)
        rules.one_version(sheet)
        persons = by_person(sheet.rows, lambda row: _whose(row, sheet.layout))
        refused = [_nobodys(sheet, row) for row in persons.pop("", [])]
        if refused and file.kind == "UP2KYO":
            raise BrokenRule("HUB-2212", where=", ".join(f"row {row}" for one in refused[:FEW] for row in one.rows))
        parts: list[Part] = []
        for key, rows in persons.items():
            issues = [issue for row in rows for issue in (*row.issues, *rules.faults(row, sheet))] + list(rules.once(rows, sheet))
            if issues:
                refused.append(RefusedPart(sheet.cut(rows), tuple(issues), tuple(row.line for row in rows)))
            else:
                parts.append(_part(sheet, file, key, rows))
        refused.sort(key=lambda one: one.rows)
        return Conversion(file.kind, tuple(parts), tuple(refused))


def layout_of(kind: str) -> Layout:
    """Give the layout of a kind of file that is taken."""
    return read_layout(PACKAGE, f"data/{kind}.csv", "data/codes.csv", header=False, charsets=("cp932",))


def is_header(cells: Sequence[str]) -> bool:
    """Say whether a first row is a header all the same: no version in front, and nobody's number anywhere (§1.2)."""
    return not _RECORD.fullmatch(cells[0]) and not any(_IDENTIFIED.fullmatch(cell) for cell in cells)


def _whose(row: Row, layout: Layout) -> str:
    """Give the person of a row, also of one that has shifted further right; "" where the two numbers in front do not hold."""
    cells = dict(enumerate(row.cells))
    numbers = [cells.get(at, "") for at in (_INSURER, _INSURED)]
    wrong = any(fault(cell, layout.columns[at]) is not None for cell, at in zip(numbers, (_INSURER, _INSURED), strict=True))
    return "" if wrong else pair(row)


def _nobodys(sheet: Sheet, row: Row) -> RefusedPart:
    issues = row.issues or (Issue("HUB-2023", f"row {row.line}", code="required"),)
    return RefusedPart(sheet.cut([row]), issues, (row.line,))


def _part(sheet: Sheet, file: FileName, key: str, rows: list[Row]) -> Part:
    told: dict[tuple[str, str], Draft] = {(draft.type, draft.key): draft for draft in TOLD[file.kind](_distinct(rows), Person(key, file))}
    warnings = tuple(issue for row in rows for issue in (*row.warnings, *rules.remarks(row, sheet, file)))
    return Part(key, sheet.cut(rows), tuple(told.values()), f"{file.series}:{key}", revises=True, occurred=file.sent, warnings=warnings)


def _distinct(rows: Sequence[Row]) -> list[Row]:
    """Leave out rows that repeat another one word for word."""
    return list({row.cells: row for row in reversed(rows)}.values())[::-1]
