"""The family and friends to call, in their order, and what is said when there is nobody: known to be none, or never asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hub.views.emergency_read import Shelf, aged, codings, ended, extension, has_code, number, said, text, walk
from hub.views.emergency_shapes import Call
from hub.views.emergency_tables import folded_word, keyed, plain
from hub.views.people import name
from hub.views.shapes import Chip, Known

_NOBODY = ("家族等なし", "身寄りなし", "身寄りがない", "緊急連絡先なし", "キーパーソンなし", "親族なし")
_KEY_PERSON = ("キーパーソン", "key person", "主介護者")
_AGENT = {"AGNT", "HPOWATT", "POWATT", "DPOWATT"}
NO_PHONE = "電話番号の記録なし"
_FAMILY_ORDER = 3
_LAST = 99


@dataclass(frozen=True, slots=True)
class Found:
    """A call with its place in the list (kind, rank, the rest) and what it is the same as."""

    order: tuple[int, int, str]
    key: str
    call: Call


def family(shelf: Shelf) -> Iterator[Found]:
    """Give RelatedPersons and Patient.contact by rank; who is inactive or past is left out."""
    for place, one in enumerate(shelf.of("RelatedPerson")):
        if any(flag is False for flag in walk(one.body, "active")) or ended(one, shelf.now):
            continue
        if name(one.body, "IDE") or relation_words(one.body) or phone(one.body):
            yield _relative(shelf, one, one.body, place=place)
    for one in shelf.of("Patient"):
        for place, contact in enumerate(walk(one.body, "contact")):
            if name(contact, "IDE") or relation_words(contact) or phone(contact):
                yield _relative(shelf, one, contact, place=50 + place)


def _relative(shelf: Shelf, one: Known, body: Any, *, place: int) -> Found:
    who, relation = name(body, "IDE"), relation_words(body)
    agent = any(code in _AGENT for concept in walk(body, "relationship") for _, code, _ in codings(concept)) or _named_agent(shelf, one)
    key_person = any(word in plain(relation) for word in map(plain, _KEY_PERSON)) or bool([*extension(body, ("key-person",))])
    chip = Chip("代弁者", "info") if agent else Chip("キーパーソン", "info") if key_person else None
    number_of = phone(body)
    remark = "（法的代理ではありません）" if agent else ""
    shown = " ".join(part for part in (relation, who) if part) + remark
    rank = _rank(body)
    call = Call(number_of, shown if number_of else f"{shown}（{NO_PHONE}）", chip, one.source, aged(one, shelf.now))
    return Found((_FAMILY_ORDER, rank, f"{place:03}"), plain(who or shown), call)


def relation_words(body: Any) -> str:
    """Say the relation to the person: the source's own word (長女), else the table's word for its code."""
    for concept in walk(body, "relationship"):
        told = text(concept, "text")
        if told:
            return told
        for _, code, display in codings(concept):
            if code in keyed("relations", "code"):
                return keyed("relations", "code")[code]["text"]
            if display:
                return display
    return ""


def _rank(body: Any) -> int:
    for one in extension(body, ("rank", "call-order", "contact-rank", "related-rank")):
        for path in ("valueInteger", "valuePositiveInt", "valueUnsignedInt"):
            if told := number(one, path):
                return int(float(told))
    return min((n for n in walk(body, "telecom.rank") if isinstance(n, int)), default=_LAST)


def _named_agent(shelf: Shelf, one: Known) -> bool:
    """Say whether a Consent on medical wishes names this person as agent (provision.actor)."""
    for consent in shelf.of("Consent"):
        if text(consent.body, "status") != "active" or not has_code(consent.body, "scope", "adr"):
            continue
        for actor in walk(consent.body, "provision.actor"):
            if has_code(actor, "role", *_AGENT) and shelf.find(next(walk(actor, "reference"), None), consent) is one:
                return True
    return False


def phone(body: Any) -> str:
    """Give the telephone number to try first: by rank, mobile before home before others; no fax, no old one."""
    numbers = [
        one for one in walk(body, "telecom")
        if isinstance(one, dict) and text(one, "system") in {"phone", "sms", ""} and text(one, "use") != "old" and text(one, "value")
    ]  # fmt: skip
    uses = {"mobile": 0, "home": 1, "work": 2}

    def order(one: Any) -> tuple[float, int]:
        rank = number(one, "rank")
        return (float(rank) if rank else _LAST, uses.get(text(one, "use"), 3))

    return text(min(numbers, key=order), "value") if numbers else ""


def nobody(shelf: Shelf) -> str:
    """Tell 「家族等なし」, which somebody has found out, from 「未確認」, which nobody has."""
    for one in shelf.of("Observation", "Flag", "RelatedPerson", "QuestionnaireResponse"):
        told = plain(f"{said(one.body, 'code')}{text(one.body, 'valueString')}{said(one.body, 'valueCodeableConcept')}")
        if any(folded_word(word) in told for word in _NOBODY) or has_code(one.body, "code", "no-family"):
            return f"家族等なし（確認 {aged(one, shelf.now)}・{one.source}）"
    return "家族・緊急連絡先：未確認"
