"""What an event costs in CPU alone: compress and seal, open, leaf hash, its share of the tree. Beside one SHA-256 over its bytes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import orjson

from hub.log.keys import Keyring
from hub.log.merkle import Tree, event_leaf
from hub.log.seal import open_body, seal_body
from tests.bench.figures import Figure, against, median
from tests.bench.load import Chart

COUNT = 2_000


def figures(folder: Path, rounds: int) -> Iterator[Figure]:
    """Measure on the resources of one patient."""
    with closing(Keyring(folder / "costs.keys", os.urandom(32))) as keys:
        yield from _of(keys, rounds)


def _of(keys: Keyring, rounds: int) -> Iterator[Figure]:
    texts = [orjson.dumps(r) for r in Chart("costs").resources()]
    key = keys.of(os.urandom(16), "main")
    place = {"stream": bytes(16), "event": bytes(16)}
    sealed = [seal_body(key, t, **place) for t in texts]
    leaves = [os.urandom(32) for _ in texts]
    tree = Tree()
    works: dict[str, Callable[[int], object]] = {
        "seal": lambda i: seal_body(key, texts[i], **place),
        "open": lambda i: open_body(key, sealed[i], **place),
        "leaf": lambda i: event_leaf(position=i, stream=bytes(16), version=1, topic="resource-recorded.v1", state=sealed[i]),
        "tree": lambda i: tree.append(leaves[i]),
    }
    plain = [_time(lambda i: sha256(texts[i]).digest(), len(texts)) for _ in range(rounds)]
    for name, work in works.items():
        took = [_time(work, len(texts)) for _ in range(rounds)]
        yield against(f"log.cost.{name}", median(took) * 1e6, "µs/event", "sha256", median(plain) * 1e6)


def _time(work: Callable[[int], object], texts: int) -> float:
    begun = time.perf_counter()
    for i in range(COUNT):
        work(i % texts)
    return (time.perf_counter() - begun) / COUNT
