"""What an organization hears by Kafka, as a foreign reader sees it: the numbers of its own feed, each once, decided when it was sent."""

from __future__ import annotations

import base64
import logging
import re
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.kafka import topics
from hub.kafka.faults import Away
from hub.kafka.options import Options
from hub.kafka.records import Record
from hub.kafka.sending import Outlet, positions
from tests.hub.world import a_consent, an_encounter
from tests.kafka import foreign
from tests.kafka.broker import PASSWORD, USER, Broker
from tests.kafka.region import HOSPITAL, OFFICE, STATION, Told, a_client_of_the_office, a_region, told
from tests.waiting import until


def options(broker: Broker) -> Options:
    return Options((broker.servers,), replicas=1)


def a_flag(number: int, patient: str = "p1", minute: int = 0) -> dict[str, Any]:
    """A caution of the hospital; its beginning tells the number."""
    return {
        "resourceType": "Flag", "id": f"f-{patient}-{number}", "status": "active", "code": {"text": "転倒"},
        "subject": {"reference": f"Patient/{patient}"}, "period": {"start": f"2026-11-23T{number // 60:02d}:{number % 60:02d}:00+09:00"},
    }  # fmt: skip


def ids(seen: list[foreign.Seen]) -> list[int]:
    return [int(one.headers["ce_id"]) for one in seen]


def jwe(text: str) -> tuple[dict[str, str], Callable[[str], bytes]]:
    """Take a JWE apart as any library of RFC 7516 does: its header, and what opens it with a key."""
    protected, wrapped, nonce, sealed, tag = text.split(".")
    assert wrapped == ""

    def plain(part: str) -> bytes:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    def opened(key: str) -> bytes:
        packed = AESGCM(plain(key)).decrypt(plain(nonce), plain(sealed) + plain(tag), protected.encode("ascii"))
        return zlib.decompress(packed, wbits=-15)

    return orjson.loads(plain(protected)), opened


def an_admission(w: Told) -> None:
    a_client_of_the_office(w)
    assert w.put(w.codes[HOSPITAL], an_encounter()).status_code == 201
    w.publish()
    assert w.hub.publishing.state == ""


def test_an_admission_is_read_by_a_foreign_reader_as_a_cloud_event_in_binary_mode(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(office="thin"), options(broker)) as w:
        an_admission(w)
        office = w.codes[OFFICE]
        (seen,) = foreign.read(broker, f"tsunagu.{office}.admission")
        assert {k: v for k, v in seen.headers.items() if k not in {"ce_time", "ce_subject"}} == {
            "ce_specversion": "1.0",
            "ce_id": "1",
            "ce_source": f"http://hub.test/events/{office}",
            "ce_type": "jp.example.tsunagu.AdmissionNotified.v1",
            "content-type": "application/json",
        }
        assert seen.headers["ce_time"] == "2026-11-24T01:00:00.000Z"
        assert seen.key == seen.headers["ce_subject"]
        # just what the office's own door says, number and all
        (line,) = w.get(office, "/events?after=0", headers={"Accept": "application/x-ndjson"}).text.splitlines()
        assert orjson.loads(line)["data"] == orjson.loads(seen.value)
        assert orjson.loads(line)["id"] == seen.headers["ce_id"]


def test_the_console_consumer_of_apache_reads_it_too(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(office="thin"), options(broker)) as w:
        an_admission(w)
        topic = f"tsunagu.{w.codes[OFFICE]}.admission"
        assert foreign.read_by_console(broker, topic) == foreign.read(broker, topic)


def test_no_topic_key_or_header_tells_who_the_person_is(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(office="thin", station="thin"), options(broker)) as w:
        an_admission(w)
        (seen,) = foreign.read(broker, f"tsunagu.{w.codes[OFFICE]}.admission")
        spoken = " ".join([seen.topic, seen.key, *seen.headers, *seen.headers.values(), seen.value.decode()])
        for word in ("山田", "ヤマダ", "0000012342", "Patient/p1", "Encounter/e1", "1938"):
            assert word not in spoken
        # whoever is not concerned has the same topics, and nothing in them
        for family in ("admission", "end-of-life", "on-call", "acute", "wishes", "plan", "consent"):
            assert foreign.read(broker, f"tsunagu.{w.codes[STATION]}.{family}") == []


