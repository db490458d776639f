"""What a follower cannot take stops that one alone: it is tried again, further and further apart, or passed by for a recorded reason."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest

from hub.assemble import assemble
from hub.commands import Asking
from hub.followers.run import Runner
from hub.followers.standing import Standing
from hub.log.event import open_event
from hub.tables import skips
from schemas import events
from schemas.errors import BrokenRule, Conflict, Denied, MissingValue, NotFound, Refusal
from tests.hub.poison import encounters, flip, heard, poisoned
from tests.hub.serving import ROOT, region_file
from tests.hub.two_lives import REASON, asking, follower, position, running, told, two_lives
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    NOW,
    OFFICE,
    World,
    an_encounter,
    register,
    world,
)
from tests.waiting import until

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
        until(lambda: position(hub_world, "feeds") == head, "the other goes on")
        assert set(runner.stopped) == {"derive"}
        assert position(hub_world, "derive") == bad - 1
        stands = runner.stopped["derive"]
        assert stands.fault == "HUB-5005 InvalidTag"
        assert stands.since == hub_world.hub.now()
    kinds = [kind for _, _, kind, _ in told(hub_world.hub)]
    assert "AdmissionNotified" in kinds


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
        until(lambda: position(hub_world, "feeds") == position(hub_world, "derive") > 0, "all is told")
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


def test_a_hub_that_ends_just_when_one_is_to_be_tried_again_does_not_take_it_for_going_on(hub_world: World) -> None:
    two_lives(hub_world)
    flip(hub_world.hub.store, encounters(hub_world.hub.store)[0])
    with running(hub_world.hub) as runner:
        until(lambda: "derive" in runner.stopped, "it stands")
    runner._steps(runner.followers[0], runner._seats["derive"])
    assert "derive" in runner.stopped
    assert "derive" in Standing(store=hub_world.hub.store, writer=hub_world.hub.writer, now=hub_world.hub.now).all()


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
            assert position(hub_world, "derive") < bad
            until(lambda: runner.stopped["derive"].tried >= 5, "it rests for long now")
            flip(store, bad)
            other.retry("derive")
            until(lambda: not runner.stopped and not other.stopped, "both know that it goes on")
        hub_world.put(HOSPITAL, an_encounter("e9"))
        leading.set()
        until(lambda: position(hub_world, "derive") >= encounters(store)[-1], "the other one leads now")
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
        assert position(w, name) == bad
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
    assert position(hub_world, "derive") == encounters(hub.store)[0] - 1
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
    assert position(hub_world, "derive") == encounters(hub.store)[0]


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
        until(lambda: position(second, "feeds") >= head, "the other one follows now")
    finally:
        second.close()
        second.hub.close()
