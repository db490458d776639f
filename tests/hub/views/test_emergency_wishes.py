"""The person's wishes: three states, per treatment, never a bare DNAR."""

import pytest

from hub.views.emergency_wishes import ARREST_ONLY, NO_CONDITIONS, NO_DOCTOR, NOT_FORESEEN
from tests.hub.views.emergency_persons import CLINIC, HOSPITAL, LOINC, NOW, NURSE, ago, known, observation, page, patient, wishes_consent


def wanted(shown):
    return {wish.treatment: wish.wanted for wish in shown.wishes.wishes}


def test_the_wishes_stand_per_treatment_with_words_date_and_source():
    shown = page([patient(), wishes_consent()]).wishes
    assert shown.known == "stated"
    assert shown.words == "できるだけ家で。苦しいのだけは取ってほしい"
    assert shown.discussed == "2026-09-14 に話し合い（2か月前）"
    assert [(w.treatment, w.wanted, w.when, w.source) for w in shown.wishes] == [
        ("心停止時の心肺蘇生", "希望しない", "2か月前", "みどり医院"),
        ("人工呼吸・挿管", "希望しない", "2か月前", "みどり医院"),
        ("抗菌薬", "希望する", "2か月前", "みどり医院"),
    ]
    assert shown.present == "話し合い：本人・長女 田村 恵"


def test_a_refused_resuscitation_always_says_what_it_holds_for_and_who_confirms():
    shown = page([wishes_consent()]).wishes
    assert shown.conditions == f"慢性心不全・COPDの終末期の悪化。{NOT_FORESEEN}{ARREST_ONLY}"
    assert shown.confirm == "みどり医院 佐野医師"


def test_without_conditions_and_doctor_the_page_says_so_in_their_place():
    shown = page([wishes_consent(conditions="", doctor="", provisions=[("deny", "cpr")])]).wishes
    assert shown.conditions == NO_CONDITIONS + ARREST_ONLY
    assert shown.confirm == NO_DOCTOR


def test_a_consent_of_category_dnr_alone_is_no_bare_badge():
    bare = known(
        "Consent", HOSPITAL, {"status": "active", "scope": {"coding": [{"code": "adr"}]}, "category": [{"coding": [{"code": "dnr"}]}]}
    )
    shown = page([bare])
    assert wanted(shown) == {"心停止時の心肺蘇生": "希望しない"}
    assert ARREST_ONLY in shown.wishes.conditions
    assert shown.wishes.confirm == NO_DOCTOR
    assert shown.wishes.discussed == "話し合いの日は記録されていません"


def test_nobody_asked_is_not_nothing_wished():
    assert page([patient()]).wishes.known == "unasked"
    assert page([patient()]).wishes.wishes == ()


def test_a_person_who_was_asked_and_does_not_want_to_talk_has_none():
    asked = observation(NURSE, LOINC, "75773-2", ago(days=9), category="survey", valueString="いまは話したくない")
    shown = page([asked]).wishes
    assert (shown.known, shown.source) == ("none", "つばさ訪問看護")


def test_a_withdrawn_statement_is_not_shown_as_a_wish_but_counted():
    shown = page([wishes_consent(status="inactive")]).wishes
    assert (shown.known, shown.wishes, shown.history) == ("none", (), 1)
    assert "有効ではありません" in shown.words


def test_a_consent_on_sharing_data_is_no_wish_for_treatment():
    sharing = known("Consent", CLINIC, {"status": "active", "scope": {"coding": [{"code": "patient-privacy"}]},
                                        "category": [{"coding": [{"system": LOINC, "code": "59284-0"}]}], "provision": {"type": "deny"}})  # fmt: skip
    assert page([sharing]).wishes.known == "unasked"


def test_the_newest_word_of_one_custodian_holds_and_the_older_is_history():
    older = wishes_consent(at="2025-01-10", provisions=[("permit", "cpr")])
    shown = page([older, wishes_consent(provisions=[("deny", "cpr")])])
    assert wanted(shown) == {"心停止時の心肺蘇生": "希望しない"}
    assert shown.wishes.history == 1
    assert shown.differing == ()


