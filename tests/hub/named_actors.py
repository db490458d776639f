"""Consents that name somebody, and whom they mean when somebody asks."""

from __future__ import annotations

from typing import Any

from consent.ask import Requester, Role
from hub.commands import Asking
from hub.names import hub_id
from hub.tables import resources
from schemas.adapter import BASE
from schemas.ids import INSTITUTION
from tests.hub.world import (
    HOSPITAL,
    OFFICE,
    World,
    a_consent,
    a_patient,
    an_encounter,
)

IRCP = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]}
MANAGER = {"type": "Practitioner", "identifier": {"system": f"{BASE}/sid/practitioner", "value": "manager"}}
SOMEBODY = {"type": "Practitioner", "identifier": {"system": f"{BASE}/sid/practitioner", "value": "somebody"}}


def office(code: str) -> dict[str, Any]:
    return {"type": "Organization", "identifier": {"system": INSTITUTION, "value": code}}


def to(reference: str) -> dict[str, Any]:
    return {"reference": reference}


def actor(reference: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": IRCP, "reference": reference}]


def a_group(*members: dict[str, Any], number: str = "g1", **more: Any) -> dict[str, Any]:
    listed = [m if "entity" in m else {"entity": m} for m in members]
    return {"resourceType": "Group", "id": number, "type": "practitioner", "actual": True, **({"member": listed} if listed else {}), **more}


def a_role(number: str = "r1", who: dict[str, Any] = MANAGER, where: str = OFFICE, **more: Any) -> dict[str, Any]:
    return {"resourceType": "PractitionerRole", "id": number, "practitioner": who, "organization": office(where), **more}


def lived(w: World, named: dict[str, Any] | None = None, **provision: Any) -> None:
    """A person of the hospital with a stay, and a consent that names somebody."""
    assert w.put(HOSPITAL, a_patient()).status_code in {200, 201}
    assert w.put(HOSPITAL, an_encounter()).status_code in {200, 201}
    more = {"actor": actor(named), **provision} if named else provision
    assert w.put(HOSPITAL, a_consent(**more)).status_code in {200, 201}


def reason(w: World, person: str = "manager", where: str = OFFICE, *, version: resources.Row | None = None) -> str:
    """Ask for the stay as a person of an office; give the reason of the decision."""
    kind = w.hub.region.kind_of(where)
    roles: dict[str, Role] = {"hospital": "doctor", "care-manager": "care-manager", "visiting-nurse": "nurse"}
    asking = Asking(Requester(where, kind, roles[kind], person), "CAREMGT" if kind == "care-manager" else "TREAT", "r", "read")
    with w.hub.store.read() as tx:
        row = version or resources.own(tx, HOSPITAL, "Encounter")[0]
    (decision,) = w.hub.gate.release(asking, [row]).decisions
    return decision.reason


def hubwide(w: World, kind: str, custodian: str) -> str:
    with w.hub.store.read() as tx:
        return f"{kind}/{hub_id(resources.own(tx, custodian, kind)[0].stream)}"
