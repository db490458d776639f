"""Drugs, allergies, warnings and devices."""

import pytest

from tests.hub.views.emergency_persons import (
    CLINIC,
    HOSPITAL,
    MANAGER,
    NURSE,
    YJ,
    ago,
    allergy,
    condition,
    device,
    drug,
    known,
    page,
    told,
)  # fmt: skip


def texts(lines):
    return [one.text for one in lines]


# ── drugs ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_anticoagulant_stands_first_and_is_marked():
    shown = page([drug("フロセミド錠20mg", "朝食後", authored="2026-11-20"), drug("エリキュース錠2.5mg", "朝夕食後", yj="3339004F1029")])
    assert texts(shown.drugs) == ["エリキュース錠2.5mg　朝夕食後", "フロセミド錠20mg　朝食後"]
    assert (shown.drugs[0].chip.text, shown.drugs[0].chip.tone) == ("抗凝固", "danger")
    assert [(a.chip.text, a.text) for a in shown.alerts] == [("抗凝固", "エリキュース錠2.5mgを服用中")]


@pytest.mark.parametrize(
    "name",
    [
        "ワルファリンK錠1mg",
        "ﾜｰﾌｧﾘﾝ錠",
        "イグザレルト錠15mg",
        "リクシアナOD錠30mg",
        "Warfarin Sodium 5 MG Oral Tablet",
        "プラザキサカプセル",
    ],
)
def test_anticoagulants_are_known_by_name_in_any_width_and_language(name):
    assert [a.chip.text for a in page([drug(name, "")]).alerts] == ["抗凝固"]


@pytest.mark.parametrize(
    ("name", "yj"), [("ヘパリン類似物質油性クリーム0.3%", "3339950N1000"), ("ヘパリンNaロック用", ""), ("フロセミド錠", "2139005F2399")]
)
def test_what_only_sounds_like_an_anticoagulant_is_none(name, yj):
    assert page([drug(name, "", yj=yj)]).alerts == ()


def test_one_ingredient_in_two_doses_of_two_custodians_stands_side_by_side():
    shown = page([
        drug("フロセミド錠20mg「NP」", "1回1錠 1日1回 朝食後", yj="2139005F2399"),
        drug("フロセミド錠40mg「NP」", "1回1錠 1日1回 朝食後", yj="2139005F3395", custodian=HOSPITAL, authored="2026-11-22"),
    ])  # fmt: skip
    assert [d.about for d in shown.differing] == ["フロセミド"]
    assert [(side.text, side.when, side.source) for side in shown.differing[0].sides] == [
        ("フロセミド錠40mg「NP」　1回1錠 1日1回 朝食後", "2日前", "中央病院"), ("フロセミド錠20mg「NP」　1回1錠 1日1回 朝食後", "12日前", "みどり医院"),
    ]  # fmt: skip
    assert len(shown.drugs) == 2


def test_a_brand_and_its_generic_are_one_ingredient_even_without_a_code():
    shown = page([drug("ラシックス錠20mg", "朝食後"), drug("フロセミド錠40mg「NP」", "朝食後", yj="2139005F3395", custodian=HOSPITAL)])
    assert len(shown.differing) == 1


def test_the_same_words_from_two_custodians_are_one_line_with_both_named():
    shown = page(
        [drug("フロセミド錠20mg「NP」", "朝食後"), drug("フロセミド錠20mg「トーワ」", "朝食後", custodian=HOSPITAL, authored="2026-11-01")]
    )
    assert shown.differing == ()
    assert len(shown.drugs) == 1
    assert "中央病院（23日前）も同じ" in shown.drugs[0].detail


def test_the_newest_prescription_of_a_product_replaces_the_older_of_the_same_custodian():
    shown = page([drug("フロセミド錠20mg", "朝食後", authored="2026-09-01"), drug("フロセミド錠20mg", "朝・昼食後", authored="2026-11-01")])
    assert texts(shown.drugs) == ["フロセミド錠20mg　朝・昼食後"]


@pytest.mark.parametrize("status", ["stopped", "cancelled", "draft", "entered-in-error"])
def test_what_was_stopped_is_not_taken(status):
    assert page([drug("フロセミド錠20mg", "朝食後", status=status)]).drugs == ()


