"""Broker, hub, or both die under load, without a word: nothing that was acknowledged is lost, nothing is doubled, each person's order is kept.

What counts is what clients wrote down outside of whatever was killed (the answers of the hub, those of the broker) and what a foreign reader
sees of committed records. A round in which nothing was under way at the kill proves nothing and does not count.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson
import pytest
from kafka import KafkaConsumer, TopicPartition

from hub.kafka import topics
from hub.kafka.clients import made
from hub.kafka.receiving import GROUP
from tests.hub.serving import ROOT, Served
from tests.hub.world import a_consent, a_patient, a_plan, database_of
from tests.kafka import foreign
from tests.kafka.broker import Broker
from tests.kafka.region import HOSPITAL, OFFICE, a_region, codes_of, region_file
from tests.kafka.serving import start
from tests.postgres import cluster
from tests.waiting import until

PEOPLE = 4
FHIR = {"Content-Type": "application/fhir+json"}


@dataclass
class Load:
    """A client of the hospital for one person: writes cautions one after the other, each until the hub says that it has it.

    The caution's beginning tells its number. The same one is sent again under the same id until it was acknowledged: so the hub has to tell
    of it once, however often it was asked.
    """

    hub: Served
    token: str
    person: str
    told: list[int] = field(default_factory=list)
    sending: int = 0
    pause: float = 0.0
    """Seconds between two writes."""
    stop: threading.Event = field(default_factory=threading.Event)

    def body(self, number: int) -> bytes:
        at = f"2026-11-{1 + number // 1440:02d}T{number // 60 % 24:02d}:{number % 60:02d}:00+09:00"
        return orjson.dumps({
            "resourceType": "Flag", "id": f"f-{self.person}-{number}", "status": "active", "code": {"text": "転倒"},
            "subject": {"reference": f"Patient/{self.person}"}, "period": {"start": at},
        })  # fmt: skip

    def run(self) -> None:
        number = 0
        while not self.stop.is_set():
            self.sending = number
            if self._taken(number):
                self.told.append(number)
                number += 1
            self.stop.wait(self.pause)

    def _taken(self, number: int) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.hub.port, timeout=20)
        try:
            headers = {"Authorization": f"Bearer {self.token}"} | FHIR
            connection.request("PUT", f"/fhir/Flag/f-{self.person}-{number}", self.body(number), headers)
            return connection.getresponse().status in {200, 201}
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class Scene:
    """A hub process, a broker, and clients that write."""

    def __init__(self, folder: Path, broker: Broker, database: str = "") -> None:
        self.region = a_region(office="thin", hospital="thin")
        self.codes = codes_of(self.region)
        self.broker, self._folder, self._file = broker, folder / "data", region_file(folder, self.region)
        self._database = database or database_of(self._folder)
        self.hub = start(self._folder, self._file, broker.servers, self._database)
        self.tokens = dict(self.hub.tokens)
        self.loads: list[Load] = []
        self._threads: list[threading.Thread] = []

    def client(self, who: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.tokens[self.codes[who]]}"} | FHIR
        return httpx.Client(base_url=self.hub.base, headers=headers, timeout=60, trust_env=False)

    def people(self) -> None:
        with self.client(OFFICE) as office, self.client(HOSPITAL) as hospital:
            for i in range(PEOPLE):
                name, insured = f"p{i}", f"131016:00000{i:05d}"
                for who, tree in (
                    (office, a_patient(name, insured=insured)),
                    (office, a_plan(f"c{i}", patient=f"Patient/{name}")),
                    (hospital, a_patient(name, insured=insured)),
                    (hospital, a_consent(f"k{i}", patient=f"Patient/{name}")),
                ):
                    path = f"/fhir/{tree['resourceType']}/{tree['id']}"
                    assert who.put(path, content=orjson.dumps(tree)).status_code == 201

    def begin(self, pause: float) -> None:
        self.loads = [Load(self.hub, self.tokens[self.codes[HOSPITAL]], f"p{i}", pause=pause) for i in range(PEOPLE)]
        self._threads = [threading.Thread(target=load.run, daemon=True) for load in self.loads]
        for thread in self._threads:
            thread.start()

    def told(self) -> int:
        """Give how many writes the hub has acknowledged."""
        return sum(len(load.told) for load in self.loads)

    def more(self, count: int) -> None:
        """Wait until so many writes more are acknowledged."""
        enough = self.told() + count
        until(lambda: self.told() >= enough)

    def end(self) -> None:
        for load in self.loads:
            load.stop.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def kill_hub(self) -> None:
        self.hub.kill()

    def second_hub(self) -> Served:
        """Start one more process over the same data."""
        return start(self._folder, self._file, self.broker.servers, self._database)

    def stop_hub(self) -> None:
        assert self.hub.stop() == 0

    def start_hub(self) -> None:
        port = self.hub.port
        self.hub = start(self._folder, self._file, self.broker.servers, self._database, port)

    def close(self) -> None:
        self.end()
        if self.hub.process.poll() is None:
            self.hub.stop()

    def sent(self) -> int:
        """Give how many records are committed now, while others come: only to judge whether anything is under way."""
        consumer = made(KafkaConsumer, bootstrap_servers=self.broker.servers, isolation_level="read_committed", enable_auto_commit=False)
        try:
            places = [TopicPartition(f"tsunagu.{self.codes[OFFICE]}.plan", n) for n in range(topics.PARTITIONS)]
            consumer.assign(places)
            consumer.seek_to_beginning(*places)
            ends, count = consumer.end_offsets(places), 0
            while any(consumer.position(place) < end for place, end in ends.items()):
                count += sum(len(some) for some in consumer.poll(timeout_ms=200).values())
            return count
        finally:
            consumer.close(autocommit=False)

    def read(self) -> list[foreign.Seen]:
        """Give all that a foreign reader sees, when no more comes."""
        return foreign.read(self.broker, f"tsunagu.{self.codes[OFFICE]}.plan")


def state(hub: Served) -> str:
    """Give what a hub says of its way out."""
    return str(httpx.get(f"{hub.base}/readyz", timeout=20, trust_env=False).json()["kafka"]["out"])


@contextmanager
def scene(folder: Path, broker: Broker, database: str = "") -> Iterator[Scene]:
    one = Scene(folder, broker, database)
    try:
        yield one
    finally:
        one.close()


def numbers(seen: list[foreign.Seen]) -> dict[str, list[int]]:
    """Give the numbers that a foreign reader sees of each person, in the order of its partition."""
    found: dict[str, list[int]] = {}
    for one in seen:
        at = orjson.loads(one.value)["occurred"]
        number = (int(at[8:10]) - 1) * 1440 + int(at[11:13]) * 60 + int(at[14:16])
        found.setdefault(one.key, []).append(number)
    return found


def kill_hub(s: Scene) -> int:
    """Kill the hub under load and start it again; give how much of what it had acknowledged was not in Kafka yet."""
    s.kill_hub()
    told = s.told()
    behind = told - s.sent()
    s.start_hub()
    return behind


def kill_broker(s: Scene) -> int:
    """Kill the broker under load, let the hub go on without it, start it again; give how much the hub acknowledged meanwhile."""
    s.broker.kill()
    told = s.told()
    s.more(10)  # the hub serves all the same
    s.broker.start()
    return s.told() - told


def kill_both(s: Scene) -> int:
    """Kill both at once, and start the hub before there is a broker."""
    s.broker.kill()
    s.kill_hub()
    told = s.told()
    s.start_hub()
    s.more(5)
    assert state(s.hub) in {"idle", "HUB-5090"}
    s.broker.start()
    return s.told() - told


@pytest.mark.parametrize("kill", [kill_hub, kill_broker, kill_both])
def test_all_that_was_acknowledged_is_in_kafka_once_and_in_order(
    kill: Callable[[Scene], int], tmp_path: Path, broker: Broker, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds = 20 if long else 2 if kill is kill_hub else 1
    under_way = []
    with scene(tmp_path, broker) as s:
        s.people()
        s.begin(0.005 if long else 0.1)
        for _ in range(rounds * 4):
            s.more(200 if long else 15)
            until(lambda: s.sent() > 0)
            under_way.append(kill(s))
            if sum(1 for n in under_way if n > 0) == rounds:
                break
        else:
            pytest.fail("nothing was under way at most of the kills: they prove nothing")
        s.end()
        told = s.told()
        until(lambda: s.sent() >= told)
        s.stop_hub()
        seen = whole(s)
        with capsys.disabled():
            print(f"\n{kill.__name__}: {told} acknowledged, {len(seen)} in Kafka, under way at the kills {under_way}")


def whole(s: Scene) -> list[foreign.Seen]:
    """See that what is in Kafka is what was acknowledged: each once, none left out, each person's in order. Give it."""
    seen = s.read()
    ids = [int(one.headers["ce_id"]) for one in seen]
    # each of the subscriber's numbers once, none left out: nothing was withdrawn here
    assert sorted(ids) == list(range(1, len(ids) + 1))
    by_person = numbers(seen)
    assert len(by_person) == PEOPLE
    # each person's cautions came in the order in which they were acknowledged, each once, none left out; what was under way when the
    # clients stopped may be there or not
    for had in by_person.values():
        assert had == list(range(len(had)))
    assert Counter(len(had) for had in by_person.values()) in possible(s.loads)
    return seen


