"""The ways in and out: passkeys, the page for who was invited, and in a demo one-time links."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from consent.ask import Requester
from hub.assemble import Hub
from hub.region import User
from hub.web.auth import COOKIE, HOURS, Doorkeeper, came
from hub.web.ceremony import MINUTES, Ceremonies
from hub.web.errors import status_of
from hub.web.menus import ROLES
from hub.web.pages import SignIn, render, render_entrance
from hub.web.requests import asked, form_of, html, posted
from schemas.errors import Denied, NotOffered, NotSignedIn, Refusal

Add = Callable[..., None]
BROWSER = "tsunagu-browser"
"""Cookie that a browser answers challenges with: never sent by another site's page, so that nobody is signed in by one."""


class ShowingEntrance:
    """These pages over a hub. `demo` = one-time links, and no passkeys."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo
        self._ceremonies = Ceremonies(hub.base, hub.region.name, hub.secrets)

    def routes(self, add: Add) -> None:
        """Add them."""
        add("/sign-in", self.ways)
        add("/sign-in", self.sign_in, "POST")
        add("/sign-in/{token}", self.enter)
        add("/sign-out", self.leave, "POST")
        add("/invited", self.invited)
        add("/invited", self.welcome, "POST")
        add("/invited/passkey", self.register, "POST")

    # ── in a demo ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def ways(self, request: Request) -> Response:
        """Draw the ways in: by passkey; in a demo one link for each registered user, made anew at each look."""
        if not self._demo:
            return self._asking(request)
        groups = []
        for code, office in self._hub.region.offices.items():
            users = [u for u in self._hub.region.users.values() if u.organization == code]
            ways = [SignIn(f"/sign-in/{self._door.sessions.link(u.id)}", u.name, ROLES.get(u.role, u.role)) for u in users]
            if ways:
                groups.append((office.name, ways))
        return html(render.sign_in(groups, demo=True))

    async def enter(self, request: Request) -> Response:
        """Use a one-time link up and open a session."""
        cookie = await run_in_threadpool(self._door.sessions.redeem, request.path_params["token"]) if self._demo else None
        if cookie is None:
            self._hub.acts.refused("link")
            problem = (
                "このリンクはもう使えません。新しいリンクを使ってください。",
                "This link can no longer be used. Please use a new one.",
            )
            return html(render.sign_in([], demo=self._demo, problem=problem), 410)

        def recorded() -> None:  # before the session is given out
            if (user := self._door.sessions.user(cookie)) is not None:
                self._hub.acts.signed_in(user.identified.requester, "link", came(request).address)

        await run_in_threadpool(recorded)
        return self._opened(RedirectResponse("/", 303), cookie)

    # ── by passkey ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def sign_in(self, request: Request) -> Response:
        """Open a session for who answers with a passkey; what is wrong brings the page again, with a challenge of its own."""
        form = await self._form(request)
        try:
            cookie = await run_in_threadpool(self._answered, form.get("credential", ""), self._browser(request), came(request).address)
        except NotSignedIn as refusal:
            self._hub.acts.refused("passkey")
            return self._asking(request, refusal)
        return self._opened(RedirectResponse("/", 303), cookie)

    def _answered(self, credential: str, browser: str, address: str) -> str:
        held, answer = self._ceremonies.answered(credential, browser, self._hub.passkeys.of)
        requester = self._hub.desk.subjects.requester(self._hub.region.users[held.holder])
        turn = self._hub.passkeys.signed_in(requester, answer, address)
        return self._door.sessions.open(held.holder, "passkey", turn)

    async def invited(self, request: Request) -> Response:
        """Draw the page that asks for an invitation's code. A link brings it behind `#`, which no server and no log ever sees."""
        del request
        self._possible()
        return html(render_entrance.invited(demo=self._demo))

    async def welcome(self, request: Request) -> Response:
        """Draw the page on which somebody who was invited makes a passkey."""
        form = await self._form(request)
        try:
            user = await run_in_threadpool(self._hub.passkeys.invited, form.get("code", ""))
        except Denied as refusal:
            self._hub.acts.refused("invitation")
            return html(render_entrance.invited(demo=self._demo, issues=refusal.issues), status_of(refusal))
        return self._making(request, user, form["code"])

    async def register(self, request: Request) -> Response:
        """Record the passkey, open a session by it, and show the secret of the one-time codes to who will need them: once, here alone."""
        form = await self._form(request)
        code, address = form.get("code", ""), came(request).address
        try:
            user, turn = await run_in_threadpool(self._registered, form.get("credential", ""), code, self._browser(request), address)
        except NotSignedIn as refusal:
            self._hub.acts.refused("passkey")
            return self._making(request, await run_in_threadpool(self._hub.passkeys.invited, code), code, refusal)
        requester = self._hub.desk.subjects.requester(user)
        await run_in_threadpool(self._hub.acts.signed_in, requester, "invitation", address)
        cookie = self._door.sessions.open(user.id, "invitation", turn)
        seed = self._hub.breaking.seed(user.id) if self._codes(requester) else ""
        return self._opened(html(render_entrance.registered(user.name, user.id, self._hub.region.name, seed, demo=self._demo)), cookie)

    def _registered(self, credential: str, code: str, browser: str, address: str) -> tuple[User, int]:
        answer, public_key, synced = self._ceremonies.made(credential, browser)
        return self._hub.passkeys.register(code, answer, public_key, synced=synced, address=address)

    # ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def leave(self, request: Request) -> Response:
        """End the session."""
        _, signed = await posted(request, self._door, person=None)
        await run_in_threadpool(self._hub.breaking.signed_out, asked(signed, request, "emergency"))
        requester, address = signed.identified.requester, came(request).address
        await run_in_threadpool(self._hub.acts.signed_out, requester, signed.door, address, login=signed.login)
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(COOKIE)
        return response

    def _codes(self, requester: Requester) -> bool:
        """Say whether somebody needs one-time codes: for emergencies, and for the switch of a disaster."""
        return self._hub.breaking.may(requester) or requester.role == "privacy-officer"

    # ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _form(self, request: Request) -> dict[str, str]:
        self._possible()
        return await form_of(request)

    def _possible(self) -> None:
        """Raise NotOffered (HUB-5232) where there are no passkeys: in a demo, and under an address that can have none."""
        if self._demo or not self._ceremonies.possible:
            raise NotOffered("HUB-5232")

    def _browser(self, request: Request) -> str:
        return request.cookies.get(BROWSER, "")

    def _asking(self, request: Request, refusal: Refusal | None = None) -> Response:
        browser = self._browser(request) or secrets.token_urlsafe(18)
        options = self._ceremonies.asking(browser) if self._ceremonies.possible else ""
        drawn = render_entrance.passkey(options, issues=refusal.issues if refusal else ())
        return self._for(browser, html(drawn, status_of(refusal) if refusal else 200))

    def _making(self, request: Request, user: User, code: str, refusal: Refusal | None = None) -> Response:
        browser = self._browser(request) or secrets.token_urlsafe(18)
        drawn = render_entrance.welcome(
            self._ceremonies.making(user, browser), code, name=user.name, role=ROLES.get(user.role, user.role),
            organization=self._hub.region.name_of(user.organization), issues=refusal.issues if refusal else (),
        )  # fmt: skip
        return self._for(browser, html(drawn, status_of(refusal) if refusal else 200))

    def _for(self, browser: str, response: Response) -> Response:
        response.set_cookie(BROWSER, browser, max_age=2 * MINUTES * 60, httponly=True, samesite="strict", secure=self._secure)
        return response

    def _opened(self, response: Response, cookie: str) -> Response:
        response.set_cookie(COOKIE, cookie, max_age=HOURS * 3600, httponly=True, samesite="lax", secure=self._secure)
        return response

    @property
    def _secure(self) -> bool:
        return self._hub.base.startswith("https://")