def test_a_completed_prescription_counts_while_its_days_last():
    def supplied(authored):
        days = {"expectedSupplyDuration": {"value": 14, "unit": "日", "code": "d"}}
        return page([drug("フロセミド錠20mg", "朝食後", status="completed", authored=authored, dispenseRequest=days)]).drugs

    assert len(supplied("2026-11-12")) == 1
    assert supplied("2026-11-01") == ()


def test_an_active_prescription_that_has_run_out_says_so():
    days = {"expectedSupplyDuration": {"value": 14, "unit": "日", "code": "d"}}
    shown = page([drug("フロセミド錠20mg", "朝食後", authored="2026-10-01", dispenseRequest=days)])
    assert shown.drugs[0].detail == "処方日数は 2026-10-15 まで"


def test_a_dose_without_words_is_put_together_from_amount_and_usage_code():
    instruction = [{
        "timing": {"code": {"coding": [{"system": "http://jami.jp/CodeSystem/MedicationUsage", "code": "1011040000000000"}]}},
        "doseAndRate": [{"doseQuantity": {"value": 2, "unit": "錠"}}],
    }]  # fmt: skip
    assert texts(page([drug("ワルファリンK錠1mg", "", dosageInstruction=instruction)]).drugs) == [
        "ワルファリンK錠1mg　1回2錠 1日1回 夕食後"
    ]


def test_a_drug_behind_a_reference_is_named():
    medication = known(
        "Medication", CLINIC, {"code": {"coding": [{"system": YJ, "code": "3339002F1020", "display": "リクシアナ錠15mg"}]}}, key="med-1"
    )
    request = known("MedicationRequest", CLINIC, {"status": "active", "intent": "order", "medicationReference": {"reference": "Medication/med-1"},
                                                  "authoredOn": "2026-11-20"})  # fmt: skip
    shown = page([medication, request])
    assert texts(shown.drugs) == ["リクシアナ錠15mg"]
    assert shown.alerts[0].chip.text == "抗凝固"


def test_what_the_person_says_to_take_counts_too():
    statement = known(
        "MedicationStatement",
        NURSE,
        {"status": "active", "medicationCodeableConcept": {"text": "ロキソニン錠"}, "dateAsserted": "2026-11-21"},
    )
    assert texts(page([statement]).drugs) == ["ロキソニン錠"]


def test_a_prescription_of_half_a_year_ago_is_old():
    assert page([drug("フロセミド錠20mg", "朝食後", authored="2026-05-01")]).drugs[0].old


# ── allergies ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_severe_allergy_is_the_first_warning():
    shown = page(
        [
            drug("ワルファリン錠", ""),
            allergy("ペニシリン", reaction="アナフィラキシー", criticality="high"),
            allergy("さば", reaction="じんましん"),
        ]
    )
    assert (shown.alerts[0].chip.text, shown.alerts[0].text, shown.alerts[0].when) == (
        "アレルギー",
        "ペニシリン：アナフィラキシー",
        "2019年",
    )
    assert texts(shown.allergies) == ["ペニシリン：アナフィラキシー", "さば：じんましん"]
    assert shown.allergy_state == "listed"


def test_none_known_and_unknown_are_two_things():
    none = allergy("アレルギーなし", recorded="2026-10-01")
    assert page([none]).allergy_state == "none-known"
    assert texts(page([none]).allergies) == ["アレルギーなし（確かめた記録）"]
    assert page([]).allergy_state == "unknown"
    assert page([]).allergies == ()


def test_none_known_by_code_is_none_known():
    coded = allergy("", recorded="2026-10-01", code={"coding": [{"system": "http://snomed.info/sct", "code": "409137002"}]})
    assert texts(page([coded]).allergies) == ["薬のアレルギーなし（確かめた記録）"]


def test_none_of_one_custodian_never_hides_what_another_lists():
    shown = page([allergy("ペニシリン"), allergy("アレルギーなし", custodian=CLINIC, recorded="2026-10-01")])
    assert shown.allergy_state == "listed"
    assert [d.about for d in shown.differing] == ["アレルギー"]
    assert {side.source for side in shown.differing[0].sides} == {"中央病院", "みどり医院"}


