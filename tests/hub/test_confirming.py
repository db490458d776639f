"""The implied path in a running hub: a posting of the custodian, the receiver's confirmation of the day, and the person's reservation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from consent.networks import read_networks
from hub.names import hub_id
from hub.region import Region
from hub.tables import decisions, directives, identities, resources
from hub.tables.decisions import Filter
from schemas.adapter import BASE
from schemas.ids import INSTITUTION
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    NOW,
    OTHER_HOSPITAL,
    STATION,
    World,
    a_consent,
    a_patient,
    an_encounter,
    parse_region,
    register,
    world,
)

RULES = {
    "edition": "implied-1", "since": "2026-09-01", "source": "試験",
    "implied": {"on": True, "posted": [
        {"organization": HOSPITAL, "code": "掲示 2026-9", "purposes": ["TREAT"], "since": "2026-09-01", "document": "5d" * 32},
    ]},
}  # fmt: skip


def region() -> Region:
    """The usual register, with a doctor at the other hospital and a nurse of a station, and the implied path on."""
    held = register()
    users = [
        ("her-doctor", OTHER_HOSPITAL, "外来 次郎", "doctor", "TREAT"), ("rehab", OTHER_HOSPITAL, "訓練 三郎", "rehabilitation", "TREAT"),
        ("visiting", STATION, "訪問 四子", "nurse", "TREAT"), ("officer", NETWORK, "責任 守", "privacy-officer", "HCOMPL"),
    ]  # fmt: skip
    tree = {
        "name": held.name, "edition": held.edition, "network": held.network,
        "organizations": [{"code": o.code, "name": o.name, "kind": o.kind, "purpose": held.purposes[o.code]} for o in held.offices.values()],
        "users": [{"id": i, "organization": o, "name": n, "role": r, "purpose": p} for i, o, n, r, p in users],
    }  # fmt: skip
    from dataclasses import replace

    return replace(parse_region(tree), rules=read_networks({"2026-09-01.json": json.dumps(RULES)}))


class Visit:
    def __init__(self, w: World, clock: list[datetime]) -> None:
        self.w, self.clock = w, clock
        with w.hub.store.read() as tx:
            self.stay = f"/fhir/Encounter/{hub_id(resources.own(tx, HOSPITAL, 'Encounter')[0].stream)}"

    def confirm(self, user: str = "her-doctor", patient: str = "Patient/p2", **more: Any) -> Any:
        return self.w.ask("POST", "/confirmations", by=user, json={"patient": patient, "csrf": self.w.secret(user), **more})

    def seen(self, by: str = OTHER_HOSPITAL) -> int:
        return self.w.get(by, self.stay).status_code

    def reason(self) -> str:
        with self.w.hub.store.read() as tx:
            return decisions.search(tx, Filter(organization=OTHER_HOSPITAL), limit=1)[0].reason


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    clock = [NOW]
    with world(tmp_path / "data", region=region(), now=lambda: clock[0]) as w:
        for by, tree in (
            (HOSPITAL, a_patient()),
            (HOSPITAL, an_encounter()),
            (OTHER_HOSPITAL, a_patient("p2")),
            (STATION, a_patient("p3")),
        ):
            assert w.put(by, tree).status_code == 201
        for user in ("her-doctor", "rehab", "visiting", "officer"):
            w.sign_in(user)
        yield Visit(w, clock)


def test_a_confirmation_opens_the_implied_path_for_the_day_and_the_organization(visit: Visit) -> None:
    assert (visit.seen(), visit.reason()) == (404, "D-NO-RECEIVER-CONFIRM")
    answer = visit.confirm()
    assert answer.status_code == 201, answer.text
    assert answer.json()["until"] == "2026-11-25T00:00:00+09:00"
    assert (visit.seen(), visit.reason()) == (200, "P-IMPLIED")
    visit.clock[0] = datetime.fromisoformat("2026-11-24T23:59:59.999+09:00")
    assert visit.seen() == 200
    visit.clock[0] = datetime.fromisoformat("2026-11-25T00:00:00+09:00")
    assert (visit.seen(), visit.reason()) == (404, "D-NO-RECEIVER-CONFIRM")


def test_it_says_who_confirmed_and_moves_the_persons_epoch(visit: Visit) -> None:
    with visit.w.hub.store.read() as tx:
        patient = resources.own(tx, HOSPITAL, "Patient")[0].stream
        before = directives.epochs_of(tx, identities.groups(tx, [patient]))
    consent = visit.confirm().json()["consent"]
    with visit.w.hub.store.read() as tx:
        assert directives.epochs_of(tx, identities.groups(tx, [patient])) != before
    told = visit.w.get(OTHER_HOSPITAL, f"/fhir/{consent}").json()
    by = next(e for e in told["extension"] if e["url"] == f"{BASE}/StructureDefinition/consent-confirmed-by")
    assert by["valueReference"]["identifier"]["value"] == "her-doctor"


@pytest.mark.parametrize("user", ["rehab", "visiting", "officer"])
def test_other_roles_and_kinds_do_not_confirm(visit: Visit, user: str) -> None:
    answer = visit.confirm(user, "Patient/p3" if user == "visiting" else "Patient/p2")
    assert (answer.status_code, "HUB-3053" in answer.text) == (403, True)


def test_only_about_an_own_patient_by_a_form_of_the_session(visit: Visit) -> None:
    with visit.w.hub.store.read() as tx:
        other = hub_id(resources.own(tx, HOSPITAL, "Patient")[0].stream)
    assert visit.confirm(patient=f"Patient/{other}").status_code == 404
    for wrong in ("p2", "", 3, None):
        answer = visit.confirm(patient=wrong)
        assert (answer.status_code, "HUB-3054" in answer.text) == (400, True)
    assert visit.confirm(csrf="x").status_code == 403
    assert visit.w.ask("POST", "/confirmations", by="her-doctor", content=b"[").status_code == 400
    assert visit.w.ask("POST", "/confirmations", by="her-doctor", content=b"[]").status_code == 400


def test_an_application_does_not_confirm(visit: Visit) -> None:
    assert visit.w.ask("POST", "/confirmations", by=OTHER_HOSPITAL, json={"patient": "Patient/p2"}).status_code in {401, 403}


def a_reservation(status: str = "active", **provision: Any) -> dict[str, Any]:
    tree = a_consent("k9", status=status)
    tree["policy"] = [{"uri": f"{BASE}/policy/reservation"}]
    tree["provision"] = {"type": "deny", **provision}
    return tree


def against(code: str) -> dict[str, Any]:
    role = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]}
    return {"actor": [{"role": role, "reference": {"identifier": {"system": INSTITUTION, "value": code}}}]}


def test_a_reservation_acts_from_the_moment_of_recording_and_ends_when_it_is_taken_back(visit: Visit) -> None:
    visit.confirm()
    assert visit.seen() == 200
    assert visit.w.put(HOSPITAL, a_reservation(**against(OTHER_HOSPITAL))).status_code == 201
    assert (visit.seen(), visit.reason()) == (404, "D-RESERVED")
    assert visit.w.put(HOSPITAL, a_reservation("inactive", **against(OTHER_HOSPITAL))).status_code == 200
    assert visit.seen() == 200


def test_a_reservation_denies_nothing_that_a_consent_permits(visit: Visit) -> None:
    visit.w.put(HOSPITAL, a_reservation())
    assert visit.w.put(HOSPITAL, a_consent()).status_code == 201
    assert (visit.seen(), visit.reason()) == (200, "P-EXPLICIT")


def test_what_was_decided_is_decided_again_alike(visit: Visit) -> None:
    visit.seen()
    visit.confirm()
    visit.seen()
    visit.w.put(HOSPITAL, a_reservation())
    visit.clock[0] += timedelta(days=2)
    with visit.w.hub.store.read() as tx:
        found = decisions.search(tx, Filter(organization=OTHER_HOSPITAL), limit=10)
    told = [visit.w.get("officer", f"/audit/decision.json?reference={row.reference}").json() for row in found if row.action == "read"]
    assert [(one["same"], one["recomputed"]["reason"]) for one in told] == [(True, "P-IMPLIED"), (True, "D-NO-RECEIVER-CONFIRM")]
