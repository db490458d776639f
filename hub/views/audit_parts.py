"""What all AuditEvents are made of: codes, agents, entities, by the tables of IHE BALP 1.1 (`data_audit/patterns.csv`); pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from hub.views.ages import JST
from hub.views.audit_tables import Row, keyed
from schemas.adapter import BASE

DCM = "http://dicom.nema.org/resources/ontology/DCM"
HL7 = "http://terminology.hl7.org/CodeSystem"
REASON = f"{HL7}/v3-ActReason"
BALP = "https://profiles.ihe.net/ITI/BALP"
REQUEST_TYPE = f"{BALP}/CodeSystem/BasicAuditEntityType"
OWN_ENTITY = f"{BASE}/CodeSystem/audit-entity"
ROLE, PARTICIPATION = f"{BASE}/CodeSystem/role", f"{HL7}/v3-ParticipationType"
BASIS = f"{BASE}/policy/basis/"
ORGANIZATION = f"{BASE}/sid/organization"
"""Numbers of organizations that are neither medical institutions nor care offices, as the network registers them."""
USER, HUB, PSEUDONYM, REFERENCE, REQUEST, MESSAGE, ACT = (
    f"{BASE}/sid/{name}" for name in ("user", "hub", "pseudonym", "decision", "request", "message", "act")
)
GIVEN, NOT_GIVEN = "0", "4"
"""R4 audit-event-outcome: success; minor failure, which is how a refusal is recorded."""
_SYSTEMS = {"dcm": DCM, "participant": f"{HL7}/provenance-participant-type", "security": f"{HL7}/extra-security-role-type"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the hub is: its FHIR address, and its own registered name."""

    base: str
    source: str

    @property
    def network(self) -> dict[str, Any]:
        """Give the hub's own address of the network."""
        return network(urlsplit(self.base).hostname or "")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who acted: a user of an organization, or its application; by registered ids alone. Empty = not known."""

    organization: str = ""
    kind: str = ""
    role: str = ""
    user: str = ""
    address: str = ""
    purposes: tuple[str, ...] = ()
    basis: str = ""


def event(
    name: str, pattern: Row, *, at: datetime, place: Place, asker: Asker, entities: Sequence[Mapping[str, Any]], outcome: str = GIVEN,
    said: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Make an AuditEvent of a pattern; without a narrative and without a claim of a profile."""
    return {
        "resourceType": "AuditEvent",
        "id": name,
        "type": {"system": pattern["type_system"], "code": pattern["type"], "display": pattern["type_display"]},
        "subtype": [{"system": pattern["subtype_system"], "code": pattern["subtype"]}],
        "action": pattern["action"],
        "recorded": at.astimezone(JST).isoformat(timespec="milliseconds"),
        "outcome": outcome,
        **({"outcomeDesc": said} if said else {}),
        **purposes("purposeOfEvent", asker.purposes),
        "agent": agents(pattern, place, asker),
        "source": {
            "observer": identified(HUB, place.source, "Device"),
            "type": [{"system": f"{HL7}/security-source-type", "code": "4", "display": "Application Server"}],
        },
        **({"entity": [dict(one) for one in entities]} if entities else {}),
    }


# ── agents ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def agents(pattern: Row, place: Place, asker: Asker) -> list[dict[str, Any]]:
    """Give client, user (and for a decision the user's organization), and the hub. Roles and purposes stand with the user, else with the client.

    Where the pattern is `bare`, BALP forbids them at the client; a decision about a program alone fulfils no profile of BALP, and tells them.
    """
    organization = identified(system_of(asker.kind), asker.organization, "Organization")
    more = {
        **({"role": [_coded(ROLE, asker.role)]} if asker.role else {}),
        **({"policy": [f"{BASIS}{asker.basis}"]} if asker.basis else {}),
        **purposes("purposeOfUse", asker.purposes),
    }
    decides = pattern["server"] == "security|authserver"
    at_client = {} if asker.user or (pattern["bare"] and not decides) else more
    made = [{"type": _typed(pattern["client"]), "who": organization, "requestor": not asker.user, **at_client, **network_of(asker.address)}]
    if asker.user:
        if pattern["action"] == "D" and pattern["bare"]:
            more.pop("policy", None)
        kind = {"coding": [{"system": PARTICIPATION, "code": pattern["user"]}]}
        made.append({"type": kind, "who": identified(USER, asker.user, "Practitioner"), "requestor": True, **more})
    if decides:
        made.append({"type": _coded(f"{HL7}/v3-RoleClass", "PROV"), "who": organization, "requestor": False})
    hub = {"type": _typed(pattern["server"]), "who": identified(HUB, place.source, "Device"), "requestor": False}
    made.append(hub if decides else {**hub, "network": place.network})
    return made


