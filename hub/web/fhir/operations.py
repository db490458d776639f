"""The two shared views as FHIR: $summary, $board."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.assemble import Hub
from hub.reads.past import Past
from hub.reads.views import words
from hub.views import summary_fhir
from hub.web.auth import Doorkeeper
from hub.web.bodies import acceptable
from hub.web.errors import FHIR
from hub.web.fhir.reading import pretty
from hub.web.requests import looked_at
from schemas.adapter import BASE
from schemas.errors import NotFound

PAST = f"{BASE}/CodeSystem/view", "past"
"""Tag of a Bundle that shows a moment of the past."""
_STORE = {"Cache-Control": "no-store"}


class Operations:
    """Operations over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper) -> None:
        self._hub, self._door = hub, door

    async def summary(self, request: Request) -> Response:
        """GET Patient/id/$summary: 急変時 of the person as a document Bundle (IPS 2.0.1 sections and Japanese ones)."""
        acceptable(request)
        asking = self._door.asking(request, "view", cookie=True)
        past = await looked_at(self._hub.past, asking, request)

        def work() -> bytes:
            stream = self._hub.read.stream(asking, "Patient", request.path_params["number"])
            view = self._hub.view.emergency(asking, self._hub.view.person_of(stream, past), past, named=stream)
            if view is None:
                raise NotFound("HUB-5041")
            now = past.at if past else self._hub.now()
            return _said(summary_fhir.to_document(view.known, view.page, self._hub.fhir, now), past)

        return Response(pretty(request, await run_in_threadpool(work)), 200, media_type=FHIR, headers=_STORE)

    async def board(self, request: Request) -> Response:
        """GET $board: 入退院 of the asking organization as a searchset of EpisodeOfCare, Encounter and Task (the deadline)."""
        acceptable(request)
        asking = self._door.asking(request, "view", cookie=True)
        past = await looked_at(self._hub.past, asking, request)
        made = await run_in_threadpool(self._hub.boards.as_fhir, asking, self._hub.fhir, past)
        return Response(pretty(request, _said(made, past)), 200, media_type=FHIR, headers=_STORE)


def _said(made: Mapping[str, Any], past: Past | None) -> bytes:
    """Write a Bundle; one that shows the past says so, and which moment."""
    if past is None:
        return orjson.dumps(made)
    system, code = PAST
    tag = {"system": system, "code": code, "display": words(past)}
    return orjson.dumps({"resourceType": "Bundle", "meta": {"tag": [tag]}, **made})