def test_events_of_one_person_stay_in_order_and_each_comes_once(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(office="thin"), options(broker)) as w:
        people = [f"p{i}" for i in range(4)]
        for i, person in enumerate(people):
            a_client_of_the_office(w, person, insured=f"131016:00000{i:05d}")
        for number in range(12):
            for person in people:
                w.put(w.codes[HOSPITAL], a_flag(number, person))
            if number % 3 == 0:
                w.publish()
        w.publish()
        seen = foreign.read(broker, f"tsunagu.{w.codes[OFFICE]}.plan")
        assert sorted(ids(seen)) == list(range(1, 49))
        by_key: dict[str, list[foreign.Seen]] = {}
        for one in seen:
            by_key.setdefault(one.key, []).append(one)
        assert len(by_key) == 4
        for some in by_key.values():
            assert len({one.partition for one in some}) == 1
            assert [orjson.loads(one.value)["occurred"] for one in some] == [f"2026-11-23T00:{n:02d}:00+09:00" for n in range(12)]
            assert ids(some) == sorted(ids(some))


def test_consent_withdrawn_before_delivery_sends_nothing_and_the_number_passes(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(office="thin"), options(broker)) as w:
        a_client_of_the_office(w)
        w.put(w.codes[HOSPITAL], a_flag(1))
        w.settle()  # numbered, and not yet sent
        w.put(w.codes[HOSPITAL], a_consent("k-p1", status="inactive"))
        w.put(w.codes[HOSPITAL], a_consent("k-p1", status="inactive", type="deny"))
        w.publish()
        topic = f"tsunagu.{w.codes[OFFICE]}.plan"
        assert foreign.read(broker, topic) == []
        assert positions(options(broker))[w.codes[OFFICE]] == 1
        w.put(w.codes[HOSPITAL], a_consent("k-p2") | {"dateTime": "2026-01-06"})
        w.put(w.codes[HOSPITAL], a_flag(2))
        w.publish()
        assert ids(foreign.read(broker, topic)) == [2]


def test_a_hub_that_starts_again_goes_on_where_kafka_says_that_it_was(tmp_path: Path, broker: Broker) -> None:
    region = a_region(office="thin")
    with told(tmp_path / "data", region, options(broker)) as w:
        a_client_of_the_office(w)
        for number in range(3):
            w.put(w.codes[HOSPITAL], a_flag(number))
        w.publish()
    with told(tmp_path / "data", region, options(broker)) as w:
        w.put(w.codes[HOSPITAL], a_flag(3))
        w.publish()
        assert sorted(ids(foreign.read(broker, f"tsunagu.{w.codes[OFFICE]}.plan"))) == [1, 2, 3, 4]


def test_what_was_sent_without_a_commit_is_never_read_and_is_sent_again(tmp_path: Path, broker: Broker) -> None:
    region = a_region(office="thin")
    with told(tmp_path / "data", region, options(broker)) as w:
        a_client_of_the_office(w)
        w.publish()
        office = w.codes[OFFICE]
        # a hub that dies between its records and its commit: nothing says good-bye
        dying = Outlet(options(broker), f"tsunagu-{region.network}")
        dying.open([office])
        producer = dying._producer
        producer.begin_transaction()
        producer.send(f"tsunagu.{office}.plan", key=b"k", value=b"half").get(timeout=10)
        producer.send(topics.POSITIONS, key=office.encode(), value=b"1", partition=0).get(timeout=10)
        producer._sender.force_close()
        w.put(w.codes[HOSPITAL], a_flag(1))
        w.publish()  # it was shut out by the dying one
        assert w.hub.publishing.state == "HUB-5092"
        until(lambda: (w.publish(), w.hub.publishing.state == "")[1])
        assert ids(foreign.read(broker, f"tsunagu.{office}.plan")) == [1]


