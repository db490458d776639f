"""The life of an emergency access (緊急開示) in dated numbers: lengths, limits, who is told when. Pure; consent-and-audit facts §7."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from functools import cache

import msgspec

from hub.views.ages import JST
from schemas.emergency_events import Receiver
from schemas.tables import Tables

_TABLES = Tables("hub", "views/data_breaking")
_MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds on a day. Minutes, hours and days as the names say."""

    reason_least: int
    notice_hours: int
    delay_days: int
    review_days: int
    openings_a_day: int
    wrong_codes: int
    wrong_minutes: int
    lock_minutes: int
    disaster_hours: int
    proposal_minutes: int

    @property
    def review(self) -> timedelta:
        """Give within what a session is reviewed."""
        return timedelta(days=self.review_days)


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who is told after how many days without a review."""

    days: int
    receiver: Receiver
    words: str


def rules(at: datetime) -> Rules:
    """Give what held at a moment; before the first day of the tables, what they begin with."""
    return _rules(at.astimezone(JST).date())


@cache
def _rules(day: date) -> Rules:
    return Rules(**{one.name: int(_newest(day, "rules", "name", one.name)["value"]) for one in fields(Rules)})


def _newest(day: date, table: str, column: str, value: str) -> dict[str, str]:
    rows = sorted((row for row in _TABLES.rows(table) if row[column] == value), key=lambda row: row["since"])
    begun = [row for row in rows if date.fromisoformat(row["since"]) <= day]
    return dict((begun or rows)[-1 if begun else 0])


def _in_force(at: datetime, table: str, column: str) -> list[dict[str, str]]:
    day = at.astimezone(JST).date()
    first = min(date.fromisoformat(row["since"]) for row in _TABLES.rows(table))
    names = dict.fromkeys(row[column] for row in _TABLES.rows(table) if date.fromisoformat(row["since"]) <= max(day, first))
    return [_newest(max(day, first), table, column, name) for name in names]


def escalations(at: datetime) -> tuple[Escalation, ...]:
    """Give who is to be told of a review that is late, by the table of a moment."""
    return tuple(
        Escalation(int(row["days"]), msgspec.convert(row["receiver"], Receiver), row["ja"])
        for row in _in_force(at, "escalations", "receiver")
    )


def identities(at: datetime) -> tuple[tuple[str, str], ...]:
    """Give the ways to have identified a person that may be named at a moment: (code, words)."""
    return tuple((row["code"], row["ja"]) for row in _in_force(at, "identity", "code"))


def identity_words(code: str) -> str:
    """Say how a person was identified; a code of another edition stands for itself."""
    return next((row["ja"] for row in reversed(_TABLES.rows("identity")) if row["code"] == code), code)


def state_words(receiver: str, why: str, state: str) -> str:
    """Say the true state of a notice."""
    return next(row["ja"] for row in _TABLES.rows("states") if (row["receiver"], row["why"], row["state"]) == (receiver, why, state))


def closing_words(how: str) -> str:
    """Say by what a session was closed; empty = it is open."""
    return _TABLES.keyed("closings", "how")[how]["ja"]


def class_words(name: str) -> str:
    """Say a class of data (S, C, K, F, D); one that is not known stands for itself."""
    row = _TABLES.keyed("classes", "class").get(name)
    return row["ja"] if row else name


def locked_until(wrong: Sequence[int], held: Rules) -> int:
    """Say until when (milliseconds) these wrong codes, newest first, lock their user out; 0 = they do not.

    So many within so many minutes lock for so many minutes after the last of them; what is tried meanwhile is not judged, and counts for nothing.
    """
    if len(wrong) < held.wrong_codes or wrong[0] - wrong[held.wrong_codes - 1] >= held.wrong_minutes * _MINUTE:
        return 0
    return wrong[0] + held.lock_minutes * _MINUTE
