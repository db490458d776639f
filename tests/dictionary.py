"""`python -m tests.dictionary FILE`: trains a dictionary for sealed bodies on the demo's invented region, as its organizations hand it in.

A dictionary that bodies were sealed with is kept for ever (`hub/log/data`): a new one gets a number of its own beside the old.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path

import zstandard

from hub.assemble import DATABASE, KeyPlace
from hub.log.event import open_event
from hub.log.opening import open_store
from hub.log.unlocking import open_keys

SIZE = 64 * 1024
SEEDS = 6


def bodies(seed: int) -> list[bytes]:
    """Give every body that a demo of this seed seals."""
    with tempfile.TemporaryDirectory(prefix="tsunagu-dictionary-") as folder:
        demo = subprocess.Popen(
            [sys.executable, "-m", "hub.cli.main", "demo", "--json", "--data", folder, "--seed", str(seed)], stdout=subprocess.PIPE
        )
        assert demo.stdout is not None
        demo.stdout.readline()
        demo.terminate()
        demo.wait(timeout=60)
        store = open_store(Path(folder) / DATABASE)
        _, keys = open_keys(KeyPlace.under(Path(folder)), begun=True)
        with store.read() as tx:
            found = [open_event(keys, e) for e in store.events(tx, 0, 1_000_000)]
        store.close()
        keys.close()
    return [b for b in found if b]


def main() -> None:
    """Train and write."""
    samples = [b for seed in range(1, SEEDS + 1) for b in bodies(seed)]
    random.Random(1).shuffle(samples)
    made = zstandard.train_dictionary(SIZE, samples, level=3, dict_id=int(sys.argv[2]) if sys.argv[2:] else 1)
    Path(sys.argv[1]).write_bytes(made.as_bytes())
    print(f"{len(samples)} bodies, {sum(map(len, samples)):,} bytes; dictionary {made.dict_id()}, {len(made.as_bytes()):,} bytes")


if __name__ == "__main__":
    main()
