"""Two persons whose lives the followers tell of, and followers that run, stand and go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from hub.assemble import Hub
from hub.commands import Asking
from hub.followers.feeds import application
from hub.followers.run import Pulling, Runner
from hub.followers.standing import Standing
from hub.log.event import open_event
from schemas import events
from tests.hub.world import (
    HOSPITAL,
    OFFICE,
    OTHER_HOSPITAL,
    STATION,
    World,
    a_consent,
    a_patient,
    a_plan,
    an_encounter,
)

END = {"start": "2026-11-24T09:30:00+09:00", "end": "2026-11-27T10:00:00+09:00"}
REASON = "本文が壊れていて開けないため"


def two_lives(w: World) -> None:
    """Two persons with a hospital, an office and a station: six things to hear about each, among resources that nobody hears of."""
    for n in (1, 2):
        insured = f"131016:000001234{n}"
        for code, number in ((HOSPITAL, f"p{n}"), (OFFICE, f"u{n}"), (STATION, f"s{n}")):
            w.put(code, a_patient(number, insured=insured))
        w.put(OFFICE, a_plan(f"c{n}", patient=f"Patient/u{n}"))
        w.put(HOSPITAL, a_consent(f"k{n}", patient=f"Patient/p{n}"))
    for n in (1, 2):
        w.put(HOSPITAL, an_encounter(f"e{n}", patient=f"Patient/p{n}"))
        w.put(HOSPITAL, observation(n))
        w.put(STATION, visit(n))
        w.put(HOSPITAL, an_encounter(f"e{n}", patient=f"Patient/p{n}", status="finished", period=END))
        w.put(HOSPITAL, an_encounter(f"e{n}", patient=f"Patient/p{n}"))  # the discharge is taken back
    w.put(HOSPITAL, a_consent("k2", patient="Patient/p2", status="inactive"))
    w.put(HOSPITAL, an_encounter("e2", patient="Patient/p2", status="finished", period=END))
    w.put(OTHER_HOSPITAL, a_patient("q1"))


def observation(n: int) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": f"o{n}", "status": "final", "code": {"text": "体温"}, "subject": {"reference": f"Patient/p{n}"},
        "valueQuantity": {"value": 36.5},
    }  # fmt: skip


def visit(n: int) -> dict[str, Any]:
    home = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HH"}
    return {**an_encounter(f"v{n}", patient=f"Patient/s{n}", status="finished"), "class": home}


def told(hub: Hub) -> list[tuple[str, int, str, str]]:
    """Give all feeds: subscriber, number, kind, cause."""
    with hub.store.read() as tx:
        rows = tx.all("SELECT subscriber, number, position FROM feeds ORDER BY subscriber, number")
        found = []
        for subscriber, number, position in rows:
            event = hub.store.event(tx, position)
            assert event is not None
            body = open_event(hub.keys, event)
            assert body is not None
            derived = msgspec.json.decode(body, type=events.Derived)
            found.append((str(subscriber), int(number), derived.kind, derived.cause))
        return found


def derived(hub: Hub) -> int:
    with hub.store.read() as tx:
        return len(hub.store.events_of(tx, events.DOMAIN_EVENT, 0, hub.store.head(tx)))


def follower(hub: Hub, name: str) -> Pulling:
    found = next(f for f in hub.runner.followers if f.name == name)
    assert isinstance(found, Pulling)
    return found


def asking(code: str, hub: Hub) -> Asking:
    requester, purpose = application(hub.region, code)
    return Asking(requester, purpose, "r", "audit")


@contextmanager
def running(hub: Hub, **more: Any) -> Iterator[Runner]:
    """Run the hub's `derive` and `feeds` with a quick clock."""
    standing = Standing(store=hub.store, writer=hub.writer, now=hub.now)
    runner = Runner([follower(hub, "derive"), follower(hub, "feeds")], standing=standing, poll=0.05, **more)
    hub.writer.heard = runner.heard
    runner.start()
    try:
        yield runner
    finally:
        runner.close()


def position(w: World, name: str) -> int:
    with w.hub.store.read() as tx:
        return w.hub.store.position_of(tx, name)
