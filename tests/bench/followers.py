"""Followers: resources a second through `derive` and `feeds`, and how long after an append their rows are there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx

from hub.assemble import Hub, assemble
from hub.clock import clock
from hub.web.app import create_app
from tests.bench import load
from tests.bench.figures import Figure, against, median, percentile
from tests.bench.region import HOSPITAL, region

NAMES = ("derive", "feeds")
ALONE = 300
"""Events that the yardstick takes, each in a transaction of its own."""


class Door:
    """A hub in this process and its door."""

    def __init__(self, folder: Path, database: str, *, followers: bool) -> None:
        self.hub: Hub = assemble(
            data=folder, region=region(), base="http://hub.test", adapters=(), now=clock(None), database=database, followers=followers
        )
        self._app, self._loop, self._serial = create_app(self.hub), asyncio.new_event_loop(), 0
        self._headers = {"Authorization": f"Bearer {self.hub.credentials.issue(HOSPITAL)}", "Content-Type": "application/fhir+json"}

    def take(self, bundles: int) -> None:
        """Hand so many new Bundles in."""
        self._loop.run_until_complete(self._take(bundles))

    async def _take(self, bundles: int) -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=self._app), base_url="http://hub.test") as client:
            for _ in range(bundles):
                self._serial += 1
                answer = await client.post("/fhir", content=load.bundle(f"f{self._serial}"), headers=self._headers)
                answer.raise_for_status()

    def head(self) -> int:
        with self.hub.store.read() as tx:
            return self.hub.store.head(tx)

    def fed(self) -> int:
        with self.hub.store.read() as tx:
            return self.hub.store.position_of(tx, "feeds")

    def close(self) -> None:
        self.hub.close()
        self._loop.close()


def figures(name: str, folder: Path, database: str, rounds: int, bundles: int) -> Iterator[Figure]:
    """Measure on one engine; `bundles` of 50 resources a round."""
    rates, alone = [], []
    with closing(Door(folder, database, followers=False)) as door:
        followers = [f for f in door.hub.runner.followers if f.name in NAMES]
        for _ in range(rounds):
            door.take(bundles)
            begun = time.perf_counter()
            for follower in followers:
                while follower.step():
                    pass
            rates.append(bundles * load.SIZE / (time.perf_counter() - begun))
            alone.append(_alone(door.hub))
    yield against(name, median(rates), "resources/s", "one-a-transaction", median(alone))
    with closing(Door(folder, database, followers=True)) as door:
        door.take(5)
        waits = [_wait(door) for _ in range(rounds * 20)]
    for share, label in ((0.5, "p50"), (0.99, "p99")):
        yield against(f"{name}.latency.{label}", percentile(waits, share) * 1e3, "ms", "goal", 50)


def _alone(hub: Hub) -> float:
    """Read one event and move a position, in one transaction each: what a follower costs that takes events one by one."""
    begun = time.perf_counter()
    for position in range(1, ALONE + 1):
        with hub.store.write() as tx:
            hub.store.event(tx, position)
            hub.store.track(tx, "alone", position)
    return ALONE / (time.perf_counter() - begun)


def _wait(door: Door) -> float:
    """Append, and wait until the rows of all followers have moved past it."""
    door.take(1)
    head, begun = door.head(), time.perf_counter()
    while door.fed() < head:
        time.sleep(0.001)
    return time.perf_counter() - begun
