"""入院時情報連携加算 and 退院・退所加算: cases worked out by hand from the rules and the calendar."""

import csv
from datetime import date, datetime, timedelta
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.views.ages import JST
from hub.views.calendar_ja import clock, covered, end_of, holidays, is_open, said, why_closed
from hub.views.deadlines import Contact, admission_info, discharge_award, discharge_contacts, ends_today, within
from hub.views.shapes import Office

OFFICE = Office("1179900019", "さくら居宅", "care-manager")
"""Monday to Friday, 9:00 to 18:00, closed on holidays."""


def at(text):
    return datetime.fromisoformat(text.replace(" ", "T")).replace(tzinfo=JST)


def day(text):
    return date.fromisoformat(text)


def reckoned(admitted, now="2025-10-01 09:00", **more):
    return admission_info(at(admitted), more.pop("office", OFFICE), done=more.pop("done", None), now=at(now), **more)


def reached(admitted, informed):
    """Give the class that information of a day (at noon) reaches."""
    made = reckoned(admitted, now="2025-12-01 09:00", done=at(f"{informed} 12:00")).done_as
    return "Ⅰ" if "加算Ⅰ" in made else "Ⅱ" if "加算Ⅱ" in made else "–"


VECTORS = [
    ("2025-10-07 10:00", "2025-10-06 Ⅰ", "2025-10-07 Ⅰ", "2025-10-08 Ⅱ", "2025-10-09 Ⅱ", "2025-10-10 –"),
    ("2025-10-07 19:00", "2025-10-07 Ⅰ", "2025-10-08 Ⅰ", "2025-10-09 Ⅱ", "2025-10-10 –"),
    ("2025-10-09 19:00", "2025-10-10 Ⅰ", "2025-10-11 Ⅱ", "2025-10-12 Ⅱ", "2025-10-13 –"),
    ("2025-10-10 19:00", "2025-10-11 Ⅰ", "2025-10-12 Ⅱ", "2025-10-13 Ⅱ", "2025-10-14 –"),
    ("2025-10-11 11:00", "2025-10-12 Ⅰ", "2025-10-13 Ⅱ", "2025-10-14 –"),
    ("2025-10-24 20:10", "2025-10-25 Ⅰ", "2025-10-26 Ⅱ", "2025-10-27 Ⅱ", "2025-10-28 –"),
    # before opening: inside the day
    ("2026-11-25 00:35", "2026-11-25 Ⅰ", "2026-11-26 Ⅱ", "2026-11-27 Ⅱ", "2026-11-28 –"),
    # a holiday on a weekday is a closed day: 勤労感謝の日
    ("2026-11-23 10:00", "2026-11-24 Ⅰ", "2026-11-25 Ⅱ", "2026-11-26 –"),
    # exactly at closing time
    ("2025-10-07 18:00", "2025-10-08 Ⅰ", "2025-10-09 Ⅱ", "2025-10-10 –"),
    ("2025-10-07 17:59", "2025-10-07 Ⅰ", "2025-10-08 Ⅱ", "2025-10-10 –"),
    # rules of 2018
    ("2023-10-10 10:00", "2023-10-10 Ⅰ", "2023-10-12 Ⅰ", "2023-10-13 Ⅱ", "2023-10-16 Ⅱ", "2023-10-17 –"),
    ("2024-03-31 19:00", "2024-04-02 Ⅰ", "2024-04-03 Ⅱ", "2024-04-06 Ⅱ", "2024-04-07 –"),
    ("2024-04-01 10:00", "2024-04-01 Ⅰ", "2024-04-02 Ⅱ", "2024-04-03 Ⅱ", "2024-04-04 –"),
]


@pytest.mark.parametrize(("admitted", "informed"), [(first, one) for first, *rest in VECTORS for one in rest])
def test_the_class_that_information_of_a_day_reaches(admitted, informed):
    on, expected = informed.split()
    assert reached(admitted, on) == expected


def test_the_limit_is_the_end_of_its_day_to_the_second():
    made = reckoned("2025-10-07 10:00")
    assert (made.first_until, made.second_until) == (at("2025-10-08 00:00"), at("2025-10-10 00:00"))
    assert "加算Ⅰ" in reckoned("2025-10-07 10:00", done=at("2025-10-07 23:59")).done_as
    assert "加算Ⅱ" in reckoned("2025-10-07 10:00", done=at("2025-10-08 00:00")).done_as


