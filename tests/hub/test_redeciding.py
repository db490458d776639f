"""Every decision can be replayed: a question as of any past moment, and each recorded decision, which comes out the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from hub.names import hub_id
from hub.tables import decisions, resources
from tests.hub.test_erasure import restricted
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    NOW,
    OFFICE,
    OTHER_HOSPITAL,
    STATION,
    World,
    a_consent,
    a_patient,
    a_plan,
    an_encounter,
    world,
)

MINUTE = timedelta(minutes=1)
REASON = "救急搬送。呼びかけに反応が弱い。"


class Told:
    def __init__(self, w: World, clock: list[datetime]) -> None:
        self.w, self.clock = w, clock

    def at(self, minutes: int) -> None:
        self.clock[0] = NOW + minutes * MINUTE


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    """0 Patients, a plan, a stay; 10 a consent; 20 it is taken back; 30 now."""
    clock = [NOW]
    with world(tmp_path / "data", now=lambda: clock[0]) as w:
        made = Told(w, clock)
        w.put(HOSPITAL, a_patient())
        w.put(OFFICE, a_patient("u1"))
        w.put(OFFICE, a_plan(patient="Patient/u1"))
        w.put(HOSPITAL, an_encounter())
        made.at(10)
        w.put(HOSPITAL, a_consent())
        made.at(20)
        w.put(HOSPITAL, a_consent(status="inactive"))
        made.at(30)
        for user in ("officer", "doctor", "manager"):
            w.sign_in(user)
        yield made


def name_of(w: World, code: str, kind: str) -> str:
    with w.hub.store.read() as tx:
        return f"{kind}/{hub_id(resources.own(tx, code, kind)[0].stream)}"


def asked(w: World, by: str = "officer", minutes: float | None = None, **params: str) -> Any:
    at = {} if minutes is None else {"at": (NOW + minutes * MINUTE).isoformat()}
    return w.get(by, f"/audit/decision.json?{urlencode({**params, **at})}")


def why(w: World, minutes: float | None = None, **params: str) -> tuple[str, str, list[int]]:
    """Give effect, reason and the versions of consents of a question."""
    answer = asked(w, minutes=minutes, **params)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    return made["effect"], made["reason"], [c["version"] for c in made["consents"]]


# ── a question ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_question_is_decided_by_what_was_in_force_then(told: Told) -> None:
    stay = name_of(told.w, HOSPITAL, "Encounter")
    before, then, after = (why(told.w, m, organization=OFFICE, resource=stay) for m in (5, 15, 25))
    assert before[0] == "deny"
    assert then[0] == "permit"
    assert then[2] == [1]
    assert after[0] == "deny"
    assert why(told.w, organization=OFFICE, resource=stay) == after


def test_it_tells_reason_basis_masks_trail_and_edition(told: Told) -> None:
    stay = name_of(told.w, HOSPITAL, "Encounter")
    made = asked(told.w, minutes=15, organization=OFFICE, resource=stay).json()
    assert made["at"] == "2026-11-24T01:15:00.000Z"
    assert made["basis"] == "JP-CARE-WRITTEN"
    assert made["masks"] == []
    assert made["trail"][0] == "guard:ok"
    assert made["network"] == told.w.hub.gate.network.version
    assert made["resource"] == {"type": "Encounter", "id": stay.partition("/")[2], "version": 1}
    assert (made["organization"], made["kind"], made["role"], made["purpose"]) == (OFFICE, "care-manager", "system", "CAREMGT")


def test_identities_hold_as_of_then(told: Told) -> None:
    """The consent stands at the hospital's Patient and reaches the office's plan only while the two are one person."""
    w = told.w
    plan = name_of(w, OFFICE, "CarePlan")
    told.at(40)
    w.put(HOSPITAL, {**a_consent(), "dateTime": told.clock[0].isoformat()})
    told.at(50)
    w.put(OFFICE, a_patient("u1", insured="131016:0000099999"))
    told.at(60)
    assert why(w, 45, organization=OTHER_HOSPITAL, purpose="TREAT", resource=plan)[0] == "permit"
    assert why(w, 55, organization=OTHER_HOSPITAL, purpose="TREAT", resource=plan)[0] == "deny"


def test_a_resource_that_was_not_there_then_is_not_found(told: Told) -> None:
    told.w.put(HOSPITAL, an_encounter("late"))
    with told.w.hub.store.read() as tx:
        late = f"Encounter/{hub_id(resources.own(tx, HOSPITAL, 'Encounter')[-1].stream)}"
    assert asked(told.w, minutes=25, organization=OFFICE, resource=late).status_code == 404
    assert asked(told.w, organization=OFFICE, resource=late).status_code == 200


def test_a_user_asks_in_its_own_role(told: Told) -> None:
    stay = name_of(told.w, HOSPITAL, "Encounter")
    made = asked(told.w, minutes=15, user="manager", resource=stay).json()
    assert (made["organization"], made["role"], made["user"], made["effect"]) == (OFFICE, "care-manager", "manager", "permit")


def test_an_officer_may_ask_by_position(told: Told) -> None:
    stay = name_of(told.w, HOSPITAL, "Encounter")
    with told.w.hub.store.read() as tx:
        consent = resources.own(tx, HOSPITAL, "Consent")[0]
        given = resources.version(tx, consent.stream, 1).position
    found = [asked(told.w, organization=OFFICE, resource=stay, at=str(at)).json()["effect"] for at in (given - 1, given)]
    assert found == ["deny", "permit"]


@pytest.mark.parametrize(
    ("params", "rule"),
    [
        ({"organization": "0000000000", "resource": "Encounter/tsu-x"}, "HUB-5014"),
        ({"user": "nobody", "resource": "Encounter/tsu-x"}, "HUB-5015"),
        ({"organization": OFFICE, "role": "king", "resource": "Encounter/tsu-x"}, "HUB-5127"),
        ({"organization": OFFICE, "resource": "nonsense"}, "HUB-5127"),
        ({"organization": OFFICE}, "HUB-5127"),
        ({"reference": "K7Q2-9DXM", "organization": OFFICE}, "HUB-5127"),
        ({"organization": OFFICE, "resource": "Encounter/tsu-x"}, "HUB-5041"),
        ({"reference": "K7Q2-9DXM"}, "HUB-5041"),
        ({"organization": OFFICE, "resource": "Encounter/tsu-x", "at": "2025-05-05T05:05:05"}, "HUB-5120"),
    ],
)
def test_a_question_that_is_none_is_refused_and_not_repeated(told: Told, params: dict[str, str], rule: str) -> None:
    answer = asked(told.w, **params)
    assert rule in answer.text
    assert not any(value in answer.text for name, value in params.items() if name != "organization" and len(value) > 4)


@pytest.mark.parametrize("by", ["manager", "doctor", OFFICE])
def test_it_is_for_officers_alone(told: Told, by: str) -> None:
    stay = name_of(told.w, HOSPITAL, "Encounter")
    for params in ({"organization": OFFICE, "resource": stay}, {"reference": "K7Q2-9DXM"}, {"nonsense": "1"}):
        answer = asked(told.w, by, **params)
        assert (answer.status_code, "HUB-5043" in answer.text) == (403, True)


def test_each_look_is_recorded(told: Told) -> None:
    def looks() -> int:
        with told.w.hub.store.read() as tx:
            return decisions.count(tx, decisions.Filter(action="audit"))

    stay = name_of(told.w, HOSPITAL, "Encounter")
    reference = references(told.w)[0]
    before = looks()
    asked(told.w, organization=OFFICE, resource=stay, minutes=15)
    asked(told.w, NETWORK, reference=reference)
    assert looks() == before + 2


# ── recorded decisions ───────────────────────────────────────────────────────────────────────────────────────────────


def references(w: World) -> list[str]:
    """Give the references of all recorded decisions, oldest first."""
    with w.hub.store.read() as tx:
        return [row.reference for row in reversed(decisions.search(tx, decisions.Filter(), limit=10_000))]


def opened(told: Told) -> str:
    """Let the doctor break the glass; give the reference of the person."""
    w = told.w
    page = w.form("doctor", "/emergency/find", by="name", kana="やまだ はなこ", birth="1938-05-02").text
    reference = re.search(r'href="/emergency/([a-z2-7]{20,})"', page)[1]
    w.form(
        "doctor",
        "/emergency/open",
        person=reference,
        reason=REASON,
        necessity="yes",
        difficulty="yes",
        identity="card",
        code=w.hub.breaking.code("doctor"),
    )
    return reference


def lived(told: Told) -> None:
    """Reads, searches, boards and summaries under consents that come and go, a refusal of the hub, links, a break of the glass."""
    w = told.w
    stay = name_of(w, HOSPITAL, "Encounter")
    for minutes, consent in ((30, a_consent()), (40, a_consent(status="inactive")), (50, a_consent(type="deny"))):
        told.at(minutes)
        w.put(HOSPITAL, {**consent, "dateTime": told.clock[0].isoformat()})
        w.get(OFFICE, f"/fhir/{stay}")
        w.get(OFFICE, "/fhir/$board")
        w.get(OTHER_HOSPITAL, f"/fhir/{stay}")
        w.get(OFFICE, "/fhir/Patient?identifier=http://x|1")
        told.at(minutes + 5)
        w.get(HOSPITAL, "/fhir/Patient/p1/$summary")
    told.at(60)
    w.put(HOSPITAL, a_consent(status="inactive"))
    w.put(STATION, a_patient("s1"))
    w.put(HOSPITAL, an_encounter("e2"))
    told.at(70)
    reference = opened(told)
    assert w.get("doctor", f"/emergency/{reference}").status_code == 200
    told.at(80)
    w.put(OFFICE, a_patient("u1", insured="131016:0000099999"))
    w.get(OFFICE, "/fhir/$board")
    w.get("officer", "/audit")
    told.at(90)


def test_every_recorded_decision_comes_out_the_same(told: Told) -> None:
    lived(told)
    told.w.settle()
    outcomes: dict[str, set[Any]] = {}
    for reference in references(told.w):
        made = asked(told.w, reference=reference).json()
        assert made["same"] is not False, made
        outcomes.setdefault(made["action"], set()).add((made["same"], made["recorded"]["effect"]))
        assert made["same"] is True or made["why"] == "not-decided"
        assert all(r.get("same", True) for r in made.get("resources", ()))
    assert {(True, "permit"), (True, "deny")} <= outcomes["read"]
    assert {(True, "permit"), (True, "deny")} & outcomes["view"]
    assert (True, "permit") in outcomes["write"]
    assert outcomes["audit"] == {(None, "permit")}


def test_a_decision_on_a_broken_glass_comes_out_the_same_after_it_has_closed(told: Told) -> None:
    lived(told)
    told.clock[0] = NOW + timedelta(days=2)
    broken = 0
    for reference in references(told.w):
        made = asked(told.w, reference=reference).json()
        opened = [r for r in made.get("resources", ()) if r.get("recorded", {}).get("reason", "").startswith(("P-BTG", "R-BTG"))]
        broken += len(opened)
        assert all(r["same"] for r in opened)
    assert broken


def test_a_decision_that_was_changed_in_the_record_does_not_come_out_the_same(told: Told) -> None:
    """Whoever forged the record of a decision, and even its leaf, could not make the rules give what it says."""
    import msgspec

    from hub.log.envelope import pack
    from hub.log.event import open_event, seal_json
    from schemas import events

    w = told.w
    stay = name_of(w, HOSPITAL, "Encounter")
    w.get(OFFICE, f"/fhir/{stay}")
    reference = references(w)[-1]
    assert asked(w, reference=reference).json()["same"] is True
    with w.hub.store.read() as tx:
        position = decisions.search(tx, decisions.Filter(reference=reference), limit=1)[0].position
        event = w.hub.store.event(tx, position)
    body = msgspec.json.decode(open_event(w.hub.keys, event), type=events.Decided)
    forged = msgspec.structs.replace(body, effect="permit", reason="P-EXPLICIT", basis="JP-CONSENT")
    key = w.hub.keys.by_id(event.header.key)
    state = pack(event.header, seal_json(key, forged, stream=event.stream, event=event.header.event))
    with w.hub.store.write() as tx:
        tx.run("UPDATE events SET state=? WHERE position=?", (state, position))
    made = asked(w, reference=reference).json()
    assert made["same"] is False
    assert set(made["differs"]) == {"effect", "reason", "basis"}
    assert made["recomputed"]["effect"] == "deny"


def test_a_decision_about_what_was_erased_since_cannot_be_repeated_and_says_so(told: Told) -> None:
    w = told.w
    stay = name_of(w, HOSPITAL, "Encounter")
    w.get(OFFICE, f"/fhir/{stay}")
    reference = references(w)[-1]
    with w.hub.store.read() as tx:
        patient = resources.own(tx, HOSPITAL, "Patient")[0].stream
    w.hub.keys.destroy([patient])
    made = asked(w, reference=reference).json()
    assert (made["same"], made["why"]) == (None, "erased")


def test_what_a_purpose_lent_by_an_open_session_let_see_comes_out_the_same(told: Told) -> None:
    """Consent in emergencies alone: the glass is open, and yet nothing that was read came to rest on it."""
    w = told.w
    w.put(STATION, a_patient("s1"))
    w.put(STATION, an_encounter("v1", patient="Patient/s1"))
    told.at(40)
    opened(told)
    code = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
    urgent = [{"system": code, "code": "ETREAT"}, {"system": code, "code": "BTG"}]
    assert w.put(STATION, a_consent("k5", patient="Patient/s1", purpose=urgent)).status_code == 201
    assert w.get("doctor", f"/fhir/{name_of(w, STATION, 'Encounter')}").status_code == 200
    made = asked(w, reference=references(w)[-1]).json()
    assert (made["recorded"]["reason"], made["same"]) == ("P-EXPLICIT", True)


def test_why_somebody_of_the_directory_who_is_restricted_was_not_seen_comes_out_the_same(told: Told) -> None:
    w = told.w
    w.put(HOSPITAL, {"resourceType": "Practitioner", "id": "d7", "name": [{"text": "佐々木 誠"}]})
    name = name_of(w, HOSPITAL, "Practitioner")
    assert w.get(OFFICE, f"/fhir/{name}").status_code == 200
    told.at(40)
    restricted(w, name)
    told.at(50)
    assert w.get(OFFICE, f"/fhir/{name}").status_code == 404
    reasons = [
        (made["recorded"]["reason"], made["same"])
        for made in (asked(w, reference=r).json() for r in references(w))
        if made["action"] == "read"
    ]
    assert reasons == [("P-DIRECTORY", True), ("D-RESTRICTED", True)]
