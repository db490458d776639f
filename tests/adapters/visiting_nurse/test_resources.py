"""What the columns of a visit and of a measurement become, and whether the page for an emergency understands it."""

from datetime import datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.visiting_nurse import adapter
from adapters.visiting_nurse.measure import DERIVED, keys
from adapters.wire.csv_layout import JST
from hub.views.shapes import Office
from schemas.fhir.resource import read
from tests.adapters.visiting_nurse.builders import STATION, URGENT, drafts, measure, visit, wire
from tests.adapters.visiting_nurse.page import page_of

LOINC = "http://loinc.org"
NOW = datetime(2026, 11, 4, 12, 0, tzinfo=JST)
OFFICES = {STATION: Office(STATION, "つばめ訪問看護", "visiting-nurse", "048-000-1201")}


def part_of(*rows, measures=()):
    (part,) = adapter.convert(wire(*rows, measures=measures)).parts
    return part


def observation(**cells):
    return drafts(part_of(visit(), measures=[measure(**cells)]), "Observation")["V-1:obs:1"]


def page(*rows, measures=(), now=NOW):
    return page_of({STATION: part_of(*rows, measures=measures).drafts}, OFFICES, now)


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("value", ["36.50", "36.5", "36", "36.0", "36.05"])
def test_a_measured_number_goes_out_as_it_was_written(value):
    text = orjson.dumps(observation(value=value))
    assert f'"valueQuantity":{{"value":{value},"unit":"℃"'.encode() in text
    read(text)


@given(st.decimals(min_value=34, max_value=41, places=2))
def test_any_number_keeps_its_digits(value):
    assert f'"value":{value},'.encode() in orjson.dumps(observation(value=f"{value}"))


@pytest.mark.parametrize("key", sorted(set(keys()) - {"jcs", "acvpu"}))
def test_each_measurement_has_a_code_and_a_ucum_unit(key):
    value = {"sbp": "120", "dbp": "70", "height": "150", "weight": "50", "pr": "70", "spo2": "96", "glucose": "110", "bt": "36.5"}.get(
        key, ""
    )
    row = keys()[key]
    body = observation(key=key, value=value or row["hard_high"])
    told = body["component"][0 if key == "sbp" else 1] if key in {"sbp", "dbp"} else body
    systems = {coding["system"]: coding["code"] for coding in told["code"]["coding"]}
    assert systems["https://tsunagu.example.jp/CodeSystem/vn-observation"] == key
    assert systems.get(LOINC) or key == "gaf"
    assert (told["valueQuantity"]["system"], told["valueQuantity"]["code"]) == ("http://unitsofmeasure.org", row["unit"])


def test_oxygen_saturation_has_both_codes_of_loinc():
    coded = [coding["code"] for coding in observation(key="spo2", value="96")["code"]["coding"] if coding["system"] == LOINC]
    assert coded == ["59408-5", "2708-6"]


@pytest.mark.parametrize(
    ("value", "code", "words"),
    [("0", "0", "0 清明"), ("10", "10", "II-10"), ("20-R", "20", "II-20R"), ("300", "300", "III-300"), ("3RI", "3", "I-3RI")],
)
def test_a_coma_scale_keeps_its_suffix_in_words(value, code, words):
    concept = observation(key="jcs", value=value)["valueCodeableConcept"]
    assert (concept["coding"][0]["code"], concept["text"]) == (code, words)


def test_scores_that_the_hub_reckons_are_not_made_from_what_was_sent():
    rows = [measure(obs_id=str(n), key=key, value="3") for n, key in enumerate(sorted(DERIVED))]
    assert not [key for key in drafts(part_of(visit(), measures=rows), "Observation") if ":obs:" in key]


# ── pressures ────────────────────────────────────────────────────────────────────────────────────────────────────────


def pressures(*rows):
    found = drafts(part_of(visit(), measures=rows), "Observation")
    return {
        key: [part.get("valueQuantity", {}).get("value") for part in body["component"]] for key, body in found.items() if ":obs:" in key
    }


