"""The network's office sees how the hub is, in counts alone; nobody else does, and what it may do about it is shown and done by one verb."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from hub.log.store import Tx
from tests.hub.poison import encounters, flip
from tests.hub.serving import ROOT, served
from tests.hub.two_lives import REASON, running, two_lives
from tests.hub.world import HOSPITAL, NETWORK, OFFICE, World, a_patient, register, world
from tests.waiting import until

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
def stands(hub_world: World) -> World:
    """A hub whose `derive` stands."""
    two_lives(hub_world)
    flip(hub_world.hub.store, encounters(hub_world.hub.store)[0])
    with running(hub_world.hub) as runner:
        until(lambda: "derive" in runner.stopped, "it stands")
        until(lambda: _lag(hub_world, "feeds") == 0, "the other goes on")
    return hub_world


def _status(w: World) -> dict:
    answer = w.get(NETWORK, "/status.json")
    assert answer.status_code == 200, answer.text
    return answer.json()


def _lag(w: World, name: str) -> int:
    return next(f for f in _status(w)["followers"] if f["name"] == name)["lag_events"]


def measured(w: World) -> Samples:
    """Read the measures as Prometheus does."""
    answer = w.get(NETWORK, "/metrics")
    assert answer.status_code == 200, answer.text
    return {
        (s.name, tuple(sorted((k, v) for k, v in s.labels.items() if k != "process"))): s.value
        for family in text_string_to_metric_families(answer.text)
        for s in family.samples
    }


# ── status ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_status_says_what_stands_why_since_when_and_how_far_each_follower_is_behind(stands: World) -> None:
    hub = stands.hub
    with hub.store.read() as tx:
        head = hub.store.head(tx)
    told = _status(stands)
    assert told["ok"] is False
    derive, feeds = (next(f for f in told["followers"] if f["name"] == name) for name in ("derive", "feeds"))
    assert derive["lag_events"] == head - (encounters(hub.store)[0] - 1)
    assert derive["stopped"]["fault"] == "HUB-5005 InvalidTag"
    assert derive["stopped"]["since"] == hub.now().isoformat()
    assert derive["stopped"]["tried"] >= 1
    assert (feeds["lag_events"], feeds["lag_seconds"], feeds["stopped"]) == (0, 0.0, None)
    assert {k: told["store"][k] for k in ("engine", "events")} == {"engine": hub.store.engine, "events": head}
    assert told["reading"] == {"stopped": False}
    assert told["writer"] == {"waiting": 0, "most": 2000}
    assert told["checkpoints"] == {"age_seconds": None, "unsigned_events": head}
    assert told["keys"] == {"engine": "sqlite", "answers": True}
    assert told["versions"]["tsunagu"] == "0.3.0"


def test_how_long_the_first_event_has_waited_is_told_in_seconds(tmp_path: Path) -> None:
    moments = [register_moment(0)]
    with world(tmp_path / "data", now=lambda: moments[-1]) as w:
        two_lives(w)
        moments.append(register_moment(90))
        assert next(f for f in _status(w)["followers"] if f["name"] == "derive")["lag_seconds"] == 90.0


def register_moment(seconds: int) -> object:
    from datetime import timedelta

    from tests.hub.world import NOW

    return NOW + timedelta(seconds=seconds)


def test_status_and_measures_tell_no_person_no_organization_and_no_address(stands: World) -> None:
    stands.get(OFFICE, "/fhir/Patient/u1")
    stands.get(OFFICE, "/fhir/Observation?patient=Patient/u1")
    text = stands.get(NETWORK, "/status.json").text + stands.get(NETWORK, "/metrics").text
    for secret in ("u1", "u2", "p1", "山田", "000001234", HOSPITAL, OFFICE, NETWORK, "ひがし病院", "Observation", "tsu-"):
        assert secret not in text, secret


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/status.json"), ("GET", "/metrics"), ("POST", "/followers/derive/retry"), ("POST", "/followers/derive/skip"),
])  # fmt: skip
def test_all_of_it_is_for_the_networks_office_alone(stands: World, method: str, path: str) -> None:
    body = {"content": orjson.dumps({"reason": REASON})} if method == "POST" else {}
    assert stands.ask(method, path, **body).status_code == 401
    for code in (HOSPITAL, OFFICE):
        assert stands.ask(method, path, by=code, **body).status_code == 403
    for user in ("doctor", "clerk"):
        stands.sign_in(user)
        signed = {"content": orjson.dumps({"reason": REASON, "csrf": stands.secret(user)})} if method == "POST" else {}
        assert stands.ask(method, path, by=user, **signed).status_code == 403
    assert _lag(stands, "derive") > 0
    with stands.hub.store.read() as tx:
        assert tx.one("SELECT count(*) FROM skips")[0] == 0


def test_a_signed_in_officer_sees_it_and_passes_by_with_the_secret_of_her_session_alone(stands: World) -> None:
    stands.sign_in("officer")
    assert stands.get("officer", "/status.json").json()["ok"] is False
    assert stands.get("officer", "/metrics").status_code == 200
    for csrf in ("", "f" * 32):
        refused = stands.ask("POST", "/followers/derive/skip", by="officer", content=orjson.dumps({"reason": REASON, "csrf": csrf}))
        assert (refused.status_code, "HUB-5033" in refused.text) == (403, True)
    sent = orjson.dumps({"reason": REASON, "csrf": stands.secret("officer")})
    assert stands.ask("POST", "/followers/derive/skip", by="officer", content=sent).json() == {"follower": "derive", "skipped": True}
    told = _status(stands)
    assert told["ok"] is True
    assert next(f for f in told["followers"] if f["name"] == "derive")["skipped"] == 1


@pytest.mark.parametrize(("path", "sent", "status", "rule"), [
    ("/followers/derive/skip", b'{"reason": "short"}', 400, "HUB-5132"),
    ("/followers/derive/skip", b"", 400, "HUB-5132"),
    ("/followers/derive/skip", b"[1]", 400, "HUB-5134"),
    ("/followers/derive/skip", b"{", 400, "HUB-5134"),
    ("/followers/nobody/skip", b'{"reason": "0123456789"}', 404, "HUB-5130"),
    ("/followers/nobody/retry", b"", 404, "HUB-5130"),
    ("/followers/feeds/skip", b'{"reason": "0123456789"}', 409, "HUB-5131"),
    ("/followers/checkpoints/skip", b'{"reason": "0123456789"}', 422, "HUB-5133"),
])  # fmt: skip
def test_what_cannot_be_done_is_refused_by_its_rule(stands: World, path: str, sent: bytes, status: int, rule: str) -> None:
    answer = stands.ask("POST", path, by=NETWORK, content=sent)
    assert (answer.status_code, rule in answer.text) == (status, True), answer.text


def test_ready_says_what_stands_without_a_token(tmp_path: Path) -> None:
    from hub.assemble import assemble
    from hub.ingest.adapters import load_adapters

    with world(tmp_path / "data") as w:
        two_lives(w)
        flip(w.hub.store, encounters(w.hub.store)[0])
    hub = assemble(data=tmp_path / "data", region=register(), base="http://hub.test", adapters=load_adapters(()), now=w.hub.now,
                   database=_database(tmp_path / "data"))  # fmt: skip
    w = World(hub)
    try:
        until(lambda: w.ask("GET", "/readyz").status_code == 503, "it stands")
        assert w.ask("GET", "/readyz").json() == {"ready": False, "stopped": ["derive"], "reading": "up"}
        assert w.ask("GET", "/livez").text == "ok\n"
        assert w.ask("POST", "/followers/derive/skip", by=NETWORK, content=orjson.dumps({"reason": REASON})).status_code == 200
        until(lambda: w.ask("GET", "/readyz").status_code == 200, "it goes on")
        assert w.ask("GET", "/readyz").json() == {"ready": True, "stopped": [], "reading": "up"}
    finally:
        w.close()
        hub.close()


def _database(folder: Path) -> str:
    from tests.hub.world import database_of

    return database_of(folder)


def test_the_officers_page_shows_what_stands_and_passes_it_by_for_a_reason(stands: World) -> None:
    stands.sign_in("officer")
    page = stands.get("officer", "/status")
    assert page.status_code == 200
    assert "「derive」が止まっています" in page.text
    assert "HUB-5005 InvalidTag" in page.text
    assert "「feeds」が止まっています" not in page.text
    short = stands.form("officer", "/status/skip", name="derive", reason="短い")
    assert (short.status_code, "理由を 10 文字以上" in short.text) == (422, True)
    assert stands.form("officer", "/status/retry", name="derive").status_code == 303
    assert stands.form("officer", "/status/skip", name="derive", reason=REASON).status_code == 303
    assert "止まっています" not in stands.get("officer", "/status").text
    stands.sign_in("clerk")
    assert stands.get("clerk", "/status").status_code == 403
    assert stands.form("clerk", "/status/skip", name="derive", reason=REASON).status_code == 403


# ── measures ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_happened_is_counted(hub_world: World) -> None:
    before = measured(hub_world)
    hub_world.put(HOSPITAL, a_patient())
    assert hub_world.get(HOSPITAL, "/fhir/Patient/p1").status_code == 200
    assert hub_world.get(OFFICE, "/fhir/Patient/p1").status_code == 404
    assert hub_world.ask("GET", "/fhir/Patient/p1").status_code == 401
    hub_world.file(HOSPITAL, "nonsense.bin", b"nothing")
    after = measured(hub_world)

    def grown(name: str, **labels: str) -> float:
        key = name, tuple(sorted(labels.items()))
        return after.get(key, 0.0) - before.get(key, 0.0)

    assert grown("tsunagu_events_appended_total", topic="resource-recorded.v1") == 1
    assert grown("tsunagu_events_appended_total", topic="message-refused.v1") == 1
    assert grown("tsunagu_messages_refused_total", rule="HUB-5051") == 1
    assert grown("tsunagu_refusals_total", rule="HUB-5031") == 1
    assert grown("tsunagu_decisions_total", effect="permit") >= 2  # taken in, and read by its own organization
    with hub_world.hub.store.read() as tx:
        assert after["tsunagu_log_events_total", ()] == hub_world.hub.store.head(tx)
    template = {"method": "GET", "route": "/fhir/{kind}/{number}"}
    assert {s: grown("tsunagu_request_seconds_count", **template, status=s) for s in ("200", "404", "401")} == {
        "200": 1,
        "404": 1,
        "401": 1,
    }
    assert grown("tsunagu_request_seconds_count", method="GET", route="none", status="404") == 0
    assert after["tsunagu_process_resident_memory_bytes", ()] > 1e7
    assert after["tsunagu_writer_group_count", ()] > 0


def test_lag_and_what_stands_are_measured_by_follower(stands: World) -> None:
    found = measured(stands)
    assert found["tsunagu_follower_stopped", (("follower", "derive"),)] == 1
    assert found["tsunagu_follower_stopped", (("follower", "feeds"),)] == 0
    assert found["tsunagu_follower_lag_events", (("follower", "derive"),)] == _lag(stands, "derive")
    assert found["tsunagu_follower_lag_events", (("follower", "feeds"),)] == 0


def test_two_hubs_in_one_process_measure_each_for_itself(tmp_path: Path) -> None:
    with world(tmp_path / "one") as one, world(tmp_path / "two") as two:
        one.put(HOSPITAL, a_patient())
        key = "tsunagu_events_appended_total", (("topic", "resource-recorded.v1"),)
        assert (measured(one).get(key), measured(two).get(key)) == (1.0, None)


def test_an_address_that_is_no_route_and_a_method_that_is_none_make_no_label(hub_world: World) -> None:
    hub_world.ask("GET", "/山田花子/0000012342")
    hub_world.ask("HANAKO", "/livez")
    labels = {value for _, pairs in measured(hub_world) for _, value in pairs}
    assert {"none", "other"} <= labels
    assert not any("0000012342" in value or "HANAKO" in value for value in labels)


# ── as soon as nothing else is going on ──────────────────────────────────────────────────────────────────────────────


def test_what_waits_for_the_writer_is_counted(hub_world: World) -> None:
    writer, held, go = hub_world.hub.writer, threading.Event(), threading.Event()

    def slow(_: Tx) -> None:
        held.set()
        go.wait(20)

    first = writer.work(slow)
    held.wait(20)
    others = [writer.work(lambda _: None) for _ in range(3)]
    assert writer.waiting == 3
    go.set()
    for one in (first, *others):
        one.result(20)
    assert writer.waiting == 0


# ── the command line ─────────────────────────────────────────────────────────────────────────────────────────────────


def tsunagu(*arguments: str, base: str, token: str = "") -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "TSUNAGU_BASE": base, "TSUNAGU_TOKEN": token, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "hub.cli.main", *arguments], env=environ, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_command_line_shows_what_stands_retries_it_and_passes_it_by(tmp_path: Path) -> None:
    with world(tmp_path / "data") as w:
        two_lives(w)
        flip(w.hub.store, encounters(w.hub.store)[0])
    with served(tmp_path / "data") as hub:
        office, other = hub.tokens[NETWORK], hub.tokens[HOSPITAL]
        with hub.client(NETWORK) as client:
            until(lambda: client.get("/readyz").status_code == 503, "it stands")
        shown = tsunagu("status", base=hub.base, token=office)
        assert shown.returncode == 1, shown.stderr
        assert re.search(r"^derive +[0-9]+ +[0-9.]+ +0 +停止 / stands: HUB-5005 InvalidTag", shown.stdout, re.MULTILINE), shown.stdout
        assert re.search(r"^feeds +0 +0\.0 +0 +—", shown.stdout, re.MULTILINE), shown.stdout
        tried = tsunagu("follower", "retry", "derive", base=hub.base, token=office)
        assert (tried.returncode, "derive" in tried.stdout) == (0, True), tried.stderr
        short = tsunagu("follower", "skip", "derive", "--reason", "短い", base=hub.base, token=office)
        assert (short.returncode, "HUB-5132" in short.stderr) == (1, True), short.stderr
        denied = tsunagu("status", base=hub.base, token=other)
        assert (denied.returncode, "HUB-5043" in denied.stderr) == (1, True), denied.stderr
        passed = tsunagu("follower", "skip", "derive", "--reason", REASON, base=hub.base, token=office)
        assert passed.returncode == 0, passed.stderr
        with hub.client(NETWORK) as client:
            until(lambda: client.get("/readyz").status_code == 200, "it goes on")
        shown = tsunagu("status", base=hub.base, token=office)
        assert (shown.returncode, "動いています / going on" in shown.stdout) == (0, True), shown.stdout
        assert re.search(r"^derive +0 +0\.0 +1 +—", shown.stdout, re.MULTILINE), shown.stdout
    silent = tsunagu("status", base=hub.base, token=office)
    assert (silent.returncode, "ハブに届きません" in silent.stderr) == (1, True)


def test_the_feed_has_a_row_soon_after_the_append_when_nothing_else_is_going_on(tmp_path: Path) -> None:
    """A loose bound for any machine; the bench measures it."""
    with world(tmp_path / "data") as w, running(w.hub):
        two_lives(w)
        until(lambda: _lag(w, "feeds") == 0, "all is told")
        waits = []
        for n in range(10):
            w.put(HOSPITAL, a_patient(f"x{n}", insured=""))
            begun = time.monotonic()
            until(lambda: _lag(w, "feeds") == 0, "it is there")
            waits.append(time.monotonic() - begun)
        assert sorted(waits)[5] < 0.5
