"""Refused messages have an end: past their date, once taken after all, or when their sender wants it; then no key opens their content any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas import events
from tests.hub.test_erasure import Clock, shredding
from tests.hub.test_erasure_reach import ELSE, differing, log, rule
from tests.hub.world import HOSPITAL, NOW, OTHER_HOSPITAL, World, a_consent, a_patient, an_encounter, world


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def w(tmp_path: Path, clock: Clock) -> Iterator[World]:
    with world(tmp_path / "data", now=clock) as made:
        yield made


def test_what_was_not_taken_is_kept_until_its_end_date_and_no_longer(w: World, clock: Clock) -> None:
    assert w.file(HOSPITAL, "note.txt", "山田 花子".encode()).status_code == 422
    (kept,) = w.get(HOSPITAL, "/refused.json").json()["refused"]
    assert kept["until"] == (NOW + timedelta(days=30)).isoformat()
    clock.now = NOW + timedelta(days=29)
    shredding(w).step()
    assert len(w.get(HOSPITAL, "/refused.json").json()["refused"]) == 1
    clock.now = NOW + timedelta(days=31)
    shredding(w).step()
    assert w.get(HOSPITAL, "/refused.json").json()["refused"] == []
    assert w.ask("POST", f"/refused/{kept['reference']}/send", by=HOSPITAL).status_code == 404


def test_its_sender_alone_gives_the_content_of_a_refused_message_up(w: World, tmp_path: Path) -> None:
    assert w.file(HOSPITAL, "note.txt", "山田 花子".encode()).status_code == 422
    (kept,) = w.get(HOSPITAL, "/refused.json").json()["refused"]
    address = f"/refused/{kept['reference']}"
    assert w.ask("DELETE", address, by=OTHER_HOSPITAL).status_code == 404
    assert w.ask("DELETE", address, by=HOSPITAL).status_code == 204
    assert w.get(HOSPITAL, "/refused.json").json()["refused"] == []
    for method, path in (("DELETE", address), ("POST", f"{address}/send")):
        answer = w.ask(method, path, by=HOSPITAL)
        assert (answer.status_code, rule(answer)) == (404, "HUB-5119")
    assert differing(tmp_path) == {}


def test_a_message_that_was_taken_after_all_keeps_no_copy_of_what_it_was_when_refused(w: World) -> None:
    w.put(HOSPITAL, a_patient("q1", insured=ELSE))
    w.put(HOSPITAL, hub_refusal("k8", "Patient/q1"))
    entry = {"resource": an_encounter("e8", patient="Patient/q1"), "request": {"method": "PUT", "url": "Encounter/e8"}}
    assert w.bundle(HOSPITAL, [entry]).status_code == 403
    (kept,) = w.get(HOSPITAL, "/refused.json").json()["refused"]
    w.put(HOSPITAL, {**hub_refusal("k8", "Patient/q1"), "status": "inactive"})
    assert w.ask("POST", f"/refused/{kept['reference']}/send", by=HOSPITAL).status_code == 200
    shredding(w).step()
    refused = next(r for r in log(w) if r.topic == events.MESSAGE_REFUSED)
    assert w.hub.keys.by_id(refused.header.key) is None
    assert w.hub.keys.erased(refused.header.key)


def hub_refusal(number: str, patient: str) -> dict[str, Any]:
    """A consent by which the person wants nothing recorded here at all."""
    from schemas.adapter import BASE

    tree = a_consent(number, patient=patient)
    tree["extension"].append({"url": f"{BASE}/StructureDefinition/consent-hub-refusal", "valueBoolean": True})
    tree["provision"] = {"type": "deny"}
    return tree
