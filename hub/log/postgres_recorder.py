"""The library's recorder over the hub's own table in PostgreSQL. The hub itself appends by its store; this is the library's way in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.persistence import Notification, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict
from psycopg.raw_cursor import RawCursor
from psycopg.rows import tuple_row
from psycopg.sql import SQL

from hub.log.dialect import TEXT
from hub.log.merkle import event_leaf
from hub.log.postgres_tx import CONNECT, IDLE, LOCK, NETWORK, Texts, configured, put


class Datastore(PostgresDatastore):
    """The library's datastore over a URL, with every wait finite. Its pool serves the library's recorder alone, which the hub does not use."""

    def __init__(self, url: str, *, connections: int = 16) -> None:
        told: dict[str, Any] = dict(conninfo_to_dict(url))
        super().__init__(
            dbname=told.pop("dbname", ""), host=told.pop("host", ""), port=told.pop("port", ""), user=told.pop("user", ""),
            password=told.pop("password", ""), connect_timeout=CONNECT, pool_size=2, max_overflow=connections - 2, lock_timeout=LOCK,
            idle_in_transaction_session_timeout=IDLE, enable_db_functions=False,
        )  # fmt: skip
        assert isinstance(self.pool.kwargs, dict)
        self.url = url
        self.pool.kwargs.update(told, **NETWORK)
        self.pool.kwargs = {k: v for k, v in self.pool.kwargs.items() if v != ""}

    def after_connect_func(self) -> Callable[[psycopg.Connection[Any]], None]:
        """Give what is done with a new connection."""
        return configured

    def __del__(self) -> None:
        """Leave closing to `close`."""


class EventTable(PostgresApplicationRecorder):
    """The library's application recorder; positions and leaves are settled under the lock of the counter row."""

    def __init__(self, datastore: PostgresDatastore) -> None:
        super().__init__(datastore, events_table_name="events")
        self.sql_create_statements = []  # the store makes its tables in one step of its own
        self.max_notification_id_statement = SQL("SELECT nullif(max(position), 0) AS max FROM events").format()

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Append; one attempt, because a second one after a lost answer could append twice."""
        if not stored_events:
            return None
        with self.datastore.transaction(commit=True) as cursor:
            raw = RawCursor(cursor.connection, row_factory=tuple_row)
            found = raw.execute("SELECT last FROM heads WHERE shard=0 FOR UPDATE").fetchone()
            assert found is not None
            first = found[0] + 1
            rows = []
            for at, e in enumerate(stored_events, first):
                stream = (i if isinstance(i := e.originator_id, UUID) else UUID(i)).bytes
                leaf = event_leaf(position=at, stream=stream, version=e.originator_version, topic=e.topic, state=e.state)
                rows.append((at, stream, e.originator_version, e.topic, e.state, leaf))
            put(raw, rows)
            raw.execute("UPDATE heads SET last=$1 WHERE shard=0", (first + len(rows) - 1,))
        return range(first, first + len(rows))

    def select_notifications(
        self, start: int | None, limit: int, stop: int | None = None, topics: Sequence[str] = (), *, inclusive_of_start: bool = True
    ) -> Sequence[Notification]:
        """Give events in the order of the log."""
        since = (start or 0) if inclusive_of_start else (start or 0) + 1
        sql = "SELECT position, originator_id, originator_version, topic, state FROM events WHERE position>=$1 AND position<=$2"
        params: list[Any] = [since, stop if stop is not None else 2**62]
        if topics:
            sql += " AND topic=ANY($4)"
        with self.datastore.get_connection() as connection:
            cursor = RawCursor(connection, row_factory=tuple_row)
            more = (Texts(TEXT, topics),) if topics else ()
            rows = cursor.execute(f"{sql} ORDER BY position LIMIT $3", (*params, limit, *more)).fetchall()
        return [Notification(originator_id=i, originator_version=v, topic=t, state=bytes(b), id=p) for p, i, v, t, b in rows]
