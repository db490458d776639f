"""Layout tables of CSV files, and whether a cell is what its column says.

A layout is a data file with the columns `column, type, required, low, high, length, codes`, code lists one with `list, code, display,
source`. A type is a form and a check: no cell is repaired here, and no issue repeats one.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Literal

from schemas.errors import Issue
from schemas.ids import is_insurer_number

Charset = Literal["utf-8", "cp932"]
Codes = Mapping[str, Mapping[str, str]]
"""List → code → what it says."""

MAX_CELL = 100_000
"""Characters in a cell whose column gives no limit."""
JST = timezone(timedelta(hours=9), "JST")

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


# ── layouts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `low` and `high` are inclusive limits of a number; `codes` what a code may be."""

    number: int
    name: str
    type: str
    required: bool
    low: Decimal | None
    high: Decimal | None
    length: int
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The table of one kind of file. With a header columns are found by name, without one by their place and number."""

    name: str
    columns: tuple[Column, ...]
    header: bool
    charsets: tuple[Charset, ...]

    @property
    def index(self) -> Mapping[str, int]:
        """Give the place of each column."""
        return {column.name: at for at, column in enumerate(self.columns)}


@cache
def read_codes(package: str, path: str) -> Codes:
    """Read code lists from a file of `list, code, display, source`; raise ValueError when a code stands twice."""
    found: dict[str, dict[str, str]] = {}
    for row in _table(package, path):
        codes = found.setdefault(row["list"], {})
        if row["code"] in codes:
            raise ValueError(f"{path}: {row['list']} {row['code']} stands twice")
        codes[row["code"]] = row["display"]
    return found


@cache
def read_layout(package: str, path: str, codes: str, *, header: bool, charsets: tuple[Charset, ...]) -> Layout:
    """Read a layout from a data file; raise ValueError for a type, a code list or a name that does not hold."""
    lists = read_codes(package, codes)
    columns: list[Column] = []
    for row in _table(package, path):
        if row["type"] not in _TYPES or any(row["column"] == other.name for other in columns):
            raise ValueError(f"{path}: {row['column']}")
        allowed = tuple(lists[row["codes"]]) if row["codes"] else ()
        low, high = (Decimal(row[side]) if row[side] else None for side in ("low", "high"))
        length = int(row["length"] or MAX_CELL)
        columns.append(Column(len(columns) + 1, row["column"], row["type"], row["required"] == "1", low, high, length, allowed))
    return Layout(path.rsplit("/", 1)[-1].removesuffix(".csv"), tuple(columns), header, charsets)


def _table(package: str, path: str) -> Iterator[dict[str, str]]:
    yield from csv.DictReader(files(package).joinpath(path).read_text(encoding="utf-8").splitlines())


# ── cells ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_day(text: str) -> bool:
    """Say whether this is a day of the calendar, `YYYY-MM-DD` or `YYYYMMDD`."""
    try:
        date(*(int(part) for part in (text.split("-") if "-" in text else (text[:4], text[4:6], text[6:]))))
    except (ValueError, TypeError):
        return False
    return True


def instant(text: str) -> datetime:
    """Read a time that fitted its column; one without a zone is Japanese time."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=JST)


def _is_instant(text: str) -> bool:
    try:
        instant(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Type:
    """What a cell of a type looks like: a pattern, how it is told, and whether what looks right is right."""

    pattern: re.Pattern[str]
    form: str
    holds: Callable[[str], bool] = lambda _: True
    rule: str = "HUB-2013"


_ANY = re.compile(r".+", re.DOTALL)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?")
_TYPES: Mapping[str, _Type] = {
    "text": _Type(_ANY, "text"),
    "line": _Type(re.compile(r"[^\r\n]+"), "text"),
    "word": _Type(re.compile(r"\S+"), "ABC-123"),
    "kana": _Type(re.compile(r"[ぁ-ゖァ-ヺｦ-ﾟー・＝゠\s]+"), "カタカナ"),
    "integer": _Type(re.compile(r"0|[1-9][0-9]{0,8}"), "123"),
    "number": _Type(re.compile(r"-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?"), "12.3"),
    "flag": _Type(re.compile(r"[01]"), "0 / 1"),
    "code": _Type(_ANY, "code"),
    "codes": _Type(_ANY, "code|code"),
    "day": _Type(_DAY, "2026-04-01", is_day),
    "time": _Type(_TIME, "2026-04-01T09:30+09:00", _is_instant),
    "day8": _Type(re.compile(r"[0-9]{8}"), "20260401", is_day),
    "day8-or-zeros": _Type(re.compile(r"[0-9]{8}"), "20260401", lambda text: text == "0" * 8 or is_day(text)),
    "month6-or-zeros": _Type(re.compile(r"[0-9]{6}"), "202604", lambda text: text == "0" * 6 or is_day(text + "01")),
    "digits6": _Type(re.compile(r"[0-9]{6}"), "202407"),
    "digits": _Type(re.compile(r"[0-9]+"), "0123"),
    "insurer": _Type(re.compile(r"[0-9]{6}"), "123456", is_insurer_number, "HUB-2021"),
    "insured": _Type(re.compile(r"[0-9]{10}|H[0-9]{9}"), "0123456789 / H012345678"),
    "office": _Type(re.compile(r"[0-9]{2}[0-9A-Z][0-9]{7}"), "1234567890"),
}
_NUMBERS_OF_THINGS = ("insurer", "insured", "office", "digits")


def fault(cell: str, column: Column) -> Issue | None:
    """Say what is wrong with a trimmed cell; None when it fits. The issue has no place yet."""
    if not cell:
        return Issue("HUB-2011", code="required") if column.required else None
    kind = _TYPES[column.type]
    if _CONTROL.search(cell):
        return Issue("HUB-2017", code="value")
    if len(cell) > column.length:
        return Issue("HUB-2016", words={"limit": str(column.length)}, code="too-long")
    if column.codes:
        told = cell.split("|") if column.type == "codes" else [cell]
        wrong = any(code not in column.codes for code in told)
        return Issue("HUB-2015", words={"codes": " ".join(column.codes)}, code="code-invalid") if wrong else None
    if not kind.pattern.fullmatch(cell):
        rule = "HUB-2020" if column.type in _NUMBERS_OF_THINGS else "HUB-2012"
        return Issue(rule, words={"form": kind.form}, code="value")
    if not kind.holds(cell):
        return Issue(kind.rule, words={"form": kind.form}, code="value")
    if column.low is not None and column.high is not None and not column.low <= Decimal(cell) <= column.high:
        return Issue("HUB-2014", words={"limit": f"{column.low}–{column.high}"}, code="value")
    return None
