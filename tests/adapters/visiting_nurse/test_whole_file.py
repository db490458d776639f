"""What becomes of a station's file as a whole: who is taken, who is refused, at which row, and what is kept of whom."""

import dataclasses
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.visiting_nurse import adapter
from schemas.adapter import Wire
from schemas.errors import BadInput
from schemas.messages import english, japanese
from tests.adapters.visiting_nurse.builders import OTHER_STATION, STATION, URGENT, csv_of, forty, measure, visit, wire, zip_of


def taken(sent):
    return [part.patient_key for part in adapter.convert(sent).parts]


def refusals(sent):
    found = [[(issue.rule, issue.where) for issue in one.issues] for one in adapter.convert(sent).refused]
    for one in adapter.convert(sent).refused:
        assert all(japanese(issue) and english(issue) for issue in one.issues)
    return found


def warnings(sent):
    return [(issue.rule, issue.where) for part in adapter.convert(sent).parts for issue in part.warnings]


def refused_whole(sent):
    with pytest.raises(BadInput) as caught:
        adapter.convert(sent)
    return [(issue.rule, issue.where) for issue in caught.value.issues]


# ── forty persons, one of them wrong ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "rule", "where"),
    [
        ({"birth_date": "1938-02-30"}, "HUB-2013", "row 18, birth_date"),
        ({"visit_kind": "plan"}, "HUB-2015", "row 18, visit_kind"),
        ({"staff_id": ""}, "HUB-2011", "row 18, staff_id"),
        ({"station_code": OTHER_STATION}, "HUB-2100", "row 18, station_code"),
        ({"end_at": "2026-11-04T10:02+09:00"}, "HUB-2101", "row 18, end_at"),
        ({"end_at": "2026-11-05T10:03+09:00"}, "HUB-2102", "row 18, end_at"),
        ({"birth_date": "2026-11-05"}, "HUB-2104", "row 18, birth_date"),
        ({"next_visit_date": "2026-11-03"}, "HUB-2108", "row 18, next_visit_date"),
        ({"next_visit_date": ""}, "HUB-2011", "row 18, next_visit_date"),
        ({"insurance": "iryo"}, "HUB-2106", "row 18, order_type"),
        ({"urgent_flag": "1", "urgent_requested_at": "2026-11-04T09:10+09:00"}, "HUB-2105", "row 18, urgent_requested_by"),
        ({"kaigo_insurer_no": "119991", "kaigo_insured_no": "0000071234"}, "HUB-2021", "row 18, kaigo_insurer_no"),
        ({"kaigo_insurer_no": "119990", "kaigo_insured_no": "71234"}, "HUB-2020", "row 18, kaigo_insured_no"),
        ({"meal_pct": "101"}, "HUB-2014", "row 18, meal_pct"),
        ({"name_kana": "早瀬"}, "HUB-2012", "row 18, name_kana"),
    ],
)
def test_of_forty_persons_one_is_refused_at_its_row_and_column_and_the_rest_are_taken(change, rule, where):
    rows = forty()
    rows[16] |= change
    conversion = adapter.convert(wire(*rows))
    assert len(conversion.parts) == 39
    assert "U-0017" not in [part.patient_key for part in conversion.parts]
    (refused,) = conversion.refused
    assert [(issue.rule, issue.where) for issue in refused.issues] == [(rule, where)]
    assert refused.rows == (18,)
    assert "利用者　17番".encode() in refused.raw
    assert "利用者　16番".encode() not in refused.raw


def test_a_wrong_row_takes_the_persons_other_rows_with_it():
    sent = wire(visit(), visit(visit_id="V-2", meal_pct="120"), visit(visit_id="V-3", patient_local_id="U-0044"))
    assert taken(sent) == ["U-0044"]
    assert refusals(sent) == [[("HUB-2014", "row 3, meal_pct")]]
    assert adapter.convert(sent).refused[0].rows == (2, 3)


def test_a_shifted_column_is_refused_for_its_person_alone():
    lines = csv_of(*forty()).decode().split("\r\n")
    lines[17] = lines[17].replace("2026-11-04T10:58+09:00,", "", 1)
    sent = Wire("vn_visit.csv", "\r\n".join(lines).encode(), STATION)
    assert len(taken(sent)) == 39
    assert refusals(sent) == [[("HUB-2010", "row 18")]]


