"""Ages in words: hand-written pairs, and properties over all dates."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.views.ages import JST, Moment, age, is_old, moment, months_between, relative, with_era
from tests.hub.views.emergency_persons import NOW


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ("2026-11-24T23:40:30+09:00", "たった今"),
        ("2026-11-24T23:20:00+09:00", "21分前"),
        ("2026-11-24T14:20:00Z", "21分前"),
        ("2026-11-24T08:00:00+09:00", "15時間前"),
        ("2026-11-23T23:41:01+09:00", "23時間前"),
        ("2026-11-23T10:00:00+09:00", "1日前"),
        ("2026-11-24", "今日"),
        ("2026-11-21", "3日前"),
        ("2026-11-12", "12日前"),
        ("2026-10-25", "30日前"),
        ("2026-10-24", "1か月前"),
        ("2026-03-24", "8か月前"),
        ("2025-11-25", "11か月前"),
        ("2025-11-24", "1年前"),
        ("2025-09-20", "1年2か月前"),
        ("2023-01-01", "3年前"),
        ("2019", "2019年"),
        ("2024-05", "2024年5月"),
        ("2026-11-26T10:00:00+09:00", "2026-11-26 10:00"),
        ("2026-12-03", "2026-12-03"),
    ],
)
def test_an_age_is_said_as_a_nurse_would_say_it(then, said):
    assert relative(moment(then), NOW) == said


@pytest.mark.parametrize("text", ["", "きのう", "2026-13-01", "2026-02-30", "20261124", None, 20261124, "2026-11-24T99:00", "0000-01-01"])
def test_what_is_no_date_is_none(text):
    assert moment(text) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1942-03-08", "1942-03-08（昭和17）"), ("1926-12-24", "1926-12-24（大正15）"), ("1926-12-25", "1926-12-25（昭和元）"),
        ("1989-01-07", "1989-01-07（昭和64）"), ("1989-01-08", "1989-01-08（平成元）"), ("2019-04-30", "2019-04-30（平成31）"),
        ("2019-05-01", "2019-05-01（令和元）"), ("1942-03", "1942年3月（日は不明）"), ("1942", "1942年（日付は不明）"), ("1820-01-01", "1820-01-01"),
    ],
)  # fmt: skip
def test_a_birth_date_carries_its_era_and_stays_as_partial_as_it_came(text, shown):
    assert with_era(moment(text)) == shown


@pytest.mark.parametrize(
    ("birth", "years"),
    [("1942-11-24", 84), ("1942-11-25", 83), ("2008-02-29", 18), ("1942", None), ("1942-03", None), ("2030-01-01", None)],
)
def test_full_years_are_counted_on_the_birthday_and_never_from_a_partial_date(birth, years):
    assert age(moment(birth), NOW) == years


def test_what_has_no_date_is_old_only_where_a_rule_exists():
    assert is_old("problem", None, NOW)
    assert not is_old("past", None, NOW)


@pytest.mark.parametrize(("kind", "day", "old"), [("problem", "2025-11-24", False), ("problem", "2025-11-23", True), ("usual", "2026-03-24", True),
                                                  ("home", "2026-05-24", False), ("allergy", "1990", False), ("drug", "2026-08-25", True)])  # fmt: skip
def test_each_kind_has_its_own_limit(kind, day, old):
    assert is_old(kind, moment(day), NOW) is old


moments = st.datetimes(datetime(1900, 1, 2), datetime(2100, 1, 1)).map(lambda d: Moment(d.replace(tzinfo=JST), "time"))  # noqa: DTZ001


@given(moments, st.sampled_from(["year", "month", "day", "time"]))
def test_every_moment_can_be_said(what, precision):
    assert relative(Moment(what.start, precision), NOW)


@given(st.integers(0, 30_000))
def test_days_back_are_never_said_to_lie_ahead(days):
    said = relative(Moment(NOW - timedelta(days=days), "day"), NOW)
    assert said.endswith("前") or said == "今日"


@given(st.dates(date(1950, 1, 1), date(2030, 1, 1)), st.integers(0, 20_000))
def test_whole_months_never_exceed_the_days_between(then, days):
    months = months_between(then, then + timedelta(days=days))
    assert 0 <= months * 28 <= days + 3


@given(moments, st.integers(1, 400))
def test_what_is_old_stays_old(what, later):
    for kind in ("problem", "drug", "vital"):
        if is_old(kind, what, NOW):
            assert is_old(kind, what, NOW + timedelta(days=later))
