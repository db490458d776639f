"""Unusual access by stated rules: each fires in its case and not just beside it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.region import User, parse_region
from hub.tables import resources
from hub.views.ages import JST
from hub.views.unusual import closed, rules, surname, usual
from schemas.errors import Broken
from tests.hub.noticing import DAY, MINUTE, STAFF, Told, living, persons
from tests.hub.world import (
    HOSPITAL,
    NOW,
    OFFICE,
    STATION,
    a_consent,
    a_patient,
    a_plan,
    an_encounter,
    code,
    register,
)


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    with living(tmp_path / "data") as made:
        yield made


# ── many persons ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_more_persons_in_an_hour_than_the_bound_are_noticed_and_one_less_is_not(told: Told) -> None:
    found = persons(told, HOSPITAL, 60)
    told.look("manager", found[:59])
    assert told.rules() == [("denials-hour", "manager", 59)]  # all were refused, which is another rule
    told.look("manager", found[:59])  # the same persons once more are no more persons
    assert "bulk-hour" not in [rule for rule, _, _ in told.rules()]
    told.look("manager", [found[59]])
    assert ("bulk-hour", "manager", 60) in told.rules()


def test_three_times_the_usual_is_noticed_from_fifteen_on(told: Told) -> None:
    """The user saw 4 persons an hour on each of five days: 15 is more than 12, 14 is too few."""
    found = persons(told, HOSPITAL, 15)
    for day in range(5):
        told.at(NOW + day * DAY)
        told.look("manager", found[:4])
    told.at(NOW + 6 * DAY)
    told.look("manager", found[:14])
    assert "bulk-hour" not in [rule for rule, _, _ in told.rules()]
    told.look("manager", [found[14]])
    (row,) = [one for one in told.noticed() if one.rule == "bulk-hour"]
    assert (row.number, row.usual, row.bound) == (15, 4, 60)


def test_without_a_habit_fifteen_are_not_noticed(told: Told) -> None:
    found = persons(told, HOSPITAL, 15)
    told.look("manager", found)
    assert "bulk-hour" not in [rule for rule, _, _ in told.rules()]


def test_an_organizations_own_records_are_not_counted(told: Told) -> None:
    told.look("nurse", persons(told, HOSPITAL, 61))
    assert told.rules() == []


def test_an_application_has_rules_of_its_own(told: Told) -> None:
    found = persons(told, HOSPITAL, 30)
    for _ in range(10):
        told.read_by_program(OFFICE, found)
    assert told.rules() == [("denials-program-hour", "", 300)]


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_ten_refusals_in_an_hour_are_noticed_and_nine_are_not(told: Told) -> None:
    (one,) = persons(told, HOSPITAL, 1)
    told.look("manager", [one] * 9)
    assert told.rules() == []
    told.look("manager", [one])
    assert told.rules() == [("denials-hour", "manager", 10)]


def test_refusals_of_two_hours_are_not_put_together(told: Told) -> None:
    (one,) = persons(told, HOSPITAL, 1)
    told.at(NOW + 59 * MINUTE)
    told.look("manager", [one] * 9)
    told.at(NOW + 60 * MINUTE)
    told.look("manager", [one])
    assert told.rules() == []


# ── whom it was at ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_ones_own_surname_is_noticed_when_it_was_named_and_not_in_a_list(told: Told) -> None:
    """The nurse is 病棟 太郎."""
    found = persons(told, HOSPITAL, 3, family="病棟")
    told.look("nurse", found, apart=False)
    assert told.rules() == []
    told.look("nurse", [found[0]])
    assert told.rules() == [("surname", "nurse", 1)]
    (row,) = told.noticed()
    assert row.patient == found[0]


def test_another_surname_is_not_noticed(told: Told) -> None:
    told.look("nurse", persons(told, HOSPITAL, 1, family="病棟田"))
    assert told.rules() == []


def test_a_surname_that_was_corrected_is_no_longer_the_patients(told: Told) -> None:
    (one,) = persons(told, HOSPITAL, 1, family="病棟")
    persons(told, HOSPITAL, 1, family="鈴木")
    told.look("nurse", [one])
    assert told.rules() == []


NUMBERED = User("helper2", OFFICE, "別所 三郎", "care-manager", "CAREMGT", insured="131016:0000000000")


def test_a_colleague_is_noticed_by_kana_and_birth_date(tmp_path: Path) -> None:
    with living(tmp_path / "data", STAFF) as told:
        told.w.put(HOSPITAL, a_patient("s1", insured="", kana="ウケツケ　ツギコ", birth="1980-05-05"))
        told.w.put(HOSPITAL, a_patient("s2", insured="", kana="ウケツケ　ツギコ", birth="1980-05-06"))
        with told.w.hub.store.read() as tx:
            one, other = (row.stream for row in resources.own(tx, HOSPITAL, "Patient"))
        told.look("nurse", [other])
        assert told.rules() == []
        told.look("nurse", [one])
        assert told.rules() == [("colleague", "nurse", 1)]


def test_staff_of_another_organization_are_no_colleagues_and_ones_own_record_is_told_as_that(tmp_path: Path) -> None:
    with living(tmp_path / "data", NUMBERED) as told:
        (one,) = persons(told, HOSPITAL, 1)  # its number is 131016:0000000000
        told.look("nurse", [one])
        assert told.rules() == []
        told.w.put(HOSPITAL, a_consent(patient="Patient/x0"))
        told.look("helper2", [one])
        assert told.rules() == [("self", "helper2", 1)]


# ── after a stay ─────────────────────────────────────────────────────────────────────────────────────────────────────


def stayed(told: Told, until: str, **more: Any) -> bytes:
    (one,) = persons(told, HOSPITAL, 1)
    told.w.put(
        HOSPITAL,
        an_encounter(patient="Patient/x0", status="finished", **{"period": {"start": "2026-09-01T10:00:00+09:00", "end": until}, **more}),
    )
    return one


def test_thirty_days_after_the_last_stay_are_noticed_and_twenty_nine_are_not(told: Told) -> None:
    one = stayed(told, "2026-10-25T10:00:00+09:00")  # now is 24 November
    told.at(NOW - DAY)
    told.look("nurse", [one])
    assert told.rules() == []
    told.at(NOW)
    told.look("nurse", [one])
    assert told.rules() == [("after-discharge", "nurse", 30)]


def test_a_plan_that_goes_on_is_a_reason_to_look(told: Told) -> None:
    one = stayed(told, "2026-10-01T10:00:00+09:00")
    told.w.put(HOSPITAL, a_plan(patient="Patient/x0"))
    told.look("nurse", [one])
    assert told.rules() == []


def test_who_never_stayed_is_no_matter_of_this_rule(told: Told) -> None:
    one = stayed(told, "2026-09-01T11:00:00+09:00")  # a visit of one day
    told.look("nurse", [one])
    assert told.rules() == []


# ── out of hours ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_three_persons_while_the_office_is_closed_are_noticed_and_two_are_not(told: Told) -> None:
    found = persons(told, HOSPITAL, 3)
    for hours, minutes in ((8, 59), (18, 0)):  # the office opens at 9 and closes at 18; both are the same day
        told.at(datetime(2026, 11, 24, hours, minutes, tzinfo=JST))
        told.look("manager", [found[0 if hours == 8 else 1]])
    assert told.rules() == []
    told.look("manager", [found[2]])
    assert told.rules() == [("out-of-hours", "manager", 3)]


def test_hospitals_are_never_closed(told: Told) -> None:
    told.at(datetime(2026, 11, 24, 3, 0, tzinfo=JST))
    told.look("nurse", persons(told, OFFICE, 4))
    assert told.rules() == []


@pytest.mark.parametrize(
    ("at", "shut"),
    [
        ("2026-11-24T09:00", False), ("2026-11-24T08:59", True), ("2026-11-24T17:59", False), ("2026-11-24T18:00", True),
        ("2026-11-23T12:00", True), ("2026-11-22T12:00", True),
    ],
)  # fmt: skip
def test_an_office_is_closed_at_night_on_sundays_and_on_holidays(at: str, shut: bool) -> None:
    """23 November 2026 is 勤労感謝の日, a Monday."""
    assert closed(register().offices[OFFICE], datetime.fromisoformat(at).replace(tzinfo=JST)) is shut


# ── broken glass ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_six_emergencies_a_day_are_noticed_and_five_are_not(told: Told) -> None:
    from hub.tables import emergencies

    (one,) = persons(told, STATION, 1)
    for n in range(5):
        _broken(told, one, n)
    told.look("doctor", [one])
    assert told.rules() == []
    _broken(told, one, 5)
    told.look("doctor", [one])
    assert ("glass-day", "doctor", 6) in told.rules()
    with told.w.hub.store.read() as tx:
        assert len(emergencies.opened_by(tx, "doctor", 0, 1 << 50)) == 6


def _broken(told: Told, patient: bytes, step: int) -> None:
    """Let the doctor break the glass once more; one-time codes are those of the moment, so the event is made here."""
    from hub.names import MAIN
    from hub.writes.events import append, event
    from schemas.emergency_events import EMERGENCY_OPENED, Opened

    hub, at = told.w.hub, int(told.clock[0].timestamp() * 1000)
    body = Opened(f"S{step}", HOSPITAL, "hospital", "doctor", "doctor", "救急搬送。反応が弱い。", True, step, at, at + 1)
    append(hub.writer, lambda: event(
        topic=EMERGENCY_OPENED, kind="EmergencyAccess", body=body, key=hub.keys.of(patient, MAIN), custodian=HOSPITAL, patient=patient,
        secrets=hub.secrets, at=told.clock[0],
    ))  # fmt: skip
    told.clock[0] += timedelta(seconds=1)


# ── the rules themselves ─────────────────────────────────────────────────────────────────────────────────────────────


def test_before_the_first_edition_there_are_no_rules() -> None:
    assert rules(date(2026, 3, 31)) == {}
    assert {rule.edition for rule in rules(date(2026, 4, 1)).values()} == {"2026-04-01"}


def test_the_usual_is_the_median_of_at_least_five() -> None:
    assert usual([3, 3, 3, 3]) == 0
    assert usual([1, 9, 4, 2, 3]) == 3
    assert usual([1, 2, 3, 4, 5, 6]) == 4


@pytest.mark.parametrize(("name", "found"), [("森 拓也", "森"), ("森　拓也", "森"), ("森拓也", ""), ("", "")])
def test_a_surname_is_what_stands_before_the_first_blank(name: str, found: str) -> None:
    assert surname(name) == found


@pytest.mark.parametrize(
    ("more", "place"),
    [({"kana": "モリ"}, "users[0].birth"), ({"birth": "1980-01-01"}, "users[0].kana"), ({"kana": "モリ", "birth": "1980"}, "users[0].birth"), ({"insured": "12"}, "users[0].insured")],
)  # fmt: skip
def test_a_user_as_a_person_is_registered_whole_or_not_at_all(more: dict[str, str], place: str) -> None:
    network = code("139000009")
    tree = {
        "name": "x", "edition": "1", "network": network, "organizations": [{"code": network, "name": "事務局", "kind": "network", "purpose": "HCOMPL"}],
        "users": [{"id": "m", "organization": network, "name": "森 拓也", "role": "clerk", "purpose": "PATADMIN", **more}],
    }  # fmt: skip
    with pytest.raises(Broken) as refused:
        parse_region(tree)
    assert refused.value.issues[0].where == place
