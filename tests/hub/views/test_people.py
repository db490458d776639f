"""The head of the page and the call list."""

from tests.hub.views.emergency_persons import (
    CLINIC,
    HOSPITAL,
    MANAGER,
    NURSE,
    OFFICES,
    SUPPORT,
    ago,
    care_level,
    care_plan,
    encounter,
    known,
    page,
    patient,
    person_name,
    related,
    told,
)  # fmt: skip


def test_the_head_reads_kanji_and_kana_age_and_era():
    shown = page([patient()])
    assert (shown.name, shown.kana, shown.age, shown.sex, shown.birth) == ("田村 きよ", "たむら きよ", 84, "女", "1942-03-08（昭和17）")
    assert shown.address == "さくら市本町2丁目"


def test_a_source_without_marks_is_told_by_its_script():
    names = [{"text": "タムラ　キヨ"}, {"family": "田村", "given": ["きよ"]}]
    shown = page([patient(name=names)])
    assert (shown.name, shown.kana) == ("田村 きよ", "タムラ　キヨ")


def test_a_former_name_is_not_shown():
    shown = page([patient(name=[{"use": "maiden", "text": "旧姓 花子"}, *person_name("きよ", "たむら きよ")])])
    assert shown.name == "田村 きよ"


def test_nobody_known_is_said_and_not_left_blank():
    shown = page([])
    assert (shown.name, shown.age, shown.sex, shown.birth, shown.alone) == ("氏名不明", None, "不明", "生年月日不明", "未確認")


def test_two_custodians_who_differ_on_the_birth_date_stand_side_by_side():
    shown = page([patient(), patient(NURSE, key="pat-2", birthDate="1942-08-03")])
    sides = next(d for d in shown.differing if d.about == "生年月日").sides
    assert {(side.text, side.source) for side in sides} == {
        ("1942-03-08（昭和17）", "中央病院"),
        ("1942-08-03（昭和17）", "つばさ訪問看護"),
    }


def test_death_is_said_with_its_time_and_source():
    shown = page([patient(deceasedDateTime="2026-11-20T03:15:00+09:00")])
    assert shown.deceased == "死亡 2026-11-20 03:15（4日前、中央病院）"
    assert shown.age == 84


def test_death_without_a_time_is_said_too():
    assert page([patient(deceasedBoolean=True)]).deceased.startswith("死亡（日時の記録なし")
    assert page([patient(deceasedBoolean=False)]).deceased == ""


# ── alone, care level ────────────────────────────────────────────────────────────────────────────────────────────────


def test_living_alone_is_told_three_ways_and_never_concluded_from_silence():
    def alone(value):
        return page([told(MANAGER, "世帯構成", value, ago(days=9), category="social-history")]).alone

    assert alone("独居") == "独居"
    assert alone("同居者なし") == "独居"
    assert alone("長男夫婦と同居") == "同居あり"
    assert alone("日中独居（夜は長女）") == "同居あり"
    assert page([patient()]).alone == "未確認"


def test_a_question_about_the_household_is_not_its_answer():
    def asked(question, answer):
        return page([told(MANAGER, question, answer, ago(days=9), category="social-history")]).alone

    assert asked("同居者", "なし") == "独居"
    assert asked("独居", "いいえ") == "未確認"
    assert asked("同居の家族", "いない") == "未確認"


def test_the_care_level_carries_its_period():
    shown = page([care_level()]).care_level
    assert (shown.text, shown.source, shown.old) == ("要介護3（〜2027-03-31）", "さくら居宅", False)


def test_an_expired_care_level_says_so():
    shown = page([care_level(start="2024-04-01", end="2026-03-31")]).care_level
    assert (shown.text, shown.old) == ("要介護3（有効期間切れ 2026-03-31）", True)


def test_a_level_that_begins_next_year_is_not_yet_in_force():
    shown = page([care_level("要介護3", "23"), care_level("要介護4", "24", start="2027-04-01", end="2029-03-31")]).care_level
    assert shown.text.startswith("要介護3")


def test_a_pending_application_is_named_beside_the_level_in_force():
    shown = page([care_level(), care_level("要介護4", "24", start="2026-11-20", end="", status="preliminary")]).care_level
    assert (shown.text, shown.detail) == ("要介護3（〜2027-03-31）", "申請中")


def test_two_levels_in_force_stand_side_by_side():
    shown = page([care_level(), care_level("要介護2", "22", custodian=SUPPORT)])
    assert [d.about for d in shown.differing] == ["要介護度"]


# ── calls ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_list_begins_with_the_nurse_round_the_clock_then_doctor_family_care_manager():
    shown = page([
        patient(generalPractitioner=[{"identifier": {"value": CLINIC}, "display": "みどり医院 佐野"}]), encounter(ago(days=3)), care_plan(),
        related("恵", "長女", "090-0000-4418", rank=1), related("一郎", "長男", "090-0000-4419", rank=2),
    ])  # fmt: skip
    assert [call.phone for call in shown.calls] == ["048-000-1201", "048-000-3310", "090-0000-4418", "090-0000-4419", "090-0000-7723"]
    assert shown.calls[0].chip.text == "24時間"
    assert shown.calls[1].chip.text == "時間外"
    assert shown.no_one_to_call == ""


