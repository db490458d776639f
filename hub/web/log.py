"""The log's own doors: signed heads, proofs, raw entries, and what witnesses sign. For the network's office and registered witnesses."""

from __future__ import annotations

import re
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.assemble import Hub
from hub.web.auth import Doorkeeper
from hub.web.bodies import body
from schemas.errors import BadValue, Malformed

MAX_NOTE = 64_000
"""Bytes of a cosigned head at most."""
_EVENT = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
Add = Callable[..., None]


class LogDoor:
    """These doors over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper) -> None:
        self._hub, self._door = hub, door

    def routes(self, add: Add) -> None:
        """Add them."""
        for path, handler, method in (
            ("/log/checkpoint", self.checkpoint, "GET"),
            ("/log/proof/inclusion", self.inclusion, "GET"),
            ("/log/proof/consistency", self.consistency, "GET"),
            ("/log/entries", self.entries, "GET"),
            ("/log/cosignatures", self.cosignatures, "POST"),
        ):
            add(path, handler, methods=[method], response_class=Response)

    async def checkpoint(self, request: Request) -> Response:
        """Give the newest signed head with its cosignatures."""
        asking = self._door.asking(request, "audit", cookie=True)
        return _text(await run_in_threadpool(self._hub.proofs.checkpoint, asking))

    async def inclusion(self, request: Request) -> Response:
        """Give a proof file for one entry."""
        asking = self._door.asking(request, "audit", cookie=True)
        event = request.query_params.get("event", "")
        if event and not _EVENT.fullmatch(event):
            raise BadValue("HUB-5084", where="event")
        reference, index, size = request.query_params.get("reference", ""), _number(request, "index"), _number(request, "size")

        def work() -> str:
            return self._hub.proofs.inclusion(asking, reference=reference, event=event.replace("-", ""), index=index, size=size)

        return _text(await run_in_threadpool(work), "entry.tlog-proof")

    async def consistency(self, request: Request) -> Response:
        """Give a proof between two sizes, with the signed head of the larger."""
        asking = self._door.asking(request, "audit", cookie=True)
        old, size = _number(request, "from"), _number(request, "to")
        if old < 0:
            raise BadValue("HUB-5084", where="from")
        return _text(await run_in_threadpool(self._hub.proofs.consistency, asking, old, size))

    async def entries(self, request: Request) -> Response:
        """Give a page of raw entries; `X-Next-From` says where the next begins."""
        asking = self._door.asking(request, "audit", cookie=True)
        first, stop = max(_number(request, "from"), 0), _number(request, "to")
        page = await run_in_threadpool(self._hub.proofs.entries, asking, first, stop)
        headers = {"Cache-Control": "no-store", **({"X-Next-From": str(page.next)} if page.next else {})}
        return Response(page.records, media_type="application/octet-stream", headers=headers)

    async def cosignatures(self, request: Request) -> Response:
        """Take a head that a witness has signed; answer with all that is signed under it."""
        asking = self._door.asking(request, "audit")
        held = await body(request, MAX_NOTE)
        try:
            note = held.decode()
        except UnicodeDecodeError as fault:
            raise Malformed("HUB-5083") from fault
        return _text(await run_in_threadpool(self._hub.proofs.cosigned, asking, note))


def _number(request: Request, name: str) -> int:
    """Read a number of the query; -1 when it is not there."""
    text = request.query_params.get(name, "")
    if text and not (text.isascii() and text.isdigit() and len(text) < 16):
        raise BadValue("HUB-5084", where=name)
    return int(text) if text else -1


def _text(text: str, name: str = "") -> Response:
    headers = {"Cache-Control": "no-store", **({"Content-Disposition": f'attachment; filename="{name}"'} if name else {})}
    return Response(text.encode(), media_type="text/plain; charset=utf-8", headers=headers)
