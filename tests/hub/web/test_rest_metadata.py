"""The CapabilityStatement is true: what it lists works, what it does not list does not (clients: A.1)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas.fhir.schema import resource_types
from tests.hub.web.answers import matches, outcome
from tests.hub.world import FHIR, HOSPITAL, INSURED, NETWORK, World, a_patient


def listed(w: World) -> dict[str, dict[str, Any]]:
    tree = w.ask("GET", "/fhir/metadata").json()
    assert (tree["resourceType"], tree["fhirVersion"], tree["kind"]) == ("CapabilityStatement", "4.0.1", "instance")
    (rest,) = tree["rest"]
    return {one["type"]: one for one in rest["resource"]}


def an_observation(number: str = "o1") -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": number, "status": "final", "code": {"text": "体温"}, "subject": {"reference": "Patient/p1"},
        "identifier": [{"system": "urn:example:observations", "value": number}],
    }  # fmt: skip


def an_organization(number: str = "o1") -> dict[str, Any]:
    return {
        "resourceType": "Organization", "id": number, "name": "ひがし病院",
        "identifier": [{"system": "urn:example:organizations", "value": number}],
    }  # fmt: skip


SAMPLES = {"Patient": a_patient, "Observation": an_observation, "Organization": an_organization}
NOT_LISTED: dict[str, dict[str, Any]] = {
    "Bundle": {"type": "collection"},
    "AuditEvent": {
        "type": {"code": "rest"}, "recorded": "2026-11-24T00:00:00Z", "agent": [{"requestor": True}], "source": {"observer": {"display": "x"}},
        "entity": [{"what": {"reference": "Patient/p1"}}],
    },
    "OperationOutcome": {"issue": [{"severity": "error", "code": "invalid"}]},
    "Parameters": {},
    "CapabilityStatement": {"status": "active", "date": "2026-11-24", "kind": "requirements", "fhirVersion": "4.0.1", "format": ["json"], "description": "x"},
    "Citation": {"status": "active"},
    "Patients": {},
}  # fmt: skip
INTERACTIONS = {"create", "read", "vread", "update", "delete", "search-type"}


def test_metadata_needs_no_token_and_names_the_address_that_clients_use(hub_world: World) -> None:
    tree = hub_world.ask("GET", "/fhir/metadata").json()
    assert tree["implementation"]["url"] == "http://hub.test/fhir"
    assert "extension" not in tree["rest"][0]["security"]
    assert "service" not in tree["rest"][0]["security"]


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_every_interaction_and_parameter_that_is_listed_works(hub_world: World, kind: str) -> None:
    row, sample = listed(hub_world)[kind], SAMPLES[kind]
    assert {i["code"] for i in row["interaction"]} == INTERACTIONS
    hub_world.put(HOSPITAL, a_patient())
    body = orjson.dumps(sample("s1"))
    assert hub_world.ask("POST", f"/fhir/{kind}", by=HOSPITAL, content=body, headers=FHIR).status_code == 201
    assert row["updateCreate"]
    assert hub_world.put(HOSPITAL, sample("s1")).status_code == 201
    assert hub_world.put(HOSPITAL, sample("s1")).status_code == 200
    assert hub_world.get(HOSPITAL, f"/fhir/{kind}/s1").status_code == 200
    assert row["readHistory"]
    assert hub_world.get(HOSPITAL, f"/fhir/{kind}/s1/_history/1").status_code == 200
    identifier = sample("s2")["identifier"][0]
    mark = f"identifier={identifier['system']}|{identifier['value']}"
    values = {"_id": "s1", "identifier": mark.partition("=")[2], "patient": "Patient/p1", "_lastUpdated": "ge2026-11-24"}
    for parameter in row["searchParam"]:
        found = hub_world.get(HOSPITAL, f"/fhir/{kind}", params={parameter["name"]: values[parameter["name"]]}).json()
        assert not [e for e in found.get("entry", ()) if e["search"]["mode"] == "outcome"], parameter
    assert ("patient" in {p["name"] for p in row["searchParam"]}) == (kind == "Observation")
    assert row["conditionalCreate"]
    fresh = {**sample("s9"), "identifier": [{"system": "urn:example:x", "value": "9"}]}
    for status in (201, 200):
        answer = hub_world.ask(
            "POST",
            f"/fhir/{kind}",
            by=HOSPITAL,
            content=orjson.dumps(fresh),
            headers=FHIR | {"If-None-Exist": "identifier=urn:example:x|9"},
        )
        assert answer.status_code == status
    assert row["conditionalUpdate"]
    del fresh["id"]
    changed = hub_world.ask("PUT", f"/fhir/{kind}?identifier=urn:example:x|9", by=HOSPITAL, content=orjson.dumps(fresh), headers=FHIR)
    assert changed.headers["etag"] == 'W/"2"'
    assert row["conditionalDelete"] == "single"
    assert hub_world.ask("DELETE", f"/fhir/{kind}?identifier=urn:example:x|9", by=HOSPITAL).status_code == 204
    assert hub_world.get(HOSPITAL, f"/fhir/{kind}?identifier=urn:example:x|9").json()["total"] == 0
    assert hub_world.ask("DELETE", f"/fhir/{kind}/s1", by=HOSPITAL).status_code == 204
    assert hub_world.get(HOSPITAL, f"/fhir/{kind}/s1").status_code == 410


@pytest.mark.parametrize("kind", sorted(NOT_LISTED))
def test_what_is_not_listed_cannot_be_written_or_read(hub_world: World, kind: str) -> None:
    rows = listed(hub_world)
    assert kind not in rows or {i["code"] for i in rows[kind]["interaction"]} == {"search-type", "read"}
    tree = {"resourceType": kind, "id": "x1", **NOT_LISTED[kind]}
    body = orjson.dumps(tree)
    asked = (
        ("POST", kind),
        ("POST", f"{kind}/"),
        ("PUT", f"{kind}/x1"),
        ("PUT", f"{kind}?identifier=a|b"),
        ("GET", f"{kind}/x1"),
        ("DELETE", f"{kind}/x1"),
    )
    for method, path in asked:
        answer = hub_world.ask(method, f"/fhir/{path}", by=HOSPITAL, content=b"" if method in {"GET", "DELETE"} else body, headers=FHIR)
        assert answer.status_code in ({403} if (kind, method) == ("AuditEvent", "GET") else {404, 405}), (method, path)
        outcome(answer)
    for kind_of_bundle in ("transaction", "batch"):
        entries = [{"resource": tree, "request": {"method": "PUT", "url": f"{kind}/x1"}}]
        answer = hub_world.bundle(HOSPITAL, entries, kind_of_bundle)
        refused = answer.json() if answer.status_code != 200 else answer.json()["entry"][0]["response"]["outcome"]
        assert refused["issue"][0]["details"]["coding"][0]["code"] == "HUB-4011"
        assert refused["issue"][0]["expression"] == ["Bundle.entry[0].request.url"]


def test_nobody_writes_the_record_of_disclosures(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    before = hub_world.get(NETWORK, "/fhir/AuditEvent").json()["total"]
    event = {"resourceType": "AuditEvent", "id": "x1", **NOT_LISTED["AuditEvent"]}
    for answer in (
        hub_world.put(HOSPITAL, event),
        hub_world.ask("POST", "/fhir/AuditEvent", by=HOSPITAL, content=orjson.dumps(event), headers=FHIR),
        hub_world.bundle(HOSPITAL, [{"resource": event, "request": {"method": "POST", "url": "AuditEvent"}}]),
    ):
        assert answer.status_code in {404, 405, 422}
        outcome(answer)
    found = hub_world.get(NETWORK, "/fhir/AuditEvent/").json()
    assert found["total"] - before == 1  # the officers' first question, which is recorded too
    assert {r["resourceType"] for r in matches(found)} == {"AuditEvent"}


def test_all_that_is_listed_is_of_r4_and_every_type_lists_only_what_it_has(hub_world: World) -> None:
    rows = listed(hub_world)
    assert set(rows) <= resource_types()
    for kind, row in rows.items():
        names = [p["name"] for p in row["searchParam"]]
        assert len(names) == len(set(names)), kind
        if kind != "AuditEvent":
            assert {"_id", "identifier", "_lastUpdated"} <= set(names) <= {"_id", "identifier", "_lastUpdated", "patient"}
    for kind in ("Organization", "Location", "Practitioner", "Patient"):
        assert "patient" not in {p["name"] for p in rows[kind]["searchParam"]}
    # what is not listed is not searched by
    hub_world.put(HOSPITAL, a_patient())
    for asked in (
        "Patient?patient=Patient/p1",
        "Organization?patient=Patient/p1",
        "Observation?subject=Patient/p1",
        f"Patient?name={INSURED}",
    ):
        found = hub_world.get(HOSPITAL, f"/fhir/{asked}").json()
        assert found["entry"][-1]["search"]["mode"] == "outcome", asked


def test_the_operations_that_are_listed_answer_and_no_other(hub_world: World) -> None:
    (rest,) = hub_world.ask("GET", "/fhir/metadata").json()["rest"]
    assert {o["name"] for o in rest["operation"]} == {"summary", "board"}
    assert {i["code"] for i in rest["interaction"]} == {"transaction", "batch"}
    hub_world.put(HOSPITAL, a_patient())
    assert hub_world.get(HOSPITAL, "/fhir/$board").json()["resourceType"] == "Bundle"
    assert hub_world.get(HOSPITAL, "/fhir/Patient/p1/$summary").json()["resourceType"] == "Bundle"
    for path in ("Patient/$everything", "Patient/p1/$everything", "$export", "Patient/p1/_history", "_history", ""):
        assert hub_world.get(HOSPITAL, f"/fhir/{path}").status_code in {404, 405}
