"""Rules over several columns of a visit: times, urgent visits, orders, the next visit (訪問ファイル §1.9). Single cells are checked before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from adapters.visiting_nurse.visit import Visit
from adapters.wire.csv_ja import Sheet
from adapters.wire.csv_layout import JST, read_codes
from schemas.errors import Issue

_LONGEST, _LONG = timedelta(hours=24), timedelta(hours=3)
_URGENT = ("urgent_requested_at", "urgent_requested_by", "urgent_reason", "urgent_md_contact_at", "urgent_md_instruction")
_ORDER = ("order_type", "order_from", "order_to")


def faults(visit: Visit, sheet: Sheet, sender: str) -> Iterator[Issue]:
    """Name what is wrong with a visit whose single cells are right: nothing of its person is taken."""
    row = visit.row
    if row["station_code"] != sender:
        yield Issue("HUB-2100", sheet.place(row, "station_code"), code="business-rule")
    if visit.end <= visit.start:
        yield Issue("HUB-2101", sheet.place(row, "end_at"), code="business-rule")
    elif visit.end - visit.start > _LONGEST:
        yield Issue("HUB-2102", sheet.place(row, "end_at"), code="business-rule")
    if row["birth_date"] > row["visit_date"]:
        yield Issue("HUB-2104", sheet.place(row, "birth_date"), code="business-rule")
    if row["urgent_flag"] == "1" and (missing := [name for name in _URGENT if not row[name]]):
        yield Issue("HUB-2105", sheet.place(row, missing[0]), {"columns": ", ".join(missing)}, "required")
    if row["insurance"] == "iryo" and (missing := [name for name in _ORDER if not row[name]]):
        yield Issue("HUB-2106", sheet.place(row, missing[0]), {"columns": ", ".join(missing)}, "required")
    if not row["next_visit_date"]:
        if row["service_end"] != "1" and not visit.in_error:
            yield Issue("HUB-2011", sheet.place(row, "next_visit_date"), code="required")
    elif row["next_visit_date"] < row["visit_date"]:
        yield Issue("HUB-2108", sheet.place(row, "next_visit_date"), code="business-rule")


def remarks(visit: Visit, sheet: Sheet) -> Iterator[Issue]:
    """Name what is odd about a visit that is taken."""
    row = visit.row

    def remark(rule: str, column: str) -> Issue:
        return Issue(rule, sheet.place(row, column), {}, "business-rule", "warning")

    if visit.end - visit.start > _LONG:
        yield remark("HUB-2103", "end_at")
    if visit.start.astimezone(JST).date().isoformat() != row["visit_date"]:
        yield remark("HUB-2126", "visit_date")
    begins, ends = row["order_from"], row["order_to"]
    if (begins and row["visit_date"] < begins) or (ends and row["visit_date"] > ends):
        yield remark("HUB-2107", "visit_date")
    if bool(row["kaigo_insurer_no"]) != bool(row["kaigo_insured_no"]):
        yield remark("HUB-2123", "kaigo_insurer_no" if row["kaigo_insurer_no"] else "kaigo_insured_no")
    if row["end_reason"] and row["end_reason"] not in read_codes("adapters.visiting_nurse", "data/codes.csv")["end_reason"]:
        yield remark("HUB-2127", "end_reason")


def newest(visits: list[Visit], sheet: Sheet) -> tuple[list[Visit], list[Issue], list[Issue]]:
    """Keep the newest version of each visit: (visits, faults, remarks). The same version twice must say the same."""
    first: dict[tuple[str, int], Visit] = {}
    kept: dict[str, Visit] = {}
    wrong: list[Issue] = []
    for visit in visits:
        if first.setdefault((visit.id, visit.version), visit).row.cells != visit.row.cells:
            wrong.append(Issue("HUB-2109", sheet.place(visit.row, "record_version"), code="duplicate"))
        if visit.id not in kept or kept[visit.id].version < visit.version:
            kept[visit.id] = visit
    odd = [
        Issue("HUB-2128", sheet.place(visit.row, "record_version"), {}, "informational", "warning")
        for visit in visits
        if kept[visit.id].version > visit.version
    ]
    return sorted(kept.values(), key=lambda visit: visit.row.line), wrong, odd


def same_person(visits: list[Visit], sheet: Sheet) -> Iterator[Issue]:
    """Name the rows that, by birth date or sex, may be another person's (care-manager facts §5 rule 5: never merge)."""
    for visit in visits[1:]:
        for column in ("birth_date", "sex"):
            if visit.row[column] != visits[0].row[column]:
                yield Issue("HUB-2111", sheet.place(visit.row, column), code="business-rule")
