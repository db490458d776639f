"""What was withdrawn or deleted does not come back under another id, whichever door makes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.names import hub_id
from hub.tables import resources
from tests.hub.test_submit import Held, at_once, submit
from tests.hub.world import FHIR, HOSPITAL, NETWORK, NOW, OFFICE, OTHER_HOSPITAL, World, a_consent, a_patient, an_encounter, world

IDENTIFIER = {"identifier": [{"system": "urn:example:paper", "value": "7"}]}
CONDITION = "identifier=urn:example:paper|7"
ANEW = "2026-11-24T10:01:00+09:00"
"""Signed after the withdrawal."""


def paper(signed: str = "2026-01-05", **more: Any) -> dict[str, Any]:
    return {**a_consent(**more), **IDENTIFIER, "dateTime": signed}


def seen(w: World, by: str = OTHER_HOSPITAL) -> int:
    with w.hub.store.read() as tx:
        stay = hub_id(resources.own(tx, HOSPITAL, "Encounter")[0].stream)
    return w.get(by, f"/fhir/Encounter/{stay}").status_code


def without_id(tree: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in tree.items() if name != "id"}


def entry(tree: dict[str, Any], method: str, url: str, **more: str) -> dict[str, Any]:
    return {"resource": tree, "request": {"method": method, "url": url, **more}}


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    """A consent of January at a hospital, that the other one sees by; the clock goes on by a minute with `later`."""
    clock: list[datetime] = [NOW]
    with world(tmp_path / "data", now=lambda: clock[0]) as made:
        made.moment = clock
        made.put(HOSPITAL, a_patient())
        made.put(HOSPITAL, an_encounter())
        made.put(HOSPITAL, paper())
        assert seen(made) == 200
        yield made


def later(w: World) -> None:
    w.moment[0] += timedelta(minutes=2)


ENDS: dict[str, Callable[[World], httpx.Response]] = {
    "withdrawn": lambda w: w.put(HOSPITAL, paper(status="inactive")),
    "deleted": lambda w: w.ask("DELETE", "/fhir/Consent/k1", by=HOSPITAL),
}
WAYS: dict[str, Callable[[World, dict[str, Any]], httpx.Response]] = {
    "another id": lambda w, tree: w.put(HOSPITAL, {**tree, "id": "k2"}),
    "conditional update": lambda w, tree: w.ask("PUT", f"/fhir/Consent?{CONDITION}", by=HOSPITAL, json=without_id(tree), headers=FHIR),
    "created": lambda w, tree: w.ask("POST", "/fhir/Consent", by=HOSPITAL, json=without_id(tree), headers=FHIR),
    "transaction": lambda w, tree: w.bundle(HOSPITAL, [entry(without_id(tree), "POST", "Consent")]),
    "batch": lambda w, tree: w.bundle(HOSPITAL, [entry({**tree, "id": "k2"}, "PUT", "Consent/k2")], "batch"),
    "created where none is": lambda w, tree: w.bundle(HOSPITAL, [entry(without_id(tree), "POST", "Consent", ifNoneExist=CONDITION)]),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("way", WAYS)
def test_the_old_text_brings_nothing_back_and_a_new_signature_does(w: World, end: str, way: str) -> None:
    assert ENDS[end](w).status_code in {200, 204}
    later(w)
    answer = WAYS[way](w, paper())
    found = end == "withdrawn" and way == "created where none is"  # it is there, and stays as it is
    assert ("HUB-306" in answer.text) is not found, answer.text
    assert seen(w) == 404
    assert WAYS[way](w, paper(signed=ANEW)).status_code in {200, 201}
    assert seen(w) == (404 if found else 200)


def test_it_is_refused_with_its_place_in_plain_words(w: World) -> None:
    ENDS["deleted"](w)
    later(w)
    answer = WAYS["another id"](w, paper())
    assert answer.status_code == 422
    (issue,) = answer.json()["issue"]
    assert "HUB-3069" in str(issue)
    assert issue["expression"] == ["Consent.dateTime"]


def test_who_holds_a_paper_of_their_own_is_not_asked_what_another_withdrew(w: World) -> None:
    """The network's clerk, or the person, withdraws for all: each organization's own withdrawal is of what it recorded."""
    ENDS["withdrawn"](w)
    later(w)
    assert w.put(OTHER_HOSPITAL, a_patient("x1")).status_code == 201
    assert w.put(OTHER_HOSPITAL, paper(patient="Patient/x1")).status_code == 201


def test_a_withdrawal_of_the_networks_clerk_outlives_what_the_custodian_sends_again(w: World) -> None:
    """It stands over the custodian's: the later statement holds, whatever id the older one bears."""
    later(w)
    with w.hub.store.read() as tx:
        patient = hub_id(resources.own(tx, HOSPITAL, "Patient")[0].stream)
    over = paper(number="over", patient=f"Patient/{patient}", status="inactive", signed=w.moment[0].isoformat())
    assert w.put(NETWORK, over).status_code == 201
    assert seen(w) == 404
    later(w)
    for number in ("k1", "k2"):
        assert w.put(HOSPITAL, paper(number=number)).status_code in {200, 201}
        assert seen(w) == 404