def test_a_second_hub_shuts_the_first_out_and_neither_doubles_anything(tmp_path: Path, broker: Broker) -> None:
    code = a_region().network
    first, second = (Outlet(options(broker), f"tsunagu-{code}") for _ in range(2))
    assert first.open([code]).get(code, 0) == 0
    record = Record(f"tsunagu.{code}.plan", b"k", b"1", ())
    first.send([record], {code: 1}, until=time.monotonic() + 60)
    assert second.open([code])[code] == 1
    with pytest.raises(Away, match="HUB-5092"):
        first.send([record], {code: 2}, until=time.monotonic() + 60)
    second.send([record], {code: 2}, until=time.monotonic() + 60)
    assert len(foreign.read(broker, f"tsunagu.{code}.plan")) == 2
    first.drop()
    second.drop()


def test_what_was_decided_too_long_ago_is_not_sent(tmp_path: Path, broker: Broker) -> None:
    code = a_region().network
    outlet = Outlet(options(broker), f"tsunagu-{code}")
    outlet.open([code])
    with pytest.raises(Away):
        outlet.send([Record(f"tsunagu.{code}.plan", b"k", b"1", ())], {code: 1}, until=time.monotonic() - 1)
    assert code not in outlet.open([code])
    assert foreign.read(broker, f"tsunagu.{code}.plan") == []
    outlet.drop()


def test_topics_that_are_missing_and_may_not_be_made_are_named(
    tmp_path: Path, broker: Broker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        logging.getLogger("tsunagu.kafka"), "disabled", False
    )  # the linter of imports switches off what was there before it
    with told(tmp_path / "data", a_region(office="thin"), Options((broker.servers,), replicas=0)) as w:
        w.publish()
        assert w.hub.publishing.state == "HUB-5093"
        assert f"tsunagu.{w.codes[OFFICE]}.admission" in w.hub.publishing.missing
        assert f"tsunagu.{w.codes[OFFICE]}.admission" in caplog.text


def test_a_hub_whose_broker_is_away_serves_and_says_so(tmp_path: Path) -> None:
    with told(tmp_path / "data", a_region(office="thin"), Options(("127.0.0.1:9",), replicas=1)) as w:
        a_client_of_the_office(w)
        w.publish()
        assert w.get(w.codes[OFFICE], "/fhir/Patient/p1").status_code == 200
        ready = w.ask("GET", "/readyz")
        assert ready.status_code == 200
        assert ready.json()["kafka"]["out"] == "HUB-5090"


# ── sealed ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def sealed_content(w: Told, broker: Broker, family: str = "admission") -> tuple[dict[str, str], Callable[[str], bytes]]:
    (seen,) = foreign.read(broker, f"tsunagu.{w.codes[OFFICE]}.{family}")
    return jwe(orjson.loads(seen.value)["content"])


def test_sealed_content_is_opened_by_a_key_that_is_asked_for_and_shows_what_the_asker_may_see(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(office="sealed"), options(broker)) as w:
        an_admission(w)
        office = w.codes[OFFICE]
        (seen,) = foreign.read(broker, f"tsunagu.{office}.admission")
        assert b"2026-11-24T09:30" in seen.value  # when it happened is in the thin part; the resource is not
        assert b"in-progress" not in seen.value
        head, opened = sealed_content(w, broker)
        assert (head["alg"], head["enc"], head["ce_id"]) == ("dir", "A256GCM", "1")
        answer = w.get(office, f"/events/keys/{head['kid']}")
        assert answer.headers["content-type"] == "application/jwk+json"
        assert (answer.json()["kty"], answer.json()["kid"]) == ("oct", head["kid"])
        shown = orjson.loads(opened(answer.json()["k"]))
        reference = orjson.loads(seen.value)["resource"]["reference"]
        assert f"Encounter/{shown['id']}" == reference
        assert shown == w.get(office, f"/fhir/{reference}").json()


