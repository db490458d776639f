"""Whom a consent means is looked up when somebody asks: members of a Group or CareTeam, holders of a role, offices of one legal entity."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from consent.ask import Requester, Role
from hub.commands import Asking
from hub.names import hub_id
from hub.region import parse_region
from hub.tables import actors, resources
from hub.writer import Proposal
from schemas.adapter import BASE
from schemas.errors import Broken
from schemas.ids import INSTITUTION
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    NOW,
    OFFICE,
    OTHER_HOSPITAL,
    OTHER_OFFICE,
    STATION,
    World,
    a_consent,
    a_patient,
    an_encounter,
    register,
    world,
)

IRCP = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]}
MANAGER = {"type": "Practitioner", "identifier": {"system": f"{BASE}/sid/practitioner", "value": "manager"}}
SOMEBODY = {"type": "Practitioner", "identifier": {"system": f"{BASE}/sid/practitioner", "value": "somebody"}}


def office(code: str) -> dict[str, Any]:
    return {"type": "Organization", "identifier": {"system": INSTITUTION, "value": code}}


def to(reference: str) -> dict[str, Any]:
    return {"reference": reference}


def actor(reference: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": IRCP, "reference": reference}]


def a_group(*members: dict[str, Any], number: str = "g1", **more: Any) -> dict[str, Any]:
    listed = [m if "entity" in m else {"entity": m} for m in members]
    return {"resourceType": "Group", "id": number, "type": "practitioner", "actual": True, **({"member": listed} if listed else {}), **more}


def a_role(number: str = "r1", who: dict[str, Any] = MANAGER, where: str = OFFICE, **more: Any) -> dict[str, Any]:
    return {"resourceType": "PractitionerRole", "id": number, "practitioner": who, "organization": office(where), **more}


def lived(w: World, named: dict[str, Any] | None = None, **provision: Any) -> None:
    """A person of the hospital with a stay, and a consent that names somebody."""
    assert w.put(HOSPITAL, a_patient()).status_code in {200, 201}
    assert w.put(HOSPITAL, an_encounter()).status_code in {200, 201}
    more = {"actor": actor(named), **provision} if named else provision
    assert w.put(HOSPITAL, a_consent(**more)).status_code in {200, 201}


def reason(w: World, person: str = "manager", where: str = OFFICE, *, version: resources.Row | None = None) -> str:
    """Ask for the stay as a person of an office; give the reason of the decision."""
    kind = w.hub.region.kind_of(where)
    roles: dict[str, Role] = {"hospital": "doctor", "care-manager": "care-manager", "visiting-nurse": "nurse"}
    asking = Asking(Requester(where, kind, roles[kind], person), "CAREMGT" if kind == "care-manager" else "TREAT", "r", "read")
    with w.hub.store.read() as tx:
        row = version or resources.own(tx, HOSPITAL, "Encounter")[0]
    (decision,) = w.hub.gate.release(asking, [row]).decisions
    return decision.reason


def hubwide(w: World, kind: str, custodian: str) -> str:
    with w.hub.store.read() as tx:
        return f"{kind}/{hub_id(resources.own(tx, custodian, kind)[0].stream)}"


# ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_member_of_a_named_group_is_meant_and_nobody_else(hub_world: World) -> None:
    assert hub_world.put(HOSPITAL, a_group(MANAGER)).status_code == 201
    lived(hub_world, to("Group/g1"))
    assert reason(hub_world) == "P-EXPLICIT"
    assert reason(hub_world, "somebody") == "D-NOTCOVERED"
    assert reason(hub_world, "", OFFICE) == "D-NOTCOVERED"  # the office's own application is no member
    assert reason(hub_world, "doctor2", OTHER_HOSPITAL) == "D-NOTCOVERED"


def test_a_change_of_membership_acts_on_the_next_question(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_group(SOMEBODY))
    lived(hub_world, to("Group/g1"))
    assert reason(hub_world) == "D-NOTCOVERED"
    assert hub_world.put(HOSPITAL, a_group(SOMEBODY, MANAGER)).status_code == 200
    assert reason(hub_world) == "P-EXPLICIT"
    assert hub_world.put(HOSPITAL, a_group(SOMEBODY, {"entity": MANAGER, "inactive": True})).status_code == 200
    assert reason(hub_world) == "D-NOTCOVERED"


def test_a_membership_holds_for_its_period(hub_world: World) -> None:
    until_yesterday = {"entity": MANAGER, "period": {"start": "2026-04-01", "end": "2026-11-23"}}
    until_today = {"entity": MANAGER, "period": {"start": "2026-04-01", "end": "2026-11-24"}}
    hub_world.put(HOSPITAL, a_group(until_yesterday))
    lived(hub_world, to("Group/g1"))
    assert reason(hub_world) == "D-NOTCOVERED"
    hub_world.put(HOSPITAL, a_group(until_today))
    assert reason(hub_world) == "P-EXPLICIT"


@pytest.mark.parametrize(
    "more", [{"active": False}, {"actual": False, "characteristic": [{"code": {"text": "x"}, "valueBoolean": True, "exclude": False}]}]
)
def test_a_group_that_is_closed_or_only_described_opens_nothing(hub_world: World, more: dict[str, Any]) -> None:
    answer = hub_world.put(HOSPITAL, {**a_group(MANAGER), **more} if more.get("actual") is not False else {**a_group(), **more})
    assert answer.status_code == 201, answer.text
    lived(hub_world, to("Group/g1"))
    assert reason(hub_world) == "D-NOTCOVERED"


def test_groups_within_groups_are_followed_and_a_circle_ends(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_group(to("Group/g2")))
    hub_world.put(HOSPITAL, a_group(to("Group/g3"), to("Group/g1"), number="g2"))
    hub_world.put(HOSPITAL, a_group(to("Group/g1"), SOMEBODY, number="g3"))
    lived(hub_world, to("Group/g1"))
    assert reason(hub_world) == "D-NOTCOVERED"
    assert reason(hub_world, "somebody") == "P-EXPLICIT"


def test_a_circle_without_members_means_nobody_also_for_a_refusal(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_group(to("Group/g2")))
    hub_world.put(HOSPITAL, a_group(to("Group/g1"), number="g2"))
    lived(hub_world, provision=[{"type": "deny", "actor": actor(to("Group/g1"))}])
    assert reason(hub_world) == "P-EXPLICIT"


def test_a_chain_that_is_too_deep_cannot_be_told(hub_world: World) -> None:
    for n in range(1, 13):
        assert hub_world.put(HOSPITAL, a_group(to(f"Group/g{n + 1}") if n < 12 else MANAGER, number=f"g{n}")).status_code == 201
    lived(hub_world, to("Group/g1"))
    assert reason(hub_world) == "D-NOTCOVERED"
    lived(hub_world, provision=[{"type": "deny", "actor": actor(to("Group/g1"))}])
    assert reason(hub_world, "somebody") == "D-NESTED"
    lived(hub_world, to("Group/g7"))
    assert reason(hub_world) == "P-EXPLICIT"


def test_of_many_paths_to_one_member_each_group_is_looked_at_once(hub_world: World) -> None:
    """Twelve layers of two groups each that name both of the next would be 4,096 paths."""
    for n in range(1, 8):
        below = [to(f"Group/a{n + 1}"), to(f"Group/b{n + 1}")] if n < 7 else [MANAGER]
        for letter in "ab":
            hub_world.put(HOSPITAL, a_group(*below, number=f"{letter}{n}"))
    lived(hub_world, to("Group/a1"))
    assert reason(hub_world) == "P-EXPLICIT"
    assert reason(hub_world, "somebody") == "D-NOTCOVERED"


# ── what cannot be told ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_group_that_is_not_there_gives_nothing_and_refuses_all(hub_world: World) -> None:
    lived(hub_world, to("Group/nowhere"))
    assert reason(hub_world) == "D-NOTCOVERED"
    lived(hub_world, provision=[{"type": "deny", "actor": actor(to("Group/nowhere"))}])
    assert reason(hub_world) == "D-NESTED"


def test_a_group_that_was_taken_back_gives_nothing_and_refuses_all(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_group(SOMEBODY))
    lived(hub_world, provision=[{"type": "deny", "actor": actor(to("Group/g1"))}])
    assert reason(hub_world) == "P-EXPLICIT"
    assert hub_world.ask("DELETE", "/fhir/Group/g1", by=HOSPITAL).status_code == 204
    assert reason(hub_world) == "D-NESTED"


def test_what_is_unsure_of_one_group_takes_nothing_from_who_is_named_beside_it(hub_world: World) -> None:
    lived(hub_world, actor=[*actor(to("Group/nowhere")), *actor(office(OFFICE))])
    assert reason(hub_world) == "P-EXPLICIT"
    assert reason(hub_world, "m2", OTHER_OFFICE) == "D-NOTCOVERED"


def test_a_group_in_a_cell_that_cannot_be_read_gives_nothing_and_refuses_all(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_group(SOMEBODY))
    lived(hub_world, provision=[{"type": "deny", "actor": actor(to("Group/g1"))}])
    assert reason(hub_world) == "P-EXPLICIT"
    hub_world.hub.gate._actors._opened.clear()
    hub_world.hub.writer.work(lambda tx: tx.run("UPDATE actors SET cell=? WHERE type=?", (b"\0" * 60, "Group"))).result()
    assert reason(hub_world) == "D-NESTED"


def test_a_group_of_the_recipient_itself_widens_nothing(hub_world: World) -> None:
    """Named by its hub-wide id: who is in it is for the recipient to write, so that it cannot say whom the person meant."""
    hub_world.put(OTHER_OFFICE, a_group(MANAGER))
    theirs = hubwide(hub_world, "Group", OTHER_OFFICE)
    lived(hub_world, to(theirs))
    assert reason(hub_world) == "D-NOTCOVERED"
    lived(hub_world, provision=[{"type": "deny", "actor": actor(to(theirs))}])
    assert reason(hub_world, "somebody") == "D-NESTED"
    hub_world.put(HOSPITAL, a_group(to(theirs)))
    lived(hub_world, to("Group/g1"))
    assert reason(hub_world) == "D-NOTCOVERED", "not through a group of the custodian either"


def test_a_group_of_the_networks_office_counts_for_everybody(hub_world: World) -> None:
    assert hub_world.put(NETWORK, a_group(MANAGER)).status_code == 201
    lived(hub_world, to(hubwide(hub_world, "Group", NETWORK)))
    assert reason(hub_world) == "P-EXPLICIT"


def test_only_its_own_custodian_writes_a_group(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_group(SOMEBODY))
    lived(hub_world, to("Group/g1"))
    number = hubwide(hub_world, "Group", HOSPITAL).removeprefix("Group/")
    assert hub_world.put(OFFICE, a_group(MANAGER, number=number)).status_code >= 400
    assert hub_world.put(OFFICE, a_group(MANAGER)).status_code == 201  # its own g1
    assert reason(hub_world) == "D-NOTCOVERED"


def test_a_group_that_may_hold_patients_says_whose_it_is(hub_world: World) -> None:
    answer = hub_world.put(HOSPITAL, {**a_group(), "type": "person"})
    assert answer.status_code == 400
    assert "HUB-4077" in answer.text


# ── teams, roles, people ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_care_team_about_the_person_is_meant_while_it_is_active(hub_world: World) -> None:
    lived(hub_world, to("CareTeam/t1"))
    team = {
        "resourceType": "CareTeam",
        "id": "t1",
        "status": "active",
        "subject": to("Patient/p1"),
        "participant": [{"member": office(OFFICE)}],
    }
    assert hub_world.put(HOSPITAL, team).status_code == 201
    assert reason(hub_world) == "P-EXPLICIT"
    assert reason(hub_world, "n1", STATION) == "D-NOTCOVERED"
    assert hub_world.put(HOSPITAL, {**team, "status": "suspended"}).status_code == 200
    assert reason(hub_world) == "D-NOTCOVERED"
    assert hub_world.put(HOSPITAL, {**team, "period": {"end": "2026-11-23"}}).status_code == 200
    assert reason(hub_world) == "D-NOTCOVERED"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "P-EXPLICIT"),
        ({"active": False}, "D-NOTCOVERED"),
        ({"period": {"start": "2026-04-01", "end": "2026-11-23"}}, "D-NOTCOVERED"),  # ended yesterday
        ({"period": {"start": "2026-04-01", "end": "2026-11-24"}}, "P-EXPLICIT"),  # its last day is today
        ({"period": {"start": "2026-11-25"}}, "D-NOTCOVERED"),
    ],
)
def test_a_role_is_held_while_it_is_active(hub_world: World, more: dict[str, Any], expected: str) -> None:
    assert hub_world.put(HOSPITAL, a_role(**more)).status_code == 201
    lived(hub_world, to("PractitionerRole/r1"))
    assert reason(hub_world) == expected


def test_a_role_is_of_one_person_at_one_office(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_role())
    lived(hub_world, to("PractitionerRole/r1"))
    assert reason(hub_world, "somebody") == "D-NOTCOVERED"
    assert reason(hub_world, "manager", OTHER_OFFICE) == "D-NOTCOVERED"


def test_a_post_that_nobody_is_named_for_may_be_anybodys_of_its_office(hub_world: World) -> None:
    hub_world.put(HOSPITAL, {n: v for n, v in a_role().items() if n != "practitioner"})
    lived(hub_world, to("PractitionerRole/r1"))
    assert reason(hub_world) == "D-NOTCOVERED"
    lived(hub_world, provision=[{"type": "deny", "actor": actor(to("PractitionerRole/r1"))}])
    assert reason(hub_world) == "D-NESTED"
    assert reason(hub_world, "m2", OTHER_OFFICE) == "P-EXPLICIT"


def test_a_member_by_reference_is_known_by_its_registered_number_never_by_its_name(hub_world: World) -> None:
    person = {"resourceType": "Practitioner", "id": "d1", "name": [{"text": "担当 春子"}]}
    hub_world.put(HOSPITAL, person)
    hub_world.put(HOSPITAL, a_group(to("Practitioner/d1")))
    lived(hub_world, to("Group/g1"))
    assert reason(hub_world) == "D-NOTCOVERED"
    hub_world.put(HOSPITAL, {**person, "identifier": [MANAGER["identifier"]]})
    assert reason(hub_world) == "P-EXPLICIT"
    hub_world.put(HOSPITAL, {**person, "identifier": [SOMEBODY["identifier"]]})
    assert reason(hub_world) == "D-NOTCOVERED"


# ── the legal entity ─────────────────────────────────────────────────────────────────────────────────────────────────


def parted(**entities: str) -> Any:
    """The register, with offices that are part of a legal entity."""
    held = register()
    by_code = {HOSPITAL: "", **entities}
    return parse_region({
        "name": held.name, "edition": held.edition, "network": held.network,
        "organizations": [
            {"code": o.code, "name": o.name, "kind": o.kind, "purpose": held.purposes[o.code], "entity": by_code.get(o.code, "")}
            for o in held.offices.values()
        ],
        "users": [{"id": u.id, "organization": u.organization, "name": u.name, "role": u.role, "purpose": u.purpose} for u in held.users.values()],
    })  # fmt: skip


def test_an_office_of_a_registered_legal_entity_is_meant_with_it(tmp_path: Any) -> None:
    with world(tmp_path / "data", region=parted(**{OFFICE: STATION, STATION: OTHER_HOSPITAL})) as w:
        lived(w, office(OTHER_HOSPITAL))
        assert reason(w) == "P-EXPLICIT"
        assert reason(w, "m2", OTHER_OFFICE) == "D-NOTCOVERED"


def test_a_legal_entity_is_not_meant_with_one_of_its_offices(tmp_path: Any) -> None:
    with world(tmp_path / "data", region=parted(**{OFFICE: OTHER_HOSPITAL})) as w:
        lived(w, office(OFFICE))
        assert reason(w) == "P-EXPLICIT"
        assert reason(w, "d2", OTHER_HOSPITAL) == "D-NOTCOVERED"


@pytest.mark.parametrize("entities", [{OFFICE: "1319999999"}, {OFFICE: OFFICE}, {OFFICE: STATION, STATION: OFFICE}])
def test_a_register_whose_legal_entities_go_round_or_are_not_there_is_refused(entities: dict[str, str]) -> None:
    with pytest.raises(Broken) as refused:
        parted(**entities)
    assert refused.value.issues[0].where.endswith(".entity")


def an_office(code: str, above: str, number: str = "o1") -> dict[str, Any]:
    return {"resourceType": "Organization", "id": number, "identifier": [{"system": INSTITUTION, "value": code}], "partOf": office(above)}


def test_the_networks_office_says_which_office_is_part_of_which(hub_world: World) -> None:
    lived(hub_world, office(OTHER_HOSPITAL))
    assert reason(hub_world) == "D-NOTCOVERED"
    assert hub_world.put(NETWORK, an_office(OFFICE, OTHER_HOSPITAL)).status_code == 201
    assert reason(hub_world) == "P-EXPLICIT"
    assert hub_world.put(NETWORK, {**an_office(OFFICE, OTHER_HOSPITAL), "active": False}).status_code == 200
    assert reason(hub_world) == "D-NOTCOVERED"


def test_what_an_office_says_of_itself_opens_nothing_and_is_held_against_it(hub_world: World) -> None:
    hub_world.put(OFFICE, an_office(OFFICE, OTHER_HOSPITAL))
    lived(hub_world, office(OTHER_HOSPITAL))
    assert reason(hub_world) == "D-NOTCOVERED"
    lived(hub_world, provision=[{"type": "deny", "actor": actor(office(OTHER_HOSPITAL))}])
    assert reason(hub_world) == "D-NESTED"
    assert reason(hub_world, "m2", OTHER_OFFICE) == "P-EXPLICIT"


def test_a_third_office_says_nothing_of_it(hub_world: World) -> None:
    hub_world.put(OTHER_OFFICE, an_office(OFFICE, OTHER_HOSPITAL))
    lived(hub_world, provision=[{"type": "deny", "actor": actor(office(OTHER_HOSPITAL))}])
    assert reason(hub_world) == "P-EXPLICIT"


# ── moments ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_decision_under_way_is_taken_anew_when_a_membership_moves(hub_world: World) -> None:
    """The change is recorded after the decision was taken and before it is: under the lock it is found."""
    hub_world.put(HOSPITAL, a_group(MANAGER))
    lived(hub_world, to("Group/g1"))
    gate, writer = hub_world.hub.gate, hub_world.hub.writer
    submit, once = writer.submit, [True]

    def late(proposal: Proposal) -> Any:
        if once and proposal.answer is not None and isinstance(proposal.answer, tuple):
            once.clear()
            assert hub_world.put(HOSPITAL, a_group(SOMEBODY)).status_code == 200
        return submit(proposal)

    gate._writer = type("Late", (), {"submit": staticmethod(late)})()
    assert reason(hub_world) == "D-NOTCOVERED"
    gate._writer = writer
    assert reason(hub_world, "somebody") == "P-EXPLICIT"


def test_as_of_then_the_members_of_then_are_meant(tmp_path: Any) -> None:
    moment = [NOW]
    with world(tmp_path / "data", now=lambda: moment[0]) as w:
        w.put(HOSPITAL, a_group(MANAGER))
        lived(w, to("Group/g1"))
        moment[0] = NOW + timedelta(minutes=5)
        with w.hub.store.read() as tx:
            before = w.hub.store.head(tx)
            (row,) = resources.own(tx, HOSPITAL, "Encounter")
        w.put(HOSPITAL, a_group(SOMEBODY))
        asking = Asking(Requester(OFFICE, "care-manager", "care-manager", "manager"), "CAREMGT", "r", "read")
        with w.hub.store.read() as tx:
            (then,) = w.hub.gate.as_of(tx, asking, [row], position=before, at=NOW)
            (now,) = w.hub.gate.as_of(tx, asking, [row], position=w.hub.store.head(tx), at=moment[0])
        assert (then.reason, now.reason) == ("P-EXPLICIT", "D-NOTCOVERED")


def test_who_left_a_group_between_two_pages_gets_nothing_on_the_second(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_group(office(OFFICE)))
    lived(hub_world, to("Group/g1"))
    for n in range(4):
        assert hub_world.put(HOSPITAL, an_encounter(f"e{n}")).status_code in {200, 201}
    first = hub_world.get(OFFICE, f"/fhir/Encounter?patient={hubwide(hub_world, 'Patient', HOSPITAL)}&_count=2").json()
    assert len(first["entry"]) == 2
    following = next(link["url"] for link in first["link"] if link["relation"] == "next").removeprefix("http://hub.test")
    hub_world.put(HOSPITAL, a_group(office(OTHER_OFFICE)))
    second = hub_world.get(OFFICE, following).json()
    assert second.get("entry", []) == []
    assert second["total"] == 0


def test_a_team_of_an_erased_person_leaves_a_row_that_nobody_can_open(hub_world: World) -> None:
    lived(hub_world)
    team = {
        "resourceType": "CareTeam",
        "id": "t1",
        "status": "active",
        "subject": to("Patient/p1"),
        "participant": [{"member": office(OFFICE)}],
    }
    hub_world.put(HOSPITAL, team)
    from schemas.events import KEY_ERASED, Erased, Key

    with hub_world.hub.store.read() as tx:
        (row,) = resources.own(tx, HOSPITAL, "CareTeam")
        assert actors.of(tx, [row.stream])[row.stream].cell
    gone = Erased("K1", (Key(row.key.hex(), row.patient.hex(), "main"),), "B", "officer")
    recorded = type("R", (), {"topic": KEY_ERASED, "rows": gone, "position": 99})()
    hub_world.hub.writer.work(lambda tx: actors.apply(tx, [recorded])).result()
    with hub_world.hub.store.read() as tx:
        assert actors.of(tx, [row.stream])[row.stream].cell == b""
