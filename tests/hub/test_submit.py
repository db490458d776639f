"""What a submission may rely on: nobody's update is lost, nothing is written twice, what it was judged by still holds when it is written."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Self

import httpx
import orjson
import pytest

from hub.commands import Asking, Submit, Write
from hub.names import hub_id
from hub.tables import resources
from hub.writer import QUEUE, Proposal
from schemas.adapter import BASE
from schemas.errors import Busy, Refusal
from schemas.fhir.resource import read
from tests.hub.web.answers import outcome
from tests.hub.world import FHIR, HOSPITAL, NETWORK, OFFICE, OTHER_HOSPITAL, World, a_consent, a_patient, an_encounter


def asking(w: World, by: str = HOSPITAL) -> Asking:
    identified = w.hub.credentials.identify(w.tokens[by])
    assert identified is not None
    return Asking(identified.requester, identified.purpose, "r", "write")


def submit(w: World, tree: dict[str, Any], by: str = HOSPITAL, **more: Any) -> Any:
    body = read(orjson.dumps(tree))
    return w.hub.submit(
        Submit(asking(w, by), (Write(0, "PUT", f"{tree['resourceType']}/{tree['id']}", body, **more),), where=tree["resourceType"])
    )


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Let threads work at the same moment; give what each came to, a refusal as its rule."""
    begin = threading.Barrier(count)
    said: list[Any] = [None] * count

    def run(number: int) -> None:
        begin.wait()
        try:
            said[number] = work(number)
        except Refusal as refusal:
            said[number] = refusal.issues[0].rule

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


class Held:
    """The writer, held at the door: what is submitted waits in its order until it is let go."""

    def __init__(self, w: World) -> None:
        self._w, self._go, self._in = w, threading.Event(), threading.Event()
        self._waiting: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._w.hub.writer.work(self._hold)
        self._in.wait()
        return self

    def _hold(self, _: Any) -> None:
        self._in.set()
        self._go.wait()

    def then(self, work: Callable[[], Any]) -> list[Any]:
        """Start work of which the next submission waits; what it came to stands in the list when all is let go."""
        said: list[Any] = []
        before = self._w.hub.writer._queue.qsize()

        def run() -> None:
            try:
                said.append(work())
            except Refusal as refusal:
                said.append(refusal.issues[0].rule)

        thread = threading.Thread(target=run)
        thread.start()
        self._waiting.append(thread)
        while self._w.hub.writer._queue.qsize() == before:
            thread.join(0.001)
        return said

    def __exit__(self, *_: object) -> None:
        self._go.set()
        for thread in self._waiting:
            thread.join()


# ── nobody's update is lost ──────────────────────────────────────────────────────────────────────────────────────────


