"""The store as the hub sees it: one log, one write transaction at a time, and rows that move with it. Two engines stand behind: SQLite, PostgreSQL.

All statements here and in the tables are in the dialect that both engines take (see `hub.log.dialect`). Positions have no gaps, in the order
of commits: they are given under the write lock. Only `hub.writer` opens the write transaction of a running hub.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, NamedTuple

from hub.log.envelope import unpack
from hub.log.event import Recorded
from hub.log.merkle import event_leaf
from schemas.errors import Broken
from schemas.events import TOPICS

LOW = 1 << 30
"""Bytes of free room below which the status warns, on a disk of 20 GiB or more."""
_AT_ONCE = 500
"""Names of one statement at most."""


class Stored(NamedTuple):
    """An event as it is appended; its position and leaf are settled under the write lock."""

    stream: bytes
    version: int
    topic: str
    state: bytes


class Room(NamedTuple):
    """Bytes of the disk that a store grows on."""

    free: int
    total: int

    @property
    def low(self) -> bool:
        """Say whether it is time to make room: less than a gibibyte, or less than a twentieth of the disk."""
        return self.free < min(LOW, self.total // 20) or self.free < LOW // 8


class Unknown(Exception):
    """The connection broke while the commit was under way: whether it was committed has to be asked."""


class Tx(abc.ABC):
    """One transaction as tables see it: `?` parameters, rows as tuples. `writes` counts the statements that changed something."""

    __slots__ = ("writes",)

    def __init__(self) -> None:
        self.writes = 0

    @abc.abstractmethod
    def run(self, sql: str, params: Sequence[Any] = ()) -> None:
        """Execute one statement that changes rows."""

    @abc.abstractmethod
    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], then: str = "") -> None:
        """Insert many rows in one step. `then` = what follows the values (`ON CONFLICT …`)."""

    @abc.abstractmethod
    def all(self, sql: str, params: Sequence[Any] = ()) -> list[Any]:
        """Give all rows."""

    @abc.abstractmethod
    def one(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """Give the first row, or None."""

    def flush(self) -> None:  # noqa: B027  one engine gathers nothing
        """Insert now what `insert` has gathered, so that much can be inserted in little memory."""

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute one statement for each row."""
        for row in rows:
            self.run(sql, row)

    def each(self, sql: str, names: Iterable[Any], params: Sequence[Any] = (), then: str = "") -> list[Any]:
        """Give all rows of a statement that ends in `IN`, for any number of names, in few steps; `params` are of `then`, which follows it."""
        wanted = list(names)
        rows: list[Any] = []
        for i in range(0, len(wanted), _AT_ONCE):
            some = wanted[i : i + _AT_ONCE]
            rows += self.all(f"{sql} ({','.join('?' * len(some))}){then}", (*some, *params))
        return rows


