"""What its custodian took back, or says was entered in error, is shown by no door by an earlier version of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.names import hub_id
from hub.tables import decisions
from tests.hub.world import HOSPITAL, OFFICE, OTHER_HOSPITAL, World, a_consent, a_patient, a_plan, an_encounter, world

LINES = {"Accept": "application/x-ndjson"}


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    """A stay that an office hears of, has on its board, and another hospital reads."""
    with world(tmp_path / "data") as made:
        for by, tree in (
            (OFFICE, a_patient("u1")),
            (OFFICE, a_plan(patient="Patient/u1")),
            (HOSPITAL, a_patient()),
            (HOSPITAL, a_consent()),
        ):
            assert made.put(by, tree).status_code == 201
        assert made.put(HOSPITAL, an_encounter()).status_code == 201
        made.settle()
        made.sign_in("officer")
        assert shown(made) == ([200, 200], 1, True)
        yield made


def shown(w: World) -> tuple[list[int], int, bool]:
    """Give what the other hospital is answered (newest, first version), the entries of the office's board, whether its feed tells of the stay."""
    with w.hub.store.read() as tx:
        rows = tx.all("SELECT stream FROM resources WHERE type='Encounter' AND version=1")
    name = f"/fhir/Encounter/{hub_id(rows[0][0])}"
    read = [w.get(OTHER_HOSPITAL, f"{name}{version}").status_code for version in ("", "/_history/1")]
    return read, w.get(OFFICE, "/fhir/$board").json()["total"], "Admission" in w.get(OFFICE, "/events?after=0", headers=LINES).text


def test_a_record_that_was_entered_in_error_is_not_served_by_its_earlier_version(w: World) -> None:
    assert w.put(HOSPITAL, an_encounter(status="entered-in-error")).status_code == 200
    w.settle()
    assert shown(w) == ([404, 404], 0, False)


def test_it_is_again_when_that_was_the_error(w: World) -> None:
    assert w.put(HOSPITAL, an_encounter(status="entered-in-error")).status_code == 200
    assert w.put(HOSPITAL, an_encounter()).status_code == 200
    assert shown(w) == ([200, 200], 1, True)


def test_why_it_was_not_seen_comes_out_the_same(w: World) -> None:
    assert w.put(HOSPITAL, an_encounter(status="entered-in-error")).status_code == 200
    shown(w)
    assert w.put(HOSPITAL, an_encounter()).status_code == 200
    with w.hub.store.read() as tx:
        rows = decisions.search(tx, decisions.Filter(), limit=100)
    assert {row.reason for row in rows} >= {"D-HARD", "P-EXPLICIT"}
    for row in rows:
        assert w.get("officer", f"/audit/decision.json?reference={row.reference}").json()["same"] is not False


def test_the_earlier_versions_of_what_was_taken_back_are_absent_to_others(w: World) -> None:
    assert w.ask("DELETE", "/fhir/Encounter/e1", by=HOSPITAL).status_code == 204
    assert shown(w) == ([404, 404], 0, False)
    assert w.get(HOSPITAL, "/fhir/Encounter/e1/_history/1").status_code == 200
