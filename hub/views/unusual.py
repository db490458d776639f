"""The stated rules of unusual access (`data_audit/unusual.csv`): which hold on a day, and when a number is unusual. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from statistics import median
from typing import Literal, cast

from hub.views.ages import JST
from hub.views.audit_tables import rows
from hub.views.calendar_ja import clock, is_open
from hub.views.shapes import Office

Window = Literal["hour", "day", "month"]
LEAST_HISTORY = 5
"""So many hours or days with any access have to lie before, else there is no usual number."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as it holds since a day. `bound` = unusual from this number on; `least`, `times` = or so many times the usual."""

    id: str
    edition: str
    who: Literal["user", "application"]
    window: Window
    least: int
    times: int
    bound: int
    days: int
    kinds: frozenset[str]
    words: str
    english: str
    check: str

    def unusual(self, number: int, usual: int) -> bool:
        """Say whether a number is one; `usual` 0 = not known."""
        return number >= self.bound or bool(self.least and usual and number >= self.least and number > self.times * usual)


@cache
def rules(day: date) -> dict[str, Rule]:
    """Give the rules that hold on a day, by id: of each its newest row that is not later."""
    found: dict[str, Rule] = {}
    for row in sorted(rows("unusual"), key=lambda r: r["since"]):
        if date.fromisoformat(row["since"]) <= day:
            found[row["rule"]] = Rule(
                row["rule"], row["since"], "user" if row["who"] == "user" else "application", cast("Window", row["window"]), int(row["least"]),
                int(row["times"]), int(row["bound"]), int(row["days"]), frozenset(filter(None, row["kinds"].split("|"))), row["ja"], row["en"],
                row["check"],
            )  # fmt: skip
    return found


def rule_of(rule: str, edition: str) -> Rule | None:
    """Give a rule as it was in an edition; None when the table lacks it."""
    found = rules(date.fromisoformat(edition)).get(rule)
    return found if found is not None and found.edition == edition else None


def window_of(at: datetime, window: Window) -> tuple[datetime, datetime]:
    """Give the hour, day or month in Tokyo that a moment lies in: its first instant and the first after it."""
    local = at.astimezone(JST)
    if window == "hour":
        begins = local.replace(minute=0, second=0, microsecond=0)
        return begins, begins + timedelta(hours=1)
    begins = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if window == "day":
        return begins, begins + timedelta(days=1)
    first = begins.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def usual(numbers: Sequence[int]) -> int:
    """Give the median of the numbers of earlier hours or days, rounded up; 0 when they are too few to be a habit."""
    return -int(-median(numbers) // 1) if len(numbers) >= LEAST_HISTORY else 0


def closed(office: Office, at: datetime) -> bool:
    """Say whether an office is closed at a moment, by its own rules of operation (運営規程)."""
    local = at.astimezone(JST)
    opens, closes = clock(office.opens), clock(office.closes)
    if not is_open(office, local.date()):
        return True
    now = local.time()
    return (opens is not None and now < opens) or (closes is not None and closes != time(0) and now >= closes)


def surname(name: str) -> str:
    """Give the surname of a registered name (`森 拓也`); empty where it cannot be told apart."""
    parts = name.split()
    return parts[0] if len(parts) > 1 else ""
