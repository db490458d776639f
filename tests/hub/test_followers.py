"""Followers go on from where they were, whatever happens; what they cannot take stops one of them alone, and is retried or passed by."""

from __future__ import annotations

import math
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.assemble import Hub, assemble
from hub.commands import Asking
from hub.followers.derive import Deriving
from hub.followers.feeds import Feeding, application
from hub.followers.looking import Looking
from hub.followers.run import Pulling, Runner
from hub.followers.standing import Standing
from hub.log.event import open_event
from hub.tables import directives, identities, resources, skips
from hub.writer import Writer
from schemas import events
from schemas.errors import BrokenRule, Conflict, Denied, MissingValue, NotFound, Refusal
from tests.hub.poison import encounters, flip, heard, poisoned
from tests.hub.serving import ROOT, region_file
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    NOW,
    OFFICE,
    OTHER_HOSPITAL,
    STATION,
    World,
    a_consent,
    a_patient,
    a_plan,
    an_encounter,
    register,
    world,
)

END = {"start": "2026-11-24T09:30:00+09:00", "end": "2026-11-27T10:00:00+09:00"}
REASON = "本文が壊れていて開けないため"


def two_lives(w: World) -> None:
    """Two persons with a hospital, an office and a station: six things to hear about each, among resources that nobody hears of."""
    for n in (1, 2):
        insured = f"131016:000001234{n}"
        for code, number in ((HOSPITAL, f"p{n}"), (OFFICE, f"u{n}"), (STATION, f"s{n}")):
            w.put(code, a_patient(number, insured=insured))
        w.put(OFFICE, a_plan(f"c{n}", patient=f"Patient/u{n}"))
        w.put(HOSPITAL, a_consent(f"k{n}", patient=f"Patient/p{n}"))
    for n in (1, 2):
        w.put(HOSPITAL, an_encounter(f"e{n}", patient=f"Patient/p{n}"))
        w.put(HOSPITAL, observation(n))
        w.put(STATION, visit(n))
        w.put(HOSPITAL, an_encounter(f"e{n}", patient=f"Patient/p{n}", status="finished", period=END))
        w.put(HOSPITAL, an_encounter(f"e{n}", patient=f"Patient/p{n}"))  # the discharge is taken back
    w.put(HOSPITAL, a_consent("k2", patient="Patient/p2", status="inactive"))
    w.put(HOSPITAL, an_encounter("e2", patient="Patient/p2", status="finished", period=END))
    w.put(OTHER_HOSPITAL, a_patient("q1"))


def observation(n: int) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": f"o{n}", "status": "final", "code": {"text": "体温"}, "subject": {"reference": f"Patient/p{n}"},
        "valueQuantity": {"value": 36.5},
    }  # fmt: skip


def visit(n: int) -> dict[str, Any]:
    home = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HH"}
    return {**an_encounter(f"v{n}", patient=f"Patient/s{n}", status="finished"), "class": home}


def told(hub: Hub) -> list[tuple[str, int, str, str]]:
    """Give all feeds: subscriber, number, kind, cause."""
    with hub.store.read() as tx:
        rows = tx.all("SELECT subscriber, number, position FROM feeds ORDER BY subscriber, number")
        found = []
        for subscriber, number, position in rows:
            event = hub.store.event(tx, position)
            assert event is not None
            body = open_event(hub.keys, event)
            assert body is not None
            derived = msgspec.json.decode(body, type=events.Derived)
            found.append((str(subscriber), int(number), derived.kind, derived.cause))
        return found


def derived(hub: Hub) -> int:
    with hub.store.read() as tx:
        return len(hub.store.events_of(tx, events.DOMAIN_EVENT, 0, hub.store.head(tx)))


def follower(hub: Hub, name: str) -> Pulling:
    found = next(f for f in hub.runner.followers if f.name == name)
    assert isinstance(found, Pulling)
    return found


def asking(code: str, hub: Hub) -> Asking:
    requester, purpose = application(hub.region, code)
    return Asking(requester, purpose, "r", "audit")


def until(true: Callable[[], object], what: str) -> None:
    """Wait until it is so."""
    ends = time.monotonic() + 20
    while not true():
        assert time.monotonic() < ends, what
        time.sleep(0.01)


