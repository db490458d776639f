"""The record of disclosures as AuditEvents of the whole hub: what is done is found by each parameter, by its pattern, and nobody else finds it."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from hub.names import hub_id
from hub.tables import resources
from schemas.fhir.resource import read
from tests.hub.test_gate import admitted
from tests.hub.views.balp import claimed
from tests.hub.world import (
    FHIR,
    HOSPITAL,
    INSURED,
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


def found(w: World, query: str = "", by: str = NETWORK, count: int = 50) -> list[dict[str, Any]]:
    """All AuditEvents of a search, page after page; each of them right, and what it claims."""
    events, path = [], f"/fhir/AuditEvent?_count={count}{query}"
    while path:
        answer = w.get(by, path)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        events += [e["resource"] for e in page.get("entry", [])]
        path = next((link["url"].removeprefix(w.hub.base) for link in page["link"] if link["relation"] == "next"), "")
    for one in events:
        assert read(orjson.dumps(one)).type == "AuditEvent"
        claimed(one)
    return events


def of_request(w: World, request: str) -> list[dict[str, Any]]:
    return sorted((e for e in found(w) if request in orjson.dumps(e).decode()), key=lambda e: [int(n) for n in e["id"].rpartition("-")[2:]])


def patterns(events: list[dict[str, Any]]) -> list[str]:
    return [e["subtype"][0]["code"] for e in events]


def named(name: str) -> dict[str, str]:
    return {"X-Request-Id": name}


def stream(w: World, kind: str = "Patient", owner: str = HOSPITAL) -> str:
    with w.hub.store.read() as tx:
        return hub_id(resources.own(tx, owner, kind)[0].stream)


# ── by pattern ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_transaction_is_an_event_an_entry_with_one_request(hub_world: World) -> None:
    entries = [
        {"resource": a_patient(), "request": {"method": "PUT", "url": "Patient/p1"}},
        {"resource": an_encounter(), "request": {"method": "PUT", "url": "Encounter/e1"}},
    ]
    tree = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    sent = hub_world.ask("POST", "/fhir", by=HOSPITAL, content=orjson.dumps(tree), headers={**FHIR, **named("whole")})
    assert sent.status_code == 200
    made = of_request(hub_world, "whole")
    assert patterns(made) == ["create", "create", "AuthZ-Role"]
    assert [claimed(e) for e in made[:2]] == ["IHE.BasicAudit.PatientCreate"] * 2
    whats = [e["what"]["reference"] for m in made[:2] for e in m["entity"] if e["type"]["code"] == "2"]
    assert whats == [f"http://hub.test/fhir/{kind}/{stream(hub_world, kind)}/_history/1" for kind in ("Patient", "Encounter")]


def test_a_write_says_what_it_did_and_which_version_it_made(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    change = {**a_patient(), "gender": "male"}
    hub_world.ask("PUT", "/fhir/Patient/p1", by=HOSPITAL, content=orjson.dumps(change), headers={**FHIR, **named("again")})
    hub_world.put(HOSPITAL, an_encounter())
    hub_world.ask("DELETE", "/fhir/Encounter/e1", by=HOSPITAL, headers=named("gone"))
    again, gone = of_request(hub_world, "again"), of_request(hub_world, "gone")
    assert (patterns(again)[0], claimed(again[0])) == ("update", "IHE.BasicAudit.PatientUpdate")
    assert (patterns(gone)[0], claimed(gone[0])) == ("delete", "IHE.BasicAudit.PatientDelete")
    assert "/_history/2" in str(again[0])
    assert "/_history/2" in str(gone[0])


def test_reads_searches_views_and_deliveries_have_the_pattern_of_their_interaction(hub_world: World) -> None:
    w = hub_world
    reference = admitted(w)
    w.settle()
    w.get(OFFICE, f"/fhir/{reference}", headers=named("one"))
    w.get(OFFICE, f"/fhir/{reference}/_history/1", headers=named("version"))
    w.get(OFFICE, f"/fhir/Encounter?patient={stream(w)}", headers=named("several"))
    w.get(OFFICE, "/fhir/Encounter?patient=u1", headers=named("nothing"))
    w.get(OFFICE, "/fhir/Patient/u1/$summary", headers=named("summary"))
    w.get(OFFICE, "/events?after=0", headers={"Accept": "application/x-ndjson", **named("heard")})
    assert patterns(of_request(w, "one")) == ["read", "AuthZ-Consent"]
    assert patterns(of_request(w, "version")) == ["vread", "AuthZ-Consent"]
    assert patterns(of_request(w, "several")) == ["search-type", "AuthZ-Consent"]
    (nothing,) = of_request(w, "nothing")
    assert (patterns([nothing]), nothing["outcome"]) == (["search-type"], "0")
    assert nothing["entity"][0]["type"]["code"] == "1"  # whom it was about stands there all the same
    assert patterns(of_request(w, "summary")) == ["operation", "AuthZ-Consent"]
    heard = of_request(w, "heard")
    assert patterns(heard) == ["disclose", "AuthZ-Consent"]
    assert claimed(heard[0]) == "IHE.BasicAudit.PrivacyDisclosure.Source"
    assert "'type': 'channel', 'valueString': 'lines'" in str(heard[0])


def test_a_user_s_read_fulfils_the_profile_of_the_consent_decision(hub_world: World) -> None:
    reference = admitted(hub_world)
    hub_world.sign_in("manager")
    assert hub_world.get("manager", f"/fhir/{reference}", headers=named("by-hand")).status_code == 200
    made = found(hub_world, "&agent=Practitioner/manager&subtype=AuthZ-Consent")
    assert claimed(made[0]) == "IHE.BasicAudit.AuthZconsent"
    assert f"Consent/{stream(hub_world, 'Consent')}/_history/1" in str(made[0])


def test_what_is_withheld_is_one_refused_decision(hub_world: World) -> None:
    reference = admitted(hub_world)
    hub_world.put(HOSPITAL, a_consent(status="inactive"))
    assert hub_world.get(OFFICE, f"/fhir/{reference}", headers=named("withheld-one")).status_code == 404
    (made,) = of_request(hub_world, "withheld-one")
    assert (made["outcome"], made["type"]["code"]) == ("4", "110113")
    assert made["outcomeDesc"].startswith("D-")


def test_a_search_that_found_nobody_is_recorded_with_the_names_of_its_parameters_alone(hub_world: World) -> None:
    hub_world.get(OFFICE, "/fhir/Patient?identifier=urn:example:x%7C0123456789", headers=named("nobody"))
    (made,) = of_request(hub_world, "nobody")
    (query,) = [e for e in made["entity"] if e.get("role", {}).get("code") == "24"]
    assert query["description"] == "GET /fhir/Patient ? identifier"
    assert "query" not in query


# ── the query ────────────────────────────────────────────────────────────────────────────────────────────────────────


def raws(events: list[dict[str, Any]]) -> list[str]:
    return [base64.b64decode(e["query"]).decode() for m in events for e in m.get("entity", ()) if "query" in e]


def test_a_query_that_names_nobody_is_told_as_it_was_sent(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    hub_world.get(HOSPITAL, "/fhir/Patient?_lastUpdated=ge2026&_count=5", headers=named("open"))
    made = of_request(hub_world, "open")
    assert raws(made) == ["GET /fhir/Patient?_lastUpdated=ge2026&_count=5"]
    assert claimed(made[0]) == "IHE.BasicAudit.PatientQuery"


def test_a_query_that_names_somebody_is_told_to_the_officer_in_person_alone_and_goes_with_the_person(hub_world: World) -> None:
    w = hub_world
    admitted(w)
    w.get(OFFICE, f"/fhir/Patient?identifier={INSURED}", headers=named("by-number"))
    events = [e for e in of_request(w, "by-number") if patterns([e]) == ["search-type"]]
    assert events
    assert not raws(events)
    assert INSURED.partition(":")[2] not in orjson.dumps(found(w)).decode()
    w.sign_in("officer")
    one = [w.get("officer", f"/fhir/AuditEvent/{e['id']}").json() for e in events]
    assert set(raws(one)) == {f"GET /fhir/Patient?identifier={quote(INSURED)}"}
    assert not raws([w.get(NETWORK, f"/fhir/AuditEvent/{e['id']}").json() for e in events])
    sent = w.ask(
        "POST",
        "/erasures",
        by=NETWORK,
        content=orjson.dumps({"do": "restrict", "person": f"Patient/{stream(w)}", "basis": "JP-35-5", "reason": "ご本人の求め"}),
    )
    assert sent.status_code < 300, sent.text
    w.ask(
        "POST",
        "/erasures",
        by=NETWORK,
        content=orjson.dumps({"do": "now", "person": f"Patient/{stream(w)}", "basis": "JP-35-5", "reason": "ご本人の強い求めによる"}),
    )
    left = [w.get("officer", f"/fhir/AuditEvent/{e['id']}").json() for e in events]
    assert not raws(left)
    assert {e["description"] for m in left for e in m["entity"] if e.get("role", {}).get("code") == "24"} == {
        "GET /fhir/Patient ? identifier"
    }


@pytest.mark.sqlite
def test_no_query_lies_in_clear_in_any_file(tmp_path: Path) -> None:
    with world(tmp_path / "data") as w:
        admitted(w)
        w.get(OFFICE, f"/fhir/Patient?identifier={INSURED}")
        w.get(OFFICE, "/fhir/Patient?identifier=urn:example:x%7CQZJXVKWPL&_lastUpdated=ge2019-03-07")
        w.ask(
            "POST",
            "/fhir/Patient/_search",
            by=OFFICE,
            content=b"identifier=QZJXVKWPM",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
    for file in (tmp_path / "data").rglob("*"):
        raw = file.read_bytes() if file.is_file() else b""
        for secret in (INSURED.encode(), INSURED.partition(":")[2].encode(), b"QZJXVKWP", b"ge2019-03-07"):
            assert secret not in raw, file.name


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
