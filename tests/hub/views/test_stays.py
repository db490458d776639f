"""Stays from a hospital's messages: the state machine of hospital facts §4.3, whatever the order in which the messages arrive."""

from datetime import timedelta

import pytest

from hub.views.stays import fold, unplaced
from tests.hub.views.stay_messages import (
    ACUTE,
    admit,
    at,
    deliver,
    discharge,
    encounter,
    plan,
    told,
    undo_admission,
    undo_discharge,
    undo_plan,
    unnamed,
    ward,
)


def test_an_admission_opens_a_stay_at_its_ward():
    (stay,) = told(admit())
    assert (stay.status, stay.ward, stay.admitted.start, stay.ended) == ("in", "5階東", at("04-07 10:05"), None)
    assert (stay.custodian, stay.patient, stay.known, stay.urgency) == (ACUTE, "Patient/pat-1", True, "unannounced")


def test_a_planned_admission_is_no_stay_yet_and_becomes_one_on_its_day():
    (planned,) = told(plan())
    assert (planned.status, planned.planned_start.start, planned.admitted, planned.known) == ("planned", at("04-07 10:00"), None, False)
    (stay,) = told(plan(), admit())
    assert (stay.status, stay.urgency, stay.planned_start.start) == ("in", "planned", at("04-07 10:00"))
    assert stay.episode == planned.episode


def test_a_plan_given_up_is_cancelled_and_does_not_undo_an_admission():
    assert [one.status for one in told(plan(), undo_plan())] == ["cancelled"]
    assert [one.status for one in told(plan(), undo_plan(), admit())] == ["in"]


def test_an_unrelated_plan_for_another_day_is_a_row_of_its_own():
    stays = told(admit(), plan("04-21 00:00", "04-14 09:30"), undo_plan("04-21 00:00", "04-18 17:00"))
    assert [one.status for one in stays] == ["in", "cancelled"]


def test_the_cancellation_of_an_admission_retracts_the_stay():
    (stay,) = told(admit(), undo_admission())
    assert (stay.status, stay.cancelled, stay.admitted.start) == ("cancelled", True, at("04-07 10:05"))


def test_a_cancellation_that_arrives_first_waits_and_then_acts():
    (waiting,) = told(undo_admission())
    assert (waiting.status, waiting.known, [one.effect for one in waiting.pending]) == ("cancelled", False, ["admit"])
    (stay,) = told(undo_admission(), admit())
    assert (stay.status, stay.pending) == ("cancelled", ())


def test_an_admission_told_again_after_its_cancellation_holds():
    (stay,) = told(admit(), undo_admission(), admit("04-07 18:00", "04-07 18:10", where="6階西"))
    assert (stay.status, stay.admitted.start, stay.ward) == ("in", at("04-07 18:00"), "6階西")


def test_a_corrected_hour_that_makes_another_key_makes_no_second_stay():
    corrected = admit("04-07 09:50", "04-07 11:00", stay="0000123456:202604070950")
    first = admit(stay="0000123456:202604071005")
    (stay,) = told(first, corrected)
    assert (stay.admitted.start, len(stay.references)) == (at("04-07 09:50"), 2)
    (kept,) = told(first, corrected, undo_admission("04-07 11:05", stay="0000123456:202604071005"))
    assert (kept.status, kept.admitted.start) == ("in", at("04-07 09:50"))
    (gone,) = told(first, corrected, undo_admission("04-07 11:05", admitted="04-07 09:50", stay="0000123456:202604070950"))
    assert (gone.status, gone.admitted.start) == ("in", at("04-07 10:05"))


def test_ward_room_and_bed_told_apart_give_the_ward():
    def place(name, kind):
        return {"location": {"display": name}, "status": "active", "physicalType": {"coding": [{"code": kind}]}}

    (stay,) = told(admit(location=[place("5階東", "wa"), place("512", "ro"), place("1", "bd")]))
    assert stay.ward == "5階東"
    (whole,) = told(admit(location=[place("病棟 05E　病室 512　ベッド 1", "bd")]))
    assert whole.ward == "病棟 05E"


def test_a_discharge_planned_for_a_day_is_planned_for_a_day():
    day = unnamed("A16", "04-25 00:00", "04-18 14:00")
    day.facts["precision"] = "day"
    assert told(admit(), day)[0].planned_end.precision == "day"


