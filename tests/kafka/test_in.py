"""What organizations send by Kafka: through the same doors as by HTTP, once each; what is refused is kept, told by a dead letter, and sent again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from hub.ingest.receive import Receiving
from hub.ingest.topic import Listening
from hub.kafka import topics
from hub.kafka.clients import made
from hub.kafka.options import Options
from hub.kafka.receiving import GROUP, Inlet
from schemas.adapter import BASE, Conversion, Wire
from schemas.errors import Busy
from tests.hub.files import admission, named
from tests.hub.world import a_consent, a_patient
from tests.kafka import foreign
from tests.kafka.broker import Broker
from tests.kafka.region import HOSPITAL, OFFICE, STATION, Told, a_region, codes_of, told
from tests.waiting import until

FHIR = ("content-type", b"application/fhir+json")


def options(broker: Broker) -> Options:
    return Options((broker.servers,), replicas=1)


@contextmanager
def listening(w: Told, broker: Broker) -> Iterator[Listening]:
    """Let the world's hub listen, until the block ends."""
    w.hub.listening.start()
    try:
        yield w.hub.listening
    finally:
        w.hub.listening.close()


def again(w: Told, broker: Broker) -> Listening:
    """Give a hub's ear as a hub that was started anew would have it."""
    hub = w.hub
    inlet = Inlet(options(broker), hub.region.offices, hub.region.kafka)
    return Listening(region=hub.region, secrets=hub.secrets, bundle=hub.bundle, receive=hub.receive, inlet=inlet)


def send(broker: Broker, code: str, *values: bytes, headers: tuple[tuple[str, bytes], ...] = (), **more: Any) -> None:
    """Send records as a foreign sender, all to one partition."""
    producer = KafkaProducer(bootstrap_servers=broker.servers, acks="all", **more)
    for one in [producer.send(topics.into(code), value=value, headers=list(headers), partition=0) for value in values]:
        one.get(timeout=20)
    producer.close()


def basic(number: int, **more: Any) -> dict[str, Any]:
    mark = [{"system": "urn:example:load", "value": str(number)}]
    return {"resourceType": "Basic", "identifier": mark, "code": {"text": "load"}, "subject": {"reference": "Patient/p1"}, **more}


def bundle(*resources: dict[str, Any], kind: str = "transaction") -> bytes:
    """Make a Bundle that creates each of these under ids of the hub: whatever is taken twice is there twice."""
    entries = [{"resource": r, "request": {"method": "POST", "url": r["resourceType"]}} for r in resources]
    return orjson.dumps({"resourceType": "Bundle", "type": kind, "entry": entries})


def count(w: Told, query: str = "Basic", by: str = HOSPITAL) -> int:
    joined = "&" if "?" in query else "?"
    total: int = w.get(w.codes[by], f"/fhir/{query}{joined}_summary=count").json()["total"]
    return total


def refused(w: Told, by: str = HOSPITAL) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = w.get(w.codes[by], "/refused.json").json()["refused"]
    return rows


def committed(broker: Broker, code: str) -> int:
    """Give the offset that the hubs' group has come to in the first partition of an organization's topic."""
    consumer = KafkaConsumer(bootstrap_servers=broker.servers, group_id=GROUP, enable_auto_commit=False)
    try:
        return consumer.committed(TopicPartition(topics.into(code), 0), timeout_ms=10_000) or 0
    finally:
        consumer.close(autocommit=False)


def test_bundles_resources_and_files_are_taken_in_for_the_organization_whose_topic_it_is(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(hospital="thin"), options(broker)) as w, listening(w, broker) as ear:
        hospital = w.codes[HOSPITAL]
        until(lambda: ear.state == "")
        send(broker, hospital, orjson.dumps(a_patient()), bundle(basic(1), basic(2)), headers=(FHIR,))
        send(broker, hospital, bundle(basic(3)))  # what it is shows by itself
        send(broker, hospital, admission(site=hospital), headers=(("name", named().encode()),))
        send(broker, hospital, bundle(basic(4), kind="batch"), headers=(FHIR,), compression_type="gzip")
        until(lambda: committed(broker, hospital) == 5)
        assert (count(w), count(w, "Encounter"), count(w, "Patient")) == (4, 1, 1)
        assert count(w, by=OFFICE) == 0
        assert refused(w) == []
        assert foreign.read(broker, topics.dead(hospital)) == []


