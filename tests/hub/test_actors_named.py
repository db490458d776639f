"""Whom a consent means is looked up when somebody asks: CareTeam, holders of a role, offices of one legal entity, and when that moves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from consent.ask import Requester
from hub.commands import Asking
from hub.region import parse_region
from hub.tables import actors, resources
from hub.writer import Proposal
from schemas.errors import Broken
from schemas.ids import INSTITUTION
from tests.hub.named_actors import MANAGER, SOMEBODY, a_group, a_role, actor, hubwide, lived, office, reason, to
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    NOW,
    OFFICE,
    OTHER_HOSPITAL,
    OTHER_OFFICE,
    STATION,
    World,
    an_encounter,
    register,
    world,
)

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
