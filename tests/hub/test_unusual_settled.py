"""A finding of unusual access stands on decisions, is found once, and is settled by the officer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub.noticing import DAY, STAFF, Told, living, persons
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    NOW,
    OFFICE,
    a_consent,
)


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    with living(tmp_path / "data") as made:
        yield made


# ── once, and the same whatever the batch ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("batch", [1, 7, 500])
def test_how_much_is_taken_at_once_makes_no_difference(tmp_path: Path, batch: int) -> None:
    with living(tmp_path / "data", STAFF) as told:
        found = persons(told, HOSPITAL, 12, family="担当")  # the manager is 担当 春子
        told.w.put(HOSPITAL, a_consent(patient="Patient/x0"))
        told.look("manager", found)
        first = told.rules(batch)
        assert sorted(rule for rule, _, _ in first) == ["denials-hour", "surname"]
        assert told.rules(batch) == first
        with told.w.hub.store.write() as tx:
            told.w.hub.store.track(tx, "unusual", 0)
        assert told.rules(batch) == first  # from the first event anew, nothing is found twice


def test_a_finding_stands_on_decisions_that_can_be_opened(told: Told) -> None:
    (one,) = persons(told, HOSPITAL, 1)
    told.look("manager", [one] * 10)
    (row,) = told.noticed()
    made = told.w.get(NETWORK, f"/audit/unusual.json?reference={row.reference}").json()
    assert len(made["decisions"]) == 10
    for reference in made["decisions"]:
        answer = told.w.get(NETWORK, f"/audit/decision.json?reference={reference}").json()
        assert (answer["same"], answer["recorded"]["reason"]) == (True, "D-NOCONSENT")


def test_nobody_but_the_officer_reads_the_list(told: Told) -> None:
    for by in (HOSPITAL, OFFICE):
        assert told.w.get(by, "/audit/unusual.json").status_code == 403
    told.w.sign_in("doctor")
    assert told.w.get("doctor", "/audit/unusual").status_code == 403
    assert told.w.form("doctor", "/audit/unusual/settle", reference="x", result="explained", note="わけがありました。").status_code == 403


# ── settling ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def open_one(told: Told) -> tuple[Told, str]:
    (one,) = persons(told, HOSPITAL, 1)
    told.look("manager", [one] * 10)
    told.w.sign_in("officer")
    (row,) = told.noticed()
    return told, row.reference


NOTE = "本人に聞いた。電話の問い合わせで番号を取り違えていた。"


def test_the_officer_settles_a_finding_and_the_note_is_sealed(open_one: tuple[Told, str]) -> None:
    told, reference = open_one
    assert told.w.form("officer", "/audit/unusual/settle", reference=reference, result="explained", note=NOTE).status_code == 303
    assert told.w.get("officer", "/audit/unusual").text.count(reference) == 0
    page = told.w.get("officer", f"/audit/unusual/{reference}").text
    assert NOTE in page
    assert "責任 守" in page
    with told.w.hub.store.read() as tx:
        held = b"".join(bytes(state) for *_, state in told.w.hub.store.raw(tx, 0, 10_000))
    assert NOTE.encode() not in held


def test_what_was_explained_may_turn_out_a_breach_and_a_breach_stays(open_one: tuple[Told, str]) -> None:
    told, reference = open_one

    def settle(result: str) -> Any:
        return told.w.form("officer", "/audit/unusual/settle", reference=reference, result=result, note=NOTE)

    assert settle("explained").status_code == 303
    again = settle("explained")
    assert (again.status_code, "もう片づいています" in again.text) == (422, True)
    assert settle("breach").status_code == 303
    assert settle("explained").status_code == 422
    assert told.w.get(NETWORK, "/audit/unusual.json?status=breach").json()["unusual"][0]["reference"] == reference


def test_a_breach_is_suspected_with_its_clock_and_the_decisions_it_stands_on(open_one: tuple[Told, str]) -> None:
    import msgspec

    from hub.log.event import open_event
    from schemas.emergency_events import BREACH_SUSPECTED, BreachSuspected

    told, reference = open_one
    decisions = told.w.get(NETWORK, f"/audit/unusual.json?reference={reference}").json()["decisions"]
    told.at(NOW + DAY)
    told.w.form("officer", "/audit/unusual/settle", reference=reference, result="breach", note=NOTE)
    hub = told.w.hub
    with hub.store.read() as tx:
        (one,) = hub.store.events_of(tx, BREACH_SUSPECTED, 0, hub.store.head(tx))
    body = msgspec.json.decode(open_event(hub.keys, one), type=BreachSuspected)
    assert (body.by, body.reason, list(body.decisions)) == ("officer", NOTE, decisions)
    assert body.known_at == int((NOW + DAY).timestamp() * 1000)


def test_a_note_that_is_too_short_is_asked_for_again_and_not_lost(open_one: tuple[Told, str]) -> None:
    told, reference = open_one
    answer = told.w.form("officer", "/audit/unusual/settle", reference=reference, result="explained", note="聞いた")
    assert answer.status_code == 422
    assert ">聞いた</textarea>" in answer.text


@pytest.mark.parametrize(("fields", "status"), [({"result": "nothing"}, 400), ({"reference": "XXXX-YYYY"}, 404)])
def test_a_settlement_that_is_none_is_refused(open_one: tuple[Told, str], fields: dict[str, str], status: int) -> None:
    told, reference = open_one
    answer = told.w.form("officer", "/audit/unusual/settle", **{"reference": reference, "result": "explained", "note": NOTE, **fields})
    assert answer.status_code == status


def test_the_menu_tells_how_many_wait(open_one: tuple[Told, str]) -> None:
    told, _ = open_one
    home = told.w.get("officer", "/").text
    assert re.search(r'気になるアクセス <span class="chip warn">1</span>', home)
