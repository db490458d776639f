"""What stays in memory to make a second reading fast is no way around a permit, a key or a later version."""

from __future__ import annotations

import sqlite3

import orjson
import pytest

from hub.assemble import DATABASE
from hub.commands import Asking
from hub.names import stream_of
from hub.tables import resources
from hub.vault import Content, Permit, Vault, Worded
from schemas.errors import Broken
from tests.hub.test_gate import admitted
from tests.hub.world import FHIR, HOSPITAL, OFFICE, World, a_consent, a_patient, an_encounter


def erase(w: World, reference: str) -> None:
    """Erase the key under which a resource lies."""
    with w.hub.store.read() as tx:
        row = resources.newest(tx, stream_of(reference.partition("/")[2]) or b"")
    assert row is not None
    key = w.hub.keys.by_id(row.key)
    assert key is not None
    assert w.hub.keys.destroy([key.owner]).key_ids == (row.key,)


def test_what_was_read_a_moment_ago_is_not_given_when_its_key_was_erased(hub_world: World) -> None:
    reference = admitted(hub_world)
    assert [hub_world.get(OFFICE, f"/fhir/{reference}").status_code for _ in range(2)] == [200, 200]
    erase(hub_world, reference)
    assert hub_world.get(OFFICE, f"/fhir/{reference}").status_code in {404, 410}
    assert hub_world.get(HOSPITAL, "/fhir/Encounter/e1").status_code in {404, 410}


def test_a_kept_text_asks_for_a_permit_like_any_other(hub_world: World) -> None:
    reference = admitted(hub_world)
    assert hub_world.get(OFFICE, f"/fhir/{reference}").status_code == 200
    vault = hub_world.hub.view._presenting._vault
    with hub_world.hub.store.read() as tx:
        row = resources.newest(tx, stream_of(reference.partition("/")[2]) or b"")
        assert row is not None
        forged = Permit(row.stream, row.version, frozenset(), inside=False, proof=object())

        def word(_: Content) -> Worded | None:
            raise AssertionError("nothing is opened")

        with pytest.raises(Broken, match="HUB-5030"):
            vault.worded(tx, forged, row, (False, frozenset()), word)


def test_the_custodian_and_the_others_are_each_told_their_own_words(hub_world: World) -> None:
    reference = admitted(hub_world)
    for _ in range(2):
        own = hub_world.get(HOSPITAL, "/fhir/Encounter/e1").json()
        told = hub_world.get(OFFICE, f"/fhir/{reference}").json()
        assert (own["id"], own["subject"]["reference"]) == ("e1", "Patient/p1")
        assert f"Encounter/{told['id']}" == reference
        assert told["subject"]["reference"].startswith("Patient/tsu-")


def test_a_correction_is_read_at_once(hub_world: World) -> None:
    reference = admitted(hub_world)
    assert hub_world.get(OFFICE, f"/fhir/{reference}").json()["status"] == "in-progress"
    hub_world.put(
        HOSPITAL, an_encounter(status="finished", period={"start": "2026-11-24T09:30:00+09:00", "end": "2026-11-24T10:00:00+09:00"})
    )
    assert hub_world.get(OFFICE, f"/fhir/{reference}").json()["status"] == "finished"


def test_a_withdrawn_consent_closes_what_was_read_before(hub_world: World) -> None:
    reference = admitted(hub_world)
    assert hub_world.get(OFFICE, f"/fhir/{reference}").status_code == 200
    hub_world.put(HOSPITAL, a_consent(status="inactive"))
    assert hub_world.get(OFFICE, f"/fhir/{reference}").status_code == 404


def test_what_a_vault_keeps_has_an_end(hub_world: World) -> None:
    admitted(hub_world)
    hub_world.put(HOSPITAL, an_encounter("e2"))
    hub = hub_world.hub
    vault = Vault(hub.store, hub.keys, hub.gate._proof, keep=150)

    def word(content: Content) -> Worded:
        return Worded("x", content.text[:100], content.facts)

    with hub.store.read() as tx:
        rows = resources.own(tx, HOSPITAL, "Encounter")
    identified = hub.credentials.identify(hub_world.tokens[HOSPITAL])
    assert identified is not None
    released = hub.gate.release(Asking(identified.requester, identified.purpose, "r", "read"), rows * 2)
    with hub.store.read() as tx:
        for given in released.given:
            assert vault.worded(tx, given.permit, given.row, "own", word) is not None
        for reckoned in hub.gate.inside(rows):  # what is opened for the hub's own reckoning is not worded for anybody
            with pytest.raises(Broken):
                vault.worded(tx, reckoned.permit, reckoned.row, "own", word)
    assert (vault._size, [name[0] for name in vault._kept]) == (100, [rows[1].position])


@pytest.mark.parametrize(
    "written", ["urn:uuid:0b9a", r"urn:uuid\u003a0b9a", r"https:\/\/a.example\/Patient\/x", "https://a.example/Patient/x"]
)
def test_an_entrys_address_is_understood_however_json_writes_it(hub_world: World, written: str) -> None:
    address = orjson.loads(f'"{written}"')
    stay = {**an_encounter(), "subject": {"reference": "HERE"}}
    sent = {
        "resourceType": "Bundle", "type": "transaction",
        "entry": [
            {"fullUrl": address, "resource": a_patient(), "request": {"method": "PUT", "url": "Patient/p1"}},
            {"fullUrl": "https://b.example/1", "resource": stay, "request": {"method": "PUT", "url": "Encounter/e1"}},
        ],
    }  # fmt: skip
    raw = orjson.dumps(sent).replace(b'"HERE"', f'"{written}"'.encode())
    assert hub_world.ask("POST", "/fhir", by=HOSPITAL, content=raw, headers=FHIR).status_code == 200
    assert hub_world.get(HOSPITAL, "/fhir/Encounter/e1").json()["subject"]["reference"] == "Patient/p1"


@pytest.mark.sqlite
def test_an_identifier_is_found_by_value_with_its_system_and_without_and_no_longer_once_it_is_gone(hub_world: World) -> None:
    def found(query: str) -> int:
        return len(hub_world.get(HOSPITAL, f"/fhir/Encounter?identifier={query}").json().get("entry", ()))

    hub_world.put(HOSPITAL, a_patient())
    stay = an_encounter()
    hub_world.put(HOSPITAL, {**stay, "identifier": [{"system": "http://a.example", "value": "77"}, {"value": "88"}]})
    assert [found(q) for q in ("http://a.example|77", "77", "http://b.example|77", "|77", "|88", "88", "7")] == [1, 1, 0, 0, 1, 1, 0]
    hub_world.put(HOSPITAL, {**stay, "identifier": [{"system": "http://b.example", "value": "77"}]})
    assert [found(q) for q in ("http://a.example|77", "77", "http://b.example|77", "88")] == [0, 1, 1, 0]
    with sqlite3.connect(hub_world.hub.store.path.with_name(DATABASE)) as db:
        (positions,) = zip(*db.execute("SELECT DISTINCT position FROM tokens"), strict=True)
        newest = {p for (p,) in db.execute("SELECT position FROM resources WHERE newest=1")}
    db.close()
    assert set(positions) <= newest
