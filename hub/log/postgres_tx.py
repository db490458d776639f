"""A transaction over one connection to PostgreSQL: statements in the hub's dialect, rows that go as arrays, and the limits of a connection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.raw_cursor import RawCursor

from hub.log.dialect import ARRAYS, BYTEA, INT8, TEXT, UUIDS, array, numbered
from hub.log.store import Tx

CONNECT, LOCK, STATEMENT, IDLE, MIGRATION = 5, 30, 120, 60, 3_600
"""Seconds at most: to connect, to wait for a lock, for a statement, for a transaction in which nothing happens; for a table to be made anew.

A transaction in which nothing happens may hold the log's lock: no hub that hangs holds up the others for longer."""
LOST = 20
"""Seconds after which a network that swallows everything counts as broken, on both sides."""
EVENTS = "events"
_PUT = (
    "INSERT INTO events SELECT p, s, v, t, b, l FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::text[], $5::bytea[], $6::bytea[])"
    " AS x(p, s, v, t, b, l)"
)


class _Array:
    """An array in binary form, with the kind of its elements."""

    __slots__ = ("raw",)

    def __init__(self, kind: int, values: Sequence[Any]) -> None:
        self.raw = array(kind, values)


class _Ints(_Array):
    __slots__ = ()


class _Bytes(_Array):
    __slots__ = ()


class Uuids(_Array):
    """An array of streams."""

    __slots__ = ()


class Texts(_Array):
    """An array of texts."""

    __slots__ = ()


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: _Array) -> bytes:
        return obj.raw


class _IntsDumper(_ArrayDumper):
    oid = ARRAYS[INT8]


class _BytesDumper(_ArrayDumper):
    oid = ARRAYS[BYTEA]


class _UuidsDumper(_ArrayDumper):
    oid = ARRAYS[UUIDS]


class _TextsDumper(_ArrayDumper):
    oid = ARRAYS[TEXT]


_KINDS: dict[str, tuple[int, type[_Array]]] = {"bigint": (INT8, _Ints), "bytea": (BYTEA, _Bytes), "text": (TEXT, Texts)}


def _array(values: Sequence[Any]) -> _Array:
    first = values[0]
    kind, form = _KINDS["bytea" if isinstance(first, bytes) else "text" if isinstance(first, str) else "bigint"]
    return form(kind, values)


class PostgresTx(Tx):
    """A transaction over one connection."""

    __slots__ = ("cursor", "kinds", "locked", "waiting")

    def __init__(self, cursor: RawCursor[Any], kinds: dict[str, dict[str, str]]) -> None:
        super().__init__()
        self.cursor, self.kinds = cursor, kinds
        self.locked: int | None = None
        """The last position, once the log is locked."""
        self.waiting: dict[tuple[str, tuple[str, ...], str], list[Sequence[Any]]] = {}
        """Rows to insert: nothing sees them before the next statement, so that several submissions of a group go in one step."""

    def run(self, sql: str, params: Sequence[Any] = ()) -> None:
        """Execute one statement that changes rows."""
        self.flush()
        self.writes += 1
        self.cursor.execute(numbered(sql), params)

    def all(self, sql: str, params: Sequence[Any] = ()) -> list[Any]:
        """Give all rows."""
        self.flush()
        return self.cursor.execute(numbered(sql), params).fetchall()

    def one(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """Give the first row, or None."""
        self.flush()
        return self.cursor.execute(numbered(sql), params).fetchone()

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], then: str = "") -> None:
        """Insert many rows before the next statement, in one step a table."""
        if rows:
            self.writes += 1
            self.waiting.setdefault((table, tuple(columns), then), []).extend(rows)

    def flush(self) -> None:
        """Insert what waits, as one array a column."""
        if not self.waiting:
            return
        waiting, self.waiting = self.waiting, {}
        for (table, columns, then), rows in waiting.items():
            if table == EVENTS:
                put(self.cursor, rows)  # type: ignore[arg-type]  # whoever inserts into EVENTS gives its six columns
                continue
            kinds = [_KINDS[self.kinds[table][name.strip('"')]] for name in columns]
            arrays = [form(kind, values) for (kind, form), values in zip(kinds, zip(*rows, strict=True), strict=True)]
            self.cursor.execute(_bulk(table, columns, tuple(k for k, _ in kinds), then), arrays)

    def each(self, sql: str, names: Iterable[Any], params: Sequence[Any] = (), then: str = "") -> list[Any]:
        """Give all rows of a statement that ends in `IN`, for any number of names, in one step."""
        wanted = list(names)
        return self.all(f"{sql.removesuffix('IN')}= ANY(?){then}", (_array(wanted), *params)) if wanted else []


@lru_cache(256)
def _bulk(table: str, columns: tuple[str, ...], kinds: tuple[int, ...], then: str) -> str:
    names = {INT8: "bigint", BYTEA: "bytea", TEXT: "text"}
    arrays = ", ".join(f"${i}::{names[kind]}[]" for i, kind in enumerate(kinds, 1))
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays}) {then}"


NETWORK: dict[str, Any] = {
    "connect_timeout": CONNECT, "tcp_user_timeout": LOST * 1_000, "keepalives_idle": LOST // 2, "keepalives_interval": LOST // 4,
    "keepalives_count": 2,
}  # fmt: skip


def configured(connection: psycopg.Connection[Any]) -> None:
    """Set the limits of a connection."""
    connection.autocommit = True
    connection.adapters.register_dumper(_Ints, _IntsDumper)
    connection.adapters.register_dumper(_Bytes, _BytesDumper)
    connection.adapters.register_dumper(Texts, _TextsDumper)
    connection.adapters.register_dumper(Uuids, _UuidsDumper)
    connection.execute(
        f"SET statement_timeout='{STATEMENT}s'; SET lock_timeout='{LOCK}s'; SET idle_in_transaction_session_timeout='{IDLE}s';"
        f" SET tcp_user_timeout='{LOST}s'; SET tcp_keepalives_idle={LOST // 2}; SET tcp_keepalives_interval={LOST // 4}; SET tcp_keepalives_count=2;"
        " SET timezone='UTC'; SET client_min_messages=warning; SET synchronous_commit=on"
    )


def put(cursor: RawCursor[Any], rows: Sequence[tuple[int, bytes, int, str, bytes, bytes]]) -> None:
    """Insert events (position, stream, version, topic, state, leaf) in one step."""
    positions, streams, versions, topics, states, leaves = zip(*rows, strict=True)
    cursor.execute(
        _PUT,
        (
            _Ints(INT8, positions), Uuids(UUIDS, streams), _Ints(INT8, versions), Texts(TEXT, topics), _Bytes(BYTEA, states), _Bytes(BYTEA, leaves),
        ),
    )  # fmt: skip
