"""Transactions over HTTP: Bundles a second at one client and at sixteen, beside what the same bytes cost at least."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.client import Run, load, request, run
from tests.bench.figures import Figure, against, median, percentile
from tests.bench.process import Served
from tests.bench.yardsticks import Measured, check, cut, insert, raw_table

GOAL = 117
"""Bundles of 50 resources a second, at one client, on one core, with everything on: half of what a bare write path of the same make reached."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure. `most` = Bundles that a second could take at most, so that enough are made."""

    rounds: int
    seconds: float
    yardstick: int
    """Bundles that a round of a yardstick takes."""
    most: int = 250


@dataclass(frozen=True, slots=True)
class Round:
    """One round of the hub with the yardsticks taken just before it."""

    run: Run
    cpu: float
    check: Measured
    insert: Measured
    resources: float
    """Resources a Bundle."""


def rounds(served: Served, token: str, folder: Path, plan: Plan, clients: int, draw: Callable[[], bytes]) -> Iterator[Round]:
    """Measure in turns: yardsticks, then the hub. `draw` gives a Bundle that was never given before."""
    with raw_table(folder) as db:
        _once(served, token, [draw() for _ in range(10)], clients, 5.0)  # what is made at first use is made now
        for _ in range(plan.rounds):
            bundles = [draw() for _ in range(int(plan.most * plan.seconds))]
            few = bundles[: plan.yardstick]
            bodies = [cut(raw) for raw in few]
            yard = check(few), insert(db, bodies)
            done, cpu = _once(served, token, bundles, clients, plan.seconds)
            yield Round(done, cpu, *yard, sum(len(b) for b in bodies) / len(bodies))
    for file in folder.glob("raw.db*"):
        file.unlink()


def _once(served: Served, token: str, bundles: list[bytes], clients: int, seconds: float) -> tuple[Run, float]:
    """Send for so long; give the run, and the CPU seconds that the hub took until its followers had rested."""
    requests = [request("POST", "/fhir", token=token, body=raw) for raw in bundles]
    before = served.cpu()
    done: Run = run(load(served.port, requests, clients, seconds))
    _rest(served)
    return done, served.cpu() - before


def _rest(served: Served) -> None:
    """Wait until the hub has done what it does after the answer: its CPU time stands still."""
    last = served.cpu()
    for _ in range(100):
        time.sleep(0.2)
        now = served.cpu()
        if now - last < 0.02:
            return
        last = now


def figures(name: str, measured: list[Round], *, goal: bool = False) -> Iterator[Figure]:
    """Give the lines of one load: medians over its rounds; latencies over all requests."""
    rate = median(r.run.rate for r in measured)
    checked, inserted = median(r.check.rate for r in measured), median(r.insert.rate for r in measured)
    to_check = median(r.run.rate / r.check.rate for r in measured)
    yield against(name, rate, "Bundles/s", "check-alone", checked, to_check)
    yield against(f"{name}.insert", rate, "Bundles/s", "raw-insert", inserted, median(r.run.rate / r.insert.rate for r in measured))
    if goal:
        yield against(f"{name}.goal", rate, "Bundles/s", "goal", GOAL)
    each = [r.resources for r in measured]
    yield against(
        f"{name}.resources",
        median(r.run.rate * r.resources for r in measured),
        "resources/s",
        "check-alone",
        checked * median(each),
        to_check,
    )
    latencies = [s for r in measured for s in r.run.latencies]
    for share, label in ((0.5, "p50"), (0.99, "p99")):
        yield against(f"{name}.{label}", percentile(latencies, share) * 1e3, "ms", "check-alone", 1e3 / checked)
    cpu = median(r.cpu / len(r.run.latencies) for r in measured) * 1e3
    yield against(f"{name}.cpu", cpu, "ms/Bundle", "check-alone", median(r.check.cpu for r in measured) * 1e3)
