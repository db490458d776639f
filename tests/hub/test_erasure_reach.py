"""How far an erasure reaches: who is restricted with whom, what comes too late, who is touched, and what a restore brings back."""

from __future__ import annotations

import base64
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from consent.ask import Requester
from hub.assemble import DATABASE, KeyPlace
from hub.commands import Asking
from hub.followers.erasing import Shredding
from hub.followers.feeds import application
from hub.gate import Released
from hub.log.event import Recorded, open_event
from hub.names import MAIN, hub_id
from hub.replay.checking import replay
from hub.tables import emergencies, erasures, identities, resources
from hub.writes.events import append, event
from schemas import events
from schemas.errors import Gone
from schemas.events import ACCESS_DECIDED, Decided, Link
from tests.hub.test_erasure import REASON, Clock, asked, erased, kinds, lived, named, restricted, shredding
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    OFFICE,
    OTHER_HOSPITAL,
    STATION,
    World,
    a_consent,
    a_patient,
    an_encounter,
    database_of,
    register,
    world,
)
from tests.postgres import cluster

ELSE = "131016:0000055555"
"""Insured number of somebody else."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def w(tmp_path: Path, clock: Clock) -> Iterator[World]:
    with world(tmp_path / "data", now=clock) as made:
        lived(made)
        yield made


def stream(w: World, code: str, kind: str = "Patient", number: int = 0) -> bytes:
    with w.hub.store.read() as tx:
        return resources.own(tx, code, kind)[number].stream


def rule(answer: Any) -> str:
    return str(answer.json()["issue"][0]["details"]["coding"][0]["code"])


def log(w: World) -> list[Recorded]:
    with w.hub.store.read() as tx:
        return list(w.hub.store.events(tx, 0, 100_000))


def differing(tmp_path: Path) -> dict[str, int]:
    """Replay the log and give the tables that differ."""
    folder, work = tmp_path / "data", tmp_path / "work"
    work.mkdir()
    made = replay(database=database_of(folder) or folder / DATABASE, keys=KeyPlace.under(folder), region=register(), work=work)
    assert made.rows["events"] > 0
    return dict(made.differing)


# ── who is restricted, and with what ─────────────────────────────────────────────────────────────────────────────────


def test_a_new_patient_of_the_same_number_is_not_taken_in_and_one_of_another_is(w: World) -> None:
    restricted(w, named(w, HOSPITAL, "h1"))
    answer = w.put(OTHER_HOSPITAL, a_patient("x1"))
    assert (answer.status_code, rule(answer)) == (403, "HUB-5111")
    assert w.put(OTHER_HOSPITAL, a_patient("x1", insured=ELSE)).status_code == 201


def test_no_consent_and_no_withdrawal_is_taken_either(w: World) -> None:
    restricted(w, named(w, OFFICE, "k1"))
    assert w.put(OFFICE, a_consent("k9", patient="Patient/k1")).status_code == 403
    assert w.ask("DELETE", "/fhir/CarePlan/c1", by=OFFICE).status_code == 403


def test_who_is_unlinked_from_the_restricted_is_free_and_who_is_linked_is_restricted(w: World) -> None:
    w.put(STATION, a_patient("s1", insured="", kana="ヤマダ　ハナコ"))
    pair = {"first": named(w, HOSPITAL, "h1"), "second": named(w, STATION, "s1")}
    restricted(w, named(w, HOSPITAL, "h1"))
    assert w.put(STATION, an_encounter("v1", patient="Patient/s1")).status_code == 201
    assert w.ask("POST", "/links", by=NETWORK, json=pair).status_code == 200
    assert w.put(STATION, an_encounter("v2", patient="Patient/s1")).status_code == 403
    assert w.ask("POST", "/links/undo", by=NETWORK, json=pair).status_code == 200
    assert w.put(STATION, an_encounter("v3", patient="Patient/s1")).status_code == 201


def test_an_emergency_role_does_not_learn_that_the_restricted_is_there(w: World) -> None:
    w.put(STATION, a_patient("s9", insured=ELSE, kana="タカハシ　ケン"))
    w.sign_in("doctor")
    question = {"by": "name", "kana": "タカハシ ケン", "birth": "1938-05-02"}
    assert 'href="/emergency/' in w.form("doctor", "/emergency/find", **question).text
    restricted(w, named(w, STATION, "s9"))
    assert 'href="/emergency/' not in w.form("doctor", "/emergency/find", **question).text


def test_what_is_not_taken_in_about_the_restricted_is_not_kept_either(w: World) -> None:
    """Kept sealed it would outlive the person by its end date."""
    restricted(w, named(w, HOSPITAL, "h1"))
    before = len(w.get(HOSPITAL, "/refused.json").json()["refused"])
    entry = {"resource": an_encounter("e9", patient="Patient/h1"), "request": {"method": "PUT", "url": "Encounter/e9"}}
    assert w.bundle(HOSPITAL, [entry]).status_code == 403
    kept = w.get(HOSPITAL, "/refused.json").json()["refused"]
    assert len(kept) == before + 1
    answer = w.ask("POST", f"/refused/{kept[0]['reference']}/send", by=HOSPITAL)
    assert (answer.status_code, rule(answer)) == (404, "HUB-5054")


# ── what comes too late ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_decision_that_was_taken_before_the_restriction_is_taken_again_after_it(w: World) -> None:
    """Four readers, one restriction in between: whatever is recorded behind it gives nothing."""
    with w.hub.store.read() as tx:
        rows = resources.own(tx, HOSPITAL, "Encounter")[:1]
    asking = Asking(*application(w.hub.region, OFFICE), "r", "read")
    given: list[Released] = []
    first, enough, stop = threading.Event(), threading.Event(), threading.Event()
    until = [10**9]

    def read() -> None:
        while not stop.is_set():
            given.append(w.hub.gate.release(asking, rows))
            first.set()
            if len(given) > until[0]:
                enough.set()

    readers = [threading.Thread(target=read) for _ in range(4)]
    for one in readers:
        one.start()
    assert first.wait(30)
    restricted(w, named(w, HOSPITAL, "h1"))
    until[0] = len(given) + 40
    assert enough.wait(30)
    stop.set()
    for one in readers:
        one.join()
    held = log(w)
    at = next(r.position for r in held if r.topic == events.PROVISION_RESTRICTED)
    decided = [(r.position > at, body.effect) for r in held if r.topic == ACCESS_DECIDED and (body := opened(w, r)).action == "read"]
    assert (True, "permit") not in decided
    assert {(False, "permit"), (True, "deny")} <= set(decided)


def opened(w: World, recorded: Recorded) -> Decided:
    body = open_event(w.hub.keys, recorded)
    assert body is not None
    return msgspec.json.decode(body, type=Decided)


def test_what_was_prepared_before_the_erasure_and_comes_after_it_is_not_taken(w: World) -> None:
    one, two = stream(w, HOSPITAL), stream(w, OFFICE)
    made = event(
        topic=events.PERSON_UNLINKED, kind="Person", body=Link(one.hex(), two.hex(), "late"), key=w.hub.keys.of(one, MAIN), custodian=NETWORK,
        patient=one, secrets=w.hub.secrets, at=w.hub.now(),
    )  # fmt: skip
    erased(w)
    with pytest.raises(Gone):
        append(w.hub.writer, lambda: made)
    assert log(w)[-1].topic != events.PERSON_UNLINKED


def test_under_its_own_id_nothing_of_the_person_comes_back_and_the_refusal_says_how(w: World) -> None:
    erased(w)
    for tree in (a_patient("h1"), an_encounter("e1", patient="Patient/h1", status="finished"), an_encounter("e7", patient="Patient/h1")):
        answer = w.put(HOSPITAL, tree)
        assert (answer.status_code, rule(answer)) == (410, "HUB-5112")
        assert "新しい番号" in orjson.dumps(answer.json()).decode()
    assert w.put(HOSPITAL, a_patient("h9")).status_code == 201
    assert w.put(HOSPITAL, an_encounter("e9", patient="Patient/h9")).status_code == 201
    with w.hub.store.read() as tx:
        new = resources.own(tx, HOSPITAL, "Patient")[-1].stream
        assert identities.patients_of(tx, new) == [new]


# ── who is touched ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_broken_glass_stays_known_without_its_reason_and_can_be_reviewed(w: World, tmp_path: Path) -> None:
    w.put(STATION, a_patient("s1", insured="", kana="サトウ　フミ"))
    w.sign_in("doctor")
    w.sign_in("officer")
    page = w.form("doctor", "/emergency/find", by="name", kana="サトウ フミ", birth="1938-05-02").text
    person = re.search(r'href="/emergency/([a-z2-7]{20,})"', page)
    assert person is not None
    fields = {
        "reason": "救急搬送。呼びかけに反応が弱い。",
        "necessity": "yes",
        "difficulty": "yes",
        "identity": "card",
        "code": w.hub.breaking.code("doctor"),
    }
    assert w.form("doctor", "/emergency/open", person=person[1], **fields).status_code == 303
    name = named(w, STATION, "s1")
    restricted(w, name)
    assert asked(w, "now", name, reason=REASON).status_code == 200
    with w.hub.store.read() as tx:
        (session,) = emergencies.waiting(tx)
    user = w.hub.region.users["officer"]
    requester = Requester(user.organization, w.hub.region.kind_of(user.organization), user.role, user.id)
    w.hub.reviewing.review(Asking(requester, user.purpose, "r", "audit"), session.session, "justified")
    with w.hub.store.read() as tx:
        assert emergencies.waiting(tx) == []
    assert differing(tmp_path) == {}


def test_who_was_once_linked_to_the_erased_and_parted_again_stays_and_so_do_its_numbers(w: World, tmp_path: Path) -> None:
    w.put(STATION, a_patient("s1", insured="", kana="ヤマダ　ハナコ"))
    pair = {"first": named(w, HOSPITAL, "h1"), "second": named(w, STATION, "s1")}
    assert w.ask("POST", "/links", by=NETWORK, json=pair).status_code == 200
    w.put(STATION, an_encounter("v1", patient="Patient/s1"))
    w.settle()
    assert w.ask("POST", "/links/undo", by=NETWORK, json=pair).status_code == 200
    with w.hub.store.read() as tx:
        numbers = tx.all("SELECT * FROM feeds ORDER BY subscriber, number")
    erased(w)
    with w.hub.store.read() as tx:
        assert tx.all("SELECT * FROM feeds ORDER BY subscriber, number") == numbers
    w.put(STATION, an_encounter("v2", patient="Patient/s1"))
    w.settle()
    assert w.get(STATION, "/fhir/Patient/s1").status_code == 200
    assert differing(tmp_path) == {}


def test_what_is_heard_of_somebody_else_goes_on_under_the_next_numbers(w: World, tmp_path: Path) -> None:
    w.put(OFFICE, a_patient("k2", insured=ELSE, kana="タカハシ　ケン"))
    w.put(HOSPITAL, a_patient("h5", insured=ELSE, kana="タカハシ　ケン"))
    w.put(OFFICE, a_consent("k5", patient="Patient/k2"))
    w.put(HOSPITAL, an_encounter("e5", patient="Patient/h5"))
    w.settle()
    assert kinds(w, OFFICE) == ["AdmissionNotified", "AdmissionNotified"]
    erased(w)
    w.put(HOSPITAL, an_encounter("e6", patient="Patient/h5", period={"start": "2026-11-24T09:50:00+09:00"}))
    w.settle()
    assert kinds(w, OFFICE)[:2] == ["", "AdmissionNotified"]
    assert differing(tmp_path) == {}


def test_a_practitioner_is_erased_alone_and_at_once_due(w: World, tmp_path: Path) -> None:
    w.put(HOSPITAL, {"resourceType": "Practitioner", "id": "d7", "name": [{"text": "佐々木 誠"}]})
    name = f"Practitioner/{hub_id(stream(w, HOSPITAL, 'Practitioner'))}"
    assert w.get(OFFICE, f"/fhir/{name}").status_code == 200
    restricted(w, name)
    assert w.get(OFFICE, f"/fhir/{name}").status_code == 404
    assert w.get(HOSPITAL, "/fhir/Practitioner/d7").status_code == 200
    shredding(w).step()
    assert w.get(HOSPITAL, "/fhir/Practitioner/d7").status_code == 410
    assert w.get(HOSPITAL, "/fhir/Practitioner").json()["total"] == 0
    answer = w.put(HOSPITAL, {"resourceType": "Practitioner", "id": "d7"})
    assert (answer.status_code, rule(answer)) == (410, "HUB-5112")
    assert w.get(HOSPITAL, "/fhir/Patient/h1").status_code == 200
    assert differing(tmp_path) == {}


def test_a_session_without_the_secret_of_its_forms_asks_for_nothing(w: World) -> None:
    w.sign_in("officer")
    asked_for = {"person": named(w, HOSPITAL, "h1"), "do": "restrict", "basis": "JP-35-5"}
    assert w.ask("POST", "/erasures", by="officer", json=asked_for).status_code == 403
    for user in ("clerk", "doctor"):
        w.sign_in(user)
        assert w.ask("POST", "/erasures", by=user, json={**asked_for, "csrf": csrf(w, user)}).status_code == 403
    assert w.ask("POST", "/erasures", by="officer", json={**asked_for, "csrf": csrf(w, "officer")}).status_code == 200


def csrf(w: World, user: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', w.get(user, "/").text)
    assert found is not None
    return found[1]


def test_sealed_content_that_lies_elsewhere_gets_no_key_any_more(w: World) -> None:
    asking = Asking(*application(w.hub.region, OFFICE), "r", "deliver")
    (heard,) = w.hub.hear.after(asking, 0, 10, sealed=True)
    assert heard.event is not None
    head = heard.event["data"]["content"].partition(".")[0]
    key = orjson.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
    address = f"/events/keys/{key}"
    assert w.get(OFFICE, address).status_code == 200
    restricted(w, named(w, HOSPITAL, "h1"))
    assert w.get(OFFICE, address).status_code == 404
    assert asked(w, "now", named(w, HOSPITAL, "h1"), reason=REASON).status_code == 200
    answer = w.get(OFFICE, address)
    assert (answer.status_code, rule(answer)) == (410, "HUB-5095")


def test_another_process_that_has_the_key_in_its_memory_gives_and_takes_nothing_by_it(tmp_path: Path, clock: Clock) -> None:
    url = cluster().new()
    with world(tmp_path / "data", now=clock, database=url) as one, world(tmp_path / "data", now=clock, database=url) as two:
        lived(one)
        stay = f"/fhir/Encounter/{hub_id(stream(one, HOSPITAL, 'Encounter'))}"
        assert two.get(HOSPITAL, stay).status_code == 200
        assert two.get(OFFICE, stay).status_code == 200
        key = two.hub.keys.of(stream(one, HOSPITAL), MAIN)
        erased(one)
        assert two.hub.keys.by_id(key.key_id) is not None  # for less than a minute
        assert two.get(OFFICE, stay).status_code == 404
        assert two.get(HOSPITAL, stay).status_code == 410
        assert two.put(HOSPITAL, an_encounter("e9", patient="Patient/h1")).status_code in {403, 410}
        assert kinds(two, OFFICE)[:1] == [""]
        sealed = [r for r in log(two) if r.header.key == key.key_id]
        tombstone = next(r.position for r in log(two) if r.topic == events.KEY_ERASED)
        assert sealed
        assert max(r.position for r in sealed) < tombstone


# ── restored ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _opened(folder: Path, clock: Clock) -> Any:
    return world(folder, now=clock)


@pytest.mark.sqlite
def test_an_older_store_of_keys_brings_no_key_back(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "data"
    with _opened(folder, clock) as w:
        lived(w)
        owner = stream(w, HOSPITAL)
        w.get(NETWORK, "/erasures")  # a look under the key that the tombstone will lie under, too: an older store without it is refused
        w.hub.keys.copy_to(tmp_path / "keys.db")
        erased(w)
    for file in folder.glob("keys.db*"):
        file.unlink()
    shutil.copy(tmp_path / "keys.db", folder / "keys.db")
    with _opened(folder, clock) as w:
        assert w.hub.keys.ids(owner, MAIN) == ()
        assert w.get(HOSPITAL, "/fhir/Patient/h1").status_code == 410


@pytest.mark.sqlite
def test_a_database_from_before_the_tombstone_gets_one_anew(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "data"
    with _opened(folder, clock) as w:
        lived(w)
        assert w.file(HOSPITAL, "note.txt", "山田 花子".encode()).status_code == 422
        owner = stream(w, HOSPITAL)
    before = tmp_path / "hub.db"
    shutil.copy(folder / "hub.db", before)
    with _opened(folder, clock) as w:
        (kept,) = w.get(HOSPITAL, "/refused.json").json()["refused"]
        assert w.ask("DELETE", f"/refused/{kept['reference']}", by=HOSPITAL).status_code == 204
        erased(w)
    for file in (*folder.glob("hub.db*"), *folder.glob("checkpoint.*")):
        file.unlink()
    shutil.copy(before, folder / "hub.db")
    with _opened(folder, clock) as w:
        shredding(w).step()
        with w.hub.store.read() as tx:
            assert owner in {key.owner for key in erasures.keys_of(tx, erasures.last(tx))}
        assert w.get(HOSPITAL, "/fhir/Patient/h1").status_code == 410
        assert w.get(HOSPITAL, "/fhir/Patient/h2").status_code == 200
        assert w.get(HOSPITAL, "/refused.json").json()["refused"] == []
        held = len(log(w))
        assert Shredding(erasing=w.hub.erase, destroying=w.hub.destroying, keep=shredding(w)._keep, now=clock).step() is False
        assert len(log(w)) == held
    assert differing(tmp_path) == {}
