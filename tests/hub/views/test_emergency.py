"""The whole 急変時 page: persons written by hand, and what holds for any part of them."""

import copy
import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.views.emergency_shapes import Call, Vital, Wish
from hub.views.shapes import Differing, Line
from tests.hub.views.emergency_persons import (
    CLINIC,
    HOSPITAL,
    MANAGER,
    NOW,
    NURSE,
    ago,
    care_plan,
    condition,
    drug,
    encounter,
    kiyo,
    known,
    page,
    patient,
    related,
    told,
    vital_set,
    wishes_consent,
)  # fmt: skip

KIYO = tuple(kiyo())


def texts(lines):
    return [one.text for one in lines]


# ── hand-written persons ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_woman_of_the_story_fits_on_one_page():
    shown = page(KIYO)
    assert (shown.name, shown.age, shown.alone, shown.care_level.text) == ("田村 きよ", 84, "独居", "要介護3（〜2027-03-31）")
    assert [a.chip.text for a in shown.alerts] == ["アレルギー", "抗凝固", "機器", "酸素", "誤嚥"]
    assert [(v.value, v.outside) for v in shown.vitals] == [("26", True), ("90", True), ("102/64", True), ("108", True), ("37.4", True)]
    assert (shown.consciousness.text, shown.score.total) == ("ふだん通り", 10)
    assert [d.about for d in shown.differing] == ["フロセミド"]
    assert shown.next_visit == "11-26 10:00 つばさ訪問看護"
    assert shown.no_one_to_call == ""


def test_problems_stand_active_before_past_and_say_when_they_are_old():
    shown = page(KIYO)
    assert texts(shown.problems)[-2:] == ["アルツハイマー型認知症", "大腿骨頸部骨折術後"]
    old = {one.text: (one.old, one.when) for one in shown.problems}
    assert old["アルツハイマー型認知症"] == (True, "1年2か月前")
    assert old["大腿骨頸部骨折術後"] == (False, "2024年")
    assert shown.problems[-1].chip.text == "既往"


def test_the_last_three_visits_carry_the_clock_and_how_long_ago():
    shown = page(KIYO).visits
    assert (shown[0].text, shown[0].when, shown[0].source) == (
        "臨時・訪問：息苦しさ、SpO2 88 %、酸素3 Lへ",
        "11-24 23:20（21分前）",
        "つばさ訪問看護",
    )
    assert len(shown) == 3


def test_a_person_with_nobody_to_call_is_not_the_same_as_one_nobody_asked():
    nobody = page([patient(), told(MANAGER, "家族状況", "身寄りなし", ago(days=9), category="social-history")])
    assert nobody.no_one_to_call == "家族等なし（確認 9日前・さくら居宅）"
    assert nobody.calls == ()


def test_a_person_who_was_never_asked_has_no_wishes_and_says_so():
    assert page([patient(), condition("心房細動")]).wishes.known == "unasked"


def test_a_deceased_person_is_said_to_be_dead_at_the_top():
    assert page([*KIYO, patient(CLINIC, key="pat-3", deceasedDateTime="2026-11-24T22:10:00+09:00")]).deceased.startswith(
        "死亡 2026-11-24 22:10（1時間前"
    )


def test_incomplete_vitals_make_no_score_of_zero():
    shown = page([patient(), *vital_set(ago(minutes=5), spo2=98, flow=0, sbp=120, pr=60, bt=36.5, jcs="0")])
    assert (shown.score.total, shown.score.missing) == (None, ("呼吸数",))


def test_what_came_in_two_versions_is_shown_in_the_newer():
    first = known("Condition", CLINIC, {"code": {"text": "肺炎の疑い"}, "recordedDate": "2026-11-01"}, key="c-1")
    second = known("Condition", CLINIC, {"code": {"text": "肺炎"}, "recordedDate": "2026-11-02"}, key="c-1", version=2)
    assert texts(page([second, first]).problems) == ["肺炎"]


def test_a_diagnosis_that_is_only_suspected_says_so():
    assert texts(page([condition("肺炎", verificationStatus={"coding": [{"code": "provisional"}]})]).problems) == ["肺炎（疑い）"]


def test_japanese_modifiers_are_read_where_the_source_gives_no_text():
    url = "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/JP_Condition_Disease"
    code = {"extension": [{"url": f"{url}PrefixModifier", "valueCodeableConcept": {"text": "過敏性"}},
                          {"url": f"{url}PostfixModifier", "valueCodeableConcept": {"text": "の疑い"}}], "coding": [{"display": "大腸炎"}]}  # fmt: skip
    assert texts(page([condition("", code=code)]).problems) == ["過敏性大腸炎の疑い"]


def test_the_intentions_of_the_plan_are_shown_whole():
    shown = page([care_plan(description="家での暮らしを支える。\n緊急連絡先：長女 090-0000-0000")])
    assert texts(shown.matters) == ["援助の方針：家での暮らしを支える。\n緊急連絡先：長女 090-0000-0000"]


