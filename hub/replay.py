"""Rebuilds every table from nothing but the log and the keys, beside the running hub, and compares the two row for row."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from consent.network import default_network
from hub.followers.feeds import Feeding
from hub.gate import Gate
from hub.log.keys import Keyring
from hub.log.merkle import event_leaf
from hub.log.secrets import Secrets
from hub.log.sqlite import SqliteStore
from hub.log.store import Store
from hub.log.unlocking import KeyPlace, open_keys
from hub.region import Region
from hub.tables.all import REBUILT, SCHEMA, apply, rows_of
from hub.writer import Writer
from schemas.errors import Broken

BATCH = 500


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay made: events read, rows by table, tables that differ (with the number of differing rows)."""

    events: int
    rows: Mapping[str, int]
    differing: Mapping[str, int]


def replay(*, database: Path, keys: KeyPlace, region: Region, work: Path) -> Replayed:
    """Replay a consistent copy of the log into `work` (an empty folder) and compare its tables with the copy's own."""
    snapshot, fresh = work / "snapshot.db", work / "fresh.db"
    _copy(database, snapshot)
    secrets, keyring = open_keys(keys, begun=True)
    old, new = SqliteStore(snapshot), SqliteStore(fresh, tables=SCHEMA)
    writer = Writer(new, keyring, apply)
    try:
        gate = Gate(
            store=new,
            keys=keyring,
            secrets=secrets,
            writer=writer,
            network=default_network(),
            now=lambda: datetime.now(UTC),
            proof=object(),
        )
        feeding = Feeding(store=new, keys=keyring, writer=writer, gate=gate, region=region, rung=lambda: None)
        count = _rebuild(old, new, keyring, secrets, feeding)
    finally:
        writer.close()
        old.close()
        new.close()
        keyring.close()
    rows, differing = _compared(snapshot, fresh)
    return Replayed(count, rows, differing)


def _copy(source: Path, target: Path) -> None:
    if not source.exists():
        raise Broken("HUB-5016", where=source.name)
    with sqlite3.connect(f"file:{source}?mode=ro", uri=True) as one, sqlite3.connect(target) as two:
        one.backup(two)
    one.close()
    two.close()


def _rebuild(old: Store, new: Store, keys: Keyring, secrets: Secrets, feeding: Feeding) -> int:
    """Move the tables event by event, and the feeds up to where the old hub's had come."""
    count = 0
    with old.read() as tx:
        fed = old.position_of(tx, feeding.name)
        head = old.head(tx)
    while count < head:
        with old.read() as tx:
            batch = old.events(tx, count, BATCH)
            raw = tx.all("SELECT * FROM events WHERE position>? ORDER BY position LIMIT ?", (count, BATCH))
        if not batch:
            raise Broken("HUB-5008")
        with new.write() as tx:
            for position, stream, version, topic, state, _ in raw:
                leaf = event_leaf(position=position, stream=bytes.fromhex(stream), version=version, topic=topic, state=state)
                tx.run("INSERT INTO events VALUES (?,?,?,?,?,?)", (position, stream, version, topic, state, leaf))
            for one in batch:
                made = type(one)(one.position, one.stream, one.version, one.topic, one.header, one.body, rows_of(one, keys, secrets))
                apply(tx, [made])
        count = batch[-1].position
    with new.write() as tx:
        while (at := new.position_of(tx, feeding.name)) < fed:
            feeding.advance(tx, min(BATCH, fed - at))
    return count


def _compared(snapshot: Path, fresh: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Compare the tables as sets of whole rows, every column included."""
    connection = sqlite3.connect(fresh)
    try:
        connection.execute("ATTACH DATABASE ? AS old", (str(snapshot),))
        rows, differing = {}, {}
        for table in (*REBUILT, "events"):
            rows[table] = int(connection.execute(f"SELECT count(*) FROM main.{table}").fetchone()[0])
            gone = connection.execute(f"SELECT count(*) FROM (SELECT * FROM old.{table} EXCEPT SELECT * FROM main.{table})").fetchone()[0]
            more = connection.execute(f"SELECT count(*) FROM (SELECT * FROM main.{table} EXCEPT SELECT * FROM old.{table})").fetchone()[0]
            if gone or more:
                differing[table] = int(gone + more)
    finally:
        connection.close()
    return rows, differing
