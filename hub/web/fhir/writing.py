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
from hub.reads.presenting import instant
from hub.web.auth import Doorkeeper
from hub.web.bodies import acceptable, body, fhir_media
from hub.web.errors import FHIR, status_of
from hub.web.fhir.batch import read_entry
from schemas.errors import BadInput, BadValue, NotFound, NotOffered, Refusal
from schemas.fhir.bundle import Entry, read_bundle
from schemas.fhir.outcome import operation_outcome
from schemas.fhir.present import present
from schemas.fhir.resource import read

_PHRASES = {200: "200 OK", 201: "201 Created", 204: "204 No Content"}


class Writing:
    """The writing interactions over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper) -> None:
        self._hub, self._door = hub, door

    async def bundle(self, request: Request) -> Response:
        """Take a Bundle: a transaction whole or not at all, a batch entry by entry."""
        acceptable(request)
        fhir_media(request)
        asking = self._door.asking(request, "write")
        raw = await body(request)
        return await run_in_threadpool(self._bundle, asking, raw, "return=representation" in request.headers.get("prefer", ""))

    def _bundle(self, asking: Asking, raw: bytes, full: bool) -> Response:
        try:
            envelope = read_bundle(raw)
            if envelope.type == "transaction":
                return _answered("transaction", self._transaction(asking, envelope.entries, full))
        except BadInput as refusal:
            self._keep(asking, raw, refusal)
            raise
        return _answered("batch", [self._single(asking, e, full) for e in envelope.entries])

    def _keep(self, asking: Asking, raw: bytes, refusal: BadInput) -> None:
        self._hub.refusals.keep(
            custodian=asking.requester.organization, name="", layout="Bundle", door="fhir", media="application/fhir+json", issues=refusal.issues, raw=raw
        )

    def _transaction(self, asking: Asking, entries: tuple[Entry, ...], full: bool) -> list[dict[str, object]]:
        """Do all writes as one submission; reads come after them (R4 §3.1.0.11.2)."""
        for e in entries:
            if e.method not in {"POST", "PUT", "DELETE", "GET"}:
                raise NotOffered("HUB-5037", where=f"Bundle.entry[{e.index}].request.method")
        writes = tuple(_write(e) for e in entries if e.method != "GET")
        taken = {t.index: t for t in self._hub.submit(Submit(asking, writes)).taken} if writes else {}
        return [
            self._entry(taken[e.index], full) if e.index in taken else read_entry(self._hub, asking, e.url, f"Bundle.entry[{e.index}]")
            for e in entries
        ]

    def _single(self, asking: Asking, e: Entry, full: bool) -> dict[str, object]:
        """Do one entry of a batch; its refusal is its own."""
        try:
            if e.refusal is not None:
                raise e.refusal
            if e.method == "GET":
                return read_entry(self._hub, asking, e.url, f"Bundle.entry[{e.index}]")
            if e.method not in {"POST", "PUT", "DELETE"}:
                raise NotOffered("HUB-5037", where=f"Bundle.entry[{e.index}].request.method")
            (taken,) = self._hub.submit(Submit(asking, (_write(e),))).taken
            return self._entry(taken, full)
        except Refusal as refusal:
            return {"response": {"status": str(status_of(refusal)), "outcome": operation_outcome(refusal.issues)}}

    def _entry(self, taken: Taken, full: bool) -> dict[str, object]:
        response: dict[str, object] = {"status": _PHRASES[taken.status]}
        if taken.version:
            response["etag"] = f'W/"{taken.version}"'
            response["lastModified"] = instant(taken.updated)
            response["location"] = self._location(taken)
        entry: dict[str, object] = {"response": response}
        if full and taken.text:
            entry["resource"] = orjson.Fragment(_shown(taken))
        return entry

    def _location(self, taken: Taken) -> str:
        return f"{self._hub.fhir}/{taken.type}/{taken.id}/_history/{taken.version}"

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
        asking = self._door.asking(request, "write")
        raw = await body(request)
        prefer = request.headers.get("prefer", "")

        def work() -> Response:
            kind = url.partition("/")[0].partition("?")[0]
            found = read(raw, expected_type=kind)
            number = url.partition("/")[2]
            if method == "PUT" and number and found.id != number:
                raise BadValue("HUB-4059", where=f"{kind}.id")
            write = Write(
                0, method, url, found, if_none_exist=if_none_exist, if_match=request.headers.get("if-match"),
                if_none_match=request.headers.get("if-none-match") if method == "PUT" else None,
            )  # fmt: skip
            (taken,) = self._hub.submit(Submit(asking, (write,), where=kind)).taken
            headers = {"ETag": f'W/"{taken.version}"', "Last-Modified": _http_date(taken.updated), "Location": self._location(taken)}
            shown = b"" if "return=minimal" in prefer else _shown(taken) if taken.text else self._found(asking, taken)
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
        asking = self._door.asking(request, "write")
        kind, number = request.path_params["kind"], request.path_params.get("number", "")
        url = f"{kind}/{number}" if number else f"{kind}?{_condition(request)}"
        write = Write(0, "DELETE", url, if_match=request.headers.get("if-match"))
        await run_in_threadpool(self._hub.submit, Submit(asking, (write,), where=kind))
        return Response(status_code=204)


def _write(e: Entry) -> Write:
    return Write(
        e.index, e.method, e.url, e.body, e.full_url, e.if_none_exist, e.if_match, e.if_none_match if e.method == "PUT" else None
    )  # fmt: skip


def _condition(request: Request) -> str:
    """Give the address's own condition: what says how to answer is none."""
    return urlencode([(n, v) for n, v in request.query_params.multi_items() if n not in {"_format", "_pretty"}])


def _shown(taken: Taken) -> bytes:
    """Give back what the sender has just sent, with the id and meta that it got: nothing is read for it."""
    return present(taken.text, id=taken.id, version=taken.version, updated=instant(taken.updated))


def _answered(kind: str, entries: list[dict[str, object]]) -> Response:
    made: dict[str, object] = {"resourceType": "Bundle", "type": f"{kind}-response"}
    if entries:
        made["entry"] = entries
    return Response(orjson.dumps(made), 200, media_type=FHIR)


def _http_date(milliseconds: int) -> str:
    from email.utils import formatdate

    return formatdate(milliseconds / 1000, usegmt=True)
