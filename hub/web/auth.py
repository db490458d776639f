"""Who asks: an organization's token, or a user's signed session. Purpose and role come from registration, never from the request."""

from __future__ import annotations

import base64
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.assemble import Hub
from hub.commands import Asking, Came
from hub.credentials import Identified
from hub.names import MAIN
from schemas.errors import Denied, NotFound, NotSignedIn, Refusal
from schemas.events import Action

COOKIE = "tsunagu"
HOURS = 12
LINK_MINUTES = 24 * 60


class _Session(msgspec.Struct, frozen=True, array_like=True):
    user: str
    ends: int
    salt: str
    turn: int = 0
    door: str = "link"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user with an open session. `csrf` stands in each form."""

    identified: Identified
    organization_name: str
    role_name: str
    csrf: str
    login: str = ""
    """Name of this sign-in: what is bound to it (a break-glass session) ends with it."""
    ends: int = 0
    """When it ends by itself, in seconds since 1970 by the wall clock."""
    door: str = ""
    """By which way the user came in."""


class Sessions:
    """Sessions as signed cookies, and the one-time links that stand for passkeys while the hub is a demo on loopback."""

    def __init__(self, hub: Hub, seconds: Callable[[], float] = time.time) -> None:
        self._hub, self._seconds = hub, seconds
        self._links: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def link(self, user: str) -> str:
        """Make a one-time link's secret for a registered user."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._links[_hash(token)] = (user, self._seconds() + LINK_MINUTES * 60)
        return token

    def redeem(self, token: str) -> str | None:
        """Use a link up; give the cookie's text, or None when the link is unknown, used or too old."""
        with self._lock:
            found = self._links.pop(_hash(token), None)
        if found is None or found[1] < self._seconds() or found[0] not in self._hub.region.users:
            return None
        return self.open(found[0], "link", self._hub.passkeys.turn(found[0]))

    def open(self, user: str, door: str, turn: int) -> str:
        """Open a session for a user who showed in this turn, by a way in, who they are; give the cookie's text."""
        session = _Session(user, int(self._seconds()) + HOURS * 3600, secrets.token_hex(8), turn, door)
        body = base64.urlsafe_b64encode(msgspec.json.encode(session)).decode()
        return f"{body}.{self._mac(body)}"

    def signed_in(self, request: Request) -> SignedIn | None:
        """Give the user of a request's cookie, as `look` found; None when there is none, or it is not ours or has ended."""
        found: SignedIn | Refusal | None = getattr(request.state, "signed", None)
        if isinstance(found, Refusal):
            raise found
        return found

    def look(self, request: Request) -> None:
        """Look up who a request's cookie stands for now, or why that cannot be said."""
        if cookie := request.cookies.get(COOKIE):
            try:
                request.state.signed = self.user(cookie)
            except Refusal as refusal:
                request.state.signed = refusal

    def user(self, text: str) -> SignedIn | None:
        """Give the user of a cookie's text; None when it is none, or not ours, or has ended."""
        body, _, mac = text.rpartition(".")
        if not body or not _same(self._mac(body), mac):
            return None
        session = msgspec.json.decode(base64.urlsafe_b64decode(body), type=_Session)
        user, login = self._hub.region.users.get(session.user), self._mac(f"login:{body}")[:32]
        if user is None or session.ends < self._seconds() or not self._hub.passkeys.holds(user.id, session.turn, login):
            return None
        office = self._hub.region.offices[user.organization]
        requester = self._hub.desk.subjects.requester(user)
        return SignedIn(
            Identified(requester, user.purpose, user.name), office.name, user.role, self._mac(f"csrf:{body}")[:32],
            login, session.ends, session.door,
        )  # fmt: skip

    def _mac(self, text: str) -> str:
        return hmac.digest(self._hub.secrets.sessions, text.encode(), sha256).hex()


class Recognising:
    """Around everything that may ask who comes: a cookie is looked up beside the loop, which waits for no store."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app, self._sessions = app, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection. A body may be long on its way, and its session end meanwhile: so it is looked up once more when all is there."""
        if scope["type"] != "http" or scope["path"].startswith("/static/") or COOKIE not in (request := Request(scope)).cookies:
            await self._app(scope, receive, send)
            return
        await run_in_threadpool(self._sessions.look, request)

        async def received() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body") and scope["method"] == "POST":
                await run_in_threadpool(self._sessions.look, request)
            return message

        await self._app(scope, received, send)


def _same(ours: str, sent: str) -> bool:
    """Say whether two texts are one, whatever letters were sent; how long it takes tells nothing."""
    return hmac.compare_digest(ours.encode(), sent.encode())


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def came(request: Request) -> Came:
    """Give how a request came in: the address of the network, as this hub sees it."""
    return Came(address=request.client.host if request.client else "")


class Doorkeeper:
    """Tells who asks, for each request."""

    def __init__(self, hub: Hub, sessions: Sessions) -> None:
        self._hub, self.sessions = hub, sessions

    def token(self, request: Request, *, apart: bool = False) -> Identified | None:
        """Give who a bearer token stands for; None without one. Raises NotSignedIn for one that is unknown.

        A door that does not say that it serves compartments (`apart`) is none for an application that is registered for one: NotFound.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            return None
        found = self._hub.credentials.identify(token.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            self._hub.acts.refused("token")
            raise NotSignedIn("HUB-5031")
        if found.compartment != MAIN:
            request.state.apart = True
            if not apart:
                raise NotFound("HUB-5142")
        return found

    def asking(self, request: Request, action: Action, *, cookie: bool = False, apart: bool = False) -> Asking:
        """Give who asks by token, or (for what a page links to) by session. Raises NotSignedIn. `apart` as for `token`."""
        found, login = self.token(request, apart=apart), ""
        signed = self.sessions.signed_in(request) if found is None and cookie else None
        if signed is not None and signed.identified.requester.kind != "subject":
            found, login = signed.identified, signed.login
        if found is None:
            raise NotSignedIn("HUB-5031")
        return Asking(
            found.requester, found.purpose, request.state.request_id, action, came=came(request), compartment=found.compartment, login=login
        )

    def user(self, request: Request, *, person: bool | None = False) -> SignedIn:
        """Give the user who looks at a page. Raises NotSignedIn.

        Pages are for staff, and none is there for a person or a proxy: NotFound. `person` True = a page for these, None = for all.
        """
        found = self.sessions.signed_in(request)
        if found is None:
            raise NotSignedIn("HUB-5032")
        if person is not None and (found.identified.requester.kind == "subject") is not person:
            raise NotFound("HUB-5041")
        return found

    def posting(self, request: Request, csrf: str, *, person: bool | None = False) -> SignedIn:
        """Give the user who posts a form; raise Denied when the form was not drawn for this session. `person` as for `user`."""
        found = self.user(request, person=person)
        if not _same(found.csrf, csrf):
            raise Denied("HUB-5033")
        return found
