"""How a drug is taken: RXE, TQ1, RXR → JP_MedicationDosage (hospital facts §4.6; jp-core §4, §4.1)."""

from __future__ import annotations

from adapters.hospital.fields import Body, as_code, clean, coded, coding, filled, number
from adapters.hospital.heard import Heard
from adapters.hospital.tables import look
from adapters.wire.hl7v2 import Segment

UCUM = "http://unitsofmeasure.org"
_PERIOD = "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/JP_MedicationDosage_PeriodOfUse"
_AS_NEEDED = "1050"
"""JAMI usage codes that begin so are 頓用 with a condition (jp-core §4.2)."""


def dosage(heard: Heard, rxe: Segment, tq1: Segment | None, rxr: Segment | None, place: int = 0) -> Body:
    """Give amount, usage, span and route as codes, and all of it as one line for people, in the sender's words; `place` from 1 if of several."""
    usage, code = _usage(tq1)
    amount = quantity(rxe, 3, 5)
    extra = [words for words in (_words(rxe, 7), clean(tq1[11, 1]) if tq1 else "") if words]
    timing = filled({"repeat": _span(tq1), "code": code})
    return filled({
        "extension": _period(heard, tq1),
        "sequence": place or None,
        "text": "　".join(part for part in (_amount(rxe), usage, *extra) if part),
        "additionalInstruction": [{"text": words} for words in extra],
        "timing": timing,
        "asNeededBoolean": True if _as_needed(tq1, code) else None,
        "site": _coded(heard, rxr, 2),
        "route": _coded(heard, rxr, 1),
        "method": _coded(heard, rxr, 4),
        "doseAndRate": [{"doseQuantity": amount}] if amount else [],
    })  # fmt: skip


def quantity(segment: Segment, value: int, unit: int) -> Body:
    """Give an amount with its unit of MERIT-9; nothing where the amount is empty, `""` (not stated) or no number."""
    amount = number(clean(segment[value, 1]))
    if amount is None:
        return {}
    code, words, system = as_code(segment[unit, 1]), clean(segment[unit, 2]), look("systems", clean(segment[unit, 3]).upper(), "system")
    return filled({"value": amount, "unit": words or clean(segment[unit, 1]), **(coding(system, code) if system and code else {})})


def days(tq1: Segment | None) -> int | float | None:
    """Give the span of TQ1-6 in days; None where it is empty or has another unit."""
    if tq1 is None or clean(tq1[6, 2]).lower() != "d":
        return None
    return number(clean(tq1[6, 1]))


def _usage(tq1: Segment | None) -> tuple[str, Body]:
    """Read TQ1-3: its words, and the code with them (JAMI 標準用法コード)."""
    if tq1 is None:
        return "", {}
    code, system = as_code(tq1[3, 1, 1]), look("systems", clean(tq1[3, 1, 3]).upper(), "system")
    words = clean(tq1[3, 1, 2]) or clean(tq1[3, 1, 1])
    return words, filled({"coding": [coding(system, code)] if system and code else [], "text": words})


def _span(tq1: Segment | None) -> Body:
    span = days(tq1)
    return {"boundsDuration": {"value": span, "unit": "日", "system": UCUM, "code": "d"}} if span else {}


def _period(heard: Heard, tq1: Segment | None) -> list[Body]:
    """Give TQ1-7 and TQ1-8 as the time of use; JP Core demands its start."""
    start, end = heard.stamp(tq1, 7), heard.stamp(tq1, 8)
    if start is None:
        return []
    return [{"url": _PERIOD, "valuePeriod": filled({"start": start.fhir, "end": end.fhir if end and end.at >= start.at else ""})}]


def _as_needed(tq1: Segment | None, code: Body) -> bool:
    codes = [one["code"] for one in code.get("coding", [])]
    return bool(tq1 and clean(tq1[14, 1])) or any(one.startswith(_AS_NEEDED) for one in codes)


def _amount(rxe: Segment) -> str:
    """Say RXE-3 with its unit as it was written, `1回1錠`; what is no number, `適量`, by itself."""
    amount = clean(rxe[3, 1])
    return amount if number(amount) is None else f"1回{amount}{clean(rxe[5, 2]) or clean(rxe[5, 1])}"


def _words(segment: Segment, field: int) -> str:
    return next((words for rep in segment.each(field) if (words := clean(rep[2]) or clean(rep[1]))), "")


def _coded(heard: Heard, rxr: Segment | None, field: int) -> Body:
    return coded(rxr, field, heard.sender) if rxr else {}