@contextmanager
def running(hub: Hub, **more: Any) -> Iterator[Runner]:
    """Run the hub's `derive` and `feeds` with a quick clock."""
    standing = Standing(store=hub.store, writer=hub.writer, now=hub.now)
    runner = Runner([follower(hub, "derive"), follower(hub, "feeds")], standing=standing, poll=0.05, **more)
    hub.writer.heard = runner.heard
    runner.start()
    try:
        yield runner
    finally:
        runner.close()


# ── the same feeds, however they come about ──────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, int, str, str]]]:
    """A log of two lives that nobody has followed yet, and what comes of it in one go."""
    folder = tmp_path_factory.mktemp("lived")
    with world(folder / "data") as w:
        two_lives(w)
    shutil.copytree(folder / "data", folder / "once")
    with world(folder / "once") as w:
        w.settle()
        return folder, told(w.hub)


@pytest.mark.sqlite
def test_the_log_of_these_tests_has_something_to_tell(lived: tuple[Path, list[tuple[str, int, str, str]]]) -> None:
    _, once = lived
    kinds = {kind for _, _, kind, _ in once}
    assert {"AdmissionNotified", "Discharged", "DischargeCancelled", "VisitRecorded"} <= kinds
    office = [kind for subscriber, _, kind, _ in once if subscriber == OFFICE]
    assert office.count("AdmissionNotified") == 2
    assert office.count("Discharged") == 2  # the third one came after the consent was taken back