def test_an_office_open_on_that_day_has_no_closed_day():
    every_day = Office("1179900019", "さくら居宅", "care-manager", weekdays=frozenset(range(7)), open_on_holidays=True)
    made = reckoned("2025-10-13 10:00", office=every_day)
    assert (made.first_until, made.second_until) == (at("2025-10-14 00:00"), at("2025-10-16 00:00"))


def test_an_office_that_opens_on_saturday_works_on_saturday_but_not_on_holidays():
    office = Office("1179900019", "さくら居宅", "care-manager", weekdays=frozenset(range(6)), opens="8:30", closes="17:30")
    assert reckoned("2025-10-11 17:00", office=office).first_until == at("2025-10-12 00:00")
    assert reckoned("2025-10-11 17:30", office=office).first_until == at("2025-10-13 00:00")
    assert reckoned("2025-10-13 10:00", office=office).first_until == at("2025-10-15 00:00")


def test_the_office_s_own_closed_days_count_as_closed():
    office = Office(
        "1179900019",
        "さくら居宅",
        "care-manager",
        closed_days=frozenset({day("2025-12-29"), day("2025-12-30"), day("2025-12-31"), day("2026-01-02")}),
    )
    made = reckoned("2025-12-29 10:00", office=office)
    assert made.first_until == at("2025-12-31 00:00")
    assert "休業日（事業所の休業日）" in made.reasoning[1]


def test_the_new_year_s_evening_admission_runs_into_the_holidays():
    # Wed 12-31 19:00 after hours; day 3 is Fri 01-02, a plain business day of this office; 01-01 is a holiday
    made = reckoned("2025-12-31 19:00")
    assert (made.first_until, made.second_until) == (at("2026-01-02 00:00"), at("2026-01-03 00:00"))
    # with 01-02 closed the second limit is one day longer
    office = Office("1179900019", "さくら居宅", "care-manager", closed_days=frozenset({day("2026-01-02")}))
    assert reckoned("2025-12-31 19:00", office=office).second_until == at("2026-01-04 00:00")


def test_an_office_round_the_clock_never_closes():
    office = Office(
        "1179900019", "さくら居宅", "care-manager", weekdays=frozenset(range(7)), opens="00:00", closes="24:00", open_on_holidays=True
    )
    assert reckoned("2025-10-13 23:59", office=office).first_until == at("2025-10-14 00:00")


def test_a_closed_day_admission_has_no_extra_day_unless_the_office_chooses_so():
    # Fri 10-10 is made a closed day: day 3 is Sun 10-12
    office = Office("1179900019", "さくら居宅", "care-manager", closed_days=frozenset({day("2025-10-10")}))
    made = reckoned("2025-10-10 10:00", office=office)
    assert made.second_until == at("2025-10-13 00:00")
    assert any("規則に書かれていません" in one for one in made.reasoning)
    assert reckoned("2025-10-10 10:00", office=office, closed_day_extends=True).second_until == at("2025-10-14 00:00")


def test_the_reckoning_is_said_in_sentences():
    made = reckoned("2025-10-10 19:00", now="2025-10-10 20:00")
    assert (made.title, made.edition, made.kind) == ("入院時情報連携加算", "2024年4月〜", "kasan-admission-info")
    assert made.reasoning == (
        "規則：入院時情報連携加算　2024年4月〜。",
        "入院：10-10（金）19:00　営業日の営業終了（18:00）以後。",
        "加算Ⅰ：10-11（土） 24:00 まで　250単位。",
        "加算Ⅱ：10-13（月） 24:00 まで　200単位。",
        "理由：入院は営業終了（18:00）以後。よって翌日まで（翌日が休みでものびません）。",
        "加算Ⅱの終わり 10-12（日） は休業日（日曜日）なので、翌日までのびます。",
        "この間の祝日：10-13（月） スポーツの日。",
    )


def test_an_admission_before_opening_is_said_to_be_inside_the_day():
    assert "営業日の営業前（09:00 から）" in reckoned("2026-11-25 00:35").reasoning[1]


