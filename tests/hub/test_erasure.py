"""Erasing a person: restrict, shred at the end of retention or at once, and nothing of them is left to open anywhere."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from hub.assemble import DATABASE, KeyPlace
from hub.log.event import open_event
from hub.log.opening import open_store
from hub.log.seal import open_body
from hub.log.unlocking import open_keys
from hub.log.verify_sqlite import verify_file
from hub.names import MAIN, hub_id
from hub.replay.checking import replay
from hub.tables.derive import namer, open_facts
from schemas.errors import Broken
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    NOW,
    OFFICE,
    OTHER_HOSPITAL,
    World,
    a_consent,
    a_patient,
    a_plan,
    an_encounter,
    database_of,
    register,
    world,
)

NAMES = ("山田", "花子", "ヤマダ", "やまだ", "0000012342", "1938-05-02")
REASON = "本人の請求（受付 12）"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def w(tmp_path: Path, clock: Clock) -> Iterator[World]:
    with world(tmp_path / "data", now=clock) as made:
        lived(made)
        yield made


def lived(w: World) -> None:
    """The office's client with a plan is admitted; the office hears of it. Somebody else is there too."""
    for by, tree in (
        (OFFICE, a_patient("k1")), (OFFICE, a_plan(patient="Patient/k1")), (OFFICE, a_consent(patient="Patient/k1")),
        (HOSPITAL, a_patient("h1")), (HOSPITAL, an_encounter("e1", patient="Patient/h1")),
        (HOSPITAL, a_patient("h2", insured="", kana="スズキ　タロウ")), (HOSPITAL, an_encounter("e2", patient="Patient/h2")),
    ):  # fmt: skip
        assert w.put(by, tree).status_code == 201
    w.settle()
    assert kinds(w, OFFICE) == ["AdmissionNotified"]


def named(w: World, custodian: str, number: str) -> str:
    return f"Patient/{hub_id(namer(w.hub.secrets, custodian, MAIN)('Patient', number))}"


def asked(w: World, do: str, person: str, *, by: str = NETWORK, **more: str) -> httpx.Response:
    body = orjson.dumps({"person": person, "do": do, **more})
    return w.ask("POST", "/erasures", by=by, content=body, headers={"Content-Type": "application/json"})


def restricted(w: World, person: str) -> str:
    answer = asked(w, "restrict", person, basis="JP-35-5", reason=REASON)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["reference"])


def erased(w: World) -> None:
    person = named(w, HOSPITAL, "h1")
    restricted(w, person)
    assert asked(w, "now", person, reason=REASON).status_code == 200


def shredding(w: World) -> Any:
    return next(f for f in w.hub.runner.followers if f.name == "erasing")


def kinds(w: World, code: str, after: int = 0) -> list[str]:
    from hub.commands import Asking
    from hub.followers.feeds import application

    heard = w.hub.hear.after(Asking(*application(w.hub.region, code), "r", "deliver"), after, 100)
    return [h.event["data"]["event"] if h.event else "" for h in heard]


# ── restricting ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_from_the_restriction_on_nobody_but_the_custodian_is_given_anything(w: World) -> None:
    stay = f"/fhir/Encounter/{hub_id(namer(w.hub.secrets, HOSPITAL, MAIN)('Encounter', 'e1'))}"
    assert w.get(OFFICE, stay).status_code == 200
    restricted(w, named(w, OFFICE, "k1"))  # any Patient of the person stands for all
    assert w.get(OFFICE, stay).status_code == 404
    assert w.get(HOSPITAL, "/fhir/Encounter/e1").status_code == 200
    assert kinds(w, OFFICE) == [""]  # what was numbered before passes without a word


def test_nothing_more_is_taken_in_about_somebody_who_is_to_be_erased(w: World) -> None:
    restricted(w, named(w, HOSPITAL, "h1"))
    answer = w.put(HOSPITAL, an_encounter("e9", patient="Patient/h1"))
    assert (answer.status_code, answer.json()["issue"][0]["details"]["coding"][0]["code"]) == (403, "HUB-5111")
    assert w.put(HOSPITAL, an_encounter("e8", patient="Patient/h2")).status_code == 201


def test_a_restriction_is_taken_back_while_the_keys_are_there(w: World) -> None:
    person = named(w, HOSPITAL, "h1")
    restricted(w, person)
    assert asked(w, "lift", person, reason="請求の取り下げ").status_code == 200
    assert kinds(w, OFFICE) == ["AdmissionNotified"]
    assert w.put(HOSPITAL, an_encounter("e9", patient="Patient/h1")).status_code == 201


