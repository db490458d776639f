"""What a client may say of forms, addresses and itself, and how it is refused: always an OperationOutcome in two languages (clients: A.3–A.6)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.hub.web.answers import outcome
from tests.hub.world import FHIR, HOSPITAL, World, a_patient

HAPI = "application/fhir+xml;q=1.0, application/fhir+json;q=1.0, application/xml+fhir;q=0.9, application/json+fhir;q=0.9"
TAKEN = (
    "*/*", "", "application/json", "application/fhir+json", "application/json+fhir", "application/fhir+json;fhirVersion=4.0",
    "application/fhir+json; charset=utf-8", HAPI, "application/fhir+xml, application/fhir+json", "application/fhir+json, */*; q=0.1",
    "text/html, application/xhtml+xml, */*;q=0.8", "APPLICATION/FHIR+JSON", "application/fhir+json;q=.5", "application/*",
    'application/fhir+json; fhirVersion="4.0"', "application/fhir+json;fhirVersion=4.0.1", "application/fhir+json;q=high",
)  # fmt: skip
NOT_TAKEN = (
    "application/fhir+xml", "text/html", "application/json;q=0", "application/fhir+xml, application/fhir+json;q=0.000",
    "application/fhir+json;fhirVersion=5.0", "image/*", ";", ",", "application/fhir+json;fhirVersion=3.0, application/fhir+xml",
)  # fmt: skip


@pytest.mark.parametrize("accept", TAKEN)
def test_whoever_takes_json_at_all_gets_json(hub_world: World, accept: str) -> None:
    hub_world.put(HOSPITAL, a_patient())
    answer = hub_world.get(HOSPITAL, "/fhir/Patient/p1", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/fhir+json; charset=utf-8"


@pytest.mark.parametrize("accept", NOT_TAKEN)
def test_who_takes_no_json_is_told_so_in_json(hub_world: World, accept: str) -> None:
    hub_world.put(HOSPITAL, a_patient())
    answer = hub_world.get(HOSPITAL, "/fhir/Patient/p1", headers={"Accept": accept})
    assert answer.status_code == 406
    assert outcome(answer) == [("HUB-5036", "", "not-supported")]


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ("json", 200), ("application/fhir%2Bjson", 200), ("application/fhir+json", 200), ("application/json", 200), ("text/json", 200),
        ("xml", 406), ("application/fhir%2Bxml", 406), ("html", 406), ("", 406), ("ttl", 406),
    ],
)  # fmt: skip
def test_the_address_says_more_than_the_header(hub_world: World, wanted: str, status: int) -> None:
    hub_world.put(HOSPITAL, a_patient())
    for path in ("Patient/p1", "Patient", "Patient/p1/_history/1", "metadata"):
        answer = hub_world.get(HOSPITAL, f"/fhir/{path}?_format={wanted}", headers={"Accept": "application/fhir+xml"})
        assert answer.status_code == status, path
        if status == 406:
            outcome(answer)


@pytest.mark.parametrize(
    "media", ["application/fhir+json", "application/json", "application/json; charset=utf-8", "application/fhir+json;fhirVersion=4.0"]
)
def test_a_body_that_says_it_is_json_is_read(hub_world: World, media: str) -> None:
    answer = hub_world.ask("POST", "/fhir/Patient", by=HOSPITAL, content=orjson.dumps(a_patient()), headers={"Content-Type": media})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "media",
    ["application/fhir+xml", "text/plain", "application/x-www-form-urlencoded", "application/fhir+json;fhirVersion=5.0", "nonsense"],
)
@pytest.mark.parametrize("path", ["Patient", "", "Patient/p1"])
def test_a_body_of_another_kind_is_not_read(hub_world: World, media: str, path: str) -> None:
    answer = hub_world.ask(
        "PUT" if "/" in path else "POST", f"/fhir/{path}", by=HOSPITAL, content=orjson.dumps(a_patient()), headers={"Content-Type": media}
    )
    assert answer.status_code == 415
    assert outcome(answer) == [("HUB-5035", "", "not-supported")]


def test_a_compressed_body_is_not_read(hub_world: World) -> None:
    answer = hub_world.ask("POST", "/fhir", by=HOSPITAL, content=b"\x1f\x8b", headers=FHIR | {"Content-Encoding": "gzip"})
    assert answer.status_code == 415
    assert outcome(answer) == [("HUB-5034", "", "not-supported")]


def test_base_and_types_answer_with_and_without_a_slash_at_the_end(hub_world: World) -> None:
    batch = orjson.dumps({"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": "Patient"}}]})
    for path in ("/fhir", "/fhir/"):
        assert hub_world.ask("POST", path, by=HOSPITAL, content=batch, headers=FHIR).status_code == 200
    for path in ("/fhir/Patient", "/fhir/Patient/"):
        assert hub_world.ask("POST", path, by=HOSPITAL, content=orjson.dumps(a_patient()), headers=FHIR).status_code == 201
        assert hub_world.get(HOSPITAL, path).json()["resourceType"] == "Bundle"
    assert hub_world.ask("GET", "/fhir/metadata/").status_code == 200


REFUSED: tuple[tuple[str, str, int], ...] = (
    ("GET", "/fhir", 405), ("PUT", "/fhir", 405), ("DELETE", "/fhir/Patient", 400), ("PATCH", "/fhir/Patient/p1", 405),
    ("POST", "/fhir/Patient/p1", 405), ("POST", "/fhir/metadata", 404), ("PUT", "/livez", 405), ("GET", "/fhir/Patient/_search", 404),
    ("GET", "/fhir/Nonsense/1", 404), ("GET", "/fhir/Nonsense", 404), ("POST", "/fhir/Nonsense", 404), ("DELETE", "/fhir/Nonsense/1", 404),
    ("GET", "/fhir/patient/p1", 404), ("GET", "/fhir/Patient/p1/Observation", 404), ("GET", "/fhir/Patient/p1/_history", 404),
    ("GET", "/fhir/Patient/p1/$everything", 404), ("POST", "/fhir/$process-message", 404), ("GET", "/nowhere", 404),
    ("GET", "/fhir/.well-known/smart-configuration", 404), ("GET", "/fhir/Patient/..%2F..%2Fetc", 404), ("GET", "/fhir/Patient/%00", 404),
    ("GET", "/fhir/Patient/" + "x" * 4000, 404), ("BREW", "/fhir/Patient", 405),
)  # fmt: skip


@pytest.mark.parametrize(("method", "path", "status"), REFUSED)
def test_what_is_not_offered_is_refused_in_both_languages(hub_world: World, method: str, path: str, status: int) -> None:
    answer = hub_world.ask(method, path, by=HOSPITAL, content=b"{}" if method in {"POST", "PUT", "PATCH"} else b"", headers=FHIR)
    assert answer.status_code == status
    outcome(answer)
    if status == 405:
        assert answer.headers["allow"]
        assert method not in answer.headers["allow"].split(", ")


def test_a_refused_method_says_all_that_are_offered(hub_world: World) -> None:
    answer = hub_world.ask("PATCH", "/fhir/Patient/p1", by=HOSPITAL)
    assert set(answer.headers["allow"].split(", ")) == {"GET", "PUT", "DELETE"}


def test_without_a_token_nothing_answers_but_what_says_that_the_hub_is_there(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    for path in ("/fhir/metadata", "/livez", "/readyz"):
        assert hub_world.ask("GET", path).status_code == 200
    asked: tuple[tuple[str, str], ...] = (
        ("GET", "/fhir/Patient/p1"), ("GET", "/fhir/Patient"), ("GET", "/fhir/Patient/p1/_history/1"), ("POST", "/fhir"), ("POST", "/fhir/Patient"),
        ("PUT", "/fhir/Patient/p1"), ("DELETE", "/fhir/Patient/p1"), ("POST", "/fhir/Patient/_search"), ("GET", "/fhir/AuditEvent"),
        ("GET", "/fhir/$board"), ("GET", "/fhir/Patient/p1/$summary"), ("GET", "/events"), ("POST", "/hand-in"), ("GET", "/refused.json"),
        ("POST", "/refused/x/send"), ("GET", "/links"), ("POST", "/links"), ("POST", "/links/undo"),
    )  # fmt: skip
    for method, path in asked:
        forms = {"Content-Type": "application/x-www-form-urlencoded"} if path.endswith("_search") else FHIR
        for more in ({}, {"Authorization": "Bearer not-a-token"}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}):
            answer = hub_world.ask(method, path, headers=forms | more, content=b"{}" if method == "POST" and "fhir" in path else b"")
            assert answer.status_code == 401, (method, path, more)
            assert outcome(answer)[0][0::2] == ("HUB-5031", "login")
            assert answer.headers["www-authenticate"].startswith("Bearer")


def test_the_id_of_a_request_is_given_back_or_made(hub_world: World) -> None:
    assert hub_world.ask("GET", "/livez", headers={"X-Request-Id": "abc-1.2_3"}).headers["x-request-id"] == "abc-1.2_3"
    made = [
        hub_world.ask("GET", "/livez", headers=h).headers["x-request-id"] for h in ({}, {"X-Request-Id": "a b"}, {"X-Request-Id": "x" * 65})
    ]
    assert len({*made}) == 3
    assert all(len(m) == 32 for m in made)


def test_no_refusal_repeats_what_was_sent(hub_world: World) -> None:
    secret = "kurosawa-9876543210"
    tree: dict[str, Any] = {**a_patient(), "gender": secret, "birthDate": secret, "nonsense": {secret: secret}, "active": secret}
    answers = [
        hub_world.ask("POST", "/fhir/Patient", by=HOSPITAL, content=orjson.dumps(tree), headers=FHIR),
        hub_world.ask("POST", f"/fhir/{secret}", by=HOSPITAL, content=orjson.dumps(tree), headers=FHIR),
        hub_world.get(HOSPITAL, f"/fhir/Patient/{secret}"),
        hub_world.get(HOSPITAL, f"/fhir/Patient?_lastUpdated={secret}"),
        hub_world.get(HOSPITAL, f"/fhir/Patient?{secret}={secret}"),
        hub_world.get(HOSPITAL, f"/fhir/Patient?_page={secret}"),
        hub_world.get(HOSPITAL, f"/{secret}"),
        hub_world.file(HOSPITAL, secret, secret.encode()),
        hub_world.ask("POST", f"/refused/{secret}/send", by=HOSPITAL),
        hub_world.bundle(HOSPITAL, [{"resource": tree, "request": {"method": "POST", "url": "Patient", "ifNoneExist": secret}}]),
        hub_world.bundle(HOSPITAL, [{"fullUrl": secret, "resource": a_patient(), "request": {"method": secret, "url": secret}}]),
    ]
    for answer in answers:
        assert answer.status_code >= 400 or answer.json()["resourceType"] == "Bundle"
        assert secret not in answer.text
