"""The record of disclosures as AuditEvents: found by each parameter, page after page, and by nobody else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.hub.audited import found, named, of_request, raws, stream
from tests.hub.test_gate import admitted
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    NOW,
    OFFICE,
    OTHER_OFFICE,
    World,
    a_consent,
    a_patient,
    an_encounter,
    world,
)

# ── search ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def busy(w: World) -> str:
    reference = admitted(w)
    w.put(OTHER_OFFICE, a_patient("z9", insured="", kana="サトウ　ジロウ", birth="1950-01-01"))
    for _ in range(3):
        w.get(OFFICE, f"/fhir/{reference}")
    w.sign_in("manager")
    w.get("manager", f"/fhir/{reference}")
    w.put(HOSPITAL, a_consent(status="inactive"))
    w.get(OFFICE, f"/fhir/{reference}")
    return reference


def test_whose_record_was_delivered_is_found_as_an_agent_too(hub_world: World) -> None:
    """A disclosure names its custodian among the agents (BALP PrivacyDisclosure); the row is that of who got it."""
    w = hub_world
    admitted(w)
    w.settle()
    w.get(OFFICE, "/events?after=0", headers={"Accept": "application/x-ndjson", **named("heard")})
    (disclosed, _) = of_request(w, "heard")
    assert HOSPITAL in {a["who"]["identifier"]["value"] for a in disclosed["agent"]}
    for query in (
        f"&agent={HOSPITAL}",
        f"&agent=Organization/{HOSPITAL}&subtype=disclose",
        f"&agent=Organization/{HOSPITAL}&_total=accurate",
    ):
        got = [e["id"] for e in found(w, query, count=2)]
        assert disclosed["id"] in got, query
        assert len(set(got)) == len(got)
    assert not found(w, f"&agent={HOSPITAL}&subtype=disclose&date=lt2026")
    assert not found(w, f"&agent={OTHER_OFFICE}&subtype=disclose")
    assert disclosed["id"] in {e["id"] for e in found(w, f"&agent:identifier=https://tsunagu.example.jp/sid/hub%7C{NETWORK}")}


def test_each_parameter_finds_what_it_says_and_nothing_else(hub_world: World) -> None:
    w = hub_world
    reference = busy(w)
    everything = found(w)

    def same(query: str, wanted: Any) -> None:
        got = found(w, query)
        assert {e["id"] for e in got} >= {e["id"] for e in everything if wanted(e)}, query
        assert got, query
        assert all(wanted(e) for e in got), query

    def roles(e: dict[str, Any]) -> set[str]:
        return {c["code"] for a in e["agent"] for r in a.get("role", ()) for c in r["coding"]}

    def whos(e: dict[str, Any]) -> set[str]:
        return {a["who"].get("identifier", {}).get("value", "") for a in e["agent"]}

    def purposes(e: dict[str, Any]) -> set[str]:
        return {c["code"] for p in e.get("purposeOfEvent", ()) for c in p["coding"]}

    same("&outcome=4", lambda e: e["outcome"] == "4")
    same("&outcome=0", lambda e: e["outcome"] == "0")
    same("&type=rest", lambda e: e["type"]["code"] == "rest")
    same("&type=http://dicom.nema.org/resources/ontology/DCM%7C110113", lambda e: e["type"]["code"] == "110113")
    same("&subtype=read", lambda e: e["subtype"][0]["code"] == "read")
    same("&subtype=create,update", lambda e: e["subtype"][0]["code"] in {"create", "update"})
    same("&action=C", lambda e: e["action"] == "C")
    same(f"&agent={OFFICE}", lambda e: OFFICE in whos(e))
    same("&agent=manager", lambda e: "manager" in whos(e))
    same("&agent:identifier=https://tsunagu.example.jp/sid/user%7Cmanager", lambda e: "manager" in whos(e))
    same("&agent-role=care-manager", lambda e: "care-manager" in roles(e))
    same("&purpose=CAREMGT", lambda e: "CAREMGT" in purposes(e))
    same("&policy=JP-CARE-WRITTEN", lambda e: "basis/JP-CARE-WRITTEN" in str(e))
    same(f"&entity={reference}", lambda e: f"/{reference}/_history/" in str(e))
    same(f"&entity=http://hub.test/fhir/{reference}/_history/1", lambda e: f"/{reference}/_history/1" in str(e))
    same("&type=110114", lambda e: e["type"]["code"] == "110114")
    one = everything[0]["id"]
    assert [e["id"] for e in found(w, f"&_id={one}")] == [one]
    assert not found(w, "&purpose=HRESCH")
    assert not found(w, "&subtype=never")


def test_dates_are_days_of_japan_or_moments_with_prefixes(tmp_path: Path) -> None:
    clock = [NOW]
    with world(tmp_path / "data", now=lambda: clock[0]) as w:
        w.put(HOSPITAL, a_patient())
        clock[0] = NOW + timedelta(hours=15)  # one o'clock of the next day in Japan
        w.put(HOSPITAL, an_encounter())

        def days(query: str) -> set[str]:
            return {e["recorded"][:10] for e in found(w, f"&subtype=create{query}")}

        assert days("&date=2026-11-24") == {"2026-11-24"}
        assert days("&date=ge2026-11-25") == {"2026-11-25"}
        assert days("&date=lt2026-11-25") == {"2026-11-24"}
        assert days("&date=gt2026-11-24&date=le2026-11-25") == {"2026-11-25"}
        assert days("&date=ne2026-11-24") == {"2026-11-25"}
        assert days("&date=2026-11") == {"2026-11-24", "2026-11-25"}
        assert days("&date=ge2026-11-25T01:00:00%2B09:00") == {"2026-11-25"}
        assert days("&date=lt2026-11-25T01:00:00%2B09:00") == {"2026-11-24"}
        assert w.get(NETWORK, "/fhir/AuditEvent?date=gestern").status_code == 400


def test_a_person_is_found_by_any_of_their_patients_by_the_officers_reference_and_by_pseudonym(hub_world: World) -> None:
    w = hub_world
    busy(w)
    w.sign_in("officer")
    by_id = found(w, f"&patient=Patient/{stream(w)}&type=rest")
    mine = [e for e in by_id if e["subtype"][0]["code"] == "read"]
    assert len(mine) == 4
    (pseudonym,) = {e["what"]["identifier"]["value"] for m in by_id for e in m["entity"] if e["type"]["code"] == "1"}

    def ids(query: str) -> set[str]:
        return {e["id"] for e in found(w, f"&type=rest{query}")}

    wanted = {e["id"] for e in by_id}
    assert ids(f"&patient={stream(w, owner=OFFICE)}") == wanted
    assert ids(f"&patient:identifier=https://tsunagu.example.jp/sid/pseudonym%7C{pseudonym}") == wanted
    reference = w.hub.opaque.shut("person", NETWORK, _person(w))
    assert ids(f"&patient={reference}") == wanted
    assert not ids("&patient=Patient/nobody")
    assert not ids("&patient:identifier=P-AAAAAA")


def _person(w: World) -> bytes:
    from hub.names import stream_of
    from hub.tables import identities

    with w.hub.store.read() as tx:
        return identities.person_of(tx, stream_of(stream(w)))


@pytest.mark.parametrize(
    "query",
    [
        "colour=blue", "agent-name=x", "patient.name=x", "_has:Observation:patient:code=x", "_filter=x", "date:missing=true", "outcome:not=0",
        "patient:Patient=x", "_sort=agent", "_total=some", "date=yesterday", "_count=x", "_summary=text", "_include=AuditEvent:agent", "type=,",
    ],
)  # fmt: skip
def test_what_is_not_offered_is_refused_and_never_ignored(hub_world: World, query: str) -> None:
    answer = hub_world.get(NETWORK, f"/fhir/AuditEvent?{query}")
    assert answer.status_code == 400
    assert "blue" not in answer.text
    assert "colour" not in answer.text


def test_pages_go_on_where_they_ended_whatever_their_size_and_however_much_comes_meanwhile(hub_world: World) -> None:
    w = hub_world
    busy(w)
    whole = [e["id"] for e in found(w, f"&agent={OFFICE}", count=200)]
    for count in (1, 2, 7):
        assert [e["id"] for e in found(w, f"&agent={OFFICE}", count=count)] == whole
    assert len(set(whole)) == len(whole)


def test_a_cursor_is_opaque_and_of_this_search_alone(hub_world: World) -> None:
    w = hub_world
    busy(w)
    page = w.get(NETWORK, f"/fhir/AuditEvent?_count=1&patient={stream(w)}").json()
    (following,) = [link["url"] for link in page["link"] if link["relation"] == "next"]
    assert stream(w) not in orjson.dumps(page["link"]).decode()
    cursor = following.partition("_page=")[2].partition("&")[0]
    assert w.get(NETWORK, f"/fhir/AuditEvent?_page={cursor[:-4]}aaaa").status_code == 404
    assert w.get(NETWORK, "/fhir/AuditEvent?_page=1").status_code == 404


def test_the_total_is_told_when_it_is_asked_for_or_all_is_shown(hub_world: World) -> None:
    w = hub_world
    busy(w)
    creates = len(found(w, "&subtype=create"))
    assert w.get(NETWORK, "/fhir/AuditEvent?subtype=create&_count=1&_total=accurate").json()["total"] == creates
    assert w.get(NETWORK, "/fhir/AuditEvent?subtype=create&_summary=count").json()["total"] == creates
    assert "total" not in w.get(NETWORK, "/fhir/AuditEvent?subtype=create&_count=1").json()
    assert "total" not in w.get(NETWORK, "/fhir/AuditEvent?subtype=create&_total=none").json()
    assert w.get(NETWORK, "/fhir/AuditEvent?subtype=create").json()["total"] == creates


def test_post_search_is_the_same_search(hub_world: World) -> None:
    busy(hub_world)
    by_form = hub_world.ask(
        "POST", "/fhir/AuditEvent/_search?subtype=create", by=NETWORK, content=b"action=C&_count=100",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )  # fmt: skip
    assert [e["resource"]["id"] for e in by_form.json()["entry"]] == [e["id"] for e in found(hub_world, "&subtype=create")]


def test_one_event_is_read_by_its_id_for_ever_and_what_is_none_is_not_found(hub_world: World) -> None:
    w = hub_world
    busy(w)
    for event in found(w)[:12]:
        assert w.get(NETWORK, f"/fhir/AuditEvent/{event['id']}").json() == event
    reference = found(w)[-1]["id"].rpartition("-")[0]
    for name in (f"{reference}-9", f"{reference}-0", reference, "x", "act-aaaaaaaaaaaaaaaaaaaaaaaa-1", f"{reference}-1/_history/1"):
        assert w.get(NETWORK, f"/fhir/AuditEvent/{name}").status_code == 404, name


def test_only_the_network_s_officers_and_its_own_system_ask(hub_world: World) -> None:
    w = hub_world
    busy(w)
    name = found(w)[0]["id"]
    for user in ("officer", "doctor", "clerk"):
        w.sign_in(user)
        allowed = user == "officer"
        for path in ("AuditEvent", f"AuditEvent/{name}", "AuditEvent?patient=Patient/p1"):
            assert w.get(user, f"/fhir/{path}").status_code == (200 if allowed else 403), (user, path)
    for organization in (HOSPITAL, OFFICE):
        assert w.get(organization, f"/fhir/AuditEvent/{name}").status_code == 403
    assert w.get("", "/fhir/AuditEvent").status_code == 401


def test_each_look_is_itself_recorded_with_its_filter_and_about_whom(hub_world: World) -> None:
    w = hub_world
    busy(w)
    w.get(NETWORK, "/fhir/AuditEvent?subtype=create&date=ge2026-11-01", headers=named("the-look"))
    w.get(NETWORK, f"/fhir/AuditEvent?patient={stream(w)}", headers=named("about-her"))
    (look,) = of_request(w, "the-look")
    assert look["type"]["code"] == "110101"
    assert raws([look]) == ["GET /fhir/AuditEvent?subtype=create&date=ge2026-11-01"]
    (about,) = of_request(w, "about-her")
    assert about["entity"][0]["type"]["code"] == "1"
    assert not raws([about])


def test_the_statement_lists_every_parameter_and_says_which_is_the_hubs_own(hub_world: World) -> None:
    (row,) = [r for r in hub_world.get("", "/fhir/metadata").json()["rest"][0]["resource"] if r["type"] == "AuditEvent"]
    assert {p["name"] for p in row["searchParam"]} == {
        "_id", "action", "agent", "agent-role", "date", "entity", "outcome", "patient", "policy", "purpose", "subtype", "type",
    }  # fmt: skip
    (own,) = [p for p in row["searchParam"] if p["name"] == "purpose"]
    assert own["definition"].startswith("https://tsunagu.example.jp/")
    assert own["documentation"]
