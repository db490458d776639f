"""Disk that a resource takes: log, tables, indexes, proofs and the record of decisions together, beside the goal of 4 kB."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg

from tests.bench.figures import Figure, against

GOAL = 4_000
_COUNT = "SELECT count(*) FROM resources"


def of_sqlite(home: Path) -> Iterator[Figure]:
    """Measure the file of a hub that was ended in good order."""
    with closing(sqlite3.connect(home / "hub.db")) as db:
        count = db.execute(_COUNT).fetchone()[0]
    size = sum(f.stat().st_size for f in home.glob("hub.db*"))
    yield against("disk.resource", size / count, "B/resource", "goal", GOAL)


def of_postgres(url: str) -> Iterator[Figure]:
    """Measure a database without its write-ahead log, which the server keeps to a size that is set."""
    with psycopg.connect(url, autocommit=True) as db:
        size, empty, count = (
            db.execute(sql).fetchone()[0]
            for sql in ("SELECT pg_database_size(current_database())", "SELECT pg_database_size('template1')", _COUNT)
        )
    yield against("disk.pg.resource", (size - empty) / count, "B/resource", "goal", GOAL)