def test_a_foreign_tool_can_send(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(hospital="thin"), options(broker)) as w, listening(w, broker) as ear:
        hospital = w.codes[HOSPITAL]
        until(lambda: ear.state == "")
        foreign.send(broker, topics.into(hospital), orjson.dumps(a_patient()), "content-type=application/fhir+json")
        until(lambda: count(w, "Patient") == 1)


def test_what_is_refused_is_kept_told_by_a_dead_letter_and_taken_when_it_is_sent_again(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(hospital="thin"), options(broker)) as w, listening(w, broker) as ear:
        hospital = w.codes[HOSPITAL]
        until(lambda: ear.state == "")
        w.put(hospital, a_patient())
        w.put(hospital, no_hub())
        send(
            broker,
            hospital,
            bundle(basic(1)),
            b'{"resourceType": "Basic", "code": "\xe5\xb1\xb1\xe7\x94\xb0"}',
            b"nonsense",
            headers=(FHIR,),
        )
        until(lambda: committed(broker, hospital) == 3)
        letters = foreign.read(broker, topics.dead(hospital))
        rules = [orjson.loads(one.value)["issues"][0]["rule"] for one in sorted(letters, key=lambda s: s.headers["rule"])]
        assert len(rules) == 3
        assert "HUB-5040" in rules
        assert count(w) == 0
        shown = {row["reference"]: row for row in refused(w)}
        assert {one.headers["reference"] for one in letters} == set(shown)
        assert {row["door"] for row in shown.values()} == {"kafka"}
        for one in letters:
            assert "山田" not in one.value.decode() + str(one.headers)
            assert one.headers["rule"] == shown[one.headers["reference"]]["issues"][0]["rule"]
        (by_consent,) = [one.headers["reference"] for one in letters if one.headers["rule"] == "HUB-5040"]
        w.put(hospital, no_hub(status="inactive"))
        answer = w.ask("POST", f"/refused/{by_consent}/send", by=hospital)
        assert answer.status_code == 200
        assert count(w) == 1
        assert w.ask("POST", f"/refused/{by_consent}/send", by=hospital).status_code == 404
        assert count(w) == 1


def no_hub(status: str = "active") -> dict[str, Any]:
    """The person wants no part of the hub."""
    refusal = a_consent("k0", status=status)
    refusal["extension"] = [*refusal["extension"], {"url": f"{BASE}/StructureDefinition/consent-hub-refusal", "valueBoolean": True}]
    return refusal | {"provision": {"type": "deny"}}


def test_a_file_that_is_refused_is_sent_again_as_the_file_that_it_was(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(station="thin"), options(broker)) as w, listening(w, broker) as ear:
        station = w.codes[STATION]
        until(lambda: ear.state == "")
        send(broker, station, b"a,b\r\n1,2\r\n", headers=(("name", b"what-is-this.csv"),))
        until(lambda: committed(broker, station) == 1)
        (letter,) = foreign.read(broker, topics.dead(station))
        assert letter.headers["rule"] == "HUB-5051"
        assert "what-is-this" not in str(letter)
        assert w.ask("POST", f"/refused/{letter.headers['reference']}/send", by=station).status_code == 422


def test_a_batch_takes_what_is_good_and_keeps_each_that_is_not(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(hospital="thin"), options(broker)) as w, listening(w, broker) as ear:
        hospital = w.codes[HOSPITAL]
        until(lambda: ear.state == "")
        w.put(hospital, a_patient())
        send(broker, hospital, bundle(basic(1), basic(2, code="wrong"), basic(3), kind="batch"), headers=(FHIR,))
        until(lambda: committed(broker, hospital) == 1)
        assert count(w) == 2
        (row,) = refused(w)
        assert row["issues"][0]["where"].startswith("Bundle.entry[1]")
        assert len(foreign.read(broker, topics.dead(hospital))) == 1


