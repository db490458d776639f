"""Followers go on from where they were, whatever happens: batches, restarts and several at once make no difference to what they tell."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.followers.derive import Deriving
from hub.followers.feeds import Feeding
from hub.followers.looking import Looking
from hub.tables import directives, identities, resources
from hub.writer import Writer
from tests.hub.poison import heard
from tests.hub.serving import ROOT
from tests.hub.two_lives import derived, follower, told, two_lives
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    OFFICE,
    STATION,
    World,
    a_patient,
    a_plan,
    an_encounter,
    world,
)

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


# ── as of any position ───────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_step_reads_once_is_what_the_tables_said_at_eachposition(hub_world: World) -> None:
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
