"""Connections to one PostgreSQL, kept for the next who asks. A server that is away is told at once, and found again at once.

The driver's own pool tries again by itself at intervals that double: it keeps who asks waiting while the server is away, and stays away as
long again after the server has come back.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from schemas.errors import Busy

LIFE = 3_600.0
"""Seconds after which a connection is not kept any more: a server process holds on to memory that it once used."""


class Connections:
    """For any number of threads, at most `limit` connections at a time; who comes too many waits `wait` seconds at most."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], *, limit: int, wait: float) -> None:
        self._connect, self._wait = connect, wait
        self._free = threading.Semaphore(limit)
        self._kept: list[tuple[float, psycopg.Connection[Any]]] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def one(self) -> Iterator[psycopg.Connection[Any]]:
        """Give a connection that answers. Raises Busy: HUB-5020 = too many at once, HUB-5100 = the database does not answer."""
        if not self._free.acquire(timeout=self._wait):
            raise Busy("HUB-5020")
        try:
            made, connection = self._found() or self._new()
            try:
                yield connection
            finally:
                self._back(made, connection)
        finally:
            self._free.release()

    def close(self) -> None:
        """Close those that are kept; the others when they come back."""
        with self._lock:
            self._closed = True
            kept, self._kept = self._kept, []
        for _, connection in kept:
            _end(connection)

    def _found(self) -> tuple[float, psycopg.Connection[Any]] | None:
        while True:
            with self._lock:
                if not self._kept:
                    return None
                made, connection = self._kept.pop()  # the newest: what it has prepared is prepared still
            if alive(connection) and time.monotonic() - made < LIFE:
                return made, connection
            _end(connection)

    def _new(self) -> tuple[float, psycopg.Connection[Any]]:
        try:
            return time.monotonic(), self._connect()
        except psycopg.OperationalError as fault:
            raise Busy("HUB-5100") from fault

    def _back(self, made: float, connection: psycopg.Connection[Any]) -> None:
        if not connection.closed and connection.info.transaction_status == TransactionStatus.IDLE:
            with self._lock:
                if not self._closed:
                    self._kept.append((made, connection))
                    return
        _end(connection)


def alive(connection: psycopg.Connection[Any]) -> bool:
    """Say whether the server has not closed a connection, without asking it: what was closed can be read at once."""
    if connection.closed:
        return False
    try:
        if not hasattr(select, "poll"):  # Windows
            return not select.select([connection.fileno()], [], [], 0)[0]
        looking = select.poll()  # select(2) knows no descriptor beyond 1,023
        looking.register(connection.fileno(), select.POLLIN)
        return not looking.poll(0)
    except (psycopg.Error, OSError, ValueError):
        return False


def _end(connection: psycopg.Connection[Any]) -> None:
    with suppress(psycopg.Error):
        connection.close()
