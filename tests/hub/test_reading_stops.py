"""No audit, no data: while nothing can be recorded nothing is given out, whoever asks; it is said so, and it goes on by itself."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hub.log.sqlite import _unwritable
from hub.log.store import LOW, Room
from schemas.errors import Busy
from schemas.events import AUDIT_RESUMED
from tests.hub.audited import found
from tests.hub.serving import Served, served
from tests.hub.test_emergency_access import ALLERGY, asked, opened  # noqa: F401  a fixture
from tests.hub.test_emergency_access import found as found_at
from tests.hub.test_gate import DOORS, SECRETS, a_full_disk, admitted
from tests.hub.test_status import measured
from tests.hub.world import HOSPITAL, NETWORK, OFFICE, World, a_patient
from tests.waiting import until


def refused(answer: Any, rule: str) -> None:
    """A refusal that says why in both languages, and when to come again."""
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    (issue,) = answer.json()["issue"]
    assert issue["details"]["coding"][0]["code"] == rule
    assert "何も出していません" in answer.text
    assert "Nothing was given out" in answer.text or "nothing was given out" in answer.text


@contextmanager
def read_only(database: str) -> Iterator[None]:
    """Let a database of PostgreSQL be as it is on a standby: every transaction reads only."""

    def switch(on: str) -> None:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only=off")
            name = connection.execute("SELECT current_database()").fetchone()[0]
            connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only={on}')
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname=%s AND pid<>pg_backend_pid()", (name,))

    switch("on")
    try:
        yield
    finally:
        switch("off")


@contextmanager
def unwritable(w: World) -> Iterator[str]:
    """Take writing from a store; give the rule that its refusals name."""
    if w.hub.store.engine == "sqlite":
        with a_full_disk():
            yield "HUB-5170"
        return
    with read_only(w.hub.store.datastore.url):
        yield "HUB-5170"


def reading(w: World) -> dict[str, Any]:
    answer = w.get(NETWORK, "/status.json")
    assert answer.status_code == 200, answer.text
    return answer.json()


def settled(w: World, rule: str) -> None:
    """Ask until the store has noticed: connections that were cut are opened anew first."""
    until(lambda: rule in w.get(OFFICE, "/fhir/Patient").text, f"a refusal with {rule}")


def test_every_door_is_shut_and_says_why_in_both_languages(hub_world: World) -> None:
    w = hub_world
    reference = admitted(w)
    w.settle()
    w.sign_in("manager")
    w.get(OFFICE, "/fhir/Patient")
    with unwritable(w) as rule:
        settled(w, rule)
        for door in DOORS:
            answer = door(w, reference)
            assert answer.status_code == 503 or (answer.status_code == 200 and b'"status":"503"' in answer.content), answer.text
            for secret in SECRETS:
                assert secret not in answer.text
        refused(w.get(OFFICE, f"/fhir/{reference}"), rule)
        assert w.put(HOSPITAL, a_patient("p2")).status_code == 503
    until(lambda: w.get(OFFICE, f"/fhir/{reference}").status_code == 200, "it goes on by itself")


def test_an_emergency_opens_nothing_either(asked: Any) -> None:  # noqa: F811
    """There is no spool that lets somebody look first and records later."""
    w, _ = asked
    reference = found_at(w)
    w.get(OFFICE, "/fhir/Patient")
    with unwritable(w) as rule:
        settled(w, rule)
        for answer in (opened(w, reference), w.get("doctor", f"/emergency/{reference}")):
            assert answer.status_code == 503, answer.text
            assert ALLERGY not in answer.text
            assert "何も出していません" in answer.text
    until(lambda: opened(w, reference).status_code == 303, "it opens by itself once it can be recorded")
    assert ALLERGY in w.get("doctor", f"/emergency/{reference}").text


def test_status_page_measures_and_readiness_say_that_reading_is_stopped_and_why(hub_world: World) -> None:
    w = hub_world
    admitted(w)
    w.sign_in("officer")
    before = reading(w)
    assert before["reading"] == {"stopped": False}
    assert w.get("", "/readyz").json()["reading"] == "up"
    w.get(OFFICE, "/fhir/Patient")
    with unwritable(w) as rule:
        settled(w, rule)
        told = reading(w)
        assert told["ok"] is False
        assert told["reading"]["stopped"] is True
        assert told["reading"]["rule"] == rule
        assert told["reading"]["since"].startswith("20")
        assert "読み取りも止めています" in told["reading"]["ja"]
        assert "Nothing can be recorded" in told["reading"]["en"]
        page = w.get("officer", "/status").text
        assert "読み取りが止まっています" in page
        assert "Nothing can be recorded" in page
        assert measured(w)["tsunagu_reading_stopped", ()] == 1
        ready = w.get("", "/readyz")
        assert (ready.status_code, ready.json()["reading"]) == (503, "stopped")
    until(lambda: w.get(OFFICE, "/fhir/Patient").status_code == 200, "it goes on by itself")
    after = reading(w)
    assert after["reading"] == {"stopped": False}
    assert "読み取りが止まっています" not in w.get("officer", "/status").text
    assert measured(w)["tsunagu_reading_stopped", ()] == 0


def test_a_hub_that_ends_leaves_nobody_waiting(hub_world: World) -> None:
    reference = admitted(hub_world)
    hub_world.hub.writer.close()
    refused(hub_world.get(OFFICE, f"/fhir/{reference}"), "HUB-5171")


def test_the_record_itself_tells_from_when_until_when_it_stood_still(hub_world: World) -> None:
    w = hub_world
    admitted(w)
    w.get(OFFICE, "/fhir/Patient")
    (recounting,) = [f for f in w.hub.runner.followers if f.name == "acts"]
    with unwritable(w) as rule:
        settled(w, rule)
        with pytest.raises(Busy):
            recounting.step()
    until(lambda: _stepped(recounting), "it goes on by itself")
    stop, start = sorted(found(w, "&subtype=110133,110134"), key=lambda e: e["id"])
    assert (stop["subtype"][0]["code"], stop["outcome"]) == ("110133", "4")
    assert (start["subtype"][0]["code"], start["outcome"]) == ("110134", "0")
    assert f"'valueString': '{rule}'" in str(start) or "'HUB-5078'" in str(start)


def _stepped(follower: Any) -> bool:
    try:
        follower.step()
    except Exception:  # noqa: BLE001
        return False
    return True


# ── a process of its own ─────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def no_growth(hub: Served) -> Iterator[None]:
    """Let the kernel refuse a running hub every byte by which a file would grow."""
    soft, hard = resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.prlimit(hub.process.pid, resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.sqlite
def test_a_served_hub_stops_reading_says_so_and_goes_on_by_itself_without_being_asked(tmp_path: Path) -> None:
    with served(tmp_path / "data") as hub, hub.client(OFFICE) as client, hub.client(NETWORK) as office:
        client.put("/fhir/Patient/u1", json=a_patient("u1"))
        assert client.get("/fhir/Patient/u1").status_code == 200
        assert office.get("/status.json").json()["store"]["free_bytes"] > 0
        with no_growth(hub):
            until(lambda: client.get("/fhir/Patient/u1").status_code == 503, "a refusal")
            assert office.get("/status.json").json()["reading"]["stopped"] is True
            assert client.get("/readyz").status_code == 503
            assert "山田" not in client.get("/fhir/Patient/u1").text
        until(lambda: office.get("/status.json").json()["reading"] == {"stopped": False}, "it goes on though nobody asks for data")
        assert client.get("/fhir/Patient/u1").status_code == 200
        codes = [e["resource"]["subtype"][0]["code"] for e in office.get("/fhir/AuditEvent?subtype=110133,110134").json()["entry"]]
        assert sorted(codes) == ["110133", "110134", "110134"]  # it was started, stood still, and went on
    assert hub.process.returncode == 0
    with sqlite3.connect(tmp_path / "data" / "hub.db") as log:
        topics = [t for (t,) in log.execute("SELECT topic FROM events ORDER BY position")]
    log.close()
    assert (topics[0], topics[-1]) == ("hub-started.v1", "hub-stopped.v1")
    assert topics.count(AUDIT_RESUMED) == 1


# ── engines ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.sqlite
def test_a_file_that_cannot_be_written_is_told_from_any_other_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE t (x INTEGER PRIMARY KEY)")
    made.close()
    only = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    with pytest.raises(sqlite3.OperationalError) as locked:
        only.execute("INSERT INTO t VALUES (1)")
    assert _unwritable(locked.value) == "HUB-5170"
    with pytest.raises(sqlite3.OperationalError) as wrong:
        only.execute("SELECT * FROM nothing")
    only.close()
    assert _unwritable(wrong.value) == ""
    with pytest.raises(sqlite3.OperationalError) as absent:
        sqlite3.connect(f"file:{tmp_path}/none/b.db?mode=ro", uri=True)
    assert _unwritable(absent.value) == "HUB-5170"
    small = sqlite3.connect(path)
    small.execute("PRAGMA max_page_count=2")
    with pytest.raises(sqlite3.OperationalError) as full:
        small.execute("CREATE TABLE u (x INTEGER)")
    small.close()
    assert _unwritable(full.value) == "HUB-5103"


def test_little_room_is_warned_of_before_it_is_gone() -> None:
    assert not Room(LOW, 100 * LOW).low
    assert Room(LOW - 1, 100 * LOW).low
    assert not Room(LOW // 2, 5 * LOW).low  # a small disk: a twentieth of it
    assert Room(LOW // 9, 2 * LOW).low  # but never less than an eighth of a gibibyte


def test_the_status_tells_the_room_that_is_left_where_it_can_be_known(hub_world: World) -> None:
    store = reading(hub_world)["store"]
    if hub_world.hub.store.engine == "sqlite":
        assert store["free_bytes"] > 0
        assert measured(hub_world)["tsunagu_store_free_bytes", ()] > 0
    else:
        assert store["free_bytes"] is None
