"""OMP-01 処方オーダ: ORC, RXE, TQ1, RXR → JP_MedicationRequest, one for each drug (hospital facts §2.11, §4.6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.hospital.dosage import UCUM, days, dosage, quantity
from adapters.hospital.fields import Body, clean, coded, concept, doctors, filled, needed
from adapters.hospital.heard import Heard
from adapters.hospital.tables import keyed
from adapters.wire.hl7v2 import Segment
from schemas.adapter import BASE, Draft, link
from schemas.errors import BrokenRule, MissingValue

_PROFILE = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_MedicationRequest"
_RP = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/Medication-RPGroupNumber"
_IN_RP = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/MedicationAdministrationIndex"
_ORDER = "http://jpfhir.jp/fhir/core/IdSystem/resourceInstance-identifier"
PRESCRIPTION = f"{BASE}/sid/hospital-prescription"
_REPEATS = "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/JP_MedicationRequest_DispenseRequest_ExpectedRepeatCount"
_ACTIVE, _CANCELLED = {"NW", "PA", "CH", "SC", ""}, {"CA"}


def prescriptions(heard: Heard) -> Iterator[Draft]:
    """Give each ORC with its RXE. A file of flag 0 is cancelled whatever its message says (hospital facts §4.6).

    Raises MissingValue without order number, Rp number or drug, BrokenRule for an order control that a prescription does not have.
    """
    heard.message.need("ORC")
    heard.message.need("RXE")
    drugs: dict[str, int] = {}
    for orc, *others in heard.message.groups("ORC"):
        order, rp, seq = _numbers(orc)
        drugs[rp] = drugs.get(rp, 0) + 1
        seq = seq or str(drugs[rp])
        body = _body(heard, orc, others, (order, rp, seq))
        yield Draft("MedicationRequest", f"{heard.patient}:{order}:{rp}:{seq}", body)


def _numbers(orc: Segment) -> tuple[str, str, str]:
    """Read order number, Rp number and place in the Rp: ORC-4 `order_Rp_seq`, of older senders the Rp alone (place by order of appearance)."""
    order, group = orc.need(2), orc.need(4)
    parts = group.split("_")
    return (order, parts[1], parts[2]) if len(parts) == 3 and all(parts) else (order, group, "")


def _body(heard: Heard, orc: Segment, others: Sequence[Segment], numbers: tuple[str, str, str]) -> Body:
    rxe = _one(others, "RXE")
    if rxe is None:
        raise MissingValue("HUB-1007", where=orc.at(4), segment="RXE")
    usages, rxr = _usages(others), _one(others, "RXR")
    steps: Sequence[Segment | None] = usages or [None]
    authored = heard.stamp(orc, 9) or heard.stamp(rxe, 32) or heard.sent
    requesters, recorders = doctors(orc, 12, heard.sender), doctors(orc, 10, heard.sender)
    return filled({
        "resourceType": "MedicationRequest",
        "meta": {"profile": [_PROFILE]},
        "identifier": _identifiers(heard, rxe, numbers),
        "status": _status(heard, orc),
        "intent": "order",
        "category": _categories(rxe),
        "medicationCodeableConcept": _drug(heard, rxe),
        "subject": {"reference": link("Patient", heard.patient)},
        "authoredOn": authored.fhir,
        "requester": requesters[0] if requesters else {},
        "recorder": recorders[0] if recorders else {},
        "dosageInstruction": [one for place, tq1 in enumerate(steps, start=len(steps) > 1) if (one := dosage(heard, rxe, tq1, rxr, place))],
        "dispenseRequest": _supply(rxe, usages[0] if len(usages) == 1 else None),
    })  # fmt: skip


def _one(segments: Sequence[Segment], name: str) -> Segment | None:
    return next((one for one in segments if one.name == name), None)


def _usages(segments: Sequence[Segment]) -> Sequence[Segment]:
    """Give the TQ1 that follow RXE (one step of taking each), else those before it, which time the order."""
    at = next((i for i, one in enumerate(segments) if one.name == "RXE"), 0)
    after = [one for one in segments[at:] if one.name == "TQ1"]
    return after or [one for one in segments if one.name == "TQ1"]


def _identifiers(heard: Heard, rxe: Segment, numbers: tuple[str, str, str]) -> list[Body]:
    order, rp, seq = numbers
    found = [(_RP, rp), (_IN_RP, seq), (_ORDER, order), (f"{PRESCRIPTION}/{heard.sender}", clean(rxe[15, 1]))]
    return [{"system": system, "value": value} for system, value in found if value]


def _status(heard: Heard, orc: Segment) -> str:
    control = clean(orc[1, 1])
    if control not in _ACTIVE | _CANCELLED:
        raise BrokenRule("HUB-1027", where=orc.at(1))
    deleted = heard.file is not None and heard.file.flag == "0"
    return "cancelled" if deleted or control in _CANCELLED else "active"


def _categories(rxe: Segment) -> list[Body]:
    found = [(keyed("drug_categories").get(clean(rep[1])), clean(rep[2])) for rep in rxe.each(21)]
    return [concept(row["system"], row["code"], words or row["name"]) for row, words in found if row]


def _drug(heard: Heard, rxe: Segment) -> Body:
    """Give the drug with all its codes: RXE-2, and RXE-31 for the second code system that Ver.1.2g allows; the printed name is the text."""
    found = [needed(rxe, 2, heard.sender), coded(rxe, 31, heard.sender)]
    codings = [one for each in found for one in each.get("coding", [])]
    return filled({"coding": codings, "text": found[0]["text"]})


def _supply(rxe: Segment, tq1: Segment | None) -> Body:
    span = days(tq1)
    repeats, times = clean(rxe[12, 1]), clean(tq1[14, 1]) if tq1 else ""
    return filled({
        "extension": [{"url": _REPEATS, "valueInteger": int(times)}] if times.isdecimal() and len(times) < 6 else [],
        "numberOfRepeatsAllowed": int(repeats) if repeats.isdecimal() and len(repeats) < 4 else None,
        "quantity": quantity(rxe, 10, 11),
        "expectedSupplyDuration": {"value": span, "unit": "日", "system": UCUM, "code": "d"} if span else {},
    })  # fmt: skip
