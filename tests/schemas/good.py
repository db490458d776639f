"""Right resources to begin from, and the folder of published samples."""

import copy
import os
from pathlib import Path
from typing import Any

import orjson
import pytest

JP = "http://jpfhir.jp/fhir/core/"
TERMS = "http://terminology.hl7.org/CodeSystem/"
DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p>検体検査結果</p></div>'

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"profile": [f"{JP}StructureDefinition/JP_Patient"]},
    "text": {"status": "generated", "div": DIV},
    "identifier": [{"system": "urn:oid:1.2.392.100495.20.3.51.11310000001", "value": "0000123456"}],
    "active": True,
    "name": [
        {
            "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode": "IDE"}],
            "text": "架空 花子",
            "family": "架空",
            "given": ["花子"],
        }
    ],
    "telecom": [{"system": "phone", "value": "03-0000-0000", "use": "home"}],
    "gender": "female",
    "birthDate": "1942-03-08",
    "deceasedBoolean": False,
    "managingOrganization": {"reference": "Organization/o1"},
}

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "b1",
    "status": "final",
    "category": [{"coding": [{"system": f"{TERMS}observation-category", "code": "vital-signs"}]}],
    "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
    "subject": {"reference": "Patient/p1"},
    "encounter": {"reference": "Encounter/e1"},
    "effectiveDateTime": "2026-05-01T09:10:00+09:00",
    "performer": [{"reference": "Practitioner/d1"}],
    "component": [
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
            "valueQuantity": {"value": 120.50, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"},
        },
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": "8462-4"}]},
            "dataAbsentReason": {"coding": [{"system": f"{TERMS}data-absent-reason", "code": "error"}]},
        },
    ],
}

CONDITION: dict[str, Any] = {
    "resourceType": "Condition",
    "clinicalStatus": {"coding": [{"system": f"{TERMS}condition-clinical", "code": "active"}]},
    "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "I10"}], "text": "高血圧症"},
    "subject": {"reference": "Patient/p1"},
    "onsetDateTime": "2019",
    "recordedDate": "2026-05-01",
    "note": [{"text": "減塩指導"}],
}

REQUEST: dict[str, Any] = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "intent": "order",
    "contained": [
        {
            "resourceType": "Medication",
            "id": "m",
            "code": {"coding": [{"system": "urn:oid:1.2.392.100495.20.1.73", "code": "2171022F2029"}]},
        }
    ],
    "medicationReference": {"reference": "#m"},
    "subject": {"reference": "Patient/p1"},
    "authoredOn": "2026-05-01T23:30:00Z",
    "dispenseRequest": {"validityPeriod": {"start": "2026-05-01", "end": "2026-05"}, "numberOfRepeatsAllowed": 2},
}

COMPOSITION: dict[str, Any] = {
    "resourceType": "Composition",
    "status": "final",
    "type": {"coding": [{"system": "http://loinc.org", "code": "57133-1"}]},
    "subject": {"reference": "Patient/p1"},
    "date": "2026-05-01T10:00:00+09:00",
    "author": [{"reference": "Practitioner/d1"}],
    "title": "診療情報提供書",
    "section": [
        {"title": "傷病名", "text": {"status": "additional", "div": DIV}, "section": [{"text": {"status": "additional", "div": DIV}}]}
    ],
}

ALL = (PATIENT, OBSERVATION, CONDITION, REQUEST, COMPOSITION)


def but(value: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Give a copy with top-level elements replaced; None removes."""
    made = copy.deepcopy(value) | changes
    return {k: v for k, v in made.items() if v is not None}


def text(value: Any) -> bytes:
    return orjson.dumps(value)


def samples(*parts: str) -> list[Path]:
    """Find the published samples, or skip."""
    root = Path(os.environ.get("TSUNAGU_SHARED", str(Path(__file__).parents[2].parent / "shared"))) / "samples"
    if not root.is_dir():
        pytest.skip("the published samples are not here")
    return sorted(root.joinpath(*parts).rglob("*.json"))


def bundle(*entries: dict[str, Any], kind: str = "transaction") -> bytes:
    return text({"resourceType": "Bundle", "type": kind, "entry": list(entries)})


def put(resource: dict[str, Any], **changes: Any) -> dict[str, Any]:
    made = {"resource": resource, "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource.get('id')}"}}
    return made | changes


def post(resource: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}} | changes
