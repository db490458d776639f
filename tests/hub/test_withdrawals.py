"""A withdrawal outlives what a custodian's machine sends again, by every door."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.names import hub_id
from hub.tables import directives, resources
from hub.tables.derive import read_directive
from tests.hub.test_submit import Held, submit
from tests.hub.world import HOSPITAL, NOW, OTHER_HOSPITAL, World, a_consent, a_patient, an_encounter, world

IDENTIFIER = {"identifier": [{"system": "urn:example:paper", "value": "7"}]}
BEFORE, AFTER = "2026-11-24T10:00:00+09:00", "2026-11-24T10:00:00.001+09:00"
"""The moment at which it was withdrawn, and one after it."""


def signed(text: str, **more: Any) -> dict[str, Any]:
    return {**a_consent(**more), **IDENTIFIER, "dateTime": text}


def entry(tree: dict[str, Any], url: str) -> list[dict[str, Any]]:
    return [{"resource": tree, "request": {"method": "PUT", "url": url}}]


def seen(w: World) -> int:
    with w.hub.store.read() as tx:
        stay = hub_id(resources.own(tx, HOSPITAL, "Encounter")[0].stream)
    return w.get(OTHER_HOSPITAL, f"/fhir/Encounter/{stay}").status_code


@pytest.fixture
def withdrawn(tmp_path: Path) -> Iterator[World]:
    """A consent of January, withdrawn at ten o'clock in Japan; now it is a minute past."""
    clock: list[datetime] = [NOW]
    with world(tmp_path / "data", now=lambda: clock[0]) as w:
        w.put(HOSPITAL, a_patient())
        w.put(HOSPITAL, an_encounter())
        assert w.put(HOSPITAL, signed("2026-01-05")).status_code == 201
        assert seen(w) == 200
        assert w.put(HOSPITAL, signed("2026-01-05", status="inactive")).status_code == 200
        assert seen(w) == 404
        clock[0] += timedelta(minutes=1)
        yield w


DOORS = {
    "PUT": lambda w, tree: w.put(HOSPITAL, tree),
    "conditional update": lambda w, tree: w.ask(
        "PUT", "/fhir/Consent?identifier=urn:example:paper|7", by=HOSPITAL, json=tree, headers={"Content-Type": "application/fhir+json"}
    ),
    "transaction": lambda w, tree: w.bundle(HOSPITAL, entry(tree, "Consent/k1")),
    "batch": lambda w, tree: w.bundle(HOSPITAL, entry(tree, "Consent/k1"), "batch"),
}


@pytest.mark.parametrize("door", DOORS)
def test_the_old_text_sent_again_is_refused_with_its_place_and_a_new_signature_counts(withdrawn: World, door: str) -> None:
    for text in ("2026-01-05", BEFORE):
        answer = DOORS[door](withdrawn, signed(text))
        assert "HUB-3068" in answer.text
        assert "dateTime" in answer.text
        assert "422" in str(answer.status_code) + answer.text
        assert seen(withdrawn) == 404
    assert DOORS[door](withdrawn, signed(AFTER)).status_code == 200
    assert seen(withdrawn) == 200
    assert withdrawn.put(HOSPITAL, signed("2026-01-05")).status_code == 422, "nor does it come back behind the new one"


@pytest.mark.parametrize("status", ["inactive", "rejected", "entered-in-error"])
def test_what_ends_a_consent_is_taken_whatever_its_day(withdrawn: World, status: str) -> None:
    assert withdrawn.put(HOSPITAL, signed("2026-01-05", status=status)).status_code == 200


def test_a_consent_that_was_deleted_does_not_come_back_either(tmp_path: Path) -> None:
    clock: list[datetime] = [NOW]
    with world(tmp_path / "data", now=lambda: clock[0]) as w:
        w.put(HOSPITAL, a_patient())
        w.put(HOSPITAL, an_encounter())
        w.put(HOSPITAL, signed("2026-01-05"))
        assert w.ask("DELETE", "/fhir/Consent/k1", by=HOSPITAL).status_code == 204
        clock[0] += timedelta(minutes=1)
        assert w.put(HOSPITAL, signed("2026-01-05")).status_code == 422
        assert seen(w) == 404
        assert w.put(HOSPITAL, signed(AFTER)).status_code == 200
        assert seen(w) == 200


def test_a_day_without_a_time_counts_from_the_next_day_in_japan(tmp_path: Path) -> None:
    """Withdrawn at 14:59 UTC of the 24th, a minute before midnight in Japan."""
    clock: list[datetime] = [NOW]
    with world(tmp_path / "data", now=lambda: clock[0]) as w:
        w.put(HOSPITAL, a_patient())
        w.put(HOSPITAL, signed("2026-01-05"))
        clock[0] = datetime.fromisoformat("2026-11-24T14:59:00+00:00")
        w.put(HOSPITAL, signed("2026-01-05", status="inactive"))
        clock[0] += timedelta(minutes=2)
        assert w.put(HOSPITAL, signed("2026-11-24")).status_code == 422
        assert w.put(HOSPITAL, signed("2026-11-25")).status_code == 200


def test_a_transaction_that_holds_it_changes_nothing_at_all(withdrawn: World) -> None:
    both = entry(an_encounter("e2"), "Encounter/e2") + entry(signed("2026-01-05"), "Consent/k1")
    answer = withdrawn.bundle(HOSPITAL, both)
    assert answer.status_code == 422
    assert "entry[1].resource.dateTime" in answer.text
    assert withdrawn.get(HOSPITAL, "/fhir/Encounter/e2").status_code == 404


def test_a_withdrawal_that_came_first_stops_a_resend_that_was_judged_before_it(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    hub_world.put(HOSPITAL, signed("2026-01-05"))
    with Held(hub_world) as held:
        first = held.then(lambda: submit(hub_world, signed("2026-01-05", status="inactive")).taken[0].status)
        second = held.then(lambda: submit(hub_world, signed("2026-01-05")).taken[0].status)
    assert (first, second) == ([200], ["HUB-3068"])


@pytest.mark.parametrize("door", DOORS)
def test_what_was_narrowed_is_not_widened_by_the_old_text(tmp_path: Path, door: str) -> None:
    with world(tmp_path / "data") as w:
        w.put(HOSPITAL, a_patient())
        w.put(HOSPITAL, an_encounter())
        wide, narrow = signed("2026-01-05"), signed("2026-02-05", type="deny")
        assert w.put(HOSPITAL, wide).status_code == 201
        assert w.put(HOSPITAL, narrow).status_code == 200
        assert seen(w) == 404
        answer = DOORS[door](w, wide)
        assert "HUB-3070" in answer.text
        assert "422" in str(answer.status_code) + answer.text
        assert seen(w) == 404
        assert DOORS[door](w, narrow).status_code == 200
        assert DOORS[door](w, signed("2026-03-05")).status_code == 200, "the person changed their mind again"
        assert seen(w) == 200


def test_the_form_of_a_consent_that_cannot_be_read_is_passed_over(withdrawn: World) -> None:
    keys = withdrawn.hub.keys
    with withdrawn.hub.store.read() as tx:
        row = directives.version(tx, resources.own(tx, HOSPITAL, "Consent")[0].stream, 1)
    assert row is not None
    said = read_directive(keys, row.key, row.directive, row.event)
    assert said is not None
    assert said.status == "active"
    assert read_directive(keys, row.key, row.directive[:-1], row.event) is None
    assert read_directive(keys, b"", row.directive, row.event) is None
