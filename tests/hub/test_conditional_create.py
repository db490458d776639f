"""Many processes create the same thing under the same condition at the same moment: one creates it, all are told the same place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.hub.racer import SYSTEM
from tests.hub.serving import ROOT, served
from tests.hub.world import HOSPITAL

RACERS = 32


def test_of_many_processes_one_creates_and_all_others_find_it(tmp_path: Path, long: bool) -> None:
    rounds = 1_000 if long else 12
    with served(tmp_path / "data", "--roll-back", "10") as hub:
        command = [sys.executable, "-S", "-E", str(ROOT / "tests/hub/racer.py"), str(hub.port), hub.tokens[HOSPITAL], str(rounds)]
        racers = [
            subprocess.Popen([*command, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
            for number in range(RACERS)
        ]
        try:
            assert all(r.stdout is not None and r.stdout.readline() == "ready\n" for r in racers)
            told: list[list[tuple[int, str, str, int]]] = []
            for _ in range(rounds):
                for racer in racers:
                    assert racer.stdin is not None
                    racer.stdin.write("go\n")
                    racer.stdin.flush()
                told.append([_said(racer) for racer in racers])
        finally:
            for racer in racers:
                racer.kill()
                racer.wait()
                for pipe in (racer.stdin, racer.stdout):
                    assert pipe is not None
                    pipe.close()
        for round_, answers in enumerate(told):
            assert {r for r, *_ in answers} == {round_}
            statuses = [status for _, status, _, _ in answers]
            assert sorted(statuses) == ["200"] * (RACERS - 1) + ["201"]
            assert len({place for _, _, place, _ in answers}) == 1
        again = sum(tries > 1 for answers in told for *_, tries in answers)
        assert again >= rounds // 10  # submissions were taken back after their events had been appended
        with hub.client(HOSPITAL) as client:
            assert client.get("/fhir/Patient?_summary=count").json()["total"] == rounds
            for round_ in {0, rounds // 2, rounds - 1}:
                assert client.get("/fhir/Patient", params={"identifier": f"{SYSTEM}|{round_}"}).json()["total"] == 1


def _said(racer: subprocess.Popen[str]) -> tuple[int, str, str, int]:
    assert racer.stdout is not None
    round_, status, place, tries = racer.stdout.readline().split()
    return int(round_), status, place, int(tries)
