"""Decisions are found by person, user, organization, time of day, reason, outcome, purpose and action; no page walks the whole log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.log.sqlite import SqliteStore
from hub.tables import decisions, moments, searching
from hub.tables.decisions import Filter
from tests.hub.world import HOSPITAL, NETWORK, NOW, OFFICE, OTHER_OFFICE, World, a_consent, a_patient, an_encounter, world

HOUR = timedelta(hours=1)


class Told:
    def __init__(self, w: World, clock: list[datetime]) -> None:
        self.w, self.clock = w, clock

    def at(self, hours: float) -> None:
        self.clock[0] = NOW + hours * HOUR

    def found(self, by: str = NETWORK, **params: str) -> Any:
        answer = self.w.get(by, f"/audit/decisions.json?{urlencode(params)}")
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    """10:00 two persons, a consent of one; 11:00 the office reads; 12:00 it is taken back and the office reads in vain; 13:00 now."""
    clock = [NOW]
    with world(tmp_path / "data", now=lambda: clock[0]) as w:
        made = Told(w, clock)
        w.put(HOSPITAL, a_patient())
        w.put(HOSPITAL, a_patient("p2", insured="131016:0000077777", kana="サトウ　ジロウ", birth="1950-01-01"))
        w.put(HOSPITAL, an_encounter())
        w.put(HOSPITAL, an_encounter("e2", patient="Patient/p2"))
        w.put(HOSPITAL, a_consent())
        made.at(1)
        for name in streams(w):
            w.get(OFFICE, f"/fhir/Encounter/{name}")
        made.at(2)
        w.put(HOSPITAL, a_consent(status="inactive"))
        w.get(OFFICE, f"/fhir/Encounter/{streams(w)[0]}")
        made.at(3)
        w.sign_in("officer")
        yield made


def streams(w: World) -> list[str]:
    from hub.names import hub_id
    from hub.tables import resources

    with w.hub.store.read() as tx:
        return [hub_id(row.stream) for row in resources.own(tx, HOSPITAL, "Encounter")]


def outcomes(found: Any) -> list[tuple[str, str]]:
    return [(d["effect"], d["reason"]) for d in found["decisions"]]


# ── by API ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_by_organization_and_outcome(told: Told) -> None:
    assert outcomes(told.found(organization=OFFICE)) == [("deny", "D-NOCONSENT"), ("deny", "D-NOCONSENT"), ("permit", "P-EXPLICIT")]
    assert outcomes(told.found(organization=OFFICE, outcome="given")) == [("permit", "P-EXPLICIT")]
    assert told.found(organization=OTHER_OFFICE)["total"] == {"count": 0, "exact": True}


def test_by_reason_purpose_and_action(told: Told) -> None:
    assert outcomes(told.found(reason="D-NOCONSENT")) == [("deny", "D-NOCONSENT")] * 2
    assert outcomes(told.found(purpose="CAREMGT", action="read")) == outcomes(told.found(organization=OFFICE))
    assert {d["action"] for d in told.found(action="write")["decisions"]} == {"write"}


def test_by_time_of_day(told: Told) -> None:
    """The reads stand at 11:00 and 12:00 in Japan."""
    for first, last, number in (
        ("2026-11-24", "2026-11-24", 3), ("2026-11-24T11:00", "2026-11-24T11:00", 2), ("2026-11-24T11:01", "", 1), ("", "2026-11-24T10:59", 0),
        ("2026-11-24T12:00:00+09:00", "2026-11-24T12:00:00.001+09:00", 1), ("2026-11-24T12:00:00+09:00", "2026-11-24T12:00:00+09:00", 0), ("2026-11-25", "", 0),
    ):  # fmt: skip
        found = told.found(organization=OFFICE, **{"from": first, "to": last})
        assert (found["total"]["count"], len(found["decisions"])) == (number, number), (first, last)


def test_by_user(told: Told) -> None:
    told.w.sign_in("manager")
    told.w.get("manager", "/board")
    found = told.found(user="manager")["decisions"]
    assert {d["user"] for d in found} <= {"manager"}
    assert {d["role"] for d in told.found(role="privacy-officer")["decisions"]} <= {"privacy-officer"}


def test_by_person_named_in_a_body(told: Told) -> None:
    asked = told.w.ask("POST", "/audit/persons.json", by=NETWORK, json={"kana": "さとう じろう", "birth": "1950-01-01"})
    (person,) = asked.json()["persons"]
    assert person["custodians"] == [HOSPITAL]
    assert person["pseudonym"].startswith("P-")
    found = told.found(person=person["person"])
    assert {d["pseudonym"] for d in found["decisions"]} == {person["pseudonym"]}
    assert ("deny", "D-NOCONSENT") in outcomes(found)
    assert ("permit", "P-EXPLICIT") not in outcomes(found)
    numbered = told.w.ask("POST", "/audit/persons.json", by=NETWORK, json={"insurer": "131016", "insured": "0000077777"})
    assert numbered.json() == asked.json()


def test_pages_follow_each_other_by_cursor_and_carry_the_search(told: Told) -> None:
    rows: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = told.found(count="1", **(cursor or {"organization": OFFICE}))
        rows += outcomes(page)
        if "next" not in page:
            break
        cursor = {"cursor": page["next"]}
        assert OFFICE not in page["next"]
    assert rows == [("deny", "D-NOCONSENT"), ("deny", "D-NOCONSENT"), ("permit", "P-EXPLICIT")]


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("outcome=maybe", "HUB-5180"), ("action=steal", "HUB-5180"), ("name=x", "HUB-5180"), ("count=0", "HUB-5180"), ("count=501", "HUB-5180"),
        ("from=yesterday", "HUB-4083"), ("to=2026-13-01", "HUB-4083"), ("from=2026-11-24T10:00:00%2B99:00", "HUB-5120"), ("person=abc", "HUB-5041"), ("cursor=abc", "HUB-5041"),
    ],
)  # fmt: skip
def test_a_search_that_is_none_is_refused(told: Told, query: str, rule: str) -> None:
    answer = told.w.get(NETWORK, f"/audit/decisions.json?{query}")
    assert rule in answer.text
    assert "yesterday" not in answer.text


@pytest.mark.parametrize(
    "body", ["", "[]", '{"kana": "x"}', '{"kana": 1, "birth": "1950-01-01"}', '{"kana": "a", "birth": "b", "insured": "c"}']
)
def test_whom_to_look_for_is_told_in_one_of_two_forms(told: Told, body: str) -> None:
    answer = told.w.ask("POST", "/audit/persons.json", by=NETWORK, content=body)
    assert (answer.status_code, "HUB-5181" in answer.text) == (400, True)


def test_it_is_for_officers_alone(told: Told) -> None:
    assert told.w.get(HOSPITAL, "/audit/decisions.json?nonsense=1").status_code == 403
    assert told.w.ask("POST", "/audit/persons.json", by=OFFICE, content="x").status_code == 403
    told.w.sign_in("doctor")
    assert told.w.form("doctor", "/audit/person", by="name", kana="さとう じろう", birth="1950-01-01").status_code == 403


def test_looking_for_a_person_is_recorded_about_that_person(told: Told) -> None:
    (person,) = told.w.ask("POST", "/audit/persons.json", by=NETWORK, json={"kana": "さとう じろう", "birth": "1950-01-01"}).json()[
        "persons"
    ]
    found = told.found(person=person["person"], action="audit")
    assert len(found["decisions"]) == 2  # the looking for, and this search itself


# ── by the page ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_name_is_posted_and_the_list_carries_an_opaque_reference(told: Told) -> None:
    answer = told.w.form("officer", "/audit/person", by="name", kana="さとう じろう", birth="1950-01-01", outcome="deny")
    assert answer.status_code == 303
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["outcome"] == ["deny"]
    assert set(asked) == {"person", "outcome"}
    page = told.w.get("officer", answer.headers["location"]).text
    assert "D-NOCONSENT" not in page.partition('class="decisions"')[2] or "同意がない" in page
    assert re.search(r'class="chosen"><b class="num">P-[A-Z2-7]{6}', page)
    assert "サトウ" not in page
    assert "1950" not in page


def test_several_of_one_name_are_told_apart_by_who_holds_records(told: Told) -> None:
    told.w.put(OFFICE, a_patient("u9", insured="", kana="サトウ　ジロウ", birth="1950-01-01"))
    page = told.w.form("officer", "/audit/person", by="name", kana="さとう じろう", birth="1950-01-01")
    assert page.status_code == 200
    assert len(re.findall(r"/audit\?person=[a-z2-7]{20,}", page.text)) == 2
    assert "ひがし病院" in page.text
    assert "あおば居宅" in page.text


def test_nobody_of_that_name_is_said_so(told: Told) -> None:
    page = told.w.form("officer", "/audit/person", by="number", insurer="131016", insured="0000000000")
    assert "見つかりませんでした" in page.text


def test_the_page_counts_what_it_found(told: Told) -> None:
    page = told.w.get("officer", f"/audit?organization={OFFICE}&outcome=deny").text
    assert '当てはまる記録 <b class="num">2件' in page


def test_the_tile_of_today_counts_with_and_without_its_follower(told: Told) -> None:
    def today() -> str:
        return re.search(r'きょうの判断</dt><dd><b class="num">([0-9,]+)', told.w.get("officer", "/audit").text)[1]

    with told.w.hub.store.read() as tx:
        before = decisions.count(tx, Filter())
    assert int(today()) == before + 1  # and the look itself
    follower = next(f for f in told.w.hub.runner.followers if f.name == "tallies")
    while follower.step():
        pass
    with told.w.hub.store.read() as tx:
        assert told.w.hub.store.position_of(tx, "tallies") == told.w.hub.store.head(tx)
    assert int(today()) == before + 2


# ── the walk over the log ────────────────────────────────────────────────────────────────────────────────────────────

_LINES = st.lists(
    st.tuples(st.integers(0, 300), st.sampled_from([b"a", b"b", b""]), st.sampled_from(["o1", "o2"]), st.sampled_from(["", "u1"]), st.sampled_from(["permit", "deny"])),
    max_size=40,
)  # fmt: skip
_FILTERS = st.builds(
    Filter, persons=st.sampled_from([(), (b"a",), (b"a", b"b")]), organization=st.sampled_from(["", "o1"]), user=st.sampled_from(["", "u1"]),
    effect=st.sampled_from(["", "deny", "given"]), since=st.one_of(st.none(), st.integers(0, 300).map(lambda m: m * 60_000)),
    until=st.one_of(st.none(), st.integers(0, 300).map(lambda m: m * 60_000)),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(lines=_LINES, by=_FILTERS, size=st.integers(1, 5), scan=st.integers(1, 7))
def test_page_after_page_is_the_whole_whatever_the_clock_did(tmp_path_factory: Any, lines: Any, by: Filter, size: int, scan: int) -> None:
    """Minutes in any order: a clock that is set back hides no line."""
    store = SqliteStore(tmp_path_factory.mktemp("walk") / "x.db", tables=[*decisions.SCHEMA, *moments.SCHEMA], scratch=True)
    try:
        with store.write() as tx:
            for position, (minute, person, organization, user, effect) in enumerate(lines, 1):
                at = minute * 60_000 + position
                row = (position, f"r{position}", at, person, organization, user, "", "", "read", effect, "", "", "", "", "", "")
                tx.run(f"INSERT INTO decisions VALUES ({','.join('?' * len(row))})", row)
                tx.run("INSERT INTO moments VALUES (?,?) ON CONFLICT (minute) DO NOTHING", (minute, position))
        with store.read() as tx:
            whole = [r.position for r in decisions.search(tx, by, limit=1_000)]
            found, below = [], None
            while True:
                page = searching.page(tx, by, limit=size, below=below, scan=scan)
                found += [r.position for r in page.rows]
                if page.below is None:
                    break
                below = page.below
            assert found == whole
            counted = searching.count(tx, by, scan=scan, most=3)
            assert counted.number == len(whole) if counted.exact else counted.number <= min(len(whole), 3)
            assert searching.count(tx, by) == (len(whole), True)
    finally:
        store.close()
