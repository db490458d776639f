"""Every view as of any past moment: as it stood then, for whoever may see it today; and every decision as of then."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.log.envelope import Header, pack
from hub.log.event import NewEvent
from hub.log.sqlite import SqliteStore
from hub.log.store import stored_event
from hub.names import event_id, hub_id
from hub.tables import moments, resources
from tests.hub.test_audit import events as audit_events
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    NOW,
    OFFICE,
    OTHER_OFFICE,
    STATION,
    World,
    a_consent,
    a_patient,
    a_plan,
    an_encounter,
    world,
)

MINUTE = timedelta(minutes=1)
SHORT = "https://tsunagu.example.jp"


class Told:
    """A hub whose clock is moved by hand."""

    def __init__(self, w: World, clock: list[datetime]) -> None:
        self.w, self.clock = w, clock

    def at(self, minutes: int) -> None:
        self.clock[0] = NOW + minutes * MINUTE


def when(minutes: float, zone: str = "+09:00") -> str:
    """Give `at=` of a moment, in Japan's time, as an address needs it."""
    hours = int(zone[1:3]) if zone != "Z" else 0
    local = NOW + minutes * MINUTE + timedelta(hours=hours)
    return f"at={quote(local.strftime('%Y-%m-%dT%H:%M:%S') + zone)}"


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    """0 a Patient at hospital and office, a plan, a consent; 10 admitted; 20 told to have gone home; 30 the stay taken back; 40 now."""
    clock = [NOW]
    with world(tmp_path / "data", now=lambda: clock[0]) as w:
        made = Told(w, clock)
        w.put(HOSPITAL, a_patient())
        w.put(OFFICE, a_patient("u1"))
        w.put(OFFICE, a_plan(patient="Patient/u1"))
        w.put(HOSPITAL, a_consent())
        made.at(10)
        w.put(HOSPITAL, an_encounter(period={"start": "2026-11-24T10:05:00+09:00"}))
        made.at(20)
        w.put(HOSPITAL, an_encounter(status="finished", period={"start": "2026-11-24T10:05:00+09:00", "end": "2026-11-24T10:20:00+09:00"}))
        made.at(30)
        w.ask("DELETE", "/fhir/Encounter/e1", by=HOSPITAL)
        made.at(40)
        w.sign_in("manager")
        w.sign_in("doctor")
        w.sign_in("officer")
        yield made


def stays(w: World, query: str = "", by: str = OFFICE) -> list[tuple[str, str]]:
    """Give (type, status) of episodes and stays on a board."""
    answer = w.get(by, f"/fhir/$board?{query}")
    assert answer.status_code == 200, answer.text
    found = [e["resource"] for e in answer.json().get("entry", [])]
    return [(r["resourceType"], r["status"]) for r in found if r["resourceType"] != "Task"]


def refused(w: World, query: str, *, by: str = OFFICE, path: str = "/fhir/$board") -> tuple[int, str]:
    answer = w.get(by, f"{path}?{query}")
    return answer.status_code, answer.json()["issue"][0]["details"]["coding"][0]["code"]


# ── the board ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_board_of_a_moment_is_as_it_stood_then(told: Told) -> None:
    assert stays(told.w, when(5)) == []
    assert stays(told.w, when(15)) == [("EpisodeOfCare", "active"), ("Encounter", "in-progress")]
    assert stays(told.w, when(25)) == [("EpisodeOfCare", "finished"), ("Encounter", "finished")]
    assert stays(told.w, when(30)) == stays(told.w) == []


def test_the_moment_counts_to_the_second_and_in_any_zone(told: Told) -> None:
    assert stays(told.w, when(9.99)) == []
    assert stays(told.w, when(10)) == [("EpisodeOfCare", "active"), ("Encounter", "in-progress")]
    for zone in ("Z", "+09:00", "+00:00"):
        assert stays(told.w, when(19.99, zone)) == [("EpisodeOfCare", "active"), ("Encounter", "in-progress")]


def test_a_plus_that_was_not_written_as_a_code_is_understood(told: Told) -> None:
    assert stays(told.w, "at=2026-11-24T10:15:00+09:00") == stays(told.w, when(15))


def test_limits_are_reckoned_from_that_moment(told: Told) -> None:
    """入院時情報連携加算(Ⅰ)：入院した日のうち。At 10:15 on the day itself it is not yet past; ten days later it is."""
    told.w.put(HOSPITAL, an_encounter("e2", period={"start": "2026-11-24T10:35:00+09:00"}))
    told.at(41)
    told.clock[0] = NOW + timedelta(days=10)

    def deadline(query: str) -> str:
        found = [e["resource"] for e in told.w.get(OFFICE, f"/fhir/$board?{query}").json()["entry"]]
        return next(r for r in found if r["resourceType"] == "Task")["businessStatus"]["text"]

    assert deadline(when(45)) == "きょうまで"
    assert deadline("") == "期限切れ"


