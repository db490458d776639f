"""GET /audit/decision.json: what would have been decided at a moment, and whether a recorded decision comes out the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast, get_args

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from consent.ask import Requester, Role
from hub.assemble import Hub
from hub.reads.officers import officer
from hub.reads.redeciding import Question
from hub.web.auth import Doorkeeper
from hub.web.requests import looked_at
from schemas.errors import BadValue

Add = Callable[..., None]
_RESOURCE = re.compile(r"([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})(?:/_history/([1-9][0-9]{0,8}))?")
_NAMES = frozenset({"organization", "role", "user", "purpose", "resource", "at"})


class Redecided:
    """This door over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper) -> None:
        self._hub, self._door = hub, door

    def routes(self, add: Add) -> None:
        """Add it."""
        add("/audit/decision.json", self.decision, methods=["GET"], response_class=Response)

    async def decision(self, request: Request) -> Response:
        """Decide again: by `reference` what was recorded, else what the parameters ask."""
        asking = self._door.asking(request, "audit", cookie=True)
        officer(asking)
        params = dict(request.query_params)
        made: dict[str, Any]
        if set(params) == {"reference"}:
            made = await run_in_threadpool(self._hub.redecide.recorded, asking, params["reference"])
        else:
            question = self._question(params)
            past = await looked_at(self._hub.past, asking, request)
            made = await run_in_threadpool(self._hub.redecide.asked, asking, question, past)
        return Response(orjson.dumps(made), media_type="application/json", headers={"Cache-Control": "no-store"})

    def _question(self, params: dict[str, str]) -> Question:
        """Read a question. What is left out is as registered: a user's organization, role and purpose, an organization's application."""
        if unknown := set(params) - _NAMES:
            raise BadValue("HUB-5127", where="reference" if "reference" in unknown else "")
        region = self._hub.region
        user = region.users.get(params["user"]) if params.get("user") else None
        if params.get("user") and user is None:
            raise BadValue("HUB-5015", where="user")
        code = params.get("organization") or (user.organization if user else "")
        if code not in region.offices:
            raise BadValue("HUB-5014", where="organization")
        role = params.get("role") or (user.role if user else "system")
        if role not in get_args(Role):
            raise BadValue("HUB-5127", where="role")
        match = _RESOURCE.fullmatch(params.get("resource", ""))
        if match is None:
            raise BadValue("HUB-5127", where="resource")
        return Question(
            Requester(code, region.kind_of(code), cast("Role", role), params.get("user", "")),
            params.get("purpose") or (user.purpose if user else region.purposes[code]),
            match[1], match[2], int(match[3]) if match[3] else None,
        )  # fmt: skip
