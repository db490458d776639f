"""The usual self, the home, what matters, problems, and the last visits: what tells an ER how this person lives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hub.views.ages import Moment, moment, relative
from hub.views.emergency_read import (
    Shelf,
    codings,
    ended,
    extension,
    has_code,
    line,
    number,
    once,
    reference,
    said,
    text,
    walk,
    when,
    words,
)
from hub.views.emergency_tables import Row, folded_word, grouped, plain, rows, same
from hub.views.emergency_wishes import is_statement
from hub.views.shapes import Chip, Known, Line

VISITS = 3
_USUAL = ("functional-status", "cognitive-status", "disability-status")
_HOME = ("social-history", "sdoh")
_UNFIT = ("vital-signs", "laboratory", "exam", "imaging", "procedure", "survey", "body-measurement")
_PAST = ("inactive", "resolved", "remission")
_MODIFIERS = ("JP_Condition_DiseasePrefixModifier", "JP_Condition_DiseasePostfixModifier")
_CLASS = {
    "AMB": "外来",
    "IMP": "入院",
    "ACUTE": "入院",
    "NONAC": "入院",
    "SS": "短期入所",
    "EMER": "救急",
    "HH": "訪問",
    "VR": "電話",
    "OBSENC": "経過観察",
}
_PREGNANT = re.compile(r"O\d|Z3[34]")
_SENTENCE = 80
_CODED = {"local": "local", "loinc": "http://loinc.org"}
"""How a row of life.csv is met by code → the code system."""


# ── problems ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def problems(shelf: Shelf) -> tuple[Line, ...]:
    """Give the diseases, active before past (既往); the needs of a care plan (課題) are no diseases and are left out."""
    diseases = [
        one for one in shelf.of("Condition") if not has_code(one.body, "category", "care-need") and not _refuted(one) and problem_words(one)
    ]
    active = once(line(shelf, one, problem_words(one), "problem") for one in diseases if not is_past(shelf, one))
    told = {plain(one.text) for one in active}
    past = once(line(shelf, one, problem_words(one), "past", chip=Chip("既往")) for one in diseases if is_past(shelf, one))
    return active + tuple(one for one in past if plain(one.text) not in told)


def _refuted(one: Known) -> bool:
    return has_code(one.body, "verificationStatus", "refuted")


def is_past(shelf: Shelf, one: Known) -> bool:
    """Say whether a Condition is over."""
    return (
        has_code(one.body, "clinicalStatus", *_PAST)
        or bool(text(one.body, "abatementDateTime"))
        or ended(one, shelf.now, "abatementPeriod.end")
    )


def problem_words(one: Known) -> str:
    """Say a disease with its Japanese prefixes and postfixes (修飾語), and 疑い where it is not confirmed."""
    concept: Any = next(walk(one.body, "code"), None)
    told = text(concept, "text")
    if not told:
        before, after = ("".join(words(c) for e in extension(concept, (m,)) for c in walk(e, "valueCodeableConcept")) for m in _MODIFIERS)
        told = f"{before}{words(concept)}{after}" if words(concept) else ""
    unsure = has_code(one.body, "verificationStatus", "provisional", "differential", "unconfirmed")
    return f"{told}（疑い）" if told and unsure and "疑い" not in told else told


def pregnant(shelf: Shelf) -> bool:
    """Say whether somebody states a pregnancy of the last 300 days."""
    for one in shelf.of("Condition", "Observation"):
        if (shelf.now - when(one)).days > 300 or (one.type == "Condition" and (is_past(shelf, one) or _refuted(one))):
            continue
        icd = [code for concept in walk(one.body, "code") for system, code, _ in codings(concept) if "icd" in system.lower()]
        if any(_PREGNANT.match(code) for code in icd):
            return True
        if has_code(one.body, "code", "82810-3") and has_code(one.body, "valueCodeableConcept", "77386006", "LA15173-0"):
            return True
    return False


# ── usual self and home ──────────────────────────────────────────────────────────────────────────────────────────────


def usual_self(shelf: Shelf) -> tuple[Line, ...]:
    """Give how the person is on an ordinary day, the newest of each label: `移動：車いす`."""
    return _section(shelf, "usual", _USUAL)


def home(shelf: Shelf) -> tuple[Line, ...]:
    """Give what one must know of the home: key, household, who cares, pets, evacuation."""
    return _section(shelf, "home", _HOME)


def _section(shelf: Shelf, section: str, categories: tuple[str, ...]) -> tuple[Line, ...]:
    found: dict[tuple[str, str], tuple[int, Line]] = {}
    for one in shelf.of("Observation"):
        if text(one.body, "status") not in {"final", "amended", "corrected", "preliminary"} or is_statement(one):
            continue
        row = _row(one)
        here = row["section"] == section if row else has_code(one.body, "category", *categories)
        if not here or (row is None and has_code(one.body, "code", "care-level", "80391-6")):
            continue
        label = row["label"] if row else said(one.body, "code")
        value = value_words(one.body)
        if label and value and label not in {key[0] for key in found}:
            found[label, one.custodian] = int(row["order"]) if row else 50, line(shelf, one, f"{label}：{value}", section)
    return tuple(made for _, made in sorted(found.values(), key=lambda pair: pair[0]))


def _row(one: Known) -> Row | None:
    """Find an Observation in life.csv, by code first, then by the words of its code; measurements are not life."""
    index = grouped("life", "value")
    for concept in walk(one.body, "code"):
        for system, code, _ in codings(concept):
            for row in index.get(code, ()):
                if row["how"] in _CODED and same(system, _CODED[row["how"]]):
                    return row
    if has_code(one.body, "category", *_UNFIT):
        return None
    told = plain(said(one.body, "code"))
    return next((row for row in rows("life") if row["how"] == "text" and folded_word(row["value"]) in told), None)


def value_words(body: Any) -> str:
    """Say an Observation's value with its unit; of several components, each with its name."""
    amount = number(body, "valueQuantity.value")
    unit = text(body, "valueQuantity.unit") or text(body, "valueQuantity.code")
    own = text(body, "valueString") or said(body, "valueCodeableConcept") or number(body, "valueInteger")
    if amount:
        own = f"{text(body, 'valueQuantity.comparator')}{amount}{'' if unit.startswith('{') else f' {unit}'}".strip()
    for flag in walk(body, "valueBoolean"):
        own = own or ("あり" if flag is True else "なし")
    parts = [f"{said(part, 'code')} {value_words(part)}".strip() for part in walk(body, "component") if value_words(part)]
    return "、".join(part for part in [own, *parts] if part)


