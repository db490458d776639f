"""月ごとの点検: the review of access logs, a month at a time, and its signature."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hub.assemble import Hub
from hub.reads.months import Counted
from hub.views.audit_tables import words
from hub.web.auth import Doorkeeper, SignedIn
from hub.web.menus import office_nav
from hub.web.pages import Frame
from hub.web.pages.render import draw
from hub.web.requests import asked, html, posted
from hub.writes.acts import NOTE_LEAST
from schemas.errors import MissingValue
from schemas.messages import japanese

Add = Callable[..., None]
PLACE = "/audit/months"


class ShowingMonths:
    """These pages over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo

    def routes(self, add: Add) -> None:
        """Add them."""
        add(PLACE, self.page)
        add(f"{PLACE}/sign", self.sign, "POST")

    async def page(self, request: Request) -> Response:
        """Draw one month."""
        signed = self._door.user(request)
        return html(await run_in_threadpool(self._page, request, signed, request.query_params.get("month", "")))

    def _page(self, request: Request, signed: SignedIn, text: str, problem: str = "", typed: str = "") -> str:
        asking = asked(signed, request, "audit")
        month = self._hub.months.one(asking, text)
        region = self._hub.region
        reach = {"from": month.first.isoformat(), "to": month.last.isoformat()}
        lines = [
            (
                region.name_of(one.organization),
                words("roles", one.role),
                one,
                f"/audit?{urlencode({'organization': one.organization, **reach})}",
            )
            for one in month.counted
        ]
        sums = Counted(
            "", "", *(sum(getattr(one, name) for one in month.counted) for name in ("given", "partly", "refused", "taken", "looked"))
        )
        frame = Frame(self._demo, signed.csrf, signed.identified.name, signed.organization_name, office_nav(self._hub, asking, PLACE))
        return draw(
            "months.html", frame, month=month, lines=lines, sums=sums, names={u.id: u.name for u in region.users.values()}, problem=problem,
            typed=typed, least=NOTE_LEAST, due=[f"{first:%Y-%m}" for first, _ in self._hub.reviews.due(asking)],
        )  # fmt: skip

    async def sign(self, request: Request) -> Response:
        """Sign for a month."""
        form, signed = await posted(request, self._door)
        asking, text, note = asked(signed, request, "audit"), form.get("month", ""), form.get("note", "")

        def work() -> None:
            month = self._hub.months.one(asking, text)
            self._hub.acts.reviewed(asking, month.first.isoformat(), month.last.isoformat(), note)

        try:
            await run_in_threadpool(work)
        except MissingValue as missing:
            return html(await run_in_threadpool(self._page, request, signed, text, japanese(missing.issues[0]), note), 422)
        return RedirectResponse(f"{PLACE}?{urlencode({'month': text})}", 303)
