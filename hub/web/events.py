"""GET /events: what a subscriber hears, as server-sent events or as lines of JSON; CloudEvents 1.0 under the subscriber's own numbers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hub.assemble import Hub
from hub.commands import Asking
from hub.web.auth import Doorkeeper
from schemas.errors import BadValue, NotSignedIn

PING = 10.0
"""Seconds after which a silent stream says that it lives (a comment line)."""
LIMIT = 100
_LINES = "application/x-ndjson"


class Events:
    """The event door over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper) -> None:
        self._hub, self._door = hub, door
        self.closing = asyncio.Event()

    async def events(self, request: Request) -> Response:
        """Stream from `Last-Event-ID` or `?after=` on; without either, what comes from now on. NDJSON ends at the head."""
        asking = self._door.asking(request, "deliver", cookie=True)
        lines = _LINES in request.headers.get("accept", "")
        asking = replace(asking, came=replace(asking.came, channel="lines" if lines else "sse"))
        after = request.headers.get("last-event-id") or request.query_params.get("after")
        if after is None:
            number = 0 if lines else await run_in_threadpool(self._hub.hear.last, asking)
        elif after.isascii() and after.isdigit() and len(after) < 18:
            number = int(after)
        else:
            raise BadValue("HUB-5057", where="Last-Event-ID")
        if lines:
            return await self._lines(request, asking, number)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._stream(request, asking, number), media_type="text/event-stream", headers=headers)

    async def key(self, request: Request) -> Response:
        """GET /events/keys/{id}: the key of one sealed content that came by Kafka, as a JWK; decided now."""
        asking = self._door.asking(request, "read")
        asking = replace(asking, came=replace(asking.came, channel="content-key"))
        found = await run_in_threadpool(self._hub.contents.key, asking, request.path_params["id"])
        return Response(orjson.dumps(found), media_type="application/jwk+json", headers={"Cache-Control": "no-store"})

    async def _lines(self, request: Request, asking: Asking, number: int) -> Response:
        text = request.query_params.get("limit", str(LIMIT))
        limit = min(int(text), 1_000) if text.isascii() and text.isdigit() and len(text) < 8 else LIMIT
        heard = await run_in_threadpool(self._hub.hear.after, asking, number, limit)
        body = b"".join(orjson.dumps(h.event) + b"\n" for h in heard if h.event is not None)
        last = heard[-1].number if heard else number
        return Response(body, media_type=_LINES, headers={"X-Next-After": str(last), "Cache-Control": "no-store"})

    def _let_in(self, request: Request) -> bool:
        """Say whether what a stream was opened by holds still: a session ends, and is taken back, while its stream is open."""
        self._door.sessions.look(request)
        try:
            self._door.asking(request, "deliver", cookie=True)
        except NotSignedIn:
            return False
        return True

    async def _stream(self, request: Request, asking: Asking, number: int) -> AsyncIterator[bytes]:
        yield b"retry: 2000\n\n"
        with self._hub.hear.bell() as bell:
            while not self.closing.is_set():
                bell.clear()
                heard, stands = await run_in_threadpool(self._hub.hear.following, asking, number, LIMIT)
                if not await run_in_threadpool(self._let_in, request):
                    return
                for i, one in enumerate(heard):
                    # a receiver that takes them slowly may have been shut out since: what is left is then decided anew
                    if i and one.event is not None and not await run_in_threadpool(stands):
                        break
                    number = one.number
                    if one.event is None:
                        # withdrawn after it was numbered: the number passes, without a word
                        yield b"id: %d\n\n" % number
                        continue
                    yield b"id: %d\nevent: %b\ndata: %b\n\n" % (number, one.type.encode(), orjson.dumps(one.event))
                if not heard and not await self._rung(bell):
                    yield b": ping\n\n"

    async def _rung(self, bell: asyncio.Event) -> bool:
        """Wait for the bell, the close, or the time of a ping; False = the time has come."""
        waits = [asyncio.ensure_future(bell.wait()), asyncio.ensure_future(self.closing.wait())]
        try:
            done, _ = await asyncio.wait(waits, timeout=PING, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:  # a client that leaves ends the wait, but not by itself what was waited for
                one.cancel()
        return bool(done)