def test_reading_has_no_place_where_nobody_waits_for_an_answer(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(hospital="thin"), options(broker)) as w, listening(w, broker) as ear:
        hospital = w.codes[HOSPITAL]
        until(lambda: ear.state == "")
        entries = [{"request": {"method": "GET", "url": "Patient/p1"}}]
        send(broker, hospital, orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}), headers=(FHIR,))
        until(lambda: committed(broker, hospital) == 1)
        assert refused(w)[0]["issues"][0]["rule"] == "HUB-5037"


def test_a_record_that_comes_again_is_taken_once_and_refused_once(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(hospital="thin"), options(broker)) as w:
        hospital = w.codes[HOSPITAL]
        w.put(hospital, a_patient())
        first = Inlet(options(broker), [hospital], [hospital])
        first.open()
        first.drop()
        send(broker, hospital, bundle(basic(1)), bundle(basic(2), kind="batch"), bundle(basic(3, code="wrong")), headers=(FHIR,))
        for _ in range(3):  # the hub dies each time after it has dealt with all of it and before it said so
            ear, taken = again(w, broker), []

            def lost(_: Any, taken: list[Any] = taken) -> None:
                taken.append(True)
                raise Busy("HUB-5020")

            ear._inlet.done = lost
            ear.start()
            until(lambda taken=taken: taken)
            ear.close()
        assert committed(broker, hospital) == 0
        with listening(w, broker):
            until(lambda: committed(broker, hospital) == 3)
        assert count(w) == 2
        assert len(refused(w)) == 1
        letters = foreign.read(broker, topics.dead(hospital))
        assert len({one.headers["reference"] for one in letters}) == 1


def test_the_same_bytes_sent_twice_are_two_submissions(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(hospital="thin"), options(broker)) as w, listening(w, broker) as ear:
        hospital = w.codes[HOSPITAL]
        until(lambda: ear.state == "")
        w.put(hospital, a_patient())
        send(broker, hospital, bundle(basic(1)), bundle(basic(1)), headers=(FHIR,))
        until(lambda: committed(broker, hospital) == 2)
        assert count(w) == 2


def test_while_the_hub_cannot_take_anything_nothing_is_committed_refused_or_lost(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(hospital="thin"), options(broker)) as w:
        hospital = w.codes[HOSPITAL]
        w.put(hospital, a_patient())
        full, tried = threading.Event(), []
        ear = again(w, broker)
        submit = ear._bundle._submit

        def sometimes(command: Any) -> Any:
            tried.append(command)
            if not full.is_set():
                raise Busy("HUB-5020")
            return submit(command)

        ear._bundle._submit = sometimes
        ear.start()
        try:
            until(lambda: ear.state == "")
            send(broker, hospital, bundle(basic(1)), bundle(basic(2)), headers=(FHIR,))
            until(lambda: len(tried) >= 2 and ear.state == "HUB-5020")
            assert committed(broker, hospital) == 0
            full.set()
            until(lambda: committed(broker, hospital) == 2)
            assert (count(w), refused(w)) == (2, [])
            until(lambda: ear.state == "")
        finally:
            ear.close()
            ear._bundle._submit = submit


class Failing:
    """An adapter with a fault of its own."""

    name = "failing"

    def claims(self, wire: Wire) -> bool:
        return wire.name == "any.txt"

    def convert(self, wire: Wire) -> Conversion:
        raise KeyError(wire.data)


