"""For those who run the hub: alive, ready, its status, its measures, and what may be done about a follower that stands."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.assemble import Hub
from hub.commands import Asking
from hub.followers.operating import operator
from hub.web.auth import Doorkeeper, came
from hub.web.bodies import body
from hub.web.metrics import MEDIA, Metrics
from hub.web.requests import asked
from schemas.errors import Malformed

_LONGEST = 10_000
"""Bytes of a reason at most."""
_HEADERS = {"Cache-Control": "no-store"}


class Operations:
    """These doors over a hub. All but alive and ready are for the network's office alone."""

    def __init__(self, hub: Hub, door: Doorkeeper, metrics: Metrics) -> None:
        self._hub, self._door, self._metrics = hub, door, metrics

    def routes(self, app: FastAPI) -> None:
        """Add them."""
        for path, handler, method in (
            ("/livez", self.alive, "GET"),
            ("/readyz", self.ready, "GET"),
            ("/metrics", self.measures, "GET"),
            ("/status.json", self.status, "GET"),
            ("/followers/{name}/retry", self.retry, "POST"),
            ("/followers/{name}/skip", self.skip, "POST"),
        ):
            app.add_api_route(path, handler, methods=[method], response_class=Response)

    async def alive(self) -> Response:
        """Answer while the process does."""
        return Response(b"ok\n", media_type="text/plain")

    async def ready(self) -> Response:
        """Say whether all followers go on, here or in the process that runs them, and events can be recorded. From memory: no store is asked."""
        behind = sorted(self._hub.runner.stopped)
        halted = self._hub.writer.halt is not None
        told: dict[str, object] = {"ready": not behind and not halted, "stopped": behind, "reading": "stopped" if halted else "up"}
        if self._hub.publishing and self._hub.listening:  # beside: a hub without its broker serves all the same
            told["kafka"] = {"out": self._hub.publishing.state or "up", "in": self._hub.listening.state or "up"}
        return Response(orjson.dumps(told), 200 if told["ready"] else 503, media_type="application/json")

    async def measures(self, request: Request) -> Response:
        """Give the measures."""
        operator(self._door.asking(request, "audit", cookie=True))
        return Response(await run_in_threadpool(self._metrics.text), media_type=MEDIA, headers=_HEADERS)

    async def status(self, request: Request) -> Response:
        """Give the status."""
        asking = self._door.asking(request, "audit", cookie=True)
        return _json(await run_in_threadpool(self._hub.oversee.status, asking))

    async def retry(self, request: Request) -> Response:
        """Let a follower try at once."""
        _, asking = await self._sent(request)
        name = request.path_params["name"]
        await run_in_threadpool(self._hub.operate.retry, asking, name)
        return _json({"follower": name, "asked": True})

    async def skip(self, request: Request) -> Response:
        """Let a follower pass by the event that it stands at, for a reason."""
        sent, asking = await self._sent(request)
        name = request.path_params["name"]
        await run_in_threadpool(self._hub.operate.skip, asking, name, str(sent.get("reason", "")))
        return _json({"follower": name, "skipped": True})

    async def _sent(self, request: Request) -> tuple[dict[str, Any], Asking]:
        """Give the body (an object, or nothing) and who sends it: by token, or by a session with the secret of its forms (`csrf`)."""
        found = self._door.token(request)
        raw = await body(request, _LONGEST)
        try:
            sent = orjson.loads(raw or b"{}")
        except orjson.JSONDecodeError as fault:
            raise Malformed("HUB-5134") from fault
        if not isinstance(sent, dict):
            raise Malformed("HUB-5134")
        if found is not None:
            return sent, Asking(found.requester, found.purpose, request.state.request_id, "audit", came=came(request))
        return sent, asked(self._door.posting(request, str(sent.get("csrf", ""))), request, "audit")


def _json(told: object) -> Response:
    return Response(orjson.dumps(told), media_type="application/json", headers=_HEADERS)