def test_a_view_of_the_past_says_so_and_which_moment(told: Told) -> None:
    tag = told.w.get(OFFICE, f"/fhir/$board?{when(15)}").json()["meta"]["tag"][0]
    assert tag["code"] == "past"
    assert tag["display"] == "過去の表示：2026-11-24 10:15:00 の時点"
    assert "meta" not in told.w.get(OFFICE, "/fhir/$board").json()


def test_the_page_of_the_past_says_so_and_does_nothing(told: Told) -> None:
    page = told.w.get("manager", f"/board?{when(15)}").text
    assert 'class="bygone"' in page
    assert "過去の表示" in page
    assert "2026-11-24 10:15:00" in page
    assert [form for form in re.findall(r'action="([^"]+)"', page) if form != "/sign-out"] == []
    assert "data-events" not in page
    now = told.w.get("manager", "/board").text
    assert 'class="bygone"' not in now
    assert "data-events" in now


def test_links_on_a_page_of_the_past_stay_in_the_past(told: Told) -> None:
    page = told.w.get("manager", f"/board?{when(15)}").text
    (course,) = {link.replace("&amp;", "&") for link in re.findall(r'href="(/board\?[^"]*#timeline)"', page)}
    opened = told.w.get("manager", course.partition("#")[0]).text
    assert "さんの経過" in opened
    assert 'class="bygone"' in opened


def test_the_course_of_a_moment_ends_there(told: Told) -> None:
    def course(minutes: int) -> str:
        page = told.w.get("manager", f"/board?{when(minutes)}").text
        link = re.search(r'href="(/board\?[^"]*)#timeline"', page)[1].replace("&amp;", "&")
        return told.w.get("manager", link).text.partition('id="h-timeline"')[2]

    assert "退院" not in course(15).partition("</ol>")[0].partition("いま")[0]
    assert "退院" in course(25).partition("</ol>")[0]


# ── who may see it ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_may_see_the_past_is_decided_today(told: Told) -> None:
    assert stays(told.w, when(15)) != []
    told.w.put(HOSPITAL, a_consent(status="inactive"))
    told.at(41)
    assert stays(told.w, when(15)) == []


def test_a_consent_of_today_opens_the_past_too(told: Told) -> None:
    told.w.put(HOSPITAL, a_consent(status="inactive"))
    assert stays(told.w, when(15)) == []
    told.at(41)
    told.w.put(HOSPITAL, {**a_consent(), "dateTime": told.clock[0].isoformat()})
    assert stays(told.w, when(15)) == [("EpisodeOfCare", "active"), ("Encounter", "in-progress")]


def test_each_look_at_the_past_is_recorded_with_the_moment(told: Told) -> None:
    told.w.get(OFFICE, f"/fhir/$board?{when(15)}")
    told.w.get(OFFICE, "/fhir/$board")
    looks = [e for e in audit_events(told.w) if "view" in str(e["text"]) or e["entity"]]
    moments_told = [d["valueString"] for e in looks for n in e["entity"] for d in n.get("detail", ()) if d["type"] == "as-of"]
    assert moments_told == ["2026-11-24T10:15:00.000+09:00"]
    page = told.w.get("officer", "/audit").text
    assert "2026-11-24 10:15:00 の時点" in page


def test_a_person_who_came_to_the_office_later_is_not_on_its_board_of_before(told: Told) -> None:
    told.w.put(OTHER_OFFICE, a_patient("z1"))
    told.at(41)
    assert stays(told.w, when(25), by=OTHER_OFFICE) == []


def test_a_person_whom_the_office_let_go_is_on_its_board_of_before(told: Told) -> None:
    told.w.ask("DELETE", "/fhir/Patient/u1", by=OFFICE)
    told.at(41)
    assert stays(told.w) == []
    assert stays(told.w, when(15)) == [("EpisodeOfCare", "active"), ("Encounter", "in-progress")]


# ── who somebody was ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_links_hold_as_of_then(told: Told) -> None:
    w = told.w
    told.at(50)
    w.put(HOSPITAL, an_encounter("e3", period={"start": "2026-11-24T10:45:00+09:00"}))
    told.at(60)
    # the office's number turns out to be another person's: the link by number goes
    w.put(OFFICE, a_patient("u1", insured="131016:0000099999"))
    told.at(70)
    assert stays(w) == []
    assert stays(w, when(55)) != []


# ── 急変時 ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def allergy(status: str) -> dict[str, Any]:
    return {
        "resourceType": "AllergyIntolerance", "id": "a1", "patient": {"reference": "Patient/s1"},
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": status}]},
        "code": {"text": "ペニシリン"}, "recordedDate": "2020-01-01",
    }  # fmt: skip


