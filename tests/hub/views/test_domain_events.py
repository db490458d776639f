"""What organizations hear of one recorded version: admissions, corrections, marks; and that delivery in any order converges."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.views.domain_events import derive
from hub.views.stays import fold
from tests.hub.views.emergency_persons import care_plan, known
from tests.hub.views.emergency_persons import encounter as visit
from tests.hub.views.stay_messages import (
    REHAB,
    admit,
    at,
    deliver,
    discharge,
    encounter,
    plan,
    undo_admission,
    undo_discharge,
    undo_plan,
    unnamed,
    ward,
)
from tests.hub.views.stay_persons import ACUTE, MANAGER, NURSE, OFFICES, done, sent
from tests.hub.views.test_stays_order import STORY


def heard(*messages, known_of=()):
    """Record messages in this order and give all that was heard, one list a message."""
    recorded = [*known_of, *deliver(messages)]
    steps = range(len(known_of), len(recorded))
    return [derive(recorded[:n], recorded[: n + 1], recorded[n], person="p-1", organizations=OFFICES) for n in steps]


def kinds(*messages, **more):
    return [[one.kind for one in each] for each in heard(*messages, **more)]


def test_an_admission_is_notified_with_its_episode_and_its_moment():
    ((event,),) = heard(admit())
    (stay,) = fold(deliver([admit()]), person="p-1")
    assert (event.kind, event.episode, event.encounter, event.custodian, event.occurred) == (
        "AdmissionNotified", stay.episode, "Encounter/enc-0000123456-20260407", ACUTE, at("04-07 10:05"),
    )  # fmt: skip


def test_the_life_of_a_stay_is_heard_step_by_step():
    move, leave, back = (
        unnamed("A02", "04-14 10:15", "04-14 10:22", **ward("4階東")),
        unnamed("A21", "04-12 10:00", "04-11 15:00"),
        unnamed("A22", "04-13 16:40", "04-13 16:45"),
    )
    planned, given_up = unnamed("A16", "04-25 10:00", "04-18 14:00"), unnamed("A25", "04-25 10:00", "04-24 08:30")
    assert kinds(plan(), admit(), leave, back, move, planned, given_up, discharge(), undo_discharge(), discharge("04-29 11:00", "04-29 11:20")) == [
        ["AdmissionPlanned"], ["AdmissionNotified"], ["LeaveStarted"], ["LeaveEnded"], ["WardChanged"], ["DischargePlanned"], ["DischargePlanCancelled"],
        ["Discharged"], ["DischargeCancelled"], ["Discharged"],
    ]  # fmt: skip


def test_a_repeat_derives_nothing():
    assert kinds(admit(), admit(), discharge(), discharge(), admit()) == [["AdmissionNotified"], [], ["Discharged"], [], []]


def test_a_cancelled_admission_takes_the_notice_back():
    assert kinds(admit(), undo_admission()) == [["AdmissionNotified"], ["AdmissionCancelled"]]
    assert kinds(plan(), undo_plan()) == [["AdmissionPlanned"], ["AdmissionPlanCancelled"]]


def test_a_cancellation_that_came_first_silences_the_admission():
    assert kinds(undo_admission(), admit()) == [[], []]
    assert kinds(admit(), undo_discharge(), discharge()) == [["AdmissionNotified"], [], []]


def test_a_discharge_that_waited_is_heard_with_the_admission():
    assert kinds(unnamed("A03", "04-28 05:12", "04-28 05:55"), admit()) == [[], ["AdmissionNotified", "Discharged"]]


def test_an_older_message_that_arrives_late_changes_nothing():
    assert kinds(discharge("04-29 11:00", "04-29 11:20"), admit(), discharge(), undo_discharge()) == [
        ["Discharged"],
        ["AdmissionNotified"],
        [],
        [],
    ]


def test_a_corrected_time_is_heard_as_a_correction():
    assert kinds(admit(), admit("04-07 09:50", "04-07 11:00")) == [["AdmissionNotified"], ["StayCorrected"]]
    assert kinds(admit(), discharge(), discharge("04-28 10:00", "04-28 11:00"))[2] == ["StayCorrected"]


def test_death_in_hospital_and_its_correction_are_heard():
    assert kinds(admit(), discharge(to="20"), undo_discharge())[1:] == [
        ["Discharged", "DeathRecorded"],
        ["DischargeCancelled", "DeathCorrected"],
    ]


def test_a_transfer_is_an_admission_that_goes_on_with_the_episode():
    rehab = admit("04-28 14:00", "04-28 14:10", custodian=REHAB, stay="77:20260428", patient="pat-9")
    events = heard(admit(), discharge(to="02"), rehab)
    assert [one.kind for one in events[2]] == ["AdmissionNotified", "Transferred"]
    assert events[0][0].episode == events[2][0].episode == events[2][1].episode
    assert kinds(rehab, admit(), discharge(to="02"))[0] == ["AdmissionNotified"]


def test_a_fhir_encounter_is_heard_like_a_message():
    first, last = (
        encounter("in-progress", "04-07 10:00"),
        encounter("finished", "04-07 10:00", end="04-20 10:00", version=2, updated="04-20 10:10"),
    )
    assert [one.kind for one in derive([], [first], first)] == ["AdmissionNotified"]
    assert [one.kind for one in derive([first], [first, last], last)] == ["Discharged"]
    assert derive([first], [first], first) == ()


@given(st.permutations(STORY), st.lists(st.sampled_from(STORY), max_size=4), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_what_was_notified_and_not_taken_back_is_what_holds_in_the_end(order, again, chance):
    arrived = [*order, *again]
    chance.shuffle(arrived)
    heard_of = Counter(one.kind for each in heard(*arrived) for one in each)
    stays = fold(deliver(arrived), person="p-1")
    assert heard_of["AdmissionNotified"] - heard_of["AdmissionCancelled"] == sum(one.known and not one.cancelled for one in stays)
    assert heard_of["Discharged"] - heard_of["DischargeCancelled"] == sum(one.status == "discharged" for one in stays)
    assert heard_of["DeathRecorded"] - heard_of["DeathCorrected"] == sum(one.disposition == "died" for one in stays)


# ── other types ──────────────────────────────────────────────────────────────────────────────────────────────────────


def about(cause, *before):
    return [(one.kind, one.custodian, one.about) for one in derive(before, [*before, cause], cause, person="p-1", organizations=OFFICES)]


def again(one, version, **changes):
    return known(one.type, one.custodian, {**one.body, **changes}, key=one.id, version=version)


def test_a_sheet_marked_as_sent_is_heard_once_with_its_stay():
    stay = deliver([admit("04-07 10:05", "04-07 10:32")])
    task = sent("04-07 12:00", encounter="Encounter/enc-0000123456-20260407")
    (event,) = derive(stay, [*stay, task], task, person="p-1")
    assert (event.kind, event.encounter, event.custodian, event.occurred) == (
        "AdmissionInfoSent",
        "Encounter/enc-0000123456-20260407",
        MANAGER,
        at("04-07 12:00"),
    )
    assert event.episode == fold(stay, person="p-1")[0].episode
    assert derive([*stay, task], [*stay, task, again(task, 2)], again(task, 2), person="p-1") == ()


def test_a_summary_is_a_nurse_s_or_a_hospital_s():
    body = {
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "34746-8"}]},
        "date": "2026-04-07T12:00:00+09:00",
    }
    assert about(known("DocumentReference", NURSE, body, key="d-1")) == [("NursingSummarySent", NURSE, "DocumentReference/d-1")]
    assert about(known("DocumentReference", ACUTE, body, key="d-2")) == [("DischargeInfoSent", ACUTE, "DocumentReference/d-2")]


@pytest.mark.parametrize(
    ("code", "kind"),
    [("risk-screen", "RiskScreened"), ("discharge-conference", "ConferenceHeld"), ("care-need-referral", "CareNeedReferred")],
)
def test_each_step_has_its_event(code, kind):
    assert [one[0] for one in about(done(code, "11-25 10:00"))] == [kind]


def test_a_plan_is_heard_when_it_is_made_changed_or_ended_and_not_when_repeated():
    plan_of = care_plan()
    assert [one[0] for one in about(plan_of)] == ["CarePlanChanged"]
    assert about(again(plan_of, 2), plan_of) == []
    assert [one[0] for one in about(again(plan_of, 2, description="変更"), plan_of)] == ["CarePlanChanged"]
    assert [one[0] for one in about(again(plan_of, 2, status="revoked"), plan_of)] == ["CarePlanChanged"]
    assert about(care_plan(status="draft")) == []


def test_a_visit_is_heard_once_and_taken_back_when_it_was_wrong():
    one = visit(at("04-01 10:00"))
    assert [kind for kind, *_ in about(one)] == ["VisitRecorded"]
    assert about(again(one, 2), one) == []
    assert [kind for kind, *_ in about(again(one, 2, status="entered-in-error"), one)] == ["VisitCancelled"]
    assert [kind for kind, *_ in about(visit(at("04-01 10:00"), urgent=True))] == ["UrgentVisitRecorded"]


def test_a_care_caution_is_raised_and_ends():
    flag = known("Flag", NURSE, {"status": "active", "code": {"text": "誤嚥に注意"}, "period": {"start": "2026-04-01"}}, key="f-1")
    assert about(flag) == [("CareCautionRaised", NURSE, "Flag/f-1")]
    assert [kind for kind, *_ in about(again(flag, 2, status="inactive"), flag)] == ["CareCautionEnded"]
    assert about(again(flag, 2), flag) == []


def test_the_next_visit_is_heard_when_it_is_set_moved_or_called_off():
    booked = known("Appointment", NURSE, {"status": "booked", "start": "2026-04-09T10:00:00+09:00"}, key="a-1")
    assert [kind for kind, *_ in about(booked)] == ["NextVisitChanged"]
    assert about(again(booked, 2), booked) == []
    assert [kind for kind, *_ in about(again(booked, 2, start="2026-04-10T10:00:00+09:00"), booked)] == ["NextVisitChanged"]
    assert [kind for kind, *_ in about(again(booked, 2, status="cancelled"), booked)] == ["NextVisitChanged"]


def test_a_visit_in_a_stay_carries_its_episode():
    stay = deliver([admit()])
    one = visit(at("04-08 10:00"))
    (event,) = derive(stay, [*stay, one], one, person="p-1")
    assert event.episode == fold(stay, person="p-1")[0].episode


def test_what_says_nothing_of_care_derives_nothing():
    assert about(known("Observation", NURSE, {"status": "final", "code": {"text": "体温"}})) == []
