"""Read, vread and search, by GET and by POST `_search` (R4 http §3.1.0.2–3, §3.1.0.9)."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.assemble import Hub
from hub.reads.resources import Page, warnings_of
from hub.web.auth import Doorkeeper
from hub.web.bodies import acceptable, form_text, http_date
from hub.web.errors import FHIR
from hub.web.requests import searching
from hub.writes.targets import NOT_STORED
from schemas.errors import BadValue, Issue, NotFound, UnknownMedia
from schemas.fhir.schema import resource_types

MAX_FORM = 100_000
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def known_type(kind: str) -> str:
    """Give a resource type that the hub keeps; raise NotFound for another (R4: 404, unknown type)."""
    if kind.startswith(("$", "_")):
        raise NotFound(issues=[Issue("HUB-5144", code="not-supported")])
    if kind not in resource_types() or kind in NOT_STORED:
        raise NotFound("HUB-4011")
    return kind


class FhirReading:
    """The reading interactions over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper) -> None:
        self._hub, self._door = hub, door

    async def read(self, request: Request) -> Response:
        """GET Type/id and Type/id/_history/version; 304 for If-None-Match."""
        acceptable(request)
        asking = self._door.asking(request, "read", cookie=True, apart=True)
        kind, number = known_type(request.path_params["kind"]), request.path_params["number"]
        if number.startswith(("$", "_")):  # an operation, a history: no id begins so (R4 datatypes §2.24.0.1)
            raise NotFound(issues=[Issue("HUB-5144", code="not-supported")])
        version = request.path_params.get("version")
        if version is not None and not (version.isascii() and version.isdigit() and len(version) < 10):
            raise NotFound("HUB-5041")
        if version is not None:
            asking = replace(asking, came=replace(asking.came, interaction="vread"))
        shown = await run_in_threadpool(self._hub.read.read, asking, kind, number, int(version) if version else None)
        tag = f'W/"{shown.row.version}"'
        headers = {"ETag": tag, "Last-Modified": http_date(shown.row.updated), "Cache-Control": "no-store"}
        if not {"*", tag, tag[2:]}.isdisjoint(t.strip() for t in request.headers.get("if-none-match", "").split(",")):
            return Response(status_code=304, headers=headers)
        return Response(pretty(request, shown.text), 200, media_type=FHIR, headers=headers)

    async def search(self, request: Request) -> Response:
        """GET Type?… and POST Type/_search."""
        return await self._search(request, await searched(request))

    async def _search(self, request: Request, params: list[tuple[str, str]]) -> Response:
        acceptable(request)
        asking = searching(self._door.asking(request, "search", cookie=True, apart=True), request, params)
        kind = known_type(request.path_params["kind"])
        strict = "handling=strict" in request.headers.get("prefer", "")
        if any(name == "_summary" and value not in {"count", "false"} for name, value in params):
            raise BadValue("HUB-4084", where="_summary")
        found = await run_in_threadpool(self._hub.read.search, asking, kind, params, strict=strict)
        return Response(
            pretty(request, orjson.dumps(searchset(self._hub, kind, found))), 200, media_type=FHIR, headers={"Cache-Control": "no-store"}
        )


async def searched(request: Request) -> list[tuple[str, str]]:
    """Give what is searched by: the address, and of a POST the form too (R4 search §3.1.1)."""
    params = list(request.query_params.multi_items())
    if request.method != "POST":
        return params
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in {"application/x-www-form-urlencoded", ""}:
        raise UnknownMedia("HUB-5038")
    return [*params, *parse_qsl(await form_text(request, MAX_FORM), keep_blank_values=True)]


def searchset(hub: Hub, kind: str, page: Page) -> dict[str, object]:
    """Make a searchset. Identifiers that were searched for are not repeated in links: no number of a person stands in an address."""
    entries: list[dict[str, object]] = [
        {"fullUrl": f"{hub.fhir}/{p.row.type}/{p.id}", "resource": orjson.Fragment(p.text), "search": {"mode": "match"}} for p in page.found
    ]
    warned = warnings_of(page)
    if warned is not None:
        entries.append({"resource": warned, "search": {"mode": "outcome"}})
    used = [(n, v) for n, v in page.used if n != "identifier"]
    links = [{"relation": "self", "url": f"{hub.fhir}/{kind}?{urlencode([*used, ('_count', page.count)])}"}]
    if page.next:
        links.append({"relation": "next", "url": f"{hub.fhir}/{kind}?{urlencode([('_page', page.next), ('_count', page.count)])}"})
    made: dict[str, object] = {"resourceType": "Bundle", "type": "searchset", "total": page.total, "link": links}
    if entries:
        made["entry"] = entries
    return made


def pretty(request: Request, text: bytes) -> bytes:
    """Indent when `_pretty=true` asks for it. Works on tokens, so that 1.10 stays 1.10."""
    if request.query_params.get("_pretty") != "true":
        return text
    made: list[bytes] = []
    depth = 0
    for token in _TOKEN.findall(text):
        if token in b"}]":
            depth -= 1
            made.append(b"\n" + b"  " * depth)
        made.append(b": " if token == b":" else token)
        if token in b"{[":
            depth += 1
        if token in b"{[,":
            made.append(b"\n" + b"  " * depth)
    return b"".join(made)
