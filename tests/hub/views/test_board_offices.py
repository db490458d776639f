"""The 入退院 page of those who fall between offices, and of a hospital, a nurse and a support center; expected values written by hand."""

import pytest

from tests.hub.views.stay_messages import encounter
from tests.hub.views.stay_persons import (
    ACUTE,
    MANAGER,
    NURSE,
    OFFICES,
    REHAB,
    SUPPORT,
    admit,
    at,
    board,
    care_level,
    done,
    gone,
    hayashi,
    kiyo,
    known,
    later,
    row,
    sent,
    told,
    visit,
)

HOSPITAL_OFFICE, NURSE_OFFICE, SUPPORT_OFFICE = OFFICES[ACUTE], OFFICES[NURSE], OFFICES[SUPPORT]


# ── who falls between ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("birth", "reason", "next_"),
    [
        ("1955-06-01", "担当者なし・認定の記録なし", "地域包括：要介護認定の申請を支え、担当者を決める"),
        ("1976-06-01", "担当者なし・認定の記録なし（40–64歳：特定疾病なら申請できます）", "地域包括：要介護認定の申請を支え、担当者を決める"),
        ("1987-06-01", "担当者なし（40歳未満：介護保険の対象年齢の前）", "地域包括：退院後の支えを地域包括・市に相談する（介護保険の対象年齢の前）"),
        ("", "担当ケアマネの記録なし（年齢・認定は不明）", "地域包括：要介護認定の申請を支え、担当者を決める"),
    ],
)  # fmt: skip
def test_a_person_without_a_care_manager_falls_between(birth, reason, next_):
    one = row(hayashi(admit("11-21 09:00"), birth=birth))
    assert (one.lane, one.lane_reason, one.next, one.deadline) == ("between", reason, next_, None)


def test_a_certified_person_without_a_plan_asks_for_the_care_manager():
    one = row(kiyo(admit(), plan=False, own=False))
    assert (one.lane, one.lane_reason) == ("between", "担当ケアマネの記録なし（要介護3）")
    assert one.next == "地域包括：担当のケアマネジャーを確かめる"


def test_a_person_needing_support_has_the_flow_but_no_deadline():
    one = row(kiyo(admit(), level=False, more=(care_level("要支援2", "13"),)))
    assert (one.lane, one.care_level, one.next, one.button) == ("between", "要支援2", "入院時情報提供書を送る", "送付を記録する")
    assert (one.deadline.state, one.deadline.first_until) == ("none", None)
    assert one.lane_reason == "要支援2：加算の対象外ですが、流れは同じです"


def test_nobody_to_call_is_not_the_same_as_nobody_asked_nor_as_somebody():
    nobody = told(MANAGER, "家族状況", "身寄りなし", at("11-16 10:00"), category="social-history")
    none = row(kiyo(admit(), daughter=False, more=(nobody,)))
    unasked = row(kiyo(admit(), daughter=False))
    somebody = row(kiyo(admit()))
    assert (none.lane, none.lane_reason) == ("between", "家族等なし（確認 9日前・さくら居宅）")
    assert (unasked.lane, unasked.lane_reason) == ("mine", "家族・緊急連絡先：未確認")
    assert (somebody.lane, somebody.lane_reason) == ("mine", "")
    assert (none.next, none.deadline.state) == ("入院時情報提供書を送る", "due-today")


def test_another_office_s_client_is_theirs():
    one = row(kiyo(admit(), own=False), office=OFFICES[SUPPORT])
    assert (one.lane, one.next, one.next_detail, one.deadline) == (
        "theirs",
        "さくら居宅：入院時情報提供書を送る",
        "さくら居宅 小川 090-0000-7723",
        None,
    )


# ── other offices ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hospital_sees_its_own_stays_and_its_own_days():
    rehab = encounter("in-progress", "11-20 14:00", updated="11-20 15:00", custodian=REHAB)
    shown = board(kiyo(admit(), own=False), kiyo(own=False, ref="p-9", more=(rehab,)), office=HOSPITAL_OFFICE)
    (one,) = shown.rows
    assert (one.lane, one.step, one.next, one.contact) == ("mine", 3, "退院困難な要因を確かめる", "ケアマネ さくら居宅 小川 090-0000-7723")
    assert (one.deadline.kind, one.deadline.first_until, one.deadline.state) == ("risk-screen", at("11-28 00:00"), "due")


