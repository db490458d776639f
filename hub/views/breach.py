"""A suspected breach in words: the clocks of Art. 26, and what may have been seen by type of record. Pure; tables of dated data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hub.views.ages import JST
from hub.views.audit_tables import words
from schemas.tables import Tables

_tables = Tables("hub", "views/data_breach")
STEPS = {"closed": "終わり", "not-a-breach": "漏えいではないと確認"}
MANY = 1_000
"""More persons than these are reported whatever the data are (規則7条4号)."""


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that has to be done. `soft` = from when it is late by the guideline; `due` = by when at the latest; None = promptly."""

    step: str
    ja: str
    law: str
    soft: datetime | None
    due: datetime | None
    done: datetime | None
    state: str
    """done, overdue, soon (the guideline's first day has passed), waiting."""


def begins() -> datetime:
    """Give the moment from which there are clocks: nothing that was known before has any."""
    first = min(date.fromisoformat(row["since"]) for row in _tables.rows("clock"))
    return datetime(first.year, first.month, first.day, tzinfo=JST)


def clock(known: datetime, *, malicious: bool, done: Mapping[str, datetime], ended: bool, now: datetime) -> tuple[Due, ...]:
    """Give what has to be done and by when; after the end nothing is overdue any more."""
    rows = [row for row in _tables.rows("clock") if row["since"] <= known.astimezone(JST).date().isoformat()]
    return tuple(_due(row, known, malicious=malicious, done=done.get(row["step"]), ended=ended, now=now) for row in rows)


def _due(row: Mapping[str, str], known: datetime, *, malicious: bool, done: datetime | None, ended: bool, now: datetime) -> Due:
    due = _after(known, row["days_malicious"] if malicious else row["days"])
    soft = _after(known, row["soft_days"]) or due
    state = "done" if done is not None or ended else "waiting"
    if state == "waiting" and due is not None and now > due:
        state = "overdue"
    elif state == "waiting" and soft is not None and now > soft:
        state = "soon"
    return Due(row["step"], row["ja"], row["law"], soft, due, done, state)


def _after(known: datetime, days: str) -> datetime | None:
    return known + timedelta(days=int(days)) if days else None


def step_words(step: str) -> str:
    """Say a step in Japanese."""
    row = _tables.keyed("clock", "step").get(step)
    return row["ja"] if row else STEPS[step]


def elements(types: Iterable[str]) -> tuple[tuple[str, str, bool], ...]:
    """Say of types what a record holds: (type in words, its elements, whether it is 要配慮個人情報 as a rule). One that is not in the table counts as such."""
    found = []
    for kind in types:
        row = _tables.keyed("elements", "type").get(kind)
        found.append((words("types", kind), row["elements_ja"] if row else "内容の全部", row is None or row["special"] == "yes"))
    return tuple(found)


def questions() -> tuple[str, ...]:
    """Give what a human has to answer before the exemption for encrypted data is claimed."""
    return tuple(row["ja"] for row in _tables.rows("questions"))


def grounds(*, persons: int, special: bool, malicious: bool) -> tuple[str, ...]:
    """Say by which grounds a report is owed, as far as the record tells (規則7条)."""
    told = []
    if special and persons:
        told.append("要配慮個人情報が含まれる（一人でも対象）")
    if malicious:
        told.append("不正の目的のおそれがある")
    if persons > MANY:
        told.append("1,000人を超える")
    return tuple(told)
