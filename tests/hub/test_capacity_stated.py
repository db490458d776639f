"""Findings of whether a person can decide alone: who may state them, what they change at once, and that they are sealed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from consent.ask import Requester
from hub.commands import Asking
from hub.names import hub_id
from hub.tables import directives
from schemas.adapter import BASE
from schemas.errors import BadValue, Denied, MissingValue, NotFound, Refusal
from tests.hub.world import HOSPITAL, NETWORK, OFFICE, OTHER_HOSPITAL, World, a_consent, a_patient, an_encounter

DOCTOR = Asking(Requester(HOSPITAL, "hospital", "doctor", "doctor"), "TREAT", "r1", "write")
CLERK = Asking(Requester(NETWORK, "network", "clerk", "clerk"), "PATADMIN", "r1", "write")
NURSE = Asking(Requester(HOSPITAL, "hospital", "nurse", "nurse"), "TREAT", "r1", "write")
STRANGER = Asking(Requester(OTHER_HOSPITAL, "hospital", "doctor", "other"), "TREAT", "r1", "write")
PAPER = "診断書 2026-09-01 救急 花子"


def by_guardian() -> dict[str, Any]:
    """A consent that a guardian signed, whose papers were seen."""
    tree = a_consent()
    parts = [{"url": "kind", "valueCode": "guardian"}, {"url": "verified", "valueBoolean": True}]
    tree["extension"].append({"url": f"{BASE}/StructureDefinition/consent-proxy", "extension": parts})
    tree["performer"] = [{"display": "成年後見人"}]
    return tree


@pytest.fixture
def w(hub_world: World) -> World:
    hub_world.put(HOSPITAL, a_patient())
    hub_world.put(HOSPITAL, an_encounter())
    assert hub_world.put(HOSPITAL, by_guardian()).status_code == 201
    return hub_world


def patient(w: World) -> bytes:
    with w.hub.store.read() as tx:
        return bytes(tx.one("SELECT stream FROM resources WHERE type=?", ("Patient",))[0])


def seen(w: World) -> int:
    answer = w.get(OFFICE, f"/fhir/Encounter?patient={hub_number(w)}&_summary=count")
    total: int = answer.json()["total"]
    return total


def hub_number(w: World) -> str:
    return hub_id(patient(w))


def state(w: World, asking: Asking = DOCTOR, **more: Any) -> None:
    said = {"state": "incapable", "found": date(2026, 9, 1), "review": date(2027, 3, 1), "document": PAPER, **more}
    w.hub.desk.capacity(asking, patient(w), **said)


def test_what_a_guardian_permitted_ends_a_month_after_the_person_can_decide_again(w: World) -> None:
    assert seen(w) == 1
    state(w)
    assert seen(w) == 1
    state(w, state="capable", found=date(2026, 11, 10))
    assert seen(w) == 1  # 14 days ago: usable for thirty
    state(w, state="incapable", found=date(2026, 9, 1))
    state(w, state="capable", found=date(2026, 10, 1))
    assert seen(w) == 0  # the person could decide again 54 days ago, by the earliest word of it


def test_a_decision_that_was_being_taken_when_it_was_stated_is_taken_anew(w: World) -> None:
    """The epoch moves with the finding, so that what was decided on before does not hold under the lock."""
    with w.hub.store.read() as tx:
        before = directives.epochs(tx, [patient(w)])
    state(w)
    with w.hub.store.read() as tx:
        assert directives.epochs(tx, [patient(w)])[patient(w)] > before[patient(w)]


def test_the_clerk_may_state_it_for_a_paper_and_a_nurse_may_not(w: World) -> None:
    state(w, CLERK)
    with pytest.raises(Denied):
        state(w, NURSE)
    with pytest.raises(NotFound):
        state(w, STRANGER)
    assert [(one.state, one.by, one.review) for one in w.hub.desk.capacity.known([patient(w)])] == [("incapable", "clerk", "2027-03-01")]


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"state": "tired"}, BadValue),
        ({"found": date(2026, 11, 25)}, BadValue),
        ({"found": date(1, 1, 1)}, BadValue),
        ({"document": " 紙 "}, MissingValue),
        ({"review": None}, BadValue),
        ({"review": date(2026, 11, 23)}, BadValue),
        ({"review": date(2027, 11, 26)}, BadValue),
    ],
)
def test_a_finding_needs_a_known_state_a_day_a_paper_and_the_day_of_the_next_look(
    w: World, more: dict[str, Any], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        state(w, **more)
    assert w.hub.desk.capacity.known([patient(w)]) == []


def test_what_was_found_stands_in_no_file_in_clear(w: World, tmp_path: Path) -> None:
    state(w)
    held = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert PAPER.encode() not in held
    assert b"incapable" not in held