def test_what_one_custodian_refutes_and_another_lists_stands_side_by_side():
    refuted = allergy("ペニシリン", custodian=CLINIC, verificationStatus={"coding": [{"code": "refuted"}]})
    shown = page([allergy("ペニシリン"), refuted])
    assert shown.differing[0].sides[1].text == "ペニシリン：否定されています"


def test_an_inactive_allergy_is_not_listed():
    assert page([allergy("ペニシリン", clinicalStatus={"coding": [{"code": "inactive"}]})]).allergy_state == "unknown"


# ── warnings and devices ─────────────────────────────────────────────────────────────────────────────────────────────


def flag(text, *, status="active", **more):
    return known("Flag", NURSE, {"status": status, "code": {"text": text}, "subject": {"reference": "Patient/pat-1"}, **more})


def test_warnings_stand_in_the_order_of_their_table():
    shown = page([
        flag("夜間は玄関の段差に注意。転倒歴あり"), told(NURSE, "とろみ", "中間", ago(days=3)), *device("酸素濃縮器", "o2", recorded="2026-11-21"),
        *device("ペースメーカー DDD", "pacemaker"), drug("ワルファリン錠", ""), allergy("ペニシリン", criticality="high"), condition("MRSA保菌"),
        flag("左腕で血圧を測らない"),
    ])  # fmt: skip
    assert [a.chip.text for a in shown.alerts] == ["アレルギー", "抗凝固", "機器", "酸素", "感染", "誤嚥", "転倒", "注意"]


def test_an_old_implant_is_not_amber_and_an_old_home_device_is():
    shown = page([*device("ペースメーカー DDD", "pacemaker", since="2015"), *device("酸素濃縮器", "o2", recorded="2026-05-01")])
    assert {a.chip.text: a.old for a in shown.alerts} == {"機器": False, "酸素": True}


def test_a_pacemaker_known_only_as_a_diagnosis_is_a_warning():
    assert page([condition("心臓機能障害", icd="Z95.0")]).alerts[0].chip.text == "機器"


@pytest.mark.parametrize("gone", [{"status": "inactive"}, {"period": {"end": "2026-01-01"}}])
def test_a_flag_that_is_over_is_no_warning(gone):
    assert page([flag("転倒", **gone)]).alerts == ()


def test_the_absence_of_a_risk_is_no_warning():
    assert page([condition("尿路感染症"), told(NURSE, "嚥下", "問題ない", ago(days=3)), condition("結核の既往")]).alerts == ()


def test_the_same_warning_of_two_custodians_stands_once_with_both_named():
    shown = page([condition("MRSA保菌"), condition("MRSA保菌", custodian=HOSPITAL, recorded="2026-10-01")])
    assert len(shown.alerts) == 1
    assert "中央病院" in shown.alerts[0].detail


def test_a_device_says_its_setting_and_its_next_change():
    base = "https://tsunagu.example.jp/StructureDefinition"
    due = [{"url": f"{base}/device-next-due", "valueDate": "2026-12-03"}]
    shown = page(device("酸素濃縮器", "o2", recorded="2026-11-21", note=[{"text": "2 L/分"}], extension=due))
    assert shown.devices[0].text == "酸素濃縮器 2 L/分（交換 12-03）"


def test_a_device_that_is_no_longer_used_is_not_shown():
    assert page(device("酸素濃縮器", "o2", recorded="2026-11-21", status="completed")).devices == ()


def test_a_wound_under_care_stands_with_the_devices():
    wound = known("Observation", NURSE, {"status": "final", "code": {"text": "褥瘡 DESIGN-R"}, "bodySite": {"text": "仙骨"}, "valueInteger": 9,
                                         "effectiveDateTime": "2026-11-21"})  # fmt: skip
    assert texts(page([wound]).devices) == ["褥瘡 DESIGN-R 仙骨 9"]


def test_a_care_need_of_the_plan_is_no_disease():
    need = condition("転倒が心配", custodian=MANAGER, category=[{"coding": [{"code": "care-need"}]}])
    shown = page([need, condition("心房細動")])
    assert texts(shown.problems) == ["心房細動"]
    assert shown.alerts == ()
