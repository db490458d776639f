"""Signs against the person's own usual range; all expected ranges are reckoned by hand from mean ± 2σ (n−1)."""

from datetime import timedelta

import pytest

from tests.hub.views.emergency_persons import (
    CLINIC,
    HOSPITAL,
    LOINC,
    NOW,
    NURSE,
    ago,
    baseline,
    condition,
    encounter,
    known,
    observation,
    page,
    patient,
    quantity,
    vital_set,
)  # fmt: skip


def vital(shown, name):
    return next(v for v in shown.vitals if v.name.startswith(name))


def rates(values):
    """One pulse a day at ten, the last two days ago."""
    return [one for day, value in enumerate(values, start=2) for one in vital_set(NOW - timedelta(days=day), pr=value)]


def test_the_usual_range_is_the_mean_and_two_standard_deviations():
    # 70 72 74 76 78: mean 74, σ = √10 = 3.162 → 67.7–80.3
    shown = vital(page([*rates([70, 72, 74, 76, 78]), *vital_set(ago(minutes=5), pr=81)]), "脈拍")
    assert (shown.usual, shown.low, shown.high, shown.outside) == ("ふだん 68–80", 68.0, 80.0, True)
    assert "5回" in shown.note


def test_a_value_on_the_printed_limit_is_inside():
    assert not vital(page([*rates([70, 72, 74, 76, 78]), *vital_set(ago(minutes=5), pr=80)]), "脈拍").outside


def test_four_measurements_are_no_usual_self():
    shown = vital(page([*rates([70, 72, 74, 76]), *vital_set(ago(minutes=5), pr=140)]), "脈拍")
    assert (shown.usual, shown.outside, shown.low) == ("ふだんの値なし", False, None)
    assert "4回だけ" in shown.note


def test_what_is_older_than_thirty_days_before_the_newest_set_is_not_usual():
    old = [one for day in range(31, 40) for one in vital_set(NOW - timedelta(days=day), pr=75)]
    assert vital(page([*old, *vital_set(ago(minutes=5), pr=81)]), "脈拍").usual == "ふだんの値なし"


def test_what_was_measured_on_an_urgent_visit_is_not_usual():
    visit = encounter(ago(days=3), urgent=True, key="enc-1")
    ill = [one for hour in range(5) for one in vital_set(ago(days=3, hours=-hour), pr=150, encounter={"reference": "Encounter/enc-1"})]
    assert vital(page([visit, *ill, *vital_set(ago(minutes=5), pr=81)]), "脈拍").usual == "ふだんの値なし"


def test_saturation_never_reaches_above_a_hundred():
    usual = [one for day, value in enumerate([100, 96, 100, 96, 100], start=2) for one in vital_set(NOW - timedelta(days=day), spo2=value)]
    shown = vital(page([*usual, *vital_set(ago(minutes=5), spo2=97)]), "SpO₂")
    # mean 98.4, σ 2.19 → 94.0–102.8, cut at what can be measured
    assert (shown.usual, shown.high) == ("ふだん 94–100", 100.0)


def test_pressure_stands_as_a_pair_and_is_judged_by_the_upper_value():
    shown = vital(page([*baseline(), *vital_set(ago(minutes=5), sbp=102, dbp=64)]), "血圧")
    assert (shown.value, shown.unit, shown.outside) == ("102/64", "mmHg", True)


def test_two_separate_observations_of_one_minute_are_one_pressure():
    at = ago(minutes=5)
    pair = [
        observation(HOSPITAL, LOINC, "8480-6", at, **quantity(131, "mm[Hg]")),
        observation(HOSPITAL, LOINC, "8462-4", at, **quantity(72, "mm[Hg]")),
    ]
    assert vital(page(pair), "血圧").value == "131/72"


def test_japanese_nursing_codes_and_units_are_read():
    medis = "http://medis.or.jp/CodeSystem/master-nursingObservationKeyCode"
    shown = page([observation(HOSPITAL, medis, "31001368", ago(minutes=5), valueQuantity={"value": 37.0, "unit": "℃"})])
    assert vital(shown, "体温").value == "37.0"


def test_fahrenheit_is_turned_into_celsius():
    shown = page([observation(HOSPITAL, LOINC, "8310-5", ago(minutes=5), **quantity(98.6, "[degF]"))])
    assert vital(shown, "体温").value == "37.0"


@pytest.mark.parametrize("more", [quantity(400, "/min"), quantity(18, "kg"), {"valueString": "速い"}, {}])
def test_what_cannot_be_a_breathing_rate_is_not_shown_as_one(more):
    assert page([observation(HOSPITAL, LOINC, "9279-1", ago(minutes=5), **more)]).vitals == ()


def test_what_was_entered_in_error_is_not_shown():
    assert page([observation(HOSPITAL, LOINC, "9279-1", ago(minutes=5), status="entered-in-error", **quantity(18, "/min"))]).vitals == ()


def test_points_run_from_the_oldest_to_the_newest_in_hours_before_now():
    shown = vital(page([*rates([70, 72]), *vital_set(ago(hours=1), pr=81)]), "脈拍")
    assert shown.points == ((72.0, 72.0), (48.0, 70.0), (1.0, 81.0))