def test_the_newest_word_on_each_part_of_the_day_holds():
    shown = page(
        [told(NURSE, "移動", "杖", ago(days=300)), told(NURSE, "移動", "車いす", ago(days=3)), told(NURSE, "食事", "自分で", ago(days=250))]
    )
    assert [(one.text, one.old) for one in shown.usual_self] == [("移動：車いす", False), ("食事：自分で", True)]


def test_the_next_visit_is_the_nearest_that_lies_ahead():
    def booked(start, status="booked"):
        return known("Appointment", NURSE, {"status": status, "start": start})

    shown = page(
        [booked("2026-11-20T10:00:00+09:00"), booked("2026-12-01T10:00:00+09:00"), booked("2026-11-25T09:00:00+09:00", "cancelled")]
    )
    assert shown.next_visit == "12-01 10:00 つばさ訪問看護"


def test_a_proposed_visit_without_a_clock_is_said_by_its_day():
    proposed = known("Appointment", NURSE, {"status": "proposed", "requestedPeriod": [{"start": "2026-11-26"}]})
    assert page([proposed]).next_visit == "11-26 つばさ訪問看護"


def test_nothing_known_makes_a_page_that_says_so():
    shown = page([])
    assert (shown.allergy_state, shown.wishes.known, shown.no_one_to_call) == ("unknown", "unasked", "家族・緊急連絡先：未確認")
    assert shown.score.total is None


# ── what holds for any part ──────────────────────────────────────────────────────────────────────────────────────────


def lines(shown):
    for field in dataclasses.fields(shown):
        value = getattr(shown, field.name)
        for one in value if isinstance(value, tuple) else [value]:
            if isinstance(one, Line):
                yield one
            if isinstance(one, Differing):
                yield from one.sides


@given(st.sets(st.sampled_from(range(len(KIYO)))))
@settings(max_examples=60, deadline=None)
def test_any_part_of_what_is_known_makes_a_page_whose_lines_have_age_and_source(chosen):
    shown = page([KIYO[i] for i in sorted(chosen)])
    for one in lines(shown):
        assert one.text
        assert one.when
        assert one.source
    for one in (*shown.vitals, *shown.wishes.wishes, *shown.calls):
        assert isinstance(one, Vital | Wish | Call)
        assert one.when
        assert one.source
    assert shown.score.complete == (shown.score.total is not None)
    if any(w.treatment == "心停止時の心肺蘇生" and w.wanted == "希望しない" for w in shown.wishes.wishes):
        assert "心停止のときだけ" in shown.wishes.conditions
        assert shown.wishes.confirm


@given(st.permutations(range(len(KIYO))))
@settings(max_examples=25, deadline=None)
def test_the_order_of_arrival_does_not_change_the_page(order):
    assert page([KIYO[i] for i in order]) == page(KIYO)


def paths(value, here=()):
    """All places inside a resource."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*here, key)
        yield from paths(one, (*here, key))


def changed(body, place, value):
    """The resource without the element at a place, or with another value there."""
    made = copy.deepcopy(body)
    spot = made
    for step in place[:-1]:
        spot = spot[step]
    if value is None:
        del spot[place[-1]]
    else:
        spot[place[-1]] = value
    return made


ODD = st.sampled_from(
    [None, "", "？", 0, -1, 1e308, True, [], {}, [[]], [{}], {"reference": "#x"}, ["2026-02-30"], "9999-12-31", "0001-01-01T00:00:00Z"]
)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_missing_or_odd_element_stops_the_page(data):
    index = data.draw(st.sampled_from(range(len(KIYO))))
    places = [place for place in paths(KIYO[index].body) if place != ("resourceType",)]
    body = changed(KIYO[index].body, data.draw(st.sampled_from(places)), data.draw(ODD))
    shown = page([*KIYO[:index], dataclasses.replace(KIYO[index], body=body), *KIYO[index + 1 :]])
    assert all(one.text and one.when and one.source for one in lines(shown))


@given(
    st.sampled_from(
        ["Patient", "Observation", "Consent", "CarePlan", "Encounter", "MedicationRequest", "Flag", "DeviceUseStatement", "RelatedPerson"]
    ),
    st.recursive(
        ODD,
        lambda inner: st.dictionaries(st.sampled_from(["code", "coding", "text", "status", "period", "name", "extension", "url"]), inner),
    ),
)
@settings(max_examples=100, deadline=None)
def test_a_resource_of_any_shape_makes_a_page(kind, body):
    assert page([known(kind, HOSPITAL, body if isinstance(body, dict) else {"code": body})]).person == "p-1"


def test_the_page_carries_its_moment_and_freshness():
    shown = page([related("恵", "長女", "090-0000-4418"), drug("フロセミド錠20mg", "朝食後"), encounter(ago(days=3)), wishes_consent()])
    assert (shown.now, shown.fresh) == (NOW, "最後の更新 23:41、遅れなし")


def test_the_care_manager_is_named_by_the_plan_and_not_by_a_part_of_it():
    part = {"status": "active", "intent": "plan", "author": {"identifier": {"value": MANAGER}}, "partOf": [{"reference": "CarePlan/plan"}]}
    said = [
        call.who for call in page([patient(), care_plan(display="さくら居宅 小川"), known("CarePlan", MANAGER, part, key="part")]).calls
    ]
    assert any("小川" in who for who in said)
