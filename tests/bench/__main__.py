"""`python -m tests.bench [--quick]`: the table of figures on standard output, `name value unit ratio yardstick`; what is under way on standard error."""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from schemas.fhir.warm import warm
from tests.bench import append, audit, costs, decision, disk, followers, glass, ingest, load, memory, replay, views
from tests.bench.client import NotTaken
from tests.bench.database import database
from tests.bench.figures import Figure, line
from tests.bench.ingest import Plan
from tests.bench.process import Served, served
from tests.bench.region import HOSPITAL
from tests.bench.synthea import FOLDER, Synthea

FULL = Plan(rounds=5, seconds=6.0, yardstick=60)
QUICK = Plan(rounds=3, seconds=1.0, yardstick=20)


def main() -> int:
    """Measure and print, figures as they come; give 1 when a load was refused."""
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("--quick", action="store_true", help="the same table in about two minutes, with fewer and shorter rounds")
    options.add_argument(
        "--only", choices=("ingest", "postgres", "append", "followers", "replay", "views", "decision", "audit"), help="one part alone"
    )
    options.add_argument("--events", type=int, default=0, help="events of the log that is replayed (5,000, or 100,000 without --quick)")
    options.add_argument("--data", type=Path, help="folder for the databases, on the disk that is to be measured (a temporary one)")
    chosen = options.parse_args()
    if not Path("/proc/self/stat").exists():
        print("the benchmark reads CPU time and memory from /proc: it needs Linux", file=sys.stderr)
        return 1
    begun = time.monotonic()
    plan = QUICK if chosen.quick else FULL
    warm()
    with tempfile.TemporaryDirectory(prefix="tsunagu-bench-", dir=chosen.data) as folder:
        whole = True
        for figure in measure(Path(folder), plan, chosen.only or "", chosen.events or (5_000 if chosen.quick else 100_000)):
            print(line(figure), flush=True)
            whole = whole and not figure.yardstick.startswith("refused")
    _say(f"{time.monotonic() - begun:.0f} s")
    return 0 if whole else 1


def measure(folder: Path, plan: Plan, only: str, events: int) -> Iterator[Figure]:
    """Give all figures, or those of one part."""
    if only in {"", "decision"}:
        _say("decisions")
        yield from decision.figures(plan.rounds)
    if only in {"", "audit"}:
        yield from _audit(folder, plan)
    if only in {"", "ingest"}:
        (home := folder / "ingest").mkdir()
        with served(home) as hub:
            yield from _ingest(hub, home, plan)
            yield from memory.figures(hub)
        yield from disk.of_sqlite(home)
    if only in {"", "append"}:
        yield from costs.figures(folder, plan.rounds)
        yield from _append(folder, plan)
    if only in {"", "followers"}:
        yield from _followers(folder, plan)
    if only in {"", "replay"}:
        _say(f"replay of {events:,} events")
        (home := folder / "replay").mkdir()
        yield from replay.figures(home, 1 if events > 10_000 else plan.rounds, events)
    if only in {"", "postgres"}:
        yield from _postgres(folder, plan)
    if only in {"", "views"}:
        (home := folder / "views").mkdir()
        yield from _views(home, plan)


def _audit(folder: Path, plan: Plan) -> Iterator[Figure]:
    quick = plan is QUICK
    _say("the print for the person")
    (home := folder / "print").mkdir()
    yield from audit.printing(home, plan.rounds)
    millions = 1 if quick else 10
    _say(f"the scope of a breach over {millions} million decisions")
    (home := folder / "breach").mkdir()
    yield from audit.scope(home, plan.rounds if quick else 1, millions)


def _ingest(hub: Served, home: Path, plan: Plan) -> Iterator[Figure]:
    token, serial = hub.tokens[HOSPITAL], itertools.count()

    def draw() -> bytes:
        return load.bundle(str(next(serial)))

    for clients in (1, 16):
        _say(f"bundles of {load.SIZE} resources, clients: {clients}")
        rounds = list(ingest.rounds(hub, token, home, plan, clients, draw))
        yield from ingest.figures(f"ingest.bundle50.c{clients}", rounds, goal=clients == 1)
    synthea = Synthea()
    if not synthea.there:
        _say(f"synthea: skipped, there is no {FOLDER}")
        yield Figure("ingest.synthea.c1", math.nan, "Bundles/s", math.nan, "skipped")
        return
    _say("synthea, clients: 1")
    slow = Plan(plan.rounds, plan.seconds, max(9, plan.yardstick // 3), most=60)
    try:
        synthea.seed(hub, token)
        rounds = list(ingest.rounds(hub, token, home, slow, 1, synthea.draw))
    except NotTaken as refused:
        _say(f"synthea: {refused}")
        yield Figure("ingest.synthea.c1", math.nan, "Bundles/s", math.nan, f"refused:{refused.rule}")
        return
    yield from ingest.figures("ingest.synthea.c1", rounds)


def _append(folder: Path, plan: Plan) -> Iterator[Figure]:
    _say("appending to SQLite")
    (home := folder / "append").mkdir()
    yield from append.sqlite(home, plan.rounds, plan.seconds / 4)
    with database(folder / "pg-append") as cluster:
        if cluster is None:
            _say("PostgreSQL: skipped, it is not installed")
            yield Figure("log.append.16x50.vs_copy", math.nan, "events/s", math.nan, "skipped")
            return
        _say("appending to PostgreSQL")
        yield from append.postgres(cluster.local(cluster.new()), plan.rounds, plan.seconds / 4)


def _followers(folder: Path, plan: Plan) -> Iterator[Figure]:
    _say("followers")
    bundles = int(20 * plan.seconds)
    yield from followers.figures("followers.rows.sqlite", folder / "followers", "", plan.rounds, bundles)
    with database(folder / "pg-followers") as cluster:
        if cluster is None:
            yield Figure("followers.rows", math.nan, "resources/s", math.nan, "skipped")
            return
        yield from followers.figures("followers.rows", folder / "followers-pg", cluster.local(cluster.new()), plan.rounds, bundles)


def _postgres(folder: Path, plan: Plan) -> Iterator[Figure]:
    with database(folder / "pg-ingest") as cluster:
        if cluster is None:
            yield Figure("ingest.pg.bundle50.c1", math.nan, "Bundles/s", math.nan, "skipped")
            return
        for processes, loads in ((1, (1, 4, 16)), (2, (16,))):
            (home := folder / f"pg-{processes}").mkdir()
            url, serial = cluster.local(cluster.new()), itertools.count()

            def draw(serial: itertools.count[int] = serial) -> bytes:
                return load.bundle(str(next(serial)))

            with served(home, url, processes) as hub:
                for clients in loads:
                    _say(f"PostgreSQL, processes: {processes}, clients: {clients}")
                    name = f"ingest.pg.bundle50.c{clients}" + (f".{processes}proc" if processes > 1 else "")
                    rounds = list(ingest.rounds(hub, hub.tokens[HOSPITAL], home, plan, clients, draw))
                    yield from ingest.figures(name, rounds)
            if processes == 1:
                yield from disk.of_postgres(url)


def _views(home: Path, plan: Plan) -> Iterator[Figure]:
    with served(home) as hub:
        _say(f"{views.COUNT} stays through the door")
        views.feed(hub)
        found = views.views(hub)
        _say("views")
        for _ in range(plan.rounds):
            found = [views.measure(hub, v, plan.seconds / 2) for v in found]
        glass.withdraw(hub)
    yield from views.figures(found, views.opening(home, plan.rounds))
    _say("breaking the glass")
    yield from glass.figures(home, plan.rounds)


def _say(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