def test_pressures_of_one_moment_are_one_panel_named_by_the_systolic_row():
    assert pressures(measure(obs_id="a", key="dbp", value="80"), measure(obs_id="b", key="sbp", value="130")) == {"V-1:obs:b": [130, 80]}


def test_pressures_of_two_moments_or_postures_are_two_panels():
    rows = [
        measure(obs_id="1", key="sbp", value="130"), measure(obs_id="2", key="sbp", value="110", posture="立位"),
        measure(obs_id="3", key="dbp", value="60", posture="立位"), measure(obs_id="4", key="dbp", value="80"),
    ]  # fmt: skip
    assert pressures(*rows) == {"V-1:obs:1": [130, 80], "V-1:obs:2": [110, 60, None]}


def test_a_pressure_without_its_partner_says_that_the_other_is_absent():
    body = observation(key="sbp", value="130")
    assert body["component"][1]["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert "valueQuantity" not in body["component"][1]


def test_a_measurement_without_a_time_lies_within_its_visit():
    body = observation(taken_at="")
    assert body["effectivePeriod"] == {"start": "2026-11-04T10:02:00+09:00", "end": "2026-11-04T10:58:00+09:00"}
    assert "effectiveDateTime" not in body


# ── visits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("cells", "status", "kind", "urgent"),
    [
        ({}, "finished", "HH", False),
        ({"record_status": "amended"}, "finished", "HH", False),
        ({"visit_kind": "phone"}, "finished", "VR", False),
        ({"visit_kind": "absent"}, "cancelled", "HH", False),
        ({"visit_kind": "cancelled"}, "cancelled", "HH", False),
        (URGENT, "finished", "HH", True),
        ({"visit_kind": "urgent"}, "finished", "HH", True),
        ({"record_status": "entered-in-error"}, "entered-in-error", "HH", False),
    ],
)
def test_the_kind_of_visit_decides_status_class_and_priority(cells, status, kind, urgent):
    body = drafts(part_of(visit(**cells)), "Encounter")["V-1"]
    assert (body["status"], body["class"]["code"], "priority" in body) == (status, kind, urgent)


def test_nothing_was_done_at_a_visit_that_was_not_made():
    assert not drafts(part_of(visit(visit_kind="absent", care_codes="wash", care_text="清拭")), "Procedure")


def test_a_call_by_the_person_is_sent_by_the_patient():
    body = drafts(part_of(visit(**URGENT | {"urgent_requested_by": "self"})), "Communication")["V-1:urgent-request"]
    assert body["sender"] == {"reference": "urn:tsunagu:Patient:U-0031"}


def test_a_measurement_of_a_visit_that_was_taken_back_is_taken_back_too():
    found = drafts(part_of(visit(record_status="entered-in-error"), measures=[measure()]), "Observation")
    assert {body["status"] for body in found.values()} == {"entered-in-error"}


def test_what_a_person_has_one_of_is_told_by_the_newest_visit():
    early = visit(visit_id="V-1", oncall_24h="1", next_visit_date="2026-11-08")
    late = visit(
        visit_id="V-2", start_at="2026-11-04T15:00+09:00", end_at="2026-11-04T15:30+09:00", next_visit_date="2026-11-06", oncall_24h="0"
    )
    for rows in ((early, late), (late, early)):
        part = part_of(*rows)
        assert drafts(part, "Appointment")["U-0031:next-visit"]["requestedPeriod"] == [{"start": "2026-11-06", "end": "2026-11-06"}]
        assert drafts(part, "Flag")["U-0031:oncall-24h"]["status"] == "inactive"


def test_a_visit_that_was_taken_back_plans_no_next_one():
    kept = visit(visit_id="V-1", next_visit_date="2026-11-08")
    wrong = visit(
        visit_id="V-2",
        record_status="entered-in-error",
        start_at="2026-11-04T15:00+09:00",
        end_at="2026-11-04T15:30+09:00",
        next_visit_date="2026-11-06",
    )
    assert drafts(part_of(kept, wrong), "Appointment")["U-0031:next-visit"]["requestedPeriod"][0]["start"] == "2026-11-08"


