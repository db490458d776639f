"""提供の記録: what left of whose records, to whom, on which ground; one line for each decision, custodian and Patient."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.log.unlocking import KeyPlace
from hub.replay import replay
from hub.tables import provisions
from hub.tables.provisions import Wanted
from hub.writer import Proposal
from hub.writes.events import event
from schemas.events import FOLLOWER_SKIPPED, Skipped
from schemas.provision import ProvisionRow
from tests.hub.test_gate import admitted
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    NOW,
    OFFICE,
    OTHER_HOSPITAL,
    World,
    a_consent,
    a_patient,
    an_encounter,
    database_of,
    register,
    world,
)


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "data") as made:
        yield made


def lines(w: World, **by: Any) -> list[ProvisionRow]:
    """All lines, the oldest first."""
    w.settle()
    with w.hub.store.read() as tx:
        return list(reversed(provisions.search(tx, Wanted(**by), limit=100)))


def same_again(w: World, tmp_path: Path) -> dict[str, int]:
    """Give the tables that a replay makes otherwise."""
    (tmp_path / "work").mkdir()
    place = database_of(tmp_path / "data") or tmp_path / "data" / "hub.db"
    made = replay(database=place, keys=KeyPlace.under(tmp_path / "data"), region=register(), work=tmp_path / "work")
    return dict(made.differing)


def test_what_one_organization_gives_to_another_is_a_line_with_the_ground(w: World) -> None:
    stay = admitted(w)
    w.get(OTHER_HOSPITAL, f"/fhir/{stay}")
    (line,) = lines(w, receiver=OTHER_HOSPITAL)
    told = line.custodian, line.receiver, line.kind, line.staff, line.role, line.action, line.items, line.reason, line.basis
    assert told == (HOSPITAL, OTHER_HOSPITAL, "hospital", "", "system", "read", "Encounter:1", "P-EXPLICIT", "JP-CONSENT")
    assert line.consents.startswith("Consent/tsu-")
    assert line.consents.endswith("/1")


def test_a_look_at_ones_own_is_a_line_too_but_none_to_a_third_party(w: World) -> None:
    w.put(HOSPITAL, a_patient())
    w.get(HOSPITAL, "/fhir/Patient/p1")
    assert lines(w) == []
    assert [(x.own, x.reason, x.basis) for x in lines(w, third=False)] == [(True, "P-OWN", "JP-SAME-ENTITY")]


def test_nothing_given_is_no_line(w: World) -> None:
    stay = admitted(w)
    w.put(HOSPITAL, a_consent(status="inactive"))
    w.get(OTHER_HOSPITAL, f"/fhir/{stay}")
    w.get(OTHER_HOSPITAL, "/fhir/Patient?identifier=urn:x|nobody")
    assert lines(w, third=False) == []


def test_each_custodian_of_what_left_in_one_answer_has_its_line(w: World) -> None:
    """The two Patients are one person by their insured number."""
    admitted(w)
    w.settle()
    w.sign_in("manager")
    w.get("manager", "/board")
    given = {(x.custodian, x.action) for x in lines(w, third=False) if x.receiver == OFFICE and x.action == "view"}
    assert {c for c, _ in given} == {HOSPITAL, OFFICE}
    assert len({x.patient for x in lines(w, third=False) if x.receiver == OFFICE}) == 2


def test_an_event_that_is_delivered_is_a_provision(w: World) -> None:
    admitted(w)
    w.settle()
    assert b"AdmissionNotified" in w.get(OFFICE, "/events?after=0", headers={"Accept": "application/x-ndjson"}).content
    assert ("deliver", HOSPITAL, "Encounter:1") in {(x.action, x.custodian, x.items) for x in lines(w, receiver=OFFICE)}


def test_lines_are_made_anew_from_the_log_alone_also_of_those_passed_by(w: World, tmp_path: Path) -> None:
    stay = admitted(w)
    for _ in range(3):
        w.get(OTHER_HOSPITAL, f"/fhir/{stay}")
    first, second, third = lines(w, receiver=OTHER_HOSPITAL)
    w.hub.writer.work(lambda tx: tx.run("DELETE FROM provisions WHERE position=?", (second.position,))).result()
    body = Skipped("provisions", second.position, "読めない判断", "", "Broken")
    key = w.hub.keys.of(w.hub.secrets.name("audit", NETWORK), "audit")
    made = event(
        topic=FOLLOWER_SKIPPED, kind="FollowerSkipped", body=body, key=key, custodian=NETWORK, patient=b"", secrets=w.hub.secrets, at=NOW,
        stream=bytes(16),
    )  # fmt: skip
    w.hub.writer.submit(Proposal(b"s" * 16, [made])).result()
    assert [x.position for x in lines(w, receiver=OTHER_HOSPITAL)] == [first.position, third.position]
    w.get(OTHER_HOSPITAL, f"/fhir/{stay}")  # the follower has not come to this one
    assert same_again(w, tmp_path) == {}


def test_lines_outlive_the_person(w: World, tmp_path: Path) -> None:
    stay = admitted(w)
    w.get(OTHER_HOSPITAL, f"/fhir/{stay}")
    before = lines(w)
    w.put(HOSPITAL, an_encounter("e2"))
    w.settle()
    assert lines(w)[: len(before)] == before
    assert same_again(w, tmp_path) == {}


@pytest.mark.parametrize("third", [True, False])
def test_going_on_under_a_line_gives_every_line_once(w: World, *, third: bool) -> None:
    stay = admitted(w)
    for _ in range(5):
        w.get(OTHER_HOSPITAL, f"/fhir/{stay}")
        w.get(HOSPITAL, "/fhir/Encounter/e1")
    wanted = Wanted(third=third)
    whole = list(reversed(lines(w, third=third)))
    with w.hub.store.read() as tx:
        head = w.hub.store.head(tx)
        found: list[ProvisionRow] = []
        while page := provisions.search(tx, wanted, limit=2, below=(found[-1].position, found[-1].line) if found else None):
            found += page
        oldest = [row for batch in provisions.ascending(tx, wanted, until=head, at_once=2) for row in batch]
        assert provisions.count(tx, wanted) == len(whole)
    assert found == whole
    assert oldest == whole[::-1]