class Store(abc.ABC):
    """One log with its tables."""

    engine: ClassVar[str]
    shared: ClassVar[bool]
    """Whether several processes may write to it."""
    _EVENT: ClassVar[str]
    """Columns of an event as `_recorded` takes them: position, stream, version, topic, state."""

    @abc.abstractmethod
    def write(self) -> AbstractContextManager[Tx]:
        """Open a write transaction; commits at the end, rolls all back on an error.

        Raises Unknown when the connection broke during the commit.
        """

    @abc.abstractmethod
    def read(self) -> AbstractContextManager[Tx]:
        """Open a snapshot: all reads inside see one state."""

    @abc.abstractmethod
    def lock(self, tx: Tx) -> int:
        """Take the write lock of the log, once a transaction, until its end; give the last position."""

    @abc.abstractmethod
    def _insert(self, tx: Tx, rows: Sequence[tuple[int, bytes, int, str, bytes, bytes]]) -> None:
        """Insert events (position, stream, version, topic, state, leaf) as they are."""

    @abc.abstractmethod
    def last_versions(self, tx: Tx, streams: Iterable[bytes]) -> dict[bytes, int]:
        """Give the last version of each of these streams that has one, in few statements."""

    @abc.abstractmethod
    def make_tables(self, tables: Sequence[str]) -> None:
        """Make tables and indexes that are not there yet; one process at a time."""

    @abc.abstractmethod
    def has(self, tx: Tx, table: str) -> bool:
        """Say whether there is a table of this name."""

    @abc.abstractmethod
    def remake(self, tx: Tx, names: Sequence[str], tables: Sequence[str]) -> None:
        """Drop tables by name and make others, inside a write transaction."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close all connections and let the store go."""

    def room(self) -> Room | None:
        """Tell how much room is left; None where it is the database server's to know."""
        return None

    def leads(self, name: str) -> bool:
        """Say whether this process is the one that runs the follower of this name; on one process it always is."""
        del name
        return True

    def listen(self, heard: Callable[[], None]) -> None:  # noqa: B027  one process hears itself
        """Call `heard` when another process has appended; where there is no other, never."""

    def ring(self) -> None:  # noqa: B027
        """Tell other processes that something was appended, after the commit. A hint: whoever misses it looks by the clock."""

    def append(self, tx: Tx, events: Sequence[Stored]) -> range:
        """Append inside the write transaction; give the positions. A version that is taken makes the transaction fail."""
        first = self.lock(tx) + 1
        rows = [
            (
                at,
                e.stream,
                e.version,
                e.topic,
                e.state,
                event_leaf(position=at, stream=e.stream, version=e.version, topic=e.topic, state=e.state),
            )
            for at, e in enumerate(events, first)
        ]
        self._insert(tx, rows)
        return range(first, first + len(rows))

    def put_back(self, tx: Tx, rows: Sequence[Any]) -> None:
        """Insert events of another store as they lay there (`raw`), leaves made anew; positions have to follow on."""
        made = [(p, s, v, t, b, event_leaf(position=p, stream=s, version=v, topic=t, state=b)) for p, s, v, t, b in rows]
        if made and self.lock(tx) + 1 != made[0][0]:
            raise Broken("HUB-5008")
        self._insert(tx, made)

    def put_names(self, tx: Tx, rows: Sequence[Any]) -> None:
        """Insert where events of another store lie, without leaves: for tables that are made beside it, which ask for a stream's positions."""
        self._insert(tx, [(p, s, v, t, b, b"") for p, s, v, t, b in rows])

    def submission(self, tx: Tx, name: bytes) -> tuple[int, int] | None:
        """Give the first and last position of a submission that was appended before; None when it was not."""
        found = tx.one("SELECT first, last FROM submissions WHERE id=?", (name,))
        return (found[0], found[1]) if found else None

    def known(self, tx: Tx, names: Sequence[bytes]) -> set[bytes]:
        """Give those of these submissions that were appended before."""
        return {bytes(name) for (name,) in tx.each("SELECT id FROM submissions WHERE id IN", names)}

    def settle(self, tx: Tx, name: bytes, positions: range) -> None:
        """Remember a submission by its id, so that it is never appended twice."""
        tx.insert("submissions", ("id", "first", "last"), [(name, positions.start, positions.stop - 1)])

    def head(self, tx: Tx) -> int:
        """Give the last position; 0 when the log is empty."""
        return int(tx.one("SELECT coalesce(max(position), 0) FROM events")[0])

    def raw(self, tx: Tx, after: int, limit: int) -> list[tuple[int, bytes, int, str, bytes]]:
        """Give stored events after a position, in order, unread: position, stream, version, topic, state."""
        rows = tx.all(f"SELECT {self._EVENT} FROM events WHERE position>? ORDER BY position LIMIT ?", (after, limit))
        return [(p, _stream(s), v, t, bytes(b)) for p, s, v, t, b in rows]

    def events(self, tx: Tx, after: int, limit: int) -> list[Recorded]:
        """Give events after a position, in order."""
        return [recorded(*row) for row in self.raw(tx, after, limit)]

    def events_of(self, tx: Tx, topic: str, after: int, until: int) -> list[Recorded]:
        """Give the events of one topic after a position and up to another, in order; those of others are not even unpacked."""
        rows = tx.all(
            f"SELECT {self._EVENT} FROM events WHERE position>? AND position<=? AND topic=? ORDER BY position", (after, until, topic)
        )
        return [recorded(p, _stream(s), v, t, bytes(b)) for p, s, v, t, b in rows]

    def event(self, tx: Tx, position: int) -> Recorded | None:
        """Give the event at a position."""
        row = tx.one(f"SELECT {self._EVENT} FROM events WHERE position=?", (position,))
        return recorded(row[0], _stream(row[1]), row[2], row[3], bytes(row[4])) if row else None

    def events_at(self, tx: Tx, positions: Iterable[int]) -> dict[int, Recorded]:
        """Give the events at these positions, in few statements."""
        rows = tx.each(f"SELECT {self._EVENT} FROM events WHERE position IN", positions)
        return {p: recorded(p, _stream(s), v, t, bytes(b)) for p, s, v, t, b in rows}

    def position_of(self, tx: Tx, follower: str) -> int:
        """Give the position that a follower has come to."""
        found = tx.one("SELECT notification_id FROM tracking WHERE application_name=?", (follower,))
        return int(found[0]) if found else 0

    def track(self, tx: Tx, follower: str, position: int) -> None:
        """Move a follower's position, in the transaction that moves its rows."""
        tx.run(
            "INSERT INTO tracking VALUES (?,?) ON CONFLICT (application_name) DO UPDATE SET notification_id=excluded.notification_id",
            (follower, position),
        )


def _stream(told: str | bytes) -> bytes:
    return bytes.fromhex(told) if isinstance(told, str) else bytes(told)


def stored_event(stream: bytes, version: int, topic: str, state: bytes) -> Stored:
    """Make the value of one event that `append` takes."""
    return Stored(stream, version, topic, state)


def recorded(position: int, stream: bytes, version: int, topic: str, state: bytes) -> Recorded:
    """Read a stored event; raise Broken for a topic that is in no table of topics, and for bytes of no known layout."""
    if topic not in TOPICS:
        raise Broken("HUB-5007")
    header, body = unpack(state)
    return Recorded(position, stream, version, topic, header, body)
