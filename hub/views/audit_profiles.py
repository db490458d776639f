"""Which profile of IHE BALP 1.1 an AuditEvent fulfils, element by element (consent-and-audit facts §3.1); what it does not fulfil is not claimed.

The tables of BALP leave open what they do not name: an event may say more, but where a slicing is closed (AuthZ) or an element forbidden (Query,
Delete) it may not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.views.audit_parts import BALP, GIVEN, HL7, PARTICIPATION, REQUEST_TYPE
from hub.views.audit_tables import Row

Tree = Mapping[str, Any]
_WRITERS = frozenset({"AUT", "INF", "CST"})


def claimed(event: Tree, pattern: Row) -> dict[str, Any]:
    """Give `meta` with the profile that the event fulfils; nothing when it fulfils none."""
    persons = _of_type(event, f"{HL7}/audit-entity-type", "1")
    name = pattern["patient_profile" if persons else "profile"]
    if not name or not _fulfils(name, event, pattern):
        return {}
    return {"meta": {"profile": [f"{BALP}/StructureDefinition/{name}"]}}


def _fulfils(name: str, event: Tree, pattern: Row) -> bool:
    if name == "IHE.BasicAudit.AuthZconsent":
        return _authz(event)
    if not (_agent(event, pattern["client"]) and _agent(event, pattern["server"])):
        return False
    persons = _of_type(event, f"{HL7}/audit-entity-type", "1")
    if "PrivacyDisclosure" in name:
        return len(persons) == 1 and len(event["entity"]) > 1 and _agents(event, "110153")[0]["who"] == event["source"]["observer"]
    data = _of_type(event, f"{HL7}/audit-entity-type", "2")
    forbidden: tuple[str, ...] = ()
    if name.endswith("Query"):
        forbidden = ("what", "detail", "lifecycle", "name")
    elif name.endswith("Delete"):
        forbidden = ("detail", "lifecycle", "name", "query")
    return (
        event["outcome"] == GIVEN
        and _user(event, name)
        and len(data) == 1
        and not any(element in data[0] for element in forbidden)
        and ("query" in data[0] if name.endswith("Query") else "what" in data[0])
        and len(_of_type(event, REQUEST_TYPE, "XrequestId")) <= 1
        and len(persons) <= 1
        and not (name.endswith("Delete") and any("detail" in one or "lifecycle" in one for one in persons))
    )


def _authz(event: Tree) -> bool:
    """Judge the decision's profile: its entities are the person and at least one consent, and nothing else."""
    persons = _of_type(event, f"{HL7}/audit-entity-type", "1")
    consents = _of_type(event, "http://hl7.org/fhir/resource-types", "Consent")
    clients, users = _agents(event, "110150"), _agents(event, "IRCP")
    organizations, servers = _agents(event, "PROV"), _agents(event, "authserver")
    return (
        [len(found) for found in (clients, users, organizations, servers, persons)] == [1] * 5
        and "network" in clients[0]
        and clients[0].keys().isdisjoint({"role", "purposeOfUse"})
        and users[0]["requestor"] is True
        and servers[0]["who"] == event["source"]["observer"]
        and bool(consents)
        and len(consents) + 1 == len(event["entity"])
    )


def _user(event: Tree, name: str) -> bool:
    """Say whether a user, where one acted, is of a kind that the profile allows; where it was a program, the hub has named none."""
    users = [a for a in event["agent"] if a["type"]["coding"][0]["system"] == PARTICIPATION]
    codes = {a["type"]["coding"][0]["code"] for a in users}
    allowed = {"IRCP"} if name.endswith(("Read", "Query")) else _WRITERS
    return len(users) <= 1 and codes <= allowed and all("network" not in a for a in users)


def _agent(event: Tree, token: str) -> bool:
    found = _agents(event, token.partition("|")[2])
    return len(found) == 1 and "network" in found[0] and "identifier" in found[0]["who"]


def _agents(event: Tree, code: str) -> list[Tree]:
    return [a for a in event["agent"] if a["type"]["coding"][0]["code"] == code]


def _of_type(event: Tree, system: str, code: str) -> list[Tree]:
    return [e for e in event.get("entity", ()) if (e["type"]["system"], e["type"]["code"]) == (system, code)]
