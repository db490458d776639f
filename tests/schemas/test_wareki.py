"""Era dates are read in their own era or refused; periods in words are read when they are plain, and otherwise left as words."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import BadValue
from schemas.messages import catalogue
from schemas.wareki import WrittenPeriod, from_wareki, to_wareki, written_period


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("R080401", date(2026, 4, 1)),
        ("R010501", date(2019, 5, 1)),
        ("H310430", date(2019, 4, 30)),
        ("H010108", date(1989, 1, 8)),
        ("S640107", date(1989, 1, 7)),
        ("S150503", date(1940, 5, 3)),
        ("S011225", date(1926, 12, 25)),
        ("T010730", date(1912, 7, 30)),
        ("M450729", date(1912, 7, 29)),
        ("M060101", date(1873, 1, 1)),
    ],
)
def test_a_day_is_read_in_its_era(text, day):
    assert from_wareki(text, where="row 2, birth") == day
    assert to_wareki(day, where="row 2, birth") == text


@pytest.mark.parametrize(
    "text", ["H310501", "R010430", "S640108", "T151225", "M051231", "R080230", "R000101", "X010101", "R8.4.1", "", "R08040１"]
)
def test_a_day_outside_its_era_is_refused_at_its_place_without_its_text(text):
    with pytest.raises(BadValue) as caught:
        from_wareki(text, where="row 2, birth")
    assert [(i.rule, i.where, dict(i.words)) for i in caught.value.issues] == [("HUB-2030", "row 2, birth", {})]
    assert "HUB-2030" in catalogue()


def test_a_day_before_the_solar_calendar_is_not_written():
    with pytest.raises(BadValue):
        to_wareki(date(1872, 12, 31), where="x")


@given(st.dates(min_value=date(1873, 1, 1), max_value=date(2117, 12, 31)))
def test_a_day_written_and_read_again_is_the_same(day):
    assert from_wareki(to_wareki(day, where="x"), where="x") == day


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("R7.10.1～R8.9.30", "2025-10-01", "2026-09-30"),
        ("R7/10/1〜R8/3/31", "2025-10-01", "2026-03-31"),
        ("Ｒ７．１０．１～Ｒ８．３．３１", "2025-10-01", "2026-03-31"),
        ("令和7年10月1日から", "2025-10-01", ""),
        ("令和７年１０月１日から令和８年３月３１日まで", "2025-10-01", "2026-03-31"),
        ("令和7年10月 ～ 令和8年3月", "2025-10", "2026-03"),
        ("令和元年5月～", "2019-05", ""),
        ("R7.10～R8.3", "2025-10", "2026-03"),
        ("H31.4.1-R1.9.30", "2019-04-01", "2019-09-30"),
        ("2025.10.1～2026.3.31", "2025-10-01", "2026-03-31"),
        ("2025/10/01-2026/03/31", "2025-10-01", "2026-03-31"),
        ("～R8.3.31", "", "2026-03-31"),
        ("令和8年3月31日まで", "", "2026-03-31"),
    ],
)
def test_a_period_in_words_is_read_and_stays_as_partial_as_it_was(text, start, end):
    assert written_period(text) == WrittenPeriod(start, end)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "6か月",
        "毎日",
        "R7.10.1",
        "R7.10.1～8.9.30",
        "R8.9.30～R7.10.1",
        "R8.4～R7.10.1",
        "H31.5.1～R2.3.31",
        "R7.13.1～R8.1.1",
        "R2025.10.1～",
        "10月～3月",
        "R7.10.1～R8.9.30頃",
    ],
)
def test_a_text_that_is_no_plain_period_is_left_as_a_text(text):
    assert written_period(text) is None


@given(st.text(max_size=40))
def test_any_text_is_answered(text):
    found = written_period(text)
    assert found is None or found.start or found.end


@given(st.dates(date(2019, 5, 1), date(2090, 1, 1)), st.integers(0, 2000), st.sampled_from(["～", "〜", "~", "から", "-", "－"]))
def test_a_period_written_with_era_letters_is_read_back(first, days, sign):
    last = first + timedelta(days=days)
    text = f"R{first.year - 2018}.{first.month}.{first.day}{sign}R{last.year - 2018}.{last.month}.{last.day}"
    assert written_period(text) == WrittenPeriod(first.isoformat(), last.isoformat())
