"""The index over decisions: what each is searched by, and what it says left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.tables import decisions
from hub.tables.decisions import DecisionRow, Filter, gave
from schemas.events import Effect, SeenRow
from tests.hub.test_gate import admitted
from tests.hub.world import HOSPITAL, OFFICE, OTHER_HOSPITAL, World, a_consent, world


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "data") as made:
        yield made


def found(w: World, **by: str) -> list[DecisionRow]:
    with w.hub.store.read() as tx:
        return decisions.search(tx, Filter(**by), limit=100)


def test_what_left_is_counted_by_type_with_whose_it_was(w: World) -> None:
    stay = admitted(w)
    w.get(OTHER_HOSPITAL, f"/fhir/{stay}")
    (row,) = found(w, organization=OTHER_HOSPITAL)
    assert (row.reason, row.basis, row.role, row.given, row.custodians) == ("P-EXPLICIT", "JP-CONSENT", "system", "Encounter:1", HOSPITAL)


def test_nothing_left_where_all_was_refused_and_where_records_came_in(w: World) -> None:
    stay = admitted(w)
    w.put(HOSPITAL, a_consent(status="inactive"))
    w.get(OFFICE, f"/fhir/{stay}")
    assert [(r.effect, r.given, r.custodians) for r in found(w, organization=OFFICE, action="read")] == [("deny", "", "")]
    assert {(r.action, r.given) for r in found(w, organization=HOSPITAL)} == {("write", "")}


def test_decisions_are_found_by_reason_role_basis_and_user(w: World) -> None:
    stay = admitted(w)
    w.get(OTHER_HOSPITAL, f"/fhir/{stay}")
    w.sign_in("doctor")
    w.settle()
    w.get("doctor", "/board")
    assert {r.organization for r in found(w, reason="P-EXPLICIT")} == {OTHER_HOSPITAL}
    assert {r.organization for r in found(w, basis="JP-CONSENT")} == {OTHER_HOSPITAL}
    assert {r.user for r in found(w, role="doctor")} == {r.user for r in found(w, user="doctor")} == {"doctor"}
    assert not found(w, reason="P-EXPLICIT", user="doctor")


@pytest.mark.parametrize(
    ("effect", "masks", "left"),
    [("permit", (), True), ("redact", ("family",), True), ("redact", ("resource",), False), ("deny", (), False)],
)
def test_a_resource_that_is_masked_whole_has_not_left(effect: Effect, masks: tuple[str, ...], *, left: bool) -> None:
    assert gave(SeenRow("Observation", "tsu-x", 1, effect, "P-EXPLICIT", "JP-CONSENT", masks)) is left
