"""A Consent that cannot be read exactly is refused by the door with its rule and place, and changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub.names import hub_id
from hub.tables import resources
from schemas.adapter import BASE
from tests.hub.world import HOSPITAL, OTHER_HOSPITAL, World, a_consent, a_patient, an_encounter, world

IRCP = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]}


def wrong(**changes: Any) -> dict[str, Any]:
    tree = a_consent()
    for name, value in changes.items():
        tree[name] = {**tree[name], **value} if name == "provision" else value
    return tree


BAD = {
    "unknown modifier": (wrong(modifierExtension=[{"url": "https://x", "valueBoolean": True}]), "HUB-3016", "Consent.modifierExtension"),
    "contradicts itself": (
        wrong(policyRule={"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTOUT"}]}), "HUB-3017", "Consent.policyRule",
    ),
    "signed in the future": (wrong(dateTime="2026-11-25"), "HUB-3022", "Consent.dateTime"),
    "unknown actor": (
        wrong(provision={"actor": [{"role": IRCP, "reference": {"display": "となりの病院"}}]}), "HUB-3013", "Consent.provision.actor[0].reference",
    ),
    "10,000 provisions": (wrong(provision={"provision": [{"type": "deny"}] * 10_000}), "HUB-3003", "Consent.provision"),
    "ends before it begins": (wrong(provision={"period": {"start": "2026-02-01", "end": "2026-01-31"}}), "HUB-3002", "Consent.provision.period"),
    "a reservation with conditions": (
        {**wrong(policy=[{"uri": f"{BASE}/policy/reservation"}]), "provision": {"type": "deny", "provision": [{"type": "permit"}]}},
        "HUB-3029", "Consent.provision",
    ),
    "a confirmation by nobody": (
        {**wrong(policy=[{"uri": f"{BASE}/policy/receiver-confirmation"}]), "provision": {"type": "permit"}}, "HUB-3031", "Consent.extension",
    ),
}  # fmt: skip


def seen(w: World) -> int:
    with w.hub.store.read() as tx:
        stay = hub_id(resources.own(tx, HOSPITAL, "Encounter")[0].stream)
    return w.get(OTHER_HOSPITAL, f"/fhir/Encounter/{stay}").status_code


@pytest.mark.parametrize("name", BAD)
def test_it_is_refused_with_rule_and_place_and_what_was_in_force_stays(tmp_path: Path, name: str) -> None:
    tree, rule, where = BAD[name]
    with world(tmp_path / "data") as w:
        w.put(HOSPITAL, a_patient())
        w.put(HOSPITAL, an_encounter())
        assert w.put(HOSPITAL, a_consent()).status_code == 201
        answer = w.put(HOSPITAL, tree)
        assert answer.status_code == {"HUB-3003": 413, "HUB-3031": 400}.get(rule, 422), answer.text
        (issue,) = answer.json()["issue"]
        assert rule in str(issue)
        assert where in str(issue["expression"])
        assert seen(w) == 200
        assert w.put(HOSPITAL, {**tree, "status": "inactive"}).status_code == 200, (
            "a withdrawal is always taken, whatever else is wrong in it"
        )
        assert seen(w) == 404


@pytest.mark.parametrize(
    ("signed", "status"), [("2026-11-24T10:05:00+09:00", 201), ("2026-11-24T01:05:00+00:00", 201), ("2026-11-24T10:05:01+09:00", 422)]
)
def test_a_clock_may_go_five_minutes_fast_in_any_zone(tmp_path: Path, signed: str, status: int) -> None:
    with world(tmp_path / "data") as w:
        w.put(HOSPITAL, a_patient())
        assert w.put(HOSPITAL, wrong(dateTime=signed)).status_code == status