def test_what_the_hub_fails_on_by_itself_is_kept_and_told_and_what_comes_behind_it_is_taken(
    tmp_path: Path, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    with told(tmp_path / "data", a_region(hospital="thin"), options(broker)) as w:
        hospital = w.codes[HOSPITAL]
        w.put(hospital, a_patient())
        ear = again(w, broker)
        ear._receive = Receiving(adapters=[Failing()], submit=w.hub.submit, refusals=w.hub.refusals)
        ear.start()
        try:
            until(lambda: ear.state == "")
            send(broker, hospital, "山田".encode(), headers=(("name", b"any.txt"),))
            send(broker, hospital, bundle(basic(1)), headers=(FHIR,))
            until(lambda: committed(broker, hospital) == 2)
        finally:
            ear.close()
        assert count(w) == 1
        (row,) = refused(w)
        assert row["issues"][0]["rule"] == "HUB-5097"
        (letter,) = foreign.read(broker, topics.dead(hospital))
        assert (letter.headers["rule"], letter.headers["reference"]) == ("HUB-5097", row["reference"])
        assert "山田" not in caplog.text
        # the cause is put right (an adapter that reads it is there, or none claims it): it is dealt with as the file that it was
        assert w.ask("POST", f"/refused/{row['reference']}/send", by=hospital).status_code == 422
        assert refused(w)[0]["reference"] == row["reference"]


def test_a_fault_of_the_hub_in_one_entry_of_a_batch_leaves_the_others_taken_once(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(hospital="thin"), options(broker)) as w:
        hospital = w.codes[HOSPITAL]
        w.put(hospital, a_patient())
        ear = again(w, broker)
        submit = ear._bundle._submit

        def fails_at_the_second(command: Any) -> Any:
            if command.writes[0].index == 1:
                raise ZeroDivisionError
            return submit(command)

        ear._bundle._submit = fails_at_the_second
        ear.start()
        try:
            until(lambda: ear.state == "")
            send(broker, hospital, bundle(basic(1), basic(2), basic(3), kind="batch"), headers=(FHIR,))
            until(lambda: committed(broker, hospital) == 1)
        finally:
            ear.close()
            ear._bundle._submit = submit
        assert count(w) == 2
        (row,) = refused(w)
        assert w.ask("POST", f"/refused/{row['reference']}/send", by=hospital).status_code == 200
        assert count(w) == 3
        assert w.ask("POST", f"/refused/{row['reference']}/send", by=hospital).status_code == 404


def test_a_topic_on_which_senders_pack_as_they_like_is_named_and_stops_no_other(
    tmp_path: Path, broker: Broker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        logging.getLogger("tsunagu.kafka"), "disabled", False
    )  # the linter of imports switches off what was there before it
    region = a_region(hospital="thin", station="thin")
    codes = codes_of(region)
    station = topics.into(codes[STATION])
    admin = made(KafkaAdminClient, bootstrap_servers=broker.servers)
    admin.create_topics({station: {"num_partitions": 1, "replication_factor": 1, "configs": {"compression.type": "producer"}}})
    admin.close()
    until(lambda: station in topics.present(options(broker)))
    with told(tmp_path / "data", region, options(broker)) as w, listening(w, broker) as ear:
        until(lambda: ear.state == "HUB-5096")
        assert ear.missing == (station,)
        assert station in caplog.text
        send(broker, codes[HOSPITAL], orjson.dumps(a_patient()), headers=(FHIR,))
        until(lambda: count(w, "Patient") == 1)


def test_topics_of_organizations_that_are_not_registered_are_let_alone(tmp_path: Path, broker: Broker) -> None:
    stranger = a_region().network
    topics.ensure(options(broker), [topics.into(stranger)], topics.present(options(broker)))
    with told(tmp_path / "data", a_region(hospital="thin"), options(broker)) as w, listening(w, broker) as ear:
        until(lambda: ear.state == "")
        send(broker, stranger, orjson.dumps(a_patient()), headers=(FHIR,))
        send(broker, w.codes[HOSPITAL], orjson.dumps(a_patient()), headers=(FHIR,))
        until(lambda: committed(broker, w.codes[HOSPITAL]) == 1)
        assert committed(broker, stranger) == 0
        assert topics.dead(stranger) not in topics.present(options(broker))