def test_a_column_shifted_within_a_row_of_the_right_length_is_found_by_what_stands_in_it():
    lines = csv_of(*forty()).decode().split("\r\n")
    lines[17] = lines[17].replace("2026-11-04T10:58+09:00,", "", 1) + ","
    sent = Wire("vn_visit.csv", "\r\n".join(lines).encode(), STATION)
    ((first, *_),) = refusals(sent)
    assert first == ("HUB-2012", "row 18, end_at")
    assert len(taken(sent)) == 39


def test_a_row_that_names_nobody_is_refused_by_itself():
    sent = wire(visit(), visit(visit_id="V-2", patient_local_id=""))
    assert taken(sent) == ["U-0031"]
    assert refusals(sent) == [[("HUB-2011", "row 3, patient_local_id")]]


def test_a_file_of_another_station_is_refused_person_by_person():
    assert refusals(wire(visit(), sender=OTHER_STATION)) == [[("HUB-2100", "row 2, station_code")]]


def test_rows_under_one_number_that_may_be_of_two_persons_are_refused():
    rows = [visit(), visit(visit_id="V-2", birth_date="1941-05-02"), visit(visit_id="V-3", sex="1")]
    assert refusals(wire(*rows)) == [[("HUB-2111", "row 3, birth_date"), ("HUB-2111", "row 4, sex")]]


def test_one_visit_number_in_the_rows_of_two_persons_refuses_both():
    sent = wire(visit(), visit(patient_local_id="U-0044"), visit(visit_id="V-9", patient_local_id="U-0050"))
    assert taken(sent) == ["U-0050"]
    assert refusals(sent) == [[("HUB-2129", "row 2, visit_id")], [("HUB-2129", "row 3, visit_id")]]


# ── versions and drafts ──────────────────────────────────────────────────────────────────────────────────────────────


def test_of_several_versions_of_a_visit_the_newest_counts_whatever_their_order():
    old, new = visit(sleep="古い"), visit(record_version="2", record_status="amended", sleep="新しい")
    for rows, place in (((old, new), "row 2"), ((new, old), "row 3")):
        sent = wire(*rows)
        (part,) = adapter.convert(sent).parts
        sleep = next(draft for draft in part.drafts if draft.key == "V-1:item:sleep")
        assert sleep.body["valueString"] == "新しい"
        assert dict(sleep.facts) == {"set": "vn_visit:V-1", "version": "2"}
        assert warnings(sent) == [("HUB-2128", f"{place}, record_version")]


def test_the_same_version_twice_is_one_when_it_says_the_same_and_refused_when_it_does_not():
    assert taken(wire(visit(), visit())) == ["U-0031"]
    assert refusals(wire(visit(), visit(sleep="別"))) == [[("HUB-2109", "row 3, record_version")]]


def test_a_draft_of_the_station_is_left_behind_also_in_the_original_that_is_kept():
    sent = wire(visit(), visit(visit_id="V-2", record_status="draft", sleep="書きかけ"))
    (part,) = adapter.convert(sent).parts
    assert warnings(sent) == [("HUB-2110", "row 3, record_status")]
    assert "書きかけ".encode() not in part.raw
    assert not [draft for draft in part.drafts if "V-2" in draft.key]


def test_a_person_with_drafts_only_is_refused():
    assert refusals(wire(visit(record_status="draft"))) == [[("HUB-2110", "row 2, record_status")]]


# ── what is odd but taken ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "rule", "column"),
    [
        ({"end_at": "2026-11-04T13:03+09:00"}, "HUB-2103", "end_at"),
        ({"visit_date": "2026-11-03"}, "HUB-2126", "visit_date"),
        ({"insurance": "iryo", "order_type": "01", "order_from": "2026-05-01", "order_to": "2026-10-31"}, "HUB-2107", "visit_date"),
        ({"kaigo_insurer_no": "119990"}, "HUB-2123", "kaigo_insurer_no"),
        ({"service_end": "1", "end_reason": "07"}, "HUB-2127", "end_reason"),
    ],
)
def test_what_is_odd_is_taken_and_said(change, rule, column):
    sent = wire(visit(**change))
    assert taken(sent) == ["U-0031"]
    assert warnings(sent) == [(rule, f"row 2, {column}")]


def test_the_last_visit_needs_no_next_one():
    assert taken(wire(visit(service_end="1", end_reason="99", next_visit_date=""))) == ["U-0031"]


