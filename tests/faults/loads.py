"""Clients that write while something breaks, the record that they keep, and the judge who compares it with what the hub holds afterwards."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import orjson

from tests.faults.loader import ADMISSION, admitted
from tests.hub.serving import ROOT, Served
from tests.hub.world import FHIR, HOSPITAL, OFFICE, a_consent, a_patient

UNKNOWN = {"HUB-5102"}
"""Rules by which the hub says that it does not know whether a write was recorded."""


@dataclass(frozen=True, slots=True)
class Record:
    """What one client wrote down: what it sent, and what it was told."""

    sent: tuple[int, ...]
    taken: dict[int, int]
    """Number → version of the Observation that the hub acknowledged."""
    refused: dict[int, str]
    """Number → rule by which the hub said that it had taken nothing."""

    @property
    def in_flight(self) -> set[int]:
        return set(self.sent) - set(self.taken) - set(self.refused)

    @classmethod
    def read(cls, path: Path) -> Record:
        sent, taken, refused = [], {}, {}
        for line in path.read_text(encoding="ascii").splitlines():
            word, number, *more = line.split()
            if word == "sent":
                sent.append(int(number))
            elif more[0] == "200":
                taken[int(number)] = int(re.fullmatch(r'W/"(\d+)"', more[1])[1])
            elif more[1] not in UNKNOWN:
                refused[int(number)] = more[1]
        return cls(tuple(sent), taken, refused)


@dataclass
class Load:
    """Some clients over the same hubs, each with a person of its own."""

    folder: Path
    hubs: Sequence[Served]
    tokens: dict[str, str]
    round: int
    count: int = 6
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.names = [f"r{self.round}c{i}" for i in range(self.count)]
        self.paths = {name: self.folder / f"{name}.txt" for name in self.names}

    def prepare(self) -> None:
        """Put in whom the writes are about: known to hospital and office, with a consent that lets the office hear."""
        with self.client(HOSPITAL) as hospital, self.client(OFFICE) as office:
            for i, name in enumerate(self.names):
                insured = f"131016:{self.round * 1_000 + i:010}"
                birth = f"19{20 + i:02}-01-{1 + self.round % 28:02}"
                _put(hospital, a_patient(name, insured=insured, birth=birth))
                _put(office, a_patient(name, insured=insured, birth=birth))
                _put(hospital, a_consent(name, patient=f"Patient/{name}"))

    def client(self, organization: str) -> httpx.Client:
        made = self.hubs[0].client(organization)
        made.headers["Authorization"] = f"Bearer {self.tokens[organization]}"  # tokens outlive the process
        return made

    def start(self, *, on: bool = False) -> None:
        ports = [str(hub.port) for hub in self.hubs]
        for i, name in enumerate(self.names):
            turned = ports[i % len(ports) :] + ports[: i % len(ports)]
            command = [sys.executable, "-S", "-E", str(ROOT / "tests/faults/loader.py"), ",".join(turned), self.tokens[HOSPITAL], name]
            self.processes.append(subprocess.Popen([*command, str(self.paths[name]), *(["--on"] if on else [])]))

    def told(self, status: str = "200") -> int:
        """Give how many answers of a status there are so far."""
        return sum(len(re.findall(rf"^told \d+ {status} ", p.read_text(), re.MULTILINE)) for p in self.paths.values() if p.exists())

    def waiting(self) -> int:
        """Give how many writes have left their client and have no answer yet."""
        texts = [p.read_text() for p in self.paths.values() if p.exists()]
        return sum(text.count("sent ") - text.count("told ") for text in texts)

    def until_told(self, more: int, status: str = "200", seconds: float = 60) -> None:
        """Wait for so many more answers of a status."""
        before = self.told(status)
        wait_for(lambda: self.told(status) >= before + more, seconds, f"{more} answers of {status}")

    def stop(self) -> None:
        """Let each client end after the answer that it waits for."""
        for path in self.paths.values():
            path.with_name(path.name + ".stop").touch()
        self.ended()

    def ended(self) -> None:
        """Wait until all clients have ended by themselves."""
        for process in self.processes:
            assert process.wait(timeout=120) == 0

    def __enter__(self) -> Self:
        self.prepare()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()

    def records(self) -> dict[str, Record]:
        return {name: Record.read(path) for name, path in self.paths.items()}


@contextmanager
def running() -> Iterator[Callable[[Served], Served]]:
    """Give what takes note of a hub that was started: at the end each is told to stop, and when a loop failed it is ended."""
    held: list[Served] = []

    def hold(hub: Served) -> Served:
        held.append(hub)
        return hub

    try:
        yield hold
        for hub in held:
            assert hub.process.poll() is not None or hub.stop() == 0
    finally:
        for hub in held:
            if hub.process.poll() is None:
                hub.kill()


@dataclass
class Counts:
    """What a loop has counted, for the page."""

    of: str
    counted: dict[str, int] = field(default_factory=dict)

    def add(self, **more: int) -> None:
        for name, number in more.items():
            self.counted[name] = self.counted.get(name, 0) + number

    def __str__(self) -> str:
        return f"{self.of:<40}" + "  ".join(f"{name.replace('_', ' ')} {number:,}" for name, number in self.counted.items())


def judge(load: Load, counts: Counts, *, silent: frozenset[str] = frozenset()) -> int:
    """Compare what each client was told with what the hub holds; add to the counts. Gives how many writes were in flight.

    `silent` = clients whose persons did not let the office hear all the time.
    """
    flying = 0
    with load.client(HOSPITAL) as hospital:
        held = {}
        for name, record in load.records().items():
            held[name] = numbers = versions(hospital, name)
            assert len(set(numbers)) == len(numbers), f"{name}: doubled"
            assert all(numbers[version - 1] == number for number, version in record.taken.items()), f"{name}: lost"
            assert not set(numbers) & set(record.refused), f"{name}: recorded what was refused"
            assert set(numbers) - set(record.taken) <= record.in_flight, f"{name}: recorded what nobody sent"
            assert [record.taken[n] for n in sorted(record.taken)] == sorted(record.taken.values()), f"{name}: reordered"
            for kind, among in (("Basic", numbers), ("Encounter", [n for n in numbers if n % ADMISSION == 0])):
                total = hospital.get(f"/fhir/{kind}", params={"patient": f"Patient/{name}", "_summary": "count"}).json()["total"]
                assert total == len(among), f"{name}: half of a submission"
            flying += len(record.in_flight)
            counts.add(
                acknowledged=len(record.taken), refused=len(record.refused), in_flight=len(record.in_flight),
                kept_of_these=len(set(numbers) & record.in_flight),
            )  # fmt: skip
    counts.add(heard=heard(load, {name: numbers for name, numbers in held.items() if name not in silent}))
    return flying


def heard(load: Load, held: dict[str, list[int]]) -> int:
    """Say that the office's feed has each admission that was recorded once and in its order; give how many these are."""
    due = {name: [admitted(name, n) for n in numbers if n % ADMISSION == 0] for name, numbers in held.items()}
    whose = {moment: name for name, moments in due.items() for moment in moments}
    feed: list[dict[str, Any]] = []

    def all_there() -> bool:
        with load.client(OFFICE) as office:
            lines = office.get("/events", params={"after": str(len(feed))}, headers={"Accept": "application/x-ndjson"}).text.splitlines()
        feed.extend(orjson.loads(line) for line in lines)
        return whose.keys() <= {e["data"]["occurred"] for e in feed}

    wait_for(all_there, 60, "the feed")
    assert [e["id"] for e in feed] == [str(n) for n in range(1, len(feed) + 1)]
    moments = [e["data"]["occurred"] for e in feed]
    assert len(set(moments)) == len(moments), "a feed doubled"
    for name, in_order in due.items():
        assert [m for m in moments if whose.get(m) == name] == in_order, f"{name}: a feed reordered"
    return len(whose)