@pytest.mark.parametrize(
    ("do", "more", "status", "rule"),
    [
        ("restrict", {"basis": "JP-35-5"}, 403, "HUB-5043"),
        ("restrict", {"basis": "nothing"}, 400, "HUB-5113"),
        ("lift", {"reason": REASON}, 404, "HUB-5116"),
        ("now", {"reason": REASON}, 404, "HUB-5116"),
        ("now", {"reason": ""}, 400, "HUB-5115"),
        ("forget", {}, 400, "HUB-5117"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(w: World, do: str, more: dict[str, str], status: int, rule: str) -> None:
    answer = asked(w, do, named(w, HOSPITAL, "h1"), by=HOSPITAL if status == 403 else NETWORK, **more)
    assert (answer.status_code, answer.json()["issue"][0]["details"]["coding"][0]["code"]) == (status, rule)
    assert kinds(w, OFFICE) == ["AdmissionNotified"]


def test_a_person_that_is_not_there_and_one_that_is_restricted_already(w: World) -> None:
    assert asked(w, "restrict", "Patient/tsu-aaaaaaaaaaaaaaaaaaaaaaaaaa", basis="JP-35-5").status_code == 404
    assert asked(w, "restrict", "Observation/x", basis="JP-35-5").status_code == 404
    restricted(w, named(w, HOSPITAL, "h1"))
    again = asked(w, "restrict", named(w, OFFICE, "k1"), basis="JP-35-5")
    assert (again.status_code, again.json()["issue"][0]["details"]["coding"][0]["code"]) == (422, "HUB-5114")


# ── the keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_after_the_shred_nothing_is_found_read_shown_or_heard(w: World) -> None:
    w.sign_in("doctor")
    erased(w)
    assert w.get(HOSPITAL, "/fhir/Patient/h1").status_code == 410
    assert w.get(HOSPITAL, "/fhir/Encounter?patient=h1").json()["total"] == 0
    assert w.get(OFFICE, "/fhir/Patient?identifier=0000012342").json()["total"] == 0
    assert w.get(OFFICE, "/fhir/CarePlan/c1").status_code == 410
    assert "resourceType" in w.get(OFFICE, "/fhir/$board").text
    assert w.get(HOSPITAL, "/fhir/$board").json()["total"] == 1  # the other's stay
    page = w.form("doctor", "/emergency/find", by="name", kana="やまだ はなこ", birth="1938-05-02").text
    assert "見つかりませんでした" in page or 'href="/emergency/' not in page
    assert w.get(HOSPITAL, "/fhir/Encounter/e2").status_code == 200  # who is not erased is as before


def test_the_retention_of_the_newest_record_is_waited_for(w: World, clock: Clock) -> None:
    restricted(w, named(w, HOSPITAL, "h1"))
    assert not shredding(w).step()
    assert w.get(HOSPITAL, "/fhir/Patient/h1").status_code == 200
    told = w.get(NETWORK, "/erasures").json()["erasures"][0]
    assert (told["state"], told["due"]) == ("restricted", "2031-11-25")  # five years after the stay of 2026-11-24 was last told
    clock.now = NOW + timedelta(days=365 * 5 + 1)  # 2031-11-24
    shredding(w)._looked = float("-inf")
    shredding(w).step()
    assert w.get(HOSPITAL, "/fhir/Patient/h1").status_code == 200
    clock.now += timedelta(days=1)
    shredding(w)._looked = float("-inf")
    shredding(w).step()
    assert w.get(HOSPITAL, "/fhir/Patient/h1").status_code == 410
    told = w.get(NETWORK, "/erasures").json()["erasures"][0]
    assert (told["state"], told["keys"]) == ("shredding", 2)
    clock.now += timedelta(days=15)
    assert w.get(NETWORK, "/erasures").json()["erasures"][0]["state"] == "erased"


def test_whoever_had_received_something_hears_of_it_without_content(w: World) -> None:
    erased(w)
    w.settle()
    assert kinds(w, OFFICE, 1) == ["KeyErased", "KeyErased"]  # one for its own Patient, one for the hospital's of which it had heard
    assert kinds(w, HOSPITAL) == ["KeyErased"]
    assert kinds(w, OTHER_HOSPITAL) == []
    heard = orjson.dumps([h.event for h in w.hub.hear.after(asking_of(w, OFFICE), 1, 10)]).decode()
    assert not [name for name in NAMES if name in heard]


def asking_of(w: World, code: str) -> Any:
    from hub.commands import Asking
    from hub.followers.feeds import application

    return Asking(*application(w.hub.region, code), "r", "deliver")


def test_the_person_comes_back_under_a_new_id_alone(w: World) -> None:
    erased(w)
    again = w.put(HOSPITAL, a_patient("h1"))
    assert (again.status_code, again.json()["issue"][0]["details"]["coding"][0]["code"]) == (410, "HUB-5112")
    assert w.put(HOSPITAL, a_patient("h3")).status_code == 201


def test_the_audit_outlives_the_person(w: World) -> None:
    w.sign_in("officer")
    before = w.get(NETWORK, "/fhir/AuditEvent").json()["total"]
    erased(w)
    assert w.get(NETWORK, "/fhir/AuditEvent").json()["total"] >= before
    assert w.get("officer", "/audit").status_code == 200


def test_numbers_that_subscribers_had_are_the_same_after_it(w: World) -> None:
    w.put(OFFICE, a_patient("k2", insured="131016:0000099992"))
    erased(w)
    w.settle()
    with w.hub.store.read() as tx:
        numbers = [tuple(r) for r in tx.all("SELECT subscriber, number FROM feeds ORDER BY subscriber, number")]
    assert numbers == [(HOSPITAL, 1), (OFFICE, 1), (OFFICE, 2), (OFFICE, 3)]


def test_when_the_hub_stops_between_tombstone_and_keys_the_next_one_finishes(tmp_path: Path, clock: Clock) -> None:
    def cut(*_: object, **__: object) -> None:
        raise Broken("HUB-5078")

    with world(tmp_path / "data", now=clock) as w:
        lived(w)
        person = named(w, HOSPITAL, "h1")
        restricted(w, person)
        w.hub.keys.destroy = cut  # type: ignore[method-assign,assignment]  # the hub stops there
        assert asked(w, "now", person, reason=REASON).status_code == 500
        assert w.get(HOSPITAL, "/fhir/Patient/h1").status_code == 410  # the tombstone stands: the key gives nothing any more
        owner = namer(w.hub.secrets, HOSPITAL, MAIN)("Patient", "h1")
        assert w.hub.keys.ids(owner, MAIN)
    with world(tmp_path / "data", now=clock) as w:
        shredding(w).step()
        assert not w.hub.keys.ids(owner, MAIN)
        assert w.get(HOSPITAL, "/fhir/Patient/h1").status_code == 410


# ── what lies there afterwards ───────────────────────────────────────────────────────────────────────────────────────


def test_replay_shows_the_hole_and_verify_still_passes(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "data"
    with world(folder, now=clock) as w:
        lived(w)
        erased(w)
        w.settle()
        w.put(HOSPITAL, an_encounter("e3", patient="Patient/h2"))
        w.settle()
        w.hub.checkpoints.sign_now()
    (tmp_path / "work").mkdir()
    made = replay(database=database_of(folder) or folder / DATABASE, keys=KeyPlace.under(folder), region=register(), work=tmp_path / "work")
    assert made.differing == {}
    assert made.rows["heard"] > 0
    if not database_of(folder):
        found = verify_file(folder / DATABASE, (folder / "checkpoint.pub").read_text().strip(), (folder / "checkpoint.txt").read_text())
        assert found.findings == ()
        assert found.checkpoints > 0


def test_no_file_and_no_key_gives_anything_of_the_person_any_more(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "data"
    with world(folder, now=clock) as w:
        lived(w)
        owners = {namer(w.hub.secrets, c, MAIN)("Patient", n) for c, n in ((HOSPITAL, "h1"), (OFFICE, "k1"))}
        with w.hub.store.read() as tx:  # as a copy of the database from before may have them
            cells = [(bytes(facts), bytes(name)) for facts, name in tx.each("SELECT facts, event FROM resources WHERE patient IN", owners)]
        assert len([facts for facts, _ in cells if facts]) > 3
        erased(w)
        w.settle()
        with w.hub.store.read() as tx:
            left_over = tx.each("SELECT facts, tokens FROM resources WHERE patient IN", owners)
        assert {(bytes(facts), bytes(tokens)) for facts, tokens in left_over} == {(b"", b"")}
    for text in (file.read_bytes() for file in (*folder.iterdir(), *dumped(folder, tmp_path)) if file.is_file()):
        assert not [name for name in NAMES if name.encode() in text or name.encode("utf-16-le") in text]
        assert not [facts for facts, _ in cells if facts and (facts in text or facts.hex().encode() in text)]
    # whoever has every file and the master key tries every key that is left on everything that was sealed for the person
    store = open_store(database_of(folder) or folder / DATABASE)
    _, keys = open_keys(KeyPlace.under(folder), begun=True)
    tried = 0
    with closing(store), closing(keys), store.read() as tx:
        events = store.events(tx, 0, 10_000)
        mine = [e for e in events if e.header.patient in owners and e.body and e.topic in {"resource-recorded.v1", "domain-event.v1"}]
        left = {key.key_id: key for e in events if (key := keys.by_id(e.header.key)) is not None}
        assert len(left) > 1
        for event in mine:
            if event.header.kind == "KeyErased":
                continue
            assert open_event(keys, event) is None
            for key in left.values():
                tried += 1
                with pytest.raises(Broken):
                    open_body(key, event.body, stream=event.stream, event=event.header.event)
        for facts, name in cells:
            for key in left.values():
                with pytest.raises(Broken):
                    open_facts(key, facts, name)
    assert tried > 10


def dumped(folder: Path, beside: Path) -> list[Path]:
    """Dump the database where it is not one of the folder's files."""
    if not database_of(folder):
        return []
    from tests.postgres import programs

    binaries = programs()
    assert binaries is not None
    target = beside / "dump.sql"
    subprocess.run([str(binaries / "pg_dump"), "--inserts", "-f", str(target), database_of(folder)], check=True)
    return [target]
