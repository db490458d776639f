"""Many processes that want the same at the same moment: one condition that creates once, and one empty database that all make their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.faults.effort import Effort
from tests.faults.loads import Counts, running
from tests.faults.racer import SYSTEM
from tests.hub.serving import ROOT, Served, start
from tests.hub.world import HOSPITAL
from tests.postgres import Cluster

RACERS = 32
STARTERS = 8


def created_once(folder: Path, database: str, effort: Effort, *, hubs: int = 1) -> Counts:
    """Let 32 processes create the same under one condition, round after round, while each tenth submission is rolled back."""
    counts = Counts(f"conditional create, {'postgresql' if database else 'sqlite'}, {hubs} hub{'s' * (hubs > 1)}")
    with running() as hold:
        served = [hold(start(folder / "data", "--database", database, "--roll-back", "10")) for _ in range(hubs)]
        _race(served, effort, counts)
    rolled_back = len((folder / "data" / "rolled-back").read_text(encoding="ascii"))
    counts.add(rolled_back=rolled_back)
    assert rolled_back >= max(
        counts.counted["rounds"] // 10 - hubs + 1, 1
    )  # submissions were taken back after their events had been appended
    return counts


def _race(served: Sequence[Served], effort: Effort, counts: Counts) -> None:
    token, hubs = served[0].tokens[HOSPITAL], len(served)  # the others read the file of tokens when they started
    command = [sys.executable, "-S", "-E", str(ROOT / "tests/faults/racer.py")]
    racers = [
        subprocess.Popen(
            [*command, str(served[n % hubs].port), token, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        for n in range(RACERS)
    ]
    again = 0
    try:
        assert all(r.stdout is not None and r.stdout.readline() == "ready\n" for r in racers)
        for round_ in effort.each():
            for racer in racers:
                assert racer.stdin is not None
                racer.stdin.write(f"{round_}\n")
                racer.stdin.flush()
            answers = [_said(racer) for racer in racers]
            assert {r for r, *_ in answers} == {round_}
            assert sorted(status for _, status, _, _ in answers) == ["200"] * (RACERS - 1) + ["201"]
            assert len({place.rpartition("/fhir/")[2] for _, _, place, _ in answers}) == 1
            again += sum(tries > 1 for *_, tries in answers)
            counts.add(rounds=1, creates=1, found=RACERS - 1)
    finally:
        for racer in racers:
            racer.kill()
            racer.wait()
            for pipe in (racer.stdin, racer.stdout):
                assert pipe is not None
                pipe.close()
    rounds = counts.counted["rounds"]
    counts.add(sent_again=again)
    _one_of_each(served[-1], token, rounds)


def _one_of_each(hub: Served, token: str, rounds: int) -> None:
    with hub.client(HOSPITAL) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        assert client.get("/fhir/Patient?_summary=count").json()["total"] == rounds
        for round_ in {0, rounds // 2, rounds - 1}:
            assert client.get("/fhir/Patient", params={"identifier": f"{SYSTEM}|{round_}"}).json()["total"] == 1


def _said(racer: subprocess.Popen[str]) -> tuple[int, str, str, int]:
    assert racer.stdout is not None
    round_, status, place, tries = racer.stdout.readline().split()
    return int(round_), status, place, int(tries)


_STARTER = """
import sys
from hub.log.opening import open_store
from hub.tables.all import SCHEMA
print("ready", flush=True)
sys.stdin.readline()
store = open_store(sys.argv[1], tables=SCHEMA)
with store.write() as tx:
    store.lock(tx)
store.close()
"""


def started_together(cluster: Cluster, effort: Effort) -> Counts:
    """Let eight processes open the same empty database at once: its tables are made one process at a time, and none fails."""
    counts = Counts("starts on an empty database")
    for _ in effort.each():
        url = cluster.new()
        starters = [
            subprocess.Popen([sys.executable, "-c", _STARTER, url], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(STARTERS)
        ]
        for one in starters:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in starters:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        for one in starters:
            assert one.wait(timeout=60) == 0
            for pipe in (one.stdin, one.stdout):
                assert pipe is not None
                pipe.close()
        counts.add(rounds=1, starts=STARTERS)
    return counts
