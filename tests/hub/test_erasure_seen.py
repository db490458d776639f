"""An erasure seen from elsewhere: from moments before it, and by a follower that it overtakes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from hub.followers.derive import Deriving
from hub.followers.run import Runner
from hub.tables import erasures
from schemas import events
from tests.hub.test_erasure import Clock, erased, lived, named
from tests.hub.test_erasure_reach import log, stream
from tests.hub.world import HOSPITAL, NOW, World, an_encounter, world


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def w(tmp_path: Path, clock: Clock) -> Iterator[World]:
    with world(tmp_path / "data", now=clock) as made:
        lived(made)
        yield made


def test_a_moment_before_the_erasure_shows_the_hole_and_whoever_else_was_there(w: World, clock: Clock) -> None:
    moment = quote((NOW + timedelta(minutes=1)).isoformat())
    board = f"/fhir/$board?at={moment}"
    summaries = [f"/fhir/{named(w, HOSPITAL, one)}/$summary?at={moment}" for one in ("h1", "h2")]
    clock.now = NOW + timedelta(minutes=5)
    assert w.get(HOSPITAL, board).json()["total"] == 2
    assert [w.get(HOSPITAL, path).status_code for path in summaries] == [200, 200]
    erased(w)
    clock.now = NOW + timedelta(minutes=6)
    assert w.get(HOSPITAL, board).json()["total"] == 1
    assert [w.get(HOSPITAL, path).status_code for path in summaries] == [404, 200]


@pytest.mark.parametrize("when", ["before it is sealed", "before it is recorded"])
def test_a_follower_that_is_overtaken_by_an_erasure_goes_on_without_the_erased(w: World, when: str) -> None:
    """Its step fails (HUB-5072, HUB-5112) and is taken anew at once, as of a newer state: it does not stand."""
    derive = next(f for f in w.hub.runner.followers if isinstance(f, Deriving))
    for number in ("1", "2"):
        ended: dict[str, Any] = {"status": "finished", "period": {"start": "2026-11-24T09:30:00+09:00", "end": "2026-11-24T09:50:00+09:00"}}
        assert w.put(HOSPITAL, an_encounter(f"e{number}", patient=f"Patient/h{number}", **ended)).status_code == 200
    behind = log(w)[-1].position
    name = "_event" if when == "before it is sealed" else "_put"
    real = getattr(derive, name)

    def overtaken(*told: Any) -> Any:
        setattr(derive, name, real)
        erased(w)
        return real(*told)

    setattr(derive, name, overtaken)
    runner = Runner([derive])
    runner._steps(derive, runner._seats[derive.name])
    assert runner.stopped == {}
    with w.hub.store.read() as tx:
        assert w.hub.store.position_of(tx, derive.name) > erasures.last(tx)
    made = [r.header.patient for r in log(w) if r.position > behind and r.topic == events.DOMAIN_EVENT and r.header.kind != events.NOTICE]
    assert made == [stream(w, HOSPITAL, number=-1)]  # of the other's stay alone
