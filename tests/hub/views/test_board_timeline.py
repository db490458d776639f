"""The course of a stay across organizations: what happened, what is mine now, what comes; corrections stay visible."""

from tests.hub.views.stay_messages import encounter
from tests.hub.views.stay_persons import (
    ACUTE,
    MANAGER,
    NURSE,
    OFFICES,
    REHAB,
    SAKURA,
    admit,
    at,
    board,
    care_plan,
    done,
    gone,
    kiyo,
    known,
    later,
    sent,
    visit,
)


def course(person, *, office=SAKURA, now=None):
    """Open the newest stay of a person and give its course."""
    more = {"now": now} if now else {}
    (row,) = board(person, office=office, **more).rows[-1:]
    return board(person, office=office, episode=row.episode, **more).timeline


def said(items, *states):
    return [(one.when, one.text, one.source) for one in items if one.state in (states or ("done", "now", "next", "struck"))]


def test_the_course_runs_over_organizations_from_what_happened_to_what_comes():
    person = kiyo(admit(), more=(
        visit(at("11-24 23:20"), reason="息苦しさ、SpO2 88 %", urgent=True), visit(at("11-20 10:00"), reason="いつも通り"),
        known("DocumentReference", NURSE, {"status": "current", "type": {"coding": [{"system": "http://loinc.org", "code": "34746-8"}]},
                                           "date": "2026-11-25T01:10:00+09:00", "content": [{"attachment": {"title": "看護サマリー"}}]}),
        known("Appointment", NURSE, {"status": "booked", "start": "2026-11-26T10:00:00+09:00", "serviceType": [{"text": "訪問看護"}]}),
    ))  # fmt: skip
    assert said(course(person)) == [
        ("11-24 23:20", "臨時訪問：息苦しさ、SpO2 88 %", "つばさ訪問看護"),
        ("11-25 00:35", "入院（予定の知らせなし） 救急病棟", "中央病院"),
        ("11-25 01:10", "看護サマリーを送付", "つばさ訪問看護"),
        ("きょう 24:00", "入院時情報提供書を送る（あなたの番）", "さくら居宅"),
        ("11-26 10:00", "予定のサービス：訪問看護", "つばさ訪問看護"),
        ("11-27 24:00 まで", "退院困難な要因の確認", "中央病院"),
        ("12-01 24:00 まで", "本人・家族との面談", "中央病院"),
    ]


def test_what_was_corrected_or_taken_back_stays_visible():
    person = kiyo(
        admit(where="4階東"),
        admit(sent="11-25 01:05", where="救急病棟"),
        gone("11-25 05:00"),
        later("A13", "11-25 05:00", "11-25 06:00", stay="pat-1:11-25 00:35"),
    )
    items = course(person)
    assert said(items, "struck") == [("11-25 00:35", "入院（予定の知らせなし） 4階東", "中央病院"), ("11-25 05:00", "退院", "中央病院")]
    assert said(items, "done") == [("11-25 00:35", "入院（予定の知らせなし） 救急病棟", "中央病院")]


def test_a_cancellation_without_its_target_is_shown_as_waiting():
    items = course(kiyo(admit(), later("A12", "11-25 03:00", "11-25 04:00")))
    assert [(one.text, one.detail) for one in items if one.detail.startswith("取り消す")] == [
        ("移動の取り消し", "取り消す相手の知らせがまだ届いていません")
    ]


def test_a_message_that_belongs_to_no_stay_is_shown_to_be_looked_at():
    person = kiyo(admit("11-20 09:00"), gone("11-22 10:00", "11-20 09:00"), later("A03", "11-24 10:00", "11-24 10:10"))
    assert [(one.when, one.text) for one in course(person) if one.detail.startswith("どの入院")] == [("11-24 10:00", "退院の知らせ")]


def test_a_planned_discharge_lies_ahead_and_stays_told_when_it_has_passed():
    person = kiyo(
        admit("11-10 09:00"),
        later("A16", "11-27 10:00", "11-20 09:00"),
        more=(sent("11-10 12:00", encounter="Encounter/enc-pat-1-11-10-09-00"),),
    )
    assert ("11-27 10:00", "退院予定", "中央病院") in said(course(person), "next")
    assert ("11-20 09:00", "退院予定 11-27（金）10:00 の知らせ", "中央病院") in said(course(person, now=at("11-28 09:00")), "done")


def test_a_transfer_is_one_course_over_two_hospitals():
    rehab = encounter("in-progress", "11-20 14:00", updated="11-20 15:00", custodian=REHAB, location=[{"location": {"display": "2階"}}])
    items = course(kiyo(admit("11-02 09:00"), gone("11-20 10:00", "11-02 09:00", to="02"), more=(rehab,)))
    assert said(items, "done") == [
        ("11-02 09:00", "入院（予定の知らせなし） 救急病棟", "中央病院"), ("11-20 10:00", "退院（他の病院）", "中央病院"),
        ("11-20 14:00", "転院 2階", "みなと回復期リハビリ病院"),
    ]  # fmt: skip


def test_what_is_done_is_said_by_whom_and_whether_it_was_received():
    fax = known("Communication", MANAGER, {"status": "completed", "category": [{"coding": [{"code": "admission-info"}]}],
                                           "sent": "2026-11-25T09:30:00+09:00", "received": "2026-11-25T09:34:00+09:00"})  # fmt: skip
    items = course(kiyo(admit(), more=(fax, done("risk-screen", "11-25 10:00"))))
    assert said(items, "done")[1:] == [
        ("11-25 09:34", "入院時情報提供書を送付（受け取り確認ずみ）", "さくら居宅"), ("11-25 10:00", "退院困難な要因の確認", "中央病院"),
    ]  # fmt: skip


def test_the_plan_made_since_then_and_the_visits_after_discharge_belong_to_the_course():
    person = kiyo(admit("11-10 09:00"), gone("11-20 10:00", "11-10 09:00"), plan=False,
                  more=(care_plan("2026-11-21"), care_plan("2026-10-01"), visit(at("11-22 10:00")), visit(at("11-01 10:00"))))  # fmt: skip
    assert said(course(person), "done")[2:] == [
        ("11-21", "ケアプランの作成・変更", "さくら居宅"),
        ("11-22 10:00", "訪問", "つばさ訪問看護"),
    ]


def test_of_others_turn_the_course_says_whose_it_is():
    items = course(kiyo(admit("11-10 09:00"), own=False), office=OFFICES[ACUTE])
    assert said(items, "now") == [("いま", "さくら居宅：入院時情報提供書を送る", "さくら居宅")]


def test_an_episode_that_is_not_on_this_board_opens_nothing():
    shown = board(kiyo(admit()), episode="00000000-0000-0000-0000-000000000000")
    assert (shown.opened, shown.timeline) == (None, ())


def test_the_opened_row_is_the_one_that_was_asked_for():
    one, other = kiyo(admit(), ref="p-1"), kiyo(admit("11-19 19:20"), ref="p-3")
    episode = next(row.episode for row in board(one, other).rows if row.person == "p-3")
    assert board(one, other, episode=episode).opened.person == "p-3"


def test_nothing_that_was_cancelled_is_planned_ahead():
    off = known("Appointment", NURSE, {"status": "cancelled", "start": "2026-11-26T10:00:00+09:00", "serviceType": [{"text": "訪問看護"}]})
    assert "予定のサービス：訪問看護" not in [one.text for one in course(kiyo(admit(), more=(off,)))]
