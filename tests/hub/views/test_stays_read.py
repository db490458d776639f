"""What an Encounter says of a stay, in the several forms in which senders write it."""

import pytest

from hub.views.shapes import Known
from hub.views.stays import fold
from hub.views.stays_tables import keyed
from tests.hub.views.stay_messages import REHAB, at, encounter
from tests.hub.views.stay_persons import NOW, SAKURA, admit, board, care_plan, kiyo, person, sent


def stay(**body):
    (found,) = fold([encounter("in-progress", "04-07 10:00", **body)])
    return found


def other(kind, key, **body):
    return Known(kind, key, 1, REHAB, "みなと回復期リハビリ病院", at("04-07 11:00"), {"resourceType": kind, **body})


@pytest.mark.parametrize(
    "place",
    [{"reference": "Location/l-1"}, {"reference": "#here"}, {"display": "2階"}, {"identifier": {"value": "2階"}}],
)
def test_the_ward_is_found_wherever_its_name_stands(place):
    one = encounter(
        "in-progress", "04-07 10:00", location=[{"location": place}], contained=[{"resourceType": "Location", "id": "here", "name": "2階"}]
    )
    assert fold([one, other("Location", "l-1", name="2階")])[0].ward == "2階"


def test_the_diagnosis_tells_the_reason_where_no_reason_is_told():
    one = encounter("in-progress", "04-07 10:00", diagnosis=[{"condition": {"reference": "Condition/c-1"}}])
    assert fold([one, other("Condition", "c-1", code={"text": "脳梗塞"})])[0].reason == "脳梗塞"
    assert fold([one])[0].reason == ""
    refuted = other("Condition", "c-1", code={"text": "脳梗塞"}, verificationStatus={"coding": [{"code": "refuted"}]})
    assert fold([one, refuted])[0].reason == ""


def test_planned_dates_are_read_from_the_extensions_of_r5():
    url = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter"
    leaving = stay(extension=[{"url": f"{url}.plannedEndDate", "valueDateTime": "2026-04-20"}])
    assert (leaving.status, leaving.planned_end.start, leaving.planned_end.precision) == ("discharge-planned", at("04-20 00:00"), "day")
    (coming,) = fold(
        [encounter("planned", "", extension=[{"url": f"{url}.plannedStartDate", "valueDateTime": "2026-04-09T10:00:00+09:00"}])]
    )
    assert (coming.planned_start.start, coming.admitted) == (at("04-09 10:00"), None)


@pytest.mark.parametrize(("code", "urgency"), [("EM", "emergency"), ("UR", "emergency"), ("EL", "planned"), ("R", "planned"), ("CS", "")])
def test_the_priority_tells_an_emergency_from_a_planned_admission(code, urgency):
    assert stay(priority={"coding": [{"code": code}]}).urgency == urgency


def test_a_destination_in_words_of_the_sender_s_own_is_kept():
    gone = encounter(
        "finished", "04-07 10:00", end="04-20 10:00", hospitalization={"dischargeDisposition": {"text": "サービス付き高齢者向け住宅"}}
    )
    assert [(one.discharge, one.disposition) for one in fold([gone])] == [("サービス付き高齢者向け住宅", "other")]


def test_moves_of_a_fhir_encounter_are_told_with_their_beginnings():
    moved = stay(location=[
        {"location": {"display": "2階"}, "status": "completed", "period": {"start": "2026-04-07T10:00:00+09:00"}},
        {"location": {"display": "3階"}, "status": "active", "period": {"start": "2026-04-10T10:00:00+09:00"}},
    ])  # fmt: skip
    assert (moved.ward, [(one.effect, one.ward, one.when.start) for one in moved.told]) == (
        "3階", [("admit", "2階", at("04-07 10:00")), ("move", "3階", at("04-10 10:00"))],
    )  # fmt: skip


def test_a_date_that_stops_at_the_month_stays_so_on_the_board():
    one = encounter("in-progress", "04-07 10:00", updated="11-20 10:00", key="f-7")
    one.body["period"]["start"] = "2026-11"
    (row,) = board(person(one, care_plan())).rows
    assert (row.admitted, row.deadline.state) == ("2026年11月", "none")


def test_an_admission_without_any_date_makes_a_row_that_says_so():
    one = encounter("in-progress", "", updated="11-20 10:00")
    (row,) = board(person(one, care_plan())).rows
    assert (row.admitted, row.deadline) == ("入院日の記録なし", None)


def test_a_sheet_that_names_no_encounter_belongs_to_the_stay_of_its_time():
    loose = sent("11-25 10:30")
    loose.body.pop("focus")
    assert board(kiyo(admit(), more=(loose,)), office=SAKURA, now=NOW).rows[0].deadline.state == "done"


def test_a_table_in_which_a_value_stands_twice_is_refused():
    with pytest.raises(ValueError, match="stands twice"):
        keyed("rules", "kind")
