"""What the doors refuse, by the page that tells of it: the rule, and a request that is refused for it."""

import json

from schemas.adapter import BASE
from tests.read_pages import EXAMPLES

FHIR = {"Content-Type": "application/fhir+json"}
PATIENT = {"resourceType": "Patient", "id": "docs-1", "gender": "female"}
FINDING = {"resourceType": "Observation", "status": "final", "code": {"text": "見本"}}
MINE = {"subject": {"reference": "Patient/docs-1"}}


def asked(method, path, *, tree=None, headers=None, content=None, by="CLINIC", **more):
    """One request of the table below: (organization, method, path, what goes with it)."""
    body = json.dumps(tree).encode() if tree is not None else content
    return by, method, path, {"headers": {**(FHIR if tree is not None else {}), **(headers or {})}, "content": body, **more}


SOMEBODY_ELSES = "Patient/somebody-elses"
"""Stands for the hub-wide reference of a Patient that another organization holds."""
TWIN = {"resourceType": "Patient", "identifier": [{"system": "urn:docs", "value": "twin"}]}
TWO_PERSONS = {
    "resourceType": "Appointment",
    "status": "proposed",
    "participant": [{"actor": {"reference": f"Patient/docs-{n}"}, "status": "accepted"} for n in (1, 2)],
}
REFUSAL = {
    **json.loads((EXAMPLES / "consent.json").read_text(encoding="utf-8")),
    "id": "docs-3-refusal",
    "extension": [{"url": f"{BASE}/StructureDefinition/consent-hub-refusal", "valueBoolean": True}],
    "patient": {"reference": "Patient/docs-3"},
    "performer": [{"reference": "Patient/docs-3"}],
    "provision": {"type": "deny"},
}


def bundle(*entries, kind="transaction"):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def entry(method, url, tree=None, **more):
    return {"request": {"method": method, "url": url, **more.pop("request", {})}, **({"resource": tree} if tree else {}), **more}


def without_id(tree):
    return {name: value for name, value in tree.items() if name != "id"}


