"""The pages that people use: sign-in, first page, 入退院, 急変時 with break-glass, 開示の記録, messages that were not taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hub.assemble import Hub
from hub.web.auth import Doorkeeper
from hub.web.errors import answer, status_of
from hub.web.handing import Handing
from hub.web.menus import ROLES, entries, nav, waiting
from hub.web.pages import Refused, render
from hub.web.requests import asked, html, posted
from hub.web.showing_audit import ShowingAudit
from hub.web.showing_breaches import ShowingBreaches
from hub.web.showing_care import ShowingCare
from hub.web.showing_consent_forms import ShowingConsentForms
from hub.web.showing_consent_person import ShowingPerson
from hub.web.showing_consents import ShowingConsents
from hub.web.showing_disasters import ShowingDisasters
from hub.web.showing_emergencies import ShowingEmergencies
from hub.web.showing_entrance import ShowingEntrance
from hub.web.showing_expiring import ShowingExpiring
from hub.web.showing_glass import band
from hub.web.showing_months import ShowingMonths
from hub.web.showing_persons import ShowingPersons
from hub.web.showing_provisions import ShowingProvisions
from hub.web.showing_rules import ShowingRules
from hub.web.showing_status import ShowingStatus
from hub.web.showing_unusual import ShowingUnusual
from hub.web.showing_users import ShowingUsers
from hub.web.showing_visits import ShowingVisits
from hub.web.showing_why import ShowingWhy
from schemas.errors import NotSignedIn, Refusal


class Showing:
    """Pages over a hub. `demo` = the band on each page, and the way in by one-time links."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo
        self._care = ShowingCare(hub, door, demo=demo)
        self._audit = ShowingAudit(hub, door, demo=demo)
        self._handing = Handing(hub, door)

    def routes(self, app: FastAPI) -> None:
        """Add all pages."""

        def add(path: str, handler: Callable[[Request], Awaitable[Response]], method: str = "GET") -> None:
            app.add_api_route(path, self._guarded(handler), methods=[method], response_class=Response, include_in_schema=False)

        add("/", self.home)
        ShowingEntrance(self._hub, self._door, demo=self._demo).routes(add)
        add("/static/{name}", self.static)
        add("/refused", self.refused)
        add("/refused/send", self.send, "POST")
        self._care.routes(add)
        desk = ShowingConsents(self._hub, self._door, demo=self._demo)
        desk.routes(add)
        ShowingConsentForms(self._hub, self._door, desk).routes(add)
        ShowingPerson(self._hub, self._door, demo=self._demo).routes(add)
        self._audit.routes(add)
        own = (
            ShowingPersons, ShowingUnusual, ShowingExpiring, ShowingProvisions, ShowingBreaches, ShowingRules, ShowingWhy, ShowingMonths,
            ShowingEmergencies, ShowingDisasters, ShowingUsers, ShowingVisits,
        )  # fmt: skip
        for pages in own:
            pages(self._hub, self._door, demo=self._demo).routes(add)
        ShowingStatus(self._hub, self._door, demo=self._demo).routes(add)

    def _guarded(self, handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        """Draw refusals as pages, and give each page its policy."""

        async def guarded(request: Request) -> Response:
            try:
                response = await handler(request)
            except NotSignedIn:
                response = RedirectResponse("/sign-in", 303)
            except Refusal as refusal:
                response = self._refusal(request, refusal)
            response.headers.setdefault("Content-Security-Policy", render.POLICY)
            if "cache-control" not in response.headers:
                response.headers["Cache-Control"] = "no-store"
            return response

        return guarded

    def _refusal(self, request: Request, refusal: Refusal) -> Response:
        request.app.state.metrics.refused(refusal)
        try:
            signed = self._door.sessions.signed_in(request)
        except Refusal:  # the database is away: that is told, without a name
            signed = None
        if "json" in request.headers.get("accept", ""):
            return answer(refusal)
        text = render.message(
            ("できませんでした", "This could not be done"),
            ("次の理由で、お求めのことはできませんでした。", "The reason is given here."),
            ("理由を確かめて、はじめの画面からやり直してください。", "Check the reason and start again from the first page."),
            demo=self._demo, csrf=signed.csrf if signed else "", user=signed.identified.name if signed else "", issues=refusal.issues,
        )  # fmt: skip
        return html(text, status_of(refusal))

    # ── home ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def home(self, request: Request) -> Response:
        """Draw the first page of the user's role; a person has a page of their own."""
        signed = self._door.user(request, person=None)
        if signed.identified.requester.kind == "subject":
            return RedirectResponse("/me", 303)

        def drawn() -> str:
            counts = waiting(self._hub, asked(signed, request, "audit"))
            return render.home(
                entries(self._hub, signed.identified.requester, counts), demo=self._demo, csrf=signed.csrf, user=signed.identified.name,
                role=ROLES.get(signed.role_name, signed.role_name), organization=signed.organization_name,
                nav=nav(self._hub, signed.identified.requester, "", counts), band=band(self._hub, asked(signed, request, "view")),
            )  # fmt: skip

        return html(await run_in_threadpool(drawn))

    async def static(self, request: Request) -> Response:
        """Give one of the two static files; its address changes with its content."""
        name = request.path_params["name"]
        if name not in render.STATIC:
            return Response(status_code=404)
        return Response(
            render.static_file(name), media_type=render.STATIC[name], headers={"Cache-Control": "public, max-age=31536000, immutable"}
        )

    # ── messages that were not taken ─────────────────────────────────────────────────────────────────────────────────

    async def refused(self, request: Request) -> Response:
        """List the organization's messages that were not taken."""
        signed = self._door.user(request)
        requester = signed.identified.requester
        kept = await run_in_threadpool(self._hub.refusals.listed, requester.organization)
        rows = [Refused(k.reference, k.at, signed.organization_name, k.layout or k.door, k.issues) for k in kept if not k.settled]
        text = render.refused_list(
            rows,
            demo=self._demo,
            csrf=signed.csrf,
            user=signed.identified.name,
            organization=signed.organization_name,
            nav=nav(self._hub, requester, "/refused"),
        )
        return html(text)

    async def send(self, request: Request) -> Response:
        """Send one of them again."""
        form, signed = await posted(request, self._door)
        asking = asked(signed, request, "write")
        outcome = await run_in_threadpool(self._handing.again, asking, form.get("reference", ""))
        taken = outcome.status_code == 200
        text = render.message(
            ("もう一度送りました", "Sent again") if taken else ("まだ受け取れません", "Still not taken"),
            ("受け取りました。", "It was taken.") if taken else ("同じ理由で受け取れませんでした。", "It was not taken, for the reason in the list."),
            ("受け取れなかった送信の一覧へ戻ります。", "Go back to the list."),
            demo=self._demo, csrf=signed.csrf, user=signed.identified.name, nav=nav(self._hub, signed.identified.requester, "/refused"),
            back=("/refused", "一覧へ ／ List"),
        )  # fmt: skip
        return html(text, 200 if taken else 422)
