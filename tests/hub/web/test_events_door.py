"""A subscriber hears what consent lets it, under its own numbers, from where it left off (clients: D)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from schemas.adapter import BASE
from tests.hub.serving import Served, served
from tests.hub.streaming import Told, stream
from tests.hub.web.answers import outcome
from tests.hub.world import FHIR, HOSPITAL, OFFICE, OTHER_HOSPITAL, OTHER_OFFICE, STATION, World, a_consent, a_patient, a_plan, an_encounter

LINES = {"Accept": "application/x-ndjson"}
ENDED = {"start": "2026-11-24T09:30:00+09:00", "end": "2026-11-24T10:00:00+09:00"}
REFUSES_THE_HUB = {"url": f"{BASE}/StructureDefinition/consent-hub-refusal", "valueBoolean": True}


def followed(w: World) -> None:
    """An office that cares for the patient of a hospital."""
    for by, tree in ((HOSPITAL, a_patient()), (OFFICE, a_patient("u1")), (OFFICE, a_plan(patient="Patient/u1"))):
        assert w.put(by, tree).status_code == 201


def heard(w: World, by: str = OFFICE, after: int = 0, more: str = "") -> list[dict[str, Any]]:
    w.settle()
    answer = w.get(by, f"/events?after={after}{more}", headers=LINES)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [orjson.loads(line) for line in answer.content.splitlines()]


def kinds(found: list[dict[str, Any]]) -> list[str]:
    return [f["data"]["event"] for f in found]


def numbers(w: World, by: str) -> list[int]:
    with w.hub.store.read() as tx:
        return [r[0] for r in tx.all("SELECT number FROM feeds WHERE subscriber=? ORDER BY number", (by,))]


# ── what is heard, and by whom ───────────────────────────────────────────────────────────────────────────────────────


def test_an_admission_is_heard_by_who_cares_for_the_person_and_by_nobody_else(hub_world: World) -> None:
    followed(hub_world)
    hub_world.put(HOSPITAL, a_consent())
    hub_world.put(HOSPITAL, an_encounter())
    (event,) = heard(hub_world)
    assert event["specversion"] == "1.0"
    assert (event["id"], event["type"], event["datacontenttype"]) == ("1", "jp.example.tsunagu.AdmissionNotified.v1", "application/json")
    assert event["source"] == f"http://hub.test/events/{OFFICE}"
    assert event["time"] == "2026-11-24T01:00:00.000Z"
    assert event["data"]["organization"] == {"code": HOSPITAL, "name": "ひがし病院"}
    assert event["data"]["occurred"] == "2026-11-24T09:30:00+09:00"
    read = hub_world.get(OFFICE, f"/fhir/{event['data']['resource']['reference']}")
    assert (read.status_code, read.json()["status"]) == (200, "in-progress")
    assert hub_world.get(OFFICE, f"/fhir/{event['data']['patient']['reference']}").json()["id"] == "u1"
    told = orjson.dumps(event).decode().replace(event["subject"], "").replace(event["data"]["episode"], "")
    for word in ("山田", "ヤマダ", "1938", "0000012342", "/p1", "/e1"):
        assert word not in told
    for other in (OTHER_HOSPITAL, OTHER_OFFICE, STATION):
        assert heard(hub_world, other) == []
    # the hospital hears what the office tells from the consent on
    assert heard(hub_world, HOSPITAL) == []
    hub_world.put(OFFICE, {**a_plan(patient="Patient/u1"), "title": "新しい計画"})
    assert kinds(heard(hub_world, HOSPITAL)) == ["CarePlanChanged"]


@pytest.mark.parametrize(
    "consent", ["none", "withdrawn", "of another purpose", "that shuts the office out", "that cannot be read", "that refuses the hub"]
)
def test_where_consent_does_not_reach_nobody_hears_anything(hub_world: World, consent: str) -> None:
    followed(hub_world)
    reason = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
    who = {"identifier": {"system": "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no", "value": OFFICE}}
    role = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]}
    refusal = {k: v for k, v in a_consent().items() if k != "provision"}
    trees: dict[str, dict[str, Any] | None] = {
        "none": None,
        "withdrawn": a_consent(status="inactive"),
        "of another purpose": a_consent(purpose=[{"system": reason, "code": "HRESCH"}]),
        "that shuts the office out": a_consent(provision=[{"type": "deny", "actor": [{"role": role, "reference": who}]}]),
        "that cannot be read": a_consent(purpose=[{"system": "urn:example:purposes", "code": "EVERYTHING"}]),
        "that refuses the hub": {**refusal, "extension": [*refusal["extension"], REFUSES_THE_HUB], "provision": {"type": "deny"}},
    }
    tree = trees[consent]
    if tree is not None:
        answer = hub_world.put(HOSPITAL, tree)
        assert answer.status_code == (201 if consent != "that cannot be read" else 422), answer.text
    admitted = hub_world.put(HOSPITAL, an_encounter())
    assert admitted.status_code == (403 if consent == "that refuses the hub" else 201)
    if admitted.status_code == 403:
        assert outcome(admitted) == [("HUB-5040", "Encounter", "forbidden")]
    for by in (OFFICE, OTHER_OFFICE, OTHER_HOSPITAL, STATION):
        assert heard(hub_world, by) == []
        assert numbers(hub_world, by) == []


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_consent_withdrawn_between_two_events_silences_the_second(hub_world: World) -> None:
    followed(hub_world)
    hub_world.put(HOSPITAL, a_consent())
    hub_world.put(HOSPITAL, an_encounter())
    assert kinds(heard(hub_world)) == ["AdmissionNotified"]
    hub_world.put(HOSPITAL, a_consent(status="inactive"))
    hub_world.put(HOSPITAL, an_encounter(status="finished", period=ENDED))
    assert heard(hub_world, after=1) == []
    assert numbers(hub_world, OFFICE) == [1]


def test_a_consent_withdrawn_before_the_hub_came_to_tell_is_minded(hub_world: World) -> None:
    followed(hub_world)
    hub_world.put(HOSPITAL, a_consent())
    hub_world.put(HOSPITAL, an_encounter())
    hub_world.put(HOSPITAL, a_consent(status="inactive"))  # the follower has seen neither yet
    assert heard(hub_world) == []


def test_a_consent_withdrawn_between_matching_and_delivery_leaves_the_number_and_takes_the_content(hub_world: World) -> None:
    followed(hub_world)
    hub_world.put(HOSPITAL, a_consent())
    hub_world.put(HOSPITAL, an_encounter())
    hub_world.settle()
    hub_world.put(HOSPITAL, a_consent(status="inactive"))
    answer = hub_world.get(OFFICE, "/events?after=0", headers=LINES)
    assert (answer.content, answer.headers["x-next-after"]) == (b"", "1")
    hub_world.put(HOSPITAL, {**a_consent("k2"), "dateTime": "2026-11-24T09:00:00+09:00"})
    hub_world.put(HOSPITAL, an_encounter(status="finished", period=ENDED))
    assert [(f["id"], f["data"]["event"]) for f in heard(hub_world, after=1)] == [("2", "Discharged")]


def test_a_consent_given_again_does_not_tell_of_what_happened_while_it_was_withdrawn(hub_world: World) -> None:
    """However late the hub comes to tell: what counts is the consent of the moment at which it happened."""
    followed(hub_world)
    hub_world.put(HOSPITAL, an_encounter())
    hub_world.put(HOSPITAL, a_consent())
    assert heard(hub_world) == []
    hub_world.put(HOSPITAL, an_encounter(status="finished", period=ENDED))
    assert kinds(heard(hub_world)) == ["Discharged"]


def test_what_was_taken_back_is_told_no_more(hub_world: World) -> None:
    followed(hub_world)
    hub_world.put(HOSPITAL, a_consent())
    hub_world.put(HOSPITAL, an_encounter())
    hub_world.settle()
    assert hub_world.ask("DELETE", "/fhir/Encounter/e1", by=HOSPITAL).status_code == 204
    assert "AdmissionNotified" not in kinds(heard(hub_world))


def test_numbers_have_no_gaps_and_begin_at_one_for_each(hub_world: World) -> None:
    followed(hub_world)
    hub_world.put(STATION, a_patient("s1"))
    hub_world.put(HOSPITAL, a_consent())
    for i in range(6):
        hub_world.put(HOSPITAL, an_encounter(f"e{i}", period={"start": f"2026-11-{10 + 2 * i}T09:00:00+09:00"}))
        # between them, what none of the two hears
        hub_world.put(OTHER_HOSPITAL, a_patient(f"x{i}", insured=f"131016:000009999{i}"))
        hub_world.put(OTHER_HOSPITAL, an_encounter(f"x{i}", patient=f"Patient/x{i}"))
    for by in (OFFICE, STATION):
        found = heard(hub_world, by)
        assert [f["id"] for f in found] == [str(n) for n in range(1, len(found) + 1)]
        assert len(found) >= 6
    subjects = {f["subject"] for by in (OFFICE, STATION) for f in heard(hub_world, by)}
    assert len(subjects) == 2  # each subscriber has its own name for the person


def test_lines_come_in_portions_and_say_where_to_go_on(hub_world: World) -> None:
    followed(hub_world)
    hub_world.put(HOSPITAL, a_consent())
    for i in range(5):
        hub_world.put(HOSPITAL, an_encounter(f"e{i}", period={"start": f"2026-11-{10 + 2 * i}T09:00:00+09:00"}))
    hub_world.settle()
    after, ids = "0", []
    while True:
        answer = hub_world.get(OFFICE, f"/events?after={after}&limit=2", headers=LINES)
        found = [orjson.loads(line)["id"] for line in answer.content.splitlines()]
        assert len(found) <= 2
        if not found:
            break
        ids += found
        after = answer.headers["x-next-after"]
    assert ids == [str(n) for n in range(1, len(ids) + 1)]
    assert answer.headers["x-next-after"] == after


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "", "９", "9" * 30])
def test_a_place_that_is_no_number_is_refused(hub_world: World, after: str) -> None:
    answer = hub_world.get(OFFICE, "/events", params={"after": after}, headers=LINES)
    assert answer.status_code == 400
    assert outcome(answer)[0][:2] == ("HUB-5057", "Last-Event-ID")


def test_every_delivery_leaves_a_decision(hub_world: World) -> None:
    followed(hub_world)
    hub_world.put(HOSPITAL, a_consent())
    hub_world.put(HOSPITAL, an_encounter())
    hub_world.settle()
    hub_world.get(OFFICE, "/events?after=0", headers=LINES | {"X-Request-Id": "the-delivery"})
    with hub_world.hub.store.read() as tx:
        rows = tx.all("SELECT organization, action, effect FROM decisions ORDER BY position DESC LIMIT 1")
    assert rows == [(OFFICE, "deliver", "permit")]


# ── the stream ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("events") / "data") as made:
        with made.client(HOSPITAL) as hospital, made.client(OFFICE) as office:
            for client, tree in (
                (hospital, a_patient()),
                (office, a_patient("u1")),
                (office, a_plan(patient="Patient/u1")),
                (hospital, a_consent()),
            ):
                assert send(client, tree) == 201
        yield made


def send(client: httpx.Client, tree: dict[str, Any]) -> int:
    return client.put(f"/fhir/{tree['resourceType']}/{tree['id']}", content=orjson.dumps(tree), headers=FHIR).status_code


def stay(number: int, **more: Any) -> dict[str, Any]:
    return an_encounter(f"e{number}", period={"start": f"2026-10-{number:02}T09:00:00+09:00", **more})


def take(told: Iterator[Told], count: int) -> list[Told]:
    return [next(told) for _ in range(count)]


def test_a_stream_that_was_cut_goes_on_where_it_was_cut_and_gives_each_number_once(hub: Served) -> None:
    with hub.client(HOSPITAL) as hospital, hub.client(OFFICE) as office:
        with stream(office) as told:  # from now on
            assert send(hospital, stay(1)) == 201
            (first,) = take(told, 1)
        assert (first.event, first.data and first.data["data"]["event"]) == ("jp.example.tsunagu.AdmissionNotified.v1", "AdmissionNotified")
        for number in (3, 5, 7, 9):
            assert send(hospital, stay(number)) == 201  # while nobody listens
        last, seen = first.id, [first.id]
        while len(seen) < 5:
            with stream(office, last=last) as told:
                seen += [t.id for t in take(told, 2)]
                last = seen[-1]
        assert seen == list(range(first.id, first.id + 5))
        with stream(office, query=f"?after={first.id}") as told:
            assert [t.id for t in take(told, 4)] == seen[1:]


def test_a_stream_tells_as_it_happens_and_keeps_silence_after_a_withdrawal(hub: Served) -> None:
    with hub.client(HOSPITAL) as hospital, hub.client(OFFICE) as office:
        with stream(office) as told:
            assert send(hospital, stay(11)) == 201
            (admitted,) = take(told, 1)
            assert send(hospital, a_consent(status="inactive")) == 200
            assert send(hospital, {**stay(11, end="2026-10-12T10:00:00+09:00"), "status": "finished"}) == 200
            assert send(hospital, {**a_consent(), "dateTime": datetime.now(UTC).isoformat()}) == 200
            assert send(hospital, stay(13)) == 201
            (following,) = take(told, 1)
        assert following.id == admitted.id + 1  # the discharge had no number, so that there is nothing to wonder about
        assert following.data is not None
        assert following.data["data"]["event"] == "AdmissionNotified"


def test_streams_end_when_the_hub_stops_and_go_on_with_the_next(tmp_path: Path) -> None:
    with served(tmp_path / "data") as first, first.client(HOSPITAL) as hospital, first.client(OFFICE) as office:
        for client, tree in (
            (hospital, a_patient()),
            (office, a_patient("u1")),
            (office, a_plan(patient="Patient/u1")),
            (hospital, a_consent()),
            (hospital, stay(1)),
        ):
            assert send(client, tree) == 201
        with stream(office, query="?after=0") as told:
            (one,) = take(told, 1)
            assert send(hospital, stay(3)) == 201
            take(told, 1)
            assert first.stop() == 0
            assert list(told) == []
        with served(tmp_path / "data") as second, second.client(OFFICE) as again, stream(again, last=one.id) as told:
            assert [t.id for t in take(told, 1)] == [one.id + 1]


async def test_a_stream_that_is_left_leaves_nothing_waiting_behind() -> None:
    from hub.web.events import Events

    door = Events(None, None)  # type: ignore[arg-type]  # nothing is asked of either
    bell = asyncio.Event()
    for _ in range(20):
        waiting = asyncio.ensure_future(door._rung(bell))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await asyncio.sleep(0)
    assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []
