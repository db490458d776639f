"""民生委員 and police may put a concern in, and get nothing out by any door: not even what they wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.names import hub_id
from hub.region import parse_region
from hub.tables import decisions, resources
from hub.tables.decisions import Filter
from schemas.adapter import BASE
from tests.hub.world import FHIR, HOSPITAL, INSURED, NETWORK, World, a_consent, a_patient, an_encounter, code, world

VOLUNTEER, POLICE = code("139000001"), code("139000002")


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    organizations = [
        (HOSPITAL, "ひがし病院", "hospital", "TREAT"), (VOLUNTEER, "ひばり地区民生委員", "welfare-volunteer", "SUPNWK"),
        (POLICE, "ひがし警察署", "police", "SUPNWK"), (NETWORK, "事務局", "network", "HCOMPL"),
    ]  # fmt: skip
    users = [("volunteer", VOLUNTEER, "見守 恵", "welfare-volunteer", "SUPNWK")]
    region = parse_region({
        "name": "試験の地域", "edition": "2026-11-01", "network": NETWORK,
        "organizations": [{"code": c, "name": n, "kind": k, "purpose": p} for c, n, k, p in organizations],
        "users": [{"id": i, "organization": o, "name": n, "role": r, "purpose": p} for i, o, n, r, p in users],
    })  # fmt: skip
    with world(tmp_path / "data", region=region) as made:
        assert made.put(HOSPITAL, a_patient()).status_code == 201
        assert made.put(HOSPITAL, a_consent()).status_code == 201
        assert made.put(HOSPITAL, an_encounter()).status_code == 201
        yield made


def a_concern(**changes: Any) -> list[dict[str, Any]]:
    """A Patient by number, and what worries."""
    person = {name: value for name, value in a_patient(insured=INSURED).items() if name != "id"}
    told = {
        "resourceType": "Communication", "status": "completed", "subject": {"reference": "urn:uuid:00000000-0000-4000-8000-000000000001"},
        "payload": [{"contentString": "三日、雨戸が閉まったまま。"}], **changes,
    }  # fmt: skip
    return [
        {"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000001", "resource": person, "request": {"method": "POST", "url": "Patient"}},
        {"resource": told, "request": {"method": "POST", "url": told["resourceType"]}},
    ]


def reasons(w: World, organization: str) -> list[str]:
    with w.hub.store.read() as tx:
        return [row.reason for row in decisions.search(tx, Filter(organization=organization), limit=20)]


@pytest.mark.parametrize("by", [VOLUNTEER, POLICE])
def test_a_concern_is_taken_and_answered_without_content(w: World, by: str) -> None:
    answer = w.ask(
        "POST", "/fhir", by=by, headers={**FHIR, "Prefer": "return=representation"},
        content=orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": a_concern()}),
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert answer.json()["entry"] == [{"response": {"status": "201 Created"}}] * 2
    with w.hub.store.read() as tx:
        assert len(resources.own(tx, by, "Communication")) == 1
    assert reasons(w, by) == ["P-CONCERN"]


def test_a_single_resource_is_answered_by_its_status_alone(w: World) -> None:
    person = {name: value for name, value in a_patient().items() if name != "id"}
    answer = w.ask("POST", "/fhir/Patient", by=VOLUNTEER, content=orjson.dumps(person), headers=FHIR)
    assert (answer.status_code, answer.content) == (201, b"")
    assert not {"location", "etag", "last-modified"} & set(answer.headers)


def test_nothing_of_it_and_of_nobody_else_comes_out(w: World) -> None:
    w.bundle(VOLUNTEER, a_concern())
    w.settle()
    with w.hub.store.read() as tx:
        (own,) = resources.own(tx, VOLUNTEER, "Communication")
        (mine,) = resources.own(tx, VOLUNTEER, "Patient")
        (stay,) = resources.own(tx, HOSPITAL, "Encounter")
    for row, kind in ((own, "Communication"), (mine, "Patient"), (stay, "Encounter")):
        number = hub_id(row.stream)
        assert w.get(VOLUNTEER, f"/fhir/{kind}/{number}").status_code == 404
        assert w.get(VOLUNTEER, f"/fhir/{kind}/{number}/_history/1").status_code == 404
    search = w.get(VOLUNTEER, "/fhir/Communication", params={"patient": f"Patient/{hub_id(mine.stream)}"})
    assert (search.status_code, search.json()["total"], search.json().get("entry", [])) == (200, 0, [])
    assert w.get(VOLUNTEER, "/fhir/Organization").json()["total"] == 0
    assert w.get(VOLUNTEER, "/events", headers={"Accept": "application/x-ndjson"}).content == b""
    assert set(reasons(w, VOLUNTEER)) <= {"P-CONCERN", "D-CONCERN-ONLY", "D-NOTHING"}


@pytest.mark.parametrize(
    ("method", "path", "tree"),
    [
        ("PUT", "/fhir/Patient/p9", a_patient("p9")),
        ("DELETE", "/fhir/Patient/p9", None),
        ("PUT", f"/fhir/Patient?identifier=x|{INSURED}", a_patient("p9")),
    ],
)
def test_nothing_is_changed_and_no_condition_is_answered(w: World, method: str, path: str, tree: dict[str, Any] | None) -> None:
    answer = w.ask(method, path, by=VOLUNTEER, content=orjson.dumps(tree) if tree else None, headers=FHIR)
    assert answer.status_code == 403
    assert "HUB-3052" in answer.text


def test_other_types_are_not_taken(w: World) -> None:
    code_of = {"coding": [{"system": "http://loinc.org", "code": "8310-5"}]}
    answer = w.bundle(VOLUNTEER, [
        a_concern()[0],
        {"resource": {"resourceType": "Observation", "status": "final", "code": code_of, "subject": {"reference": "urn:uuid:00000000-0000-4000-8000-000000000001"}},
         "request": {"method": "POST", "url": "Observation"}},
    ])  # fmt: skip
    assert answer.status_code == 403
    assert "HUB-3052" in answer.text
    assert reasons(w, VOLUNTEER) == ["D-CONCERN-ONLY"]


def test_whether_the_person_has_refused_the_hub_cannot_be_told_from_the_answer(w: World) -> None:
    before = w.bundle(VOLUNTEER, a_concern())
    refusal = a_consent("k2", type="deny")
    refusal["extension"].append({"url": f"{BASE}/StructureDefinition/consent-hub-refusal", "valueBoolean": True})
    refusal["provision"] = {"type": "deny"}
    refusal["dateTime"] = "2026-11-20"
    assert w.put(HOSPITAL, refusal).status_code == 201
    assert w.put(HOSPITAL, an_encounter("e2")).status_code == 403
    after = w.bundle(VOLUNTEER, a_concern())
    assert (after.status_code, after.json()["entry"]) == (before.status_code, before.json()["entry"])


def test_a_signed_in_volunteer_finds_no_door_to_persons(w: World) -> None:
    w.sign_in("volunteer")
    w.bundle(VOLUNTEER, a_concern())
    w.settle()
    for path in ("/", "/board", "/emergency", "/emergency?name=ヤマダ　ハナコ&birth=1938-05-02", "/refused", "/audit", "/status"):
        page = w.get("volunteer", path)
        assert page.status_code in {200, 403, 404}, path
        assert not any(word in page.text for word in ("山田", "ヤマダ", INSURED.partition(":")[2])), path
