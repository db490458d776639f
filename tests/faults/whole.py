"""Looks at a store when all hubs are stopped: every leaf, every version, every signed head, every submission."""

from __future__ import annotations

import itertools
from pathlib import Path

from hub.log.merkle import Tree, event_leaf
from hub.log.notes import verify
from hub.log.opening import open_store


def assert_whole(data: Path, database: str = "") -> int:
    """Compute everything anew from the stored rows; give the number of events."""
    verifier = (data / "checkpoint.pub").read_text(encoding="utf-8").strip()
    published = verify((data / "checkpoint.txt").read_text(encoding="utf-8"), verifier)
    assert published is not None
    store = open_store(database or data / "hub.db")
    try:
        with store.read() as tx:
            points = {p.size: p.root for (note,) in tx.all("SELECT note FROM checkpoints") if (p := verify(note, verifier)) is not None}
            assert len(points) == tx.one("SELECT count(*) FROM checkpoints")[0] >= 1
            points[published.size] = published.root
            tree, versions = Tree(), dict[bytes, int]()
            leaves = {p: bytes(leaf) for p, leaf in tx.all("SELECT position, leaf FROM events")}
            while rows := store.raw(tx, tree.size, 1_000):
                for position, stream, version, topic, state in rows:
                    leaf = event_leaf(position=position, stream=stream, version=version, topic=topic, state=state)
                    assert (position, version, leaf) == (tree.size + 1, versions.get(stream, 0) + 1, leaves[position])
                    versions[stream] = version
                    tree.append(leaf)
                    if tree.size in points:
                        assert points.pop(tree.size) == tree.root
            assert not points
            assert tree.size == store.head(tx) == len(leaves)
            taken = sorted(tx.all("SELECT first, last FROM submissions"))
            assert all(first <= last for first, last in taken)
            assert all(one[1] < two[0] for one, two in itertools.pairwise(taken))
            assert taken[-1][1] <= tree.size
    finally:
        store.close()
    return tree.size
