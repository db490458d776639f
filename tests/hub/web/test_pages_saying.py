"""How pages say moments, telephone numbers and names, and how they draw the course of a sign."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.views.ages import JST
from hub.views.emergency_shapes import Vital
from hub.web.pages.drawing import SPARK_EDGE, SPARK_HEIGHT, SPARK_WIDTH, density, direction, spark
from hub.web.pages.saying import as_date, clock, dial, hour, label, readings, remaining, seconds, until
from tests.hub.web import page_models as models

NIGHT = datetime(2026, 11, 24, 14, 38, 40, tzinfo=UTC)


def test_moments_are_said_in_tokyo():
    assert (clock(NIGHT), seconds(NIGHT), hour(NIGHT)) == ("11-24 23:38", "11-24 23:38:40", "23:38")


def test_an_end_at_midnight_belongs_to_the_day_before():
    assert until(datetime(2026, 11, 25, 15, 0, tzinfo=UTC)) == "11-25（水）24:00 まで"


def test_any_other_end_stands_as_it_is():
    assert until(datetime(2026, 11, 29, 18, 0, tzinfo=JST)) == "11-29（日）18:00 まで"


def test_the_end_of_the_year_is_said_on_the_old_years_last_day():
    assert until(datetime(2027, 1, 1, tzinfo=JST)) == "12-31（木）24:00 まで"


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(minutes=237), "3時間57分"),
        (timedelta(minutes=60), "1時間00分"),
        (timedelta(minutes=59, seconds=59), "59分"),
        (timedelta(seconds=1), "0分"),
        (timedelta(0), "0分"),
        (timedelta(seconds=-1), ""),
    ],
)
def test_what_remains_is_rounded_down_and_nothing_remains_after_the_end(left, said):
    assert remaining(NIGHT + left, NIGHT) == said


@pytest.mark.parametrize(
    ("phone", "dialled"),
    [
        ("048-000-1201", "tel:0480001201"),
        ("０９０−００００ー１２３４", "tel:09000001234"),
        ("+81 48 000 1201", "tel:+81480001201"),
        ("（048）000-1201 内線 5", "tel:04800012015"),
        ("なし", ""),
        ("", ""),
        ("٤٢", ""),
    ],
)
def test_a_telephone_number_can_be_dialled_or_is_not_offered(phone, dialled):
    assert dial(phone) == dialled


@pytest.mark.parametrize(
    ("name", "kana", "paired"),
    [
        ("田村 きよ", "たむら きよ", (("田村", "たむら"), ("きよ", ""))),
        ("田村 キヨ", "たむら きよ", (("田村", "たむら"), ("キヨ", ""))),
        ("田村　きよ", "タムラ　キヨ", (("田村", "タムラ"), ("きよ", ""))),
        ("田村きよ", "たむら きよ", (("田村きよ", "たむら きよ"),)),
        ("田村 きよ", "", (("田村 きよ", ""),)),
        ("ﾀﾑﾗ", "たむら", (("ﾀﾑﾗ", ""),)),
    ],
)
def test_kana_stand_over_the_part_they_read_and_over_nothing_that_reads_itself(name, kana, paired):
    assert readings(name, kana) == paired


@given(st.text(max_size=12), st.text(max_size=12))
def test_a_name_is_never_lost_or_changed_by_its_kana(name, kana):
    written = "".join(part for part, _ in readings(name, kana))
    assert written.split() == name.split() or written == "".join(name.split())


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("移動：車いす", ("移動", "車いす")),
        ("車いす", ("", "車いす")),
        ("移動：", ("", "移動：")),
        ("食事：主食：粥", ("食事", "主食：粥")),
    ],
)
def test_a_label_stands_before_the_first_mark(text, split):
    assert label(text) == split


def test_an_unknown_birth_date_is_said_to_be_unknown():
    assert as_date(None) == "生年月日不明"
    assert as_date(date(1942, 3, 8)) == "1942-03-08"


# ── the course of a sign ─────────────────────────────────────────────────────────────────────────────────────────────

OXYGEN = Vital("SpO₂", "90", "%", "ふだん 92–96", outside=True, when="10分前", source="つばさ訪問看護", points=((48.0, 94.0), (24.0, 96.0), (0.0, 90.0)), low=92.0, high=96.0)  # fmt: skip
numbers = st.floats(min_value=-1e6, max_value=1e6)


def test_time_runs_from_the_left_edge_to_now_at_the_right():
    assert spark(OXYGEN).line == "5.0,16.3 80.0,5.0 155.0,39.0"
    assert spark(OXYGEN).dot == (155.0, 39.0)


def test_the_usual_range_is_a_band_of_its_own_height():
    top, height = spark(OXYGEN).band
    assert (top, height) == (5.0, 22.7)


def test_the_course_is_told_to_those_who_do_not_see_it():
    assert spark(OXYGEN).words == "SpO₂の推移：2日前から3回、最小 90、最大 96、最新 90。ふだん 92–96"


def test_without_points_nothing_is_drawn():
    assert spark(replace(OXYGEN, points=())) is None
    assert spark(replace(OXYGEN, points=((1.0, float("nan")), (float("inf"), 2.0)))) is None


def test_without_a_usual_range_there_is_no_band():
    assert spark(replace(OXYGEN, low=None, high=None)).band is None


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=20), numbers, numbers)
def test_every_point_lies_inside_the_box(points, one, other):
    drawn = spark(replace(OXYGEN, points=tuple(points), low=min(one, other), high=max(one, other)))
    for pair in drawn.line.split():
        x, y = map(float, pair.split(","))
        assert SPARK_EDGE <= x <= SPARK_WIDTH - SPARK_EDGE
        assert SPARK_EDGE <= y <= SPARK_HEIGHT - SPARK_EDGE


@pytest.mark.parametrize(("newest", "side"), [(97.0, "高い"), (90.0, "低い"), (94.0, "")])
def test_the_side_on_which_a_sign_lies_is_told_by_its_newest_value(newest, side):
    assert direction(replace(OXYGEN, points=((24.0, 95.0), (0.0, newest)))) == side


def test_a_sign_inside_its_range_lies_on_no_side():
    assert direction(replace(OXYGEN, outside=False)) == ""
    assert direction(replace(OXYGEN, points=())) == ""


def test_more_text_never_makes_the_sheet_larger():
    crowded = [replace(models.LITTLE, problems=models.CROWDED.problems[:n], drugs=models.CROWDED.drugs * n) for n in range(8)]
    sizes = [density(one) for one in crowded]
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1]) == (0, 3)