def test_a_death_without_a_time_is_a_death():
    for cells in ({"urgent_outcome": "died"}, {"service_end": "1", "end_reason": "04"}):
        assert drafts(part_of(visit(**cells)), "Patient")["U-0031"]["deceasedBoolean"] is True
    assert "deceasedBoolean" not in drafts(part_of(visit()), "Patient")["U-0031"]


def test_half_a_pair_of_care_insurance_names_nobody():
    whole = visit(kaigo_insurer_no="119990", kaigo_insured_no="H000000012")
    assert len(drafts(part_of(visit(kaigo_insured_no="0000071234")), "Patient")["U-0031"]["identifier"]) == 1
    assert drafts(part_of(whole), "Patient")["U-0031"]["identifier"][1]["value"] == "119990:H000000012"


def test_the_sets_of_a_visit_and_of_its_measurements_are_two():
    part = part_of(visit(sleep="よい"), measures=[measure()])
    sets = {draft.facts.get("set") for draft in part.drafts}
    assert sets == {None, "vn_visit:V-1", "vn_observation:V-1"}
    standing = {draft.type for draft in part.drafts if "set" not in draft.facts}
    assert standing == {"Patient", "Appointment"}


# ── the page for an emergency ────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_shows_the_signs_with_the_oxygen_and_leaves_out_what_was_not_measured():
    rows = [
        measure(obs_id="1", key="sbp", value="148"), measure(obs_id="2", key="dbp", value="82"), measure(obs_id="3", key="bt", value="37.9"),
        measure(obs_id="4", key="spo2", value="92", o2_on="1", o2_flow="1.5", spo2_scale="2"), measure(obs_id="5", key="pr", value="98"),
        measure(obs_id="6", key="rr", value="", absent_reason="not-performed"), measure(obs_id="7", key="jcs", value="1R"),
    ]  # fmt: skip
    made = page(visit(), measures=rows)
    assert {(v.name, v.value, v.unit) for v in made.vitals} == {
        ("SpO₂（酸素1.5 L）", "92", "%"), ("血圧", "148/82", "mmHg"), ("脈拍", "98", "/分"), ("体温", "37.9", "℃"),
    }  # fmt: skip
    assert made.consciousness.text == "JCS I-1"
    assert not made.score.complete
    assert "呼吸数" in "".join(made.score.missing)


def test_the_page_shows_the_urgent_visit_the_assessment_and_the_next_visit():
    made = page(visit(**URGENT, a_text="心不全の増悪が疑われる", next_visit_date="2026-11-05"))
    (line,) = made.visits
    assert (line.text, line.strong, line.source) == ("臨時・訪問：息が苦しい、心不全の増悪が疑われる", True, "つばめ訪問看護")
    assert made.next_visit == "11-05 つばめ訪問看護"


def test_the_page_shows_the_caution_and_that_the_station_answers_at_night():
    made = page(visit(care_caution="左腕で血圧を測らない（シャント）", oncall_24h="1"), now=datetime(2026, 11, 5, 3, 0, tzinfo=JST))
    assert [(line.chip.text, line.text) for line in made.alerts] == [("注意", "左腕で血圧を測らない（シャント）")]
    (call,) = made.calls
    assert (call.phone, call.who, call.chip.text) == ("048-000-1201", "訪問看護　つばめ訪問看護", "24時間")


def test_the_page_shows_the_usual_self_and_the_home():
    made = page(
        visit(meal_pct="70", incontinence="urine", urine_times="5", caregiver_state="長女が疲れている"),
        measures=[measure(key="barthel", value="55")],
    )
    assert [line.text for line in made.usual_self] == ["食事量：70 %", "排尿・排便の回数：5 回", "排泄：尿失禁", "Barthel Index：55 点"]
    assert [line.text for line in made.home] == ["介護している人：長女が疲れている"]


def test_the_page_says_who_the_person_is_and_that_they_died():
    made = page(visit(death_at="2026-11-04T11:00+09:00", service_end="1", end_reason="04", next_visit_date=""))
    assert (made.name, made.kana, made.age, made.sex) == ("早瀬 トミ", "ハヤセ トミ", 88, "女")
    assert made.deceased.startswith("死亡 2026-11-04 11:00")
    assert made.next_visit == ""
