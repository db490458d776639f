"""Pages of unusual access: the work list, one finding, settling it; and the list for programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any, cast, get_args
from urllib.parse import urlencode

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hub.assemble import Hub
from hub.reads.officers import officer
from hub.reads.unusual import Finding
from hub.tables.unusual import Status
from hub.views.ages import JST
from hub.views.unusual import rules
from hub.views.unusual_list import STATES, UnusualLine, line, stated
from hub.web.auth import Doorkeeper, SignedIn
from hub.web.menus import office_nav
from hub.web.pages import render_office
from hub.web.requests import asked, html, posted
from hub.writes.unusual import NOTE_LEAST
from schemas.errors import BadValue, MissingValue
from schemas.messages import japanese

Add = Callable[..., None]
PLACE = "/audit/unusual"


def _status(text: str) -> Status:
    if text not in get_args(Status):
        raise BadValue("HUB-5180", where="status", known="、".join(get_args(Status)))
    return cast("Status", text)


class ShowingUnusual:
    """These pages over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo

    def routes(self, add: Add) -> None:
        """Add them."""
        add(PLACE, self.page)
        add(f"{PLACE}/settle", self.settle, "POST")
        add(f"{PLACE}/{{reference}}", self.one)

    async def page(self, request: Request) -> Response:
        """Draw the work list of one status."""
        signed = self._door.user(request)
        return html(await run_in_threadpool(self._page, request, signed))

    def _page(self, request: Request, signed: SignedIn) -> str:
        asking = asked(signed, request, "audit")
        status = _status(request.query_params.get("status", "open"))
        found = self._hub.unusual.listed(asking, status, request.query_params.get("below", ""))
        day = self._hub.now().astimezone(JST).date()
        return render_office.unusual(
            [self._line(one) for one in found.found], stated(list(rules(day).values())),
            tabs=[(key, chip.text, key == status) for key, chip in STATES.items()],
            more=f"{PLACE}?{urlencode({'status': status, 'below': found.next})}" if found.next else "", **self._frame(request, signed),
        )  # fmt: skip

    async def one(self, request: Request) -> Response:
        """Draw one finding."""
        signed = self._door.user(request)
        return html(await run_in_threadpool(self._one, request, signed, request.path_params["reference"]))

    def _one(self, request: Request, signed: SignedIn, reference: str, problem: str = "", typed: str = "") -> str:
        found = self._hub.unusual.one(asked(signed, request, "audit"), reference)
        users = self._hub.region.users
        return render_office.unusual_one(
            self._line(found), search=f"/audit?{urlencode(_search(found))}", decisions=found.decisions, note=found.note,
            by=users[found.by].name if found.by in users else found.by, settled=found.settled, problem=problem, typed=typed, least=NOTE_LEAST,
            **self._frame(request, signed),
        )  # fmt: skip

    async def settle(self, request: Request) -> Response:
        """Settle a finding."""
        form, signed = await posted(request, self._door)
        reference, note = form.get("reference", ""), form.get("note", "")
        try:
            await run_in_threadpool(self._hub.settle.settle, asked(signed, request, "audit"), reference, form.get("result", ""), note)
        except MissingValue as missing:
            return html(await run_in_threadpool(self._one, request, signed, reference, japanese(missing.issues[0]), note), 422)
        return RedirectResponse(f"{PLACE}/{reference}", 303)

    def _line(self, found: Finding) -> UnusualLine:
        return line(
            reference=found.reference, at=found.at, rule=found.rule, edition=found.edition, organization=found.organization, user=found.user,
            since=found.since, until=found.until, number=found.number, usual=found.usual, bound=found.bound, person=found.person,
            pseudonym=found.pseudonym, status=found.status, organizations=self._hub.region.offices,
            people={u.id: u.name for u in self._hub.region.users.values()},
        )  # fmt: skip

    def _frame(self, request: Request, signed: SignedIn) -> dict[str, Any]:
        return {
            "demo": self._demo, "csrf": signed.csrf, "user": signed.identified.name, "organization": signed.organization_name,
            "nav": office_nav(self._hub, asked(signed, request, "audit"), PLACE),
        }  # fmt: skip


def _search(found: Finding) -> dict[str, str]:
    """Give the search that shows what this asker did around that time."""
    first, last = found.since.astimezone(JST), found.until.astimezone(JST)
    who = {"user": found.user} if found.user else {"organization": found.organization}
    return {**who, "from": f"{first:%Y-%m-%d}", "from_time": f"{first:%H:%M}", "to": f"{last:%Y-%m-%d}", "to_time": f"{last:%H:%M}"}


class UnusualDoor:
    """GET /audit/unusual.json: the work list for programs."""

    def __init__(self, hub: Hub, door: Doorkeeper) -> None:
        self._hub, self._door = hub, door

    def routes(self, add: Add) -> None:
        """Add it."""
        add("/audit/unusual.json", self.listed, methods=["GET"], response_class=Response)

    async def listed(self, request: Request) -> Response:
        """Give a page of one status, or one finding whole by `reference`."""
        asking = self._door.asking(request, "audit", cookie=True)
        officer(asking)
        params = request.query_params

        def work() -> dict[str, Any]:
            if "reference" in params:
                return _told(self._hub.unusual.one(asking, params["reference"]), whole=True)
            found = self._hub.unusual.listed(asking, _status(params.get("status", "open")), params.get("cursor", ""))
            return {"unusual": [_told(one) for one in found.found], **({"next": found.next} if found.next else {})}

        return Response(orjson.dumps(await run_in_threadpool(work)), media_type="application/json", headers={"Cache-Control": "no-store"})


def _told(found: Finding, *, whole: bool = False) -> dict[str, Any]:
    told = {name: _plain(value) for name, value in asdict(found).items()}
    if not whole:
        for name in ("decisions", "by", "note", "settled"):
            del told[name]
    return told


def _plain(value: Any) -> Any:
    return value.astimezone(JST).isoformat() if isinstance(value, datetime) else value
