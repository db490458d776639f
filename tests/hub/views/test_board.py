"""The 入退院 page of a care manager on one morning, from admission to home; expected values written by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hub.views.stay_messages import deliver, encounter
from tests.hub.views.stay_persons import (
    ACUTE,
    FRESH,
    MANAGER,
    NOW,
    NURSE,
    OFFICES,
    REHAB,
    SUPPORT,
    admit,
    at,
    board,
    done,
    gone,
    hayashi,
    kiyo,
    known,
    later,
    person,
    row,
    sent,
    visit,
)

HOSPITAL_OFFICE, NURSE_OFFICE, SUPPORT_OFFICE = OFFICES[ACUTE], OFFICES[NURSE], OFFICES[SUPPORT]


def test_an_admission_of_last_night_is_mine_until_midnight():
    one = row(kiyo(admit()))
    assert (one.name, one.kana, one.age, one.care_level) == ("田村 きよ", "たむら きよ", 84, "要介護3")
    assert (one.hospital, one.ward, one.admitted, one.reason) == ("中央病院", "救急病棟", "11-25（水）00:35", "緊急の見込み・心不全")
    assert (one.contact, one.status, one.step, one.steps, one.where) == ("代表 048-000-5500", "in", 2, 9, "入院連絡ずみ")
    assert (one.lane, one.next, one.button, one.lane_reason) == ("mine", "入院時情報提供書を送る", "送付を記録する", "")
    assert (one.deadline.state, one.deadline.first_until, one.deadline.second_until) == ("due-today", at("11-26 00:00"), at("11-28 00:00"))
    assert one.next_detail == "計画書 10-01 の記録があります"


def test_the_tiles_count_what_is_due_today_overdue_inside_and_between():
    late = kiyo(admit("11-19 19:20"), ref="p-3")
    home = kiyo(
        admit("11-02 10:00"),
        later("A16", "11-27 10:00", "11-20 09:00"),
        ref="p-4",
        more=(sent("11-02 12:00", encounter="Encounter/enc-pat-1-11-02-10-00"),),
    )
    shown = board(kiyo(admit()), hayashi(admit("11-21 09:00", reason="脳梗塞")), late, home)
    assert (shown.due_today, shown.overdue, shown.inside, shown.home_soon, shown.between) == (1, 1, 4, 1, 1)
    assert (shown.now, shown.user, shown.office.name, shown.fresh) == (NOW, "小川 奈緒", "さくら居宅", FRESH)
    assert [one.person for one in shown.rows if one.lane == "mine"] == ["p-3", "p-1", "p-4"]


def test_an_overdue_sheet_is_said_to_be_useful_still():
    one = row(kiyo(admit("11-19 19:20")))
    assert (one.deadline.state, one.lane) == ("overdue", "mine")
    assert one.next_detail == "加算Ⅰ・Ⅱとも終了。情報は今からでも役に立ちます。計画書 10-01 の記録があります"


def test_a_sheet_marked_as_sent_hands_the_turn_to_the_hospital():
    one = row(kiyo(admit(), more=(sent("11-25 10:30"),)))
    assert (one.lane, one.where, one.step) == ("theirs", "入院時情報 送付ずみ", 3)
    assert (one.next, one.next_detail) == ("病院：退院困難な要因を確かめる", "入院時情報 11-25（水）10:30 送付")
    assert (one.deadline.state, one.button) == ("done", "経過を見る")
    assert one.deadline.done_as == "11-25 10:30 提供　加算Ⅰ 250単位（受け取りの確認待ち）"


def test_a_receipt_told_by_the_hospital_confirms_it():
    one = row(kiyo(admit(), more=(sent("11-25 10:30"), done("admission-info-received", "11-25 10:35"))))
    assert one.deadline.done_as == "11-25 10:30 提供　加算Ⅰ 250単位"


def test_a_communication_with_receipt_counts_by_the_moment_it_was_received():
    told_by_fax = known("Communication", MANAGER, {
        "status": "completed", "category": [{"coding": [{"system": "https://tsunagu.example.jp/CodeSystem/kaigo-communication", "code": "admission-info"}]}],
        "encounter": {"reference": "Encounter/enc-pat-1-11-25-00-35"}, "sent": "2026-11-25T23:58:00+09:00", "received": "2026-11-26T00:02:00+09:00",
    })  # fmt: skip
    one = row(kiyo(admit(), more=(told_by_fax,)), now=at("11-26 09:00"))
    assert one.deadline.done_as == "11-26 00:02 提供　加算Ⅱ 200単位"


@pytest.mark.parametrize("status", ["draft", "requested", "in-progress", "cancelled", "entered-in-error"])
def test_a_task_that_is_not_completed_marks_nothing(status):
    assert row(kiyo(admit(), more=(sent("11-25 10:30", status=status),))).lane == "mine"


def test_a_sheet_for_an_earlier_stay_does_not_count_for_this_one():
    earlier = sent("10-02 10:00", encounter="Encounter/enc-pat-1-10-02-09-00")
    both = kiyo(admit("10-02 09:00"), gone("10-10 10:00", "10-02 09:00"), admit(), more=(earlier,))
    assert [(one.admitted, one.lane) for one in board(both).rows] == [("11-25（水）00:35", "mine")]


def test_the_ways_to_an_open_sheet_carry_the_episode_and_nothing_else():
    one = row(kiyo(admit()), hrefs={"sent": "/board/sent", "course": "/board?episode={episode}#timeline"})
    assert one.button_href == "/board/sent"
    waiting = row(kiyo(admit(), more=(sent("11-25 10:30"),)), hrefs={"course": "/board?episode={episode}#timeline"})
    assert waiting.button_href == f"/board?episode={waiting.episode}#timeline"
    assert row(kiyo(admit())).button_href == ""


# ── towards home ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_week_without_a_date_asks_the_hospital_for_one():
    one = row(kiyo(admit("11-10 09:00"), more=(sent("11-10 12:00", encounter="Encounter/enc-pat-1-11-10-09-00"),)))
    assert (one.lane, one.step, one.next) == ("theirs", 5, "病院：退院予定日を知らせる")


def test_a_planned_discharge_makes_it_mine_to_hear_the_hospital():
    known_date = kiyo(
        admit("11-10 09:00"),
        later("A16", "11-27 10:00", "11-20 09:00"),
        more=(sent("11-10 12:00", encounter="Encounter/enc-pat-1-11-10-09-00"),),
    )
    one = row(known_date)
    assert (one.status, one.lane, one.step, one.next) == ("discharge-planned", "mine", 6, "退院に向けて病棟・連携室から聞きとる")
    assert one.where == "入院時情報 送付ずみ　退院予定 11-27（金）10:00"
    assert (one.deadline.title, one.deadline.first_until, one.deadline.state) == ("退院予定日", at("11-28 00:00"), "due")


def test_a_conference_today_is_due_at_its_hour_with_the_class_it_leads_to():
    meeting = known("Appointment", ACUTE, {
        "status": "booked", "description": "退院前カンファレンス（オンライン）", "start": "2026-11-25T15:00:00+09:00",
        "supportingInformation": [{"reference": "Encounter/enc-pat-1-11-10-09-00"}],
    })  # fmt: skip
    marks = (
        sent("11-10 12:00", encounter="Encounter/enc-pat-1-11-10-09-00"),
        done("discharge-contact", "11-20 10:00", custodian=MANAGER, encounter="Encounter/enc-pat-1-11-10-09-00"),
    )
    one = row(kiyo(admit("11-10 09:00"), later("A16", "11-27 10:00", "11-20 09:00"), more=(*marks, meeting)))
    assert (one.lane, one.next, one.next_detail) == ("mine", "退院前カンファレンスに出る", "11-25（水）15:00 中央病院")
    assert (one.deadline.title, one.deadline.first_until, one.deadline.state) == ("退院前カンファレンス", at("11-25 15:00"), "due-today")
    assert one.deadline.reasoning[-1] == "聞きとり 1回（カンファレンスなし）：Ⅰイ 450単位の記録があります。"


def test_a_planned_discharge_that_has_passed_asks_the_hospital():
    marks = (
        sent("11-10 12:00", encounter="Encounter/enc-pat-1-11-10-09-00"),
        done("discharge-contact", "11-20 10:00", custodian=MANAGER, encounter="Encounter/enc-pat-1-11-10-09-00"),
    )
    one = row(kiyo(admit("11-10 09:00"), later("A16", "11-24 10:00", "11-20 09:00"), more=marks))
    assert (one.lane, one.next) == ("theirs", "病院：退院したか、新しい退院予定日を知らせる")
    assert one.where.endswith("退院予定 11-24（火）10:00（過ぎています）")


def test_after_discharge_the_report_is_mine_and_talks_count_for_a_week():
    one = row(kiyo(admit("11-10 09:00"), gone("11-20 10:00", "11-10 09:00")))
    assert (one.status, one.lane, one.step, one.where) == ("discharged", "mine", 9, "退院ずみ 11-20（金）10:00（自宅）")
    assert (one.next, one.next_detail) == ("退院後の様子を病院と主治医に知らせる", "退院時の情報：まだ届いていません")
    assert (one.deadline.kind, one.deadline.first_until) == ("kasan-discharge", at("11-28 00:00"))
    later_on = row(kiyo(admit("11-10 09:00"), gone("11-20 10:00", "11-10 09:00")), now=at("11-30 09:00"))
    assert (later_on.deadline.kind, later_on.deadline.first_until) == ("post-discharge", at("12-05 00:00"))


def test_a_report_told_ends_the_flow():
    one = row(
        kiyo(
            admit("11-10 09:00"),
            gone("11-20 10:00", "11-10 09:00"),
            more=(done("post-discharge", "11-24 10:00", custodian=MANAGER, encounter="Encounter/enc-pat-1-11-10-09-00"),),
        )
    )
    assert (one.lane, one.next, one.deadline) == ("theirs", "入退院の手続きは終わりました", None)


def test_a_short_stay_can_still_be_told_of_within_the_limit():
    one = row(kiyo(admit("11-24 09:00"), gone("11-25 09:00", "11-24 09:00")))
    assert (one.next, one.deadline.state, one.lane) == ("入院時情報提供書を送る", "second", "mine")


def test_a_person_home_for_a_month_leaves_the_board():
    home = kiyo(admit("10-01 09:00"), gone("10-20 10:00", "10-01 09:00"))
    assert len(board(home, now=at("11-19 09:00")).rows) == 1
    assert board(home, now=at("11-19 10:01")).rows == ()


def test_death_in_hospital_asks_for_nothing():
    one = row(kiyo(admit("11-10 09:00"), gone("11-20 10:00", "11-10 09:00", to="20")))
    assert (one.where, one.next, one.deadline, one.button) == (
        "死亡退院 11-20（金）10:00",
        "手続きはありません（死亡退院）",
        None,
        "経過を見る",
    )


def test_a_transfer_is_one_row_at_the_second_hospital():
    rehab = encounter("in-progress", "11-20 14:00", updated="11-20 15:00", custodian=REHAB)
    one = row(kiyo(admit("11-02 09:00"), gone("11-20 10:00", "11-02 09:00", to="02"), more=(rehab,)))
    assert (one.hospital, one.admitted) == ("みなと回復期リハビリ病院", "11-20（金）14:00 転院（中央病院から）")


def test_after_a_transfer_what_was_sent_to_the_first_hospital_counts():
    rehab = encounter("in-progress", "11-20 14:00", updated="11-20 15:00", custodian=REHAB)
    moved = (admit("11-02 09:00"), gone("11-20 10:00", "11-02 09:00", to="02"))
    sheet = sent("11-02 12:00", encounter="Encounter/enc-pat-1-11-02-09-00")
    told_once = row(kiyo(*moved, more=(rehab, sheet)))
    assert (told_once.lane, told_once.next) == ("theirs", "病院：本人・家族と面談し、退院支援を始める")
    assert told_once.deadline.done_as == "11-02 12:00 提供　加算Ⅰ 250単位（受け取りの確認待ち）"
    never = row(kiyo(*moved, more=(rehab,)))
    assert (never.lane, never.deadline.state, never.deadline.second_until) == ("mine", "overdue", at("11-05 00:00"))
    assert never.deadline.reasoning[-1].startswith("転院：はじめの入院から数えています")


def test_a_leave_is_said_once_it_has_begun():
    away = kiyo(
        admit("11-10 09:00"),
        later("A21", "11-25 09:00", "11-24 15:00"),
        more=(sent("11-10 12:00", encounter="Encounter/enc-pat-1-11-10-09-00"),),
    )
    assert (row(away).status, row(away).where) == ("leave", "入院時情報 送付ずみ　外泊中")
    assert row(away, now=at("11-25 08:00")).status == "in"


def test_a_planned_admission_is_mine_to_send_ahead():
    planned = kiyo(later("A14", "12-01 10:00", "11-24 09:00"))
    one = row(planned)
    assert (one.status, one.lane, one.step, one.admitted) == ("planned", "mine", 1, "入院予定 12-01（火）10:00")
    assert (one.next, one.deadline.state, one.deadline.first_until) == ("入院の前に入院時情報提供書を送る", "due", at("12-02 00:00"))
    assert "入院予定（12-01（火））" in one.deadline.reasoning[-1]


def test_a_cancelled_admission_stays_three_days_to_be_undone():
    cancelled = kiyo(admit(), later("A11", "11-25 00:35", "11-25 09:00", stay="pat-1:11-25 00:35"))
    one = row(cancelled)
    assert (one.status, one.lane, one.where, one.deadline) == ("cancelled", "mine", "入院の取り消し", None)
    assert one.next == "止めたサービスがあれば戻す（入院の取り消し）"
    assert board(cancelled, now=at("11-28 09:01")).rows == ()


def test_a_cancellation_of_something_never_heard_of_is_no_row():
    assert board(kiyo(later("A11", "11-25 00:35", "11-25 09:00", stay="pat-1:11-25 00:35"))).rows == ()


def test_a_person_in_no_hospital_is_no_row():
    assert board(kiyo(), person(visit(at("11-24 10:00")))).rows == ()


# ── what holds for any part ──────────────────────────────────────────────────────────────────────────────────────────

REHAB_STAY = encounter("in-progress", "11-20 14:00", updated="11-20 15:00", custodian=REHAB)
PARTS = (
    *kiyo(admit("11-02 09:00"), gone("11-20 10:00", "11-02 09:00", to="02")).known, REHAB_STAY, visit(at("11-24 10:00")), sent("11-02 12:00"),
    done("discharge-contact", "11-18 10:00", custodian=MANAGER), known("Encounter", ACUTE, {"status": 3, "class": [], "period": "x", "subject": None}),
    known("Task", MANAGER, {"status": "completed", "code": {"coding": "x"}, "focus": []}), known("Patient", ACUTE, {"name": "x", "birthDate": 7}),
)  # fmt: skip


@given(st.sets(st.sampled_from(range(len(PARTS)))), st.sampled_from([ACUTE, REHAB, MANAGER, NURSE, SUPPORT]), st.booleans())
@settings(max_examples=80, deadline=None)
def test_any_part_of_what_is_known_makes_a_board(chosen, code, own):
    shown = board(person(*(PARTS[i] for i in sorted(chosen)), own=own), office=OFFICES[code])
    for one in shown.rows:
        assert one.where
        assert one.next
        assert 1 <= one.step <= one.steps
        assert one.lane in {"mine", "theirs", "between"}
        assert one.lane != "between" or one.lane_reason
    assert shown.inside >= shown.home_soon


@given(st.permutations(range(len(PARTS))))
@settings(max_examples=40, deadline=None)
def test_the_order_of_what_is_known_changes_nothing(order):
    assert board(person(*(PARTS[i] for i in order))).rows == board(person(*PARTS)).rows


def test_rows_stand_by_what_ends_first():
    # 11-23 is a holiday: its second limit ends today, with the first of the two admitted today; who came first stands first
    persons = [kiyo(admit(when), ref=when) for when in ("11-25 09:00", "11-19 19:20", "11-24 10:00", "11-23 10:00", "11-25 00:35")]
    assert [one.person for one in board(*persons).rows] == ["11-19 19:20", "11-23 10:00", "11-25 00:35", "11-25 09:00", "11-24 10:00"]


def test_messages_of_one_morning_in_another_order_give_the_same_board():
    messages = [admit(), gone("11-25 05:00"), later("A13", "11-25 05:00", "11-25 06:00", stay="pat-1:11-25 00:35")]
    rows = {board(person(*deliver(order))).rows[0].status for order in (messages, messages[::-1], [*messages, *messages])}
    assert rows == {"in"}