def summary(w: World, query: str = "", by: str = STATION) -> str:
    answer = w.get(by, f"/fhir/Patient/s1/$summary?{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


def test_the_summary_of_a_moment_holds_what_was_known_then(told: Told) -> None:
    w = told.w
    w.put(STATION, a_patient("s1", insured=""))
    told.at(50)
    w.put(STATION, allergy("active"))
    told.at(60)
    w.ask("DELETE", "/fhir/AllergyIntolerance/a1", by=STATION)
    told.at(70)
    assert "ペニシリン" not in summary(w)
    assert "ペニシリン" not in summary(w, when(45))
    then = summary(w, when(55))
    assert "ペニシリン" in then
    assert "過去の表示：2026-11-24 10:55:00 の時点" in then


def test_the_page_of_a_person_in_the_past_offers_no_act(told: Told) -> None:
    w = told.w
    w.form("doctor", "/emergency/find", by="name", kana="やまだ はなこ", birth="1938-05-02")
    page = w.form("doctor", "/emergency/find", by="name", kana="やまだ はなこ", birth="1938-05-02").text
    reference = re.search(r'href="/emergency/([a-z2-7]{20,})"', page)[1]
    shown = w.get("doctor", f"/emergency/{reference}?{when(15)}").text
    assert 'class="bygone"' in shown
    assert "/open" not in shown
    assert 'href="tel:' not in shown
    assert [form for form in re.findall(r'action="([^"]+)"', shown) if form != "/sign-out"] == []
    sheet = re.search(r'href="(/emergency/[^"]*/sheet[^"]*)"', shown)[1]
    assert 'class="bygone"' in w.get("doctor", sheet.replace("&amp;", "&")).text
    document = re.search(r'href="(/emergency/[^"]*/document[^"]*)"', shown)[1]
    led = w.get("doctor", document.replace("&amp;", "&")).headers["location"]
    assert "at=" in led
    assert w.get("doctor", led).json()["meta"]["tag"][0]["code"] == "past"


# ── moments that are none ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    ["", "きのう", "2026-11-24T10:15:00", "2026-11-24", "2026-13-24T10:15:00Z", "0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-09:00", "x" * 300],
)  # fmt: skip
def test_a_time_that_is_none_or_has_no_offset_is_refused(told: Told, text: str) -> None:
    assert refused(told.w, f"at={quote(text)}") == (400, "HUB-5120")
    assert told.w.get("manager", f"/board?at={quote(text)}").status_code == 400


def test_two_moments_are_refused(told: Told) -> None:
    assert refused(told.w, f"{when(15)}&{when(25)}") == (400, "HUB-5120")


def test_a_moment_that_lies_ahead_is_refused(told: Told) -> None:
    assert refused(told.w, when(41)) == (400, "HUB-5121")


def test_a_moment_before_the_log_began_is_refused(told: Told) -> None:
    assert refused(told.w, when(-1)) == (400, "HUB-5122")


def test_the_log_of_a_new_hub_has_no_past(hub_world: World) -> None:
    assert refused(hub_world, when(0)) == (400, "HUB-5122")


def test_a_position_is_taken_from_officers_alone(told: Told) -> None:
    """Positions never leave the hub: whoever could ask by them would learn how long the log is."""
    assert refused(told.w, "at=3") == (403, "HUB-5123")
    assert refused(told.w, "at=999999") == (403, "HUB-5123")
    named = f"/fhir/Patient/{patient(told.w)}/$summary"
    assert refused(told.w, "at=999999", by=NETWORK, path=named) == (400, "HUB-5121")
    assert refused(told.w, "at=0", by=NETWORK, path=named) == (400, "HUB-5122")
    assert refused(told.w, "at=3", by=NETWORK, path=named)[1] == "HUB-5041"  # an officer sees no content


def patient(w: World) -> str:
    with w.hub.store.read() as tx:
        return hub_id(resources.own(tx, HOSPITAL, "Patient")[0].stream)


# ── clocks that were set back ────────────────────────────────────────────────────────────────────────────────────────


def test_what_stands_behind_something_later_was_not_there_before_it(told: Told) -> None:
    """The clock is set back by half an hour: what is recorded then belongs to the time after the clock's highest stand."""
    told.at(10)
    told.w.put(HOSPITAL, an_encounter("late", period={"start": "2026-11-24T10:05:00+09:00"}))
    told.at(41)
    assert stays(told.w, when(25)) == [("EpisodeOfCare", "finished"), ("Encounter", "finished")]
    assert ("Encounter", "in-progress") in stays(told.w, when(40))


@given(st.lists(st.integers(0, 400_000), min_size=1, max_size=40), st.integers(0, 400_000), st.integers(0, 100_000))
def test_the_position_of_a_moment_is_the_last_up_to_which_nothing_is_later(times: list[int], at: int, ahead: int) -> None:
    now = at + ahead
    wanted = 0
    for time in times:
        if at < time <= now:
            break
        wanted += 1
    assert _position(times, at, now) == wanted


def _position(times: list[int], at: int, now: int) -> int:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "hub.db", tables=moments.SCHEMA)
        try:
            with store.write() as tx:
                for time in times:
                    header = Header(event_id(time), b"", time, 0, 1, 0, "main", "", "x", b"", b"", b"", b"", "", ())
                    event = NewEvent(event_id(time), "message-settled.v1", header, b"", 1)
                    store.append(tx, [stored_event(event.stream, 1, event.topic, pack(header, b""))])
                moments.apply(tx, store.events(tx, 0, 100))
            with store.read() as tx:
                return moments.position_at(store, tx, at, now)
        finally:
            store.close()
