"""AuditEvent: search by GET and POST `_search`, and read (IHE ATNA ITI-81), for the network's officers and its auditing system."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.assemble import Hub
from hub.reads.audit_events import Found
from hub.reads.criteria import MAX_COUNT, page_size
from hub.views.audit_fhir import to_searchset
from hub.web.auth import Doorkeeper
from hub.web.bodies import acceptable
from hub.web.errors import FHIR
from hub.web.fhir.reading import pretty, searched
from hub.web.requests import searching

_STORE = {"Cache-Control": "no-store"}
_SHOWN = frozenset({"date", "outcome", "type", "subtype", "action", "_total", "_sort", "_summary"})
"""Parameters that links repeat: none of them names anybody."""


class Auditing:
    """These doors over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper) -> None:
        self._hub, self._door = hub, door

    async def search(self, request: Request) -> Response:
        """GET AuditEvent?…, or the same by POST _search."""
        acceptable(request)
        params = [(name, value) for name, value in await searched(request) if value]
        asking = searching(self._door.asking(request, "audit", cookie=True), request, params)
        count = min(page_size(params), MAX_COUNT)
        found = await run_in_threadpool(self._hub.audit_events.search, asking, params, count)
        return Response(pretty(request, orjson.dumps(self._searchset(found, params, count))), 200, media_type=FHIR, headers=_STORE)

    async def read(self, request: Request) -> Response:
        """GET AuditEvent/id."""
        acceptable(request)
        asking = self._door.asking(request, "audit", cookie=True)
        found = await run_in_threadpool(self._hub.audit_events.read, asking, request.path_params["number"])
        return Response(pretty(request, orjson.dumps(found)), 200, media_type=FHIR, headers=_STORE)

    def _searchset(self, found: Found, params: list[tuple[str, str]], count: int) -> dict[str, Any]:
        root = f"{self._hub.fhir}/AuditEvent"
        shown = [(name, value) for name, value in params if name in _SHOWN]
        following = f"{root}?{urlencode([('_page', found.next), ('_count', count)])}" if found.next else ""
        return to_searchset(
            found.events, base=self._hub.fhir, total=found.total, self_link=f"{root}?{urlencode([*shown, ('_count', count)])}",
            next_link=following,
        )  # fmt: skip
