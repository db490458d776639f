"""漏えい等のおそれ: the clocks run from when it was known; the scope says whose data left, which, and whom to tell."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.log.opening import open_store
from hub.log.proof_file import judge
from hub.log.unlocking import KeyPlace
from hub.replay import replay
from hub.tables import breaches, decisions, scopes
from hub.tables.scopes import Wanted
from hub.views import breach
from hub.web.filters import moment
from tests.hub.test_gate import admitted
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    NOW,
    OFFICE,
    OTHER_HOSPITAL,
    World,
    a_consent,
    a_patient,
    database_of,
    register,
    world,
)

PLACE = "/audit/breaches"
DAY = timedelta(days=1)


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def told(tmp_path: Path) -> Iterator[tuple[World, Clock]]:
    moment = Clock()
    with world(tmp_path / "data", now=moment) as w:
        w.sign_in("officer")
        yield w, moment


def suspected(w: World, **more: str) -> str:
    form = {"known": "2026-11-24", "known_time": "09:00", "reason": "端末が一台見つからない"} | more
    answer = w.form("officer", PLACE, **form)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("#")[2]


def states(w: World) -> dict[str, str]:
    from consent.ask import Requester
    from hub.commands import Asking

    (one,) = w.hub.breaches.listed(Asking(Requester(NETWORK, "network", "privacy-officer", "officer"), "HCOMPL", "request", "audit"))
    return {due.step: due.state for due in one.clock}


def scope(w: World, query: str, by: str = "officer") -> dict[str, Any]:
    answer = w.get(by, f"{PLACE}.json?{query}")
    assert answer.status_code == 200, answer.text
    return orjson.loads(answer.content)


# ── clocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_report_is_due_in_three_to_five_days_the_full_one_in_thirty() -> None:
    known = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
    first, full, persons = breach.clock(known, malicious=False, done={}, ended=False, now=known)
    assert (first.soft, first.due) == (known + 3 * DAY, known + 5 * DAY)
    assert (full.soft, full.due) == (known + 30 * DAY, known + 30 * DAY)
    assert (persons.soft, persons.due) == (None, None)


def test_with_ill_intent_the_full_report_has_sixty_days() -> None:
    known = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
    assert breach.clock(known, malicious=True, done={}, ended=False, now=known)[1].due == known + 60 * DAY


@pytest.mark.parametrize(
    ("after", "state"),
    [(timedelta(0), "waiting"), (3 * DAY, "waiting"), (3 * DAY + timedelta(seconds=1), "soon"), (5 * DAY, "soon"),
     (5 * DAY + timedelta(seconds=1), "overdue")],
)  # fmt: skip
def test_what_is_late_is_shown_as_late(after: timedelta, state: str) -> None:
    known = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
    assert breach.clock(known, malicious=False, done={}, ended=False, now=known + after)[0].state == state


def test_a_breach_goes_its_way_to_its_end(told: tuple[World, Clock]) -> None:
    w, moment = told
    name = suspected(w)
    assert states(w) == {"reported": "waiting", "confirmed": "waiting", "told": "waiting"}
    moment.at += 4 * DAY
    assert states(w)["reported"] == "soon"
    assert (
        w.form(
            "officer", f"{PLACE}/{name}", step="reported", done="2026-11-27", done_time="10:00", note="委員会の様式で速報した"
        ).status_code
        == 303
    )
    assert states(w)["reported"] == "done"
    moment.at += 30 * DAY
    assert states(w) == {"reported": "done", "confirmed": "overdue", "told": "waiting"}
    assert "期限を過ぎています" in w.get("officer", PLACE).text
    for step in ("confirmed", "told", "closed"):
        assert w.form("officer", f"{PLACE}/{name}", step=step, done="2026-12-20", note="責任者が送って確かめた").status_code == 303
    assert set(states(w).values()) == {"done"}
    assert w.form("officer", f"{PLACE}/{name}", step="not-a-breach", done="2026-12-20", note="やはりちがったので直す").status_code == 422


def test_one_that_was_none_ends_every_clock(told: tuple[World, Clock]) -> None:
    w, moment = told
    name = suspected(w)
    moment.at += 40 * DAY
    assert w.form("officer", f"{PLACE}/{name}", step="not-a-breach", done="2026-11-25", note="端末は金庫の中にあった").status_code == 303
    assert set(states(w).values()) == {"done"}
    with w.hub.store.read() as tx:
        assert breaches.open_ones(tx) == 0


@pytest.mark.parametrize(
    ("step", "done", "note", "status"),
    [
        ("reported", "2026-11-23", "知る前に報告はできない", 400),
        ("reported", "2026-11-25", "まだ来ていない日である", 400),
        ("reported", "2026-11-24", "短い", 422),
        ("forgotten", "2026-11-24", "そのような手順はない", 400),
        ("reported", "あした", "日付ではないもの、である", 400),
    ],
)
def test_a_step_that_cannot_be_is_refused(told: tuple[World, Clock], step: str, done: str, note: str, status: int) -> None:
    w, _ = told
    name = suspected(w)
    assert w.form("officer", f"{PLACE}/{name}", step=step, done=done, done_time="09:30", note=note).status_code == status
    assert states(w)["reported"] == "waiting"


def test_a_breach_known_tomorrow_or_without_a_reason_is_refused(told: tuple[World, Clock]) -> None:
    w, _ = told
    assert w.form("officer", PLACE, known="2026-11-25", reason="あしたわかるはずのこと").status_code == 400
    assert w.form("officer", PLACE, known="2026-11-24", known_time="09:00", reason="短い").status_code == 422


@pytest.mark.parametrize("known", ["0001-01-01", "0026-11-24", "2022-03-31"])
def test_a_breach_known_before_there_were_clocks_is_refused_and_spoils_no_page(told: tuple[World, Clock], known: str) -> None:
    """A year mistyped would have had no clock for ever; the first of all days no page could draw, nor any search of the record."""
    w, _ = told
    form = {"known": known, "known_time": "08:00", "reason": "端末が一台見つからない"}
    assert w.form("officer", PLACE, **form).status_code == 400
    assert [w.get("officer", path).status_code for path in (PLACE, "/audit", "/fhir/AuditEvent")] == [200, 200, 200]
    assert w.form("officer", PLACE, **form | {"known": "2022-04-01", "known_time": "00:00"}).status_code == 303
    assert states(w)["reported"] == "overdue"


@pytest.mark.parametrize("user", ["doctor", "clerk", "manager"])
def test_nobody_but_the_officer(told: tuple[World, Clock], user: str) -> None:
    w, _ = told
    w.sign_in(user)
    assert w.get(user, PLACE).status_code == 403
    assert w.get(user, f"{PLACE}.json?from=2026-11-01").status_code == 403
    assert w.form(user, PLACE, known="2026-11-24", reason="端末が一台見つからない").status_code == 403


def test_breaches_and_their_steps_are_made_anew_from_the_log_alone(told: tuple[World, Clock], tmp_path: Path) -> None:
    w, _ = told
    name = suspected(w, malicious="yes", decisions="AAAA-BBBB CCCC-DDDD")
    w.form("officer", f"{PLACE}/{name}", step="reported", done="2026-11-24", done_time="10:00", note="委員会の様式で速報した")
    (tmp_path / "work").mkdir()
    place = database_of(tmp_path / "data") or tmp_path / "data" / "hub.db"
    made = replay(database=place, keys=KeyPlace.under(tmp_path / "data"), region=register(), work=tmp_path / "work", views=("breaches",))
    assert (made.differing, made.rows["breaches"], made.rows["breach_steps"]) == ({}, 1, 1)


# ── scope ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def given_out(told: tuple[World, Clock]) -> World:
    """A stay that another hospital and an office have read; and a person of whom nothing left."""
    w, moment = told
    stay = admitted(w)
    w.put(HOSPITAL, a_patient("p9", insured="131016:0000099999", kana="スズキ　イチロウ", birth="1941-01-01"))
    moment.at += timedelta(hours=1)
    w.get(OTHER_HOSPITAL, f"/fhir/{stay}")
    moment.at += timedelta(hours=1)
    w.get(OFFICE, f"/fhir/{stay}")
    moment.at += timedelta(hours=1)
    return w


def test_the_scope_names_persons_fields_custodians_and_receivers(given_out: World) -> None:
    found = scope(given_out, "from=2026-11-24")
    assert (found["count"], found["decisions"], found["custodians"]) == (1, 2, ["ひがし病院"])
    assert sorted(found["receivers"]) == sorted(["にし病院", "あおば居宅"])
    assert found["elements"] == [{"ja": "受診・入院・訪問", "elements": "受診・入院・訪問の日・場所", "special": True, "records": 2}]
    assert found["grounds"] == ["要配慮個人情報が含まれる（一人でも対象）"]
    (person,) = found["persons"]
    assert re.fullmatch(r"P-[A-Z2-7]{6}", person["subject"])
    assert (person["first"], person["last"]) == ("2026-11-24T11:00:00+09:00", "2026-11-24T12:00:00+09:00")
    assert found["keys"] == 2  # the hospital's Patient and the office's are one person
    assert "山田" not in orjson.dumps(found).decode()


@pytest.mark.parametrize(
    ("query", "receivers"),
    [
        ("from=2026-11-24T10:30:00%2B09:00&to=2026-11-24T11:30:00%2B09:00", ["にし病院"]),
        (f"from=2026-11-24&organization={OFFICE}", ["あおば居宅"]),
        ("from=2026-11-24&user=nobody", []),
        ("from=2026-11-24&application=yes&type=Encounter", ["あおば居宅", "にし病院"]),
        ("from=2026-11-24&type=Condition", []),
        ("from=2026-11-24&session=none", []),
        ("from=2026-11-23&to=2026-11-23", []),
    ],
)
def test_the_scope_is_narrowed(given_out: World, query: str, receivers: list[str]) -> None:
    assert sorted(scope(given_out, query)["receivers"]) == receivers


def test_who_took_consent_back_since_is_told(given_out: World) -> None:
    assert scope(given_out, "from=2026-11-24")["withdrawn"] == 0
    given_out.put(HOSPITAL, a_consent(status="inactive"))
    found = scope(given_out, "from=2026-11-24")
    assert (found["withdrawn"], found["persons"][0]["withdrawn"]) == (1, "取り下げ済みの同意あり")


def test_who_became_one_person_since_is_counted_once_under_the_name_of_today(told: tuple[World, Clock]) -> None:
    w, _ = told
    for by, patient in ((HOSPITAL, a_patient()), (OTHER_HOSPITAL, a_patient("q1", insured=""))):
        w.put(by, patient)
        assert w.get(by, f"/fhir/Patient/{patient['id']}").status_code == 200
    assert (scope(w, "from=2026-11-24")["count"], scope(w, "from=2026-11-24")["keys"]) == (2, 2)
    (pair,) = w.get(NETWORK, "/links").json()["pairs"]
    assert w.ask("POST", "/links", by=NETWORK, json={"first": pair["first"], "second": pair["second"]}).status_code == 200
    found = scope(w, "from=2026-11-24")
    assert (found["count"], found["keys"], found["decisions"]) == (1, 2, 2)
    (person,) = found["persons"]
    assert (person["decisions"], person["custodians"]) == ("2", "ひがし病院、にし病院")
    named = {d["pseudonym"] for d in w.get(NETWORK, "/audit/decisions.json?action=read").json()["decisions"]}
    assert named == {person["subject"]}


def test_a_breach_that_names_its_decisions_has_their_scope(given_out: World) -> None:
    with given_out.hub.store.read() as tx:
        (row,) = decisions.search(tx, decisions.Filter(organization=OFFICE, action="read"), limit=5)
    name = suspected(given_out, decisions=row.reference)
    assert scope(given_out, f"breach={name}")["receivers"] == ["あおば居宅"]
    assert "あおば居宅" in given_out.get("officer", f"{PLACE}?breach={name}").text


def test_a_scope_is_itself_recorded_and_can_be_proved(given_out: World) -> None:
    reference = scope(given_out, "from=2026-11-24")["reference"]
    given_out.hub.checkpoints.sign_now()
    assert given_out.get("officer", f"/audit/proof/{reference}").status_code == 200


def test_that_a_breach_was_suspected_can_be_proved(told: tuple[World, Clock]) -> None:
    w, _ = told
    name = suspected(w)
    w.hub.checkpoints.sign_now()
    text = w.get("officer", f"/audit/proof/{name}").text
    proved = judge(text, keys=[w.hub.checkpoints.verifier])
    assert proved is not None
    assert b"breach-suspected.v1" in proved.entry


def test_the_scope_as_a_table(given_out: World) -> None:
    text = given_out.get("officer", f"{PLACE}.csv?from=2026-11-24").content.decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["decisions"], row["types"], row["custodians"]) == ("2", "Encounter", "ひがし病院")


@pytest.mark.parametrize("query", ["", "from=2026-11-25&to=2026-11-24", "from=nonsense", "breach=none"])
def test_a_stretch_that_is_none_is_refused(given_out: World, query: str) -> None:
    assert given_out.get("officer", f"{PLACE}.json?{query}").status_code in {400, 404}


def test_what_is_not_in_the_table_counts_as_special() -> None:
    assert breach.elements(["Basic"]) == (("Basic", "内容の全部", True),)


# ── against a plain reckoning ────────────────────────────────────────────────────────────────────────────────────────

ROWS = st.lists(
    st.tuples(
        st.integers(0, 20), st.sampled_from([b"a" * 16, b"b" * 16, b""]), st.sampled_from(["1", "2"]), st.sampled_from(["", "u"]),
        st.sampled_from(["", "Condition:2", "Condition:1 Observation:3"]), st.sampled_from(["", "1", "1 2"]),
    ),
    max_size=12,
)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(ROWS, st.integers(0, 20), st.integers(1, 21), st.sampled_from(["", "1"]), st.booleans(), st.sampled_from([(), ("Observation",)]))
def test_the_scope_is_what_adding_up_line_by_line_gives(
    rows: list[Any], since: int, until: int, organization: str, application: bool, types: tuple[str, ...],
) -> None:  # fmt: skip
    rows = sorted(rows, key=lambda row: row[0])
    with tempfile.TemporaryDirectory() as folder:
        found = _summed(Path(folder) / "x.db", rows, Wanted(since, until, organization, application=application, types=types))
    wanted = [
        row for row in rows
        if since <= row[0] < until and row[4] and (not organization or row[2] == organization) and (not application or not row[3])
        and (not types or any(kind in row[4] for kind in types))
    ]  # fmt: skip
    assert found.decisions == len(wanted)
    assert {f.person: (f.decisions, f.first, f.last) for f in found.persons} == {
        person: (len(mine), mine[0], mine[-1])
        for person in {row[1] for row in wanted}
        if (mine := [row[0] for row in wanted if row[1] == person])
    }
    assert found.counts.get("Observation", 0) == sum(3 for row in wanted if "Observation" in row[4])


def _summed(file: Path, rows: list[Any], wanted: Wanted) -> scopes.Summed:
    store = open_store(file)
    store.make_tables(list(decisions.SCHEMA))
    with store.write() as tx:
        tx.insert("decisions", decisions.COLUMNS, [
            (7 * i + 3, f"r{i}", at, person, org, user, "doctor", "TREAT", "read", "permit", "P-OWN", "", "", "", given, custodians)
            for i, (at, person, org, user, given, custodians) in enumerate(rows)
        ])  # fmt: skip
    with store.read() as tx:
        found = scopes.summed(tx, wanted)
    store.close()
    return found


def test_a_look_at_the_list_is_recorded_once_with_a_scope_beside_it_too(told: tuple[World, Clock]) -> None:
    w, _ = told

    def looks() -> int:
        with w.hub.store.read() as tx:
            return len(decisions.search(tx, decisions.Filter(user="officer", action="audit"), limit=99))

    for path in ("/audit/breaches", "/audit/breaches?from=2026-11-24&to=2026-11-25"):
        before = looks()
        assert w.get("officer", path).status_code == 200
        assert looks() == before + 1


def test_an_offset_of_hours_alone_is_an_offset() -> None:
    assert moment("2026-11-24T10:00+00", "", "from") == moment("2026-11-24T19:00", "", "from")
    assert moment("2026-11-24T10:00+00", "", "to", over=True) == moment("2026-11-24T10:00:00+00:00", "", "to", over=True)
