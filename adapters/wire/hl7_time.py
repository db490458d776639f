"""HL7 v2 time stamps (TS, DTM, DT) as Japanese senders write them: partial, with hours beyond 24, fractions with and without their dot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal

from schemas.errors import BadValue

JST = timezone(timedelta(hours=9), "JST")
"""TS carries no zone in SS-MIX2: +09:00 (hospital facts §2.1). Japan has had no summer time since 1951."""
_FORM = re.compile(
    "(?P<year>[0-9]{4})(?P<month>[0-9]{2})?(?P<day>[0-9]{2})?(?P<hour>[0-9]{2})?(?P<minute>[0-9]{2})?(?P<second>[0-9]{2})?"
    r"(?:(?P<dot>\.)?(?P<fraction>[0-9]{1,6}))?(?P<zone>[+-][0-9]{4})?"
)
_LAST_HOUR = 47

Precision = Literal["year", "month", "day", "minute", "second"]


@dataclass(frozen=True, slots=True)
class Stamp:
    """A point in time, or the first instant of the year, month, day or minute that was written. `late`: the hour was 24 to 47."""

    at: datetime
    precision: Precision
    late: bool = False

    @property
    def date(self) -> str:
        """Give a FHIR date, as partial as it was written."""
        return self.iso[: {"year": 4, "month": 7}.get(self.precision, 10)]

    @property
    def fhir(self) -> str:
        """Give a FHIR dateTime: with a time only if one was written; seconds that were not written are zero (R4 §2.24.0.1)."""
        return self.iso if self.precision in {"minute", "second"} else self.date

    @property
    def iso(self) -> str:
        """Give ISO 8601 with +09:00, whatever the precision; fractions only when they were written."""
        return self.at.isoformat()


def read_stamp(text: str, *, where: str) -> Stamp:
    """Read YYYY[MM[DD[HH[MM[SS[.S…]]]]]][+ZZZZ]; month or day `00` leaves the rest unsaid.

    Fourteen digits may be followed by a fraction without its dot. Raises BadValue at `where` for any other text and for days that no
    calendar has.
    """
    found = _FORM.fullmatch(text)
    if not found or (found["fraction"] and not found["minute" if found["dot"] else "second"]):
        raise BadValue("HUB-1015", where=where)
    try:
        return _stamp(found)
    except (ValueError, OverflowError) as error:
        raise BadValue("HUB-1015", where=where) from error


def _stamp(found: re.Match[str]) -> Stamp:
    year, month, day, hour, minute, second = (int(part) if part else 0 for part in found.groups()[:6])
    if not month or not day or found["hour"] is None:
        precision: Precision = "day" if month and day else "month" if month else "year"
        return Stamp(datetime(year, month or 1, (day or 1) if month else 1, tzinfo=JST), precision)
    if hour > _LAST_HOUR:
        raise ValueError
    fraction = int((found["fraction"] or "").ljust(6, "0"))
    begun = datetime(year, month, day, hour % 24, minute, second, fraction, tzinfo=_zone(found["zone"]))
    at = (begun + timedelta(days=hour // 24)).astimezone(JST)
    return Stamp(at, "second" if found["second"] else "minute", late=hour > 23)


def _zone(text: str | None) -> timezone:
    if not text:
        return JST
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:]))
    return timezone(-offset if text[0] == "-" else offset)
