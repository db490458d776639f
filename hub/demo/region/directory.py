"""An organization's own entry in the network's directory: Organization, Practitioner, PractitionerRole."""

from __future__ import annotations

from hub.demo.region.elements import INSTITUTIONS, Tree, coding, concept, names, phone
from hub.demo.region.tables import office, rows, tree
from schemas.adapter import BASE
from schemas.ids import INSTITUTION, KAIGO_OFFICE

_ROLE = "http://jpfhir.jp/fhir/core/CodeSystem/JP_PractitionerRole_CS"
PRACTITIONER = f"{BASE}/sid/practitioner"
"""A user's registered id inside the network."""


def directory(alias: str) -> list[Tree]:
    """Give the organization and the people of it who sign in."""
    row = office(alias)
    system = INSTITUTION if row["kind"] in INSTITUTIONS else KAIGO_OFFICE
    found: list[Tree] = [
        {
            "resourceType": "Organization",
            "id": "self",
            "identifier": [{"system": system, "value": row["code"]}],
            "active": True,
            "name": row["name"],
            "telecom": [phone(row["phone"], use="work")],
            "address": [{"use": "work", "text": row["address"], "postalCode": row["postal"], "country": "JP"}],
        }
    ]
    for user in rows("users"):
        if user["organization"] == alias:
            found += _people(user["id"], user["name"], user["role"], row["name"])
    return found


def _people(number: str, name: str, role: str, place: str) -> list[Tree]:
    known = tree("roles").get(role, {})
    code = concept(known["text"], *([coding(_ROLE, known["code"], known["text"])] if "code" in known else []))
    family, given = name.split()
    return [
        {
            "resourceType": "Practitioner",
            "id": number,
            "identifier": [{"system": PRACTITIONER, "value": number}],
            "active": True,
            "name": names(family, given),
        },
        {
            "resourceType": "PractitionerRole",
            "id": f"{number}-role",
            "active": True,
            "practitioner": {"reference": f"Practitioner/{number}", "display": name},
            "organization": {"reference": "Organization/self", "display": place},
            "code": [code],
        },
    ]
