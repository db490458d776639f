"""What a person has, takes and is like, as FHIR: problems, allergies, drugs, devices, the usual self, visits, family."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hub.demo.region.elements import (
    GENERIC_DRUG,
    HL7,
    ICD10,
    JLAC10,
    LOINC,
    OBSERVATION_CATEGORY,
    USAGE,
    Pen,
    Tree,
    code_of,
    coding,
    concept,
    extension,
    names,
    office_reference,
    phone,
    quantity,
)
from hub.demo.region.tables import keyed
from schemas.adapter import BASE

Spec = Mapping[str, Any]
_RP = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/Medication-RPGroupNumber"
_IN_RP = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/MedicationAdministrationIndex"
_LEVELS = set("ULMNRV")
_LABELS = {True: f"{HL7}/v3-Confidentiality", False: f"{HL7}/v3-ActCode"}


def problem(pen: Pen, spec: Spec) -> Iterator[Tree]:
    """Make a Condition: text, icd, since (partial), recorded; `over` for a past one."""
    status = "resolved" if spec.get("over") else "active"
    body = {
        "clinicalStatus": code_of(f"{HL7}/condition-clinical", status),
        "verificationStatus": code_of(f"{HL7}/condition-ver-status", "confirmed"),
        "code": code_of(ICD10, spec["icd"], spec["text"]),
        "subject": pen.me,
        **({"onsetDateTime": pen.clock.fhir(spec["since"])} if "since" in spec else {}),
        **({"abatementDateTime": pen.clock.fhir(spec["over"])} if "over" in spec else {}),
        "recordedDate": pen.clock.fhir(spec["recorded"]),
    }
    yield pen.make("Condition", "c", body)


def allergy(pen: Pen, spec: Spec) -> Iterator[Tree]:
    """Make an AllergyIntolerance: text, system and code where there is one, reaction, grave, recorded (partial)."""
    coded = [coding(spec["system"], spec["code"])] if "code" in spec else []
    body = {
        "clinicalStatus": code_of(f"{HL7}/allergyintolerance-clinical", "active"),
        "verificationStatus": code_of(f"{HL7}/allergyintolerance-verification", "confirmed"),
        "category": [spec.get("category", "medication")],
        "criticality": "high" if spec.get("grave") else "low",
        "code": concept(spec["text"], *coded),
        "patient": pen.me,
        "recordedDate": pen.clock.fhir(spec["recorded"]),
        **({"reaction": [{"manifestation": [concept(spec["reaction"])]}]} if "reaction" in spec else {}),
    }
    yield pen.make("AllergyIntolerance", "a", body)


def drug(pen: Pen, spec: Spec) -> Iterator[Tree]:
    """Make a MedicationRequest: drug (drugs.csv), dose in words, usage (JAMI), amount a time, days, authored, rp, security (the sender's label)."""
    row = keyed("drugs", "key")[spec["drug"]]
    days, times = spec.get("days", 28), int(spec["usage"][3])
    labels = {"meta": {"security": [coding(_LABELS[one in _LEVELS], one) for one in spec["security"]]}} if "security" in spec else {}
    body = {
        **labels,
        "identifier": [{"system": _RP, "value": str(spec.get("rp", 1))}, {"system": _IN_RP, "value": str(spec.get("order", 1))}],
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": code_of(GENERIC_DRUG, row["code"], row["name"]),
        "subject": pen.me,
        "authoredOn": pen.clock.fhir(spec["authored"]),
        "requester": office_reference(pen.alias),
        "dosageInstruction": [
            {
                "text": spec["dose"],
                "timing": {"code": code_of(USAGE, spec["usage"])},
                "doseAndRate": [{"doseQuantity": {"value": spec["each"], "unit": row["unit"]}}],
            }
        ],
        "dispenseRequest": {
            "quantity": {"value": spec["each"] * times * days, "unit": row["unit"]},
            "expectedSupplyDuration": {"value": days, "unit": "日", "system": "http://unitsofmeasure.org", "code": "d"},
        },
    }
    yield pen.make("MedicationRequest", "m", body)


def device(pen: Pen, spec: Spec) -> Iterator[Tree]:
    """Make a Device and its DeviceUseStatement: name, code (区分 of vn_device), since (partial), setting, change (a day), vendor."""
    kind = f"{BASE}/CodeSystem/vn-device"
    more = [extension("device-next-due", valueDate=pen.clock.day(spec["change"]).isoformat())] if "change" in spec else []
    more += [extension("device-vendor-tel", valueString=spec["vendor"])] if "vendor" in spec else []
    made = pen.make(
        "Device",
        "d",
        {
            **({"extension": more} if more else {}),
            "status": "active",
            "deviceName": [{"name": spec["name"], "type": "user-friendly-name"}],
            "type": code_of(kind, spec["code"], spec["name"]),
            "patient": pen.me,
        },
    )
    yield made
    body = {
        "status": "active",
        "subject": pen.me,
        "timingPeriod": {"start": pen.clock.fhir(spec["since"])},
        **({"recordedOn": pen.clock.fhir(spec["seen"])} if "seen" in spec else {}),
        "device": {"reference": f"Device/{made['id']}"},
        **({"note": [{"text": spec["setting"]}]} if "setting" in spec else {}),
    }
    yield pen.make("DeviceUseStatement", "u", body)


def told(pen: Pen, spec: Spec) -> Iterator[Tree]:
    """Make an Observation in words: code (of the hub's own system), label, value, category (functional-status, social-history …), at."""
    body = {
        "status": "final",
        "category": [code_of(OBSERVATION_CATEGORY, spec["category"])],
        "code": code_of(f"{BASE}/CodeSystem/kaigo-observation", spec["code"], spec["label"]),
        "subject": pen.me,
        "effectiveDateTime": pen.clock.fhir(spec["at"]),
        "performer": [office_reference(pen.alias)],
        "valueString": spec["value"],
    }
    yield pen.make("Observation", "o", body)


def measured(pen: Pen, spec: Spec) -> Iterator[Tree]:
    """Make an Observation with a number: label, code (JLAC10), value, unit, ucum, category, at."""
    body = {
        "status": "final",
        "category": [code_of(OBSERVATION_CATEGORY, spec["category"])],
        "code": code_of(JLAC10, spec["code"], spec["label"]),
        "subject": pen.me,
        "effectiveDateTime": pen.clock.fhir(spec["at"]),
        "performer": [office_reference(pen.alias)],
        "valueQuantity": quantity(spec["value"], spec["unit"], spec["ucum"]),
    }
    yield pen.make("Observation", "o", body)


def matters(pen: Pen, spec: Spec) -> Iterator[Tree]:
    """Make an Observation on what matters to the person (LOINC 81338-6): words, at."""
    body = {
        "status": "final",
        "category": [code_of(OBSERVATION_CATEGORY, "survey")],
        "code": concept("大切にしていること", coding(LOINC, "81338-6"), coding(f"{BASE}/CodeSystem/kaigo-observation", "what-matters")),
        "subject": pen.me,
        "effectiveDateTime": pen.clock.fhir(spec["at"]),
        "valueString": spec["words"],
    }
    yield pen.make("Observation", "o", body)


def visit(pen: Pen, spec: Spec) -> Iterator[Tree]:
    """Make an Encounter of a clinic or office: class (AMB, HH), at, minutes, reason."""
    start = pen.clock.at(spec["at"])
    body = {
        "status": "finished",
        "class": coding(f"{HL7}/v3-ActCode", spec["class"], {"AMB": "ambulatory", "HH": "home health"}[spec["class"]]),
        "subject": pen.me,
        "period": {"start": start.isoformat(), "end": pen.clock.at(spec["until"]).isoformat()},
        "reasonCode": [concept(spec["reason"])],
        "serviceProvider": office_reference(pen.alias),
    }
    yield pen.make("Encounter", "e", body)


def appointment(pen: Pen, spec: Spec) -> Iterator[Tree]:
    """Make an Appointment: at, until, what."""
    body = {
        "status": "booked",
        "description": spec["what"],
        "start": pen.clock.at(spec["at"]).isoformat(),
        "end": pen.clock.at(spec["until"]).isoformat(),
        "participant": [{"actor": pen.me, "status": "accepted"}],
    }
    yield pen.make("Appointment", "n", body)


def relative(pen: Pen, spec: Spec) -> Iterator[Tree]:
    """Make a RelatedPerson: family, given, relation, phone, rank; `agent` for 代弁者."""
    relation = [concept(spec["relation"])]
    if spec.get("agent"):
        relation.append(code_of(f"{HL7}/v3-RoleClass", "AGNT", "代弁者"))
    body = {
        "active": True,
        "patient": pen.me,
        "relationship": relation,
        "name": names(spec["family"], spec["given"]),
        "telecom": [phone(spec["phone"], rank=spec["rank"])],
        "period": {"start": pen.clock.fhir(spec["since"])},
    }
    yield pen.make("RelatedPerson", "r", body)


def stay(pen: Pen, spec: Spec) -> Iterator[Tree]:
    """Make the Encounter of a hospital that sends FHIR: at, leaves (planned), ward, reason, icd."""
    planned = extension("planned-end", valueDateTime=pen.clock.at(spec["leaves"]).isoformat())
    body = {
        "extension": [planned],
        "status": "in-progress",
        "class": coding(f"{HL7}/v3-ActCode", "IMP", "inpatient encounter"),
        "subject": pen.me,
        "period": {"start": pen.clock.at(spec["at"]).isoformat()},
        "reasonCode": [code_of(ICD10, spec["icd"], spec["reason"])],
        "hospitalization": {
            "admitSource": code_of("http://jpfhir.jp/fhir/Common/CodeSystem/admit-Source", "4", "他の病院・診療所の病棟から")
        },
        "location": [{"location": {"display": spec["ward"]}, "status": "active"}],
        "serviceProvider": office_reference(pen.alias),
    }
    yield pen.make("Encounter", "s", body)


def caution(pen: Pen, spec: Spec) -> Iterator[Tree]:
    """Make a Flag: text, since."""
    body = {
        "status": "active",
        "category": [code_of(f"{HL7}/flag-category", "clinical")],
        "code": concept(spec["text"]),
        "subject": pen.me,
        "period": {"start": pen.clock.fhir(spec["since"])},
        "author": office_reference(pen.alias),
    }
    yield pen.make("Flag", "f", body)


WRITERS: Mapping[str, Callable[[Pen, Spec], Iterator[Tree]]] = {
    "problem": problem, "allergy": allergy, "drug": drug, "device": device, "told": told, "measured": measured, "matters": matters,
    "visit": visit, "appointment": appointment, "relative": relative, "stay": stay, "caution": caution,
}  # fmt: skip
"""Word of a chart's entry (`is`) → the function that writes it."""
