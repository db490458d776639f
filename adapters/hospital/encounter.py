"""ADT-22 入院実施 and ADT-52 退院実施 with their cancellations → JP_Encounter (hospital facts §4.3)."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.hospital.fields import Body, clean, concept, doctors, filled
from adapters.hospital.heard import Heard
from adapters.hospital.tables import look, rows
from adapters.wire.hl7_time import Stamp
from adapters.wire.hl7v2 import Segment
from schemas.adapter import BASE, Draft, link
from schemas.errors import BrokenRule, UnknownCode

_PROFILE = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Encounter"
STAY = f"{BASE}/sid/hospital-stay"
"""No visit number exists in SS-MIX2: `institution:patient number:day of PV1-44` stands for it (hospital facts §4.3).

The day, not the minute: SS-MIX2 keeps one admission a day apart from another by 診療日 alone (§1.2), senders differ in how much of the time
they write, and a corrected time is the same stay.
"""
PLACE = f"{BASE}/sid/hospital-place"
_CLASS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_CLASSES = {"I": ("IMP", "inpatient encounter"), "": ("IMP", "inpatient encounter"), "E": ("EMER", "emergency")}
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_DEPARTMENT = "http://jami.jp/SS-MIX2/CodeSystem/ClinicalDepartment"
_DISPOSITION = "http://terminology.hl7.org/CodeSystem/discharge-disposition"
_DISPOSITION_SENT = "http://terminology.hl7.org/CodeSystem/v2-0112"


def stay(heard: Heard) -> Iterator[Draft]:
    """Give the one Encounter as this message tells it: no earlier state, no guess; views fold the messages of a stay by `facts`."""
    pv1 = heard.message.need("PV1")
    start, end = _start(heard, pv1), heard.stamp(pv1, 45)
    key = f"{heard.patient}:{start.date.replace('-', '')}" if start else ""
    body = filled({
        "resourceType": "Encounter",
        "meta": {"profile": [_PROFILE]},
        "identifier": [{"system": STAY, "value": f"{heard.sender}:{key}"}] if key else [],
        "status": heard.kind["encounter"],
        "class": _class(pv1),
        "serviceType": _department(pv1),
        "subject": {"reference": link("Patient", heard.patient)},
        "participant": _participants(heard, pv1),
        "period": _period(heard, pv1, start, end),
        "hospitalization": _hospitalization(heard, pv1),
        "location": _locations(heard, pv1),
    })  # fmt: skip
    header = heard.message.need("MSH")
    pending = f"pending:{heard.control}:{header.need(7)}"
    if not key:
        heard.note("HUB-1034", pv1.at(44))
    yield Draft("Encounter", key or pending, body, {"stay": key})


def _start(heard: Heard, pv1: Segment) -> Stamp | None:
    """Give the admission: PV1-44, or for an admission without it the day of the file's name, which is PV1-44's by rule (§1.4)."""
    found = heard.stamp(pv1, 44)
    if found is None and heard.kind["occurred"] == "PV1-44" and (found := heard.file_day()):
        heard.note("HUB-1037", pv1.at(44))
    return found


def _class(pv1: Segment) -> Body:
    code = clean(pv1[2, 1])
    if code == "O":
        raise BrokenRule("HUB-1026", where=pv1.at(2))
    if code not in _CLASSES:
        raise UnknownCode("HUB-1017", where=pv1.at(2), table="0004")
    found, display = _CLASSES[code]
    return {"system": _CLASS, "code": found, "display": display}


def _department(pv1: Segment) -> Body:
    code = clean(pv1[10, 1]) or (clean(pv1[3, 1]) if clean(pv1[3, 6]) == "C" else "")
    if not code:
        return {}
    name = look("departments", code, "name")
    return concept(_DEPARTMENT, code, name) if name else {"text": code}


def _participants(heard: Heard, pv1: Segment) -> list[Body]:
    """Map PV1-7 to attender and PV1-17 to admitter; a doctor who is both stands twice."""
    return [
        {"type": [concept(_PARTICIPANT, role)], "individual": doctor}
        for role, field in (("ATND", 7), ("ADM", 17))
        for doctor in doctors(pv1, field, heard.sender)
    ]


def _period(heard: Heard, pv1: Segment, start: Stamp | None, end: Stamp | None) -> Body:
    """Give the admission, and with a discharge its end. A discharge before its admission is told without the admission (R4 per-1)."""
    if heard.event != "A03" or end is None:
        return {"start": start.fhir} if start else {}
    if start and end.at < start.at:
        heard.note("HUB-1038", pv1.at(45))
        return {"end": end.fhir}
    return filled({"start": start.fhir if start else "", "end": end.fhir})


def _hospitalization(heard: Heard, pv1: Segment) -> Body:
    """Map PV1-36 of a discharge: where to in the coarse words of HL7; the code as sent stands beside it."""
    code = clean(pv1[36, 1])
    if heard.event != "A03" or not code:
        return {}
    mapped = look("dispositions", code, "fhir")
    if not mapped:
        heard.note("HUB-1018", pv1.at(36), table="0112")
        return {"dischargeDisposition": {"text": code}}
    found = concept(_DISPOSITION, mapped, look("dispositions", code, "name"))
    found["coding"].append({"system": _DISPOSITION_SENT, "code": code})
    return {"dischargeDisposition": found}


def _locations(heard: Heard, pv1: Segment) -> list[Body]:
    """Give the place as the codes of ward, room and bed that were sent; a department (PL.6 `C`) is no place in the house."""
    if clean(pv1[3, 6]) == "C":
        return []
    found = [(row, text) for row in rows("locations") if (text := clean(pv1[3, int(row["component"])]))]
    if not found:
        return []
    value = "/".join(clean(pv1[3, int(row["component"])]) for row in rows("locations")).rstrip("/")
    return [
        {
            "location": {
                "type": "Location",
                "identifier": {"system": f"{PLACE}/{heard.sender}", "value": value},
                "display": "　".join(f"{row['name']} {text}" for row, text in found),
            },
            "status": heard.kind["location"],
            "physicalType": concept(_PHYSICAL, found[-1][0]["code"]),
        }
    ]
