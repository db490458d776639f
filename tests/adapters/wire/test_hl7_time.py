"""Time stamps of HL7 v2 as they are really written: partial, late at night, with and without the dot before a fraction."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.wire.hl7_time import read_stamp
from schemas.errors import BadValue


@pytest.mark.parametrize(
    ("written", "fhir"),
    [
        ("1951", "1951"),
        ("195103", "1951-03"),
        ("19510309", "1951-03-09"),
        ("19510000", "1951"),  # month and day unknown
        ("19510300", "1951-03"),
        ("2026040710", "2026-04-07T10:00:00+09:00"),
        ("202604071005", "2026-04-07T10:05:00+09:00"),
        ("20260407100530", "2026-04-07T10:05:30+09:00"),
        ("20260407100530.1234", "2026-04-07T10:05:30.123400+09:00"),
        ("20260407100530123", "2026-04-07T10:05:30.123000+09:00"),  # the dot is missing
        ("202604071005.321", "2026-04-07T10:05:00.321000+09:00"),  # the seconds are missing
        ("20260407100530+0000", "2026-04-07T19:05:30+09:00"),
        ("202604072430", "2026-04-08T00:30:00+09:00"),  # 24:30 is half past midnight of the next day
        ("2026123147", "2027-01-01T23:00:00+09:00"),
    ],
)
def test_a_stamp_keeps_as_much_as_was_written(written, fhir):
    assert read_stamp(written, where="PV1-44").fhir == fhir


def test_an_hour_beyond_23_is_marked():
    assert read_stamp("202604072430", where="PV1-44").late
    assert not read_stamp("202604072330", where="PV1-44").late


def test_a_day_begins_at_midnight_in_japan_and_says_so_only_when_asked():
    day = read_stamp("20260421", where="PV2-8")
    assert (day.at.isoformat(), day.at.utcoffset(), day.precision) == ("2026-04-21T00:00:00+09:00", timedelta(hours=9), "day")


@pytest.mark.parametrize(
    "written",
    ["", "202", "20260230", "20261301", "20260407100560", "2026040748", "2026-04-07", "20260407 1005", "２０２６", "00000101", "2026040710053",
     "20260407.5", "2026040.1", "99991231470000", "20260407100530+9999"],
)  # fmt: skip
def test_what_no_calendar_has_is_refused_at_its_place(written):
    with pytest.raises(BadValue) as caught:
        read_stamp(written, where="PV1-44")
    assert [(one.rule, one.where, dict(one.words)) for one in caught.value.issues] == [("HUB-1015", "PV1-44", {})]


@settings(deadline=None)
@given(st.datetimes())
def test_every_moment_comes_back(at):
    text = f"{at.year:04}{at:%m%d%H%M%S}.{at.microsecond:06}"
    assert read_stamp(text, where="MSH-7").at.replace(tzinfo=None) == at


@settings(deadline=None)
@given(st.text(st.sampled_from("0123456789.+-"), max_size=22))
def test_any_digits_are_a_time_or_are_refused(text):
    try:
        found = read_stamp(text, where="MSH-7")
    except BadValue:
        return
    assert found.date.startswith(text[:4])
