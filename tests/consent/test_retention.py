"""How long records are kept: days by 民法 140条, 143条, years by 医師法24条 and the table."""

from __future__ import annotations

from datetime import date

import pytest

from consent.retention import bases, basis_of_erasure, due, free, years
from consent.tables import keyed


@pytest.mark.parametrize(
    ("newest", "first"),
    [
        ("2026-11-24", "2031-11-25"),
        ("2026-12-31", "2032-01-01"),
        ("2024-02-29", "2029-03-01"),  # 2029 has no such day: through the last of February
        ("2023-02-28", "2028-02-29"),  # through 2028-02-28, and that year has a day more
    ],
)
def test_the_day_itself_does_not_count_and_the_years_end_with_the_day_before(newest: str, first: str) -> None:
    assert free("hospital", date.fromisoformat(newest)) == date.fromisoformat(first)


def test_the_longest_of_all_custodians_is_waited_for() -> None:
    assert due([("hospital", date(2026, 11, 24)), ("home-help", date(2027, 1, 4)), ("clinic", date(2020, 1, 1))]) == date(2032, 1, 5)
    assert due([]) is None


def test_a_kind_that_the_table_does_not_know_keeps_as_long_as_the_longest() -> None:
    assert years("a kind of tomorrow") == max(int(row["years"]) for row in keyed("retention", "kind").values())


def test_no_clinical_record_is_kept_less_than_the_five_years_of_the_physicians_law() -> None:
    assert min(years(kind) for kind in ("hospital", "clinic", "dentist")) >= 5


def test_each_ground_of_an_erasure_is_said_in_both_languages() -> None:
    assert set(bases()) >= {"JP-35-1", "JP-35-5"}
    assert all(row["ja"] and row["en"] for row in keyed("erasure", "code").values())


def test_the_ground_of_an_erasure_is_said_in_words():
    code = bases()[0]
    assert basis_of_erasure(code) != (code, code)
    assert basis_of_erasure("of another edition") == ("of another edition", "of another edition")
