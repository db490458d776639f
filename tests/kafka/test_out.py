"""What an organization hears by Kafka, as a foreign reader sees it: the numbers of its own feed, each once, decided when it was sent."""

from __future__ import annotations

from pathlib import Path

import orjson

from hub.kafka.options import Options
from tests.hub.world import an_encounter
from tests.kafka import foreign
from tests.kafka.broker import Broker
from tests.kafka.region import HOSPITAL, OFFICE, a_client_of_the_office, a_region, told


def options(broker: Broker) -> Options:
    return Options((broker.servers,), replicas=1)


def test_an_admission_is_read_by_a_foreign_reader_as_a_cloud_event_in_binary_mode(tmp_path: Path, broker: Broker) -> None:
    region = a_region(office="thin")
    with told(tmp_path / "data", region, options(broker)) as w:
        a_client_of_the_office(w)
        w.put(w.codes[HOSPITAL], an_encounter())
        w.publish()
        assert w.hub.publishing.state == ""
        office = w.codes[OFFICE]
        (seen,) = foreign.read(broker, f"tsunagu.{office}.admission")
        print(seen)
        assert {k: v for k, v in seen.headers.items() if k not in {"ce_time", "ce_subject"}} == {
            "ce_specversion": "1.0",
            "ce_id": "1",
            "ce_source": f"http://hub.test/events/{office}",
            "ce_type": "jp.example.tsunagu.AdmissionNotified.v1",
            "content-type": "application/json",
        }
        assert seen.key == seen.headers["ce_subject"]
        data = orjson.loads(seen.value)
        assert data["event"] == "AdmissionNotified"
        assert set(data) == {"event", "episode", "organization", "resource", "patient", "occurred"}
