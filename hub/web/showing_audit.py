"""Pages for the network's office: 開示の記録 with its reviews, exports and proofs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hub.assemble import Hub
from hub.reads.audit_export import COLUMNS
from hub.tables.decisions import Filter
from hub.views import audit
from hub.web.auth import Doorkeeper, SignedIn
from hub.web.exports import stream
from hub.web.filters import filters_of, read_filter
from hub.web.menus import office_nav
from hub.web.pages import render
from hub.web.requests import asked, html, posted
from schemas.errors import NotFound

Add = Callable[..., None]
OUTCOMES_GIVEN = ("given", "出したもの（許可と一部）")


class ShowingAudit:
    """These pages over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo

    def routes(self, add: Add) -> None:
        """Add them."""
        add("/audit", self.page)
        add("/audit/review", self.review, "POST")
        add("/audit/export.csv", self.export)
        add("/audit/export.ndjson", partial(self.export, form="ndjson"))
        add("/audit/proof/{reference}", self.proof)

    async def page(self, request: Request) -> Response:
        """Draw the record of disclosures for a filter; `why` opens one decision."""
        signed = self._door.user(request)
        return html(await run_in_threadpool(self._page, request, signed))

    def _page(self, request: Request, signed: SignedIn) -> str:
        asking = asked(signed, request, "audit")
        filters = filters_of(request.query_params)
        listed = self._hub.audit.listed(asking, read_filter(self._hub, asking, filters), request.query_params.get("below", ""))
        tiles = self._hub.audit.tiles(asking)
        why = request.query_params.get("why", "")
        opened = None
        if why and all(d.reference != why for d in listed.decided):
            opened = next(iter(self._hub.audit.listed(asking, Filter(reference=why), size=1).decided), None)
        size = self._hub.proofs.size(asking)
        held = {k: v for k, v in filters.items() if v}
        model = audit.page(
            listed.decided,
            user=signed.identified.name,
            now=self._hub.now(),
            filters=filters,
            organizations=self._hub.region.offices,
            people={u.id: u.name for u in self._hub.region.users.values()},
            persons=[(p.person, p.pseudonym) for p in ([self._hub.choose.named(asking, held["person"])] if "person" in held else [])],
            users=[(u.id, f"{u.name}（{self._hub.region.name_of(u.organization)}）") for u in self._hub.region.users.values()],
            why=why,
            opened=opened,
            today=tiles.today,
            refused_today=tiles.refused_today,
            open_reviews=[datetime.fromtimestamp(r.opened / 1000, UTC) for r in tiles.reviews],
            consents_expiring=tiles.expiring,
            unusual=tiles.unusual,
            proof_state="署名済み" if size else "未署名",
            proof_detail=f"署名した記録の先頭：{size} 枚" if size else "まもなく署名します",
            more=f"/audit?{urlencode({**held, 'below': listed.next})}" if listed.next else "",
            total="" if request.query_params.get("below") else audit.total_words(listed.total, exact=listed.exact),
        )
        return render.audit(
            model,
            demo=self._demo,
            csrf=signed.csrf,
            nav=office_nav(self._hub, asking, "/audit"),
            organization=signed.organization_name,
            exports=(
                ("CSV で保存", f"/audit/export.csv?{request.url.query}"),
                ("NDJSON で保存", f"/audit/export.ndjson?{request.url.query}"),
            ),
            outcomes=(OUTCOMES_GIVEN, *audit.outcomes()),
            purposes=audit.purposes(),
            reasons=audit.reasons(),
            actions=audit.actions(),
            proof=f"/audit/proof/{why}" if why and size else "",
        )

    async def review(self, request: Request) -> Response:
        """Record what the officer found about an emergency access."""
        form, signed = await posted(request, self._door)
        asking = asked(signed, request, "audit")

        def work() -> None:
            session = self._hub.audit.session_of(asking, form.get("reference", ""))
            self._hub.reviewing.review(asking, session, form.get("result", ""), form.get("text", ""))

        await run_in_threadpool(work)
        return RedirectResponse(f"/audit?why={form.get('reference', '')}#why", 303)

    async def export(self, request: Request, form: str = "csv") -> Response:
        """Give all decisions of a filter, newest first, as they are read: there is no limit."""
        asking = self._door.asking(request, "audit", cookie=True)

        def work() -> Iterator[list[dict[str, str]]]:
            return self._hub.audit_export.every(asking, read_filter(self._hub, asking, filters_of(request.query_params)))

        return stream("decisions", form, COLUMNS, await run_in_threadpool(work))

    async def proof(self, request: Request) -> Response:
        """Give the proof of one decision, as a file that is checked without the hub."""
        signed = self._door.user(request)
        reference = request.path_params["reference"]
        if not reference:
            raise NotFound("HUB-5041")
        asking = asked(signed, request, "audit")
        found = await run_in_threadpool(lambda: self._hub.proofs.inclusion(asking, reference=reference))
        headers = {"Content-Disposition": 'attachment; filename="decision.tlog-proof"'}
        return Response(found.encode(), media_type="text/plain; charset=utf-8", headers=headers)
