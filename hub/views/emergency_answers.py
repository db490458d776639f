"""Reads single answers on treatments out of Consents, Observations and directive orders: 希望する, 希望しない, 場合による, 未確認."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hub.views.emergency_read import coded, codings, extension, has_code, reference, said, text, walk, when, words
from hub.views.emergency_tables import folded_word, keyed, plain, rows
from hub.views.shapes import Known

REFUSED = "希望しない"
_ANSWER = ("acp-answer", "wish-answer")
_DEEPEST = 8
_SHORT = 16
_TELLING = 4


@dataclass(frozen=True, slots=True)
class Said:
    """One answer of one statement. `remark` are the source's own words where they fit no answer."""

    row: Mapping[str, str]
    wanted: str
    known: Known
    remark: str = ""


def treatment(concept: Any) -> Mapping[str, str] | None:
    """Find a concept among the treatments: by code, else by its words."""
    found = coded(concept, "wish_treatments")
    if found is not None:
        return found
    told = plain(words(concept)) if concept is not None else ""
    return next((row for row in rows("wish_treatments") if row["system"] == "text" and folded_word(row["code"]) in told), None)


def answers_of(one: Known) -> Iterator[Said]:
    """Give the answers that a statement holds. A Consent of category dnr without provisions refuses resuscitation at cardiac arrest."""
    if one.type == "Consent":
        provision = next(walk(one.body, "provision"), None)
        found = list(_provisions(one, provision, "", 0))
        if not found and has_code(one.body, "category", "dnr"):
            found = [Said(keyed("wish_treatments", "code")["cpr"], REFUSED, one)]
        yield from found
    elif one.type == "Observation":
        for part in [one.body, *walk(one.body, "component")]:
            row = treatment(next(walk(part, "code"), None))
            if row is not None:
                yield _observed(row, part, one)
    elif one.type == "ServiceRequest":
        yield from _ordered(one)


def _provisions(one: Known, provision: Any, outer: str, depth: int) -> Iterator[Said]:
    kind = text(provision, "type") or outer
    explicit = next(
        (found for e in extension(provision, _ANSWER) if (found := _answer(text(e, "valueCode") or text(e, "valueString")))), ""
    )
    for concept in walk(provision, "code"):
        row = treatment(concept) or {"treatment": words(concept), "order": "90", "arrest": "", "inverse": ""}
        if row["treatment"]:
            yield Said(row, _turned(row, explicit or _answer(kind)), one)
    for inner in walk(provision, "provision") if depth < _DEEPEST else ():
        yield from _provisions(one, inner, kind, depth + 1)


def _observed(row: Mapping[str, str], part: Any, one: Known) -> Said:
    """Read an Observation's value; words that fit no answer are given as they are, under 場合による."""
    for flag in walk(part, "valueBoolean"):
        return Said(row, _turned(row, "希望する" if flag is True else REFUSED), one)
    free = text(part, "valueString")
    found = next((a for a in [*map(_concept_answer, walk(part, "valueCodeableConcept")), _answer(free)] if a), "")
    free = free or said(part, "valueCodeableConcept")
    if found:
        unclear = row["inverse"] and found == REFUSED
        return Said(row, _turned(row, found), one, f"{said(part, 'code')}：{free}" if unclear else "")
    if free:
        return Said(row, "場合による", one, free)
    finding = row["inverse"] and not _order_exists(row) and not any(True for _ in walk(part, "dataAbsentReason"))
    return Said(row, REFUSED if finding else "未確認", one)


def _order_exists(row: Mapping[str, str]) -> bool:
    """Say whether the question is "does a DNR order exist", whose 「いいえ」 is no wish at all."""
    return row.get("code") == "81351-9"


def _ordered(one: Known) -> Iterator[Said]:
    """Read a directive order: the treatment by its code (or category), the answer by code or orderDetail; an order as such wants it."""
    row = treatment(next(walk(one.body, "code"), None))
    paths = ("orderDetail",) if row is not None else ("code", "orderDetail")
    row = row or next(filter(None, map(treatment, walk(one.body, "category"))), None)
    if row is None:
        return
    found = next((a for path in paths for concept in walk(one.body, path) if (a := _concept_answer(concept))), "")
    refused = any(flag is True for flag in walk(one.body, "doNotPerform"))
    yield Said(row, REFUSED if refused else found or _turned(row, "希望する"), one)


def _turned(row: Mapping[str, str], wanted: str) -> str:
    """Turn the answer where the concept is itself the refusal (DNR): yes refuses, no says nothing of what is wanted."""
    if not row["inverse"]:
        return wanted or "未確認"
    return REFUSED if wanted == "希望する" else "未確認"


def _concept_answer(concept: Any) -> str:
    for _, code, _ in codings(concept):
        if code in keyed("wish_answers", "code"):
            return keyed("wish_answers", "code")[code]["wanted"]
    return _answer(words(concept))


def _answer(told: str) -> str:
    """Read an answer's word; in a short sentence the longest that stands in it, so that 「希望しない」 is never read as 「希望する」."""
    row = keyed("wish_answers", "code").get(told)
    if row is not None:
        return row["wanted"]
    if len(told) > _SHORT or any(doubt in told for doubt in ("か", "未", "?", "？")):
        return ""
    fitting = [r for r in rows("wish_answers") if not r["code"].isascii() and len(r["code"]) >= _TELLING and r["code"] in told]
    return max(fitting, key=lambda r: len(r["code"]))["wanted"] if fitting else ""


def newest(answers: list[Said]) -> tuple[list[Said], int]:
    """Keep each custodian's newest answer on each treatment, and among custodians that agree the newest; count what is older."""
    ordered = sorted(answers, key=lambda s: when(s.known), reverse=True)
    by_custodian: dict[tuple[str, str], Said] = {}
    for one in ordered:
        by_custodian.setdefault((one.row["treatment"], one.known.custodian), one)
    kept: dict[tuple[str, str], Said] = {}
    for one in by_custodian.values():
        kept.setdefault((one.row["treatment"], one.wanted), one)
    used = {reference(one.known) for one in by_custodian.values()}
    return list(kept.values()), len({reference(one.known) for one in answers} - used)