def test_what_was_entered_in_error_is_entered_rightly_with_the_day_of_its_paper(w: World) -> None:
    w.put(HOSPITAL, paper(status="entered-in-error"))
    later(w)
    assert w.put(HOSPITAL, paper(number="k2")).status_code == 201
    assert seen(w) == 200


def test_two_papers_of_one_day_that_say_different_things_are_two(w: World) -> None:
    ENDS["withdrawn"](w)
    later(w)
    assert w.put(HOSPITAL, paper(number="k2", type="deny")).status_code == 201, "a no is taken, whatever was withdrawn"
    assert seen(w) == 404


def test_an_organization_may_give_a_consent_another_id_in_one_transaction(w: World) -> None:
    moved = [{"request": {"method": "DELETE", "url": "Consent/k1"}}, entry(paper(number="k2"), "PUT", "Consent/k2")]
    assert w.bundle(HOSPITAL, moved).status_code == 200
    assert seen(w) == 200


def test_a_copy_that_holds_already_may_be_sent_again(w: World) -> None:
    assert w.put(HOSPITAL, paper(number="k2")).status_code == 201
    ENDS["withdrawn"](w)
    later(w)
    assert w.put(HOSPITAL, paper(number="k2")).status_code == 200


def test_it_is_known_by_the_person_whichever_patient_it_is_about(w: World) -> None:
    assert w.put(HOSPITAL, a_patient("p2")).status_code == 201, "the same number of the care insurance: one person"
    ENDS["withdrawn"](w)
    later(w)
    answer = w.put(HOSPITAL, paper(number="k2", patient="Patient/p2"))
    assert (answer.status_code, "HUB-3069" in answer.text) == (422, True)


def test_of_a_withdrawal_and_a_resend_at_one_moment_the_withdrawal_is_what_is_left(w: World, long: bool) -> None:
    words = (lambda: submit(w, paper(status="inactive", signed=signed)), lambda: submit(w, paper(signed=signed)))
    for _ in range(200 if long else 15):
        signed = w.moment[0].isoformat()
        later(w)
        assert w.put(HOSPITAL, paper(signed=signed)).status_code == 200
        assert seen(w) == 200
        said = at_once(2, lambda number: words[number]().taken[0].status)
        assert said[0] == 200
        assert said[1] in {200, "HUB-3068"}
        assert seen(w) == 404
        later(w)


def test_a_withdrawal_that_came_first_stops_a_copy_that_was_judged_before_it(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    hub_world.put(HOSPITAL, a_consent())
    with Held(hub_world) as held:
        first = held.then(lambda: submit(hub_world, a_consent(status="inactive")).taken[0].status)
        second = held.then(lambda: submit(hub_world, a_consent("k2")).taken[0].status)
    assert (first, second) == ([200], ["HUB-3069"])


def signed_elsewhere(w: World) -> None:
    """An older consent that another organization took of the same person, and the newer one withdrawn."""
    assert w.put(OFFICE, a_patient("u1")).status_code == 201
    assert w.put(OFFICE, paper("2025-11-01", patient="Patient/u1")).status_code == 201
    assert w.put(HOSPITAL, paper(status="inactive")).status_code == 200
    assert seen(w) == 404


def test_a_withdrawal_still_holds_when_its_record_is_deleted(w: World) -> None:
    """What the person withdrew had taken the place of an older paper elsewhere: that one does not speak again when the desk clears up."""
    signed_elsewhere(w)
    later(w)
    assert w.ask("DELETE", "/fhir/Consent/k1", by=HOSPITAL).status_code == 204
    assert seen(w) == 404
    later(w)
    assert w.put(HOSPITAL, paper(number="k2", signed=ANEW)).status_code == 201
    assert seen(w) == 200


def test_nothing_is_told_to_anybody_by_what_was_withdrawn_and_deleted(w: World) -> None:
    signed_elsewhere(w)
    assert w.ask("DELETE", "/fhir/Consent/k1", by=HOSPITAL).status_code == 204
    assert w.put(HOSPITAL, an_encounter("e2")).status_code == 201
    w.settle()
    assert w.get(OFFICE, "/events?after=0", headers={"Accept": "application/x-ndjson"}).headers["x-next-after"] == "0"
