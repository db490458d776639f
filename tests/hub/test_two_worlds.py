"""Two hubs with different pasts, of which an outsider may know nothing, answer the outsider with the same bytes.

Both live through what the outsider may see at the same moments; in one of them another custodian's events lie before, between and after.
Compared are status, every header and every byte: ids, versions, times, order, counts, cursors.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import orjson
import pytest

from hub.tables import resources
from schemas.ids import INSTITUTION, KAIGO_INSURED
from tests.hub.web.answers import links
from tests.hub.world import (
    FHIR,
    HOSPITAL,
    INSURED,
    NOW,
    OFFICE,
    OTHER_HOSPITAL,
    OTHER_OFFICE,
    STATION,
    World,
    a_consent,
    a_patient,
    a_plan,
    an_encounter,
    known_root,
    world,
)

PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
Step = Callable[[World], Any]


def observation(number: str, patient: str, code: str = "8310-5", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": number, "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": patient}, "effectiveDateTime": "2026-11-24T09:00:00+09:00", "valueQuantity": {"value": 36.50, "unit": "Cel"},
        "identifier": [{"system": "urn:example:o", "value": number}], **more,
    }  # fmt: skip


def ward(number: str) -> dict[str, Any]:
    return {"resourceType": "Location", "id": number, "name": number, "identifier": [{"system": "urn:example:w", "value": number}]}


def a_visit(number: str) -> dict[str, Any]:
    home = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HH"}
    period = {"start": "2026-11-24T08:30:00+09:00", "end": "2026-11-24T09:20:00+09:00"}
    return {**an_encounter(number, patient="Patient/s1", status="finished", period=period), "class": home}


def put(by: str, tree: dict[str, Any]) -> Step:
    return lambda w: accepted(w.put(by, tree))


def accepted(answer: httpx.Response) -> None:
    assert answer.status_code in {200, 201, 204}, answer.text


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
)
"""What the person has agreed that the office sees; nothing of the other hospital."""

STRANGER = a_patient("x1", insured="131016:0000099999", kana="タナカ　タロウ", birth="1940-01-01")
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
    # what carries no label, or too high a one
    put(HOSPITAL, {"resourceType": "Condition", "id": "d1", "subject": {"reference": "Patient/p1"}, "code": {"text": "なにかの病気"}}),
    put(HOSPITAL, {**observation("o5", "Patient/p1"), "meta": {"security": [{"system": CONFIDENTIALITY, "code": "V"}]}}),
    # questions, refused messages, withdrawals, what was taken back
    lambda w: w.get(OTHER_HOSPITAL, "/fhir/Patient"),
    lambda w: w.get(HOSPITAL, f"/fhir/Patient?identifier={INSURED}"),
    lambda w: w.file(OTHER_HOSPITAL, "x", b"nonsense"),
    lambda w: w.bundle(OTHER_HOSPITAL, [{"request": {"method": "PUT", "url": "Patient/1"}}]),
    put(OTHER_HOSPITAL, a_consent("k9", patient="Patient/x1")),
    put(OTHER_HOSPITAL, a_consent("k9", patient="Patient/x1", status="inactive")),
    lambda w: accepted(w.ask("DELETE", "/fhir/Observation/o2", by=OTHER_HOSPITAL)),
    lambda w: w.settle(),
    lambda w: w.hub.checkpoints.sign_now(),
)  # fmt: skip


@contextmanager
def lived(folder: Path, hidden: Sequence[Sequence[Step]]) -> Iterator[World]:
    """Live through all that is seen, each step at its own minute; `hidden[i]` comes just before step i, the last after all."""
    known_root(folder)
    moment: list[datetime] = [NOW]
    with world(folder, now=lambda: moment[0]) as w:
        w.moment = moment  # type: ignore[attr-defined]
        for i, step in enumerate(SEEN):
            for one in hidden[i] if i < len(hidden) else ():
                one(w)
            moment[0] = NOW + timedelta(minutes=i + 1)
            step(w)
            w.settle()
        for one in hidden[len(SEEN)] if len(hidden) > len(SEEN) else ():
            one(w)
        moment[0] = NOW + timedelta(hours=1)
        w.settle()
        yield w


def spread(seed: int) -> list[list[Step]]:
    """Spread the hidden events, in their order, over the whole past."""
    draw = random.Random(seed)
    places = sorted(draw.randrange(len(SEEN) + 1) for _ in HIDDEN)
    past: list[list[Step]] = [[] for _ in range(len(SEEN) + 1)]
    for place, step in zip(places, HIDDEN, strict=True):
        past[place].append(step)
    return past


PASTS = {
    "before": [list(HIDDEN)],
    "after": [[] for _ in SEEN] + [list(HIDDEN)],
    **{f"between {seed}": spread(seed) for seed in range(3)},
}


# ── what the outsider asks ───────────────────────────────────────────────────────────────────────────────────────────

TYPES = ("Patient", "Encounter", "Observation", "Condition", "Location", "Consent", "CarePlan", "Task", "AuditEvent", "Citation")


def ids(w: World) -> list[str]:
    """Give the hub's ids of all that there is in a hub that has seen everything: guessed by an outsider who knows how they are made."""
    from hub.names import hub_id

    with w.hub.store.read() as tx:
        streams = {bytes(r[0]) for r in tx.all("SELECT stream FROM resources")}
        kinds = {s: row.type for s in streams if (row := resources.newest(tx, s))}
    return sorted(f"{kind}/{hub_id(stream)}" for stream, kind in kinds.items())


