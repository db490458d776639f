"""Replay: events a second through the tables, and memory as the log grows. `python -m tests.bench.replay FOLDER` replays one and says what it took."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson

from hub.assemble import DATABASE, KeyPlace
from hub.log.event import open_content
from hub.log.opening import open_store
from hub.log.unlocking import open_keys
from hub.replay.checking import replay
from tests.bench.figures import Figure, against, median
from tests.bench.followers import Door
from tests.bench.process import ROOT, memory_of
from tests.bench.region import region

BATCH = 1_000


def figures(folder: Path, rounds: int, events: int) -> Iterator[Figure]:
    """Measure a log of so many events, made through the door, and one of a tenth of them."""
    took = {}
    for name, size in (("small", events // 10), ("large", events)):
        home = folder / name
        with closing(Door(home, "", followers=False)) as door:
            while (head := door.head()) < size:
                door.take(max(1, (size - head) // 52))
        took[name] = [_alone(home) for _ in range(rounds)]
    rates = [t["events"] / t["seconds"] for t in took["large"]]
    reads = [t["events"] / t["reading"] for t in took["large"]]
    ratio = median(a / b for a, b in zip(rates, reads, strict=True))
    yield against("replay.events", median(rates), "events/s", "read-and-open", median(reads), ratio)
    yield against("replay.memory", median(t["peak"] for t in took["large"]), "MB", "tenth", median(t["peak"] for t in took["small"]))


def _alone(home: Path) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-m", "tests.bench.replay", str(home)], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    said: dict[str, float] = orjson.loads(done.stdout)
    return said


def main(home: Path) -> None:
    """Replay, then read and open the same events without any table."""
    keys = KeyPlace.under(home)
    with tempfile.TemporaryDirectory(dir=home) as work:
        begun = time.perf_counter()
        made = replay(database=home / DATABASE, keys=keys, region=region(), work=Path(work))
        seconds = time.perf_counter() - begun
    if made.differing:
        raise RuntimeError(f"rows differ: {dict(made.differing)}")
    peak = memory_of(int(Path("/proc/self").resolve().name), "VmHWM")
    begun = time.perf_counter()
    _read(home, keys)
    print(orjson.dumps({"events": made.events, "seconds": seconds, "reading": time.perf_counter() - begun, "peak": peak}).decode())


def _read(home: Path, keys: KeyPlace) -> None:
    store = open_store(home / DATABASE)
    _, ring = open_keys(keys, begun=True)
    with closing(store), closing(ring), store.read() as tx:
        after = 0
        while batch := store.events(tx, after, BATCH):
            for one in batch:
                open_content(ring, one)
            after = batch[-1].position


if __name__ == "__main__":
    main(Path(sys.argv[1]))
