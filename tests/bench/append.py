"""Appending alone: events of 2 KB that are sealed already, beside the same rows inserted raw and beside the library's own recorder.

`WRITERS x EVENTS`: so many threads, each appending so many events as one submission and waiting for its answer. All with the same durability.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import local
from uuid import uuid4

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore
from psycopg.conninfo import conninfo_to_dict

from hub.log.envelope import Header
from hub.log.event import NewEvent
from hub.log.opening import open_store
from hub.log.store import Store
from hub.names import event_id
from hub.writer import Proposal, Writer
from schemas.events import RESOURCE_RECORDED
from tests.bench.figures import Figure, against, median, percentile

SIZE = 2_048
LOADS = ((16, 50), (16, 1), (1, 1), (1, 20), (1, 100))
_COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)


@dataclass(frozen=True, slots=True)
class Load:
    """What one round took: events a second, seconds of each answer."""

    rate: float
    waits: tuple[float, ...]


class _NoKeys:
    def store_fresh(self, used: Iterable[bytes] = ()) -> None:
        """There are none: what is appended here is sealed already."""


Once = Callable[[int], None]
"""Appends so many events as one submission."""


def _round(once: Once, writers: int, each: int, seconds: float) -> Load:
    def work(_: int) -> list[float]:
        waits, end = [], time.perf_counter() + seconds
        while (begun := time.perf_counter()) < end:
            once(each)
            waits.append(time.perf_counter() - begun)
        return waits

    begun = time.perf_counter()
    with ThreadPoolExecutor(writers) as pool:
        waits = [w for one in pool.map(work, range(writers)) for w in one]
    return Load(len(waits) * each / (time.perf_counter() - begun), tuple(waits))


def _ours(store: Store) -> tuple[Once, Callable[[], None]]:
    writer = Writer(store, _NoKeys(), lambda tx, recorded: None)  # type: ignore[arg-type]  # no body is sealed here: no key is asked for
    body = os.urandom(SIZE)
    header = Header(
        event_id(0), bytes(16), 0, 0, 1, 0, "main", "1319000011", "Observation", bytes(16), bytes(16), bytes(16), bytes(32), "N", ()
    )

    def once(count: int) -> None:
        events = [NewEvent(os.urandom(16), RESOURCE_RECORDED, header, body, version=1) for _ in range(count)]
        writer.submit(Proposal(os.urandom(16), events)).result()

    def close() -> None:
        writer.close()
        store.close()

    return once, close


def _stock(recorder: SQLiteApplicationRecorder | PostgresApplicationRecorder) -> Once:
    body = os.urandom(SIZE + 180)  # with the header, as ours

    def once(count: int) -> None:
        recorder.insert_events([StoredEvent(uuid4(), 1, RESOURCE_RECORDED, body) for _ in range(count)])

    return once


def _stock_postgres(url: str) -> tuple[Once, Callable[[], None]]:
    told = conninfo_to_dict(url)
    store = PostgresDatastore(
        dbname=str(told["dbname"]), host=str(told["host"]), port=str(told["port"]), user=str(told["user"]), password="", pool_size=16,
        max_overflow=4, connect_timeout=60, originator_id_type="uuid", enable_db_functions=False,
    )  # fmt: skip
    recorder = PostgresApplicationRecorder(store, events_table_name="stock")
    recorder.create_table()
    return _stock(recorder), store.close


def _stock_sqlite(folder: Path) -> tuple[Once, Callable[[], None]]:
    store = SQLiteDatastore(str(folder / "stock.db"), lock_timeout=60, pool_size=4, max_overflow=20)
    recorder = SQLiteApplicationRecorder(store, events_table_name="stock")
    recorder.create_table()
    return _stock(recorder), store.close


def _copy(url: str) -> tuple[Once, Callable[[], None]]:
    """Give a COPY of the same rows into a table without index, lock or counter, one connection a thread."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("CREATE TABLE IF NOT EXISTS raw (id bytea, version bigint, topic text, state bytea, leaf bytea)")
        db.execute("ALTER TABLE raw ALTER COLUMN state SET STORAGE EXTERNAL")
    kept, made = local(), []
    row = b"".join(
        struct.pack(">i", len(f)) + f for f in (bytes(16), bytes(8), RESOURCE_RECORDED.encode(), os.urandom(SIZE + 180), bytes(32))
    )

    def once(count: int) -> None:
        if not hasattr(kept, "db"):
            kept.db = psycopg.connect(url)
            made.append(kept.db)
        with kept.db.cursor() as cursor, cursor.copy("COPY raw FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(_COPY_HEAD + (struct.pack(">h", 5) + row) * count + b"\xff\xff")
        kept.db.commit()

    return once, lambda: [db.close() for db in made] and None


def _raw(folder: Path) -> tuple[Once, Callable[[], None]]:
    """Give an insert of the same rows into an equal table of SQLite: write-ahead log, synchronous=FULL."""
    kept, made, body = local(), [], os.urandom(SIZE + 180)
    with closing(sqlite3.connect(folder / "bare.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute(
            "CREATE TABLE raw (position INTEGER PRIMARY KEY, id TEXT, version INTEGER, topic TEXT, state BLOB, leaf BLOB, UNIQUE (id, version))"
        )

    def once(count: int) -> None:
        if not hasattr(kept, "db"):
            kept.db = sqlite3.connect(folder / "bare.db", isolation_level=None, timeout=60, check_same_thread=False)
            kept.db.execute("PRAGMA synchronous=FULL")
            made.append(kept.db)
        kept.db.execute("BEGIN IMMEDIATE")
        rows = [(os.urandom(16).hex(), 1, RESOURCE_RECORDED, body, bytes(32)) for _ in range(count)]
        kept.db.executemany("INSERT INTO raw (id, version, topic, state, leaf) VALUES (?,?,?,?,?)", rows)
        kept.db.execute("COMMIT")

    return once, lambda: [db.close() for db in made] and None


def postgres(url: str, rounds: int, seconds: float) -> Iterator[Figure]:
    """Measure on PostgreSQL; the names that begin with `log.append` alone are these."""
    ways = {"ours": _ours(open_store(url)), "copy": _copy(url), "stock": _stock_postgres(url)}
    yield from _compared("log.append", ways, "copy", rounds, seconds)


def sqlite(folder: Path, rounds: int, seconds: float) -> Iterator[Figure]:
    """Measure on SQLite."""
    ways = {"ours": _ours(open_store(folder / "ours.db")), "raw": _raw(folder), "stock": _stock_sqlite(folder)}
    yield from _compared("log.append.sqlite", ways, "raw", rounds, seconds)


def _compared(name: str, ways: dict[str, tuple[Once, Callable[[], None]]], raw: str, rounds: int, seconds: float) -> Iterator[Figure]:
    try:
        for writers, each in LOADS:
            took: dict[str, list[Load]] = {way: [] for way in ways}
            for _ in range(rounds):
                for way, (once, _close) in ways.items():
                    took[way].append(_round(once, writers, each, seconds))
            rates = {way: median(load.rate for load in loads) for way, loads in took.items()}
            here = f"{name}.{writers}x{each}"
            for other in (raw, "stock"):
                ratio = median(ours.rate / theirs.rate for ours, theirs in zip(took["ours"], took[other], strict=True))
                yield against(f"{here}.vs_{other}", rates["ours"], "events/s", other, rates[other], ratio)
            waits = [w for load in took["ours"] for w in load.waits]
            others = [w for load in took["stock"] for w in load.waits]
            yield against(f"{here}.p99", percentile(waits, 0.99) * 1e3, "ms", "stock", percentile(others, 0.99) * 1e3)
    finally:
        for _once, close in ways.values():
            close()