def versions(client: httpx.Client, name: str) -> list[int]:
    """Give the number that each version of a client's Observation carries, by version."""
    found: list[int] = []
    while True:
        answer = client.get(f"/fhir/Observation/{name}/_history/{len(found) + 1}")
        if answer.status_code == 404:
            return found
        assert answer.status_code == 200, answer.text
        found.append(int(answer.json()["identifier"][0]["value"].rpartition("-")[2]))


def wait_for(met: Callable[[], bool], seconds: float, what: str, every: float = 0.02) -> None:
    """Wait until a condition is met."""
    until = time.monotonic() + seconds
    while not met():
        if time.monotonic() > until:
            raise AssertionError(f"{what}: not within {seconds:g} s")
        time.sleep(every)


def refused_reading(load: Load) -> tuple[int, str]:
    """Read something that is there; give the status and the rule by which it is refused."""
    with load.client(HOSPITAL) as client:
        answer = client.get(f"/fhir/Patient/{load.names[0]}")
    return answer.status_code, answer.json()["issue"][0]["details"]["coding"][0]["code"] if answer.status_code >= 400 else ""


def _put(client: httpx.Client, tree: dict[str, object]) -> None:
    answer = client.put(f"/fhir/{tree['resourceType']}/{tree['id']}", content=orjson.dumps(tree), headers=FHIR)
    assert answer.status_code == 201, answer.text
