"""Dates of the synthetic region: all are told as distances from one moment, so that the region is always of today.

`-12d` = twelve days ago, a date; `-12d 10:05` = with a time (Asia/Tokyo); `+2d 10:00` = in two days; `-40m` = forty minutes ago;
`-7y` = the year seven years ago; `-8M` = the month eight months ago.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

JST = timezone(timedelta(hours=9), "JST")
_DAY = re.compile(r"([+-]\d+)d(?: (\d\d):(\d\d))?")
_MINUTES = re.compile(r"([+-]\d+)m")
_YEARS = re.compile(r"-(\d+)y")
_MONTHS = re.compile(r"-(\d+)M")


@dataclass(frozen=True, slots=True)
class Clock:
    """The moment from which all distances are told."""

    now: datetime

    def __post_init__(self) -> None:
        """Refuse a moment without a zone; keep it in Asia/Tokyo."""
        if self.now.tzinfo is None:
            raise ValueError("now must know its zone")
        object.__setattr__(self, "now", self.now.astimezone(JST).replace(microsecond=0))

    def at(self, text: str) -> datetime:
        """Give the instant that `-3d 10:05` or `-40m` means; raise ValueError for a distance without a time."""
        if matched := _MINUTES.fullmatch(text):
            return self.now + timedelta(minutes=int(matched[1]))
        matched = _DAY.fullmatch(text)
        if matched is None or matched[2] is None:
            raise ValueError(f"{text} tells no instant")
        day = self.day(text.split(maxsplit=1)[0])
        return datetime(day.year, day.month, day.day, int(matched[2]), int(matched[3]), tzinfo=JST)

    def day(self, text: str) -> date:
        """Give the day that `-12d` (with or without a time) or `-40m` means."""
        if matched := _DAY.fullmatch(text):
            return self.now.date() + timedelta(days=int(matched[1]))
        return self.at(text).date()

    def fhir(self, text: str) -> str:
        """Give a FHIR date or dateTime as precise as the distance: `2019`, `2026-03`, `2026-11-12`, `2026-11-12T10:05:00+09:00`."""
        if matched := _YEARS.fullmatch(text):
            return str(self.now.year - int(matched[1]))
        if matched := _MONTHS.fullmatch(text):
            months = self.now.year * 12 + self.now.month - 1 - int(matched[1])
            return f"{months // 12}-{months % 12 + 1:02}"
        if _MINUTES.fullmatch(text) or " " in text:
            return self.at(text).isoformat()
        return self.day(text).isoformat()

    def born(self, age: int, birthday: str) -> date:
        """Give the birth date of somebody of this age now; `birthday` is MM-DD (no 29 February)."""
        month, day = map(int, birthday.split("-"))
        passed = (self.now.month, self.now.day) >= (month, day)
        return date(self.now.year - age - (not passed), month, day)


def stamp(at: datetime, *, to: str = "second") -> str:
    """Write an instant as HL7 v2 does: `20261124233810`, to the `second`, `minute` or `day`."""
    return at.astimezone(JST).strftime({"second": "%Y%m%d%H%M%S", "minute": "%Y%m%d%H%M", "day": "%Y%m%d"}[to])
