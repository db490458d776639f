"""Consents to share, and wishes for treatment (人生会議), as FHIR R4 Consent in the form that the hub reads (consent/README.md)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from hub.demo.region.elements import HL7, LOINC, Pen, Tree, code_of, coding, extension, office_reference
from hub.demo.region.tables import office, tree
from schemas.adapter import BASE

_REASON = f"{HL7}/v3-ActReason"
_CONFIDENTIALITY = set("ULMNRV")
_NETWORK = f"{BASE}/sid/network"
"""Identifier system of a network; `NW` is the name under which the consent speaks for all members (consent/data/networks/)."""


def sharing(pen: Pen, spec: Mapping[str, Any], *, status: str = "active") -> Tree:
    """Make a consent to share. `spec`: kind (sharing.json), signed, actors (aliases), emergency, proxy; its holder writes it."""
    kind: Mapping[str, Any] = tree("sharing")[spec["kind"]]
    signed = pen.clock.day(spec["signed"])
    more = [
        extension("consent-form", valueCode=kind["form"]),
        extension("consent-emergency", valueCode=spec["emergency"]),
    ]
    if proxy := spec.get("proxy"):
        parts = [{"url": "kind", "valueCode": proxy["kind"]}, {"url": "verified", "valueBoolean": True}]
        parts.append({"url": "until", "valueDate": pen.clock.day(proxy["until"]).isoformat()})
        more.append(extension("consent-proxy", extension=parts))
    provision = _provision(kind["root"], spec) | {"period": {"start": signed.isoformat(), "end": _end(signed, kind["years"]).isoformat()}}
    return {
        "resourceType": "Consent",
        "id": f"{pen.id}-sharing",
        "extension": more,
        "status": status,
        "scope": code_of(f"{HL7}/consentscope", "patient-privacy"),
        "category": [code_of(LOINC, "59284-0", "情報の共有についての同意書")],
        "patient": pen.me,
        "dateTime": signed.isoformat(),
        "performer": [{"display": proxy["who"]} if proxy else pen.me],
        "organization": [_controller(kind["controller"], pen.alias)],
        "policy": [{"uri": f"{BASE}/policy/sharing"}],
        "provision": provision,
    }


def _end(signed: date, years: int) -> date:
    """Give the last day: the day before the anniversary."""
    day = min(signed.day, 28)
    return date(signed.year + years, signed.month, day) - timedelta(days=1)


def _controller(who: str, alias: str) -> Tree:
    """Say for whom the consent speaks: all members of the network, or the one that holds the record."""
    if who == "custodian":
        return office_reference(alias)
    return {"identifier": {"system": _NETWORK, "value": "NW"}, "display": office("network")["name"]}


def _provision(rule: Mapping[str, Any], spec: Mapping[str, Any]) -> Tree:
    found: Tree = {"type": rule["type"]}
    if "recipients" in rule:
        role = code_of(f"{HL7}/v3-ParticipationType", "IRCP")
        found["actor"] = [{"role": role, "reference": office_reference(alias)} for alias in spec["actors"]]
    if "labels" in rule:
        systems = {True: f"{HL7}/v3-Confidentiality", False: f"{HL7}/v3-ActCode"}
        found["securityLabel"] = [coding(systems[one in _CONFIDENTIALITY], one) for one in rule["labels"]]
    if "purpose" in rule:
        found["purpose"] = [coding(_REASON, one) for one in rule["purpose"]]
    if "class" in rule:
        found["class"] = [coding("http://hl7.org/fhir/resource-types", one) for one in rule["class"]]
    if "nested" in rule:
        found["provision"] = [_provision(one, spec) for one in rule["nested"]]
    return found


def wishes(pen: Pen, spec: Mapping[str, Any]) -> Tree:
    """Make a record of a talk on wishes. `spec`: at, words, conditions, doctor, present, answers (treatment, permit or deny)."""
    base = f"{BASE}/CodeSystem/acp-treatment"
    said = {"acp-words": "words", "acp-foreseen-conditions": "conditions", "acp-confirming-doctor": "doctor"}
    return {
        "resourceType": "Consent",
        "id": f"{pen.id}-wishes",
        "extension": [extension(name, valueString=spec[part]) for name, part in said.items()],
        "status": "active",
        "scope": code_of(f"{HL7}/consentscope", "adr"),
        "category": [code_of(f"{HL7}/consentcategorycodes", "acd", "人生会議（ACP）の記録")],
        "patient": pen.me,
        "dateTime": pen.clock.at(spec["at"]).isoformat(),
        "performer": [pen.me, *({"display": who} for who in spec["present"])],
        "policy": [{"uri": f"{BASE}/policy/acp"}],
        "provision": {"provision": [{"type": answer, "code": [code_of(base, treatment)]} for treatment, answer in spec["answers"]]},
    }