def test_of_many_updates_of_one_version_one_is_taken_and_the_others_are_told(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    for version in range(1, 6):
        said = at_once(8, lambda n, v=version: submit(hub_world, a_patient(birth=f"19{n:02}-01-01"), if_match=f'W/"{v}"').taken[0].version)
        assert sorted(map(str, said)) == [str(version + 1)] + ["HUB-5042"] * 7
    assert hub_world.get(HOSPITAL, "/fhir/Patient/p1").headers["etag"] == 'W/"6"'


def test_of_many_that_must_only_create_one_creates(hub_world: World) -> None:
    said = at_once(8, lambda n: submit(hub_world, a_patient(birth=f"19{n:02}-01-01"), if_none_match="*").taken[0].status)
    assert sorted(map(str, said)) == ["201"] + ["HUB-5042"] * 7


def test_updates_without_a_version_are_all_versions_in_some_order(hub_world: World) -> None:
    said = at_once(8, lambda n: submit(hub_world, a_patient(birth=f"19{n:02}-01-01")).taken[0].version)
    assert sorted(said) == list(range(1, 9))


# ── nothing is written twice ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_submission_whose_answer_was_lost_is_not_written_again(hub_world: World) -> None:
    """The same proposal comes to the writer twice, as after a broken connection: the log has it once."""
    hub = hub_world.hub
    body = read(orjson.dumps(a_patient()))
    command = Submit(asking(hub_world), (Write(0, "PUT", "Patient/p1", body),))
    with hub.store.read() as tx:
        proposal = hub.submit._prepare(tx, command)
    first = hub.writer.submit(proposal).result()
    with hub.store.read() as tx:
        head = hub.store.head(tx)
    again = hub.writer.submit(Proposal(proposal.submission, proposal.events, answer=proposal.answer)).result()
    assert len(first.recorded) == 2  # the resource, and the decision that it might be taken
    assert again.recorded == ()
    with hub.store.read() as tx:
        assert hub.store.head(tx) == head


# ── what it was judged by still holds ────────────────────────────────────────────────────────────────────────────────


def test_a_refusal_of_the_hub_that_came_first_stops_a_write_that_was_judged_before_it(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    refusal = {k: v for k, v in a_consent().items() if k != "provision"}
    refusal["extension"] = [*refusal["extension"], {"url": f"{BASE}/StructureDefinition/consent-hub-refusal", "valueBoolean": True}]
    with Held(hub_world) as held:
        first = held.then(lambda: submit(hub_world, refusal | {"provision": {"type": "deny"}}).taken[0].status)
        second = held.then(lambda: submit(hub_world, an_encounter()).taken[0].status)
    assert (first, second) == ([201], ["HUB-5040"])
    assert hub_world.get(HOSPITAL, "/fhir/Encounter/e1").status_code == 404
    with hub_world.hub.store.read() as tx:
        effects = [r[0] for r in tx.all("SELECT effect FROM decisions WHERE action='write' ORDER BY position")]
    assert effects[-1] == "deny"  # the refusal itself is on record


def test_a_condition_that_is_met_meanwhile_finds_what_met_it(hub_world: World) -> None:
    tree = {**a_patient(), "identifier": [{"system": "urn:example:n", "value": "1"}]}

    def create() -> Any:
        body = read(orjson.dumps(tree))
        return hub_world.hub.submit(
            Submit(asking(hub_world), (Write(0, "POST", "Patient", body, if_none_exist="identifier=urn:example:n|1"),))
        ).taken[0]

    with Held(hub_world) as held:
        first, second = held.then(create), held.then(create)
    assert (first[0].status, second[0].status) == (201, 200)
    assert first[0].id == second[0].id


# ── too much at once ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hub_that_is_full_says_when_to_come_again_and_recovers(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    with Held(hub_world):
        for _ in range(QUEUE):
            hub_world.hub.writer.work(lambda _: None)
        with pytest.raises(Busy):
            hub_world.hub.writer.work(lambda _: None)
        answers = [
            hub_world.put(HOSPITAL, a_patient("p2")),
            hub_world.get(HOSPITAL, "/fhir/Patient/p1"),
            hub_world.bundle(HOSPITAL, [{"resource": a_patient("p3"), "request": {"method": "PUT", "url": "Patient/p3"}}]),
        ]
    for answer in answers:
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert outcome(answer) == [("HUB-5020", "", "throttled")]
    while hub_world.hub.writer._queue.qsize():
        pass  # it works off what waits
    assert hub_world.get(HOSPITAL, "/fhir/Patient/p1").status_code == 200
    assert hub_world.get(HOSPITAL, "/refused.json").json()["refused"] == []  # it was no fault of what was sent


# ── whose ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def wide(w: World, by: str, kind: str) -> str:
    with w.hub.store.read() as tx:
        (row,) = resources.own(tx, by, kind)
    return f"{kind}/{hub_id(row.stream)}"


def test_the_networks_office_enters_a_consent_for_anybodys_patient_and_nobody_else_does(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    patient = wide(hub_world, HOSPITAL, "Patient")
    assert hub_world.put(OFFICE, a_consent(patient=patient)).status_code == 404
    assert hub_world.put(NETWORK, {**an_encounter(patient=patient)}).status_code == 404
    assert hub_world.get(OFFICE, f"/fhir/{patient}").status_code == 404
    assert hub_world.put(NETWORK, a_consent(patient=patient)).status_code == 201
    assert hub_world.get(OFFICE, f"/fhir/{patient}").status_code == 200
    assert hub_world.ask("DELETE", "/fhir/Consent/k1", by=NETWORK).status_code == 204
    assert hub_world.get(OFFICE, f"/fhir/{patient}").status_code == 404


def test_addresses_under_the_hubs_own_base_become_references_of_the_sender(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    hub_world.put(HOSPITAL, {"resourceType": "Practitioner", "id": "d7"})
    whole = {
        **an_encounter(patient="http://hub.test/fhir/Patient/p1"),
        "participant": [{"individual": {"reference": "http://hub.test/fhir/Practitioner/d7"}}],
    }
    assert hub_world.put(HOSPITAL, whole).status_code == 201
    mine = hub_world.get(HOSPITAL, "/fhir/Encounter/e1").json()
    assert mine["subject"] == {"reference": "Patient/p1"}
    assert mine["participant"][0]["individual"] == {"reference": "Practitioner/d7"}
    hub_world.put(HOSPITAL, a_consent())
    theirs = hub_world.get(OFFICE, f"/fhir/{wide(hub_world, HOSPITAL, 'Encounter')}")
    assert theirs.json()["subject"] == {"reference": wide(hub_world, HOSPITAL, "Patient")}
    for word in ("Patient/p1", "Practitioner/d7"):
        assert word not in theirs.text


def test_what_others_see_refers_to_what_they_can_read(hub_world: World) -> None:
    """No id of the custodian's own leaves it, narratives included."""
    hub_world.put(HOSPITAL, a_patient())
    div = '<div xmlns="http://www.w3.org/1999/xhtml"><a href="Patient/p1">山田</a></div>'
    stay = {**an_encounter(), "text": {"status": "generated", "div": div}}
    assert hub_world.put(HOSPITAL, stay).status_code == 201
    hub_world.put(HOSPITAL, a_consent())
    theirs = hub_world.get(OFFICE, f"/fhir/{wide(hub_world, HOSPITAL, 'Encounter')}").json()
    patient = wide(hub_world, HOSPITAL, "Patient")
    assert theirs["subject"] == {"reference": patient}
    assert f'href="{patient}"' in theirs["text"]["div"]
    assert theirs["id"].startswith("tsu-")
    read_back: httpx.Response = hub_world.get(OFFICE, f"/fhir/{theirs['subject']['reference']}")
    assert read_back.status_code == 200


def test_what_belongs_to_nobody_is_read_by_all_and_changed_by_its_custodian_alone(hub_world: World) -> None:
    hub_world.put(HOSPITAL, {"resourceType": "Location", "id": "w1", "name": "三階東"})
    place = wide(hub_world, HOSPITAL, "Location")
    assert hub_world.get(OFFICE, f"/fhir/{place}").json()["name"] == "三階東"
    for method in ("PUT", "DELETE"):
        body = orjson.dumps({"resourceType": "Location", "id": place.partition("/")[2], "name": "x"}) if method == "PUT" else b""
        assert hub_world.ask(method, f"/fhir/{place}", by=OTHER_HOSPITAL, content=body, headers=FHIR).status_code == 404
    assert hub_world.put(OTHER_HOSPITAL, {"resourceType": "Location", "id": "w1", "name": "別の三階"}).status_code == 201
    assert hub_world.get(HOSPITAL, "/fhir/Location/w1").json()["name"] == "三階東"
