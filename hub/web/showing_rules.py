"""地域の定め: each edition of the network's rules, as a page for everybody who is signed in and as JSON for members' programs."""

from __future__ import annotations

from collections.abc import Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response

from consent.networks import Edition
from hub.assemble import Hub
from hub.views import rules
from hub.web.auth import Doorkeeper
from hub.web.menus import nav
from hub.web.pages import render_office
from hub.web.requests import html
from schemas.errors import NotFound

Add = Callable[..., None]
PLACE = "/rules"


class ShowingRules:
    """The page over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo

    def routes(self, add: Add) -> None:
        """Add it."""
        add(PLACE, self.page)

    async def page(self, request: Request) -> Response:
        """Draw one edition: the one named by `edition`, else that of now."""
        signed = self._door.user(request)
        editions, now = self._hub.region.rules.editions, self._hub.gate.network.version
        one = _named(editions, request.query_params.get("edition", now or editions[0].network.version))
        links = [
            (f"{PLACE}?edition={e.network.version.replace('+', '%2B')}", e.network.version, e.network.since, e is one, e.network.version == now)
            for e in reversed(editions)
        ]  # fmt: skip
        return html(
            render_office.rules(
                rules.tables(one.tree, self._hub.region.name_of), edition=one.network.version, since=one.network.since, source=one.tree["source"],
                links=links, demo=self._demo, csrf=signed.csrf, user=signed.identified.name, office=signed.organization_name,
                nav=nav(self._hub, signed.identified.requester, PLACE),
            )
        )  # fmt: skip


class RulesDoor:
    """GET /rules.json: all editions as they are written, and which holds now."""

    def __init__(self, hub: Hub, door: Doorkeeper) -> None:
        self._hub, self._door = hub, door

    def routes(self, add: Add) -> None:
        """Add it."""
        add("/rules.json", self.told, methods=["GET"], response_class=Response)

    async def told(self, request: Request) -> Response:
        """Give them to any member, by token or session."""
        self._door.asking(request, "read", cookie=True)
        editions = [e.tree for e in self._hub.region.rules.editions]
        made = orjson.dumps({"now": self._hub.gate.network.version, "editions": editions})
        return Response(made, media_type="application/json", headers={"Cache-Control": "no-store"})


def _named(editions: tuple[Edition, ...], name: str) -> Edition:
    """Give an edition by name; raise NotFound (HUB-3055)."""
    found = next((e for e in editions if e.network.version == name), None)
    if found is None:
        raise NotFound("HUB-3055", where="edition")
    return found
