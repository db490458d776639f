"""Nothing leaves without a decision taken at that moment, for that recipient, and recorded."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest

from hub.commands import Asking
from hub.names import stream_of
from hub.tables import resources
from hub.vault import Permit
from schemas.errors import Broken
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    NOW,
    OFFICE,
    OTHER_HOSPITAL,
    OTHER_OFFICE,
    World,
    a_consent,
    a_patient,
    a_plan,
    an_encounter,
    world,
)

REASON = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"


def excluded(code: str) -> dict[str, Any]:
    """A nested refusal of one organization."""
    from schemas.adapter import BASE

    who = {"identifier": {"system": "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no", "value": code}}
    del BASE
    return {"type": "deny", "actor": [{"role": {"coding": [{"system": REASON, "code": "IRCP"}]}, "reference": who}]}


def told(w: World, by: str, reference: str) -> int:
    """Give the status of a read."""
    return w.get(by, f"/fhir/{reference}").status_code


def admitted(w: World, **provision: Any) -> str:
    """Put a patient, a consent and a stay in; give the stay as others know it."""
    assert w.put(HOSPITAL, a_patient()).status_code == 201
    assert w.put(OFFICE, a_patient("u1")).status_code == 201
    assert w.put(OFFICE, a_plan(patient="Patient/u1")).status_code == 201
    assert w.put(HOSPITAL, a_consent(**provision)).status_code == 201
    assert w.put(HOSPITAL, an_encounter()).status_code == 201
    with w.hub.store.read() as tx:
        (row,) = resources.own(tx, HOSPITAL, "Encounter")
    from hub.names import hub_id

    return f"Encounter/{hub_id(row.stream)}"


def test_an_organization_reads_its_own_without_any_consent(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    assert told(hub_world, HOSPITAL, "Patient/p1") == 200


def test_without_a_consent_another_organization_sees_what_it_would_see_of_nobody(hub_world: World) -> None:
    reference = admitted(hub_world)
    hub_world.put(HOSPITAL, a_consent(status="inactive"))
    hidden = hub_world.get(OFFICE, f"/fhir/{reference}")
    absent = hub_world.get(OFFICE, "/fhir/Encounter/tsu-" + "a" * 25 + "e")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.content == absent.content


def test_a_written_consent_opens_to_the_purposes_it_names(hub_world: World) -> None:
    reference = admitted(hub_world)
    assert told(hub_world, OFFICE, reference) == 200
    assert told(hub_world, OTHER_HOSPITAL, reference) == 200


def test_a_withdrawal_acts_on_the_next_request(hub_world: World) -> None:
    reference = admitted(hub_world)
    assert told(hub_world, OFFICE, reference) == 200
    assert hub_world.put(HOSPITAL, a_consent(status="inactive")).status_code == 200
    assert told(hub_world, OFFICE, reference) == 404


def test_a_consent_that_shuts_out_one_hospital_shuts_out_that_one_alone(hub_world: World) -> None:
    reference = admitted(hub_world, provision=[excluded(OTHER_HOSPITAL)])
    assert told(hub_world, OTHER_HOSPITAL, reference) == 404
    assert told(hub_world, OFFICE, reference) == 200


def test_a_consent_ends_with_its_last_day_in_japan(tmp_path: Any) -> None:
    moment = [NOW]
    with world(tmp_path, now=lambda: moment[0]) as w:
        reference = admitted(w, period={"start": "2026-01-05", "end": "2026-11-24"})
        moment[0] = NOW.replace(hour=14, minute=59)
        assert told(w, OFFICE, reference) == 200
        moment[0] = NOW.replace(hour=15, minute=0)
        assert told(w, OFFICE, reference) == 404


def test_what_carries_no_known_label_is_not_shown(hub_world: World) -> None:
    admitted(hub_world)
    condition = {
        "resourceType": "Condition", "id": "d1", "subject": {"reference": "Patient/p1"}, "code": {"text": "なにかの病気"},
    }  # fmt: skip
    assert hub_world.put(HOSPITAL, condition).status_code == 201
    with hub_world.hub.store.read() as tx:
        (row,) = resources.own(tx, HOSPITAL, "Condition")
    from hub.names import hub_id

    assert told(hub_world, HOSPITAL, "Condition/d1") == 200
    assert told(hub_world, OTHER_HOSPITAL, f"Condition/{hub_id(row.stream)}") == 404


def test_every_read_leaves_a_decision_with_reason_consent_version_and_basis(hub_world: World) -> None:
    reference = admitted(hub_world)
    hub_world.get(OFFICE, f"/fhir/{reference}", headers={"X-Request-Id": "the-read"})
    found = hub_world.get(NETWORK, "/fhir/AuditEvent?_count=200").json()["entry"]
    mine = [e["resource"] for e in found if "the-read" in orjson.dumps(e["resource"]).decode()]
    assert [m["subtype"][0]["code"] for m in mine] == ["read", "AuthZ-Consent"]
    text = orjson.dumps(mine[1]).decode()
    assert "P-EXPLICIT" in text
    assert "JP-CARE-WRITTEN" in text
    assert "Consent/tsu-" in text
    assert "/_history/1" in text


DOORS = (
    lambda w, r: w.get(OFFICE, f"/fhir/{r}"),
    lambda w, r: w.get(OFFICE, f"/fhir/{r}/_history/1"),
    lambda w, _: w.get(OFFICE, "/fhir/Patient?identifier=131016:0000012342"),
    lambda w, _: w.get(OFFICE, "/fhir/Patient"),
    lambda w, _: w.get(OFFICE, "/fhir/Patient/u1/$summary"),
    lambda w, _: w.get(OFFICE, "/fhir/$board"),
    lambda w, _: w.get(OFFICE, "/events?after=0", headers={"Accept": "application/x-ndjson"}),
    lambda w, r: w.bundle(OFFICE, [{"request": {"method": "GET", "url": r}}], "batch"),
    lambda w, _: w.get(NETWORK, "/fhir/AuditEvent"),
    lambda w, _: w.get("manager", "/board"),
)


SECRETS = ("山田", "ヤマダ", "1938", "0000012342", "in-progress", "AdmissionNotified", "P-EXPLICIT")


@contextmanager
def a_full_disk() -> Iterator[None]:
    """Let the kernel refuse every byte that this process would write to a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.sqlite
