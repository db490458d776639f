"""利用者: how each registered user gets in, for the network's office: invited, with a passkey, taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hub.assemble import Hub
from hub.clock import moment
from hub.tables.passkeys import Standing
from hub.web.auth import Doorkeeper, SignedIn
from hub.web.menus import ROLES, nav
from hub.web.pages import UserLine, render_entrance
from hub.web.requests import asked, html, posted
from schemas.errors import NotOffered

Add = Callable[..., None]
PLACE = "/users"
_NONE = Standing(0, None, None)


class ShowingUsers:
    """The page over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo

    def routes(self, add: Add) -> None:
        """Add it."""
        add(PLACE, self.page)
        add(f"{PLACE}/invite", self.invite, "POST")
        add(f"{PLACE}/revoke", self.revoke, "POST")

    async def page(self, request: Request) -> Response:
        """List the users by organization."""
        signed = self._door.user(request)
        return html(await run_in_threadpool(self._draw, request, signed))

    async def invite(self, request: Request) -> Response:
        """Invite one, and show the invitation: once, here alone."""
        self._offered()
        form, signed = await posted(request, self._door)
        made = await run_in_threadpool(self._hub.passkeys.invite, form.get("user", ""), asked(signed, request, "audit"))
        region = self._hub.region
        return html(
            render_entrance.invitation(
                made.user.name, region.name_of(made.user.organization), made.code, made.until, place=f"{self._hub.base}/invited", demo=self._demo,
                network=region.name_of(region.network), back=PLACE,
            )
        )  # fmt: skip

    async def revoke(self, request: Request) -> Response:
        """Take all ways in of one back."""
        form, signed = await posted(request, self._door)
        await run_in_threadpool(self._hub.passkeys.revoke, form.get("user", ""), asked(signed, request, "audit"))
        return RedirectResponse(PLACE, 303)

    def _offered(self) -> None:
        """Raise NotOffered (HUB-5232) in a demo, whose users come by one-time links."""
        if self._demo:
            raise NotOffered("HUB-5232")

    def _draw(self, request: Request, signed: SignedIn) -> str:
        standing = self._hub.passkeys.standing(asked(signed, request, "audit"))
        region = self._hub.region
        groups = []
        for code, office in region.offices.items():
            lines = [
                _line(user.id, user.name, ROLES.get(user.role, user.role), standing.pop(user.id, _NONE))
                for user in region.users.values()
                if user.organization == code
            ]
            if lines:
                groups.append((office.name, lines))
        if standing:  # whoever is left is registered no longer, and should not keep a way in for the day that they are again
            groups.append(("登録簿にない方", [_line(user, user, "", held) for user, held in sorted(standing.items())]))
        return render_entrance.users(
            groups, demo=self._demo, csrf=signed.csrf, user=signed.identified.name, organization=signed.organization_name,
            nav=nav(self._hub, signed.identified.requester, PLACE),
        )  # fmt: skip


def _line(user: str, name: str, role: str, held: Standing) -> UserLine:
    return UserLine(user, name, role, held.passkeys, _at(held.used), _at(held.until))


def _at(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else moment(milliseconds)
