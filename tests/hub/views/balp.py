"""The profiles of IHE BALP 1.1, element by element, written from the tables of consent-and-audit §3.1: what an event must have that claims one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Tree = dict[str, Any]
ROOT = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
HL7 = "http://terminology.hl7.org/CodeSystem"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
REST = (f"{HL7}/audit-event-type", "rest")


def agents(event: Tree, system: str, code: str) -> list[Tree]:
    return [a for a in event["agent"] if (system, code) in {(c["system"], c["code"]) for c in a["type"]["coding"]}]


def entities(event: Tree, system: str, code: str) -> list[Tree]:
    return [e for e in event.get("entity", ()) if (e["type"]["system"], e["type"]["code"]) == (system, code)]


def person(event: Tree) -> None:
    (found,) = entities(event, f"{HL7}/audit-entity-type", "1")
    assert (found["role"]["system"], found["role"]["code"]) == (f"{HL7}/object-role", "1")
    assert found["what"]["type"] == "Patient"


def transaction(event: Tree) -> None:
    for found in entities(event, "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "XrequestId"):
        assert found["what"]["identifier"]["value"]


def networked(event: Tree, system: str, code: str) -> Tree:
    (found,) = agents(event, system, code)
    assert found["who"]
    assert found["network"]["type"] in {"1", "2"}
    assert found["network"]["address"]
    return found


def rest(action: str, subtypes: set[str], client: str, server: tuple[str, str], users: set[str]) -> Callable[[Tree], None]:
    def check(event: Tree) -> None:
        assert (event["type"]["system"], event["type"]["code"]) == REST
        assert {s["system"] for s in event["subtype"]} == {INTERACTION}
        assert {s["code"] for s in event["subtype"]} <= subtypes
        assert (event["action"], event["outcome"]) == (action, "0")
        assert event["recorded"]
        networked(event, DCM, client)
        networked(event, *server)
        acting = [a for a in event["agent"] if a["type"]["coding"][0]["system"] == f"{HL7}/v3-ParticipationType"]
        assert len(acting) <= 1
        for user in acting:
            assert user["type"]["coding"][0]["code"] in users
            assert user["requestor"] is True
            assert "network" not in user
        transaction(event)

    return check


def data(event: Tree) -> Tree:
    (found,) = entities(event, f"{HL7}/audit-entity-type", "2")
    assert found["role"]["code"] in {"3", "4", "20"}
    assert found["what"]
    return found


def read(event: Tree) -> None:
    rest("R", {"read", "vread", "history-instance"}, "110152", (DCM, "110153"), {"IRCP"})(event)
    data(event)


def create(event: Tree) -> None:
    rest("C", {"create"}, "110153", (DCM, "110152"), {"AUT", "INF", "CST"})(event)
    data(event)


def update(event: Tree) -> None:
    rest("U", {"update", "patch"}, "110153", (DCM, "110152"), {"AUT", "INF", "CST"})(event)
    assert "/_history/" in data(event)["what"]["reference"]


def delete(event: Tree) -> None:
    rest("D", {"delete"}, "110150", (f"{HL7}/provenance-participant-type", "custodian"), {"AUT", "INF", "CST"})(event)
    assert data(event).keys().isdisjoint({"lifecycle", "name", "query", "detail"})
    assert len(event["subtype"]) == 1
    for agent in (networked(event, DCM, "110150"), networked(event, f"{HL7}/provenance-participant-type", "custodian")):
        assert agent.keys().isdisjoint({"role", "altId", "name", "location", "policy", "media", "purposeOfUse"})
    for user in event["agent"]:
        assert "policy" not in user


def query(event: Tree) -> None:
    rest("E", {"search", "search-type", "search-system"}, "110153", (DCM, "110152"), {"IRCP"})(event)
    (found,) = entities(event, f"{HL7}/audit-entity-type", "2")
    assert found["role"]["code"] == "24"
    assert found["query"]
    assert found.keys().isdisjoint({"what", "lifecycle", "detail"})


def authz(event: Tree) -> None:
    assert (event["type"]["system"], event["type"]["code"]) == (DCM, "110113")
    assert {(s["system"], s["code"]) for s in event["subtype"]} == {
        ("https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType", "AuthZ-Consent")
    }
    assert event["action"] == "E"
    client = networked(event, DCM, "110150")
    assert client.keys().isdisjoint({"role", "altId", "name", "location", "media", "purposeOfUse"})
    (user,) = agents(event, f"{HL7}/v3-ParticipationType", "IRCP")
    assert user["requestor"] is True
    (organization,) = agents(event, f"{HL7}/v3-RoleClass", "PROV")
    assert organization.keys() <= {"type", "who", "requestor", "purposeOfUse"}
    (server,) = agents(event, f"{HL7}/extra-security-role-type", "authserver")
    assert server["who"] == event["source"]["observer"]
    assert server.keys() == {"type", "who", "requestor"}
    person(event)
    consents = entities(event, "http://hl7.org/fhir/resource-types", "Consent")
    assert consents
    assert all("/_history/" in one["what"]["reference"] for one in consents)
    assert len(consents) + 1 == len(event["entity"])  # the slicing is closed


def disclosed(event: Tree) -> None:
    assert (event["type"]["system"], event["type"]["code"], event["action"]) == (DCM, "110106", "R")
    assert (f"{HL7}/iso-21089-lifecycle", "disclose") in {(s["system"], s["code"]) for s in event["subtype"]}
    assert networked(event, DCM, "110153")["who"] == event["source"]["observer"]
    networked(event, DCM, "110152")
    assert len(event["entity"]) >= 2
    person(event)


def with_person(check: Callable[[Tree], None]) -> Callable[[Tree], None]:
    def both(event: Tree) -> None:
        check(event)
        person(event)

    return both


PROFILES: dict[str, Callable[[Tree], None]] = {
    "IHE.BasicAudit.Create": create, "IHE.BasicAudit.PatientCreate": with_person(create),
    "IHE.BasicAudit.Read": read, "IHE.BasicAudit.PatientRead": with_person(read),
    "IHE.BasicAudit.Update": update, "IHE.BasicAudit.PatientUpdate": with_person(update),
    "IHE.BasicAudit.Delete": delete, "IHE.BasicAudit.PatientDelete": with_person(delete),
    "IHE.BasicAudit.Query": query, "IHE.BasicAudit.PatientQuery": with_person(query),
    "IHE.BasicAudit.AuthZconsent": authz, "IHE.BasicAudit.PrivacyDisclosure.Source": disclosed,
}  # fmt: skip


def claimed(event: Tree) -> str:
    """Give the profile that an event claims, after comparing it with the profile's table; empty when it claims none."""
    (profile,) = event.get("meta", {}).get("profile", [""])
    if profile:
        assert profile.startswith(ROOT)
        PROFILES[profile.removeprefix(ROOT)](event)
    return profile.removeprefix(ROOT)
