"""Asks a hub's application without a network, fast: one request, one answer with all its bytes, and the route that it came by."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import uuid
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import pytest

from hub import names
from hub.followers import kafka
from hub.ingest import refusals
from hub.log import keys
from hub.reads import sealed
from hub.web import app, auth, events
from hub.writer import Proposal, Writer
from tests.hub.world import World

_CHANCE: ContextVar[Chance | None] = ContextVar("chance", default=None)


class Chance:
    """What is drawn at random while one request is answered: of its own source for each use, the same in every world.

    So an id that the hub makes up is the same in two worlds by the injected source, and differs as soon as it hangs on anything else.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._sources: dict[str, random.Random] = {}

    def of(self, use: str) -> random.Random:
        """Give the source for a use."""
        return self._sources.setdefault(use, random.Random(f"{self._seed}/{use}"))


class _Drawn:
    """Stands for `os`, `secrets` and `time` in modules whose random words are shown."""

    def __init__(self, real: Any, use: str) -> None:
        self._real, self._use = real, use

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def urandom(self, count: int) -> bytes:
        chance = _CHANCE.get()
        return chance.of(self._use).randbytes(count) if chance else os.urandom(count)

    def choice(self, among: str) -> str:
        chance = _CHANCE.get()
        return chance.of(self._use).choice(among) if chance else self._real.choice(among)

    def token_hex(self, count: int) -> str:
        return self.urandom(count).hex()

    def token_urlsafe(self, count: int) -> str:
        return self.urandom(count).hex()

    def uuid4(self) -> uuid.UUID:
        return uuid.UUID(bytes=self.urandom(16), version=4)

    def time(self) -> float:
        return 1_795_482_000.0 if _CHANCE.get() else self._real.time()


_real_stream = names.new_stream


def _new_stream() -> bytes:
    """Draw apart from all else: how many decisions an answer took must not move the ids that it shows."""
    chance = _CHANCE.get()
    return chance.of("streams").randbytes(16) if chance else _real_stream()


_real_key = keys.Keyring.of


def _key(self: keys.Keyring, owner: bytes, compartment: str) -> keys.DataKey:
    """Draw a key by whose it is: in one of two worlds it may be wanted earlier."""
    with chance(f"key/{owner.hex()}/{compartment}"):
        return _real_key(self, owner, compartment)


_real_submit = Writer.submit


def _submit(self: Writer, proposal: Proposal) -> Any:
    """Let what is prepared anew, in the writer's thread, draw from the source of the request that it belongs to."""
    if (again := proposal.again) is not None:
        here = copy_context()
        proposal.again = lambda tx: here.copy().run(again, tx)
    return _real_submit(self, proposal)


@contextmanager
def injected() -> Iterator[None]:
    """Let what is drawn for answers come from the request's own source, and let an event stream say at once that it has nothing more."""
    with pytest.MonkeyPatch.context() as patch:

        def drawn(module: ModuleType, name: str, use: str) -> None:
            patch.setattr(module, name, _Drawn(getattr(module, name), use))

        drawn(names, "os", "ids")
        drawn(names, "secrets", "references")
        drawn(names, "time", "time")
        for module in [m for m in sys.modules.values() if getattr(m, "new_stream", None) is names.new_stream]:
            patch.setattr(module, "new_stream", _new_stream)
        drawn(keys, "os", "keys")
        patch.setattr(keys.Keyring, "of", _key)
        patch.setattr(Writer, "submit", _submit)
        drawn(sealed, "os", "nonces")
        drawn(refusals, "os", "refusals")
        drawn(app, "uuid", "requests")
        drawn(kafka, "uuid", "deliveries")
        drawn(auth, "secrets", "sessions")
        patch.setattr(events, "PING", 0.0)
        yield


@contextmanager
def chance(seed: str) -> Iterator[None]:
    """Draw from this source inside."""
    token = _CHANCE.set(Chance(seed))
    try:
        yield
    finally:
        _CHANCE.reset(token)


@dataclass(frozen=True, slots=True)
class Question:
    """One request. `generator` = what drew it."""

    generator: str
    method: str
    address: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    form: tuple[tuple[str, str], ...] | None = None
    """Fields of a form; the secret of the session is put in where somebody is signed in."""


@dataclass(frozen=True, slots=True)
class Answer:
    """All that comes back. `route` = `METHOD /path` of the route that answered, or empty."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    route: str = field(compare=False)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


async def ask(w: World, question: Question, *, by: str, seed: str) -> Answer:
    """Send a request as an organization's application, as a signed-in user, or (empty) as nobody."""
    with chance(seed):
        return await _asked(w, question, by)


async def _asked(w: World, question: Question, by: str) -> Answer:
    headers = [("host", "hub.test"), *question.headers, ("x-request-id", "r")]
    body = question.body
    if by in w.tokens:
        headers.append(("authorization", f"Bearer {w.tokens[by]}"))
    elif by:
        headers.append(("cookie", "; ".join(f"{k}={v}" for k, v in w.cookies[by].items())))
    if question.form is not None:
        from urllib.parse import urlencode

        fields = [*question.form, *([("csrf", w.csrf[by])] if by in w.csrf else [])]
        body = urlencode(fields).encode()
        headers.append(("content-type", "application/x-www-form-urlencoded"))
    if by in w.csrf:
        body = body.replace(b"{csrf}", w.csrf[by].encode())
        body = body.replace(b'"csrf":""', f'"csrf":"{w.csrf[by]}"'.encode())
    headers.append(("content-length", str(len(body))))
    path, _, query = question.address.partition("?")
    scope: MutableMapping[str, Any] = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": question.method, "scheme": "http",
        "path": unquote(path), "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "client": ("127.0.0.1", 1),
        "server": ("hub.test", 80), "headers": [(k.lower().encode(), v.encode()) for k, v in headers], "state": {},
    }  # fmt: skip
    left = asyncio.Event()
    sent = False
    start: dict[str, Any] = {}
    parts: list[bytes] = []

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if not sent:
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        elif not left.is_set():
            parts.append(message.get("body", b""))
            if parts[-1] == b": ping\n\n":
                left.set()

    await w.app(scope, receive, send)
    told = tuple(sorted((k.decode(), v.decode("latin-1")) for k, v in start["headers"]))
    route = scope.get("route")
    name = f"{question.method} {route.path}" if route is not None else ""
    return Answer(start["status"], told, b"".join(parts), name)
