"""GET /audit/decision.json: what would have been decided at a moment, and whether a recorded decision comes out the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast, get_args

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from consent.ask import Requester, Role
from hub.assemble import Hub
from hub.clock import milliseconds
from hub.reads.explaining import Answered, Wanted
from hub.reads.officers import officer
from hub.reads.presenting import instant
from hub.reads.redeciding import Question
from hub.region import Region
from hub.web.auth import Doorkeeper
from hub.web.requests import looked_at
from schemas.errors import BadValue

Add = Callable[..., None]
_RESOURCE = re.compile(r"([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})(?:/_history/([1-9][0-9]{0,8}))?")
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")
_OF_PERSON = frozenset({"person", "type", "organization", "role", "user", "purpose", "at"})
_NAMES = frozenset({"organization", "role", "user", "purpose", "resource", "at"})


class Redecided:
    """This door over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper) -> None:
        self._hub, self._door = hub, door

    def routes(self, add: Add) -> None:
        """Add it."""
        add("/audit/decision.json", self.decision, methods=["GET"], response_class=Response)

    async def decision(self, request: Request) -> Response:
        """Decide again: by `reference` what was recorded, else what the parameters ask: of a `person`, or of one `resource`."""
        asking = self._door.asking(request, "audit", cookie=True)
        officer(asking)
        params = dict(request.query_params)
        made: dict[str, Any]
        if set(params) == {"reference"}:
            made = await run_in_threadpool(self._hub.redecide.recorded, asking, params["reference"])
        elif "person" in params:
            wanted = self._wanted(params)
            past = await looked_at(self._hub.past, asking, request)
            made = _answered(await run_in_threadpool(self._hub.explain.asked, asking, wanted, past), wanted)
        else:
            question = self._question(params)
            past = await looked_at(self._hub.past, asking, request)
            made = await run_in_threadpool(self._hub.redecide.asked, asking, question, past)
        return Response(orjson.dumps(made), media_type="application/json", headers={"Cache-Control": "no-store"})

    def _question(self, params: dict[str, str]) -> Question:
        """Read a question about one resource."""
        if unknown := set(params) - _NAMES:
            raise BadValue("HUB-5127", where="reference" if "reference" in unknown else "")
        requester, purpose = asker_of(self._hub.region, params)
        match = _RESOURCE.fullmatch(params.get("resource", ""))
        if match is None:
            raise BadValue("HUB-5127", where="resource")
        return Question(requester, purpose, match[1], match[2], int(match[3]) if match[3] else None)

    def _wanted(self, params: dict[str, str]) -> Wanted:
        """Read a question about a person."""
        if set(params) - _OF_PERSON or (params.get("type") and _TYPE.fullmatch(params["type"]) is None):
            raise BadValue("HUB-5127")
        requester, purpose = asker_of(self._hub.region, params)
        return Wanted(requester, purpose, params["person"], params.get("type", ""))


def asker_of(region: Region, params: Mapping[str, str]) -> tuple[Requester, str]:
    """Read who asks, and for which purpose. What is left out is as registered: a user's organization, role and purpose, an organization's application."""
    user = region.users.get(params["user"]) if params.get("user") else None
    if params.get("user") and user is None:
        raise BadValue("HUB-5015", where="user")
    code = params.get("organization") or (user.organization if user else "")
    if code not in region.offices:
        raise BadValue("HUB-5014", where="organization")
    role = params.get("role") or (user.role if user else "system")
    if role not in get_args(Role):
        raise BadValue("HUB-5127", where="role")
    requester = Requester(code, region.kind_of(code), cast("Role", role), params.get("user", ""))
    return requester, params.get("purpose") or (user.purpose if user else region.purposes[code])


def _answered(answer: Answered, wanted: Wanted) -> dict[str, Any]:
    requester = answer.requester
    return {
        "at": instant(milliseconds(answer.at)), "network": answer.network, "organization": requester.organization, "kind": requester.kind,
        "role": requester.role, "user": requester.person, "purpose": answer.purpose, "pseudonym": answer.pseudonym, "type": wanted.type,
        "groups": [
            {
                "effect": g.decision.effect, "reason": g.decision.reason, "basis": g.decision.basis, "masks": sorted(g.decision.masks),
                "trail": list(g.decision.trail), "types": dict(g.types), "number": g.number, "resources": list(g.resources),
                "consents": [{"consent": c.consent, "version": c.version, "effect": c.effect} for c in g.decision.consents],
            }
            for g in answer.groups
        ],
        "in_force": [{"consent": c.consent, "version": c.version} for c in answer.consents], "left": answer.left,
    }  # fmt: skip
