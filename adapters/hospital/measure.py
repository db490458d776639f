"""OBX of ADT-00 → Observation: height, weight, blood group (hospital facts §2.8, §4.1; JP Core §3, §5.1)."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.hospital.fields import Body, clean, coded, coding, concept, digest, filled, number
from adapters.hospital.heard import Heard
from adapters.hospital.tables import Row, keyed
from adapters.wire.hl7v2 import Segment
from schemas.adapter import Draft, link

_PROFILES = {
    "body-measurement": "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Observation_BodyMeasurement",
    "laboratory": "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Observation_Common",
}
"""A blood group in ADT-00 has neither specimen nor time: it is no JP_Observation_LabResult."""
_CATEGORY = "http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS"
_NURSING = "http://medis.or.jp/CodeSystem/master-nursingObservationKeyCode"
_UCUM = "http://unitsofmeasure.org"
_FINAL = "F"
_ANALYTE = 5


def measures(heard: Heard) -> Iterator[Draft]:
    """Give each final OBX of measures.csv that has a value; the analyte, the first five of JLAC10, decides (older samples differ in the rest)."""
    for obx in heard.message.all("OBX"):
        row = keyed("measures").get(clean(obx[3, 1])[:_ANALYTE])
        value = _value(obx, row) if row else {}
        if row is None or not value or clean(obx[11, 1]) not in {_FINAL, ""}:
            heard.note("HUB-1036", obx.at(3))
            continue
        at = heard.stamp(obx, 14)
        code = coded(obx, 3, heard.sender)
        body = filled({
            "resourceType": "Observation",
            "meta": {"profile": [_PROFILES[row["kind"]]]},
            "status": "final",
            "category": [concept(_CATEGORY, row["kind"])],
            "code": filled({"coding": [*_nursing(row), *code.get("coding", [])], "text": code["text"]}),
            "subject": {"reference": link("Patient", heard.patient)},
            "effectiveDateTime": at.fhir if at else "",
            **value,
        })  # fmt: skip
        yield Draft("Observation", f"{heard.patient}:{heard.kind['kind']}:{digest([row['analyte']])}", body)


def _nursing(row: Row) -> list[Body]:
    """Give the code that JP Core prefers. No LOINC: its vital-sign profiles demand a time that ADT-00 does not give."""
    return [coding(_NURSING, row["nursing"])] if row["nursing"] else []


def _value(obx: Segment, row: Row) -> Body:
    """Give the value: a quantity where the unit is the one of measures.csv, coded text for a CWE, else the words as they stand."""
    text = clean(obx[5, 1])
    measured = number(text)
    if row["ucum"] and measured is not None and clean(obx[6, 1]) in {row["unit"], ""}:
        return {"valueQuantity": {"value": measured, "unit": row["unit"], "system": _UCUM, "code": row["ucum"]}}
    words = clean(obx[5, 2]) or text
    if clean(obx[2, 1]) == "CWE" and words:
        return {"valueCodeableConcept": {"text": words}}
    return {"valueString": f"{text}{clean(obx[6, 1])}"} if text else {}