def test_a_hospital_waits_for_the_care_manager_once_its_own_days_are_over():
    one = row(kiyo(admit("11-10 09:00"), own=False), office=HOSPITAL_OFFICE)
    assert (one.lane, one.next, one.deadline) == ("theirs", "さくら居宅：入院時情報提供書を送る", None)


def test_a_hospital_acknowledges_the_sheet_first():
    one = row(kiyo(admit(), own=False, more=(sent("11-25 10:30"),)), office=HOSPITAL_OFFICE)
    assert (one.lane, one.next, one.button) == ("mine", "入院時情報提供書の受け取りを知らせる", "受け取りを記録する")


def test_a_hospital_leads_on_a_person_without_a_care_manager():
    one = row(hayashi(admit("11-21 09:00")), office=HOSPITAL_OFFICE)
    assert (one.lane, one.next, one.deadline.kind) == ("between", "要介護認定の申請を支え、担当者を決める", "discharge-interview")
    after = row(
        hayashi(
            admit("11-21 09:00"),
            more=(done("care-need-referral", "11-23 10:00", custodian=SUPPORT, encounter="Encounter/enc-pat-1-11-21-09-00"),),
        ),
        office=HOSPITAL_OFFICE,
    )
    assert (after.lane, after.next) == ("between", "本人・家族と面談し、退院支援を始める")


def test_the_support_center_takes_the_person_without_a_care_manager():
    one = row(hayashi(admit("11-21 09:00")), office=SUPPORT_OFFICE)
    assert (one.lane, one.next, one.button) == ("between", "要介護認定の申請を支え、担当者を決める", "引き受けを記録する")


def test_a_visiting_nurse_owes_the_summary_until_it_is_sent():
    mine = row(kiyo(admit(), own=False, more=(visit(at("11-23 10:00")),)), office=NURSE_OFFICE)
    assert (mine.lane, mine.next, mine.button) == ("mine", "看護サマリーを送る", "送付を記録する")
    summary = known("DocumentReference", NURSE, {
        "status": "current", "type": {"coding": [{"system": "http://loinc.org", "code": "34746-8"}]}, "date": "2026-11-25T01:10:00+09:00",
        "context": {"encounter": [{"reference": "Encounter/enc-pat-1-11-25-00-35"}]}, "content": [{"attachment": {"title": "看護サマリー"}}],
    })  # fmt: skip
    one = row(kiyo(admit(), own=False, more=(summary,)), office=NURSE_OFFICE)
    assert (one.lane, one.next) == ("theirs", "さくら居宅：入院時情報提供書を送る")
    assert row(kiyo(admit(), more=(summary,))).where == "入院連絡ずみ　看護サマリー到着"


def test_a_transferred_person_is_a_closed_row_at_the_first_hospital():
    rehab = encounter("in-progress", "11-20 14:00", updated="11-20 15:00", custodian=REHAB)
    one = row(kiyo(admit("11-02 09:00"), gone("11-20 10:00", "11-02 09:00", to="02"), own=False, more=(rehab,)), office=HOSPITAL_OFFICE)
    assert (one.status, one.where) == ("discharged", "転院ずみ 11-20（金）10:00（みなと回復期リハビリ病院へ）")


def test_a_hospital_that_names_its_window_is_called_there():
    window = {"participant": [{"type": [{"coding": [{"code": "CALLBCK"}]}], "individual": {"display": "連携室 三浦"}}]}
    assert row(kiyo(admit(**window))).contact == "連携室 三浦 048-000-5500"


def test_a_doubtful_stay_asks_for_a_human():
    messages = [admit("11-10 09:00"), later("A02", "11-12 10:00", "11-12 10:10", location=[
        {"location": {"display": "集中治療室"}, "status": "completed"}, {"location": {"display": "4階東"}, "status": "active"}])]  # fmt: skip
    assert "移動の知らせが抜けているかもしれません" in row(kiyo(*messages)).next_detail
