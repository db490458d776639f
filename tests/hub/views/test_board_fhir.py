"""The 入退院 view as FHIR: a searchset that the strict schema takes, and the Tasks by which offices mark a step."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.views.board import done_task, sent_task, to_fhir
from hub.views.stays_tables import rows
from schemas.fhir.resource import read
from tests.hub.views.stay_messages import encounter
from tests.hub.views.stay_persons import (
    ACUTE,
    NOW,
    NURSE,
    OFFICES,
    REHAB,
    SAKURA,
    SUPPORT,
    admit,
    at,
    board,
    done,
    gone,
    hayashi,
    kiyo,
    later,
    person,
    sent,
)

BASE = "https://hub.example.jp/fhir"
REHAB_STAY = encounter("in-progress", "11-20 14:00", updated="11-20 15:00", custodian=REHAB)
PERSONS = {
    "due": kiyo(admit(), ref="p-1"),
    "sent": kiyo(admit("11-10 09:00"), ref="p-2", more=(sent("11-10 12:00", encounter="Encounter/enc-pat-1-11-10-09-00", key="t-2"),)),
    "transfer": kiyo(admit("11-02 09:00"), gone("11-20 10:00", "11-02 09:00", to="02"), more=(REHAB_STAY,), ref="p-3"),
    "home": kiyo(admit("11-10 08:00"), gone("11-20 10:00", "11-10 08:00"), ref="p-4"),
    "planned": kiyo(later("A14", "12-01 10:00", "11-24 09:00"), ref="p-5"),
    "cancelled": kiyo(admit("11-25 00:36"), later("A11", "11-25 00:36", "11-25 09:00", stay="pat-1:11-25 00:36"), ref="p-6"),
    "between": hayashi(admit("11-21 09:00"), ref="p-7"),
    "nothing": person(ref="p-8"),
}


def bundle(*names, office=SAKURA):
    return to_fhir([PERSONS[name] for name in names], office, BASE, NOW, organizations=OFFICES)


def of(made, kind):
    return [one["resource"] for one in made.get("entry", ()) if one["resource"]["resourceType"] == kind]


def judged(resource):
    return read(json.dumps(resource, ensure_ascii=False).encode()).type


@pytest.mark.parametrize("code", [SAKURA.code, ACUTE, REHAB, NURSE, SUPPORT])
def test_the_board_as_fhir_is_valid_for_every_kind_of_office(code):
    made = bundle(*PERSONS, office=OFFICES[code])
    assert judged(made) == "Bundle"
    for one in made["entry"]:
        assert judged(one["resource"]) in {"EpisodeOfCare", "Encounter", "Task"}
        assert one["fullUrl"] == f"{BASE}/{one['resource']['resourceType']}/{one['resource']['id']}"
        assert one["search"]["mode"] == ("match" if one["resource"]["resourceType"] == "EpisodeOfCare" else "include")
    assert len({one["fullUrl"] for one in made["entry"]}) == len(made["entry"])
    assert made["total"] == len(of(made, "EpisodeOfCare"))


def test_a_board_without_stays_has_no_entries():
    made = bundle("nothing")
    assert (judged(made), made["total"], "entry" in made) == ("Bundle", 0, False)


def test_a_stay_is_an_encounter_of_its_episode_as_it_is_folded():
    made = bundle("due")
    (stay,), (episode,) = of(made, "Encounter"), of(made, "EpisodeOfCare")
    assert (stay["id"], stay["status"], stay["class"]["code"], stay["period"]) == (
        "enc-pat-1-11-25-00-35",
        "in-progress",
        "IMP",
        {"start": "2026-11-25T00:35:00+09:00"},
    )
    assert (stay["reasonCode"], stay["location"]) == ([{"text": "心不全"}], [{"location": {"display": "救急病棟"}}])
    assert stay["episodeOfCare"] == [{"reference": f"EpisodeOfCare/{episode['id']}"}]
    assert (episode["status"], episode["patient"], episode["careManager"]["display"]) == (
        "active",
        {"reference": "Patient/pat-1"},
        "さくら居宅 小川",
    )
    assert episode["id"] == board(PERSONS["due"]).rows[0].episode


def test_the_deadline_is_a_task_whose_restriction_ends_with_the_last_second():
    (task,) = of(bundle("due"), "Task")
    assert (task["status"], task["businessStatus"]["text"], task["code"]["coding"][0]["code"]) == (
        "requested",
        "きょうまで",
        "kasan-admission-info",
    )
    assert task["restriction"]["period"]["end"] == "2026-11-25T23:59:59+09:00"
    assert (task["focus"]["reference"], task["for"]["reference"]) == ("Encounter/enc-pat-1-11-25-00-35", "Patient/pat-1")
    assert task["owner"]["identifier"] == {"system": "https://tsunagu.example.jp/sid/kaigo-office-number", "value": SAKURA.code}
    assert task["note"][2] == {"text": "加算Ⅰ：11-25（水） 24:00 まで　250単位。"}


def test_what_was_sent_is_a_completed_task():
    (task,) = of(bundle("sent"), "Task")
    assert (task["status"], task["businessStatus"]["text"]) == ("completed", "11-10 12:00 提供　加算Ⅰ 250単位（受け取りの確認待ち）")


def test_a_transfer_is_one_episode_of_two_encounters():
    made = bundle("transfer")
    assert [one["status"] for one in of(made, "Encounter")] == ["finished", "in-progress"]
    (episode,) = of(made, "EpisodeOfCare")
    assert (episode["period"], episode["managingOrganization"]["identifier"]["value"]) == ({"start": "2026-11-02T09:00:00+09:00"}, REHAB)


def test_where_there_is_no_deadline_there_is_no_task():
    assert of(bundle("between"), "Task") == []


def test_a_hospital_s_board_as_fhir_carries_the_hospital_s_own_days():
    (task,) = of(bundle("due", office=OFFICES[ACUTE]), "Task")
    assert (task["code"]["coding"][0]["code"], task["restriction"]["period"]["end"]) == ("risk-screen", "2026-11-27T23:59:59+09:00")
    assert task["owner"]["identifier"]["value"] == ACUTE


def test_planned_and_cancelled_stays_say_so():
    assert [one["status"] for one in of(bundle("planned"), "Encounter")] == ["planned"]
    assert [one["status"] for one in of(bundle("cancelled"), "EpisodeOfCare")] == ["cancelled"]


def test_ids_stay_the_same_from_one_hour_to_the_next():
    earlier = to_fhir([PERSONS["due"]], SAKURA, BASE, at("11-25 09:00"))
    assert [one["fullUrl"] for one in earlier["entry"]] == [one["fullUrl"] for one in bundle("due")["entry"]]


@given(st.sets(st.sampled_from(sorted(PERSONS))), st.sampled_from([SAKURA.code, ACUTE, REHAB, NURSE, SUPPORT]))
@settings(max_examples=30, deadline=None)
def test_any_choice_of_persons_makes_a_valid_bundle(names, code):
    assert judged(bundle(*sorted(names), office=OFFICES[code])) == "Bundle"


# ── marking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_task_that_marks_a_sheet_as_sent_is_valid_and_is_read_back_as_sent():
    made = sent_task("Patient/pat-1", "Encounter/enc-pat-1-11-25-00-35", at("11-25 10:30"))
    assert judged(made) == "Task"
    assert (made["status"], made["executionPeriod"]) == ("completed", {"end": "2026-11-25T10:30:00+09:00"})
    assert made["code"]["coding"] == [
        {"system": "https://tsunagu.example.jp/CodeSystem/stay-task", "code": "kasan-admission-info", "display": "入院時情報提供書"}
    ]
    marked = board(kiyo(admit(), more=(sent("11-25 10:30"),)))
    assert marked.rows[0].deadline.state == "done"


@pytest.mark.parametrize("code", [row["code"] for row in rows("tasks")])
def test_every_step_has_a_valid_task(code):
    assert judged(done_task(code, "Patient/pat-1", "Encounter/e-1", NOW)) == "Task"


def test_a_step_that_no_table_names_is_refused():
    with pytest.raises(KeyError):
        done_task("party", "Patient/pat-1", "Encounter/e-1", NOW)


def test_every_button_marks_a_step_of_the_table():
    codes = {row["code"] for row in rows("tasks")}
    assert {row["task"] for row in rows("buttons") if row["task"]} <= codes
    assert {row["mark"] for row in rows("marks")} <= codes
    assert {row["action"] for row in rows("turns") if row["action"]} <= {row["action"] for row in rows("buttons")}
    assert done("risk-screen", "11-25 10:00").body["code"]["coding"][0]["code"] == "risk-screen"
