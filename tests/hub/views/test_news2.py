"""NEWS2 against the Royal College's chart and the eight vectors reckoned by hand from it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.views.news2 import MAXIMUM, PARTS, Signs, points, score


def signs(rr, spo2, scale, oxygen, sbp, pr, letter, bt):
    def number(value):
        return None if value is None else Decimal(str(value))

    return Signs(number(rr), number(spo2), oxygen, number(sbp), number(pr), letter, number(bt), scale)


@pytest.mark.parametrize(
    ("measured", "total"),
    [
        ((18, 97, 1, False, 128, 76, "A", 36.8), 0),
        ((22, 94, 1, False, 108, 104, "A", 38.3), 6),
        ((26, 90, 1, True, 88, 132, "V", 39.2), 19),
        ((20, 90, 2, True, 130, 88, "A", 37.0), 2),
        ((20, 90, 1, True, 130, 88, "A", 37.0), 5),
        ((20, 97, 2, False, 130, 88, "A", 37.0), 0),
        ((20, 97, 2, True, 130, 88, "A", 37.0), 5),
        ((8, 98, 1, False, 120, 60, "A", 36.5), 3),
        ((26, 90, 1, True, 102, 108, "A", 37.4), 10),
    ],
)
def test_the_vectors_of_the_chart_add_up(measured, total):
    assert score(signs(*measured)).total == total


def test_a_missing_breathing_rate_gives_no_total_and_is_named():
    result = score(signs(None, 98, 1, False, 120, 60, "A", 36.5))
    assert (result.total, result.complete, result.missing) == (None, False, ("呼吸数",))
    assert "0点以上" in result.text


def test_nothing_measured_is_not_a_score_of_zero():
    result = score(Signs())
    assert result.total is None
    assert not result.complete
    assert len(result.missing) == 7


def test_one_parameter_of_three_asks_for_a_look_though_the_total_is_low():
    result = score(signs(8, 98, 1, False, 120, 60, "A", 36.5))
    assert result.tone == "warn"
    assert result.text.startswith("1項目だけで3点")


def test_seven_and_more_is_an_emergency_also_when_incomplete():
    assert score(signs(26, 90, 1, True, 102, 108, "A", 37.4)).tone == "danger"
    assert score(signs(26, 90, 1, True, None, 108, "A", 37.4)).tone == "danger"


@pytest.mark.parametrize(
    ("part", "value", "expected"),
    [
        ("rr", 8, 3), ("rr", 9, 1), ("rr", 11, 1), ("rr", 12, 0), ("rr", 20, 0), ("rr", 21, 2), ("rr", 24, 2), ("rr", 25, 3),
        ("spo2", 91, 3), ("spo2", 92, 2), ("spo2", 93, 2), ("spo2", 94, 1), ("spo2", 95, 1), ("spo2", 96, 0),
        ("sbp", 90, 3), ("sbp", 91, 2), ("sbp", 100, 2), ("sbp", 101, 1), ("sbp", 110, 1), ("sbp", 111, 0), ("sbp", 219, 0), ("sbp", 220, 3),
        ("pr", 40, 3), ("pr", 41, 1), ("pr", 50, 1), ("pr", 51, 0), ("pr", 90, 0), ("pr", 91, 1), ("pr", 110, 1), ("pr", 111, 2), ("pr", 130, 2),
        ("pr", 131, 3), ("bt", "35.0", 3), ("bt", "35.1", 1), ("bt", "36.0", 1), ("bt", "36.1", 0), ("bt", "38.0", 0), ("bt", "38.1", 1),
        ("bt", "39.0", 1), ("bt", "39.1", 2), ("bt", "35.04", 3), ("bt", "35.05", 1),
    ],
)  # fmt: skip
def test_each_edge_of_the_chart_is_on_its_side(part, value, expected):
    assert points(part, Signs(**{part: Decimal(str(value))})) == expected


@pytest.mark.parametrize(
    ("spo2", "oxygen", "expected"),
    [
        (83, True, 3),
        (84, True, 2),
        (86, False, 1),
        (88, True, 0),
        (92, False, 0),
        (93, False, 0),
        (100, False, 0),
        (93, True, 1),
        (95, True, 2),
        (97, True, 3),
    ],
)
def test_scale_two_gives_points_for_high_saturation_only_on_oxygen(spo2, oxygen, expected):
    assert points("spo2", Signs(spo2=Decimal(spo2), oxygen=oxygen, scale=2)) == expected


def test_scale_two_above_92_cannot_be_told_without_knowing_of_oxygen():
    assert points("spo2", Signs(spo2=Decimal(95), scale=2)) is None
    assert points("spo2", Signs(spo2=Decimal(90), scale=2)) == 0


@pytest.mark.parametrize(("letter", "expected"), [("A", 0), ("C", 3), ("V", 3), ("P", 3), ("U", 3)])
def test_all_but_alert_score_three(letter, expected):
    assert points("acvpu", Signs(acvpu=letter)) == expected


def _decimals(low, high, places=0):
    return st.decimals(low, high, places=places) | st.none()


any_signs = st.builds(
    Signs, rr=_decimals(2, 80), spo2=_decimals(30, 100), oxygen=st.sampled_from([True, False, None]), sbp=_decimals(30, 300), pr=_decimals(10, 300),
    acvpu=st.sampled_from(["A", "C", "V", "P", "U", None]), bt=_decimals(25, 45, 1), scale=st.sampled_from([1, 2]),
)  # fmt: skip


@given(any_signs)
def test_what_is_measured_is_scored_and_what_is_not_is_named(measured):
    result = score(measured)
    assert len(result.parts) + len(result.missing) == len(PARTS)
    assert result.complete == (result.total is not None) == (not result.missing)
    if result.total is not None:
        assert 0 <= result.total <= MAXIMUM
