"""One person's rows, judged: the visits and measurements that stand, what is wrong with them, and what is odd."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from adapters.visiting_nurse import measure, rules
from adapters.visiting_nurse.measure import Measure
from adapters.visiting_nurse.observation import pairs
from adapters.visiting_nurse.sheets import Sheets
from adapters.visiting_nurse.visit import Visit
from adapters.wire.csv_ja import Row, Sheet
from schemas.errors import Issue

_DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class Judged:
    """What is left of a person's rows. With any issue nothing is taken; without a visit there is nothing to take."""

    visits: list[Visit]
    measures: Mapping[str, list[Measure]]
    """Visit number → its measurements."""
    issues: tuple[Issue, ...]
    warnings: tuple[Issue, ...]
    raw: bytes
    """The rows that were taken (drafts of the station are not), or all of them when they are refused."""


def judge(sheets: Sheets, sender: str, rows: list[Row], taken: list[Row], shared: frozenset[str]) -> Judged:
    """Judge all rows of one person. `shared` are visit numbers that stand in the rows of several persons."""
    sheet = sheets.visits
    right = [Visit(row) for row in rows if not row.issues]
    faults = [issue for row in rows for issue in row.issues]
    for visit in right:
        faults += rules.faults(visit, sheet, sender)
        if visit.id in shared:
            faults.append(Issue("HUB-2129", sheet.place(visit.row, "visit_id"), code="business-rule"))
    faults += rules.same_person(right, sheet)
    drafts = [visit for visit in right if visit.row["record_status"] == _DRAFT]
    submitted = [visit for visit in right if visit.row["record_status"] != _DRAFT]
    visits, wrong, odd = rules.newest(submitted, sheet)
    left = [Issue("HUB-2110", sheet.place(v.row, "record_status"), {}, "business-rule", "warning") for v in drafts]
    remarks = [*left, *odd]
    for visit in visits:
        remarks += [*visit.row.warnings, *rules.remarks(visit, sheet)]
    measures, measure_faults, measure_remarks = _measures(sheets.measures, visits, taken)
    issues = (*sheets.in_visits([*faults, *wrong]), *sheets.in_measures(measure_faults))
    if issues or not visits:
        return Judged([], {}, issues or tuple(sheets.in_visits(left)), (), sheets.cut(rows, taken))
    ids = {visit.id for visit in submitted}
    raw = sheets.cut([visit.row for visit in submitted], [row for row in taken if row["visit_id"] in ids])
    return Judged(visits, measures, (), (*sheets.in_visits(remarks), *sheets.in_measures(measure_remarks)), raw)


def _measures(sheet: Sheet | None, visits: list[Visit], taken: list[Row]) -> tuple[Mapping[str, list[Measure]], list[Issue], list[Issue]]:
    found: dict[str, list[Measure]] = {visit.id: [] for visit in visits}
    faults: list[Issue] = []
    remarks: list[Issue] = []
    seen: dict[tuple[str, str], Row] = {}
    for row in taken if sheet is not None else ():
        faults += row.issues
        if row.issues or row["visit_id"] not in found or sheet is None:
            continue
        before = seen.setdefault((row["visit_id"], row["obs_id"]), row)
        if before is row:
            one = Measure(row)
            wrong = list(measure.faults(one, sheet))
            faults += wrong
            remarks += row.warnings if wrong else [*row.warnings, *measure.remarks(one, sheet)]
            found[row["visit_id"]].append(one)
        elif before.cells != row.cells:
            faults.append(Issue("HUB-2124", sheet.place(row, "obs_id"), code="duplicate"))
    if sheet is not None and not faults:
        faults += [issue for ones in found.values() for issue in _crossed(ones, sheet)]
    return found, faults, remarks


def _crossed(ones: list[Measure], sheet: Sheet) -> list[Issue]:
    """Name the systolic pressures that are not above the diastolic ones of the same moment."""
    return [
        Issue("HUB-2122", sheet.place(high.row, "value"), code="business-rule")
        for high, low in pairs(ones)
        if high.row["value"] and low.row["value"] and Decimal(high.row["value"]) <= Decimal(low.row["value"])
    ]
