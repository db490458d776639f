"""What the person takes: the newest word of each custodian on each product, and where two custodians differ on one ingredient."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hub.views.ages import moment
from hub.views.emergency_read import Shelf, codings, ended, line, number, text, true, walk, words
from hub.views.emergency_tables import Row, folded_word, keyed, plain, rows
from hub.views.shapes import Chip, Differing, Known, Line

_RUNNING = {"active", "on-hold", "unknown", "intended"}
_YJ = re.compile(r"\d{7}[A-Z]\d[0-9A-Z]{3}")
"""YJ code, twelve characters; 一般名コード has the same first nine and ends in ZZZ."""
_MAKER = re.compile(r"[「『(（\[【].*?[」』)）\]】]")
_STEM = re.compile(r"\d|錠|od錠|カプセル|散|細粒|顆粒|シロップ|注|貼付|テープ|軟膏|点眼|吸入|レスピマット|tablet|oral|capsule")


@dataclass(frozen=True, slots=True)
class Drug:
    """One product as one custodian tells of it. `ingredient` is YJ's first seven digits, or a name stem."""

    known: Known
    name: str
    dose: str
    ingredient: str
    product: str
    classes: tuple[Row, ...]
    note: str


def drugs(shelf: Shelf) -> tuple[Drug, ...]:
    """Give what is taken now, warnings (anticoagulants …) first, then newest first; the newest word of each custodian on each product."""
    raw = [(one, concept) for one in shelf.of("MedicationRequest", "MedicationStatement") for concept in _concepts(shelf, one)]
    by_name = {_stem(words(c)): yj[:7] for _, c in raw if (yj := _yj(c))}
    found: dict[tuple[str, str], Drug] = {}
    for one, concept in raw:
        if _taken(shelf, one):
            drug = _drug(shelf, one, concept, by_name)
            found.setdefault((one.custodian, drug.product), drug)
    return tuple(sorted(found.values(), key=_first))


def _first(drug: Drug) -> int:
    ranks = [row["class"] for row in rows("drug_classes")]
    return min((ranks.index(row["class"]) for row in drug.classes), default=len(ranks))


def lines(shelf: Shelf, found: tuple[Drug, ...]) -> tuple[Line, ...]:
    """Say the drugs; what two custodians tell in the same words stands once, with both named."""
    said: dict[tuple[str, str], tuple[Line, list[str]]] = {}
    for drug in found:
        chip = Chip(drug.classes[0]["chip"], "danger" if drug.classes[0]["tone"] == "danger" else "warn") if drug.classes else None
        one = line(shelf, drug.known, f"{drug.name}　{drug.dose}".strip(), "drug", chip=chip, strong=chip is not None, detail=drug.note)
        key = (drug.ingredient, _told(drug))
        if key in said:
            said[key][1].append(f"{one.source}（{one.when}）も同じ")
        else:
            said[key] = (one, [])
    return tuple(
        Line(one.text, one.when, one.source, one.old, one.strong, one.chip, "　".join(filter(None, [one.detail, *more])), one.reference)
        for one, more in said.values()
    )


def differences(shelf: Shelf, found: tuple[Drug, ...]) -> tuple[Differing, ...]:
    """Set side by side, never merged: one ingredient whose dose two custodians tell in different words."""
    groups: dict[str, dict[str, list[Drug]]] = {}
    for drug in found:
        groups.setdefault(drug.ingredient, {}).setdefault(drug.known.custodian, []).append(drug)
    result = []
    for by_custodian in groups.values():
        if len({frozenset(_told(d) for d in told) for told in by_custodian.values()}) > 1:
            sides = [
                line(shelf, d.known, f"{d.name}　{d.dose}".strip(), "drug", detail=d.note) for told in by_custodian.values() for d in told
            ]
            first = next(iter(by_custodian.values()))[0]
            result.append(Differing(_label(first), tuple(sides)))
    return tuple(result)


def _label(drug: Drug) -> str:
    return _bare(drug.name) or drug.name


def _told(drug: Drug) -> str:
    return plain(_MAKER.sub("", unicodedata.normalize("NFKC", f"{drug.name}{drug.dose}")))


# ── one drug ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _concepts(shelf: Shelf, one: Known) -> Iterator[Any]:
    """Give what is taken: the concept itself, else the Medication's code, else its ingredients."""
    found = [c for c in walk(one.body, "medicationCodeableConcept") if words(c)]
    if not found:
        target = next(walk(one.body, "medicationReference"), None)
        medication = shelf.find(target, one)
        if medication is not None:
            found = [c for path in ("code", "ingredient.itemCodeableConcept") for c in walk(medication.body, path) if words(c)][:1]
        elif text(target, "display"):
            found = [{"text": text(target, "display")}]
    yield from found or [{"text": "薬品名の記録なし"}]


