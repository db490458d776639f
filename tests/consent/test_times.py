"""Dates of a consent: whole days of Asia/Tokyo, inclusive ends, leap seconds, and what is no date."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.rules import Days
from consent.times import days, period, span
from schemas.errors import BadValue, BrokenRule

SECOND = timedelta(seconds=1)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("2026", utc(2025, 12, 31, 15), utc(2026, 12, 31, 15)),
        ("2026-02", utc(2026, 1, 31, 15), utc(2026, 2, 28, 15)),
        ("2024-02", utc(2024, 1, 31, 15), utc(2024, 2, 29, 15)),
        ("2026-03-31", utc(2026, 3, 30, 15), utc(2026, 3, 31, 15)),
        ("2026-03-31T23:59:59+09:00", utc(2026, 3, 31, 14, 59, 59), utc(2026, 3, 31, 15)),
        ("2026-03-31T14:59:59Z", utc(2026, 3, 31, 14, 59, 59), utc(2026, 3, 31, 15)),
        ("2026-03-31T14:59:59+00:00", utc(2026, 3, 31, 14, 59, 59), utc(2026, 3, 31, 15)),
        ("2016-12-31T23:59:60Z", utc(2016, 12, 31, 23, 59, 59), utc(2017, 1, 1)),
        ("2026-03-31T10:00:00.5Z", utc(2026, 3, 31, 10, 0, 0, 500_000), utc(2026, 3, 31, 10, 0, 0, 600_000)),
        ("2026-03-31T10:00:00.123456789Z", utc(2026, 3, 31, 10, 0, 0, 123_456), utc(2026, 3, 31, 10, 0, 0, 123_457)),
    ],
)
def test_a_date_is_all_that_it_may_mean(text, first, after):
    assert span(text, "x") == (first, after)


@pytest.mark.parametrize(
    "text",
    ["", "2026-13", "2026-02-30", "26-01-01", "2026-01-01T10:00+09:00", "2026-01-01T10:00:00", "2026-01-01T25:00:00Z", "9999-12-31", "9999",
     "0000-01-01", "0001-01-01", "0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59Z", "２０２６-01-01", "2026-01-01T10:00:00+25:00"],
)  # fmt: skip
def test_what_is_no_date_is_refused_at_its_place(text):
    with pytest.raises(BadValue) as caught:
        span(text, "Consent.dateTime")
    assert caught.value.issues[0].where == "Consent.dateTime"


@given(st.dates(date(1900, 1, 1), date(2999, 12, 31)))
def test_days_follow_each_other_without_a_gap(day):
    assert span(day.isoformat(), "x")[1] == span((day + timedelta(days=1)).isoformat(), "x")[0]


def test_an_end_that_is_a_day_is_inclusive_and_an_open_end_is_none():
    assert period({"end": "2026-03-31"}, "x") == (None, utc(2026, 3, 31, 15))
    assert period({"start": "2026-03-31"}, "x") == (utc(2026, 3, 30, 15), None)
    assert period({"start": "2026-03-31", "end": "2026-03-31"}, "x") == (utc(2026, 3, 30, 15), utc(2026, 3, 31, 15))


def test_a_period_that_ends_before_it_begins_is_refused():
    with pytest.raises(BrokenRule):
        period({"start": "2026-04-01", "end": "2026-03-31"}, "x")


def test_a_time_within_a_day_leaves_that_day_out_of_what_is_surely_inside():
    assert days({"start": "2026-03-01T10:00:00+09:00", "end": "2026-03-31T10:00:00+09:00"}, "x") == Days(
        date(2026, 3, 2), date(2026, 3, 30), date(2026, 3, 1), date(2026, 3, 31)
    )
    assert days({}, "x") == Days()
