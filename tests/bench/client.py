"""A client that costs next to nothing: HTTP/1.1 over kept connections, requests made beforehand, answers read to their length."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

try:
    import uvloop
except ImportError:  # not on Windows
    uvloop = None  # type: ignore[assignment]  # it is not there on Windows

HOST = "127.0.0.1"
_RULE = re.compile(rb'"code":"([A-Z]+-[0-9]{4})"')


class NotTaken(RuntimeError):
    """An answer that is not the expected one. `rule` of the hub's message catalogue, or the status."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"answered {answer.status}: {answer.body[:2_000].decode('utf-8', 'replace')}")
        found = _RULE.search(answer.body)
        self.rule = found[1].decode() if found else str(answer.status)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, with the seconds that it took."""

    status: int
    headers: bytes
    body: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """What a load came to. `latencies` in seconds, in the order in which the answers came."""

    latencies: tuple[float, ...]
    seconds: float

    @property
    def rate(self) -> float:
        """Give answers a second."""
        return len(self.latencies) / self.seconds


def request(method: str, path: str, *, token: str = "", cookie: str = "", body: bytes = b"", media: str = "application/fhir+json") -> bytes:
    """Make a whole request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [f"Cookie: {cookie}"] if cookie else []
    lines += [f"Content-Type: {media}", f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection(asyncio.Protocol):
    """One kept connection with one request under way."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._begun = 0.0
        self._read = bytearray()
        self._head, self._length = b"", -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport  # type: ignore[assignment]  # a stream transport, whichever loop made it

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what waits."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionError("the hub closed the connection"))

    def data_received(self, data: bytes) -> None:
        """Read until the answer is whole."""
        self._read += data
        if self._length < 0:
            end = self._read.find(b"\r\n\r\n")
            if end < 0:
                return
            self._head = bytes(self._read[:end])
            del self._read[: end + 4]
            at = self._head.lower().find(b"content-length:")
            self._length = int(self._head[at + 15 :].split(b"\r", 1)[0]) if at >= 0 else 0
        if len(self._read) >= self._length and self._waiting is not None:
            body = bytes(self._read[: self._length])
            del self._read[: self._length]
            self._length = -1
            self._waiting.set_result(Answer(int(self._head[9:12]), self._head, body, time.perf_counter() - self._begun))

    async def ask(self, made: bytes) -> Answer:
        """Send one request and wait for its answer."""
        assert self._transport is not None
        self._waiting = asyncio.get_running_loop().create_future()
        self._begun = time.perf_counter()
        self._transport.write(made)
        return await self._waiting

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()


async def connect(port: int) -> Connection:
    """Open a connection."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, HOST, port)
    return connection


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run on the quickest loop that there is."""
    if uvloop is not None:
        return uvloop.run(work)
    return asyncio.run(work)


async def load(port: int, requests: Sequence[bytes], clients: int, seconds: float) -> Run:
    """Send requests, each once, from this many clients for this long (or until there are none left); raise NotTaken unless each is answered with 200."""
    left = iter(requests)
    latencies: list[float] = []
    connections = [await connect(port) for _ in range(clients)]
    begun = time.perf_counter()

    async def client(connection: Connection) -> None:
        while time.perf_counter() - begun < seconds and (made := next(left, None)) is not None:
            answer = await connection.ask(made)
            if answer.status != 200:
                raise NotTaken(answer)
            latencies.append(answer.seconds)

    try:
        await asyncio.gather(*(client(c) for c in connections))
    finally:
        for connection in connections:
            connection.close()
    return Run(tuple(latencies), time.perf_counter() - begun)


def one(port: int, made: bytes, *, status: int = 200) -> Answer:
    """Send one request; raise NotTaken unless it is answered so."""

    async def work() -> Answer:
        connection = await connect(port)
        try:
            return await connection.ask(made)
        finally:
            connection.close()

    answer: Answer = run(work())
    if answer.status != status:
        raise NotTaken(answer)
    return answer
