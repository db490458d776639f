"""One end of a consent as the officer reads it: when, how soon, what it says, whom to tell. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from consent.rules import Directive
from hub.views.ages import JST
from hub.views.consent_words import said, tells, until
from hub.views.shapes import Office

_WHAT = {"consent": "同意の期限", "power": "代理の権限の期限", "capacity": "判断能力の見直し日"}


@dataclass(frozen=True, slots=True)
class ExpiryLine:
    """One line of the work list."""

    until: str
    left: str
    what: str
    person: str
    pseudonym: str
    followed: bool
    head: str
    says: str
    tell: str
    custodian: str


def line(
    *, what: str, ends: datetime, now: datetime, person: str, pseudonym: str, directive: Directive | None, followed: bool, custodian: str,
    organizations: Mapping[str, Office], people: Mapping[str, str],
) -> ExpiryLine:  # fmt: skip
    """Put one end into words."""
    if what == "capacity":
        text = "この日をすぎると、「本人は決められない」という所見は使えず、法定の権限のないご家族の同意も効きません"
        return ExpiryLine(
            until(ends),
            left(ends, now),
            _WHAT[what],
            person,
            pseudonym,
            followed,
            "本人は決められないという所見",
            text,
            "所見を書いた方",
            custodian,
        )
    words = said(directive, organizations, people) if directive else None
    lines = dict(words.lines) if words else {}
    says = "　".join(f"{name}：{lines[name]}" for name in ("だれに", "何のために", "何を") if name in lines)
    return ExpiryLine(
        until(ends), left(ends, now), _WHAT[what], person, pseudonym, followed, words.head if words else "内容は消去されています", says,
        tells(directive) if directive else "", custodian,
    )  # fmt: skip


def left(ends: datetime, now: datetime) -> str:
    """Say how soon an end comes, by days of the calendar in Tokyo: `あと12日`, `きょうまで`, `3日前に切れた`."""
    last = (ends.astimezone(JST) - timedelta(milliseconds=1)).date()
    days = (last - now.astimezone(JST).date()).days
    if ends <= now:
        return f"{-days}日前に切れた" if days < 0 else "きょう切れた"
    return f"あと{days}日" if days else "きょうまで"
