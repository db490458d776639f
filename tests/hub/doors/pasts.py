"""Pasts that two hubs live through: what everybody may know at the same moments, and what outsiders may not, before, between and after."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from hub.names import hub_id
from hub.region import User
from hub.tables import resources
from hub.views.shapes import Office
from schemas.ids import INSTITUTION, KAIGO_INSURED
from tests.hub.apart import CASE, COMPARTMENTS, a_case, inside, opened
from tests.hub.doors.asking import chance
from tests.hub.world import (
    HOSPITAL,
    INSURED,
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
    code,
    known_root,
    register,
    world,
)

POLICE, VOLUNTEER = code("138000001"), code("138000002")
"""They may put a concern in and get nothing out."""
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
Step = Callable[[World], Any]
Past = Mapping[int, Sequence[Step]]
"""What is hidden, by the step that it comes before."""


def observation(number: str, patient: str, code: str = "8310-5", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": number, "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": patient}, "effectiveDateTime": "2026-11-24T09:00:00+09:00", "valueQuantity": {"value": 36.50, "unit": "Cel"},
        "identifier": [{"system": "urn:example:o", "value": number}], **more,
    }  # fmt: skip


def ward(number: str) -> dict[str, Any]:
    return {"resourceType": "Location", "id": number, "name": number, "identifier": [{"system": "urn:example:w", "value": number}]}


def condition(number: str, patient: str) -> dict[str, Any]:
    return {"resourceType": "Condition", "id": number, "subject": {"reference": patient}, "code": {"text": "なにかの病気"}}


def a_visit(number: str) -> dict[str, Any]:
    home = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HH"}
    period = {"start": "2026-11-24T08:30:00+09:00", "end": "2026-11-24T09:20:00+09:00"}
    return {**an_encounter(number, patient="Patient/s1", status="finished", period=period), "class": home}


def accepted(answer: httpx.Response) -> None:
    assert answer.status_code in {200, 201, 204}, answer.text


def written(tree: dict[str, Any]) -> dict[str, Any]:
    return {"resource": tree, "request": {"method": "PUT", "url": f"{tree['resourceType']}/{tree['id']}"}}


def put(by: str, tree: dict[str, Any]) -> Step:
    return lambda w: accepted(w.put(by, tree))


def but_not_of(custodian: str) -> list[dict[str, Any]]:
    who = {"identifier": {"system": INSTITUTION, "value": custodian}}
    return [{"type": "deny", "actor": [{"role": {"coding": [{"system": PARTICIPATION, "code": "CST"}]}, "reference": who}]}]


SEEN: tuple[Step, ...] = (
    put(HOSPITAL, a_patient()),
    put(HOSPITAL, ward("w1")),
    put(OFFICE, a_patient("u1")),
    put(HOSPITAL, a_consent(provision=but_not_of(OTHER_HOSPITAL))),
    put(OFFICE, a_plan(patient="Patient/u1")),
    put(HOSPITAL, an_encounter()),
    put(HOSPITAL, observation("o1", "Patient/p1")),
    put(HOSPITAL, observation("o1", "Patient/p1", valueQuantity={"value": 36.60, "unit": "Cel"})),
    put(HOSPITAL, ward("w2")),
    put(STATION, a_patient("s1")),
    put(STATION, observation("o9", "Patient/s1", code="8867-4")),
    put(STATION, a_visit("v1")),
    put(HOSPITAL, an_encounter(status="finished", period={"start": "2026-11-24T09:30:00+09:00", "end": "2026-11-24T10:00:00+09:00"})),
    put(HOSPITAL, observation("o2", "Patient/p1")),
    lambda w: w.file(OFFICE, "note.txt", b"nothing that the hub can read"),
    lambda w: w.bundle(OFFICE, [written(observation("late", f"Patient?identifier={KAIGO_INSURED}|131016:0000077777"))]),
    put(OFFICE, a_patient("u7", insured="131016:0000077777", kana="スズキ　イチロウ", birth="1950-03-03")),  # now it can be sent again
)
"""What the person has agreed that the office sees; nothing of the other hospital."""

STRANGER = a_patient("x1", insured="131016:0000099999", kana="タナカ　タロウ", birth="1940-01-01")
SOMEBODY = a_patient("x5", insured="131016:0000088888", kana="サトウ　ハナ", birth="1941-02-02")


def glass(w: World) -> None:
    """Let a doctor break the glass on a stranger."""
    w.sign_in("doctor")
    page = w.form("doctor", "/emergency/find", by="name", kana="たなか たろう", birth="1940-01-01").text
    found = re.search(r'href="/emergency/([a-z2-7]{20,})"', page)
    if found is None:
        return  # nobody yet
    told = {"person": found[1], "reason": "救急搬送。呼びかけに反応が弱い。", "necessity": "yes", "difficulty": "yes"}
    w.form("doctor", "/emergency/open", **told, code=w.hub.breaking.code("doctor"))
    w.get("doctor", f"/emergency/{found[1]}")


def erased(w: World) -> None:
    """Let somebody whom the outsider does not know be erased with all keys."""
    accepted(w.put(OTHER_HOSPITAL, SOMEBODY))
    with w.hub.store.read() as tx:
        newest = max(resources.own(tx, OTHER_HOSPITAL, "Patient"))
    w.sign_in("officer")
    told = {
        "person": f"Patient/{hub_id(newest.stream)}",
        "do": "restrict",
        "basis": "JP-35-5",
        "reason": "本人からの求め。書面を確かめた。",
    }
    for do in ("restrict", "now"):
        accepted(w.ask("POST", "/erasures", by="officer", json={**told, "do": do, "csrf": w.secret("officer")}))


HIDDEN: tuple[Step, ...] = (
    # the same person at the custodian that is shut out, under the same number
    put(OTHER_HOSPITAL, a_patient("p1")),
    put(OTHER_HOSPITAL, an_encounter("e1")),
    put(OTHER_HOSPITAL, observation("o1", "Patient/p1")),
    put(OTHER_HOSPITAL, an_encounter("e1", status="finished", period={"start": "2026-11-20T09:30:00+09:00", "end": "2026-11-21T10:00:00+09:00"})),
    put(OTHER_HOSPITAL, an_encounter("e7", period={"start": "2026-11-24T08:00:00+09:00"})),  # still open when the one that is seen begins
    # somebody whom nobody has asked
    put(OTHER_HOSPITAL, STRANGER),
    put(OTHER_HOSPITAL, an_encounter("e2", patient="Patient/x1")),
    put(OTHER_HOSPITAL, observation("o2", "Patient/x1")),
    put(STATION, {**STRANGER, "id": "x9"}),
    # questions, refused messages, withdrawals, what was taken back
    lambda w: w.get(OTHER_HOSPITAL, "/fhir/Patient"),
    lambda w: w.get(OTHER_HOSPITAL, "/fhir/Patient?identifier=131016:0000099999"),  # of nobody that the outsider told of: that it would see
    lambda w: w.file(OTHER_HOSPITAL, "x", b"nonsense"),
    lambda w: w.bundle(OTHER_HOSPITAL, [{"request": {"method": "PUT", "url": "Patient/1"}}]),
    put(OTHER_HOSPITAL, a_consent("k9", patient="Patient/x1")),
    put(OTHER_HOSPITAL, a_consent("k9", patient="Patient/x1", status="inactive")),
    lambda w: accepted(w.ask("DELETE", "/fhir/Observation/o2", by=OTHER_HOSPITAL)),
    # what carries no label, or too high a one, and the glass that is broken on somebody else
    put(OTHER_HOSPITAL, condition("d1", "Patient/p1")),
    put(OTHER_HOSPITAL, {**observation("o5", "Patient/p1"), "meta": {"security": [{"system": CONFIDENTIALITY, "code": "V"}]}}),
    glass,
    erased,
    # another compartment, of which the asker is a member by another application
    a_case,
    lambda w: accepted(w.put(inside(OFFICE), condition("d2", "Patient/c2"))),
    lambda w: w.bundle(inside(STATION), [{"request": {"method": "PUT", "url": "Patient/1"}}]),
    lambda w: w.settle(),
    lambda w: w.hub.checkpoints.sign_now(),
)  # fmt: skip
UNLABELLED: tuple[Step, ...] = (
    put(HOSPITAL, condition("d1", "Patient/p1")),
    put(HOSPITAL, {**observation("o5", "Patient/p1"), "meta": {"security": [{"system": CONFIDENTIALITY, "code": "V"}]}}),
    lambda w: w.get(HOSPITAL, "/fhir/Patient/p1"),
)
"""Hidden too, and of the custodian whose other records are seen: only once its Patient is there."""


def _case_more(w: World) -> None:
    """Events of the compartment after its case was opened: what is seen outside has none of their kinds left out."""
    a_case(w)
    for number in range(3):
        accepted(w.put(inside(STATION), observation(f"m{number}", "Patient/c1")))
    accepted(w.put(inside(OFFICE), an_encounter("e1", patient="Patient/c2")))
    accepted(w.put(inside(OFFICE), an_encounter("e1", patient="Patient/c2", status="finished")))
    w.get(inside(OFFICE), f"/fhir/Patient?identifier={INSURED}")
    w.get(inside(NETWORK), f"/fhir/Patient?identifier={INSURED}")
    w.get(inside(OFFICE), "/fhir/CarePlan/tsu-aaaaaaaaaaaaaaaaaaaaaaaaaa")


INSIDE: tuple[Step, ...] = (
    a_case,
    _case_more,
    lambda w: accepted(w.put(inside(STATION), a_consent("k2", patient="Patient/c1", status="inactive"))),
    lambda w: w.bundle(inside(STATION), [{"request": {"method": "PUT", "url": "Patient/1"}}]),
    lambda w: accepted(w.bundle(inside(OFFICE), [{"request": {"method": "GET", "url": "Patient"}}], "batch")),
    lambda w: accepted(w.put(inside(OFFICE), ward("w9"))),
    lambda w: accepted(w.ask("DELETE", "/fhir/Observation/m1", by=inside(STATION))),
    lambda w: w.get(inside(STATION), "/refused.json"),
    lambda w: w.get(inside(STATION), "/events?after=0"),
)
"""What happens in the compartment: records, links by number, consents and withdrawals, decisions, refused messages, doors that are none there."""


@contextmanager
def lived(folder: Path, hidden: Past, users: Sequence[str] = ("manager",)) -> Iterator[World]:
    """Live through all that is seen, each step at its own minute; `hidden[i]` comes just before step i, the last after all."""
    known_root(folder)
    moment: list[datetime] = [NOW]
    done: Counter[Step] = Counter()

    def hide(i: int) -> None:
        for one in hidden.get(i, ()):
            done[one] += 1
            with chance(f"hidden/{id(one)}/{done[one]}"):  # the same in a world in which other things happen besides
                one(w)

    made = register()
    person = User("person", NETWORK, "山田 花子", "subject", "PATRQT", person=INSURED)
    beside = {POLICE: Office(POLICE, "ひがし警察署", "police"), VOLUNTEER: Office(VOLUNTEER, "あおば民生委員", "welfare-volunteer")}
    region = replace(
        made,
        users={**made.users, "person": person},
        offices={**made.offices, **beside},
        purposes={**made.purposes, **dict.fromkeys(beside, "SUPNWK")},
    )
    with world(folder, now=lambda: moment[0], compartments=COMPARTMENTS, region=region) as w:
        w.moment = moment
        w.app.state.sessions._seconds = lambda: 1_795_482_000.0
        opened(w)
        for i, step in enumerate(SEEN):
            hide(i)
            moment[0] = NOW + timedelta(minutes=i + 1)
            with chance(f"seen/{i}"):
                step(w)
            w.settle()
        hide(len(SEEN))
        moment[0] = NOW + timedelta(hours=1)
        w.settle()
        for user in users:
            with chance(f"in/{user}"):
                w.sign_in(user)
                page = w.get(user, "/me").text if user == "person" else ""
                w.csrf[user] = re.findall(r'name="csrf" value="([^"]+)"', page)[0] if page else w.secret(user)
        yield w


def spread(steps: Sequence[Step], seed: int, first: int = 0) -> dict[int, list[Step]]:
    """Spread events, in their order, over the whole past from a step on."""
    draw = random.Random(seed)
    places = sorted(draw.randrange(first, len(SEEN) + 1) for _ in steps)
    past: dict[int, list[Step]] = {}
    for place, step in zip(places, steps, strict=True):
        past.setdefault(place, []).append(step)
    return past


def both(*pasts: Past) -> dict[int, list[Step]]:
    """Lay pasts over one another."""
    return {i: [one for past in pasts for one in past.get(i, ())] for i in range(len(SEEN) + 1)}


LAST = len(SEEN)
PASTS: Mapping[str, Past] = {
    "before": both({0: HIDDEN}, {1: UNLABELLED}),
    "after": {LAST: (*HIDDEN, *UNLABELLED)},
    "between": both(spread(HIDDEN, 0), spread(UNLABELLED, 1, 1)),
    "between again": both(spread(HIDDEN, 2), spread(UNLABELLED, 3, 1)),
}
__all__ = ["CASE", "HIDDEN", "INSIDE", "PASTS", "SEEN", "Past", "both", "lived", "observation", "spread", "ward"]
