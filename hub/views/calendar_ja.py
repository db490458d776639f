"""Days as an office counts them: open days, closed days (休業日), national holidays (国民の祝日) and how a day is written in Japanese."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cache

from hub.views.ages import JST
from hub.views.shapes import Office
from hub.views.stays_tables import rows

_WEEKDAYS = "月火水木金土日"


@cache
def holidays() -> Mapping[date, str]:
    """Give the national holidays and the days off in their place (振替休日), with their names (holidays.csv)."""
    return {date.fromisoformat(row["day"]): row["name"] for row in rows("holidays")}


def covered(day: date) -> bool:
    """Say whether the table of holidays reaches this day's year."""
    return min(holidays()).year <= day.year <= max(holidays()).year


def why_closed(office: Office, day: date) -> str:
    """Say why an office is closed on a day: `土曜日`, `祝日・スポーツの日`, `事業所の休業日`; empty when it is open."""
    if day in office.closed_days:
        return "事業所の休業日"
    if day.weekday() not in office.weekdays:
        return f"{_WEEKDAYS[day.weekday()]}曜日"
    if day in holidays() and not office.open_on_holidays:
        return f"祝日・{holidays()[day]}"
    return ""


def is_open(office: Office, day: date) -> bool:
    """Say whether an office works on a day, by its own rules of operation (運営規程)."""
    return not why_closed(office, day)


def clock(text: str) -> time | None:
    """Read `18:00`; None for `24:00` (never closes on its day) and for what is no time."""
    hours, _, minutes = text.partition(":")
    try:
        return time(int(hours), int(minutes or 0))
    except ValueError:
        return None


def midnight(day: date) -> datetime:
    """Give the first instant of a day in Tokyo."""
    return datetime(day.year, day.month, day.day, tzinfo=JST)


def end_of(day: date) -> datetime:
    """Give the instant at which a day in Tokyo is over: the next midnight, exclusive."""
    return midnight(day + timedelta(days=1))


def said(day: date, today: date | None = None) -> str:
    """Write a day with its weekday: `11-25（水）`; with the year when it is not the year of `today`."""
    year = f"{day.year}-" if today is not None and today.year != day.year else ""
    return f"{year}{day:%m-%d}（{_WEEKDAYS[day.weekday()]}）"
