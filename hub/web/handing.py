"""Files handed in, messages that were not taken and sending them again, the clerk's links: JSON for programs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from consent.ask import Decision
from hub.assemble import Hub
from hub.commands import Asking
from hub.ingest.bundles import FHIR
from hub.ingest.receive import Report
from hub.names import hub_id
from hub.tables import identities
from hub.web.auth import Doorkeeper
from hub.web.bodies import body
from hub.web.errors import answer
from hub.web.fhir.batch import Bundles
from schemas.errors import BadValue, Denied, Issue, Malformed, Refusal
from schemas.messages import english, japanese

_NAME = re.compile(r"filename\*=UTF-8''([^;\s]+)", re.IGNORECASE)
_PLAIN = re.compile(r'filename="([^"]+)"')
JSON = "application/json; charset=utf-8"
_MATCHING = Decision("permit", "P-MATCHING", "JP-23-CONTROL", trail=("matching:yes",))
PAIRS = 200


def said(issues: Sequence[Issue]) -> list[dict[str, str]]:
    """Say issues in both languages."""
    return [{"rule": i.rule, "where": i.where, "severity": i.severity, "ja": japanese(i), "en": english(i)} for i in issues]


def told(report: Report) -> dict[str, Any]:
    """Say what became of a file."""
    return {
        "layout": report.layout,
        "taken": [{"resources": t.resources, "warnings": said(t.warnings)} for t in report.taken],
        "repeats": report.repeats,
        "refused": [{"reference": r.reference, "rows": list(r.rows), "issues": said(r.issues)} for r in report.refused],
    }


class Handing:
    """These doors over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper) -> None:
        self._hub, self._door = hub, door

    async def hand_in(self, request: Request) -> Response:
        """POST /hand-in: one file as the body, its name in Content-Disposition (never in the address: it may hold a patient's number)."""
        asking = self._door.asking(request, "write")
        name = _file_name(request)
        data = await body(request)
        report = await run_in_threadpool(self._hub.receive, asking, name, data)
        return _json(told(report), 422 if report.refused and not report.taken and not report.repeats else 200)

    async def refused(self, request: Request) -> Response:
        """GET /refused: the organization's messages that were not taken, without their content."""
        asking = self._door.asking(request, "read", apart=True)
        kept = await run_in_threadpool(self._hub.refusals.listed, asking.requester.organization, asking.compartment)
        rows = [
            {
                "reference": k.reference,
                "at": k.at.isoformat(),
                "layout": k.layout,
                "door": k.door,
                "settled": k.settled,
                "until": k.until.isoformat(),
                "issues": said(k.issues),
            }
            for k in kept
        ]
        return _json({"refused": rows})

    async def send_again(self, request: Request) -> Response:
        """POST /refused/reference/send: the same bytes through the same door again."""
        asking = self._door.asking(request, "write", apart=True)
        return await run_in_threadpool(self.again, asking, request.path_params["reference"])

    def again(self, asking: Asking, reference: str) -> Response:
        """Send a refused message again."""
        stream, message = self._hub.refusals.again(asking.requester.organization, reference, asking.compartment)
        if message.door == "fhir":
            try:
                entries = Bundles(self._hub).take(asking, message.raw, settles=stream).get("entry", [])
            except Refusal as refusal:
                return answer(refusal)
            count = len(entries) if isinstance(entries, list) else 0
            return _json({"layout": message.layout, "taken": [{"resources": count, "warnings": []}], "repeats": 0, "refused": []})
        if message.media == FHIR:
            report = self._hub.bundle(asking, message.raw, settles=stream)
        else:
            report = self._hub.receive(asking, message.name, message.raw, settles=stream)
        return _json(told(report), 422 if report.refused else 200)

    # ── links ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def pairs(self, request: Request) -> Response:
        """GET /links: Patients of the same kana name and birth date that are not linked yet: the clerk's work list."""
        asking = self._clerk(request)

        def work() -> list[dict[str, str]]:
            with self._hub.store.read() as tx:
                found = identities.likely_pairs(tx, PAIRS)
                rows = {s: self._custodian(tx, s) for pair in found for s in pair}
                persons = [identities.person_of(tx, stream) for stream in rows]
            self._hub.gate.looked(asking, persons, _MATCHING)
            return [
                {
                    "first": f"Patient/{hub_id(a)}",
                    "second": f"Patient/{hub_id(b)}",
                    "first_organization": rows[a],
                    "second_organization": rows[b],
                }
                for a, b in found
            ]

        return _json({"pairs": await run_in_threadpool(work)})

    def _custodian(self, tx: Any, stream: bytes) -> str:
        from hub.tables import resources

        row = resources.newest(tx, stream)
        return self._hub.region.name_of(row.custodian) if row else ""

    def _clerk(self, request: Request) -> Asking:
        asking = self._door.asking(request, "search", cookie=True)
        if asking.requester.kind != "network":
            raise Denied("HUB-5043")
        return asking

    async def link(self, request: Request) -> Response:
        """POST /links {"first": …, "second": …, "reason": …}: two Patients are one person.

        Each is `Patient/tsu-…` or `{"organization": code, "number": the organization's own}`.
        """
        return await self._linked(request, unlink=False)

    async def unlink(self, request: Request) -> Response:
        """POST /links/undo: two Patients are not one person after all."""
        return await self._linked(request, unlink=True)

    async def _linked(self, request: Request, *, unlink: bool) -> Response:
        text, asking = await body(request, 10_000), self._clerk(request)

        def work() -> None:
            try:
                sent = orjson.loads(text)
                first, second, reason = self._patient(sent["first"]), self._patient(sent["second"]), str(sent.get("reason", ""))
            except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as fault:
                raise Malformed("HUB-5039") from fault
            (self._hub.links.unlink if unlink else self._hub.links.link)(asking, first, second, reason)

        await run_in_threadpool(work)
        return _json({"linked": not unlink})

    def _patient(self, sent: Any) -> str:
        """Read `Patient/tsu-…`, or an organization's code and the number that it knows its patient by."""
        return sent if isinstance(sent, str) else self._hub.links.patient(str(sent["organization"]), str(sent["number"]))


def _file_name(request: Request) -> str:
    given = request.headers.get("content-disposition", "")
    if match := _NAME.search(given):
        return unquote(match[1])
    if match := _PLAIN.search(given):
        return match[1]
    raise BadValue("HUB-5056", where="Content-Disposition")


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type=JSON, headers={"Cache-Control": "no-store"})
