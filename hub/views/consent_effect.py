"""What a consent opens and what it closes, each in one short sentence that can be read to the person. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from consent.rules import CONFIRMATION, NOTHING, RESERVATION, Directive, Rule
from hub.views.ages import JST
from hub.views.audit_tables import words
from hub.views.consent_kinds import form_classes, groups_of
from hub.views.consent_words import until
from hub.views.shapes import Office

_EMERGENCY = frozenset({"ETREAT", "BTG"})


@dataclass(frozen=True, slots=True)
class Effect:
    """Sentences: who may see what from now on, and who may not."""

    opens: tuple[str, ...]
    closes: tuple[str, ...]


def effect(d: Directive, offices: Mapping[str, Office]) -> Effect:
    """Say what this version of a consent opens and closes, taken by itself."""
    if d.status != "active":
        return _over(d, offices)
    if not d.readable:
        return Effect((), ("この同意書は読み取れません。読み取れない間は、何も見せません。",))
    if d.policy_uri == CONFIRMATION:
        return _confirmed(d, offices)
    if d.policy_uri == RESERVATION:
        return Effect((), (f"{_whom(d.root, offices) or 'すべての組織'}には、はっきりした同意があるときだけ見せます。",))
    opens, closes = _permits(d, offices) if d.root.effect == "permit" else _denies(d, offices)
    if d.emergency == "permit":
        opens.append("緊急で答えられないとき、救急の医師が見ることに同意しています。")
    if d.emergency == "refuse":
        closes.append("緊急のときも、見せません。")
    if d.proxy and not d.proxy_verified:
        closes.append("代理の権限を確かめていないので、この同意書はまだ効きません。")
    return Effect(tuple(opens), tuple(closes))


def _over(d: Directive, offices: Mapping[str, Office]) -> Effect:
    """Say what a withdrawn one leaves: of a yes nothing; of a no, that it is no longer said, and so other consents count again."""
    if d.root.purposes and d.root.purposes <= _EMERGENCY:
        return Effect((), ("緊急のときについてのお答えは、取り消されています。",))
    if d.root.effect == "permit" or (d.root == NOTHING and not d.dialect):
        return Effect((), ("この同意書は取り下げられています。これによっては、だれにも見せません。",))
    if d.policy_uri == RESERVATION:
        return Effect((f"{_whom(d.root, offices) or 'すべての組織'}についての異議は、取り消されています。",), ())
    opens = f"{_whom(d.root, offices) or 'ほかのどの組織'}にも見せない、という届けは取り消されています。"
    return Effect((opens,), ("これだけでは、だれにも見せません。ほかの同意書があれば、それに従います。",))


def _confirmed(d: Directive, offices: Mapping[str, Office]) -> Effect:
    """Say what a receiver's confirmation at the visit opens: by itself nothing, where there is a posting and no objection the day's view."""
    name = offices[d.custodian].name if d.custodian in offices else d.custodian
    opens = f"{name}が、{d.at.astimezone(JST):%Y-%m-%d} の受診のために、目的を掲示しているほかの組織の記録を見られます。"
    return Effect(
        (opens,),
        (
            "この組織のほかには、何も見せません。",
            "慎重に扱う情報（R・V の印）は、見せません。",
            "同意書や、断る・異議があるというご本人の届けがあるところは、その届けに従います。",
        ),
    )


def _permits(d: Directive, offices: Mapping[str, Office]) -> tuple[list[str], list[str]]:
    root = d.root
    whom = _whom(root, offices) or "参加するすべての組織"
    what = "、".join(form_classes()[g][0] for g in groups_of(root.classes)) if root.classes else ""
    purposes = "・".join(words("purposes", p) for p in sorted(root.purposes))
    record = f"{offices[d.controller].name}の記録のうち、" if d.controller in offices else ""
    opens = [f"{whom}が、{purposes + 'のために、' if purposes else ''}{record}{what or '役割に応じた情報'}を見られます。"]
    opens.append(f"見られるのは、{_span(root)}です。" if root.ends or root.begins else "終わりの日はありません。いつでも取り下げられます。")
    closes = [f"{_whom(one, offices) or 'この範囲'}には、見せません。" for one in root.rules if one.effect == "deny"]
    opens += [f"{_whom(one, offices) or 'この範囲'}は、さらに見られます（{_level(one)}）。" for one in root.rules if one.effect == "permit"]
    closes.append(
        "とくに慎重に扱う情報（V の印）は、見せません。" if root.confidentiality == "R" else "慎重に扱う情報（R・V の印）は、見せません。"
    )
    if root.ends:
        closes.append("その日を過ぎると、この同意書では何も見せません。")
    if d.form == "oral":
        closes.append("口頭の同意だけなので、介護の目的では見せません（書面が要ります）。")
    return opens, closes


def _denies(d: Directive, offices: Mapping[str, Office]) -> tuple[list[str], list[str]]:
    whom = _whom(d.root, offices)
    purposes = "・".join(words("purposes", p) for p in sorted(d.root.purposes))
    closes = [f"{whom or 'ほかのどの組織'}にも、{purposes + 'のために' if purposes else ''}何も見せません。"]
    opens = ["記録を持つ組織の中では、これまでどおり使います。"]
    if d.hub_refused:
        closes.append("この仕組みに、新しい記録を預けません（同意書だけは預かります）。")
    opens += [f"ただし、{_whom(one, offices) or 'この範囲'}は見られます。" for one in d.root.rules if one.effect == "permit"]
    if d.root.ends:
        closes.append(f"これは、{until(d.root.ends)}です。")
    return opens, closes


def _whom(rule: Rule, offices: Mapping[str, Office]) -> str:
    codes = sorted(one.partition("/")[2] for one in rule.recipients)
    return "、".join(offices[code].name if code in offices else code for code in codes)


def _span(rule: Rule) -> str:
    begins = f"{rule.begins.astimezone(JST):%Y-%m-%d} から" if rule.begins else ""
    return f"{begins} {until(rule.ends) if rule.ends else '終わりの日なし'}".strip()


def _level(rule: Rule) -> str:
    return f"{rule.confidentiality} の印まで" if rule.confidentiality else "広い範囲"
