"""Pages of break-glass for who breaks it: the form, opening, closing; and the band that says that the switch of a disaster is on."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hub.assemble import Hub
from hub.clock import milliseconds, moment
from hub.commands import Asking
from hub.tables import disasters
from hub.views import breaking
from hub.views.ages import JST
from hub.web.auth import Doorkeeper, SignedIn
from hub.web.menus import ROLES, nav
from hub.web.pages import render
from hub.web.requests import asked, html, posted
from schemas.errors import BadInput, Denied, MissingValue, NotFound
from schemas.messages import japanese

Add = Callable[..., None]
_LOCKED = "HUB-5153"


class ShowingGlass:
    """These pages over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo

    def routes(self, add: Add) -> None:
        """Add them."""
        add("/emergency/open", self.open, "POST")
        add("/emergency/close", self.close, "POST")
        add("/emergency/{reference}/open", self.glass)

    async def glass(self, request: Request) -> Response:
        """Draw the form for breaking the glass."""
        return await run_in_threadpool(self.form, self._door.user(request), request.path_params["reference"])

    def form(self, signed: SignedIn, reference: str, problem: str = "", reason: str = "", identity: str = "") -> Response:
        """Draw the form; for who may not there is none (NotFound)."""
        requester = signed.identified.requester
        if not self._hub.breaking.may(requester):
            raise NotFound("HUB-5041")
        code = self._hub.breaking.code(requester.person) if self._demo else None
        now = self._hub.now()
        text = render.break_glass_form(
            "いま、さがした方", person=reference, problem=problem, demo_code=code, csrf=signed.csrf, role=ROLES.get(requester.role, ""),
            place=signed.organization_name, user=signed.identified.name, nav=nav(self._hub, requester, "/emergency"), reason=reason, demo=self._demo,
            least=breaking.rules(now).reason_least, identities=breaking.identities(now), identity=identity,
        )  # fmt: skip
        return html(text, 422 if problem else 200)

    async def open(self, request: Request) -> Response:
        """Open an emergency access, then show the page."""
        form, signed = await posted(request, self._door)
        reference = form.get("person", "")
        asking = asked(signed, request, "emergency")

        def work() -> Response:
            try:
                self._hub.breaking.open(
                    asking, self._hub.view.person(asking, reference), reason=form.get("reason", ""), necessity=form.get("necessity") == "yes",
                    difficulty=form.get("difficulty") == "yes", identity=form.get("identity", ""), code=form.get("code", "").strip(), ends=signed.ends,
                )  # fmt: skip
            except (BadInput, MissingValue, Denied) as refusal:
                if isinstance(refusal, Denied) and refusal.issues[0].rule != _LOCKED:
                    raise
                return self.form(signed, reference, japanese(refusal.issues[0]), form.get("reason", ""), form.get("identity", ""))
            return RedirectResponse(f"/emergency/{reference}", 303)

        return await run_in_threadpool(work)

    async def close(self, request: Request) -> Response:
        """Close one's own emergency access."""
        form, signed = await posted(request, self._door)
        await run_in_threadpool(self._hub.breaking.close, asked(signed, request, "emergency"), form.get("session", ""))
        return RedirectResponse("/emergency", 303)


def band(hub: Hub, asking: Asking) -> str:
    """Say that the switch of a disaster is on, to officers and to who may see by it; empty = it is off, or not theirs to know."""
    requester = asking.requester
    officer = requester.kind == "network" and requester.role == "privacy-officer"
    if not officer and not hub.breaking.may(requester):
        return ""
    with hub.store.read() as tx:
        held = disasters.on(tx, milliseconds(hub.now()))
    mine = [d for d in held if officer or requester.organization in d.organizations.split()]
    if not mine:
        return ""
    until = moment(max(d.until for d in mine)).astimezone(JST)
    areas = "、".join(dict.fromkeys(d.area for d in mine))
    return f"{areas}：{until:%m-%d %H:%M} まで、要約（薬・アレルギー・病名など）が見えます。見たものは、すべて記録されます。"
