"""The two shared views as FHIR ($summary, $board), and the record of disclosures as AuditEvents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.assemble import Hub
from hub.reads.past import Past
from hub.reads.views import words
from hub.tables import decisions
from hub.tables.decisions import Filter
from hub.views import audit_fhir, summary_fhir
from hub.web.auth import Doorkeeper
from hub.web.bodies import acceptable
from hub.web.errors import FHIR
from hub.web.fhir.reading import pretty, searched
from hub.web.requests import looked_at
from schemas.adapter import BASE
from schemas.errors import BadValue, NotFound
from schemas.fhir.facts import JST, days_of

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
            view = self._hub.view.emergency(asking, self._hub.view.person_of(stream, past), past)
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

    async def audit_events(self, request: Request) -> Response:
        """GET AuditEvent?patient=&date=&outcome=&_count=, or the same by POST _search: for the network's officers."""
        acceptable(request)
        asking = self._door.asking(request, "audit", cookie=True)
        params = await searched(request)

        def work() -> bytes:
            first = dict(params)
            by = Filter()
            if patient := first.get("patient", ""):
                stream = self._hub.read.stream(asking, "Patient", patient.removeprefix("Patient/"))
                by = by._replace(persons=self._hub.audit.persons_of_patient(asking, stream))
            for value in [v for n, v in params if n == "date"]:
                by = _dated(by, value)
            if outcome := first.get("outcome", ""):
                by = by._replace(effect={"0": decisions.GIVEN, "4": "deny"}.get(outcome, "none"))
            size = first.get("_count", "50")
            if not (size.isascii() and size.isdigit()):
                raise BadValue("HUB-4082", where="_count")
            found = self._hub.audit.listed(asking, by, first.get("_page", ""), min(int(size[:4]), 200))
            source = self._hub.region.network
            entries = [
                {"fullUrl": f"{self._hub.fhir}/AuditEvent/{e['id']}", "resource": e, "search": {"mode": "match"}}
                for e in (audit_fhir.to_audit_event(d, base=self._hub.fhir, source=source) for d in found.decided)
            ]
            links = [{"relation": "self", "url": f"{self._hub.fhir}/AuditEvent?_count={size}"}]
            if found.next:
                links.append({"relation": "next", "url": f"{self._hub.fhir}/AuditEvent?_count={size}&_page={found.next}"})
            made = {"resourceType": "Bundle", "type": "searchset", **({"total": found.total} if found.exact else {}), "link": links}
            return orjson.dumps(made | ({"entry": entries} if entries else {}))

        return Response(pretty(request, await run_in_threadpool(work)), 200, media_type=FHIR, headers=_STORE)


def _said(made: Mapping[str, Any], past: Past | None) -> bytes:
    """Write a Bundle; one that shows the past says so, and which moment."""
    if past is None:
        return orjson.dumps(made)
    system, code = PAST
    tag = {"system": system, "code": code, "display": words(past)}
    return orjson.dumps({"resourceType": "Bundle", "meta": {"tag": [tag]}, **made})


def _dated(by: Filter, value: str) -> Filter:
    """Narrow by `date=ge2026-11-01`: ge, gt, le, lt, or the day itself; days are days in Japan."""
    prefix, text = (value[:2], value[2:]) if value[:2] in {"ge", "gt", "le", "lt", "eq"} else ("eq", value)
    first, last = days_of(text)
    if first is None or last is None:
        raise BadValue("HUB-4083", where="date")
    begins = int(datetime(first.year, first.month, first.day, tzinfo=JST).astimezone(UTC).timestamp() * 1000)
    after = datetime(last.year, last.month, last.day, tzinfo=JST) + timedelta(days=1)
    ends = int(after.timestamp() * 1000)
    match prefix:
        case "ge":
            return by._replace(since=begins)
        case "gt":
            return by._replace(since=ends)
        case "le":
            return by._replace(until=ends)
        case "lt":
            return by._replace(until=begins)
        case _:
            return by._replace(since=begins, until=ends)
