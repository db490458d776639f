"""Unusual access by stated rules: each fires in its case and not just beside it; a finding stands on decisions, is found once, and is settled by the officer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from consent.ask import Requester
from hub.commands import Asking
from hub.followers.noticing import Noticing
from hub.region import Region, User, parse_region
from hub.tables import resources, unusual
from hub.tables.unusual import UnusualRow
from hub.views.ages import JST
from hub.views.unusual import closed, rules, surname, usual
from schemas.errors import Broken
from schemas.events import Action
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    NOW,
    OFFICE,
    STATION,
    World,
    a_consent,
    a_patient,
    a_plan,
    an_encounter,
    code,
    register,
    world,
)

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
CLINIC_HOURS = NOW  # a Tuesday, ten o'clock


class Told:
    def __init__(self, w: World, clock: list[datetime]) -> None:
        self.w, self.clock = w, clock

    def at(self, moment: datetime) -> None:
        self.clock[0] = moment

    def look(self, user: str, patients: list[bytes], *, apart: bool = True, action: Action = "read") -> None:
        """Let a user look at Patients through the gate: each by a request of its own, or all by one."""
        held = self.w.hub.region.users[user]
        requester = Requester(held.organization, self.w.hub.region.kind_of(held.organization), held.role, user)
        self._release(Asking(requester, held.purpose, "r", action), patients, apart)

    def read_by_program(self, organization: str, patients: list[bytes]) -> None:
        region = self.w.hub.region
        requester = Requester(organization, region.kind_of(organization), "system")
        self._release(Asking(requester, region.purposes[organization], "r", "read"), patients, True)

    def _release(self, asking: Asking, patients: list[bytes], apart: bool) -> None:
        with self.w.hub.store.read() as tx:
            rows = [resources.newest(tx, one) for one in patients]
        for some in [[row] for row in rows] if apart else [rows]:
            self.w.hub.gate.release(asking, [row for row in some if row is not None])
            self.clock[0] += timedelta(milliseconds=1)

    def noticed(self, batch: int = 500) -> list[UnusualRow]:
        """Let the follower come to the head of the log; give what it has found, oldest first."""
        follower = next(f for f in self.w.hub.runner.followers if isinstance(f, Noticing))
        while follower.take(batch):
            pass
        with self.w.hub.store.read() as tx:
            return list(reversed(unusual.listed(tx, "open", limit=100)))

    def rules(self, batch: int = 500) -> list[tuple[str, str, int]]:
        return [(row.rule, row.asker, row.number) for row in self.noticed(batch)]


def a_region(*more: User) -> Region:
    held = register()
    return replace(held, users={**held.users, **{user.id: user for user in more}})


@contextmanager
def living(folder: Path, *more: User) -> Iterator[Told]:
    clock = [NOW]
    with world(folder, now=lambda: clock[0], region=a_region(*more)) as w:
        yield Told(w, clock)


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    with living(tmp_path / "data") as made:
        yield made


def persons(told: Told, by: str, count: int, *, kana: str = "スズキ　タロウ", family: str = "鈴木") -> list[bytes]:
    """Record so many Patients of an organization; give their streams."""
    for n in range(count):
        tree = a_patient(f"x{n}", insured=f"131016:{n:010}", kana=kana, birth=f"19{20 + n % 70}-01-{1 + n % 28:02}")
        tree["name"][0] = {"text": f"{family}　太郎", "family": family, "given": ["太郎"]}
        assert told.w.put(by, tree).status_code in {200, 201}
    with told.w.hub.store.read() as tx:
        return [row.stream for row in resources.own(tx, by, "Patient")]


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


STAFF = User("clerk2", HOSPITAL, "受付 次子", "clerk", "PATADMIN", kana="ウケツケ　ツギコ", birth="1980-05-05")
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
    append(hub.writer, event(
        topic=EMERGENCY_OPENED, kind="EmergencyAccess", body=body, key=hub.keys.of(patient, MAIN), custodian=HOSPITAL, patient=patient,
        secrets=hub.secrets, at=told.clock[0],
    ))  # fmt: skip
    told.clock[0] += timedelta(seconds=1)


# ── once, and the same whatever the batch ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("batch", [1, 7, 500])
def test_how_much_is_taken_at_once_makes_no_difference(tmp_path: Path, batch: int) -> None:
    with living(tmp_path / "data", STAFF) as told:
        found = persons(told, HOSPITAL, 12, family="担当")  # the manager is 担当 春子
        told.w.put(HOSPITAL, a_consent(patient="Patient/x0"))
        told.look("manager", found)
        first = told.rules(batch)
        assert sorted(rule for rule, _, _ in first) == ["denials-hour", "surname"]
        assert told.rules(batch) == first
        with told.w.hub.store.write() as tx:
            told.w.hub.store.track(tx, "unusual", 0)
        assert told.rules(batch) == first  # from the first event anew, nothing is found twice


def test_a_finding_stands_on_decisions_that_can_be_opened(told: Told) -> None:
    (one,) = persons(told, HOSPITAL, 1)
    told.look("manager", [one] * 10)
    (row,) = told.noticed()
    made = told.w.get(NETWORK, f"/audit/unusual.json?reference={row.reference}").json()
    assert len(made["decisions"]) == 10
    for reference in made["decisions"]:
        answer = told.w.get(NETWORK, f"/audit/decision.json?reference={reference}").json()
        assert (answer["same"], answer["recorded"]["reason"]) == (True, "D-NOCONSENT")


def test_nobody_but_the_officer_reads_the_list(told: Told) -> None:
    for by in (HOSPITAL, OFFICE):
        assert told.w.get(by, "/audit/unusual.json").status_code == 403
    told.w.sign_in("doctor")
    assert told.w.get("doctor", "/audit/unusual").status_code == 403
    assert told.w.form("doctor", "/audit/unusual/settle", reference="x", result="explained", note="わけがありました。").status_code == 403


# ── settling ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def open_one(told: Told) -> tuple[Told, str]:
    (one,) = persons(told, HOSPITAL, 1)
    told.look("manager", [one] * 10)
    told.w.sign_in("officer")
    (row,) = told.noticed()
    return told, row.reference


NOTE = "本人に聞いた。電話の問い合わせで番号を取り違えていた。"


def test_the_officer_settles_a_finding_and_the_note_is_sealed(open_one: tuple[Told, str]) -> None:
    told, reference = open_one
    assert told.w.form("officer", "/audit/unusual/settle", reference=reference, result="explained", note=NOTE).status_code == 303
    assert told.w.get("officer", "/audit/unusual").text.count(reference) == 0
    page = told.w.get("officer", f"/audit/unusual/{reference}").text
    assert NOTE in page
    assert "責任 守" in page
    with told.w.hub.store.read() as tx:
        held = b"".join(bytes(state) for *_, state in told.w.hub.store.raw(tx, 0, 10_000))
    assert NOTE.encode() not in held


def test_what_was_explained_may_turn_out_a_breach_and_a_breach_stays(open_one: tuple[Told, str]) -> None:
    told, reference = open_one

    def settle(result: str) -> Any:
        return told.w.form("officer", "/audit/unusual/settle", reference=reference, result=result, note=NOTE)

    assert settle("explained").status_code == 303
    again = settle("explained")
    assert (again.status_code, "もう片づいています" in again.text) == (422, True)
    assert settle("breach").status_code == 303
    assert settle("explained").status_code == 422
    assert told.w.get(NETWORK, "/audit/unusual.json?status=breach").json()["unusual"][0]["reference"] == reference


def test_a_breach_is_suspected_with_its_clock_and_the_decisions_it_stands_on(open_one: tuple[Told, str]) -> None:
    import msgspec

    from hub.log.event import open_event
    from schemas.emergency_events import BREACH_SUSPECTED, BreachSuspected

    told, reference = open_one
    decisions = told.w.get(NETWORK, f"/audit/unusual.json?reference={reference}").json()["decisions"]
    told.at(NOW + DAY)
    told.w.form("officer", "/audit/unusual/settle", reference=reference, result="breach", note=NOTE)
    hub = told.w.hub
    with hub.store.read() as tx:
        (one,) = hub.store.events_of(tx, BREACH_SUSPECTED, 0, hub.store.head(tx))
    body = msgspec.json.decode(open_event(hub.keys, one), type=BreachSuspected)
    assert (body.by, body.reason, list(body.decisions)) == ("officer", NOTE, decisions)
    assert body.known_at == int((NOW + DAY).timestamp() * 1000)


def test_a_note_that_is_too_short_is_asked_for_again_and_not_lost(open_one: tuple[Told, str]) -> None:
    told, reference = open_one
    answer = told.w.form("officer", "/audit/unusual/settle", reference=reference, result="explained", note="聞いた")
    assert answer.status_code == 422
    assert ">聞いた</textarea>" in answer.text


@pytest.mark.parametrize(("fields", "status"), [({"result": "nothing"}, 400), ({"reference": "XXXX-YYYY"}, 404)])
def test_a_settlement_that_is_none_is_refused(open_one: tuple[Told, str], fields: dict[str, str], status: int) -> None:
    told, reference = open_one
    answer = told.w.form("officer", "/audit/unusual/settle", **{"reference": reference, "result": "explained", "note": NOTE, **fields})
    assert answer.status_code == status


def test_the_menu_tells_how_many_wait(open_one: tuple[Told, str]) -> None:
    told, _ = open_one
    home = told.w.get("officer", "/").text
    assert re.search(r'気になるアクセス <span class="chip warn">1</span>', home)


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
