"""What the same bytes cost at least: parse and strict schema alone, and a bare insert into SQLite that is as durable as the hub's."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from schemas.fhir.bundle import read_bundle


@dataclass(frozen=True, slots=True)
class Measured:
    """Bundles a second, and CPU seconds a Bundle."""

    rate: float
    cpu: float


def check(bundles: Sequence[bytes]) -> Measured:
    """Read and check each Bundle, in one thread, and do nothing with it."""
    cpu, begun = time.process_time(), time.perf_counter()
    for raw in bundles:
        read_bundle(raw)
    return Measured(len(bundles) / (time.perf_counter() - begun), (time.process_time() - cpu) / len(bundles))


@contextmanager
def raw_table(folder: Path) -> Iterator[sqlite3.Connection]:
    """Make an empty table in the folder that the hub writes to: write-ahead log, synchronous=FULL."""
    with closing(sqlite3.connect(folder / "raw.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("CREATE TABLE raw (position INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        yield db


def insert(db: sqlite3.Connection, bundles: Sequence[Sequence[bytes]]) -> Measured:
    """Insert the resources of each Bundle, one row each, in one transaction a Bundle."""
    cpu, begun = time.process_time(), time.perf_counter()
    for rows in bundles:
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO raw (body) VALUES (?)", [(r,) for r in rows])
        db.execute("COMMIT")
    return Measured(len(bundles) / (time.perf_counter() - begun), (time.process_time() - cpu) / len(bundles))


def cut(raw: bytes) -> list[bytes]:
    """Give the resources of a Bundle as they were sent."""
    return [e.body.raw for e in read_bundle(raw).entries if e.body is not None]