def test_a_cancelled_admission_with_a_discharge_is_left_to_a_human():
    (stay,) = told(admit(), discharge(), undo_admission("04-29 09:00"))
    assert (stay.status, stay.doubts) == ("cancelled", ("retracted-after-discharge",))


def test_a_discharge_ends_the_stay_and_says_where_to():
    (stay,) = told(admit(), discharge())
    assert (stay.status, stay.ended.start, stay.disposition, stay.discharge) == ("discharged", at("04-28 10:30"), "home", "自宅")


def test_death_in_hospital_is_told_by_the_discharge():
    (stay,) = told(admit(), discharge(to="20"))
    assert (stay.disposition, stay.discharge) == ("died", "死亡")


def test_a_cancelled_discharge_reopens_the_same_stay():
    (stay,) = told(admit(), discharge(), undo_discharge())
    assert (stay.status, stay.ended, stay.discharge) == ("in", None, "")
    assert stay.episode == told(admit())[0].episode


def test_a_discharge_told_again_on_the_true_day_holds():
    (stay,) = told(admit(), discharge(), undo_discharge(), discharge("04-29 11:00", "04-29 11:20"))
    assert (stay.status, stay.ended.start) == ("discharged", at("04-29 11:00"))


def test_a_discharge_told_again_after_its_cancellation_holds_even_when_it_lies_before_it():
    (stay,) = told(admit(), discharge(), undo_discharge(), discharge("04-28 11:00", "04-28 14:00"))
    assert (stay.status, stay.ended.start) == ("discharged", at("04-28 11:00"))


def test_a_corrected_admission_time_replaces_the_first_even_when_it_is_earlier():
    (stay,) = told(admit(), admit("04-07 09:50", "04-07 11:00"))
    assert stay.admitted.start == at("04-07 09:50")
    assert [one.state for one in stay.told] == ["done", "struck"]


def test_at_one_instant_the_taking_back_comes_after_what_it_takes_back():
    (stay,) = told(undo_admission("04-07 10:32", control="1"), admit(control="9"))
    assert stay.status == "cancelled"


# ── messages that cannot name their stay ─────────────────────────────────────────────────────────────────────────────


def test_a_discharge_without_a_stay_ends_the_one_that_is_open():
    (stay,) = told(admit(), unnamed("A03", "04-28 05:12", "04-28 05:55"))
    assert (stay.status, stay.ended.start) == ("discharged", at("04-28 05:12"))
    assert stay.references == {"Encounter/enc-0000123456-20260407", "Encounter/enc-2026-04-28T05-55-00-09-00-A03"}


def test_a_discharge_without_any_stay_stays_pending():
    known = deliver([unnamed("A03", "04-28 05:12", "04-28 05:55")])
    assert fold(known) == ()
    assert [(one.effect, one.state) for one in unplaced(known)] == [("discharge", "pending")]
    both = deliver([unnamed("A03", "04-28 05:12", "04-28 05:55"), admit()])
    assert [one.status for one in fold(both)] == ["discharged"]
    assert unplaced(both) == ()


def test_a_discharge_after_the_stay_had_ended_belongs_to_none():
    known = deliver([admit(), discharge(), unnamed("A03", "05-20 05:12", "05-20 05:55")])
    (stay,) = fold(known)
    assert stay.ended.start == at("04-28 10:30")
    assert [one.effect for one in unplaced(known)] == ["discharge"]


def test_an_unnamed_discharge_of_the_second_stay_leaves_the_first_alone():
    second = admit("05-10 09:00", "05-10 09:10", stay="0000123456:20260510")
    first, later = told(unnamed("A03", "05-20 05:12", "05-20 05:55"), second, admit(), discharge())
    assert (first.ended.start, later.ended.start) == (at("04-28 10:30"), at("05-20 05:12"))
    assert first.episode != later.episode


def test_a_discharge_that_names_its_stay_makes_a_reconstructed_one():
    (stay,) = told(discharge())
    assert (stay.status, stay.reconstructed, stay.known, stay.admitted.start) == ("discharged", True, False, at("04-07 10:05"))
    (whole,) = told(discharge(), admit())
    assert (whole.status, whole.reconstructed, whole.known) == ("discharged", False, True)


