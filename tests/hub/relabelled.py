"""Editions of the tables of labels, drugs that they tell of, and the follower that goes through them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from consent import labels as table
from consent.ask import Requester
from consent.tables import rows as table_rows
from hub.commands import Asking
from hub.followers.relabel import Relabelling
from hub.tables import resources
from hub.writes.tombstone import Network
from schemas.events import LABELS_REVISED
from tests.hub.world import HOSPITAL, OTHER_HOSPITAL, World, a_consent, a_patient

YJ = "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code"
HOT = "http://medis.or.jp/CodeSystem/master-HOT9"
CONFIDENTIAL = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
FIRST, SECOND, THIRD = "2026-01-05", "2026-11-25", "2027-04-01"
HEART, ALCOHOL, ANY = f"{YJ}|2149019F1024", f"{YJ}|3930001F1020", f"{HOT}|103299401"


@contextmanager
def edition(monkeypatch: pytest.MonkeyPatch, name: str, *rows: dict[str, str]) -> Iterator[None]:
    """Let the table end with an edition; `rows` are added to it."""
    with monkeypatch.context() as patched:
        names = tuple(sorted({e for e in (FIRST, SECOND) if e <= name} | {name}))
        patched.setattr(table, "editions", lambda: names)
        for module in ("hub.gate.labelling",):
            patched.setattr(f"{module}.editions", lambda: names)
        patched.setattr("hub.gate.labelling.newest_edition", lambda: name)
        patched.setattr("hub.followers.relabel.newest_edition", lambda: name)
        if rows:
            held = [*table_rows("labels"), *rows]
            patched.setattr(table, "rows", lambda of: held if of == "labels" else table_rows(of))
        for cached in (table._table, table._of_type, table._of_code, table._labelled):
            cached.cache_clear()
        yield
    for cached in (table._table, table._of_type, table._of_code, table._labelled):
        cached.cache_clear()


def a_row(code: str, level: str, kinds: str = "", since: str = THIRD) -> dict[str, str]:
    return {
        "types": "MedicationRequest", "custodian_kinds": "", "system": "yj", "codes": code, "confidentiality": level, "sensitivities": kinds,
        "since": since, "until": "", "reason": "", "source": "",
    }  # fmt: skip


def a_drug(number: str, code: str, **more: Any) -> dict[str, Any]:
    system, _, value = code.partition("|")
    return {
        "resourceType": "MedicationRequest", "id": number, "status": "active", "intent": "order", "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {"coding": [{"system": system, "code": value}]}, "authoredOn": "2026-11-20", **more,
    }  # fmt: skip


def lived(w: World, *drugs: dict[str, Any]) -> None:
    assert w.put(HOSPITAL, a_patient()).status_code == 201
    assert w.put(HOSPITAL, a_consent()).status_code == 201
    for drug in drugs:
        answer = w.put(HOSPITAL, drug)
        assert answer.status_code == 201, answer.text


def following(w: World, name: str = "") -> Relabelling:
    hub = w.hub
    return Relabelling(
        store=hub.store, keys=hub.keys, writer=hub.writer, region=hub.region, network=Network(hub.region.network, hub.keys, hub.secrets),
        now=hub.now, edition=name,
    )  # fmt: skip


def drug(w: World, number: str) -> resources.Row:
    with w.hub.store.read() as tx:
        return next(r for r in resources.own(tx, HOSPITAL, "MedicationRequest") if w.hub.gate.record(r) and sent(w, r) == number)


def sent(w: World, row: resources.Row) -> str:
    from hub.tables.derive import open_facts

    key = w.hub.keys.held(row.key)
    assert key is not None
    return open_facts(key, row.facts, row.event).sent


def seen(w: World, number: str) -> str:
    """Ask for a drug as another hospital's doctor; give the reason."""
    asking = Asking(Requester(OTHER_HOSPITAL, "hospital", "doctor", "d2"), "TREAT", "r", "read")
    (decision,) = w.hub.gate.release(asking, [drug(w, number)]).decisions
    return decision.reason


def events_of(w: World) -> int:
    with w.hub.store.read() as tx:
        return len(w.hub.store.events_of(tx, LABELS_REVISED, 0, w.hub.store.head(tx)))


def all_steps(one: Relabelling) -> None:
    while one.step():
        pass