def possible(loads: list[Load]) -> list[Counter[int]]:
    """Give how many records there may be of each person: all that was acknowledged, and perhaps the one that was under way."""
    found: list[Counter[int]] = [Counter()]
    for load in loads:
        found = [
            known + Counter([len(load.told) + more]) for known in found for more in ((0, 1) if load.sending == len(load.told) else (0,))
        ]
    return found


def test_when_the_process_that_sends_is_killed_the_other_goes_on_where_it_was(
    tmp_path: Path, broker: Broker, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with scene(tmp_path, broker, cluster().new()) as s:
        s.people()
        until(lambda: state(s.hub) == "up")
        sending, s.hub = s.hub, s.second_hub()  # clients write to the other
        assert state(s.hub) == "idle"
        s.begin(0.005 if long else 0.02)
        until(lambda: s.sent() > 0)
        for _ in range(10):
            s.more(500 if long else 20)
            sending.kill()
            behind = s.told() - s.sent()
            if behind > 0:
                break
            sending, s.hub = s.hub, s.second_hub()
            for load in s.loads:
                load.hub = s.hub
            until(lambda sending=sending: state(sending) == "up")
        assert behind > 0, "nothing was under way at any of the kills"
        until(lambda: state(s.hub) == "up")
        s.more(20)
        s.end()
        until(lambda: s.sent() >= s.told())
        s.stop_hub()
        seen = whole(s)
        with capsys.disabled():
            print(f"\none of two hubs: {s.told()} acknowledged, {len(seen)} in Kafka, under way at the kill {behind}")


# ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Sending:
    """A foreign sender, a process of its own, that writes down what the broker has acknowledged."""

    def __init__(self, broker: Broker, code: str, record: Path, pause: float) -> None:
        self._record = record
        record.touch()
        command = [sys.executable, "-m", "tests.kafka.sender", broker.servers, topics.into(code), str(PEOPLE), str(record), str(pause)]
        with record.with_suffix(".log").open("wb") as said:
            self._process = subprocess.Popen(command, cwd=ROOT, stderr=said, env={**os.environ, "PYTHONPATH": str(ROOT)})

    @property
    def told(self) -> int:
        return len(self._record.read_text(encoding="ascii").splitlines())

    def close(self) -> None:
        """Let it end with what is under way."""
        self._process.terminate()
        assert self._process.wait(timeout=150) == 0


def committed(broker: Broker, code: str) -> int:
    """Give how many records of a topic the hubs' group has dealt with."""
    consumer = made(KafkaConsumer, bootstrap_servers=broker.servers, group_id=GROUP, enable_auto_commit=False)
    try:
        places = [TopicPartition(topics.into(code), n) for n in range(topics.PARTITIONS)]
        return sum(consumer.committed(place, timeout_ms=10_000) or 0 for place in places)
    finally:
        consumer.close(autocommit=False)


def test_all_that_the_broker_took_for_the_hub_is_in_the_hub_once(
    tmp_path: Path, broker: Broker, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds = 20 if long else 2
    under_way = []
    with scene(tmp_path, broker) as s:
        s.people()
        hospital = s.codes[HOSPITAL]
        until(lambda: topics.into(hospital) in present(broker))
        sender = Sending(broker, hospital, tmp_path / "sent.txt", 0.002 if long else 0.05)
        for number in range(rounds * 4):
            before = committed(broker, hospital)
            until(lambda before=before: committed(broker, hospital) >= before + 20)
            s.kill_hub()
            under_way.append(sender.told - committed(broker, hospital))
            if number % 2:
                broker.kill()
                broker.start()
            s.start_hub()
            if sum(1 for n in under_way if n > 0) == rounds:
                break
        else:
            pytest.fail("nothing was under way at most of the kills: they prove nothing")
        sender.close()
        until(lambda: committed(broker, hospital) == sender.told)
        with s.client(HOSPITAL) as client:
            total = client.get("/fhir/Basic?_summary=count").json()["total"]
            assert total == sender.told
            for number in range(sender.told):
                found = client.get("/fhir/Basic", params={"identifier": f"urn:example:load|{number}", "_summary": "count"}).json()["total"]
                assert found == 1, number
            assert client.get("/refused.json").json()["refused"] == []
        with capsys.disabled():
            print(f"\nin: {sender.told} acknowledged by the broker, {total} in the hub, under way at the kills {under_way}")


def present(broker: Broker) -> frozenset[str]:
    from hub.kafka.options import Options

    return topics.present(Options((broker.servers,)))