@pytest.mark.parametrize("door", DOORS)
def test_when_the_disk_is_cut_no_door_gives_content(hub_world: World, door: Any) -> None:
    reference = admitted(hub_world)
    hub_world.settle()
    hub_world.get(OFFICE, f"/fhir/{reference}")
    hub_world.sign_in("manager")
    with a_full_disk():
        answer = door(hub_world, reference)
    assert answer.status_code >= 400 or b'"entry":[{"response":{"status":"503"' in answer.content
    for secret in SECRETS:
        assert secret not in answer.text
    assert any(secret in door(hub_world, reference).text for secret in SECRETS)


def test_a_store_opens_nothing_without_a_permit_of_the_gate(hub_world: World) -> None:
    admitted(hub_world)
    with hub_world.hub.store.read() as tx:
        (row,) = resources.own(tx, HOSPITAL, "Patient")
        planted = Permit(row.stream, row.version, frozenset(), inside=False, proof=object())
        with pytest.raises(Broken):
            hub_world.hub.view._presenting._vault.open(tx, planted, row)


def test_a_permit_opens_the_one_version_it_was_given_for(hub_world: World) -> None:
    admitted(hub_world)
    hub = hub_world.hub
    with hub.store.read() as tx:
        (patient,) = resources.own(tx, HOSPITAL, "Patient")
        (stay,) = resources.own(tx, HOSPITAL, "Encounter")
    (given,) = hub.gate.inside([stay])
    with hub.store.read() as tx, pytest.raises(Broken):
        hub.view._presenting._vault.open(tx, given.permit, patient)


def test_a_withdrawal_between_snapshot_and_record_is_seen(hub_world: World) -> None:
    """The decision is judged anew under the lock when the consents' epoch has moved."""
    reference = admitted(hub_world)
    stream = stream_of(reference.split("/")[1])
    hub = hub_world.hub
    asking = Asking(hub_world.hub.credentials.identify(hub_world.tokens[OFFICE]).requester, "CAREMGT", "r", "read")
    with hub.store.read() as tx:
        row = resources.newest(tx, stream)
        stale = hub.gate._decided(tx, asking, [row], ())
    assert stale.answer[0][0].effect == "permit"
    hub_world.put(HOSPITAL, a_consent(status="inactive"))
    stale.again = lambda tx: hub.gate._decided(tx, asking, [row], ())
    decided = hub.writer.submit(stale).result().answer[0]
    assert decided[0].effect == "deny"


def test_two_offices_of_the_same_person_hear_by_consent_alone(hub_world: World) -> None:
    reference = admitted(hub_world, provision=[excluded(OTHER_OFFICE)])
    assert told(hub_world, OTHER_OFFICE, reference) == 404
    assert told(hub_world, OFFICE, reference) == 200