@pytest.mark.sqlite
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(["derive", "feeds", "stop"]), st.integers(1, 40)), max_size=12))
def test_whatever_the_batches_and_wherever_it_was_stopped_the_feeds_are_the_same(
    lived: tuple[Path, list[tuple[str, int, str, str]]], tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    folder, once = lived
    here = tmp_path_factory.mktemp("steps") / "data"
    shutil.copytree(folder / "data", here)
    while steps:
        with world(here) as w:
            while steps:
                name, limit = steps.pop(0)
                if name == "stop":
                    break
                follower(w.hub, name).take(limit)
    with world(here) as w:
        w.settle()
        assert told(w.hub) == once
    shutil.rmtree(here)


@pytest.mark.sqlite
def test_killed_at_any_moment_it_goes_on_and_the_feeds_are_the_same(
    lived: tuple[Path, list[tuple[str, int, str, str]]], tmp_path: Path, long: bool
) -> None:
    folder, once = lived
    draw, here, kills, round_ = random.Random(5), tmp_path / "data", 0, 0
    shutil.copytree(folder / "data", here)
    while kills < (40 if long else 4):
        process = subprocess.Popen([sys.executable, "-m", "tests.hub.following", str(here)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        said = ""
        for _ in range(draw.randrange(1, 6)):
            said = process.stdout.readline()
        if said != "done\n":
            time.sleep(draw.random() * 0.01)  # into the middle of a step
            process.kill()
            kills += 1
        process.stdout.close()
        process.wait(timeout=30)
        if said == "done\n":
            with world(here) as w:
                assert told(w.hub) == once
            round_ += 1
            here = tmp_path / f"data-{round_}"
            shutil.copytree(folder / "data", here)
    with world(here) as w:
        w.settle()
        assert told(w.hub) == once


def test_two_processes_that_follow_at_once_tell_nothing_twice(hub_world: World) -> None:
    two_lives(hub_world)
    hub, faults = hub_world.hub, []
    second = Writer(hub.store, hub.keys, hub.writer._apply)  # as another process would have it

    def follow(writer: Writer) -> None:
        held = {"store": hub.store, "keys": hub.keys, "writer": writer, "gate": hub.gate, "region": hub.region}
        deriving = Deriving(**held, secrets=hub.secrets, vault=hub.view._presenting._vault, now=hub.now)
        feeding = Feeding(**held, rung=lambda: None)
        try:
            for _ in range(200):
                deriving.take(3)
                feeding.take(3)
        except Exception as fault:  # noqa: BLE001
            faults.append(fault)

    threads = [threading.Thread(target=follow, args=(writer,)) for writer in (hub.writer, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    second.close()
    assert faults == []
    both, count = told(hub), derived(hub)
    with hub.store.write() as tx:
        tx.run("DELETE FROM feeds")
        hub.store.track(tx, "feeds", 0)
    hub_world.settle()
    assert (told(hub), derived(hub)) == (both, count)
    assert [kind for subscriber, _, kind, _ in both if subscriber == OFFICE].count("AdmissionNotified") == 2


def test_a_stay_whose_both_ends_are_corrected_at_once_is_told_of_twice_and_stops_nobody(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    for start, end in (
        ("2026-11-20T09:00:00+09:00", "2026-11-23T10:00:00+09:00"),
        ("2026-11-19T09:00:00+09:00", "2026-11-22T10:00:00+09:00"),
    ):
        hub_world.put(HOSPITAL, an_encounter(status="finished", period={"start": start, "end": end}))
    hub_world.settle()
    assert len(heard(hub_world.hub.store, "StayCorrected")) == 2


# ── what nobody can take ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_poisoned_event_stops_its_follower_alone_and_all_before_it_is_done(hub_world: World) -> None:
    two_lives(hub_world)
    store = hub_world.hub.store
    bad = encounters(store)[4]
    flip(store, bad)
    with running(hub_world.hub) as runner:
        until(lambda: runner.stopped, "it stands")
        with store.read() as tx:
            head = store.head(tx)
        until(lambda: _position(hub_world, "feeds") == head, "the other goes on")
        assert set(runner.stopped) == {"derive"}
        assert _position(hub_world, "derive") == bad - 1
        stands = runner.stopped["derive"]
        assert stands.fault == "HUB-5005 InvalidTag"
        assert stands.since == hub_world.hub.now()
    kinds = [kind for _, _, kind, _ in told(hub_world.hub)]
    assert "AdmissionNotified" in kinds


def _position(w: World, name: str) -> int:
    with w.hub.store.read() as tx:
        return w.hub.store.position_of(tx, name)


def test_one_that_stands_is_not_tried_at_each_append_but_further_and_further_apart(hub_world: World) -> None:
    two_lives(hub_world)
    store = hub_world.hub.store
    with poisoned(store, encounters(store)[0]), running(hub_world.hub) as runner:
        begun = time.monotonic()
        until(lambda: "derive" in runner.stopped, "it stands")
        for _ in range(200):
            runner.heard()
            time.sleep(0.001)
        tried = runner.stopped["derive"].tried
        assert tried <= 2 + math.log2(1 + (time.monotonic() - begun) / 0.05)  # after 0.05, 0.1, 0.2 … s
        until(lambda: runner.stopped["derive"].tried >= 3, "it is tried again by the clock")


def test_one_that_stands_goes_on_by_itself_when_its_event_is_right_again_and_at_once_on_demand(hub_world: World) -> None:
    two_lives(hub_world)
    store = hub_world.hub.store
    bad = encounters(store)[0]
    flip(store, bad)
    with running(hub_world.hub) as runner:
        until(lambda: "derive" in runner.stopped and runner.stopped["derive"].tried >= 5, "it was tried often")
        flip(store, bad)
        runner.retry("derive")
        until(lambda: not runner.stopped, "it goes on")
        until(lambda: _position(hub_world, "feeds") == _position(hub_world, "derive") > 0, "all is told")
    with store.read() as tx:
        assert skips.all_standing(tx) == {}
    hub_world.settle()
    assert [kind for subscriber, _, kind, _ in told(hub_world.hub) if subscriber == OFFICE].count("AdmissionNotified") == 2


def test_a_restart_does_not_forget_since_when_one_stands(tmp_path: Path) -> None:
    with world(tmp_path / "data") as w:
        two_lives(w)
        flip(w.hub.store, encounters(w.hub.store)[0])
        with running(w.hub) as runner:
            until(lambda: "derive" in runner.stopped, "it stands")
            since, tried = runner.stopped["derive"].since, runner.stopped["derive"].tried
    with world(tmp_path / "data", now=lambda: since.replace(year=2027)) as w, running(w.hub) as runner:
        until(lambda: "derive" in runner.stopped and runner.stopped["derive"].tried > tried, "it stands still")
        assert runner.stopped["derive"].since == since


def test_another_process_knows_what_stands_asks_for_a_try_and_takes_over_when_the_first_one_ends(hub_world: World) -> None:
    two_lives(hub_world)
    hub, store = hub_world.hub, hub_world.hub.store
    leading, bad = threading.Event(), encounters(store)[0]
    flip(store, bad)
    other = Runner(
        [follower(hub, "derive")],
        lead=lambda _: leading.is_set(),
        standing=Standing(store=store, writer=hub.writer, now=hub.now),
        poll=0.05,
    )
    other.start()
    try:
        with running(hub) as runner:
            until(lambda: "derive" in other.stopped, "the other one is told")
            assert _position(hub_world, "derive") < bad
            until(lambda: runner.stopped["derive"].tried >= 5, "it rests for long now")
            flip(store, bad)
            other.retry("derive")
            until(lambda: not runner.stopped and not other.stopped, "both know that it goes on")
        hub_world.put(HOSPITAL, an_encounter("e9"))
        leading.set()
        until(lambda: _position(hub_world, "derive") >= encounters(store)[-1], "the other one leads now")
    finally:
        other.close()


# ── passing one by ───────────────────────────────────────────────────────────────────────────────────────────────────


def stand(w: World, name: str) -> None:
    """Let a follower come to stand."""
    with running(w.hub) as runner:
        until(lambda: name in runner.stopped, "it stands")


@pytest.mark.sqlite
@pytest.mark.parametrize("name", ["derive", "feeds"])
def test_an_event_is_passed_by_for_a_recorded_reason_and_a_replay_passes_it_by_too(tmp_path: Path, name: str) -> None:
    with world(tmp_path / "data") as w:
        two_lives(w)
        hub = w.hub
        if name == "feeds":
            while follower(hub, "derive").step():
                pass
        bad = encounters(hub.store)[0] if name == "derive" else heard(hub.store, "AdmissionNotified")[0]
        flip(hub.store, bad)
        stand(w, name)
        hub.operate.skip(asking(NETWORK, hub), name, REASON)
        assert _position(w, name) == bad
        with hub.store.read() as tx:
            (made,) = hub.store.events_of(tx, events.FOLLOWER_SKIPPED, 0, hub.store.head(tx))
            assert skips.all_standing(tx) == {}
        body = open_event(hub.keys, made)
        assert body is not None
        assert msgspec.json.decode(body, type=events.Skipped) == events.Skipped(name, bad, REASON, "", "HUB-5005 InvalidTag")
        assert REASON.encode() not in made.body
        if name == "feeds":
            flip(hub.store, bad)  # it is right again: it stays passed by all the same
        w.settle()
        kinds = [kind for subscriber, _, kind, _ in told(hub) if subscriber == OFFICE]
        if name == "feeds":
            assert kinds.count("AdmissionNotified") == 1
        else:  # the version after it tells of the admission, as if the first had never come
            assert kinds.count("AdmissionNotified") == 2
            flip(hub.store, bad)
            with hub.store.read() as tx:
                first = hub.store.event(tx, bad)
            assert first is not None
            assert first.header.event.hex() not in {cause for _, _, _, cause in told(hub)}
    environ = {**os.environ, "TSUNAGU_REGION": str(region_file(tmp_path)), "TSUNAGU_DATA": str(tmp_path / "data"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", "hub.cli.main", "replay"], env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, "skips" in done.stdout) == (0, True), done.stdout + done.stderr


def test_passing_by_is_for_the_networks_office_one_that_stands_and_a_reason(hub_world: World) -> None:
    two_lives(hub_world)
    hub = hub_world.hub
    office = asking(NETWORK, hub)

    def refused(by: Asking, name: str, reason: str) -> tuple[type[Refusal], str]:
        with pytest.raises(Refusal) as found:
            hub.operate.skip(by, name, reason)
        return type(found.value), found.value.issues[0].rule

    assert refused(office, "derive", REASON) == (Conflict, "HUB-5131")
    flip(hub.store, encounters(hub.store)[0])
    stand(hub_world, "derive")
    assert refused(office, "derive", "壊れている     ") == (MissingValue, "HUB-5132")
    assert refused(office, "checkpoints", REASON) == (BrokenRule, "HUB-5133")
    assert refused(office, "nobody", REASON) == (NotFound, "HUB-5130")
    assert refused(asking(OFFICE, hub), "derive", REASON) == (Denied, "HUB-5043")
    with pytest.raises(Denied):
        hub.operate.retry(asking(HOSPITAL, hub), "derive")
    assert _position(hub_world, "derive") == encounters(hub.store)[0] - 1
    hub.operate.skip(office, "derive", REASON)
    assert refused(office, "derive", REASON) == (Conflict, "HUB-5131")


def test_one_passes_by_and_only_one_when_two_say_so_at_once(hub_world: World) -> None:
    two_lives(hub_world)
    hub = hub_world.hub
    flip(hub.store, encounters(hub.store)[0])
    stand(hub_world, "derive")
    outcomes: list[str] = []

    def skip() -> None:
        try:
            hub.operate.skip(asking(NETWORK, hub), "derive", REASON)
            outcomes.append("done")
        except Conflict:
            outcomes.append("too late")

    threads = [threading.Thread(target=skip) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", *["too late"] * 7]
    assert _position(hub_world, "derive") == encounters(hub.store)[0]


# ── on several processes ─────────────────────────────────────────────────────────────────────────────────────────────


def test_on_two_processes_one_of_them_follows_both_tell_what_stands_and_the_other_takes_over(tmp_path: Path) -> None:
    """Two hubs over one PostgreSQL; each holds its own connection, as two processes do."""
    from tests.postgres import cluster

    url, data = cluster().new(), tmp_path / "data"
    with world(data, database=url) as w:
        two_lives(w)
        bad = encounters(w.hub.store)[0]
        flip(w.hub.store, bad)

    def process() -> World:
        return World(assemble(data=data, region=register(), base="http://hub.test", adapters=(), now=lambda: NOW, database=url))

    first = process()
    until(lambda: "derive" in first.hub.runner.stopped, "it stands")
    second = process()
    try:
        until(lambda: second.ask("GET", "/readyz").status_code == 503, "the other one tells of it too")
        assert second.ask("GET", "/readyz").json()["stopped"] == ["derive"]
        tried = second.hub.runner.stopped["derive"].tried
        second.hub.operate.retry(asking(NETWORK, second.hub), "derive")
        until(lambda: first.hub.runner.stopped["derive"].tried > tried, "the first one tries at once when the second one asks")
        flip(second.hub.store, bad)
        second.hub.operate.retry(asking(NETWORK, second.hub), "derive")
        until(lambda: not first.hub.runner.stopped and not second.hub.runner.stopped, "both tell that it goes on")
        first.close()
        first.hub.close()
        second.put(HOSPITAL, an_encounter("e9", patient="Patient/p1"))
        with second.hub.store.read() as tx:
            head = second.hub.store.head(tx)
        until(lambda: _position(second, "feeds") >= head, "the other one follows now")
    finally:
        second.close()
        second.hub.close()


# ── as of any position ───────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_step_reads_once_is_what_the_tables_said_at_each_position(hub_world: World) -> None:
    two_lives(hub_world)
    pair = {"first": {"organization": HOSPITAL, "number": "p1"}, "second": {"organization": HOSPITAL, "number": "p2"}, "reason": "試験"}
    for path in ("/links", "/links/undo", "/links"):
        assert hub_world.ask("POST", path, by=NETWORK, content=orjson.dumps(pair)).status_code == 200
    hub_world.put(OFFICE, a_patient("u1", insured="131016:0000012342"))  # the number moves it to the other person
    assert hub_world.ask("DELETE", "/fhir/CarePlan/c1", by=OFFICE).status_code == 204
    hub_world.put(OFFICE, a_plan("c1", patient="Patient/u1"))
    types, store = ("Patient", "CarePlan"), hub_world.hub.store
    sizes = set()
    with store.read() as tx:
        head = store.head(tx)
        looking = Looking(tx, head)
        patients = [row.stream for code in (HOSPITAL, OFFICE, STATION) for row in resources.own(tx, code, "Patient")]
        for at in range(1, head + 1):
            for patient in patients:
                together = looking.together(patient, at)
                assert list(together) == identities.patients_of(tx, identities.person_of(tx, patient, at), at)
                assert looking.directives(together, at) == directives.in_force(tx, together, at)
                standing = resources.of_patients(tx, together, types, until=at)
                assert sorted(looking.standing(together, types, at)) == sorted(standing)
                sizes.add(len(together))
    assert (min(sizes), max(sizes)) == (1, 7)  # alone at first; three and four while the two are linked
