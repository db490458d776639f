"""FHIR dates and times of a consent as instants and days. A date alone is a day in Asia/Tokyo; its end is inclusive."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta, timezone

from consent.rules import Days
from schemas.errors import BadValue, BrokenRule

TOKYO = timezone(timedelta(hours=9), "JST")
_TEXT = re.compile(
    r"(?P<year>[0-9]{4})(-(?P<month>[0-9]{2})(-(?P<day>[0-9]{2})"
    r"(T(?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(\.(?P<fraction>[0-9]+))?(?P<zone>Z|[+-][0-9]{2}:[0-9]{2}))?)?)?"
)


def span(text: str, where: str) -> tuple[datetime, datetime]:
    """Give the first instant of what the text names and the first one after it, in UTC.

    A leap second (`:60`) counts as the last second before the next minute. Raises BadValue when it is no FHIR dateTime.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise BadValue("HUB-3001", where=where)
    try:
        if match["time"] is None:
            return midnight(_days(match)[0]), midnight(_days(match)[1])
        leap = match["time"].endswith(":60")
        clock = match["time"][:-2] + "59" if leap else match["time"]
        micro = (match["fraction"] or "")[:6]
        instant = datetime.fromisoformat(f"{text[:10]}T{clock}.{micro.ljust(6, '0')}{match['zone']}").astimezone(UTC)
        after = instant + timedelta(microseconds=10 ** (6 - len(micro)))
        _ = after + timedelta(days=2)  # the calendar ends with 9999: what leaves no room for the next day is no date to reckon with
    except (ValueError, OverflowError) as fault:
        raise BadValue("HUB-3001", where=where) from fault
    return instant, after


def _days(match: re.Match[str]) -> tuple[date, date]:
    year = int(match["year"])
    if match["month"] is None:
        return date(year, 1, 1), date(year + 1, 1, 1)
    month = int(match["month"])
    if match["day"] is None:
        first = date(year, month, 1)
        return first, first + timedelta(days=monthrange(year, month)[1])
    day = date(year, month, int(match["day"]))
    return day, day + timedelta(days=1)


def midnight(day: date) -> datetime:
    """Give the first instant of a day of Asia/Tokyo, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=TOKYO).astimezone(UTC)


def tokyo_day(at: datetime) -> date:
    """Give the day in Asia/Tokyo."""
    return at.astimezone(TOKYO).date()


def months_later(day: date, months: int) -> date:
    """Give the same day so many months later; the last of the month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def period(value: dict[str, str], where: str) -> tuple[datetime | None, datetime | None]:
    """Give the first instant and the first one after the end; None = open. Raises BrokenRule when it ends before it begins."""
    begins = span(value["start"], f"{where}.start")[0] if "start" in value else None
    ends = span(value["end"], f"{where}.end")[1] if "end" in value else None
    if begins is not None and ends is not None and begins >= ends:
        raise BrokenRule("HUB-3002", where=where)
    return begins, ends


def days(value: dict[str, str], where: str) -> Days:
    """Give a data period as days of Asia/Tokyo."""
    begins, ends = period(value, where)
    first = outer_first = last = outer_last = None
    if begins is not None:
        local = begins.astimezone(TOKYO)
        outer_first = local.date()
        first = outer_first if _is_midnight(local) else outer_first + timedelta(days=1)
    if ends is not None:
        local = ends.astimezone(TOKYO)
        last = local.date() - timedelta(days=1)
        outer_last = last if _is_midnight(local) else local.date()
    return Days(first, last, outer_first, outer_last)


def _is_midnight(local: datetime) -> bool:
    return (local.hour, local.minute, local.second, local.microsecond) == (0, 0, 0, 0)