# ── measurements ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "rule", "column"),
    [
        ({"key": "spo2", "value": "9"}, "HUB-2119", "value"),
        ({"key": "bt", "value": "24.9"}, "HUB-2119", "value"),
        ({"key": "pr", "value": "301"}, "HUB-2119", "value"),
        ({"key": "bt", "value": "98.6", "unit": "[degF]"}, "HUB-2118", "unit"),
        ({"key": "bt", "value": "36,4"}, "HUB-2012", "value"),
        ({"key": "bt", "value": "３６．４"}, "HUB-2012", "value"),
        ({"key": "jcs", "value": "4"}, "HUB-2015", "value"),
        ({"key": "acvpu", "value": "X"}, "HUB-2015", "value"),
        ({"key": "temp"}, "HUB-2015", "key"),
        ({"value": ""}, "HUB-2117", "value"),
        ({"absent_reason": "unknown"}, "HUB-2117", "value"),
        ({"value": "", "absent_reason": "forgot"}, "HUB-2015", "absent_reason"),
        ({"obs_id": ""}, "HUB-2011", "obs_id"),
        ({"o2_flow": "61"}, "HUB-2014", "o2_flow"),
    ],
)
def test_a_wrong_measurement_refuses_its_person_and_nobody_else(change, rule, column):
    rows = [visit(), visit(visit_id="V-2", patient_local_id="U-0044")]
    sent = wire(*rows, measures=[measure(visit_id="V-2"), measure(**change)])
    assert taken(sent) == ["U-0044"]
    assert [one[0] for one in refusals(sent)] == [(rule, f"vn_observation.csv row 3, {column}")]


@pytest.mark.parametrize(
    ("change", "rule", "column"),
    [
        ({"key": "spo2", "value": "79"}, "HUB-2120", "value"),
        ({"key": "bt", "value": "33.9"}, "HUB-2120", "value"),
        ({"key": "sbp", "value": "221"}, "HUB-2120", "value"),
        ({"key": "news2", "value": "5"}, "HUB-2121", "key"),
        ({"key": "spo2", "value": "95", "o2_on": "0", "o2_flow": "1"}, "HUB-2125", "o2_on"),
    ],
)
def test_an_unusual_measurement_is_taken_and_said(change, rule, column):
    sent = wire(visit(), measures=[measure(**change)])
    assert taken(sent) == ["U-0031"]
    assert warnings(sent) == [(rule, f"vn_observation.csv row 2, {column}")]


@pytest.mark.parametrize("value", ["25", "45", "34", "41", "25.0"])
def test_the_limits_themselves_are_possible(value):
    assert taken(wire(visit(), measures=[measure(value=value)])) == ["U-0031"]


def test_a_systolic_pressure_that_is_not_above_the_diastolic_one_is_refused():
    pressures = [measure(key="dbp", value="120"), measure(obs_id="2", key="sbp", value="120")]
    assert refusals(wire(visit(), measures=pressures)) == [[("HUB-2122", "vn_observation.csv row 3, value")]]


def test_the_same_measurement_number_twice_is_refused_unless_it_says_the_same():
    assert taken(wire(visit(), measures=[measure(), measure()])) == ["U-0031"]
    assert refusals(wire(visit(), measures=[measure(), measure(value="37")])) == [[("HUB-2124", "vn_observation.csv row 3, obs_id")]]


def test_a_measurement_of_an_unknown_visit_is_refused_by_itself():
    sent = wire(visit(), measures=[measure(), measure(visit_id="V-9")])
    assert taken(sent) == ["U-0031"]
    assert refusals(sent) == [[("HUB-2116", "vn_observation.csv row 3, visit_id")]]


def test_measurements_alone_are_refused_with_the_way_to_send_them():
    alone = csv_of(measure())
    assert refused_whole(Wire("vn_observation.csv", alone, STATION)) == [("HUB-2112", "file")]
    assert refused_whole(Wire("vn.zip", zip_of(vn_observation=alone), STATION)) == [("HUB-2112", "ZIP")]


