"""IN1 → JP_Coverage: insurer, symbol and number as sent (hospital facts §2.8; JP Core 1.2.0). Nobody is joined with anybody by them."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.hospital.fields import Body, clean, concept, digest, filled
from adapters.hospital.heard import Heard
from adapters.hospital.tables import look
from adapters.wire.hl7v2 import Segment
from schemas.adapter import Draft, link

_PROFILE = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Coverage"
_CATEGORY = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/InsuranceMajorCategory"
_INSURER = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/InsurerNumber"
_PUBLIC_PAYER = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/PublicPayerNumber"
_INSURED = "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/JP_Coverage_InsuredPerson"
_RELATION = "http://terminology.hl7.org/CodeSystem/subscriber-relationship"
_PUBLIC, _SELF_PAID = "8", "6"


def coverages(heard: Heard) -> Iterator[Draft]:
    """Give each IN1 that names a plan or an insurer. The key is made of plan, insurer and number, not of the place in the list."""
    for in1 in heard.message.all("IN1"):
        plan, insurer = clean(in1[2, 1]), clean(in1[3, 1])
        if not plan and not insurer:
            heard.note("HUB-1033", in1.at(2), element="Coverage.type")
            continue
        category = look("insurance", plan, "category")
        number = clean(in1[11, 1])
        body = filled({
            "resourceType": "Coverage",
            "meta": {"profile": [_PROFILE]},
            "extension": [] if category == _PUBLIC else _insured(in1),
            "status": "active",
            "type": _type(in1, plan, category),
            "subscriberId": (number or clean(in1[10, 1])) if category == _PUBLIC else number,
            "beneficiary": {"reference": link("Patient", heard.patient)},
            "relationship": _relationship(clean(in1[17, 1])),
            "period": _period(heard, in1),
            "payor": [_payor(heard, in1, insurer, category)],
        })  # fmt: skip
        yield Draft("Coverage", f"{heard.patient}:{digest((plan, insurer, clean(in1[10, 1]), number))}", body)


def _insured(in1: Segment) -> list[Body]:
    """Give 記号, 番号 and 枝番 as extensions: IN1-10 and IN1-11; where IN1-10 repeats, it holds all three."""
    repeated = [clean(rep[1]) for rep in in1.each(10)]
    symbol, number, sub = [*repeated, "", "", ""][:3]
    parts = {"Symbol": symbol, "Number": clean(in1[11, 1]) or number, "SubNumber": sub}
    return [{"url": f"{_INSURED}{name}", "valueString": value} for name, value in parts.items() if value]


def _type(in1: Segment, plan: str, category: str) -> Body:
    text = clean(in1[2, 2]) or look("insurance", plan, "name") or plan
    return concept(_CATEGORY, category, text) if category else filled({"text": text})


def _relationship(code: str) -> Body:
    if not code:
        return {}
    return concept(_RELATION, look("subscriber_relations", code, "relationship") or "other")


def _period(heard: Heard, in1: Segment) -> Body:
    start, end = heard.stamp(in1, 12), heard.stamp(in1, 13)
    return filled({"start": start.date if start else "", "end": end.date if end else ""})


def _payor(heard: Heard, in1: Segment, insurer: str, category: str) -> Body:
    """Name the insurer by its number; the patient where the care is paid by the patient (自費); R4 demands one."""
    if insurer:
        system = _PUBLIC_PAYER if category == _PUBLIC else _INSURER
        return filled({"identifier": {"system": system, "value": insurer}, "display": clean(in1[4, 1])})
    if category == _SELF_PAID:
        return {"reference": link("Patient", heard.patient)}
    return {"display": clean(in1[4, 1]) or clean(in1[2, 2]) or look("insurance", clean(in1[2, 1]), "name") or "保険者の記載なし"}