def test_rank_decides_the_order_of_the_family_not_the_order_of_sending():
    shown = page([related("一郎", "長男", "090-0000-4419", rank=2), related("恵", "長女", "090-0000-4418", rank=1)])
    assert [call.who for call in shown.calls] == ["長女 田村 恵", "長男 田村 一郎"]


def test_a_person_sent_by_two_custodians_is_called_once():
    shown = page([related("恵", "長女", "090-0000-4418"), related("恵", "娘", "090 0000 4418", custodian=HOSPITAL)])
    assert len(shown.calls) == 1


def test_a_relative_without_a_number_is_still_named():
    shown = page([related("恵", "長女", "")])
    assert (shown.calls[0].phone, shown.calls[0].who) == ("", "長女 田村 恵（電話番号の記録なし）")
    assert shown.no_one_to_call == ""


def test_contacts_inside_the_patient_count_as_family():
    shown = page(
        [
            patient(
                contact=[
                    {"relationship": [{"coding": [{"code": "C"}]}], "name": {"text": "山田 花子"}, "telecom": [{"value": "090-0000-1"}]}
                ]
            )
        ]
    )
    assert shown.calls[0].who == "緊急連絡先 山田 花子"


def test_nobody_asked_and_nobody_there_are_two_things():
    assert page([patient()]).no_one_to_call == "家族・緊急連絡先：未確認"
    nobody = told(MANAGER, "家族状況", "身寄りなし", ago(days=9), category="social-history")
    assert page([patient(), nobody]).no_one_to_call == "家族等なし（確認 9日前・さくら居宅）"


def test_an_inactive_or_past_relative_is_not_called():
    gone = related("次郎", "次男", "090-0000-4420", active=False)
    past = related("三郎", "三男", "090-0000-4421", period={"end": "2020-01-01"})
    assert page([gone, past]).calls == ()


def test_the_agent_is_marked_and_said_to_be_no_legal_proxy():
    shown = page([related("恵", "長女", "090-0000-4418", relationship=[{"text": "長女", "coding": [{"code": "HPOWATT"}]}])])
    assert shown.calls[0].chip.text == "代弁者"
    assert "法的代理ではありません" in shown.calls[0].who


def test_the_care_manager_is_the_one_of_the_newest_active_plan():
    other = "1179900027"
    offices = OFFICES | {other: OFFICES[MANAGER].__class__(other, "ひまわり居宅", "care-manager", "048-000-7000")}
    shown = page([care_plan("2026-10-01"), care_plan("2026-11-10", author=other, display="ひまわり居宅 大川")], offices=offices)
    assert shown.calls[0].who.startswith("ケアマネジャー　ひまわり居宅 大川")
    assert len(shown.calls) == 1


def test_the_support_centre_is_called_only_for_those_without_a_care_manager_or_of_support_level():
    contact = encounter(ago(days=30), custodian=SUPPORT)
    assert "地域包括支援センター" in page([contact]).calls[0].who
    assert all("包括" not in call.who for call in page([contact, care_plan(), care_level()]).calls)
    assert any("包括" in call.who for call in page([contact, care_plan(), care_level("要支援2", "13")]).calls)


def test_a_station_that_has_not_visited_for_a_year_is_not_on_the_list():
    assert page([encounter(ago(days=400))]).calls == ()


def test_a_day_office_says_whether_it_is_open_now():
    shown = page([care_plan()], now=ago(hours=10))
    assert (shown.calls[0].chip.text, shown.calls[0].chip.tone) == ("日中・受付中", "good")


def test_an_office_that_told_of_its_night_duty_is_marked_round_the_clock():
    night = known("CareTeam", CLINIC, {"status": "active", "category": [{"text": "24時間対応体制"}]})
    assert page([encounter(ago(days=3), custodian=CLINIC), night]).calls[0].chip.text == "24時間"


def test_a_member_of_the_care_team_is_found_through_role_and_organization():
    doctor = known("Practitioner", CLINIC, {"name": [{"family": "佐野", "given": ["修"]}]}, key="prac-1")
    role = known("PractitionerRole", CLINIC, {"practitioner": {"reference": "Practitioner/prac-1"}, "organization": {"display": "ことり診療所"},
                                              "telecom": [{"system": "phone", "value": "048-000-9"}]}, key="role-1")  # fmt: skip
    team = known(
        "CareTeam",
        CLINIC,
        {"status": "active", "participant": [{"role": [{"text": "主治医"}], "member": {"reference": "PractitionerRole/role-1"}}]},
    )
    shown = page([doctor, role, team])
    assert (shown.calls[0].phone, shown.calls[0].who) == ("048-000-9", "主治医　ことり診療所 佐野 修")
