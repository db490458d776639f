"""Rules over several items or rows of a care manager's file. Single items are checked before, by the layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.care_manager.elements import PACKAGE
from adapters.care_manager.file_name import FileName
from adapters.care_manager.told import PLAN_DATE
from adapters.wire.csv_ja import Row, Sheet
from adapters.wire.csv_layout import read_codes
from schemas.errors import BrokenRule, Issue
from schemas.ids import is_office_code

_PERIODS = {
    "UPHOSOKU": ("限度額適用開始年月日", "限度額適用終了年月日"),
    "UP1KYO": ("認定有効期間開始日", "認定有効期間終了日"),
}
_OFFICES = {
    "UPHOSOKU": ("更新業者コード",),
    "UP1KYO": ("介護支援事業者コード", "更新業者コード"),
    "UP2KYO": ("サービス事業者コード", "更新業者コード"),
}
_ONCE = {"UPHOSOKU", "UP1KYO"}
"""Kinds with one row for a person and a plan or month."""


def one_version(sheet: Sheet) -> None:
    """Raise BrokenRule when rows have several CSVバージョン: one file holds one (標準仕様 4.1 別紙)."""
    told = {row["CSVバージョン"] for row in sheet.rows if not row.issues}
    if len(told) > 1:
        raise BrokenRule("HUB-2204", where="file")


def faults(row: Row, sheet: Sheet) -> Iterator[Issue]:
    """Name what is wrong with a row whose single items are right."""
    if row.issues or sheet.layout.name not in _PERIODS:
        return
    begins, ends = _PERIODS[sheet.layout.name]
    if row[begins] and row[ends] and row[ends] < row[begins]:
        yield Issue("HUB-2207", sheet.place(row, ends), code="business-rule")


def once(rows: Sequence[Row], sheet: Sheet) -> Iterator[Issue]:
    """Name rows of one person that contradict one another: the same plan (or month) twice, with other content."""
    if sheet.layout.name not in _ONCE:
        return
    seen: dict[str, Row] = {}
    for row in rows:
        of = row[PLAN_DATE] if sheet.layout.name == "UP1KYO" else ""
        if not row.issues and seen.setdefault(of, row).cells != row.cells:
            yield Issue("HUB-2213", sheet.place(row, PLAN_DATE), code="duplicate")


def remarks(row: Row, sheet: Sheet, file: FileName) -> Iterator[Issue]:
    """Name what is odd about a row that is taken."""

    def remark(rule: str, item: str) -> Issue:
        return Issue(rule, sheet.place(row, item), {}, "business-rule", "warning")

    kind = sheet.layout.name
    if row["CSVバージョン"] not in read_codes(PACKAGE, "data/codes.csv")["version"]:
        yield remark("HUB-2203", "CSVバージョン")
    for item in _OFFICES.get(kind, ()):
        if row[item] and not is_office_code(row[item]):
            yield remark("HUB-2022", item)
    if kind in _OFFICES and row["更新業者コード"] and row["更新業者コード"] != file.sender:
        yield remark("HUB-2211", "更新業者コード")
    if kind == "UPHOSOKU":
        month = row["対象年月"]
        if (not row[PLAN_DATE].strip("0")) == (not month.strip("0")):
            yield remark("HUB-2206", "対象年月")
        if file.month and month != file.month:
            yield remark("HUB-2214", "対象年月")
