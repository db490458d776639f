"""Records that are larger than a topic takes: named, told without their content where that helps, and nobody else waits for them."""

from __future__ import annotations

import logging
import random
import time
import uuid
from pathlib import Path

import orjson
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from hub.kafka.clients import made
from hub.kafka.faults import TooLarge
from hub.kafka.records import Record
from hub.kafka.sending import Outlet
from tests.hub.world import a_patient
from tests.kafka import foreign
from tests.kafka.broker import Broker
from tests.kafka.region import HOSPITAL, OFFICE, STATION, a_client_of_the_office, a_region, told
from tests.kafka.test_out import a_flag, options


def takes(broker: Broker, topic: str, size: int) -> None:
    """Let a topic take records of so many bytes at most, and wait until it does.

    A broker follows changes of the cluster in their order: once it takes records for a topic that was made after the change, the change holds.
    """
    after = f"after-{uuid.uuid4().hex}"
    admin = made(KafkaAdminClient, bootstrap_servers=broker.servers)
    try:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": str(size)})])
        admin.create_topics({after: {"num_partitions": 1, "replication_factor": 1}})
    finally:
        admin.close()
    producer = made(KafkaProducer, bootstrap_servers=broker.servers, acks="all", allow_auto_create_topics=False)
    try:
        producer.send(after, b"x").get(timeout=30)
    finally:
        producer.close()


def test_content_that_a_topic_does_not_take_is_left_out_and_the_event_is_told(
    tmp_path: Path, broker: Broker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("tsunagu.kafka"), "disabled", False)  # as below
    with told(tmp_path / "data", a_region(office="sealed"), options(broker)) as w:
        a_client_of_the_office(w)
        w.publish()
        topic = f"tsunagu.{w.codes[OFFICE]}.plan"
        takes(broker, topic, 3_000)
        w.put(w.codes[HOSPITAL], a_flag(1))
        # words that gzip cannot make small
        words = "".join(chr(0x4E00 + n) for n in random.Random(1).choices(range(20_000), k=3_000))
        w.put(w.codes[HOSPITAL], a_flag(2) | {"code": {"text": f"転倒{words}"}})
        w.put(w.codes[HOSPITAL], a_flag(3))
        w.publish()
        assert w.hub.publishing.state == ""
        told_of = {int(s.headers["ce_id"]): orjson.loads(s.value) for s in foreign.read(broker, topic)}
        assert {number: "content" in data for number, data in told_of.items()} == {1: True, 2: False, 3: True}
        assert "resource" in told_of[2]
        assert f"HUB-5094 {topic}" in caplog.text


def test_a_topic_that_does_not_take_what_is_thin_is_named_and_the_others_go_on(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(office="thin", station="thin"), options(broker)) as w:
        a_client_of_the_office(w)
        w.publish()
        office, station = (w.codes[name] for name in (OFFICE, STATION))
        takes(broker, f"tsunagu.{office}.plan", 100)
        w.put(station, a_patient("p1", insured="131016:0000012342"))
        w.put(w.codes[HOSPITAL], a_flag(1))
        w.publish()
        assert (w.hub.publishing.state, w.hub.publishing.missing) == ("HUB-5094", (f"tsunagu.{office}.plan",))
        assert foreign.read(broker, f"tsunagu.{office}.plan") == []
        assert w.hub.publishing.lag() == {office: 1, station: 0}
        assert len(foreign.read(broker, f"tsunagu.{station}.plan")) == 1


def test_a_record_that_no_broker_takes_is_named(tmp_path: Path, broker: Broker) -> None:
    code = a_region().network
    outlet = Outlet(options(broker), f"tsunagu-{code}")
    outlet.open([code])
    small, large = (Record(f"tsunagu.{code}.plan", b"k", b"1" * size, ()) for size in (1, 2_000_000))
    with pytest.raises(TooLarge) as caught:
        outlet.send([small, large, small], {code: 3}, until=time.monotonic() + 60)
    assert caught.value.which == 1
    assert code not in outlet.open([code])
    outlet.drop()
