"""なぜ見えた・なぜ見えない: one recorded decision explained, and a question that nobody asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.assemble import Hub
from hub.commands import Asking
from hub.reads.explaining import Answered, Spoke, Wanted
from hub.reads.officers import officer
from hub.reads.past import Past
from hub.views import audit, explaining
from hub.views.ages import JST
from hub.views.audit_tables import rows, words
from hub.views.consent_words import said
from hub.web.auth import Doorkeeper, SignedIn
from hub.web.menus import office_nav
from hub.web.pages import render_why
from hub.web.redeciding import asker_of
from hub.web.requests import asked, html
from schemas.errors import BadValue
from schemas.messages import japanese

Add = Callable[..., None]
PLACE = "/audit/ask"
FIELDS = ("person", "user", "organization", "role", "purpose", "type", "day", "time")


class ShowingWhy:
    """These pages over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo

    def routes(self, add: Add) -> None:
        """Add them."""
        add("/audit/why/{reference}", self.why)
        add(PLACE, self.ask)

    async def why(self, request: Request) -> Response:
        """Explain a recorded decision, taken again as of its own moment."""
        signed = self._door.user(request)
        return html(await run_in_threadpool(self._why, request, signed, request.path_params["reference"]))

    def _why(self, request: Request, signed: SignedIn, reference: str) -> str:
        asking = asked(signed, request, "audit")
        found = self._hub.explain.recorded(asking, reference)
        region, decided = self._hub.region, found.decided
        told = audit.explain(decided, region.offices, self._people())
        question = {"organization": region.name_of(decided.organization), "purpose": decided.purpose, "role": decided.role}
        types = "・".join(dict.fromkeys(words("types", one.type) for one in decided.seen))
        groups, at = explaining.recorded_groups(found.again, **question), decided.at.astimezone(JST)
        ask = {
            "person": decided.person, "user": decided.user if decided.user in region.users else "", "organization": decided.organization,
            "role": decided.role, "purpose": decided.purpose, "day": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M:%S}",
        }  # fmt: skip
        return render_why.why(
            told, person=decided.person, edition=found.again["network"]["then"], present=found.again["network"]["now"],
            same=explaining.same_words(found.again), groups=groups,
            opens="" if groups else explaining.opens(decided.reason, types=types, **question), spoken=[self._spoken(one) for one in found.consents],
            ask=f"{PLACE}?{urlencode({k: v for k, v in ask.items() if v})}", **self._frame(request, signed, "/audit"),
        )  # fmt: skip

    async def ask(self, request: Request) -> Response:
        """Draw the question, and its answer when whom it is about was chosen."""
        signed = self._door.user(request)
        text, status = await run_in_threadpool(self._ask, request, signed)
        return html(text, status)

    def _ask(self, request: Request, signed: SignedIn) -> tuple[str, int]:
        asking = asked(signed, request, "audit")
        officer(asking)
        values = {name: request.query_params.get(name, "").strip() for name in FIELDS}
        answer, problem = None, ""
        chosen = self._hub.choose.named(asking, values["person"]) if values["person"] else None
        if chosen and (values["user"] or values["organization"]):
            try:
                answer = self._answer(asking, values)
            except BadValue as wrong:
                problem = japanese(wrong.issues[0])
        region = self._hub.region
        text = render_why.ask(
            answer, values=values, problem=problem, pseudonym=chosen.pseudonym if chosen else "",
            users=[(u.id, f"{u.name}（{region.name_of(u.organization)}）") for u in region.users.values()],
            organizations=sorted(((c, o.name) for c, o in region.offices.items()), key=lambda pair: pair[1]),
            roles=[(row["role"], row["ja"]) for row in rows("roles")], purposes=audit.purposes(),
            types=[(row["type"], row["ja"]) for row in rows("types")], **self._frame(request, signed, PLACE),
        )  # fmt: skip
        return text, 400 if problem else 200

    def _answer(self, asking: Asking, values: Mapping[str, str]) -> render_why.Answer:
        requester, purpose = asker_of(self._hub.region, values)
        found = self._hub.explain.asked(asking, Wanted(requester, purpose, values["person"], values["type"]), self._past(asking, values))
        name = self._hub.region.name_of(requester.organization)
        question = {"organization": name, "purpose": purpose, "role": requester.role}
        groups = [explaining.outcome(g.decision, g.types, **question) for g in found.groups]
        return render_why.Answer(
            found.at, found.network, _asked(found, self._people(), name, values["type"]),
            groups or [explaining.nothing(kind=values["type"], **question)], [self._spoken(one) for one in found.consents],
            sum(g.number for g in found.groups), found.left,
        )  # fmt: skip

    def _past(self, asking: Asking, values: Mapping[str, str]) -> Past | None:
        """Read the moment: a day and a time in Japan; without a time the end of that day, without a day now."""
        if not values["day"]:
            return None
        try:
            at = datetime.fromisoformat(f"{values['day']}T{values['time'] or '23:59:59.999'}").replace(tzinfo=JST)
        except ValueError as fault:
            raise BadValue("HUB-5120", where="at") from fault
        if not values["time"] and at.date() == self._hub.now().astimezone(JST).date():
            return None
        return self._hub.past(asking, [at.isoformat()])

    def _spoken(self, one: Spoke) -> explaining.SpokenConsent:
        told = said(one.directive, self._hub.region.offices, self._people()) if one.directive else None
        return explaining.spoken(one.consent, one.version, one.effect, told)

    def _people(self) -> dict[str, str]:
        return {u.id: u.name for u in self._hub.region.users.values()}

    def _frame(self, request: Request, signed: SignedIn, place: str) -> dict[str, Any]:
        return {
            "demo": self._demo, "csrf": signed.csrf, "staff": signed.identified.name, "office": signed.organization_name,
            "nav": office_nav(self._hub, asked(signed, request, "audit"), place),
        }  # fmt: skip


def _asked(found: Answered, people: Mapping[str, str], organization: str, kind: str) -> str:
    """Say the question in one sentence."""
    who = people.get(found.requester.person, "") or words("roles", found.requester.role)
    what = words("types", kind) if kind else "記録"
    return f"{organization} の {who}（{words('roles', found.requester.role)}）は、目的「{words('purposes', found.purpose)}」で、{found.pseudonym} さんの{what}を見られたか。"