def system_of(kind: str) -> str:
    """Give the system of the numbers by which organizations of a kind are known."""
    kinds = keyed("kinds", "kind")
    return kinds[kind,]["system"] if (kind,) in kinds else ORGANIZATION


def network_of(address: str) -> dict[str, Any]:
    """Give an agent's network; nothing when the address is not known."""
    return {"network": network(address)} if address else {}


def network(address: str) -> dict[str, Any]:
    """Say an address of the network (R4 network-type: 1 a machine's name, 2 an IP address)."""
    try:
        ip_address(address)
    except ValueError:
        return {"address": address, "type": "1"}
    return {"address": address, "type": "2"}


def purposes(element: str, codes: Sequence[str]) -> dict[str, Any]:
    """Give purposes under an element's name; nothing when there are none."""
    return {element: [_coded(REASON, code) for code in dict.fromkeys(codes)]} if codes else {}


def identified(system: str, value: str, kind: str) -> dict[str, Any]:
    """Refer to somebody by number alone; who is not known has none."""
    return {"type": kind, **({"identifier": {"system": system, "value": value}} if value else {"display": "unknown"})}


def _typed(token: str) -> dict[str, Any]:
    name, _, code = token.partition("|")
    return _coded(_SYSTEMS[name], code)


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


# ── entities ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def patient(pseudonym: str, pairs: Sequence[tuple[str, str]] = (), lifecycle: str = "") -> list[dict[str, Any]]:
    """Give the person concerned, by pseudonym alone; nothing when nobody is concerned."""
    if not pseudonym:
        return []
    stage = {"lifecycle": {"system": f"{HL7}/dicom-audit-lifecycle", "code": lifecycle}} if lifecycle else {}
    what = identified(PSEUDONYM, pseudonym, "Patient")
    return [{"what": what, "type": kind("1", "Person"), "role": role("1", "Patient"), **stage, **details(pairs)}]


def transaction(request: str) -> list[dict[str, Any]]:
    """Give the request that all events of one transaction share (X-Request-Id)."""
    if not request:
        return []
    return [{"what": {"identifier": {"system": REQUEST, "value": request}}, "type": {"system": REQUEST_TYPE, "code": "XrequestId"}}]


def own(code: str, system: str, value: str, pairs: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """Give an entity of the hub's own kinds (decision, act), so that no slice of BALP takes it for data."""
    return {
        "what": {"identifier": {"system": system, "value": value}},
        "type": {"system": OWN_ENTITY, "code": code},
        "role": role("13", "Security Resource"),
        **details(pairs),
    }


def consent(base: str, name: str, version: int, effect: str) -> dict[str, Any]:
    """Give a consent with the version that was read."""
    return {
        "what": {"reference": f"{base}/Consent/{name.removeprefix('Consent/')}/_history/{version}", "type": "Consent"},
        "type": {"system": "http://hl7.org/fhir/resource-types", "code": "Consent", "display": "Consent"},
        **details([("effect", effect)]),
    }


def kind(code: str, display: str) -> dict[str, str]:
    """Give an entity's type."""
    return {"system": f"{HL7}/audit-entity-type", "code": code, "display": display}


def role(code: str, display: str) -> dict[str, str]:
    """Give an entity's role."""
    return {"system": f"{HL7}/object-role", "code": code, "display": display}


def details(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Give details that say something; no element when none does."""
    found = [{"type": name, "valueString": value} for name, value in pairs if value]
    return {"detail": found} if found else {}
