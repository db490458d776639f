"""Hostile writing, numbered as in consent-and-audit facts §6.4 (33–42): what a sender tries with what it hands in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from schemas.adapter import BASE
from tests.hub.doors.pasts import CONFIDENTIALITY, but_not_of, observation, written
from tests.hub.hostile import id_of, numbering, stranger
from tests.hub.world import (
    FHIR,
    HOSPITAL,
    OFFICE,
    OTHER_HOSPITAL,
    STATION,
    World,
    a_consent,
    a_patient,
)

TABLE: dict[int, str] = {}
"""Number → the test that is it."""
number = numbering(TABLE)


@pytest.fixture
def w(tmp_path: Any) -> Iterator[World]:
    with stranger(tmp_path / "data") as made:
        yield made


@number(33)
def test_a_transaction_that_touches_another_s_patient_is_refused_whole(w: World) -> None:
    before = w.get(OFFICE, "/fhir/Observation").json()["total"]
    answer = w.bundle(
        OFFICE, [written(observation("n4", "Patient/u1")), written(observation("n5", id_of(w, OTHER_HOSPITAL, "Patient", "x1")))]
    )
    assert answer.status_code == 404
    assert w.get(OFFICE, "/fhir/Observation").json()["total"] == before


@number(34)
def test_a_reference_inside_a_bundle_does_not_lead_out_of_the_sender_s_rights(w: World) -> None:
    stranger = id_of(w, OTHER_HOSPITAL, "Patient", "x1")
    swapped = {
        "fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000001",
        "resource": a_patient(stranger.partition("/")[2]),
        "request": {"method": "PUT", "url": stranger},
    }
    about = written(observation("n6", "urn:uuid:00000000-0000-4000-8000-000000000001"))
    assert w.bundle(OFFICE, [swapped, about]).status_code == 404
    assert w.get(OFFICE, "/fhir/Observation/n6").status_code == 404


@number(35)
def test_a_record_moves_to_no_other_organization_s_patient(w: World) -> None:
    assert w.put(OFFICE, observation("n7", "Patient/u1")).status_code == 201
    assert w.put(OFFICE, observation("n7", id_of(w, OTHER_HOSPITAL, "Patient", "x1"))).status_code == 404
    assert "Patient/u1" in w.get(OFFICE, "/fhir/Observation/n7").text


@number(36)
def test_a_label_that_a_sender_gives_lowers_nothing(w: World) -> None:
    hiv = {
        "resourceType": "Condition", "id": "d9", "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "B24"}]},
        "meta": {"security": [{"system": CONFIDENTIALITY, "code": "N"}]},
    }  # fmt: skip
    assert w.put(HOSPITAL, hiv).status_code == 201
    assert w.get(OFFICE, f"/fhir/{id_of(w, HOSPITAL, 'Condition', 'd9')}").status_code == 404


@number(37)
def test_nobody_writes_an_audit_event_or_a_consent_or_a_provenance_of_others(w: World) -> None:
    stranger = id_of(w, OTHER_HOSPITAL, "Patient", "x1")
    event = {"resourceType": "AuditEvent", "id": "a1"}
    assert w.put(OFFICE, event).status_code in {404, 405, 422}
    assert w.ask("POST", "/fhir/AuditEvent", by=OFFICE, content=orjson.dumps(event), headers=FHIR).status_code in {404, 405}
    assert w.put(OFFICE, a_consent("k7", patient=stranger)).status_code == 404
    provenance = {
        "resourceType": "Provenance", "id": "v1", "target": [{"reference": stranger}], "recorded": "2026-11-24T09:00:00+09:00",
        "agent": [{"who": {"display": "x"}}],
    }  # fmt: skip
    assert w.put(OFFICE, provenance).status_code in {404, 422}


@number(38)
def test_there_is_no_patch(w: World) -> None:
    patch = [{"op": "replace", "path": "/subject/reference", "value": "Patient/x1"}, {"op": "remove", "path": "/meta/security"}]
    answer = w.ask(
        "PATCH", "/fhir/Observation/o1", by=HOSPITAL, content=orjson.dumps(patch), headers={"Content-Type": "application/json-patch+json"}
    )
    assert answer.status_code == 405
    assert w.get(HOSPITAL, "/fhir/Observation/o1").headers["ETag"] == 'W/"1"'


@number(39)
def test_a_consent_that_says_nothing_gives_nothing(w: World) -> None:
    assert w.put(OTHER_HOSPITAL, {k: v for k, v in a_consent("k6", patient="Patient/x1").items() if k not in {"provision", "policy"}} | {
        "sourceAttachment": {"title": "同意書"}, "policyRule": {"text": "x"},
    }).status_code in {201, 400, 422}  # fmt: skip
    assert w.get(OFFICE, f"/fhir/{id_of(w, OTHER_HOSPITAL, 'Observation', 'o2')}").status_code == 404


@number(40)
def test_a_consent_by_somebody_without_proof_of_power_gives_nothing(w: World) -> None:
    proxy = {
        "url": f"{BASE}/StructureDefinition/consent-proxy",
        "extension": [{"url": "kind", "valueCode": "family"}, {"url": "verified", "valueBoolean": False}],
    }
    tree = a_consent("k5", patient="Patient/x1")
    tree = {**tree, "extension": [*tree["extension"], proxy], "performer": [{"display": "長男"}]}
    assert w.put(OTHER_HOSPITAL, tree).status_code in {201, 400, 422}
    assert w.get(OFFICE, f"/fhir/{id_of(w, OTHER_HOSPITAL, 'Observation', 'o2')}").status_code == 404


@number(41)
def test_an_old_consent_that_is_sent_again_under_its_version_brings_nothing_back(w: World) -> None:
    shown = id_of(w, HOSPITAL, "Observation", "o1")
    assert w.get(STATION, f"/fhir/{shown}").status_code == 200
    assert w.put(HOSPITAL, a_consent(status="inactive")).status_code == 200
    again = a_consent(provision=but_not_of(OTHER_HOSPITAL))
    stale = w.ask("PUT", "/fhir/Consent/k1", by=HOSPITAL, content=orjson.dumps(again), headers=FHIR | {"If-Match": 'W/"1"'})
    once = w.ask("PUT", "/fhir/Consent/k1", by=HOSPITAL, content=orjson.dumps(again), headers=FHIR | {"If-None-Match": "*"})
    assert (stale.status_code, once.status_code) == (412, 412)
    assert w.get(STATION, f"/fhir/{shown}").status_code == 404


@number(42)
def test_a_message_s_number_with_other_bytes_is_a_duplicate(w: World) -> None:
    from tests.hub.files import admission, named

    assert w.file(HOSPITAL, named(), admission("C1")).status_code == 200
    assert w.file(HOSPITAL, named(), admission("C1")).json()["repeats"] == 1
    answer = w.file(HOSPITAL, named(), admission("C1", admitted="20261124103000"))
    assert answer.status_code == 422
    assert "HUB-5050" in answer.text


def test_every_number_has_its_test() -> None:
    assert sorted(TABLE) == list(range(33, 43))
    assert set(TABLE.values()) <= set(globals())