def _taken(shelf: Shelf, one: Known) -> bool:
    """Say whether it is taken now: its status says so, or what was supplied has not run out yet."""
    status = text(one.body, "status")
    if text(one.body, "intent") in {"proposal", "plan", "option"} or true(one.body, "doNotPerform"):
        return False
    if one.type == "MedicationStatement" and ended(one, shelf.now, "effectivePeriod.end"):
        return False
    if status in _RUNNING or not status:
        return True
    end = _supplied_until(one)
    return status == "completed" and end is not None and end >= shelf.now


def _supplied_until(one: Known) -> datetime | None:
    start = moment(text(one.body, "authoredOn"))
    days = _days(one.body, "dispenseRequest.expectedSupplyDuration") or _days(one.body, "dosageInstruction.timing.repeat.boundsDuration")
    try:
        return start.start + timedelta(days=days) if start and days else None
    except OverflowError:
        return None


def _days(body: Any, path: str) -> float:
    unit = text(body, f"{path}.code") or text(body, f"{path}.unit")
    factor = {"d": 1, "日": 1, "日分": 1, "wk": 7, "週": 7, "mo": 30}.get(unit, 0)
    value = number(body, f"{path}.value")
    return float(value) * factor if value else 0.0


def _drug(shelf: Shelf, one: Known, concept: Any, by_name: Mapping[str, str]) -> Drug:
    name, yj = words(concept), _yj(concept)
    stem = _stem(name)
    ingredient = yj[:7] or by_name.get(stem, stem)
    return Drug(one, name, dose(one.body), ingredient, yj[:9] or plain(name), tuple(_classes(concept, name, yj)), _note(shelf, one))


def _note(shelf: Shelf, one: Known) -> str:
    end = _supplied_until(one)
    parts = []
    if end is not None and end < shelf.now:
        parts.append(f"処方日数は {end:%Y-%m-%d} まで")
    if text(one.body, "status") == "on-hold":
        parts.append("休薬中")
    return "　".join(parts)


def _yj(concept: Any) -> str:
    for system, code, _ in codings(concept):
        folded = code.upper()
        if _YJ.fullmatch(folded) and not system.startswith("urn:oid:1.2.392.200119.4.4"):
            return folded
    return ""


def _bare(name: str) -> str:
    """Give a drug's name up to strength and form: `フロセミド錠20mg「NP」` → `フロセミド`."""
    folded = _MAKER.sub("", unicodedata.normalize("NFKC", name)).replace("【般】", "").strip()
    matched = _STEM.search(folded.lower())
    return (folded[: matched.start()] if matched and matched.start() else folded).strip()


def _stem(name: str) -> str:
    bare = plain(_bare(name))
    for row in rows("drug_names"):
        if folded_word(row["brand"]) == bare:
            return folded_word(row["ingredient"])
    return bare


def _classes(concept: Any, name: str, yj: str) -> Iterator[Row]:
    seen = set()
    names = plain(" ".join([name, *(display for _, _, display in codings(concept))]))
    atc = [
        code for system, code, _ in codings(concept) if "whocc.no/atc" in system or "1.2.40.0.34.5.5" in system or "atc" in system.lower()
    ]
    for row in rows("drug_classes"):
        excepted = [word for word in row["except"].split("|") if word]
        if row["how"] == "yj":
            fits = yj.startswith(row["value"]) and not any(yj.startswith(word) for word in excepted)
        elif row["how"] == "atc":
            fits = any(code.startswith(row["value"]) for code in atc)
        else:
            fits = folded_word(row["value"]) in names and not any(folded_word(word) in names for word in excepted)
        if fits and row["class"] not in seen:
            seen.add(row["class"])
            yield row


def dose(body: Any) -> str:
    """Say how it is taken: the source's own words, else amount, usage code and route put together."""
    found = []
    for one in [*walk(body, "dosageInstruction"), *walk(body, "dosage")]:
        told = text(one, "text") or text(one, "patientInstruction") or _built(one)
        if told and told not in found:
            found.append(told)
    return "／".join(found)


def _built(one: Any) -> str:
    amount = f"{number(one, 'doseAndRate.doseQuantity.value')}{text(one, 'doseAndRate.doseQuantity.unit')}"
    parts = [f"1回{amount}" if number(one, "doseAndRate.doseQuantity.value") else "", _timing(one), _needed(one)]
    return " ".join(part for part in parts if part)


def _timing(one: Any) -> str:
    for concept in walk(one, "timing.code"):
        for _, code, _ in codings(concept):
            if code in keyed("usage_jami", "code"):
                return keyed("usage_jami", "code")[code]["text"]
        if words(concept):
            return words(concept)
    frequency, period, unit = (
        number(one, "timing.repeat.frequency"),
        number(one, "timing.repeat.period"),
        text(one, "timing.repeat.periodUnit"),
    )
    spans = {"d": "日", "h": "時間", "wk": "週", "mo": "か月"}
    if not (frequency and period and unit in spans):
        return ""
    return f"{float(period):g}{spans[unit]}{float(frequency):g}回"


def _needed(one: Any) -> str:
    reason = next((words(c) for c in walk(one, "asNeededCodeableConcept") if words(c)), "")
    return f"頓用（{reason}）" if reason else "頓用" if true(one, "asNeededBoolean") else ""