def questions(known: Sequence[str], seed: int, count: int) -> list[tuple[str, str, bytes]]:
    """Draw questions: (method, address, body)."""
    draw = random.Random(seed)
    numbers = [
        f"{KAIGO_INSURED}|{INSURED}",
        INSURED,
        f"{KAIGO_INSURED}|131016:0000099999",
        "urn:example:o|o1",
        "urn:example:o|o5",
        "urn:example:w|w1",
        "nobody",
    ]

    def criteria() -> str:
        pairs = []
        if draw.random() < 0.6:
            pairs.append(("identifier", draw.choice(numbers)))
        if draw.random() < 0.3:
            pairs.append(("patient", draw.choice(["Patient/u1", "Patient/p1", *(k for k in known if k.startswith("Patient/"))])))
        if draw.random() < 0.3:
            pairs.append(("_id", ",".join(k.partition("/")[2] for k in draw.sample(list(known), 3))))
        if draw.random() < 0.3:
            pairs.append(("_lastUpdated", draw.choice(["ge2026-11-24T01:05:00Z", "lt2026-11-24T01:09:00Z", "2026-11-24"])))
        if draw.random() < 0.5:
            pairs.append(("_count", str(draw.choice([0, 1, 2, 50]))))
        if draw.random() < 0.1:
            pairs.append(("_summary", "count"))
        return urlencode(pairs)

    def one() -> tuple[str, str, bytes]:
        chosen = draw.choice(known)
        return draw.choice([
            ("GET", f"/fhir/{draw.choice(TYPES)}?{criteria()}", b""),
            ("GET", f"/fhir/{draw.choice(TYPES)}?{criteria()}", b""),
            ("GET", f"/fhir/{draw.choice(TYPES)}?{criteria()}", b""),
            ("GET", f"/fhir/{chosen}", b""),
            ("GET", f"/fhir/{chosen}/_history/{draw.choice([1, 2, 3])}", b""),
            ("DELETE", f"/fhir/{chosen}", b""),
            ("PUT", f"/fhir/{chosen}", orjson.dumps({**ward("w1"), "resourceType": chosen.partition("/")[0], "id": chosen.partition("/")[2]})),
            ("PUT", f"/fhir/Observation/mine{draw.randrange(3)}", b""),
            ("POST", "/fhir", b""),
        ])  # fmt: skip

    def filled(method: str, address: str, body: bytes) -> tuple[str, str, bytes]:
        if "/mine" in address:
            about = draw.choice(["Patient/u1", *(k for k in known if k.startswith("Patient/"))])
            return method, address, orjson.dumps(observation(address.rpartition("/")[2], about))
        if method == "POST":
            entries = [
                {"request": {"method": "GET", "url": a.removeprefix("/fhir/")}} for m, a, _ in (one() for _ in range(4)) if m == "GET"
            ]
            return method, address, orjson.dumps({"resourceType": "Bundle", "type": "batch"} | ({"entry": entries} if entries else {}))
        return method, address, body

    fixed = [
        ("GET", "/fhir/$board", b""), ("GET", "/fhir/Patient/u1/$summary", b""), ("GET", "/refused.json", b""), ("GET", "/links", b""),
        ("GET", "/events?after=0&limit=500", b""), ("GET", "/fhir/Patient", b""), ("GET", f"/fhir/Patient?identifier={quote(numbers[0])}&_count=1", b""),
        ("GET", f"/fhir/Patient/{quote('u1')}/_history/1", b""), ("GET", "/fhir/Patient/p1/$summary", b""), ("GET", "/readyz", b""),
        ("GET", "/log/checkpoint", b""), ("GET", "/log/proof/consistency?from=1", b""), ("GET", "/log/proof/inclusion?index=1", b""),
        ("GET", "/log/entries?from=99999", b""), ("POST", "/log/cosignatures", b"tsunagu.example.jp/log\n9\nAAAA\n\n"),
    ]  # fmt: skip
    return fixed + [filled(*one()) for _ in range(count)]


