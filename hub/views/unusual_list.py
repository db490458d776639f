"""気になるアクセス as the officer reads it: the rule in words, who, when, how much against what is usual, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.views.ages import JST
from hub.views.shapes import Chip, Office
from hub.views.unusual import Rule, rule_of

STATES: Mapping[str, Chip] = {
    "open": Chip("確認待ち", "warn"), "explained": Chip("わけを確認", "good"), "breach": Chip("漏えいの疑い", "danger"),
}  # fmt: skip
_UNITS = {
    "after-discharge": "日", "glass-day": "回", "denials-hour": "回", "denials-program-hour": "回", "surname": "", "colleague": "", "self": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class UnusualLine:
    """One finding in words."""

    reference: str
    at: datetime
    what: str
    rule: str
    """Id and edition of the rule: `bulk-hour 2026-04-01`."""
    who: str
    organization: str
    user: str
    code: str
    when: str
    much: str
    """`63人（ふだん 4人、規則 60人から）`; empty where one look is all."""
    person: str
    pseudonym: str
    state: Chip
    check: str


def line(
    *, reference: str, at: datetime, rule: str, edition: str, organization: str, user: str, since: datetime, until: datetime, number: int,
    usual: int, bound: int, person: str, pseudonym: str, status: str, organizations: Mapping[str, Office], people: Mapping[str, str],
) -> UnusualLine:  # fmt: skip
    """Put one finding into words."""
    held = rule_of(rule, edition)
    name = organizations[organization].name if organization in organizations else f"登録のない組織 {organization}"
    who = people.get(user, f"登録のない利用者 {user}") if user else f"{name} アプリ"
    return UnusualLine(
        reference, at.astimezone(JST), held.words if held else rule, f"{rule} {edition}", who, name, user, organization, _when(since, until),
        _much(rule, number, usual, bound), person, pseudonym, STATES[status], held.check if held else "",
    )  # fmt: skip


def _when(since: datetime, until: datetime) -> str:
    """Say a stretch of time in Tokyo; one of less than a second is an instant."""
    first, last = since.astimezone(JST), until.astimezone(JST)
    if last - first < timedelta(seconds=1):
        return f"{first:%Y-%m-%d %H:%M:%S}"
    if last - first <= timedelta(hours=1):
        return f"{first:%Y-%m-%d %H:%M}〜{last:%H:%M}"
    return f"{first:%Y-%m-%d} の一日"


def _much(rule: str, number: int, usual: int, bound: int) -> str:
    unit = _UNITS.get(rule, "人")
    if not unit:
        return ""
    often = f"ふだん {usual:,}{unit}、" if usual else ""
    return f"{number:,}{unit}（{often}規則は {bound:,}{unit}から）"


def stated(rules: Sequence[Rule]) -> list[tuple[str, str, str]]:
    """State the rules that hold: (id, words, numbers)."""
    told = []
    for rule in rules:
        unit = _UNITS.get(rule.id, "人")
        numbers = [f"{rule.bound:,}{unit}から"] if unit else ["一度でも"]
        if rule.least:
            numbers.append(f"または {rule.least:,}{unit}から、{rule.days}日間の自分の中央値の {rule.times}倍をこえたとき")
        told.append((rule.id, rule.words, "、".join(numbers)))
    return told