def test_a_move_changes_the_ward_and_its_cancellation_gives_the_old_one_back():
    move = unnamed("A02", "04-14 10:15", "04-14 10:22", **ward("4階東", left="5階東"))
    assert told(admit(), move)[0].ward == "4階東"
    assert told(admit(), move, unnamed("A12", "04-14 10:15", "04-14 11:30"))[0].ward == "5階東"


def test_a_move_that_left_another_ward_tells_that_a_message_is_missing():
    move = unnamed("A02", "04-14 10:15", "04-14 10:22", **ward("4階東", left="集中治療室"))
    assert told(admit(), move)[0].doubts == ("ward-gap",)


def test_the_last_planned_discharge_told_holds_even_when_it_is_nearer():
    later, nearer = unnamed("A16", "04-28 10:00", "04-18 14:00"), unnamed("A16", "04-25 10:00", "04-20 14:00")
    (stay,) = told(admit(), nearer, later)
    assert (stay.status, stay.planned_end.start) == ("discharge-planned", at("04-25 10:00"))
    (given_up,) = told(admit(), later, nearer, unnamed("A25", "04-25 10:00", "04-24 08:30"))
    assert (given_up.status, given_up.planned_end) == ("in", None)


def test_a_planned_discharge_belongs_to_the_stay_in_which_it_was_told():
    second = admit("05-05 09:00", "05-05 09:10", stay="0000123456:20260505")
    first, later = told(admit(), unnamed("A16", "05-10 10:00", "04-18 14:00"), discharge(), second)
    assert (first.status, later.status) == ("discharged", "in")


def test_a_leave_is_not_a_discharge_and_ends_with_the_return():
    leave, back = unnamed("A21", "04-12 10:00", "04-11 15:00"), unnamed("A22", "04-13 16:40", "04-13 16:45")
    (away,) = told(admit(), leave)
    assert (away.status, away.leave_since.start, away.ended) == ("leave", at("04-12 10:00"), None)
    assert told(admit(), leave, back)[0].status == "in"
    assert told(admit(), leave, unnamed("A52", "04-12 10:00", "04-11 16:00"))[0].status == "in"
    assert told(admit(), leave, back, unnamed("A53", "04-13 16:40", "04-13 17:00"))[0].status == "leave"


def test_the_same_day_s_second_admission_opens_the_stay_again():
    (stay,) = told(admit(), discharge("04-07 12:00", "04-07 12:05"), admit("04-07 19:00", "04-07 19:05"))
    assert (stay.status, stay.admitted.start) == ("in", at("04-07 19:00"))


# ── FHIR ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_version_that_its_sender_made_last_speaks_for_a_fhir_encounter():
    first = encounter("in-progress", "04-07 10:00", version=1, updated="04-07 11:00")
    last = encounter("finished", "04-07 10:00", end="04-20 10:00", version=2, updated="04-20 10:10")
    for order in ([first, last], [last, first]):
        (stay,) = fold(order)
        assert (stay.status, stay.ended.start) == ("discharged", at("04-20 10:00"))


@pytest.mark.parametrize(
    ("told_as", "status"),
    [("planned", "planned"), ("arrived", "in"), ("triaged", "in"), ("in-progress", "in"), ("onleave", "leave"), ("finished", "discharged"),
     ("cancelled", "cancelled"), ("entered-in-error", "cancelled"), ("unknown", "in")],
)  # fmt: skip
def test_the_status_of_an_encounter_is_the_status_of_the_stay(told_as, status):
    assert [one.status for one in fold([encounter(told_as, "04-07 10:00")])] == [status]


@pytest.mark.parametrize("kind", ["HH", "AMB", "EMER", "VR", "SS", "OBSENC"])
def test_visits_and_short_stays_in_care_are_no_hospital_stays(kind):
    assert fold([encounter("finished", "04-07 10:00", kind=kind)]) == ()


@pytest.mark.parametrize("kind", ["ACUTE", "NONAC"])
def test_the_other_inpatient_classes_are_stays(kind):
    assert len(fold([encounter("in-progress", "04-07 10:00", kind=kind)])) == 1


def test_a_leg_of_a_stay_is_not_a_second_stay():
    leg = encounter("in-progress", "04-09 10:00", key="f-2", partOf={"reference": "Encounter/f-1"})
    assert len(fold([encounter("in-progress", "04-07 10:00"), leg])) == 1


