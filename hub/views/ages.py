"""How old something is, in words: `12日前`, `1年2か月前`; how old a person is; when a line is too old to be trusted unseen.

FHIR dates may stop at the year or the month; such a date stays partial and is said as it is. All reckoning is in Asia/Tokyo, which has
had no other offset than +09:00 since 1952.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Literal

from hub.views.emergency_tables import keyed, rows

JST = timezone(timedelta(hours=9), "JST")
Precision = Literal["year", "month", "day", "time"]
_FHIR = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(T.+)?)?)?")
_LONG = 3
"""From so many years on, months say nothing more."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A FHIR date or dateTime: its first instant (Asia/Tokyo), and how much of it the source gave."""

    start: datetime
    precision: Precision


def moment(text: object) -> Moment | None:
    """Read a FHIR date, dateTime or instant; None for anything else. Without a zone the time is taken as +09:00."""
    return _moment(text) if text and isinstance(text, str) else None


@lru_cache(16_384)  # bare dates, by which nobody is known; a page reads each of them many times
def _moment(text: str) -> Moment | None:
    matched = _FHIR.fullmatch(text)
    if matched is None:
        return None
    year, month, day, clock = matched.groups()
    try:
        if clock:
            at = datetime.fromisoformat(text)
            return Moment(at.astimezone(JST) if at.tzinfo else at.replace(tzinfo=JST), "time")
        start = datetime(int(year), int(month or 1), int(day or 1), tzinfo=JST)
    except (ValueError, OverflowError):
        return None
    return Moment(start, "day" if day else "month" if month else "year")


def relative(what: Moment, now: datetime) -> str:
    """Say how long ago: `12分前`, `3時間前`, `12日前`, `8か月前`, `1年2か月前`; what lies ahead or is partial by its date."""
    here = now.astimezone(JST)
    if what.precision == "year":
        return f"{what.start.year}年"
    if what.precision == "month":
        return f"{what.start.year}年{what.start.month}月"
    if what.precision == "time":
        seconds = (here - what.start).total_seconds()
        if seconds < -60:
            return f"{what.start:%Y-%m-%d %H:%M}"
        if seconds < 60:
            return "たった今"
        if seconds < 3600:
            return f"{int(seconds // 60)}分前"
        if seconds < 86400:
            return f"{int(seconds // 3600)}時間前"
    return _days(what.start.date(), here.date())


def _days(then: date, today: date) -> str:
    if then > today:
        return f"{then:%Y-%m-%d}"
    if then == today:
        return "今日"
    months = months_between(then, today)
    if months == 0:
        return f"{(today - then).days}日前"
    years, rest = divmod(months, 12)
    if years == 0:
        return f"{months}か月前"
    return f"{years}年{rest}か月前" if rest and years < _LONG else f"{years}年前"


def months_between(then: date, today: date) -> int:
    """Count the whole calendar months from `then` to `today` (not before it)."""
    return (today.year - then.year) * 12 + today.month - then.month - (today.day < then.day)


def is_old(kind: str, what: Moment | None, now: datetime) -> bool:
    """Say whether a line of this kind is older than its rule (ages.csv); what has no date is old where a rule exists.

    A partial date counts from its first day: better one warning too many.
    """
    days = keyed("ages", "kind")[kind]["days"]
    if not days:
        return False
    return what is None or (now.astimezone(JST).date() - what.start.date()).days > int(days)


def age(birth: Moment | None, now: datetime) -> int | None:
    """Give the full years at `now`; None unless the birth date is known to the day and not in the future."""
    if birth is None or birth.precision not in {"day", "time"}:
        return None
    today, born = now.astimezone(JST).date(), birth.start.date()
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return years if years >= 0 else None


def with_era(birth: Moment | None) -> str:
    """Write a birth date with its era (元号): `1942-03-08（昭和17）`; partial dates stay partial; empty when there is none."""
    if birth is None:
        return ""
    day = birth.start.date()
    if birth.precision == "year":
        return f"{day.year}年（日付は不明）"
    if birth.precision == "month":
        return f"{day.year}年{day.month}月（日は不明）"
    era = next((row for row in reversed(rows("eras")) if date.fromisoformat(row["first"]) <= day), None)
    if era is None:
        return f"{day:%Y-%m-%d}"
    year = day.year - date.fromisoformat(era["first"]).year + 1
    return f"{day.isoformat()}（{era['name']}{'元' if year == 1 else year}）"
