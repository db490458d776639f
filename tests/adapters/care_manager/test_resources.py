"""What the items of a plan become, and whether the page for an emergency understands it."""

from datetime import datetime

import pytest

from adapters.care_manager import adapter
from adapters.wire.csv_layout import JST
from hub.views.shapes import Office
from tests.adapters.care_manager.builders import OFFICE, PAIR, STATION, drafts, items, line, name_of, wire
from tests.adapters.visiting_nurse.page import page_of

NOW = datetime(2026, 4, 20, 14, 0, tzinfo=JST)
OFFICES = {
    OFFICE: Office(OFFICE, "あおば居宅介護支援", "care-manager", "048-000-7723", opens="08:30", closes="17:30"),
    STATION: Office(STATION, "つばめ訪問看護", "visiting-nurse", "048-000-1201"),
}
LEVEL = {"認定状況区分": "2", "認定日": "20260301", "要介護状態区分": "23"}
LIMIT = {"限度額適用開始年月日": "20260401", "限度額適用終了年月日": "20290331"}
CERTIFIED = {"認定有効期間開始日": "20260401", "認定有効期間終了日": "20290331"}
POLICY = "心不全の悪化を早く見つける。\n緊急連絡先：長女 090-0000-0000"
ADDRESS = {"利用者住所１": "架空市緑町３", "利用者住所２": "２０１"}
WISHES = "本人：この家で暮らし続けたい。"


def told(kind, *records, **how):
    (part,) = adapter.convert(wire(kind, *records, **how)).parts
    return part


def supplement(**more):
    return told("UPHOSOKU", items("UPHOSOKU", **more))


def first(**more):
    return told("UP1KYO", items("UP1KYO", **more))


SECOND = told(
    "UP2KYO",
    line(
        1,
        1,
        1,
        課題="息切れが心配",
        長期目標="家で過ごす",
        サービス内容="観察",
        サービス種別="訪問看護",
        サービス事業者コード=STATION,
        サービス事業所名="つばめ",
    ),
    line(1, 1, 2, サービス内容="診察", サービス種別="医療", サービス事業所名="架空みどり医院"),
)


def page(*parts, now=NOW):
    return page_of({OFFICE: [draft for part in parts for draft in part.drafts]}, OFFICES, now)


# ── the level ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "status", "level"),
    [
        ({}, "final", "23"),
        ({"認定状況区分": "1"}, "preliminary", "23"),
        ({"認定状況区分": ""}, "final", "23"),
        ({"認定状況区分": "", "認定日": ""}, "unknown", "23"),
        ({"認定状況区分": "1", "要介護状態区分": "", "認定日": ""}, "preliminary", None),
    ],
)
def test_a_level_is_as_sure_as_its_certification(change, status, level):
    (body,) = drafts(supplement(**LEVEL | LIMIT | change), "Observation").values()
    assert body["status"] == status
    assert (body["valueCodeableConcept"]["coding"][0]["code"] if level else body["dataAbsentReason"]["text"]) == (level or "申請中")


def test_no_level_and_no_application_say_nothing():
    assert not drafts(supplement(認定状況区分="2"), "Observation")
    assert "supportingInfo" not in drafts(first(), "CarePlan")["20260318"]


def test_the_level_is_found_in_the_insurance_too():
    (body,) = drafts(supplement(**LEVEL | LIMIT), "Coverage").values()
    assert [(one["value"], one["name"]) for one in body["class"]] == [("23", "要介護３")]


def test_the_certified_level_and_the_one_of_the_limit_do_not_overwrite_each_other():
    keys = {key for part in (supplement(**LEVEL | LIMIT), first(**LEVEL | CERTIFIED)) for key in drafts(part, "Observation")}
    assert keys == {"care-level:limit:20260401", "care-level:certified:20260401"}


def test_a_certified_level_outlives_its_plan():
    (level,) = [draft for draft in first(**LEVEL | CERTIFIED).drafts if draft.type == "Observation"]
    assert "set" not in level.facts


# ── sets ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_table_of_a_plan_is_a_set_of_its_own_and_knows_when_it_was_sent():
    sent = told("UP1KYO", items("UP1KYO", 総合的な援助の方針=POLICY), name=name_of("UP1KYO", sequence="20260401090000"))
    assert dict(sent.drafts[0].facts) == {"set": f"UP1KYO:{PAIR}:20260318", "sent": "2026-04-01T09:00:00+09:00"}
    assert {draft.facts.get("set") for draft in SECOND.drafts} == {f"UP2KYO:{PAIR}:20260318", None}
    assert [draft.type for draft in SECOND.drafts if "set" not in draft.facts] == ["CareTeam"]


def test_of_two_plans_in_one_file_the_newer_makes_the_team():
    newer = {"居宅サービス計画作成（変更）日": "20260401", "サービス事業所名": "新しい事業所"}
    part = told("UP2KYO", line(1, 1, 1, **newer), line(1, 1, 1, サービス事業所名="前の事業所"))
    (team,) = drafts(part, "CareTeam").values()
    assert [one["member"].get("display", "") for one in team["participant"]] == ["", "新しい事業所"]
    assert set(drafts(part, "CarePlan")) == {"20260401:2", "20260318:2"}


