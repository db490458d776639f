"""Erasing a person: stop provision, take that back, destroy the keys at once; and the list of what was asked for. For the network's officers alone.

Beside it, for whoever sent it, giving up the content of a message that was not taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.assemble import Hub
from hub.commands import Asking
from hub.web.auth import Doorkeeper, came
from hub.web.bodies import body
from hub.web.requests import asked
from hub.writes.destroying import ASKED
from schemas.errors import BadValue, Malformed

Add = Callable[..., None]
_LONGEST = 10_000
_HEADERS = {"Cache-Control": "no-store"}


class ErasingDoor:
    """These doors over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper) -> None:
        self._hub, self._door = hub, door

    def routes(self, add: Add) -> None:
        """Add them."""
        add("/erasures", self.listed, methods=["GET"], response_class=Response)
        add("/erasures", self.ask, methods=["POST"], response_class=Response)
        add("/refused/{reference}", self.give_up, methods=["DELETE"], response_class=Response)

    async def listed(self, request: Request) -> Response:
        """Give what was asked for and how far it has come."""
        asking = self._door.asking(request, "audit", cookie=True)
        rows = await run_in_threadpool(self._hub.erasures.listed, asking, self._hub.now())
        return _json({"erasures": [asdict(row) for row in rows]})

    async def ask(self, request: Request) -> Response:
        """Take `{person, do, basis, reason}`: `do` = restrict, lift, now. By token, or by a session with the secret of its forms (`csrf`)."""
        sent, asking = await self._sent(request)
        told = {name: str(sent.get(name, "")) for name in ("person", "do", "basis", "reason")}
        return _json({"reference": await run_in_threadpool(self._done, asking, **told)})

    def _done(self, asking: Asking, *, person: str, do: str, basis: str, reason: str) -> str:
        stream = self._hub.erasures.named(asking, person)
        if do == "lift":
            return self._hub.erase.lift(asking, stream, reason)
        if do == "now":
            return self._hub.erase.at_once(asking, stream, reason)
        if do == "restrict":
            return self._hub.erase.restrict(asking, stream, basis, reason)
        raise BadValue("HUB-5117", where="do")

    async def give_up(self, request: Request) -> Response:
        """Give the content of one of the asker's own messages that were not taken up, before its end date."""
        asking = self._door.asking(request, "write")
        await run_in_threadpool(self._given_up, asking.requester.organization, request.path_params["reference"])
        return Response(status_code=204, headers=_HEADERS)

    def _given_up(self, code: str, shown: str) -> None:
        self._hub.destroying.messages(ASKED, code, [self._hub.refusals.own(code, shown)])

    async def _sent(self, request: Request) -> tuple[dict[str, Any], Asking]:
        found = self._door.token(request)
        raw = await body(request, _LONGEST)
        try:
            sent = orjson.loads(raw)
        except orjson.JSONDecodeError as fault:
            raise Malformed("HUB-5117") from fault
        if not isinstance(sent, dict):
            raise Malformed("HUB-5117")
        if found is not None:
            return sent, Asking(found.requester, found.purpose, request.state.request_id, "audit", came=came(request))
        return sent, asked(self._door.posting(request, str(sent.get("csrf", ""))), request, "audit")


def _json(told: object) -> Response:
    return Response(orjson.dumps(told), media_type="application/json", headers=_HEADERS)
