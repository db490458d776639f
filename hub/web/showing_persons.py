"""POST /audit/person: whom an officer means, named in a form; the way back carries an opaque reference alone."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hub.assemble import Hub
from hub.commands import Asking
from hub.reads.choosing import Chosen
from hub.reads.officers import officer
from hub.web.auth import Doorkeeper
from hub.web.bodies import body
from hub.web.menus import office_nav
from hub.web.pages import render
from hub.web.requests import MAX_FORM, asked, html, posted
from schemas.errors import BadValue

Add = Callable[..., None]
PLACES = {"audit": "/audit", "ask": "/audit/ask", "provisions": "/audit/provisions"}
"""Where one goes on with the person who was chosen, by the name `to` of the form."""
_OURS = frozenset({"csrf", "by", "kana", "birth", "insurer", "insured", "to"})


class ShowingPersons:
    """The page and the door over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo

    def routes(self, add: Add) -> None:
        """Add the page."""
        add("/audit/person", self.choose, "POST")

    async def choose(self, request: Request) -> Response:
        """Find whom the form names; go on with the one, or let the officer choose among several."""
        form, signed = await posted(request, self._door)
        asking = asked(signed, request, "audit")
        found = await run_in_threadpool(self._found, asking, form)
        place = PLACES.get(form.get("to", ""), "/audit")
        more = {name: value for name, value in form.items() if value and name not in _OURS}
        ways = [(one, f"{place}?{urlencode({**more, 'person': one.person})}") for one in found]
        if len(ways) == 1:
            return RedirectResponse(ways[0][1], 303)
        text = render.persons(
            [(one.pseudonym, [self._hub.region.name_of(c) for c in one.custodians], href) for one, href in ways],
            demo=self._demo, csrf=signed.csrf, user=signed.identified.name, organization=signed.organization_name,
            nav=await run_in_threadpool(office_nav, self._hub, asking, place), to=form.get("to", ""), held=more, back=f"{place}?{urlencode(more)}",
        )  # fmt: skip
        return html(text)

    def _found(self, asking: Asking, form: dict[str, str]) -> tuple[Chosen, ...]:
        if form.get("by") == "number":
            return self._hub.choose.by_number(asking, form.get("insurer", ""), form.get("insured", ""))
        return self._hub.choose.by_name(asking, form.get("kana", ""), form.get("birth", ""))


class PersonsDoor:
    """POST /audit/persons.json: the same for programs."""

    def __init__(self, hub: Hub, door: Doorkeeper) -> None:
        self._hub, self._door = hub, door

    def routes(self, add: Add) -> None:
        """Add it."""
        add("/audit/persons.json", self.find, methods=["POST"], response_class=Response)

    async def find(self, request: Request) -> Response:
        """Find by `{"kana", "birth"}` or `{"insurer", "insured"}`."""
        asking = self._door.asking(request, "audit")
        officer(asking)
        try:
            tree = orjson.loads(await body(request, MAX_FORM))
        except orjson.JSONDecodeError as fault:
            raise BadValue("HUB-5181") from fault
        names = set(tree) if isinstance(tree, dict) and all(isinstance(v, str) for v in tree.values()) else set()
        if names == {"kana", "birth"}:
            found = await run_in_threadpool(self._hub.choose.by_name, asking, tree["kana"], tree["birth"])
        elif names == {"insurer", "insured"}:
            found = await run_in_threadpool(self._hub.choose.by_number, asking, tree["insurer"], tree["insured"])
        else:
            raise BadValue("HUB-5181")
        made = [{"person": one.person, "pseudonym": one.pseudonym, "custodians": list(one.custodians)} for one in found]
        return Response(orjson.dumps({"persons": made}), media_type="application/json", headers={"Cache-Control": "no-store"})