# ── services ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("訪問看護", "13"),
        ("訪問 看護", "13"),
        ("福祉用具貸与", "17"),
        ("訪問看護（医療）", None),
        ("ヘルパー", None),
        ("定期巡回・随時対応型訪問介護看護", "76"),
    ],
)
def test_a_kind_of_service_has_a_code_only_where_the_words_are_the_standards(text, code):
    part = told("UP2KYO", line(1, 1, 1, サービス内容="x", サービス種別=text))
    (kind,) = drafts(part, "ServiceRequest")["20260318:service:1.1.1"]["category"]
    assert [one["code"] for one in kind.get("coding", [])] == ([code] if code else [])
    assert kind["text"] == text


@pytest.mark.parametrize(
    ("often", "period", "timing"),
    [
        (
            "週１回",
            "R8.4.1～R8.9.30",
            {"code": {"text": "週１回"}, "repeat": {"boundsPeriod": {"start": "2026-04-01", "end": "2026-09-30"}}},
        ),
        ("週１回", "R8.4～", {"code": {"text": "週１回"}, "repeat": {"boundsPeriod": {"start": "2026-04"}}}),
        ("", "R8.4.1～R8.9.30", {"repeat": {"boundsPeriod": {"start": "2026-04-01", "end": "2026-09-30"}}}),
        ("週１回", "半年ほど", {"code": {"text": "週１回（半年ほど）"}}),
        ("", "半年ほど", {"code": {"text": "半年ほど"}}),
        ("", "", None),
    ],
)
def test_frequency_and_period_stay_as_they_were_written_where_they_are_no_dates(often, period, timing):
    part = told("UP2KYO", line(1, 1, 1, サービス内容="x", 頻度=often, 実施期間=period))
    assert drafts(part, "ServiceRequest")["20260318:service:1.1.1"].get("occurrenceTiming") == timing


def test_an_office_without_a_number_is_named_and_one_without_a_name_is_numbered():
    part = told(
        "UP2KYO", line(1, 1, 1, サービス内容="x", サービス事業所名="長女"), line(1, 1, 2, サービス内容="y", サービス事業者コード=STATION)
    )
    performers = [body["performer"][0] for body in drafts(part, "ServiceRequest").values()]
    assert [(one.get("display"), "identifier" in one) for one in performers] == [("長女", False), (None, True)]


# ── the page for an emergency ────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_shows_the_level_with_the_end_of_its_period():
    for part in (supplement(**LEVEL | LIMIT), first(**LEVEL | CERTIFIED)):
        made = page(part)
        assert (made.care_level.text, made.care_level.source, made.care_level.old) == (
            "要介護３（〜2029-03-31）",
            "あおば居宅介護支援",
            False,
        )
    assert page(supplement(**LEVEL | LIMIT), now=datetime(2029, 4, 1, tzinfo=JST)).care_level.old


def test_the_page_says_that_an_application_is_running():
    made = page(supplement(**LEVEL | LIMIT | {"認定状況区分": "1"}))
    assert (made.care_level.text, made.care_level.detail) == ("要介護３（〜2029-03-31）", "申請中")


def test_the_page_shows_the_level_before_a_change_until_the_day_of_the_change():
    changed = supplement(**LEVEL | LIMIT | {"要介護状態区分": "24", "要介護状態変更日": "20260616", "前回要介護状態区分": "23"})
    assert page(changed, now=datetime(2026, 6, 15, 23, 0, tzinfo=JST)).care_level.text == "要介護３（〜2026-06-15）"
    assert page(changed, now=datetime(2026, 6, 16, 1, 0, tzinfo=JST)).care_level.text == "要介護４（〜2029-03-31）"


@pytest.mark.parametrize(
    ("reason", "text", "alone"),
    [("1", "", "独居"), ("3", "同居の長女が日中不在のため", "同居あり"), ("2", "", "未確認"), ("", "", "未確認")],
)
def test_the_page_learns_from_the_reason_for_housework_whether_somebody_lives_alone(reason, text, alone):
    assert page(first(生活援助中心型の算定理由=reason, その他理由=text)).alone == alone


def test_the_page_shows_wishes_and_policy_whole():
    made = page(first(総合的な援助の方針=POLICY, 利用者及び家族の生活に対する意向を踏まえた課題分析の結果=WISHES))
    assert {line.text for line in made.matters} == {f"意向：{WISHES}", f"援助の方針：{POLICY}"}


def test_the_page_shows_no_need_of_a_plan_as_a_disease():
    assert page(first(), SECOND).problems == ()


def test_the_page_calls_the_care_manager_and_those_who_take_part():
    made = page(supplement(), first(), SECOND)
    station, manager, _ = made.calls
    assert (station.phone, station.who.split("（")[0]) == ("048-000-1201", "訪問看護　つばめ訪問看護 つばめ")
    assert manager.phone == "048-000-7723"
    assert manager.who.startswith("ケアマネジャー　あおば居宅介護支援")
    assert [call.who for call in made.calls if not call.phone] == ["医療　架空みどり医院（電話番号の記録なし）"]


def test_the_page_names_the_care_manager_of_the_first_table():
    (call,) = page(supplement(), first()).calls
    assert call.who == "ケアマネジャー　あおば居宅介護支援 沢田 久美（08:30〜17:30）"


def test_the_page_says_who_the_person_is():
    made = page(supplement(**ADDRESS))
    assert (made.name, made.kana, made.age, made.sex, made.address) == ("早瀬 トミ", "ハヤセ トミ", 87, "女", "架空市緑町３ ２０１")


def test_the_page_forgets_a_plan_that_was_withdrawn():
    assert page(first(総合的な援助の方針=POLICY)).matters
    assert page(told("DLT1KYO", items("DLT1KYO"))).matters == ()
