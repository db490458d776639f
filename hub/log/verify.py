"""Recomputes everything from stored bytes and trusts nothing else: leaves, order, roots, signatures. Shares only the hash rules with the writer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hub.log.merkle import Tree, event_leaf
from hub.log.notes import Checkpoint, verify


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit, and at which position."""

    what: str
    position: int = 0


@dataclass(frozen=True, slots=True)
class Verified:
    """What was recomputed: events, root over all of them, checkpoints that fit, and all that does not."""

    size: int
    root: bytes
    checkpoints: int
    findings: tuple[Finding, ...]


def verify_file(database: Path, verifier: str, outside: str = "") -> Verified:
    """Check a database (opened read-only) against its signed checkpoints and one kept outside.

    `verifier` is the public key as text (signed-note vkey); `outside` is a signed note that a witness or the operator kept.
    """
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        connection.execute("BEGIN")
        notes = [(row[0], row[1]) for row in connection.execute("SELECT size, note FROM checkpoints ORDER BY size")]
        if outside:
            notes.append((-1, outside))
        findings: list[Finding] = []
        points: dict[int, list[Checkpoint]] = {}
        for size, note in notes:
            point = verify(note, verifier)
            if point is None or size not in {-1, point.size}:
                findings.append(Finding("signature", max(size, 0)))
            else:
                points.setdefault(point.size, []).append(point)
        tree = Tree()
        fitting = 0
        versions: dict[bytes, int] = {}
        for position, stream, version, topic, state, leaf in _rows(connection):
            made = event_leaf(position=position, stream=stream, version=version, topic=topic, state=state)
            if position != tree.size + 1:
                findings.append(Finding("order", position))
            if version != versions.get(stream, 0) + 1:
                findings.append(Finding("version", position))
            if made != leaf:
                findings.append(Finding("leaf", position))
            versions[stream] = version
            tree.append(made)
            for point in points.pop(tree.size, ()):
                fitting += point.root == tree.root
                if point.root != tree.root:
                    findings.append(Finding("root", point.size))
        findings += [Finding("missing", size) for size in sorted(points)]
    finally:
        connection.close()
    return Verified(tree.size, tree.root, fitting, tuple(findings))


def _rows(connection: sqlite3.Connection) -> Iterator[tuple[int, bytes, int, str, bytes, bytes]]:
    query = "SELECT position, originator_id, originator_version, topic, state, leaf FROM events ORDER BY position"
    for position, stream, version, topic, state, leaf in connection.execute(query):
        yield position, bytes.fromhex(stream), version, topic, state, leaf
