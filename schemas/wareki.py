"""Era dates (和暦) into dates and back, and the periods that people write in words: `R7.10.1～R8.9.30`.

Eras are read from `data/eras.csv`. A date of one era is never read as one of the next: 平成31年5月1日 is no day.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from schemas.errors import BadValue

_GREGORIAN = date(1873, 1, 1)
"""First day of the solar calendar in Japan (明治5年太政官布告第337号): earlier era dates are lunar."""
_YEARS = 99
"""An era's year is written with two digits."""
_COMPACT = re.compile(r"([MTSHR])([0-9]{2})([0-9]{2})([0-9]{2})")
_DAY = re.compile(
    r"(?P<era>明治|大正|昭和|平成|令和|[MTSHR])?(?P<year>元|[0-9]{1,4})(?:年|[./-])(?P<month>[0-9]{1,2})(?:(?:月|[./-])(?P<day>[0-9]{1,2})日?|月)?"
)
_FOLD = str.maketrans("〜−—–ー", "~----")


@dataclass(frozen=True, slots=True)
class Era:
    """An era with its first and last day, both inclusive; `last` is None for the one that goes on."""

    letter: str
    kanji: str
    first: date
    last: date | None


@cache
def eras() -> tuple[Era, ...]:
    """Give the eras, oldest first."""
    rows = csv.DictReader(files("schemas").joinpath("data/eras.csv").read_text(encoding="utf-8").splitlines())
    return tuple(
        Era(r["letter"], r["kanji"], date.fromisoformat(r["first"]), date.fromisoformat(r["last"]) if r["last"] else None) for r in rows
    )


def from_wareki(text: str, *, where: str) -> date:
    """Read `R080401` (era letter, then year, month and day, two digits each).

    Raises BadValue at `where` when there is no such day in that era (H310501 is refused), and for lunar dates before 1873.
    """
    match = _COMPACT.fullmatch(text)
    found = _day(match[1], int(match[2]), int(match[3]), int(match[4])) if match else None
    if found is None:
        raise BadValue("HUB-2030", where=where)
    return found


def to_wareki(day: date, *, where: str) -> str:
    """Write a day as `R080401`. Raises BadValue at `where` before 1873 and beyond the 99th year of an era."""
    era = next((e for e in reversed(eras()) if e.first <= day), None)
    year = day.year - era.first.year + 1 if era else 0
    if era is None or day < _GREGORIAN or year > _YEARS:
        raise BadValue("HUB-2030", where=where)
    return f"{era.letter}{year:02}{day.month:02}{day.day:02}"


def _day(era_name: str, year: int, month: int, day: int) -> date | None:
    era = next(e for e in eras() if era_name in {e.letter, e.kanji})
    try:
        found = date(era.first.year + year - 1, month, day)
    except ValueError:
        return None
    inside = max(era.first, _GREGORIAN) <= found and (era.last is None or found <= era.last)
    return found if inside and 0 < year <= _YEARS else None


@dataclass(frozen=True, slots=True)
class WrittenPeriod:
    """A period as FHIR dates; each end may stop at the month (`2026-03`) or be open (empty). One of the two is there."""

    start: str
    end: str


def written_period(text: str) -> WrittenPeriod | None:
    """Read a period that somebody wrote: `R7.10.1～R8.9.30`, `R7/10/1〜`, `令和7年10月から`, `2025.10.1～2026.3.31`.

    None when it is anything else, which is normal: such a text is kept as a text. Nothing is guessed: an end without an era after a start
    with one (`R7.10.1～8.9.30`) is not read, nor is a period that ends before it begins.
    """
    folded = "".join(unicodedata.normalize("NFKC", text).translate(_FOLD).split())
    return _until(folded) or _between(folded)


def _between(folded: str) -> WrittenPeriod | None:
    first = _DAY.match(folded)
    start = _written(first) if first else None
    if first is None or start is None:
        return None
    rest = folded[first.end() :]
    for sign in ("から", "~", "-"):
        if rest.startswith(sign):
            rest = rest[len(sign) :]
            break
    else:
        return None
    if not rest:
        return WrittenPeriod(start, "")
    end = _end(rest)
    return WrittenPeriod(start, end) if end and start[:7] <= end[:7] and (len(start) != len(end) or start <= end) else None


def _until(folded: str) -> WrittenPeriod | None:
    """Read a period with an open beginning: `～R8.3.31`, `令和8年3月31日まで`."""
    if not (folded.startswith("~") or folded.endswith("まで")):
        return None
    end = _end(folded.removeprefix("~"))
    return WrittenPeriod("", end) if end else None


def _end(text: str) -> str | None:
    match = _DAY.fullmatch(text.removesuffix("まで"))
    return _written(match) if match else None


def _written(match: re.Match[str]) -> str | None:
    year = 1 if match["year"] == "元" else int(match["year"])
    month = int(match["month"])
    if not match["era"]:
        if len(match["year"]) != 4:
            return None
    elif (whole := _day(match["era"], year, month, int(match["day"] or 0) or _any_day(match["era"], year, month))) is None:
        return None
    else:
        year = whole.year
    try:
        written = date(year, month, int(match["day"] or 1))
    except ValueError:
        return None
    return written.isoformat() if match["day"] else written.isoformat()[:7]


def _any_day(era_name: str, year: int, month: int) -> int:
    """Give a day of the month that lies in the era, where only the month is written: 平成31年4月, 令和元年5月, 昭和64年1月."""
    return next((d for d in (1, 10, 28) if _day(era_name, year, month, d) is not None), 1)
