"""Create, update, delete, and Bundles of type transaction and batch (R4 http §3.1.0)."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.assemble import Hub
from hub.commands import Asking, Submit, Taken, Write
from hub.tables.told import told
from hub.web.auth import Doorkeeper
from hub.web.bodies import acceptable, body, fhir_media, http_date
from hub.web.errors import FHIR
from hub.web.fhir.batch import Bundles, as_taken, place_of
from schemas.errors import BadValue, NotFound
from schemas.fhir.resource import read


class Writing:
    """The writing interactions over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper) -> None:
        self._hub, self._door, self._bundles = hub, door, Bundles(hub)

    async def bundle(self, request: Request) -> Response:
        """Take a Bundle: a transaction whole or not at all, a batch entry by entry."""
        acceptable(request)
        fhir_media(request)
        asking = self._door.asking(request, "write", apart=True)
        raw = await body(request)
        full = "return=representation" in request.headers.get("prefer", "")
        answer = await run_in_threadpool(self._bundles.take, asking, raw, full=full)
        return Response(orjson.dumps(answer), 200, media_type=FHIR)

    # ── one resource ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def create(self, request: Request) -> Response:
        """POST Type; If-None-Exist, or the query string taken as one (fhirpy)."""
        kind = request.path_params["kind"]
        condition = request.headers.get("if-none-exist")
        return await self._one(request, "POST", kind, if_none_exist=_condition(request) or None if condition is None else condition)

    async def update(self, request: Request) -> Response:
        """PUT Type/id, or PUT Type?condition."""
        kind, number = request.path_params["kind"], request.path_params.get("number", "")
        url = f"{kind}/{number}" if number else f"{kind}?{_condition(request)}"
        return await self._one(request, "PUT", url)

    async def _one(self, request: Request, method: str, url: str, if_none_exist: str | None = None) -> Response:
        acceptable(request)
        fhir_media(request)
        asking = self._door.asking(request, "write", apart=True)
        raw = await body(request)
        prefer = request.headers.get("prefer", "")

        def work() -> Response:
            kind = url.partition("/")[0].partition("?")[0]
            found = read(raw, expected_type=kind, keep=told)
            number = url.partition("/")[2]
            if method == "PUT" and number and found.id != number:
                raise BadValue("HUB-4059", where=f"{kind}.id")
            write = Write(
                0, method, url, found, if_none_exist=if_none_exist, if_match=request.headers.get("if-match"),
                if_none_match=request.headers.get("if-none-match") if method == "PUT" else None,
            )  # fmt: skip
            (taken,) = self._hub.submit(Submit(asking, (write,), where=kind)).taken
            if not taken.version:
                return Response(b"", taken.status, media_type=FHIR)
            headers = {"ETag": f'W/"{taken.version}"', "Last-Modified": http_date(taken.updated), "Location": place_of(self._hub, taken)}
            shown = b"" if "return=minimal" in prefer else as_taken(taken) if taken.text else self._found(asking, taken)
            return Response(shown, taken.status, media_type=FHIR, headers=headers)

        return await run_in_threadpool(work)

    def _found(self, asking: Asking, taken: Taken) -> bytes:
        """Read what a condition found, as any reading does: decided and recorded."""
        try:
            return self._hub.read.read(replace(asking, action="read"), taken.type, taken.id, taken.version).text
        except NotFound:
            return b""

    async def delete(self, request: Request) -> Response:
        """DELETE Type/id, or DELETE Type?condition: 204 now and whenever it is asked again."""
        asking = self._door.asking(request, "write", apart=True)
        kind, number = request.path_params["kind"], request.path_params.get("number", "")
        url = f"{kind}/{number}" if number else f"{kind}?{_condition(request)}"
        write = Write(0, "DELETE", url, if_match=request.headers.get("if-match"))
        await run_in_threadpool(self._hub.submit, Submit(asking, (write,), where=kind))
        return Response(status_code=204)


def _condition(request: Request) -> str:
    """Give the address's own condition: what says how to answer is none."""
    return urlencode([(n, v) for n, v in request.query_params.multi_items() if n not in {"_format", "_pretty"}])