def answers(w: World, asked: Sequence[tuple[str, str, bytes]], by: str) -> Iterator[tuple[Any, ...]]:
    """Ask one after the other, each at its own second; a searchset is read to its last page."""
    for i, (method, first, body) in enumerate(asked):
        address = first
        w.moment[0] = NOW + timedelta(hours=2, seconds=i)  # type: ignore[attr-defined]
        while address:
            headers = FHIR | {"X-Request-Id": f"r{i}", "Accept": "application/x-ndjson" if address.startswith("/events") else "*/*"}
            answer = w.ask(method, address, by=by, content=body, headers=headers)
            yield method, address, answer.status_code, sorted(answer.headers.multi_items()), answer.content
            bundle = answer.json() if answer.content[:15] == b'{"resourceType"' and method == "GET" else {}
            address = links(bundle).get("next", "") if "link" in bundle else ""


@pytest.mark.parametrize("past", sorted(PASTS))
def test_an_outsider_cannot_tell_one_past_from_another(tmp_path: Path, past: str) -> None:
    with ExitStack() as stack:
        one = stack.enter_context(lived(tmp_path / "one", []))
        two = stack.enter_context(lived(tmp_path / "two", PASTS[past]))
        asked = questions(ids(two), seed=7, count=40)
        for by in (OFFICE, OTHER_OFFICE):
            seen = 0
            for here, there in zip(answers(one, asked, by), answers(two, asked, by), strict=True):
                assert here == there
                seen += here[2] == 200
            assert seen >= 10


def pages(w: World, user: str) -> Iterator[str]:
    """Look at all pages that lead on from one another; what stands for the session alone is left out."""
    w.moment[0] = NOW + timedelta(hours=3)  # type: ignore[attr-defined]
    w.sign_in(user)
    waiting, seen = ["/", "/board", "/refused"], set()
    found = [w.form(user, "/emergency/find", by="number", insurer="131016", insured="0000012342")]
    found += [w.form(user, "/emergency/find", kana=kana, birth="1938-05-02") for kana in ("やまだはなこ", "たなかたろう")]
    texts = [f.text for f in found]
    while waiting or texts:
        if not texts:
            seen.add(address := waiting.pop(0))
            texts.append(w.ask("GET", address, by=user).text)
        text = texts.pop(0)
        yield re.sub(r'name="csrf" value="[^"]+"', "", text)
        waiting += [
            a
            for a in re.findall(r'href="(/[^"#]*)"', text)
            if a not in seen and a not in waiting and not a.startswith(("/static", "/sign"))
        ]


@pytest.mark.parametrize("past", ["before", "between 1"])
def test_the_outsiders_pages_are_the_same_too(tmp_path: Path, past: str) -> None:
    with ExitStack() as stack:
        one = stack.enter_context(lived(tmp_path / "one", []))
        two = stack.enter_context(lived(tmp_path / "two", PASTS[past]))
        looked = list(pages(one, "manager"))
        assert looked == list(pages(two, "manager"))
        assert len(looked) >= 8
        assert any("山田" in text for text in looked)


def test_the_two_pasts_do_differ_for_those_whom_they_concern(tmp_path: Path) -> None:
    with ExitStack() as stack:
        one = stack.enter_context(lived(tmp_path / "one", []))
        two = stack.enter_context(lived(tmp_path / "two", PASTS["before"]))
        for by in (OTHER_HOSPITAL, HOSPITAL):
            asked = [("GET", f"/fhir/{kind}", b"") for kind in ("Patient", "Encounter", "Condition", "Observation")]
            assert list(answers(one, asked, by)) != list(answers(two, asked, by))
        assert one.hub.store is not two.hub.store
        with one.hub.store.read() as a, two.hub.store.read() as b:
            assert two.hub.store.head(b) - one.hub.store.head(a) > 20
