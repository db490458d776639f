"""A hub decides by the rules of the moment, records which, and decides again by those."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from hub.assemble import DATABASE
from hub.log.event import open_event
from hub.log.unlocking import KeyPlace
from hub.names import hub_id
from hub.region import read_region
from hub.replay import replay
from hub.tables import decisions, resources
from hub.tables.decisions import Filter
from schemas.errors import Broken
from schemas.events import Decided
from tests.hub.world import HOSPITAL, NOW, OTHER_HOSPITAL, a_consent, a_patient, an_encounter, database_of, register, world

TOMORROW = NOW + timedelta(days=1)


def rules(folder: Path) -> Path:
    """A region's folder of rules: from tomorrow on a hospital may not ask for treatment."""
    folder.mkdir(exist_ok=True)
    day = (TOMORROW + timedelta(hours=9)).date().isoformat()
    text = {"edition": "test-1", "since": day, "source": "試験", "purposes_by_kind": {"hospital": ["HPAYMT"]}}
    (folder / f"{day}.json").write_text(json.dumps(text), encoding="utf-8")
    return folder


def a_register(tmp_path: Path) -> Path:
    held = register()
    file = tmp_path / "region.json"
    organizations = [{"code": o.code, "name": o.name, "kind": o.kind, "purpose": held.purposes[o.code]} for o in held.offices.values()]
    users = [
        {"id": u.id, "organization": u.organization, "name": u.name, "role": u.role, "purpose": u.purpose} for u in held.users.values()
    ]
    file.write_text(
        json.dumps({"name": held.name, "edition": held.edition, "network": held.network, "organizations": organizations, "users": users})
    )
    return file


def test_a_decision_is_taken_by_the_edition_of_its_moment_and_names_it(tmp_path: Path) -> None:
    region = read_region(a_register(tmp_path), rules(tmp_path / "rules"))
    clock = [NOW]
    with world(tmp_path / "data", region=region, now=lambda: clock[0]) as w:
        assert w.put(HOSPITAL, a_patient()).status_code == 201
        assert w.put(HOSPITAL, a_consent()).status_code == 201
        assert w.put(HOSPITAL, an_encounter()).status_code == 201
        with w.hub.store.read() as tx:
            (row,) = resources.own(tx, HOSPITAL, "Encounter")
        stay = f"/fhir/Encounter/{hub_id(row.stream)}"
        assert w.get(OTHER_HOSPITAL, stay).status_code == 200
        before = w.hub.gate.network.version
        clock[0] = TOMORROW
        assert w.get(OTHER_HOSPITAL, stay).status_code == 404
        assert w.hub.gate.network.version == f"{before}+test-1"
        w.sign_in("officer")
        with w.hub.store.read() as tx:
            newer, older = decisions.search(tx, Filter(organization=OTHER_HOSPITAL), limit=2)
        for row, name in ((older, before), (newer, f"{before}+test-1")):
            made = w.get("officer", f"/audit/decision.json?reference={row.reference}").json()
            assert (made["same"], made["network"]) == (True, {"then": name, "now": f"{before}+test-1", "there": True})
    with world(tmp_path / "data", now=lambda: TOMORROW) as w:  # without the region's folder
        w.sign_in("officer")
        made = w.get("officer", f"/audit/decision.json?reference={newer.reference}").json()
        assert (made["same"], made["why"], made["network"]["there"]) == (None, "rules-gone", False)


def test_views_that_are_made_anew_are_made_by_the_same_rules(tmp_path: Path) -> None:
    region = read_region(a_register(tmp_path), rules(tmp_path / "rules"))
    clock = [NOW]
    data = tmp_path / "data"
    with world(data, region=region, now=lambda: clock[0]) as w:
        w.put(HOSPITAL, a_patient())
        w.put(OTHER_HOSPITAL, a_patient("p2"))
        w.put(HOSPITAL, a_consent())
        w.put(HOSPITAL, an_encounter())
        w.settle()
        clock[0] = TOMORROW
        w.put(HOSPITAL, an_encounter("e2"))
        w.settle()
        with w.hub.store.read() as tx:
            fed = [row[0] for row in tx.all("SELECT position FROM feeds WHERE subscriber = ?", (OTHER_HOSPITAL,))]
    assert len(fed) == 1, "from tomorrow on a hospital may not ask for treatment"
    work = tmp_path / "work"
    work.mkdir()
    made = replay(database=database_of(data) or data / DATABASE, keys=KeyPlace.under(data), region=region, work=work)
    assert made.differing == {}


def test_a_wrong_folder_of_rules_stops_the_start(tmp_path: Path) -> None:
    folder = rules(tmp_path / "rules")
    (folder / "notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(Broken) as caught:
        read_region(a_register(tmp_path), folder)
    assert [(i.rule, i.where) for i in caught.value.issues] == [("HUB-3051", "notes.txt")]
    with pytest.raises(Broken) as caught:
        read_region(a_register(tmp_path), tmp_path / "not-there")
    assert caught.value.issues[0].rule == "HUB-3051"


def test_a_decision_names_the_edition_of_its_legal_basis(tmp_path: Path) -> None:
    with world(tmp_path / "data") as w:
        w.put(HOSPITAL, a_patient())
        w.put(HOSPITAL, a_consent())
        w.put(HOSPITAL, an_encounter())
        with w.hub.store.read() as tx:
            (row,) = resources.own(tx, HOSPITAL, "Encounter")
        assert w.get(OTHER_HOSPITAL, f"/fhir/Encounter/{hub_id(row.stream)}").status_code == 200
        with w.hub.store.read() as tx:
            (found,) = decisions.search(tx, Filter(organization=OTHER_HOSPITAL), limit=1)
            event = w.hub.store.event(tx, found.position)
        assert event is not None
        body = open_event(w.hub.keys, event)
        assert body is not None
        was = msgspec.json.decode(body, type=Decided)
        assert (was.basis, was.grounds, was.statute) == ("JP-CONSENT", ("JP-CONSENT 2023-04-01",), "")
