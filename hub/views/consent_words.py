"""What a consent says, in plain words: who may see what of whom, for what, until when, and who said so. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from consent.rules import CONFIRMATION, Directive, Rule
from hub.views.ages import JST
from hub.views.audit_tables import keyed, words
from hub.views.shapes import Office

_LEVELS = {"U": "制限なし", "L": "軽い", "M": "中ぐらい", "N": "ふつう", "R": "慎重に扱うもの", "V": "とくに慎重に扱うもの"}


@dataclass(frozen=True, slots=True)
class Said:
    """One version of a consent in words. `lines` are (label, text); `rules` the exceptions inside it, each in one sentence."""

    consent: str
    version: int
    head: str
    """`共有に同意`, `共有を断る`, `この仕組みを使わない`, `受診時の確認`, `読み取れない`."""
    lines: tuple[tuple[str, str], ...]
    rules: tuple[str, ...] = ()


def said(d: Directive, organizations: Mapping[str, Office], people: Mapping[str, str]) -> Said:
    """Put a consent into words. `people` are names of registered users by id."""
    if not d.readable:
        return Said(d.consent, d.version, "読み取れない同意書", (("効き目", "読み取れない間は、何も見せません"),))
    if d.policy_uri == CONFIRMATION:
        return _confirmed(d, organizations, people)
    head = "この仕組みを使わない" if d.hub_refused else "共有に同意" if d.root.effect == "permit" else "共有を断る"
    names = _Names(organizations, people)
    lines = [
        ("だれの記録", names.custodians(d)),
        ("だれに", names.recipients(d.root) or "制限なし（参加するすべての組織）"),
        ("何のために", "、".join(words("purposes", p) for p in sorted(d.root.purposes)) or "目的を問わない"),
        ("何を", names.what(d.root) or "すべての種類"),
        ("いつまで", until(d.root.ends)),
        ("だれが、いつ", f"{_by(d)}、{d.at.astimezone(JST):%Y-%m-%d}（{_word('form', d.form)}）"),
        ("緊急のとき", _word("emergency", d.emergency)),
    ]
    if d.status != "active":
        lines.insert(0, ("状態", "取り下げられている"))
    return Said(d.consent, d.version, head, tuple(lines), tuple(_exceptions(d.root, names)))


def _confirmed(d: Directive, organizations: Mapping[str, Office], people: Mapping[str, str]) -> Said:
    """Put a receiver's confirmation at the visit into words: its policy gives it its meaning, not its provision."""
    at = d.at.astimezone(JST)
    lines = [
        ("だれに", _Names(organizations, people).office(d.custodian)),
        ("だれの記録", "目的を掲示している、ほかの組織の記録"),
        ("何のために", "掲示された目的"),
        ("何を", "役割に応じた、ふつうの情報まで"),
        ("ご本人の同意", f"{at:%Y-%m-%d %H:%M}（{_word('form', d.form)}）"),
        ("確かめた人", people.get(d.confirmed_by, d.confirmed_by)),
    ]
    if d.status != "active":
        lines.insert(0, ("状態", "取り消されている"))
    return Said(d.consent, d.version, "受診時の確認", tuple(lines))


def until(ends: datetime | None) -> str:
    """Say an exclusive end by the last day on which it holds: `2026-11-30 まで`."""
    if ends is None:
        return "期限なし"
    last = ends.astimezone(JST) - timedelta(milliseconds=1)
    whole = (last + timedelta(milliseconds=1)).time() == datetime.min.time()
    return f"{last:%Y-%m-%d} まで" if whole else f"{ends.astimezone(JST):%Y-%m-%d %H:%M} まで"


def tells(d: Directive) -> str:
    """Say whom to talk to about a consent: the person, or who speaks for them."""
    return f"{_word('proxy', d.proxy)}（代理）" if d.proxy else "本人"


def _by(d: Directive) -> str:
    return "本人" if not d.proxy else f"{_word('proxy', d.proxy)}（{'権限を確かめた' if d.proxy_verified else '権限は未確認'}）"


def _word(kind: str, code: str) -> str:
    row = keyed("consent_words", "set", "code").get((kind, code))
    return row["ja"] if row else code


def _exceptions(rule: Rule, names: _Names) -> Iterator[str]:
    for one in rule.rules:
        verb = "には見せる" if one.effect == "permit" else "には見せない"
        whom = names.recipients(one) if one.recipients != rule.recipients else ""
        parts = [
            "、".join(words("purposes", p) for p in sorted(one.purposes)) if one.purposes != rule.purposes else "",
            names.what(one) if (one.classes, one.codes, one.confidentiality, one.sensitivities) != (rule.classes, rule.codes, rule.confidentiality, rule.sensitivities) else "",
            until(one.ends) if one.ends != rule.ends else "",
        ]  # fmt: skip
        more = "、".join(filter(None, parts))
        yield f"ただし、{whom or 'この範囲'}{verb}{f'（{more}）' if more else ''}"
        yield from _exceptions(one, names)


@dataclass(frozen=True, slots=True)
class _Names:
    organizations: Mapping[str, Office]
    people: Mapping[str, str]

    def office(self, code: str) -> str:
        return self.organizations[code].name if code in self.organizations else code

    def custodians(self, d: Directive) -> str:
        if d.root.custodians:
            return "、".join(self.office(code) for code in sorted(d.root.custodians))
        return f"{self.office(d.controller)} の記録" if d.controller in self.organizations else "参加するすべての組織の記録"

    def recipients(self, rule: Rule) -> str:
        return "、".join(self._recipient(one) for one in sorted(rule.recipients))

    def _recipient(self, reference: str) -> str:
        kind, _, name = reference.partition("/")
        if kind == "Organization":
            return self.office(name)
        return f"{self.people.get(name, name)} さん" if kind == "Practitioner" else reference

    def what(self, rule: Rule) -> str:
        kinds = "、".join(words("types", one) for one in sorted(rule.classes))
        codes = f"コード {len(rule.codes)}種類" if rule.codes else ""
        level = f"機微の区分「{_LEVELS[rule.confidentiality]}」{'まで' if rule.bound == 'at-most' else '以上'}" if rule.bound else ""
        marked = f"機微の印 {'、'.join(sorted(rule.sensitivities))}" if rule.sensitivities else ""
        days = f"{_day(rule.days.first)}〜{_day(rule.days.last)} の記録" if rule.days else ""
        return "、".join(filter(None, (kinds, codes, level, marked, days)))


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""