REFUSED = {
    "bundle": [
        ("HUB-4050", asked("POST", "/fhir", tree=bundle(kind="document"))),
        ("HUB-4051", asked("POST", "/fhir", tree=bundle(*[entry("GET", "Patient/docs-1")] * 5_001))),
        ("HUB-4054", asked("POST", "/fhir", tree=bundle(entry("PUT", "Patient", PATIENT)))),
        ("HUB-4055", asked("POST", "/fhir", tree=bundle(*[entry("POST", "Patient", without_id(PATIENT), fullUrl="urn:uuid:0b8f7c22-6d4d-4c6b-9d0a-0c9e3c3f8a12")] * 2))),
        ("HUB-4064", asked("POST", "/fhir", tree=bundle(entry("POST", "Observation", {**FINDING, "subject": {"reference": "urn:uuid:0b8f7c22-6d4d-4c6b-9d0a-0c9e3c3f8a13"}})))),
        ("HUB-4072", asked("POST", "/fhir", tree=bundle(*[entry("PUT", "Patient/docs-1", PATIENT)] * 2))),
        ("HUB-4073", asked("POST", "/fhir", tree=bundle(entry("POST", "Observation", {**FINDING, "subject": {"reference": "Patient?identifier=urn:x|nobody"}})))),
        ("HUB-4074", asked("POST", "/fhir", tree=bundle(entry("POST", "Patient", without_id(PATIENT), request={"ifNoneExist": "name=x"})))),
    ],
    "write": [
        ("HUB-5031", asked("PUT", "/fhir/Patient/docs-1", tree=PATIENT, by="")),
        ("HUB-5035", asked("PUT", "/fhir/Patient/docs-1", content=b"<Patient/>", headers={"Content-Type": "application/fhir+xml"})),
        ("HUB-5034", asked("PUT", "/fhir/Patient/docs-1", tree=PATIENT, headers={"Content-Encoding": "gzip"})),
        ("HUB-5036", asked("PUT", "/fhir/Patient/docs-1", tree=PATIENT, headers={"Accept": "application/fhir+xml"})),
        ("HUB-4000", asked("PUT", "/fhir/Patient/docs-1", content=b" " * 20_000_001, headers=FHIR)),
        ("HUB-4004", asked("PUT", "/fhir/Patient/docs-1", content=b"[" * 100 + b"]" * 100, headers=FHIR)),
        ("HUB-4005", asked("PUT", "/fhir/Patient/docs-1", content=b"{", headers=FHIR)),
        ("HUB-4007", asked("PUT", "/fhir/Patient/docs-1", content=b'{"resourceType":"Patient","id":"docs-1","id":"docs-1"}', headers=FHIR)),
        ("HUB-4011", asked("PUT", "/fhir/Citation/1", tree={"resourceType": "Citation", "id": "1"})),
        ("HUB-4012", asked("PUT", "/fhir/Person/docs-1", tree=PATIENT)),
        ("HUB-4020", asked("POST", "/fhir/Observation", tree={"resourceType": "Observation", "status": "final", **MINE})),
        ("HUB-4021", asked("PUT", "/fhir/Patient/docs-1", tree={**PATIENT, "colour": "blue"})),
        ("HUB-4026", asked("PUT", "/fhir/Patient/docs-1", tree={**PATIENT, "birthDate": "2026-02-30"})),
        ("HUB-4030", asked("PUT", "/fhir/Patient/docs-1", tree={**PATIENT, "gender": "x"})),
        ("HUB-4034", asked("POST", "/fhir/Observation", tree={**FINDING, "subject": {"reference": "Practitioner/1"}})),
        ("HUB-4059", asked("PUT", "/fhir/Patient/docs-2", tree=PATIENT)),
        ("HUB-4062", asked("PUT", "/fhir/Patient", tree=PATIENT)),
        ("HUB-4071", asked("PUT", "/fhir/Patient/docs-1", tree=PATIENT, headers={"If-Match": "now"})),
        ("HUB-5042", asked("PUT", "/fhir/Patient/docs-1", tree=PATIENT, headers={"If-Match": 'W/"9"'})),
        ("HUB-4075", asked("POST", "/fhir/Observation", tree={**FINDING, "subject": {"reference": "https://elsewhere.example/Patient/1"}})),
        ("HUB-4077", asked("POST", "/fhir/Observation", tree=FINDING)),
        ("HUB-4078", asked("POST", "/fhir/Observation", tree={**FINDING, "subject": {"reference": SOMEBODY_ELSES}})),
        ("HUB-4070", asked("POST", "/fhir/Patient", tree=TWIN, headers={"If-None-Exist": "identifier=urn:docs|twin"})),
        ("HUB-4076", asked("POST", "/fhir/Appointment", tree=TWO_PERSONS)),
        ("HUB-5040", asked("POST", "/fhir/Observation", tree={**FINDING, "subject": {"reference": "Patient/docs-3"}})),
        ("HUB-5041", asked("DELETE", "/fhir/Patient/tsu-aaaaaaaaaaaaaaaaaaaaaaaaaa")),
        ("HUB-5037", asked("PATCH", "/fhir/Patient/docs-1", content=b"[]")),
    ],
    "read": [
        ("HUB-5031", asked("GET", "/fhir/Patient/docs-1", by="")),
        ("HUB-5041", asked("GET", "/fhir/Patient/docs-1", by="OFFICE")),
        ("HUB-4011", asked("GET", "/fhir/Citation/1")),
        ("HUB-4080", asked("GET", "/fhir/Observation?patient=a/b/c")),
        ("HUB-4081", asked("GET", "/fhir/Patient?name=x&_count=0")),
        ("HUB-4082", asked("GET", "/fhir/Patient?_count=x")),
        ("HUB-4083", asked("GET", "/fhir/Patient?_lastUpdated=soon")),
        ("HUB-4084", asked("GET", "/fhir/Patient?_summary=text")),
        ("HUB-4085", asked("GET", "/fhir/Patient?identifier=urn:x|")),
        ("HUB-4086", asked("GET", "/fhir/Patient?identifier:not=x")),
        ("HUB-5036", asked("GET", "/fhir/Patient/docs-1", headers={"Accept": "text/html"})),
        ("HUB-5038", asked("POST", "/fhir/Patient/_search", content=b"{}", headers={"Content-Type": "application/json"})),
    ],
    "hand-in": [
        ("HUB-5031", asked("POST", "/hand-in", content=b"x", by="")),
        ("HUB-5056", asked("POST", "/hand-in", content=b"x")),
        ("HUB-4000", asked("POST", "/hand-in", content=b" " * 20_000_001, headers={"Content-Disposition": 'attachment; filename="a.txt"'})),
        ("HUB-5051", asked("POST", "/hand-in", content=b"x", headers={"Content-Disposition": 'attachment; filename="a.txt"'})),
    ],
    "refused": [
        ("HUB-5031", asked("GET", "/refused.json", by="")),
        ("HUB-5041", asked("POST", "/refused/abc/send")),
    ],
    "links": [
        ("HUB-5031", asked("GET", "/links", by="")),
        ("HUB-5043", asked("GET", "/links")),
        ("HUB-5039", asked("POST", "/links", content=b"{}", by="NETWORK")),
        ("HUB-5044", asked("POST", "/links", tree={"first": "Patient/1", "second": "Patient/2"}, by="NETWORK")),
    ],
    "events": [
        ("HUB-5031", asked("GET", "/events", by="")),
        ("HUB-5057", asked("GET", "/events?after=x")),
    ],
    "summary": [
        ("HUB-5031", asked("GET", "/fhir/Patient/p62634/$summary", by="")),
        ("HUB-5041", asked("GET", "/fhir/Patient/nobody/$summary")),
        ("HUB-5036", asked("GET", "/fhir/Patient/p62634/$summary", headers={"Accept": "text/html"})),
        ("HUB-5120", asked("GET", "/fhir/Patient/p62634/$summary?at=yesterday")),
        ("HUB-5121", asked("GET", "/fhir/Patient/p62634/$summary?at=2999-01-01T00:00:00Z")),
        ("HUB-5122", asked("GET", "/fhir/Patient/p62634/$summary?at=1999-01-01T00:00:00Z")),
        ("HUB-5123", asked("GET", "/fhir/Patient/p62634/$summary?at=7")),
    ],
    "board": [
        ("HUB-5031", asked("GET", "/fhir/$board", by="")),
        ("HUB-5043", asked("GET", "/fhir/$board", by="NETWORK")),
        ("HUB-5036", asked("GET", "/fhir/$board", headers={"Accept": "text/html"})),
        ("HUB-5120", asked("GET", "/fhir/$board?at=yesterday")),
        ("HUB-5121", asked("GET", "/fhir/$board?at=2999-01-01T00:00:00Z")),
        ("HUB-5122", asked("GET", "/fhir/$board?at=1999-01-01T00:00:00Z")),
        ("HUB-5123", asked("GET", "/fhir/$board?at=7")),
    ],
    "audit": [
        ("HUB-5031", asked("GET", "/fhir/AuditEvent", by="")),
        ("HUB-5043", asked("GET", "/fhir/AuditEvent")),
        ("HUB-4082", asked("GET", "/fhir/AuditEvent?_count=x", by="NETWORK")),
        ("HUB-4083", asked("GET", "/fhir/AuditEvent?date=soon", by="NETWORK")),
        ("HUB-5127", asked("GET", "/audit/decision.json?organization=1119900015", by="NETWORK")),
        ("HUB-5014", asked("GET", "/audit/decision.json?organization=nobody", by="NETWORK")),
        ("HUB-5015", asked("GET", "/audit/decision.json?user=nobody", by="NETWORK")),
    ],
    "service": [
        ("HUB-5058", asked("GET", "/fhir/.well-known/smart-configuration", by="")),
        ("HUB-5041", asked("GET", "/nothing", by="")),
        ("HUB-5037", asked("DELETE", "/livez", by="")),
    ],
}  # fmt: skip