# ── what is kept of whom ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_original_of_a_part_read_again_says_the_same():
    rows = [visit(**URGENT), visit(visit_id="V-2", patient_local_id="U-0044"), visit(visit_id="V-3", mood="穏やか")]
    measures = [measure(), measure(visit_id="V-2", value="36.50"), measure(visit_id="V-3", obs_id="7")]
    for sent in (wire(*rows), wire(*rows, codec="cp932"), wire(*rows, measures=measures)):
        for part in adapter.convert(sent).parts:
            again = adapter.convert(dataclasses.replace(sent, data=part.raw))
            assert [one.drafts for one in again.parts] == [part.drafts]
            assert again.parts[0].raw == part.raw


def test_a_file_sent_again_has_the_same_control_and_revises_what_came_before():
    for name, control in (
        ("vn_visit.csv", "vn_visit.csv:U-0031"),
        ("vn_visit_20261104.csv", "vn_visit.csv:U-0031"),
        ("outbox/2026/vn_visit-20261104-0900.csv", "vn_visit.csv:U-0031"),
    ):
        (part,) = adapter.convert(wire(visit(), name=name)).parts
        assert (part.control, part.revises) == (control, True)


def test_a_part_occurred_when_its_last_visit_ended():
    later = visit(visit_id="V-2", start_at="2026-11-05T09:00+09:00", end_at="2026-11-05T09:40+09:00", visit_date="2026-11-05")
    (part,) = adapter.convert(wire(later, visit())).parts
    assert part.occurred.isoformat() == "2026-11-05T09:40:00+09:00"


# ── which files ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "data", "claimed"),
    [
        ("vn_visit.csv", b"", True),
        ("a/b/VN_VISIT_2026.CSV", b"", True),
        ("vn_observation.csv", b"", True),
        ("export.csv", csv_of(visit()), True),
        ("export.csv", csv_of(visit(), codec="utf-8-sig"), True),
        ("export.csv", csv_of(measure()), True),
        ("any.zip", zip_of(vn_visit=b"x"), True),
        ("vn_visit.zip", zip_of(other=b"x"), False),
        ("visits.csv", b"a,b\n", False),
        ("UP1KYO_1179900251_43_1169900121_13_20260401090000.CSV", b"202407,119990,0000071234", False),
        ("x.hl7", b"MSH|^~\\&|", False),
    ],
)
def test_a_file_is_claimed_by_its_name_its_header_or_its_list_of_files(name, data, claimed):
    assert adapter.claims(Wire(name, data, STATION)) is claimed


def test_a_file_in_a_wrong_charset_is_refused_whole():
    assert refused_whole(wire(visit(), codec="utf-16")) == [("HUB-2003", "file")]
    assert refused_whole(wire(visit(), codec="euc_jp"))[0][0] == "HUB-2001"


def test_a_header_without_its_columns_is_refused_with_the_names_that_are_missing():
    row = visit()
    del row["staff_role"], row["plan_change"]
    with pytest.raises(BadInput) as caught:
        adapter.convert(wire(row))
    assert [(i.rule, dict(i.words)) for i in caught.value.issues] == [("HUB-2007", {"columns": "staff_role, plan_change"})]


@given(st.permutations(range(6)))
def test_the_order_of_rows_changes_nothing_that_is_said_of_a_person(order):
    rows = [
        visit(visit_id=f"V-{n}", patient_local_id=f"U-{n % 2}", start_at=f"2026-11-04T1{n}:00+09:00", end_at=f"2026-11-04T1{n}:30+09:00")
        for n in range(6)
    ]

    def told(sent):
        return {part.patient_key: {(d.type, d.key): d for d in part.drafts} for part in adapter.convert(sent).parts}

    assert told(wire(*(rows[at] for at in order))) == told(wire(*rows))


# ── bounds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_thousands_of_rows_of_one_visit_are_read_in_time_linear_to_them():
    rows = [measure(obs_id=f"{n}", key=("sbp", "dbp")[n % 2], value=("130", "80")[n % 2], taken_at="") for n in range(6000)]
    begun = time.monotonic()
    (part,) = adapter.convert(wire(visit(), measures=rows)).parts
    assert time.monotonic() - begun < 20
    assert sum(":obs:" in draft.key for draft in part.drafts) == 3000


def test_thousands_of_drafts_of_one_person_are_left_behind_in_time_linear_to_them():
    begun = time.monotonic()
    conversion = adapter.convert(wire(*(visit(visit_id=f"V-{n}", record_status="draft") for n in range(3000))))
    assert time.monotonic() - begun < 20
    assert not conversion.parts
