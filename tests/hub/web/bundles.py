"""Entries of Bundles as senders write them, and small resources for them."""

from __future__ import annotations

from typing import Any

from schemas.ids import KAIGO_INSURED
from tests.hub.world import HOSPITAL, INSURED, World

URN = "urn:uuid:5f6d2a08-0000-4000-8000-{:012d}"
BY_NUMBER = f"Patient?identifier={KAIGO_INSURED}|{INSURED}"


def put(tree: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resource": tree, "request": {"method": "PUT", "url": f"{tree['resourceType']}/{tree['id']}"}, **more}


def post(tree: dict[str, Any], number: int = 0, **request: Any) -> dict[str, Any]:
    entry = {
        "resource": {k: v for k, v in tree.items() if k != "id"},
        "request": {"method": "POST", "url": tree["resourceType"], **request},
    }
    return {"fullUrl": URN.format(number), **entry} if number else entry


def get(url: str) -> dict[str, Any]:
    return {"request": {"method": "GET", "url": url}}


def observation(number: str, patient: str = "Patient/p1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": number,
        "status": "final",
        "code": {"text": "体温"},
        "subject": {"reference": patient},
        **more,
    }


def practitioner(number: str, value: str) -> dict[str, Any]:
    return {"resourceType": "Practitioner", "id": number, "identifier": [{"system": "urn:example:doctors", "value": value}]}


def count(w: World, kind: str, by: str = HOSPITAL) -> int:
    total: int = w.get(by, f"/fhir/{kind}?_summary=count").json()["total"]
    return total


def statuses(w: World, entries: list[dict[str, Any]], kind: str = "transaction", by: str = HOSPITAL) -> list[str]:
    answer = w.bundle(by, entries, kind)
    assert answer.status_code == 200, answer.text
    assert answer.json()["type"] == f"{kind}-response"
    return [e["response"]["status"][:3] for e in answer.json()["entry"]]