def test_an_end_that_lies_ahead_is_a_planned_discharge():
    (stay,) = fold([encounter("in-progress", "04-07 10:00", end="04-25 10:00")])
    assert (stay.status, stay.planned_end.start, stay.ended) == ("discharge-planned", at("04-25 10:00"), None)


def test_one_stay_told_as_messages_and_as_fhir_is_one_row():
    fhir = encounter("in-progress", "04-07 10:05", custodian=ACUTE, patient="pat-f", reasonCode=[{"text": "心不全"}])
    (stay,) = fold([*deliver([admit()]), fhir], person="p-1")
    assert (stay.status, stay.ward, stay.reason) == ("in", "5階東", "心不全")
    assert stay.references == {"Encounter/f-1", "Encounter/enc-0000123456-20260407"}


def test_an_admission_known_to_the_day_stays_partial():
    body = encounter("in-progress", "04-07 10:00")
    body.body["period"]["start"] = "2026-04-07"
    (stay,) = fold([body])
    assert stay.admitted.precision == "day"


# ── episodes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_stay_that_follows_by_transfer_keeps_the_episode():
    rehab = encounter("in-progress", "04-28 14:00", updated="04-28 15:00")
    first, second = fold([*deliver([admit(), discharge(to="02")]), rehab], person="p-1")
    assert (first.episode, second.continues) == (second.episode, True)
    assert first.episode == told(admit())[0].episode


def test_a_stay_that_begins_the_day_after_counts_as_transfer_unless_the_person_went_home():
    rehab = encounter("in-progress", "04-29 09:00", updated="04-29 10:00")
    for to, same in (("02", True), ("", True), ("01", False)):
        first, second = fold([*deliver([admit(), discharge(to=to)]), rehab], person="p-1")
        assert (first.episode == second.episode) is same


def test_the_next_hospital_is_believed_when_it_says_that_the_person_came_from_a_hospital():
    source = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/admit-source", "code": "hosp-trans"}]}
    rehab = encounter("in-progress", "04-29 09:00", updated="04-29 10:00", hospitalization={"admitSource": source})
    first, second = fold([*deliver([admit(), discharge(to="01")]), rehab], person="p-1")
    assert first.episode == second.episode


def test_two_days_between_two_stays_make_two_episodes():
    rehab = encounter("in-progress", "04-30 09:00", updated="04-30 10:00")
    first, second = fold([*deliver([admit(), discharge(to="02")]), rehab], person="p-1")
    assert (first.episode == second.episode, second.continues) == (False, False)


def test_a_second_hospital_while_the_first_has_not_told_the_end_is_the_same_episode():
    rehab = encounter("in-progress", "04-28 14:00", updated="04-28 15:00")
    first, second = fold([*deliver([admit()]), rehab], person="p-1")
    assert (first.episode == second.episode, second.doubts) == (True, ("left-open",))


def test_coming_back_to_the_same_hospital_the_next_day_is_a_new_episode():
    first, second = told(admit(), discharge(to=""), admit("04-29 09:00", "04-29 09:10", stay="0000123456:20260429"))
    assert first.episode != second.episode


def test_the_episode_tells_nothing_of_the_person_and_differs_between_persons():
    (one,), (other,) = told(admit(), person="p-1"), told(admit(), person="p-2")
    assert one.episode != other.episode
    assert "p-1" not in one.episode
    assert "123456" not in one.episode


def test_a_corrected_time_on_the_same_day_keeps_the_episode():
    assert told(admit())[0].episode == told(admit(), admit("04-07 23:10", "04-08 08:00"))[0].episode


def test_a_second_entry_of_the_same_day_leaves_the_first_its_episode():
    wrong = encounter("in-progress", "04-07 10:00", updated="04-07 10:10")
    taken_back = encounter("cancelled", "04-07 10:00", version=2, updated="04-07 12:00")
    right = encounter("in-progress", "04-07 09:30", key="f-2", updated="04-07 12:05")
    (before,) = fold([wrong], person="p-1")
    after = {one.encounter: one.episode for one in fold([wrong, taken_back, right], person="p-1")}
    assert after["Encounter/f-1"] == before.episode
    assert after["Encounter/f-2"] != before.episode


def test_the_hour_of_recording_decides_nothing_for_messages():
    late = [*deliver([discharge()], start=at("04-28 10:46")), *deliver([admit()], start=at("06-01 00:00") + timedelta(days=9))]
    assert [one.status for one in fold(late)] == ["discharged"]
