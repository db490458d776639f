"""A hub that is killed under load has lost nothing that it acknowledged and doubled nothing, by the record that its clients kept."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson

from hub.log.verify_sqlite import verify_file
from tests.hub.serving import ROOT, Served, served, start
from tests.hub.world import FHIR, HOSPITAL

CLIENTS = 6


@dataclass(frozen=True, slots=True)
class Record:
    """What a client wrote down: the numbers that it sent and what it was told, in order."""

    sent: tuple[int, ...]
    told: dict[int, int]
    """Number → version of the Observation that the hub acknowledged."""

    @property
    def in_flight(self) -> set[int]:
        return set(self.sent) - set(self.told)


def record(path: Path) -> Record:
    sent, told = [], {}
    for line in path.read_text(encoding="ascii").splitlines():
        word, number, *more = line.split()
        if word == "sent":
            sent.append(int(number))
        else:
            assert more[0] == "200", line
            told[int(number)] = int(re.fullmatch(r'W/"(\d+)"', more[1])[1])
    return Record(tuple(sent), told)


def killed_under_load(folder: Path, records: list[Path], hub: Served, seconds: float) -> None:
    """Let the clients write, and kill the hub without a word."""
    with hub.client(HOSPITAL) as client:
        for path in records:
            tree = {"resourceType": "Patient", "id": path.stem}
            assert client.put(f"/fhir/Patient/{path.stem}", content=orjson.dumps(tree), headers=FHIR).status_code == 201
    command = [sys.executable, "-S", "-E", str(ROOT / "tests/hub/loader.py"), str(hub.port), hub.tokens[HOSPITAL]]
    clients = [subprocess.Popen([*command, path.stem, str(path)]) for path in records]
    deadline = time.monotonic() + 30
    while sum(p.read_text().count("told") for p in records if p.exists()) < 100 * seconds and time.monotonic() < deadline:
        time.sleep(0.01)
    hub.kill()
    for client in clients:
        assert client.wait(timeout=30) == 0


def test_every_acknowledged_write_is_there_after_a_kill_and_none_is_doubled(tmp_path: Path, long: bool) -> None:
    kept: list[Record] = []
    for attempt in range(5):
        folder = tmp_path / str(attempt)
        records = [folder / f"c{i}.txt" for i in range(CLIENTS)]
        hub = start(folder / "data")
        killed_under_load(folder, records, hub, 60 if long else 2)
        kept = [record(path) for path in records]
        if any(r.in_flight for r in kept):
            break
    else:
        raise AssertionError("nothing was in flight at any of the kills: they prove nothing")
    with served(folder / "data", "--port", str(hub.port)) as again, again.client(HOSPITAL) as client:
        client.headers["Authorization"] = f"Bearer {hub.tokens[HOSPITAL]}"  # tokens outlive the process
        for path, one in zip(records, kept, strict=True):
            assert len(one.told) >= 10
            held = versions(client, path.stem)
            # each write made one version, in the order in which its client sent it; only what was in flight may be there or not
            assert held == list(range(1, len(held) + 1))
            assert set(one.told) <= set(held) <= set(one.told) | one.in_flight
            assert all(held[version - 1] == number for number, version in one.told.items())
            total = client.get("/fhir/Basic", params={"patient": f"Patient/{path.stem}", "_summary": "count"}).json()["total"]
            assert total == len(held)  # both entries of a transaction, or none
            # and the hub goes on where it was
            tree = client.get(f"/fhir/Observation/{path.stem}").json()
            answer = client.put(
                f"/fhir/Observation/{path.stem}", content=orjson.dumps(tree), headers=FHIR | {"If-Match": f'W/"{len(held)}"'}
            )
            assert answer.headers["etag"] == f'W/"{len(held) + 1}"'
    data = folder / "data"
    found = verify_file(data / "hub.db", (data / "checkpoint.pub").read_text().strip(), (data / "checkpoint.txt").read_text())
    assert found.findings == ()
    assert found.checkpoints >= 1


def versions(client: httpx.Client, name: str) -> list[int]:
    """Give the number that each version of a client's Observation carries, by version."""
    found = []
    while True:
        answer = client.get(f"/fhir/Observation/{name}/_history/{len(found) + 1}")
        if answer.status_code == 404:
            return found
        found.append(int(answer.json()["identifier"][0]["value"].rpartition("-")[2]))
