"""Transactions are whole or nothing, batches are entry by entry, and what was refused can be sent again (R4 http §3.1.0.11; facts: fhir-api §2)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.hub.web.answers import issue, outcome
from tests.hub.web.bundles import BY_NUMBER, URN, count, get, observation, post, practitioner, put
from tests.hub.world import FHIR, HOSPITAL, OFFICE, OTHER_HOSPITAL, World, a_patient


def head(w: World) -> int:
    with w.hub.store.read() as tx:
        return w.hub.store.head(tx)


# ── whole or nothing ─────────────────────────────────────────────────────────────────────────────────────────────────


FAULTS: tuple[tuple[str, dict[str, Any], str, int, str], ...] = (
    ("content", put(observation("o37", status="nonsense")), "HUB-4030", 422, "Bundle.entry[37].resource.status"),
    ("no such day", put({**observation("o37"), "effectiveDateTime": "2026-02-30"}), "HUB-4026", 400, "Bundle.entry[37].resource.effectiveDateTime"),
    ("whose data", put({k: v for k, v in observation("o37").items() if k != "subject"}), "HUB-4077", 400, "Bundle.entry[37].resource.subject"),
    ("condition without a match", put(observation("o37", performer=[{"reference": "Practitioner?identifier=urn:example:doctors|none"}])),
     "HUB-4073", 422, "Bundle.entry[37].resource"),
    ("no such entry", put(observation("o37", performer=[{"reference": URN.format(999)}])), "HUB-4064", 422, "Bundle.entry[37].resource.performer[0].reference"),
    ("stale", put(observation("o37"), request={"method": "PUT", "url": "Observation/o37", "ifMatch": 'W/"4"'}), "HUB-5042", 412,
     "Bundle.entry[37].request.ifMatch"),
    ("the same twice", put(observation("o36")), "HUB-4072", 422, "Bundle.entry[37].request.url"),
    ("foreign", put(observation("o37", patient="Patient/tsu-" + "a" * 25 + "e")), "HUB-4078", 404, "Bundle.entry[37].resource.subject"),
    ("unknown type", {"resource": {"resourceType": "Citation"}, "request": {"method": "POST", "url": "Citation"}}, "HUB-4011", 422,
     "Bundle.entry[37].request.url"),
    ("method", {"request": {"method": "HEAD", "url": "Patient/p1"}}, "HUB-5037", 405, "Bundle.entry[37].request.method"),
    ("no such reading", get("Patient/nobody"), "HUB-5041", 404, "Bundle.entry[37].request.url"),
    ("reading of what goes", get("Observation/gone"), "HUB-5047", 410, "Bundle.entry[37].request.url"),
    ("search that cannot be", get("Patient?_lastUpdated=soon"), "HUB-4083", 400, "Bundle.entry[37].request.url"),
)  # fmt: skip


@pytest.mark.parametrize(("bad", "rule", "status", "where"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_one_bad_entry_among_fifty_leaves_nothing_behind(hub_world: World, bad: dict[str, Any], rule: str, status: int, where: str) -> None:
    hub_world.put(HOSPITAL, a_patient())
    hub_world.put(HOSPITAL, observation("gone"))
    entries = [put(observation(f"o{i}")) for i in range(50)]
    entries[37] = bad
    entries[49] = {"request": {"method": "DELETE", "url": "Observation/gone"}}
    answer = hub_world.bundle(HOSPITAL, entries)
    assert answer.status_code == status
    assert (rule, where) in [o[:2] for o in outcome(answer)]
    assert count(hub_world, "Observation") == 1
    assert hub_world.get(HOSPITAL, "/fhir/Observation/gone").status_code == 200
    assert hub_world.get(HOSPITAL, "/fhir/Observation/o1").status_code == 404


def test_all_that_is_wrong_is_said_at_once(hub_world: World) -> None:
    entries = [
        put(observation("o1", status="nonsense")),
        put(observation("o2")),
        put({**observation("o3"), "effectiveDateTime": "2026-13-01"}),
    ]
    said = outcome(hub_world.bundle(HOSPITAL, entries))
    assert [s[1] for s in said] == ["Bundle.entry[0].resource.status", "Bundle.entry[2].resource.effectiveDateTime"]


def test_a_transaction_is_one_moment_and_one_stretch_of_the_log(hub_world: World) -> None:
    before = head(hub_world)
    answer = hub_world.bundle(HOSPITAL, [put(a_patient()), *(put(observation(f"o{i}")) for i in range(9))])
    assert len({e["response"]["lastModified"] for e in answer.json()["entry"]}) == 1
    with hub_world.hub.store.read() as tx:
        made = hub_world.hub.store.events(tx, before, 100)
        recorded = [e for e in made if e.topic == "resource-recorded.v1"]
    assert [e.position for e in recorded] == list(range(before + 1, before + 11))
    assert len({e.header.submission for e in recorded}) == 1


# ── what was refused can be sent again ───────────────────────────────────────────────────────────────────────────────


def refused(w: World, by: str = HOSPITAL) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = w.get(by, "/refused.json").json()["refused"]
    return rows


def waiting(w: World, by: str = HOSPITAL) -> list[str]:
    return [r["reference"] for r in refused(w, by) if not r["settled"]]


def test_a_refused_transaction_is_kept_and_taken_when_what_it_lacked_is_there(hub_world: World) -> None:
    entries = [
        post(a_patient(), 1),
        get("Patient?_summary=count"),
        put(observation("o1", URN.format(1), performer=[{"reference": "Practitioner?identifier=urn:example:doctors|7"}])),
    ]
    assert hub_world.bundle(HOSPITAL, entries).status_code == 422
    (row,) = refused(hub_world)
    assert (row["layout"], row["door"], row["settled"]) == ("Bundle", "fhir", False)
    assert [(i["rule"], i["where"]) for i in row["issues"]] == [("HUB-4073", "Bundle.entry[2].resource")]
    assert "山田" not in orjson.dumps(row).decode()
    again = hub_world.ask("POST", f"/refused/{row['reference']}/send", by=HOSPITAL)
    assert again.status_code == 422
    assert waiting(hub_world) == [row["reference"]]
    hub_world.put(HOSPITAL, practitioner("d7", "7"))
    again = hub_world.ask("POST", f"/refused/{row['reference']}/send", by=HOSPITAL)
    assert again.status_code == 200
    assert waiting(hub_world) == []
    assert hub_world.get(HOSPITAL, "/fhir/Observation/o1").json()["performer"] == [{"reference": "Practitioner/d7"}]
    assert hub_world.ask("POST", f"/refused/{row['reference']}/send", by=HOSPITAL).status_code == 404
    assert count(hub_world, "Patient") == 1


@pytest.mark.parametrize("fault", ["several", "foreign", "no json", "stale"])
def test_whatever_the_reason_a_refused_transaction_is_kept(hub_world: World, fault: str) -> None:
    hub_world.put(HOSPITAL, practitioner("d1", "7"))
    hub_world.put(HOSPITAL, practitioner("d2", "7"))
    bodies = {
        "several": [put(a_patient()), put(observation("o1", performer=[{"reference": "Practitioner?identifier=urn:example:doctors|7"}]))],
        "foreign": [put(observation("o1", "Patient/tsu-" + "a" * 25 + "e"))],
        "stale": [put(a_patient(), request={"method": "PUT", "url": "Patient/p1", "ifMatch": 'W/"3"'})],
        "no json": [],
    }
    if fault == "no json":
        answer = hub_world.ask(
            "POST", "/fhir", by=HOSPITAL, content=b'{"resourceType":"Bundle","type":"transaction","entry":[{', headers=FHIR
        )
    else:
        answer = hub_world.bundle(HOSPITAL, bodies[fault])
    assert answer.status_code in {400, 404, 412}
    (row,) = refused(hub_world)
    assert row["issues"][0]["rule"] == outcome(answer)[0][0]


def test_only_who_sent_a_message_sees_that_it_was_refused_and_sends_it_again(hub_world: World) -> None:
    hub_world.bundle(HOSPITAL, [put(observation("o1", status="nonsense"))])
    (reference,) = waiting(hub_world)
    for other in (OTHER_HOSPITAL, OFFICE):
        assert refused(hub_world, other) == []
        answer = hub_world.ask("POST", f"/refused/{reference}/send", by=other)
        absent = hub_world.ask("POST", f"/refused/{'a' * len(reference)}/send", by=other)
        assert answer.status_code == absent.status_code == 404
        assert answer.content == absent.content


# ── order, readings, kinds ───────────────────────────────────────────────────────────────────────────────────────────


def test_answers_stand_in_the_order_of_the_entries_and_readings_see_what_was_written(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    hub_world.put(HOSPITAL, observation("old"))
    entries = [
        get("Observation?_summary=count"),
        get("Patient/p1"),
        put(observation("new")),
        get("Observation/new"),
        {"request": {"method": "DELETE", "url": "Observation/old"}},
        post(a_patient("p2", insured="")),
    ]
    answer = hub_world.bundle(HOSPITAL, entries).json()["entry"]
    assert [e["response"]["status"][:3] for e in answer] == ["200", "200", "201", "200", "204", "201"]
    assert answer[0]["resource"]["total"] == 1
    assert answer[1]["resource"]["birthDate"] == "1938-05-02"
    assert answer[3]["resource"]["id"] == "new"
    assert answer[3]["response"]["etag"] == 'W/"1"'


def test_a_batch_takes_each_entry_alone(hub_world: World) -> None:
    entries = [
        put(a_patient()),
        put(observation("o1", status="nonsense")),
        "nonsense",
        put(observation("o2")),
        get("Patient/p1"),
        get("Patient/nobody"),
        get("Patient/p1/_history/1"),
        get("Patient/p1?_format=json"),
        get(f"{BY_NUMBER}&_summary=count"),
        get("Citation/1"),
        get("AuditEvent?_count=1"),
        {"request": {"method": "DELETE", "url": "Observation/o2"}},
        get("Observation/o2"),
        {"request": {"method": "HEAD", "url": "Patient/p1"}},
        put(a_patient("p1"), request={"method": "PUT", "url": "Patient/p1", "ifNoneMatch": "*"}),
        put(observation("o3", performer=[{"reference": URN.format(9)}])),
    ]
    answer = hub_world.bundle(HOSPITAL, entries, "batch").json()["entry"]
    said = [e["response"]["status"][:3] for e in answer]
    assert said == ["201", "422", "400", "201", "200", "404", "200", "200", "200", "404", "404", "204", "410", "405", "412", "422"]
    assert answer[6]["resource"] == answer[7]["resource"] == answer[4]["resource"]
    assert answer[8]["resource"]["total"] == 1
    for i, entry in enumerate(answer):
        if said[i][0] == "4":
            place = issue(entry["response"]["outcome"]["issue"][0])[1]
            assert place.startswith(f"Bundle.entry[{i}]"), (i, place)
    assert count(hub_world, "Observation") == 0


def test_a_client_that_wants_the_resources_gets_them_beside_their_places(hub_world: World) -> None:
    bundle = orjson.dumps(
        {"resourceType": "Bundle", "type": "transaction", "entry": [put(a_patient()), post(observation("", "Patient/p1"))]}
    )
    full = hub_world.ask("POST", "/fhir", by=HOSPITAL, content=bundle, headers=FHIR | {"Prefer": "return=representation"}).json()
    assert [e["resource"]["resourceType"] for e in full["entry"]] == ["Patient", "Observation"]
    assert full["entry"][0]["resource"]["meta"]["versionId"] == "1"
    plain = hub_world.ask("POST", "/fhir", by=HOSPITAL, content=bundle, headers=FHIR).json()
    assert all("resource" not in e for e in plain["entry"])


@pytest.mark.parametrize("kind", ["document", "collection", "searchset", "message", "history", "batch-response", "nonsense"])
def test_a_bundle_that_asks_for_nothing_is_refused_by_name(hub_world: World, kind: str) -> None:
    tree = {"resourceType": "Bundle", "type": kind, "entry": [{"fullUrl": URN.format(1), "resource": a_patient()}]}
    answer = hub_world.ask("POST", "/fhir", by=HOSPITAL, content=orjson.dumps(tree), headers=FHIR)
    assert answer.status_code == 422
    assert outcome(answer)[0] == ("HUB-4050", "Bundle.type", "not-supported")
    assert "transaction" in answer.json()["issue"][0]["details"]["text"]


def test_an_empty_transaction_is_done(hub_world: World) -> None:
    answer = hub_world.ask("POST", "/fhir", by=HOSPITAL, content=b'{"resourceType":"Bundle","type":"transaction"}', headers=FHIR)
    assert (answer.status_code, answer.json()) == (200, {"resourceType": "Bundle", "type": "transaction-response"})