def test_a_key_is_given_to_nobody_else_and_only_while_consent_lets_it(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(office="sealed"), options(broker)) as w:
        an_admission(w)
        head, _ = sealed_content(w, broker)
        asked = f"/events/keys/{head['kid']}"
        assert w.get(w.codes[STATION], asked).status_code == 404
        assert w.ask("GET", asked).status_code == 401
        assert w.get(w.codes[OFFICE], "/events/keys/abcdefgh").status_code == 404
        assert w.get(w.codes[OFFICE], asked).status_code == 200
        w.put(w.codes[HOSPITAL], a_consent("k-p1", status="inactive"))
        assert w.get(w.codes[OFFICE], asked).status_code == 404


def test_each_key_that_is_given_is_recorded(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(office="sealed"), options(broker)) as w:
        an_admission(w)
        head, _ = sealed_content(w, broker)
        before = decisions(w)
        w.get(w.codes[OFFICE], f"/events/keys/{head['kid']}")
        assert decisions(w) == before + 1


def decisions(w: Told) -> int:
    with w.hub.store.read() as tx:
        return int(tx.one("SELECT count(*) FROM events WHERE topic='access-decided.v1'")[0])


def erase(w: Told, owner: bytes) -> None:
    """Destroy all keys of a person's Patient."""
    w.hub.keys.destroy([owner])


def test_when_a_person_is_erased_what_lies_in_kafka_can_be_read_by_nobody(tmp_path: Path, broker: Broker) -> None:
    with told(tmp_path / "data", a_region(office="sealed"), options(broker)) as w:
        an_admission(w)
        head, _ = sealed_content(w, broker)
        with w.hub.store.read() as tx:
            owner = tx.one("SELECT patient FROM resources WHERE type='Encounter'")[0]
        erase(w, bytes(owner))
        answer = w.get(w.codes[OFFICE], f"/events/keys/{head['kid']}")
        assert answer.status_code == 410
        assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "HUB-5095"
        # the record still lies there, whole; no key that the hub can give opens it
        again, same = sealed_content(w, broker)
        assert again == head
        with pytest.raises(InvalidTag):
            same(base64.urlsafe_b64encode(bytes(32)).decode())


# ── access ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_hub_signs_in_by_sasl_and_a_wrong_password_does_not_get_in(tmp_path: Path, broker: Broker) -> None:
    secret = tmp_path / "password"
    secret.write_text("wrong\n", encoding="ascii")
    code = a_region().network
    by_sasl = Options((broker.secured,), "SASL_PLAINTEXT", "SCRAM-SHA-512", USER, secret, replicas=1)
    outlet = Outlet(by_sasl, f"tsunagu-{code}")
    with pytest.raises(Away, match="HUB-5090"):
        outlet.open([code])
    secret.write_text(f"{PASSWORD}\n", encoding="ascii")
    outlet.open([code])
    outlet.send([Record(f"tsunagu.{code}.plan", b"k", b"1", ())], {code: 1}, until=time.monotonic() + 60)
    assert len(foreign.read(broker, f"tsunagu.{code}.plan")) == 1
    outlet.drop()


def test_every_kind_of_event_that_the_hub_derives_has_a_family() -> None:
    source = Path(topics.__file__).parents[1] / "views"
    named = set(re.findall(r'_(?:event|about)\(\s*"([A-Za-z]+)"', (source / "domain_events.py").read_text(encoding="utf-8")))
    marks = {line.split(",")[3] for line in (source / "data_stays/tasks.csv").read_text(encoding="utf-8").splitlines()[1:]}
    assert {"AdmissionNotified", "CareCautionRaised"} <= named
    assert "RiskScreened" in marks
    assert (named | marks | {"VisitRecorded", "UrgentVisitRecorded"}) - {""} <= set(topics.families())
