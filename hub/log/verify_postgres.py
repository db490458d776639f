"""What the checker reads of a PostgreSQL database: with rights to read alone, in one snapshot, row after row."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg import IsolationLevel

from hub.log.verify import Head, Item, merged, stored

CONNECT = 5
"""Seconds to connect at most."""
BATCH = 500
_EVENTS = "SELECT position, leaf, uuid_send(originator_id), originator_version, topic, state FROM events ORDER BY position"
_HEADS = """SELECT size, note || coalesce((SELECT string_agg(line, '' ORDER BY witness) FROM cosignatures c WHERE c.size = h.size), '')
FROM checkpoints h ORDER BY size"""


class Unread(Exception):
    """The database cannot be read; `bare` = it answers, and holds no log."""

    def __init__(self, *, bare: bool) -> None:
        super().__init__(bare)
        self.bare = bare


def of_postgres(url: str) -> Iterator[Item]:
    """Read a database as it stands at one moment, beside hubs that use it. Raises Unread."""
    try:
        yield from _read(url)
    except psycopg.Error as fault:
        raise Unread(bare=isinstance(fault, psycopg.errors.UndefinedTable)) from fault


def _read(url: str) -> Iterator[Item]:
    with psycopg.connect(url, connect_timeout=CONNECT) as connection:
        connection.read_only, connection.isolation_level = True, IsolationLevel.REPEATABLE_READ
        with connection.cursor("heads") as heads, connection.cursor("events") as events:
            heads.itersize = events.itersize = BATCH
            heads.execute(_HEADS)
            events.execute(_EVENTS, binary=True)
            rows = ((p, stored(p, h, s, v, t, b)) for p, h, s, v, t, b in events)
            yield from merged(rows, (Head(size, note) for size, note in heads))
