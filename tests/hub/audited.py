"""AuditEvents as they are found, page after page, each of them right."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from hub.names import hub_id
from hub.tables import resources
from schemas.fhir.resource import read
from tests.hub.views.balp import claimed
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    World,
)


def found(w: World, query: str = "", by: str = NETWORK, count: int = 50) -> list[dict[str, Any]]:
    """All AuditEvents of a search, page after page; each of them right, and what it claims."""
    events, path = [], f"/fhir/AuditEvent?_count={count}{query}"
    while path:
        answer = w.get(by, path)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        events += [e["resource"] for e in page.get("entry", [])]
        path = next((link["url"].removeprefix(w.hub.base) for link in page["link"] if link["relation"] == "next"), "")
    for one in events:
        assert read(orjson.dumps(one)).type == "AuditEvent"
        claimed(one)
    return events


def of_request(w: World, request: str) -> list[dict[str, Any]]:
    return sorted((e for e in found(w) if request in orjson.dumps(e).decode()), key=lambda e: [int(n) for n in e["id"].rpartition("-")[2:]])


def patterns(events: list[dict[str, Any]]) -> list[str]:
    return [e["subtype"][0]["code"] for e in events]


def named(name: str) -> dict[str, str]:
    return {"X-Request-Id": name}


def stream(w: World, kind: str = "Patient", owner: str = HOSPITAL) -> str:
    with w.hub.store.read() as tx:
        return hub_id(resources.own(tx, owner, kind)[0].stream)


def raws(events: list[dict[str, Any]]) -> list[str]:
    return [base64.b64decode(e["query"]).decode() for m in events for e in m.get("entity", ()) if "query" in e]
