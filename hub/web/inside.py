"""GET /compartment/decisions.json: who saw what in the asker's compartment, for its overseers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.assemble import Hub
from hub.reads.inside import Inside, LookingInside
from hub.web.auth import Doorkeeper

Add = Callable[..., None]


class InsideDoor:
    """This door over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper) -> None:
        self._door = door
        self._inside = LookingInside(
            store=hub.store, keys=hub.keys, gate=hub.gate, opaque=hub.opaque, compartments=hub.credentials.compartments
        )

    def routes(self, add: Add) -> None:
        """Add it."""
        add("/compartment/decisions.json", self.decisions, methods=["GET"], response_class=Response)

    async def decisions(self, request: Request) -> Response:
        """Give one page; `cursor` of it gives the next."""
        asking = self._door.asking(request, "audit", apart=True)
        found, following = await run_in_threadpool(self._inside.decisions, asking, request.query_params.get("cursor", ""))
        told: dict[str, Any] = {"decisions": [_told(one) for one in found], **({"next": following} if following else {})}
        return Response(orjson.dumps(told), media_type="application/json", headers={"Cache-Control": "no-store"})


def _told(one: Inside) -> dict[str, Any]:
    d = one.decided
    return {
        "reference": d.reference, "at": one.at.isoformat(), "request": d.request, "organization": d.organization, "role": d.role, "user": d.user,
        "purpose": d.purpose, "action": d.action, "effect": d.effect, "reason": d.reason, "basis": d.basis,
        "seen": [{"resource": f"{s.type}/{s.id}", "version": s.version, "effect": s.effect, "reason": s.reason} for s in d.seen],
    }  # fmt: skip
