"""What pages need of a request: who asks, a form that was drawn for this session; and a page as an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.commands import Asking, Query
from hub.reads.past import Looking, Past
from hub.web.auth import Doorkeeper, SignedIn, came
from hub.web.bodies import form_text
from schemas.events import Action

MAX_FORM = 50_000


def html(text: str, status: int = 200) -> Response:
    """Give a page."""
    return Response(text.encode(), status, media_type="text/html; charset=utf-8")


def asked(signed: SignedIn, request: Request, action: Action) -> Asking:
    """Give who asks on a page."""
    return Asking(
        signed.identified.requester, signed.identified.purpose, request.state.request_id, action, came=came(request), login=signed.login
    )


def searching(asking: Asking, request: Request, params: Sequence[tuple[str, str]]) -> Asking:
    """Let the record of a search tell what was searched by (`hub.gate.querying`)."""
    query = Query(request.method, request.url.path, tuple(params))
    return replace(asking, came=replace(asking.came, query=query))


async def looked_at(look: Looking, asking: Asking, request: Request) -> Past | None:
    """Give the moment of the past that a request asks for by `at=`; None for the present."""
    return await run_in_threadpool(look, asking, request.query_params.getlist("at"))


async def form_of(request: Request) -> dict[str, str]:
    """Read a posted form; of a field that stands twice the last."""
    return dict(parse_qsl(await form_text(request, MAX_FORM), keep_blank_values=True))


async def posted(request: Request, door: Doorkeeper, *, person: bool | None = False) -> tuple[dict[str, str], SignedIn]:
    """Read a form that was drawn for this session. `person` as for `Doorkeeper.user`."""
    form = await form_of(request)
    return form, door.posting(request, form.get("csrf", ""), person=person)