# ── what matters ─────────────────────────────────────────────────────────────────────────────────────────────────────


def matters(shelf: Shelf) -> tuple[Line, ...]:
    """Give what matters to the person: own words first, then what the care plan says of the intentions, whole and unparsed."""
    found: list[Line] = []
    for one in shelf.of("Observation"):
        values = has_code(one.body, "category", "care-experience-preference") or has_code(
            one.body, "code", "81338-6", "what-matters", "95541-9"
        )
        if values and value_words(one.body):
            found.append(line(shelf, one, value_words(one.body), "matter"))
    found += [line(shelf, one, told, "matter") for one in shelf.of("QuestionnaireResponse") for told in _told(one.body, 0)]
    for plan in shelf.of("CarePlan"):
        if text(plan.body, "status") in {"active", ""} and not ended(plan, shelf.now):
            for target in walk(plan.body, "supportingInfo"):
                info = shelf.find(target, plan)
                if info is not None and info.type == "ClinicalImpression" and text(info.body, "summary"):
                    found.append(line(shelf, info, f"意向：{text(info.body, 'summary')}", "matter"))
            if text(plan.body, "description"):
                found.append(line(shelf, plan, f"援助の方針：{text(plan.body, 'description')}", "matter"))
    return once(found)


def _told(item: Any, depth: int) -> Iterator[str]:
    for inner in walk(item, "item") if depth < 6 else ():
        question = plain(text(inner, "text"))
        if any(word in question for word in ("大切", "望むこと", "生きがい", "楽しみ")) or text(inner, "linkId") == "what-matters":
            answers = [a for path in ("answer.valueString", "answer.valueCoding.display") for a in walk(inner, path) if isinstance(a, str)]
            if answers:
                yield "・".join(answers)
        yield from _told(inner, depth + 1)


# ── visits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def visits(shelf: Shelf) -> tuple[Line, ...]:
    """Give the last three contacts that took place, newest first: `11-24 23:20（21分前）` and what was seen."""
    return tuple(_visit(shelf, one) for one in recent(shelf))


def recent(shelf: Shelf) -> list[Known]:
    """Give the Encounters of the last three contacts that took place."""
    done = [
        one for one in shelf.of("Encounter") if text(one.body, "status") in {"finished", "in-progress", "onleave", "triaged", "arrived"}
    ]
    return [one for one in done if (at := moment(text(one.body, "period.start"))) and at.start <= shelf.now][:VISITS]


def _visit(shelf: Shelf, one: Known) -> Line:
    kind = _CLASS.get(text(one.body, "class.code"), "") or text(one.body, "class.display")
    urgent = "臨時" if has_code(one.body, "priority", "EM", "UR", "S") else ""
    head = "・".join(part for part in (urgent, kind) if part) or "受診"
    seen = [said(one.body, "reasonCode"), *_seen(shelf, one)]
    told = "、".join(dict.fromkeys(part for part in seen if part))
    made = line(shelf, one, f"{head}：{told}" if told else head, "visit", strong=bool(urgent))
    at = moment(text(one.body, "period.start"))
    clock = f"{at.start:%m-%d %H:%M}（{relative(at, shelf.now)}）" if at and at.precision == "time" else made.when
    return Line(made.text, clock, made.source, made.old, made.strong, made.chip, made.detail, made.reference)


def _seen(shelf: Shelf, visit: Known) -> Iterator[str]:
    """Give what was written of a visit: the assessment, cut at a sentence where it is long."""
    for one in shelf.of("ClinicalImpression"):
        if shelf.find(next(walk(one.body, "encounter"), None), one) is visit:
            told = text(one.body, "summary") or text(one.body, "description")
            if told:
                yield told if len(told) <= _SENTENCE else f"{told[:_SENTENCE]}…"
                return


def next_visit(shelf: Shelf) -> str:
    """Say the next appointment: `11-26 10:00 つばさ訪問看護`; empty when none is known."""
    found: list[tuple[Moment, Known]] = []
    for one in shelf.of("Appointment"):
        at = moment(text(one.body, "start")) or moment(text(one.body, "requestedPeriod.start"))
        if at is None or text(one.body, "status") in {"cancelled", "noshow", "fulfilled", "arrived", "checked-in", "waitlist"}:
            continue
        if at.start >= shelf.now or (at.precision == "day" and at.start.date() == shelf.now.date()):
            found.append((at, one))
    if not found:
        return ""
    at, one = min(found, key=lambda pair: (pair[0].start, reference(pair[1])))
    clock = f"{at.start:%m-%d %H:%M}" if at.precision == "time" and f"{at.start:%H:%M}" != "00:00" else f"{at.start:%m-%d}"
    return f"{clock} {one.source}".strip()
