"""PID and DB1 → JP_Patient (hospital facts §4.2; JP Core 1.2.0)."""

from __future__ import annotations

from adapters.hospital.fields import Body, clean, concept, filled
from adapters.hospital.heard import Heard
from adapters.hospital.people import addresses, names, telecoms
from adapters.hospital.tables import look
from adapters.wire.hl7v2 import Segment
from schemas.adapter import Draft
from schemas.errors import UnknownCode
from schemas.ids import patient_number_system

PROFILE = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Patient"
_DISABILITY = "http://hl7.org/fhir/StructureDefinition/patient-disability"
_ID_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203"


def patient(heard: Heard) -> Draft:
    """Map PID; PID-3.1 keeps its zeros. Raises at the field at fault; an empty sex or birth date is left unsaid."""
    pid = heard.message.need("PID")
    born = heard.stamp(pid, 7)
    body = {
        "resourceType": "Patient",
        "meta": {"profile": [PROFILE]},
        "extension": _disability(heard),
        "identifier": [identifier(heard)],
        "active": not heard.kind["undo"],
        "name": names(pid, 5),
        "telecom": telecoms(pid, 13, 14),
        "gender": _gender(pid),
        "birthDate": born.date if born else "",
        "address": addresses(pid, 11),
    }
    for element, field in (("name", 5), ("gender", 8), ("birthDate", 7)):
        if not body[element]:
            heard.note("HUB-1033", pid.at(field), element=f"Patient.{element}")
    return Draft("Patient", heard.patient, filled(body))


def identifier(heard: Heard) -> Body:
    """Give the patient number with the system of the institution that gave it."""
    return {
        "use": "usual",
        "type": concept(_ID_TYPE, "PI"),
        "system": patient_number_system(heard.sender),
        "value": heard.patient,
    }


def _gender(pid: Segment) -> str:
    code = clean(pid[8, 1])
    found = look("sex", code, "gender")
    if code and not found:
        raise UnknownCode("HUB-1017", where=pid.at(8), table="0001")
    return found


def _disability(heard: Heard) -> list[Body]:
    """Give the extension where DB1-4 says that there is a disability of the patient; which one, HL7 does not say."""
    said = [one for one in heard.message.all("DB1") if clean(one[2, 1]) in {"PT", ""} and clean(one[4, 1]) == "Y"]
    return [{"url": _DISABILITY, "valueCodeableConcept": {"text": "障害あり"}}] if said else []