# ── consciousness ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_usual_disorientation_of_dementia_scores_nothing():
    shown = page([*baseline(), *vital_set(ago(minutes=5), rr=18, spo2=96, flow=0, sbp=126, pr=78, bt=36.2, jcs="I-2")])
    assert shown.consciousness.text == "ふだん通り"
    assert "JCS I-2" in shown.consciousness.detail
    assert shown.score.total == 0


def test_the_same_state_scores_three_in_somebody_who_is_usually_clear():
    shown = page([*baseline(jcs="0"), *vital_set(ago(minutes=5), rr=18, spo2=96, flow=0, sbp=126, pr=78, bt=36.2, jcs="2")])
    assert shown.consciousness.text == "ふだんより悪い"
    assert shown.consciousness.chip.tone == "danger"
    assert shown.score.total == 3


def test_without_a_usual_state_disorientation_is_not_scored_and_said_to_be_missing():
    shown = page(vital_set(ago(minutes=5), rr=18, spo2=96, flow=0, sbp=126, pr=78, bt=36.2, jcs="2"))
    assert not shown.score.complete
    assert shown.score.missing == ("意識（JCS I-2、ふだんの値なし）",)


def test_three_digit_coma_needs_no_usual_state():
    shown = page(vital_set(ago(minutes=5), rr=18, spo2=96, flow=0, sbp=126, pr=78, bt=36.2, jcs="JCS Ⅲ-300R"))
    assert shown.score.total == 3


# ── the score on the page ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_of_the_chart_adds_up_to_ten():
    shown = page([*baseline(), *vital_set(ago(minutes=10), rr=26, spo2=90, flow=3, sbp=102, pr=108, bt=37.4, jcs="2")])
    assert shown.score.parts == ("呼吸3", "SpO₂3", "酸素2", "血圧1", "脈拍1", "意識0", "体温0")
    assert (shown.score.total, shown.score.tone) == (10, "danger")


def test_an_incomplete_set_names_what_is_missing_and_why():
    earlier = vital_set(ago(days=2), rr=16)
    shown = page([*earlier, *vital_set(ago(minutes=5), spo2=98, sbp=120, pr=60, bt=36.5)])
    assert shown.score.total is None
    assert shown.score.missing == ("呼吸数（今回は測定なし）", "酸素吸入の有無", "意識（記録なし）")


def test_oxygen_is_never_guessed_from_silence():
    shown = page(vital_set(ago(minutes=5), rr=18, spo2=96, sbp=126, pr=78, bt=36.2, jcs="0"))
    assert "酸素吸入の有無" in shown.score.missing


def test_scale_two_holds_only_where_it_was_said():
    local = "https://tsunagu.example.jp/CodeSystem/vn-observation"
    said = {"code": {"coding": [{"system": local, "code": "spo2_scale"}]}, "valueInteger": 2}
    oxygen = {"code": {"coding": [{"system": LOINC, "code": "3151-8"}]}, **quantity(1, "L/min")}
    rest = vital_set(ago(minutes=5), rr=20, sbp=130, pr=88, bt=37.0, jcs="0")
    without = page([*rest, observation(NURSE, LOINC, "59408-5", ago(minutes=5), **quantity(90, "%"), component=[oxygen])])
    told = page([*rest, observation(NURSE, LOINC, "59408-5", ago(minutes=5), **quantity(90, "%"), component=[oxygen, said])])
    assert (without.score.total, told.score.total) == (5, 2)
    assert "尺度2" in told.score.text


def test_a_score_of_last_week_says_so_and_raises_no_colour():
    shown = page(vital_set(ago(days=7), rr=26, spo2=90, flow=3, sbp=88, pr=132, bt=39.2, jcs="10"))
    assert shown.score.text.startswith("7日前の値です")
    assert shown.score.tone == "info"


def test_children_and_pregnancy_have_no_news2():
    child = page([patient(birthDate="2015-01-01"), *vital_set(ago(minutes=5), rr=26)])
    mother = page([patient(birthDate="1995-01-01"), condition("妊娠", icd="O26.9"), *vital_set(ago(minutes=5), rr=26)])
    assert "16歳未満" in child.score.text
    assert "妊娠中" in mother.score.text


def test_a_visiting_nurses_flag_of_oxygen_counts_without_a_flow():
    local = "https://tsunagu.example.jp/CodeSystem/vn-observation"
    flag = {"code": {"coding": [{"system": local, "code": "o2_on"}]}, "valueBoolean": True}
    shown = page([observation(NURSE, LOINC, "59408-5", ago(minutes=5), **quantity(90, "%"), component=[flag])])
    assert shown.vitals[0].name == "SpO₂（酸素吸入中）"


def test_measurements_without_a_custodians_patient_still_show():
    assert page([known("Observation", CLINIC, {"status": "final", "code": {"coding": [{"system": LOINC, "code": "8867-4"}]},
                                               "effectiveDateTime": "2026-11-24T23:00:00+09:00", **quantity(60, "/min")})]).vitals[0].value == "60"  # fmt: skip
