"""Doors that there are not are refused, in two languages, and never passed over."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import quote

import pytest

from tests.hub.doors.refused import SEARCHES, WAYS
from tests.hub.web.answers import outcome
from tests.hub.world import HOSPITAL, World, a_patient, an_encounter

WARNED = frozenset({"_sort", "_elements", "_security", "_tag", "_since"})
"""Parameters that are passed over with a warning (R4 search §3.1.1.1, lenient handling): an order, a part of the elements, a plain criterion."""


@pytest.fixture
def fed(hub_world: World) -> World:
    hub_world.put(HOSPITAL, a_patient())
    hub_world.put(HOSPITAL, an_encounter())
    return hub_world


@pytest.mark.parametrize(("kind", "parameter", "value"), SEARCHES, ids=lambda text: text)
def test_a_search_that_is_not_offered_is_refused_or_said_to_be_passed_over(fed: World, kind: str, parameter: str, value: str) -> None:
    told = fed.get(HOSPITAL, f"/fhir/{kind}?{quote(parameter, safe=':')}={quote(value)}")
    if parameter in WARNED:
        assert told.status_code == 200
        (warning,) = [e["resource"] for e in told.json()["entry"] if e["search"]["mode"] == "outcome"]
        assert warning["issue"][0]["details"]["coding"][0]["code"] == "HUB-4081"
        assert (
            fed.get(
                HOSPITAL, f"/fhir/{kind}?{quote(parameter, safe=':')}={quote(value)}", headers={"Prefer": "handling=strict"}
            ).status_code
            == 400
        )
        return
    assert told.status_code == 400
    ((rule, _, code),) = outcome(told)
    assert (rule, code) in {("HUB-5143", "not-supported"), ("HUB-4084", "value")}
    assert len(value) < 6 or value not in told.text


def test_what_is_refused_by_address_is_refused_by_form_and_in_a_bundle_too(fed: World) -> None:
    form = fed.ask("POST", "/fhir/Observation/_search", by=HOSPITAL, data={"patient.name": "山田"})
    assert [rule for rule, _, _ in outcome(form)] == ["HUB-5143"]
    batch = fed.bundle(HOSPITAL, [{"request": {"method": "GET", "url": "Patient?_revinclude=Observation:subject"}}], "batch")
    (entry,) = batch.json()["entry"]
    assert entry["response"]["status"] == "400"
    assert entry["response"]["outcome"]["issue"][0]["details"]["coding"][0]["code"] == "HUB-5143"


@pytest.mark.parametrize(("method", "address"), WAYS, ids=lambda text: text)
def test_an_interaction_that_is_not_offered_is_refused_and_says_so(fed: World, method: str, address: str) -> None:
    path = address.replace("{id}", "Encounter/e1").replace("{patient}", "Patient/p1")
    told = fed.ask(
        method,
        path,
        by=HOSPITAL,
        headers={"Content-Type": "application/fhir+json"},
        content=b"{}" if method in {"POST", "PUT", "PATCH"} else b"",
    )
    assert told.status_code in {404, 405}
    ((rule, _, _),) = outcome(told)
    assert rule in {"HUB-5144", "HUB-5037", "HUB-4011", "HUB-5041"}
    if rule == "HUB-5041":
        assert not path.startswith("/fhir/")


def test_no_address_opens_a_websocket(fed: World) -> None:
    async def knock(path: str) -> list[str]:
        scope: MutableMapping[str, Any] = {
            "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "ws", "path": path, "raw_path": path.encode(),
            "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1), "server": ("hub.test", 80), "subprotocols": [],
            "headers": [(b"authorization", f"Bearer {fed.tokens[HOSPITAL]}".encode())], "state": {},
        }  # fmt: skip
        sent: list[str] = []

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(0)
            return {"type": "websocket.connect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message["type"])

        await fed.app(scope, receive, send)
        return sent

    for path in ("/websocket", "/fhir/websocket", "/events", "/fhir/Patient/p1", "/"):
        assert fed.loop.run_until_complete(knock(path)) == ["websocket.close"]


def test_metadata_offers_none_of_them(fed: World) -> None:
    told = fed.get(HOSPITAL, "/fhir/metadata").json()
    rest = told["rest"][0]
    assert {one["name"] for one in rest["operation"]} == {"summary", "board"}
    assert {one["code"] for one in rest["interaction"]} == {"transaction", "batch"}
    assert "messaging" not in told
    assert "document" not in told
    for one in rest["resource"]:
        assert one["type"] not in {"Subscription", "SubscriptionTopic"}
        assert not {"searchInclude", "searchRevInclude", "operation"} & one.keys()
        assert not {"patch", "history-instance", "history-type"} & {i["code"] for i in one["interaction"]}
