"""The other hub processes on one PostgreSQL: which of them runs a follower, and the call by which each hears that another has appended."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import psycopg

from hub.log.connections import alive

_CHANNEL = "tsunagu"
_COALESCE = 0.02
"""Seconds between two calls at least."""


class Peers:
    """Over connections of its own, made by `connect`. A call is a hint, and leading saves work: nothing that is right rests on either."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._name = os.urandom(8).hex()
        """By which this process knows its own calls: an address would be the same in processes that were forked from one."""
        self._leading: psycopg.Connection[Any] | None = None
        self._led: set[str] = set()
        self._lock = threading.Lock()
        self._closing, self._rung = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []

    def leads(self, name: str) -> bool:
        """Say whether this process leads: it holds an advisory lock for as long as its connection lives."""
        with self._lock:
            if self._closing.is_set():
                return False
            if self._leading is not None and not alive(self._leading):
                self._leading.close()
                self._leading, self._led = None, set()
            if name in self._led:
                return True
            try:
                if self._leading is None:
                    self._leading = self._connect()
                key = int.from_bytes(sha256(f"tsunagu/leads/{name}".encode()).digest()[:8], "big", signed=True)
                found = self._leading.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
            except psycopg.Error:
                return False
            if found and found[0]:
                self._led.add(name)
                return True
            return False

    def listen(self, heard: Callable[[], None]) -> None:
        """Call `heard` when another process has appended, from a thread of its own."""
        for work in (lambda: self._listening(heard), self._ringing):
            thread = threading.Thread(target=work, name="postgres-bell", daemon=True)
            self._threads.append(thread)
            thread.start()

    def ring(self) -> None:
        """Tell other processes, after the commit: inside it, every commit would wait for every other."""
        self._rung.set()

    def _listening(self, heard: Callable[[], None]) -> None:
        while not self._closing.is_set():
            try:
                with self._connect() as connection:
                    connection.execute(f"LISTEN {_CHANNEL}")
                    heard()  # what was rung while nobody listened
                    while not self._closing.is_set():
                        for one in connection.notifies(timeout=0.5, stop_after=1):
                            if one.payload != self._name:
                                heard()
            except psycopg.Error:
                self._closing.wait(1.0)

    def _ringing(self) -> None:
        while not self._closing.is_set():
            try:
                with self._connect() as connection:
                    while not self._closing.is_set():
                        if self._rung.wait(0.5):
                            self._rung.clear()
                            connection.execute("SELECT pg_notify(%s, %s)", (_CHANNEL, self._name))
                            self._closing.wait(_COALESCE)
            except psycopg.Error:
                self._closing.wait(1.0)

    def close(self) -> None:
        """End threads and connections: whatever was led is free for others."""
        self._closing.set()
        self._rung.set()
        for thread in self._threads:
            thread.join()
        with self._lock:
            if self._leading is not None:
                self._leading.close()
