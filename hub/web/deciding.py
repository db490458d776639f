"""GET /audit/decisions.json: recorded decisions by the same filters as the page, newest first, page after page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from consent.words import basis_words, reason_words
from hub.assemble import Hub
from hub.reads.audits import PAGE
from hub.reads.officers import officer
from hub.reads.presenting import instant
from hub.views.audit_shapes import Decided
from hub.web.auth import Doorkeeper
from hub.web.filters import FILTERS, filters_of, read_filter
from schemas.errors import BadValue

Add = Callable[..., None]
MOST = 500
_NAMES = frozenset({*FILTERS, "cursor", "count"})


class DecisionsDoor:
    """This door over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper) -> None:
        self._hub, self._door = hub, door

    def routes(self, add: Add) -> None:
        """Add it."""
        add("/audit/decisions.json", self.decisions, methods=["GET"], response_class=Response)

    async def decisions(self, request: Request) -> Response:
        """Give a page of decisions; `cursor` of one page gives the next, and carries the filters with it."""
        asking = self._door.asking(request, "audit", cookie=True)
        officer(asking)
        params = dict(request.query_params)
        if set(params) - _NAMES:
            raise BadValue("HUB-5180", known="、".join(sorted(_NAMES)))
        size = params.get("count", str(PAGE))
        if not (size.isascii() and size.isdigit() and 0 < int(size[:6]) <= MOST):
            raise BadValue("HUB-5180", where="count", known=f"1-{MOST}")

        def work() -> dict[str, Any]:
            by = read_filter(self._hub, asking, filters_of(params))
            listed = self._hub.audit.listed(asking, by, params.get("cursor", ""), int(size))
            made: dict[str, Any] = {"decisions": [_told(d) for d in listed.decided]}
            if not params.get("cursor"):
                made["total"] = {"count": listed.total, "exact": listed.exact}
            return {**made, **({"next": listed.next} if listed.next else {})}

        return Response(orjson.dumps(await run_in_threadpool(work)), media_type="application/json", headers={"Cache-Control": "no-store"})


def _told(d: Decided) -> dict[str, Any]:
    return {
        "reference": d.reference, "request": d.request, "at": instant(int(d.at.timestamp() * 1000)), "organization": d.organization,
        "kind": d.kind, "role": d.role, "user": d.user, "purpose": d.purpose, "action": d.action, "person": d.person, "pseudonym": d.pseudonym,
        "effect": d.effect, "reason": d.reason, "reason_ja": reason_words(d.reason)[0], "basis": d.basis,
        "basis_ja": basis_words(d.basis)[0] if d.basis else "",
        "consents": [{"consent": c, "version": v, "effect": e} for c, v, e in d.consents],
        "resources": [
            {"type": s.type, "id": s.id, "version": s.version, "effect": s.effect, "reason": s.reason, "masks": list(s.masks)} for s in d.seen
        ],
    }  # fmt: skip
