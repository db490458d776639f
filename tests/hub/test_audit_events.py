"""The record of disclosures as AuditEvents: what is done is told by its pattern, with the query where nobody is named by it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import orjson
import pytest

from tests.hub.audited import found, named, of_request, patterns, raws, stream
from tests.hub.test_gate import admitted
from tests.hub.views.balp import claimed
from tests.hub.world import (
    FHIR,
    HOSPITAL,
    INSURED,
    NETWORK,
    OFFICE,
    World,
    a_consent,
    a_patient,
    an_encounter,
    world,
)

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