def test_two_custodians_who_tell_different_wishes_stand_side_by_side():
    shown = page(
        [wishes_consent(provisions=[("deny", "cpr")]), wishes_consent(custodian=HOSPITAL, at="2025-06-01", provisions=[("permit", "cpr")])]
    )
    assert [(w.wanted, w.source) for w in shown.wishes.wishes] == [("希望しない", "みどり医院"), ("希望する", "中央病院")]
    assert [d.about for d in shown.differing] == ["本人の意思：心停止時の心肺蘇生"]
    assert {side.text for side in shown.differing[0].sides} == {"希望する", "希望しない"}


def test_wishes_older_than_a_year_ask_for_review():
    assert "見直しの時期です" in page([wishes_consent(at="2025-01-10")]).wishes.discussed


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"valueCodeableConcept": {"coding": [{"system": LOINC, "code": "LA33-6"}]}}, "希望する"),
        ({"valueCodeableConcept": {"text": "希望しない"}}, "希望しない"),
        ({"valueBoolean": False}, "希望しない"),
        ({"valueString": "延命は望まない"}, "希望しない"),
        ({"valueCodeableConcept": {"text": "わからない"}}, "未確認"),
        ({"dataAbsentReason": {"coding": [{"code": "not-asked"}]}}, "未確認"),
        ({}, "未確認"),
    ],
)
def test_an_observation_of_a_treatment_is_read_by_its_answer(value, expected):
    assert wanted(page([observation(CLINIC, LOINC, "75787-2", ago(days=9), category="survey", **value)])) == {"人工呼吸・挿管": expected}


def test_words_that_fit_no_answer_are_shown_and_not_guessed():
    shown = page(
        [observation(CLINIC, LOINC, "75787-2", ago(days=9), category="survey", valueString="短いあいだなら、よくなる見込みがあるときだけ")]
    )
    assert wanted(shown) == {"人工呼吸・挿管（「短いあいだなら、よくなる見込みがあるときだけ」）": "場合による"}


def test_that_no_dnr_order_exists_says_nothing_of_what_is_wanted():
    def order(value):
        return wanted(page([observation(HOSPITAL, LOINC, "81351-9", ago(days=9), category="survey", valueBoolean=value)]))

    assert order(True) == {"心停止時の心肺蘇生": "希望しない"}
    assert order(False) == {"心停止時の心肺蘇生": "未確認"}


def test_a_physicians_order_names_its_doctor_as_the_one_who_confirms():
    order = known("ServiceRequest", HOSPITAL, {
        "status": "active", "intent": "directive", "category": [{"coding": [{"system": LOINC, "code": "100822-6"}]}],
        "code": {"coding": [{"system": LOINC, "code": "LA33471-6"}]}, "authoredOn": "2026-11-01", "requester": {"display": "中央病院 内科 森医師"},
    })  # fmt: skip
    shown = page([order])
    assert wanted(shown) == {"心停止時の心肺蘇生": "希望しない"}
    assert shown.wishes.confirm == "中央病院 内科 森医師"


def test_a_document_alone_is_a_statement_whose_words_are_shown():
    document = known("DocumentReference", CLINIC, {
        "status": "current", "type": {"coding": [{"system": LOINC, "code": "42348-3"}]}, "date": "2026-05-01T10:00:00+09:00",
        "description": "管はつけないでほしい", "authenticator": {"display": "佐野医師"},
    })  # fmt: skip
    shown = page([document]).wishes
    assert (shown.known, shown.words, shown.confirm) == ("stated", "管はつけないでほしい", "佐野医師")


def test_a_replaced_document_is_history():
    first = known(
        "DocumentReference",
        CLINIC,
        {"status": "current", "type": {"coding": [{"code": "42348-3"}]}, "description": "前の言葉"},
        key="doc-1",
    )
    second = known("DocumentReference", CLINIC, {"status": "current", "type": {"coding": [{"code": "42348-3"}]}, "description": "今の言葉",
                                                 "relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/doc-1"}}]})  # fmt: skip
    shown = page([first, second]).wishes
    assert (shown.words, shown.history) == ("今の言葉", 1)


def test_the_agent_is_named_as_no_legal_proxy():
    base = "https://tsunagu.example.jp/StructureDefinition"
    consent = wishes_consent(extension=[{"url": f"{base}/acp-agent", "valueString": "長女"}])
    assert "代弁者：長女（法的代理ではありません）" in page([consent]).wishes.present


def test_now_is_the_time_of_the_page():
    assert page([]).now == NOW
