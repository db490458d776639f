"""A connection that breaks exactly between a COMMIT and its answer: what was committed is acknowledged, what was not is done again, once."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

from tests.faults.effort import Effort
from tests.faults.loads import Counts, Load, judge, running, wait_for
from tests.faults.whole import assert_whole
from tests.hub.serving import start
from tests.postgres import Cluster

How = Literal["kept", "lost", "racing"]
"""What becomes of the commit: the server does it and its answer is dropped; it never comes to the server; it is under way when the client is cut."""
HOWS: tuple[How, ...] = ("kept", "lost", "racing")
_APPENDING, _DONE = b"UPDATE heads", b"COMMIT\0"
"""What the hub sends with the COMMIT of an append, and what the server's answer to a COMMIT holds (PostgreSQL protocol 3.0, CommandComplete)."""


class Proxy:
    """Stands between hub and PostgreSQL; cuts one connection at the next append's COMMIT when it is told to."""

    def __init__(self, url: str) -> None:
        self._to = urlsplit(url)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._armed: How | None = None
        self.cuts: Counter[str] = Counter()
        self.url = self._to._replace(netloc=f"{self._to.username}@127.0.0.1:{self._listening.getsockname()[1]}").geturl()
        self._thread = threading.Thread(target=self._accepting, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def cut_next(self, how: How) -> None:
        """Cut at the next append's COMMIT."""
        with self._lock:
            self._armed = how

    def _accepting(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((self._to.hostname or "", self._to.port or 0))
            except OSError:
                client.close()
                continue
            _Line(self, client, server).start()

    def taken(self, sent: bytes) -> How | None:
        """Say how this is to be cut, if it is."""
        if _APPENDING not in sent:
            return None
        with self._lock:
            how, self._armed = self._armed, None
            if how:
                self.cuts[how] += 1
        return how


class _Line:
    """One connection in both directions."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server, self._lock = proxy, client, server, threading.Lock()
        self._muted = False
        self._running = [self._there, self._back]

    def start(self) -> None:
        for work in tuple(self._running):
            threading.Thread(target=self._run, args=(work,), daemon=True).start()

    def _run(self, work: Callable[[], None]) -> None:
        work()
        with self._lock:
            self._running.pop()
            if not self._running:
                self._client.close()
                self._server.close()

    def _there(self) -> None:
        with suppress(OSError):
            while sent := self._client.recv(65_536):
                how = self._proxy.taken(sent)
                if how == "lost":
                    break
                self._muted = how is not None
                self._server.sendall(sent)
                if how == "racing":
                    _end(self._client)
                    return
                if how == "kept":
                    return
        _end(self._client, self._server)

    def _back(self) -> None:
        with suppress(OSError):
            while told := self._server.recv(65_536):
                if not self._muted:
                    self._client.sendall(told)
                elif _DONE in told:
                    break
        _end(self._client, self._server)


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def answers_cut(folder: Path, cluster: Cluster, effort: Effort) -> Counts:
    """Cut answers to commits in each of the three ways, in turn, while clients write. Every client gets a true answer."""
    counts = Counts("answers to COMMIT cut")
    data = folder / "data"
    with Proxy(cluster.new()) as proxy, running() as hold:
        hub = hold(start(data, "--database", proxy.url))
        for number in effort.each():
            with Load(folder / "clients", [hub], hub.tokens, number) as load:
                load.start(on=True)
                for how in HOWS * 3:
                    load.until_told(5)
                    before = proxy.cuts.total()
                    proxy.cut_next(how)
                    wait_for(lambda at=before: proxy.cuts.total() > at, 30, "an append")  # type: ignore[misc]  # no type is found for the default of a lambda
                load.until_told(20)
                load.stop()
                assert judge(load, counts) == 0
                assert not any(record.refused for record in load.records().values())
        counts.add(**{f"commits_{how}": proxy.cuts[how] for how in HOWS})
        assert hub.stop() == 0
        counts.add(events=assert_whole(data, proxy.url))
    return counts