@pytest.mark.parametrize(
    ("now", "state", "today"),
    [
        ("2025-10-06 12:00", "due", False), ("2025-10-07 10:01", "due-today", True), ("2025-10-07 23:59", "due-today", True), ("2025-10-08 00:00", "second", False),
        ("2025-10-09 00:00", "second", True), ("2025-10-09 23:59", "second", True), ("2025-10-10 00:00", "overdue", False),
    ],
)  # fmt: skip
def test_the_state_follows_the_clock(now, state, today):
    made = reckoned("2025-10-07 10:00", now=now)
    assert (made.state, ends_today(made, at(now))) == (state, today)


def test_what_is_sent_is_done_and_says_as_what():
    made = reckoned("2025-10-07 10:00", now="2025-10-20 09:00", done=at("2025-10-08 09:30"))
    assert (made.state, made.done_as) == ("done", "10-08 09:30 提供　加算Ⅱ 200単位")
    assert not ends_today(made, at("2025-10-07 12:00"))


def test_what_is_sent_too_late_is_done_without_a_class():
    assert reckoned("2025-10-07 10:00", done=at("2025-10-10 00:00")).done_as == "10-10 00:00 提供　加算の期限の後"


def test_unconfirmed_receipt_stays_provisional():
    made = reckoned("2025-10-07 10:00", done=at("2025-10-07 12:00"), confirmed=False)
    assert made.done_as.endswith("加算Ⅰ 250単位（受け取りの確認待ち）")


def test_information_before_the_admission_counts_with_a_hint():
    made = reckoned("2025-10-07 10:00", done=at("2025-09-20 12:00"))
    assert "加算Ⅰ" in made.done_as
    assert "個別に判断" in made.reasoning[-1]


def test_an_admission_without_a_time_takes_the_earlier_limit_and_says_so():
    made = reckoned("2025-10-07 00:00", timed=False)
    assert made.first_until == at("2025-10-08 00:00")
    assert "時刻の記録なし" in made.reasoning[1]
    assert any("早いほうの期限" in one for one in made.reasoning)


def test_an_admission_before_all_rules_has_no_deadline():
    made = reckoned("2018-03-31 10:00")
    assert (made.state, made.first_until, made.second_until) == ("none", None, None)
    assert reckoned("2018-03-31 10:00", done=at("2018-04-01 10:00")).state == "none"


def test_times_in_another_zone_are_read_in_tokyo():
    made = admission_info(datetime.fromisoformat("2025-10-07T10:00:00+00:00"), OFFICE, done=None, now=at("2025-10-07 20:00"))
    assert made.first_until == at("2025-10-09 00:00")


def test_beyond_the_table_of_holidays_it_says_that_none_were_counted():
    assert "祝日の表がありません" in reckoned("2027-12-31 19:00").reasoning[-1]


@given(st.dates(date(2024, 4, 1), date(2027, 12, 20)), st.times(), st.frozensets(st.integers(0, 6)), st.booleans())
def test_the_second_limit_never_lies_before_the_first_and_never_beyond_day_four(on, hour, weekdays, on_holidays):
    when = datetime.combine(on, hour)
    office = Office("1179900019", "さくら居宅", "care-manager", weekdays=weekdays, open_on_holidays=on_holidays)
    made = admission_info(when.replace(tzinfo=JST), office, done=None, now=at("2025-01-01 00:00"))
    first, second = end_of(when.date()), end_of(when.date() + timedelta(days=2))
    assert first <= made.first_until <= first + timedelta(days=1)
    assert second <= made.second_until <= second + timedelta(days=1)


# ── other limits ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_hospital_s_three_and_seven_days_count_the_day_of_admission():
    screen = within("risk-screen", at("2025-10-07 19:00"), done=None, now=at("2025-10-08 09:00"))
    talk = within("discharge-interview", at("2025-10-07 19:00"), done=None, now=at("2025-10-14 09:00"))
    assert (screen.first_until, screen.state) == (at("2025-10-10 00:00"), "due")
    assert (talk.first_until, talk.state) == (at("2025-10-14 00:00"), "overdue")


def test_a_limit_that_was_kept_late_says_so():
    assert within("risk-screen", at("2025-10-07 19:00"), done=at("2025-10-09 12:00"), now=at("2025-10-20 09:00")).done_as == "10-09 12:00"
    assert within("risk-screen", at("2025-10-07 19:00"), done=at("2025-10-10 00:00"), now=at("2025-10-20 09:00")).done_as.endswith(
        "（期限の後）"
    )


