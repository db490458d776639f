"""The record of disclosures: found by person, requester, time and outcome; each look at it recorded; each line provable."""

from __future__ import annotations

import csv
import io

import orjson
import pytest

from hub.log.proof_file import judge
from hub.reads import audit_export
from tests.hub.test_gate import admitted
from tests.hub.world import HOSPITAL, NETWORK, OFFICE, OTHER_OFFICE, World, a_consent, a_patient


def events(w: World, query: str = "") -> list[dict]:
    """All AuditEvents of a search, page after page."""
    found, path = [], f"/fhir/AuditEvent?_count=5{query}"
    while path:
        page = w.get(NETWORK, path).json()
        found += [e["resource"] for e in page.get("entry", [])]
        path = next((link["url"].removeprefix(w.hub.base) for link in page["link"] if link["relation"] == "next"), "")
    return found


def lived(w: World) -> str:
    reference = admitted(w)
    w.put(OTHER_OFFICE, {**a_patient("z9", insured="", kana="サトウ　ジロウ", birth="1950-01-01")})
    for _ in range(4):
        w.get(OFFICE, f"/fhir/{reference}")
    w.put(HOSPITAL, a_consent(status="inactive"))
    for _ in range(3):
        w.get(OFFICE, f"/fhir/{reference}")
    return reference


def test_a_search_by_person_stays_with_that_person_over_all_pages(hub_world: World) -> None:
    lived(hub_world)
    about = events(hub_world, "&patient=" + _hub_id(hub_world))
    everything = events(hub_world)
    assert 7 < len(about) < len(everything)
    pseudonyms = {e["entity"][0]["what"]["identifier"]["value"] for e in about if "identifier" in e["entity"][0].get("what", {})}
    assert len(pseudonyms) == 1


def _hub_id(w: World) -> str:
    from hub.names import hub_id
    from hub.tables import resources

    with w.hub.store.read() as tx:
        return hub_id(resources.own(tx, HOSPITAL, "Patient")[0].stream)


def test_a_search_by_outcome_parts_what_was_given_from_what_was_not(hub_world: World) -> None:
    lived(hub_world)
    given, refused = events(hub_world, "&outcome=0"), events(hub_world, "&outcome=4")
    assert {e["outcome"] for e in given} == {"0"}
    assert {e["outcome"] for e in refused} == {"4"}
    assert len([e for e in refused if "CAREMGT" in str(e)]) == 3


def test_a_search_by_day_takes_days_of_japan(hub_world: World) -> None:
    lived(hub_world)
    assert events(hub_world, "&date=2026-11-24")
    assert not events(hub_world, "&date=lt2026-11-24")
    assert hub_world.get(NETWORK, "/fhir/AuditEvent?date=gestern").status_code == 400


def test_nobody_but_the_officer_reads_the_record(hub_world: World) -> None:
    lived(hub_world)
    assert hub_world.get(HOSPITAL, "/fhir/AuditEvent").status_code == 403
    for user in ("doctor", "manager"):
        hub_world.sign_in(user)
        assert hub_world.get(user, "/audit").status_code == 403


def test_a_look_at_the_record_is_itself_in_the_record(hub_world: World) -> None:
    lived(hub_world)
    before = len(events(hub_world))
    assert len(events(hub_world)) > before


def test_the_page_tells_reason_version_and_article_and_the_download_the_same(hub_world: World) -> None:
    lived(hub_world)
    hub_world.sign_in("officer")
    page = hub_world.get("officer", "/audit?outcome=permit").text
    for word in ("同意がある", "同意 第1版", "27条1項"):
        assert word in page
    text = hub_world.get("officer", "/audit/export.csv?outcome=deny").content
    assert text.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))
    assert len([r for r in rows if r["organization"] == OFFICE]) == 3
    assert {r["effect"] for r in rows} == {"deny"}


def test_each_line_is_proved_by_a_path_to_a_signed_head(hub_world: World) -> None:
    lived(hub_world)
    hub_world.hub.checkpoints.sign_now()
    hub_world.sign_in("officer")
    reference = events(hub_world)[-1]["id"].rpartition("-")[0]
    text = hub_world.get("officer", f"/audit/proof/{reference}").text
    proved = judge(text, keys=[hub_world.hub.checkpoints.verifier])
    assert proved is not None
    assert judge(text.replace(f"index {proved.index}\n", f"index {proved.index + 1}\n"), keys=[hub_world.hub.checkpoints.verifier]) is None


def test_all_of_a_search_is_given_as_lines_however_many_in_the_order_of_the_page(hub_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_export, "AT_ONCE", 3)
    hub_world.put(HOSPITAL, a_patient())
    for _ in range(7):
        hub_world.get(HOSPITAL, "/fhir/Patient/p1")
    lines = hub_world.get(NETWORK, "/audit/export.ndjson?action=read").text.splitlines()
    read = [orjson.loads(line) for line in lines]
    assert [row["given"] for row in read] == ["Patient:1"] * 7
    assert len({row["reference"] for row in read}) == 7
    assert [row["at"] for row in read] == sorted((row["at"] for row in read), reverse=True)
    assert hub_world.get(HOSPITAL, "/audit/export.ndjson").status_code == 403
