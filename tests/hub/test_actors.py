"""Whom a consent means is looked up when somebody asks: members of a Group, and what cannot be told of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hub.named_actors import MANAGER, SOMEBODY, a_group, actor, hubwide, lived, office, reason, to
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    OFFICE,
    OTHER_HOSPITAL,
    OTHER_OFFICE,
    World,
)

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
