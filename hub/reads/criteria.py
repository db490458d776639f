"""What a search asks for: which parameters are offered, and their values read once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files

import orjson

from schemas.errors import BadInput, BadValue, Issue
from schemas.fhir.facts import JST, days_of

DEFAULT_COUNT, MAX_COUNT = 50, 200
OFFERED = ("_id", "identifier", "patient", "_lastUpdated")
"""Search parameters that every type has (`patient` where the type is about a person)."""
NEVER = frozenset({
    "_has", "_include", "_revinclude", "_filter", "_query", "_list", "_text", "_content", "_contained", "_containedType", "_type", "_score",
})  # fmt: skip
"""What is not offered and is never passed over: each would be answered from other records than those that are asked for, or say more of them."""
_RESULT = frozenset({"_count", "_format", "_pretty", "_summary", "_total", "_totalMethod", "_page"})
_DATE = re.compile(
    r"(eq|ge|gt|le|lt|ne|sa|eb)?(\d{4}(?:-\d{2}(?:-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(?:Z|[+\- ]\d{2}:\d{2})?)?)?)?)", re.ASCII
)
"""Prefix, date; inside it the time, its seconds, their fraction. An unescaped + comes as a blank."""


@cache
def _personal() -> frozenset[str]:
    return frozenset(orjson.loads(files("schemas").joinpath("data/fhir/compartments.json").read_bytes())["about"])


def offers(kind: str, name: str) -> bool:
    """Say whether a type has a search parameter."""
    return name in OFFERED and (name != "patient" or kind in _personal())


def sorted_out(kind: str, params: Sequence[tuple[str, str]], *, strict: bool) -> tuple[list[tuple[str, str]], tuple[Issue, ...]]:
    """Part parameters into those that are searched by and a warning of those that are not offered; results' own are left out.

    Raises BadValue for a modifier: to ignore one would find something else than was asked (R4 search §3.1.1.2.2). Raises BadInput for what
    is not offered when `strict`, and always for what is in NEVER and for a chain (`subject.name`).
    """
    used = []
    unknown = False
    for name, value in params:
        plain, colon, _ = name.partition(":")
        if plain in NEVER or "." in name:
            raise BadInput(issues=[Issue("HUB-5143", plain if plain in NEVER else "", code="not-supported")])
        if not offers(kind, plain):
            unknown = unknown or plain not in _RESULT
        elif colon and (plain, name) != ("patient", "patient:Patient"):
            raise BadValue("HUB-4086", where=plain)
        else:
            used.append((plain, value))
    if unknown and strict:
        raise BadInput(issues=[Issue("HUB-4081", code="not-supported")])
    # the name came from the client and is not repeated
    return used, (Issue("HUB-4081", code="not-supported", severity="warning"),) if unknown else ()


def page_size(params: Sequence[tuple[str, str]]) -> int:
    """Give the most resources of a page; raise BadValue for what is no number."""
    text = dict(params).get("_count", str(DEFAULT_COUNT))
    if not text.isascii() or not text.isdigit():
        raise BadValue("HUB-4082", where="_count")
    return min(int(text[:6]), MAX_COUNT)


@dataclass(frozen=True, slots=True)
class Span:
    """A value of `_lastUpdated`: `ge2026-11-25` (R4 search §3.1.1.4.5). A day is a day in Japan; `ends` is exclusive."""

    prefix: str
    begins: datetime
    ends: datetime

    @classmethod
    def read(cls, value: str) -> Span:
        """Read it; raise BadValue for what is no date or has a prefix that is not offered."""
        match = _DATE.fullmatch(value)
        if match is None:
            raise BadValue("HUB-4083", where="_lastUpdated")
        try:
            return cls(match[1] or "eq", *(_moment(match) if match[3] else _days(match[2])))
        except (ValueError, OverflowError) as fault:
            raise BadValue("HUB-4083", where="_lastUpdated") from fault

    def holds(self, updated: int) -> bool:
        """Judge a time of the log (milliseconds)."""
        at = datetime.fromtimestamp(updated / 1000, UTC)
        match self.prefix:
            case "gt" | "sa":
                return at >= self.ends
            case "ge":
                return at >= self.begins
            case "lt" | "eb":
                return at < self.begins
            case "le":
                return at < self.ends
            case "ne":
                return not self.begins <= at < self.ends
            case _:
                return self.begins <= at < self.ends


def _moment(match: re.Match[str]) -> tuple[datetime, datetime]:
    at = datetime.fromisoformat(match[2].replace(" ", "+"))
    if at.tzinfo is None:
        at = at.replace(tzinfo=JST)
    width = timedelta(milliseconds=1) if match[5] else timedelta(seconds=1) if match[4] else timedelta(minutes=1)
    return at.astimezone(UTC), at.astimezone(UTC) + width


def _days(text: str) -> tuple[datetime, datetime]:
    first, last = days_of(text)
    if first is None or last is None:
        raise ValueError
    begins = datetime(first.year, first.month, first.day, tzinfo=JST)
    return begins, datetime(last.year, last.month, last.day, tzinfo=JST) + timedelta(days=1)