@pytest.mark.parametrize(
    ("contacts", "award"),
    [
        ([("11-04", False)], ("Ⅰイ", 450, "436132")), ([("11-04", True)], ("Ⅰロ", 600, "436143")),
        ([("11-04", False), ("11-10", False)], ("Ⅱイ", 600, "436144")), ([("11-04", False), ("11-10", True)], ("Ⅱロ", 750, "436145")),
        ([("11-04", False), ("11-10", True), ("11-11", False)], ("Ⅲ", 900, "436146")),
        ([("11-04", False), ("11-10", False), ("11-11", False)], ("Ⅱイ", 600, "436144")), ([("11-04", False), ("11-04", True)], ("Ⅰロ", 600, "436143")),
    ],
)  # fmt: skip
def test_the_class_of_the_discharge_add_on(contacts, award):
    found = discharge_award([Contact(day(f"2025-{one}"), conference) for one, conference in contacts])
    assert (found.name, found.units, found.code) == award


def test_without_a_contact_there_is_no_class():
    assert discharge_award([]) is None


def test_a_contact_until_seven_days_after_discharge_counts():
    talks = [Contact(day("2025-11-04"), False), Contact(day("2025-11-19"), True), Contact(day("2025-11-20"), False)]
    made = discharge_contacts(at("2025-11-12 10:00"), talks, at("2025-11-13 09:00"))
    assert (made.first_until, made.state) == (at("2025-11-20 00:00"), "due")
    assert made.reasoning[-1] == "聞きとり 2回（カンファレンスあり）：Ⅱロ 750単位の記録があります。"
    assert discharge_contacts(at("2025-11-12 10:00"), talks, at("2025-11-20 00:00")).state == "none"


# ── calendar ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_calendar_names_the_reason_why_an_office_is_closed():
    assert why_closed(OFFICE, day("2025-10-11")) == "土曜日"
    assert why_closed(OFFICE, day("2025-10-13")) == "祝日・スポーツの日"
    assert is_open(OFFICE, day("2025-10-14"))


def test_every_year_of_the_table_has_the_sixteen_holidays_of_the_law():
    law = {"元日", "成人の日", "建国記念の日", "天皇誕生日", "春分の日", "昭和の日", "憲法記念日", "みどりの日", "こどもの日", "海の日", "山の日", "敬老の日",
           "秋分の日", "スポーツの日", "文化の日", "勤労感謝の日"}  # fmt: skip
    for year in (2024, 2025, 2026, 2027):
        named = [name for on, name in holidays().items() if on.year == year and name in law]
        assert sorted(named) == sorted(law)
        assert covered(date(year, 12, 31))
    assert not covered(date(2028, 1, 1))


def test_a_holiday_on_a_sunday_is_made_up_for_on_the_next_day_that_is_none():
    for on in [on for on, name in holidays().items() if on.weekday() == 6 and "振替" not in name]:
        free = on + timedelta(days=1)
        while free in holidays() and "振替" not in holidays()[free]:
            free += timedelta(days=1)
        assert "振替" in holidays()[free]


def test_the_moving_holidays_fall_on_their_mondays():
    for name, month, week in (("成人の日", 1, 2), ("海の日", 7, 3), ("敬老の日", 9, 3), ("スポーツの日", 10, 2)):
        for on in [on for on, told in holidays().items() if told == name]:
            assert (on.month, on.weekday(), (on.day - 1) // 7 + 1) == (month, 0, week)


def test_a_day_between_two_holidays_is_a_holiday():
    assert holidays()[day("2026-09-22")] == "国民の休日"


def test_a_day_is_written_with_its_weekday_and_with_another_year_s_number():
    assert said(day("2026-11-25")) == "11-25（水）"
    assert said(day("2027-01-04"), day("2026-12-30")) == "2027-01-04（月）"


def test_closing_at_midnight_is_no_closing_time():
    assert clock("24:00") is None
    assert clock("8:30").isoformat() == "08:30:00"


@pytest.mark.parametrize(
    "name", ["rules", "holidays", "events", "dispositions", "discharge_classes", "admit_sources", "tasks", "marks", "turns", "buttons"]
)
def test_every_row_of_the_tables_names_its_source(name):
    text = files("hub").joinpath(f"views/data_stays/{name}.csv").read_text(encoding="utf-8")
    assert all(row["source"] and None not in row.values() for row in csv.DictReader(text.splitlines()))
