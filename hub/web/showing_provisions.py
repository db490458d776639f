"""提供の記録: what was given, for officers and for the organization that gave; and the print for the person (33条5項)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from functools import partial
from urllib.parse import parse_qsl, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.assemble import Hub
from hub.reads.officers import is_officer
from hub.reads.provisions import FILE, Asked, Told
from hub.views import provision_export as export
from hub.views.disclosure import milliseconds
from hub.web.auth import Doorkeeper, SignedIn
from hub.web.bodies import form_text
from hub.web.exports import stream
from hub.web.menus import office_nav
from hub.web.pages import render_provisions
from hub.web.requests import MAX_FORM, asked, html, posted
from schemas.errors import BadValue, NotFound

Add = Callable[..., None]
PLACE = "/audit/provisions"
FILTERS = ("person", "patient", "custodian", "receiver", "from", "to", "own")
MEDIA = {"pdf": "application/pdf", "json": "application/json"}


class ShowingProvisions:
    """The page and its files over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo
        self._naming = export.Naming(hub.region.parties, hub.provided.entities)

    def routes(self, add: Add) -> None:
        """Add them."""
        add(PLACE, self.page)
        add(f"{PLACE}.csv", partial(self.file, form="csv"))
        add(f"{PLACE}.ndjson", partial(self.file, form="ndjson"))
        add(f"{PLACE}/disclosure", self.disclose, "POST")

    async def page(self, request: Request) -> Response:
        """Draw lines by a filter, newest first."""
        signed = self._door.user(request)
        return html(await run_in_threadpool(self._page, request, signed))

    def _page(self, request: Request, signed: SignedIn) -> str:
        asking = asked(signed, request, "audit")
        filters = filters_of(request.query_params)
        listed = self._hub.provided.listed(asking, read(filters), request.query_params.get("below", ""))
        held = {name: value for name, value in filters.items() if value}
        query = urlencode(held)
        officer = is_officer(asking)
        person = self._hub.choose.named(asking, filters["person"]).pseudonym if officer and filters["person"] else ""
        return render_provisions.provisions(
            [self._cells(one) | {"items_ja": export.items_ja(one.row)} for one in listed.told], filters=filters, officer=officer, person=person,
            organizations=sorted(((c, o.name) for c, o in self._hub.region.offices.items()), key=lambda pair: pair[1]),
            exports=[(words, f"{PLACE}.{form}?{query}") for words, form in (("CSV で保存", "csv"), ("NDJSON で保存", "ndjson"))]
            + [("月ごとにまとめた CSV", f"{PLACE}.csv?{urlencode({**held, 'bulk': 'yes'})}")],
            more=f"{PLACE}?{urlencode({**held, 'below': listed.next})}" if listed.next else "",
            without=f"{PLACE}?{urlencode({k: v for k, v in held.items() if k != 'person'})}",
            fingerprint=self._hub.provided.certificate().fingerprint, demo=self._demo, csrf=signed.csrf,
            user=signed.identified.name, office=signed.organization_name, nav=office_nav(self._hub, asking, PLACE),
        )  # fmt: skip

    def _cells(self, one: Told) -> dict[str, str]:
        return export.cells(one.row, one.pseudonym, self._naming)

    async def file(self, request: Request, form: str) -> Response:
        """Give all lines of a filter as a file; `bulk` = one line a month, receiver, subject and ground."""
        asking = self._door.asking(request, "audit", cookie=True)
        found = await run_in_threadpool(self._hub.provided.every, asking, read(filters_of(request.query_params)))
        rows = self._bulk(found) if request.query_params.get("bulk") else (map(self._cells, batch) for batch in found)
        return stream("provisions", form, export.COLUMNS, rows)

    def _bulk(self, batches: Iterator[list[Told]]) -> Iterator[list[dict[str, str]]]:
        bulking = export.Bulking()
        for batch in batches:
            yield [done for one in batch for done in bulking.take(self._cells(one))]
        yield bulking.end()

    async def disclose(self, request: Request) -> Response:
        """Give what a person is told, signed, as PDF or JSON; the officer names person and period, or a program with the office's token does."""
        if request.headers.get("authorization"):
            asking = self._door.asking(request, "audit")
            form = dict(parse_qsl(await form_text(request, MAX_FORM)))
        else:
            form, signed = await posted(request, self._door)
            asking = asked(signed, request, "audit")
        if not form.get("person"):
            raise NotFound("HUB-5041")
        kind = kind_of(form)
        since, until = span(form)
        made = await run_in_threadpool(self._hub.provided.officers_print, asking, form["person"], since, until, kind)
        return document(made, kind)


def filters_of(params: Mapping[str, str]) -> dict[str, str]:
    """Give all filters by name; empty = any."""
    return {name: params.get(name, "").strip() for name in FILTERS}


def read(filters: Mapping[str, str]) -> Asked:
    """Read filters. Days of Japan, both ends included; raise BadValue (HUB-4083) for what is none."""
    since, until = span(filters)
    return Asked(filters["person"], filters["patient"], filters["custodian"], filters["receiver"], since, until, third=not filters["own"])


def span(form: Mapping[str, str]) -> tuple[date | None, date | None]:
    """Read a period."""
    return _day(form, "from"), _day(form, "to")


def _day(form: Mapping[str, str], where: str) -> date | None:
    text = form.get(where, "")
    try:
        day = date.fromisoformat(text) if text else None
        if day is not None:
            milliseconds(day), milliseconds(day + timedelta(days=1))  # neither end of the calendar has a moment in Japan
    except (ValueError, OverflowError) as fault:
        raise BadValue("HUB-4083", where=where) from fault
    return day


def kind_of(form: Mapping[str, str]) -> str:
    """Read as what a document is wanted; raise BadValue (HUB-5191) for anything else than pdf and json."""
    kind = form.get("form", "pdf")
    if kind not in MEDIA:
        raise BadValue("HUB-5191", where="form")
    return kind


def document(made: bytes, kind: str) -> Response:
    """Give a document as a file."""
    headers = {"Content-Disposition": f'attachment; filename="{FILE}.{kind}"', "Cache-Control": "no-store"}
    return Response(made, media_type=MEDIA[kind], headers=headers)
