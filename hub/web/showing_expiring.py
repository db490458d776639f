"""切れる同意: the work list of consents and powers that end, as a page and for programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.assemble import Hub
from hub.reads.expiring import WITHIN, Ending
from hub.reads.officers import officer
from hub.views.ages import JST
from hub.views.consent_words import said
from hub.views.expiring import ExpiryLine, line
from hub.web.auth import Doorkeeper, SignedIn
from hub.web.menus import office_nav
from hub.web.pages import render_office
from hub.web.requests import asked, html

Add = Callable[..., None]
PLACE = "/audit/expiring"
_TABS = {"30": "30日以内", "60": "60日以内", "90": "90日以内", "ended": "もう切れた（後の同意なし）"}


class ShowingExpiring:
    """The page over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo

    def routes(self, add: Add) -> None:
        """Add it."""
        add(PLACE, self.page)

    async def page(self, request: Request) -> Response:
        """Draw one page of the list."""
        signed = self._door.user(request)
        return html(await run_in_threadpool(self._page, request, signed))

    def _page(self, request: Request, signed: SignedIn) -> str:
        asking = asked(signed, request, "audit")
        params = request.query_params
        within, custodian = params.get("within", "30"), params.get("organization", "")
        found = self._hub.expiring.listed(asking, within, custodian, params.get("below", ""))
        held = {"organization": custodian} if custodian else {}
        return render_office.expiring(
            [self._line(one) for one in found.found], within=within, organization=custodian,
            tabs=[(f"{PLACE}?{urlencode({'within': name, **held})}", words, name == within) for name, words in _TABS.items()],
            organizations=sorted(((c, o.name) for c, o in self._hub.region.offices.items()), key=lambda pair: pair[1]),
            more=f"{PLACE}?{urlencode({'within': within, **held, 'below': found.next})}" if found.next else "", demo=self._demo, csrf=signed.csrf,
            user=signed.identified.name, office=signed.organization_name, nav=office_nav(self._hub, asking, PLACE),
        )  # fmt: skip

    def _line(self, one: Ending) -> ExpiryLine:
        region = self._hub.region
        people = {u.id: u.name for u in region.users.values()}
        return line(
            what=one.what, ends=one.ends, now=self._hub.now(), person=one.person, pseudonym=one.pseudonym, directive=one.directive,
            followed=one.followed, custodian=region.name_of(one.custodian), organizations=region.offices, people=people,
        )  # fmt: skip


class ExpiringDoor:
    """GET /audit/expiring.json: the same list for programs."""

    def __init__(self, hub: Hub, door: Doorkeeper) -> None:
        self._hub, self._door = hub, door

    def routes(self, add: Add) -> None:
        """Add it."""
        add("/audit/expiring.json", self.listed, methods=["GET"], response_class=Response)

    async def listed(self, request: Request) -> Response:
        """Give a page: `within` = 30, 60, 90 or ended; `organization` = of one custodian; `cursor` = go on."""
        asking = self._door.asking(request, "audit", cookie=True)
        officer(asking)
        params = request.query_params

        def work() -> dict[str, Any]:
            within = params.get("within", next(iter(WITHIN)))
            found = self._hub.expiring.listed(asking, within, params.get("organization", ""), params.get("cursor", ""))
            return {"expiring": [self._told(one) for one in found.found], **({"next": found.next} if found.next else {})}

        return Response(orjson.dumps(await run_in_threadpool(work)), media_type="application/json", headers={"Cache-Control": "no-store"})

    def _told(self, one: Ending) -> dict[str, Any]:
        people = {u.id: u.name for u in self._hub.region.users.values()}
        words = said(one.directive, self._hub.region.offices, people) if one.directive else None
        return {
            "what": one.what, "consent": one.consent, "version": one.version, "ends": one.ends.astimezone(JST).isoformat(),
            "custodian": one.custodian, "person": one.person, "pseudonym": one.pseudonym, "followed": one.followed,
            "says": {"head": words.head, **dict(words.lines)} if words else None,
        }  # fmt: skip
