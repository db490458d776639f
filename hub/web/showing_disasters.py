"""The page of the switch of a disaster: asking for it, agreeing to it, ending it, and what was read by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hub.assemble import Hub
from hub.clock import milliseconds, moment
from hub.reads.disasters import Switch
from hub.tables.decisions import DecisionRow
from hub.views import breaking
from hub.views.audit_tables import words
from hub.views.breaking_lines import ReadLine, SwitchLine
from hub.views.shapes import Chip
from hub.web.auth import Doorkeeper, SignedIn
from hub.web.menus import office_nav
from hub.web.pages import Frame, render_urgent
from hub.web.pages.saying import remaining
from hub.web.requests import asked, html, posted
from hub.web.showing_emergencies import PLACE as QUEUE
from hub.web.showing_glass import band
from schemas.errors import BadValue, BrokenRule, Denied, MissingValue
from schemas.messages import japanese

Add = Callable[..., None]
PLACE = "/audit/disasters"
_MARK = "organization-"
_LOCKED = "HUB-5153"


class ShowingDisasters:
    """This page over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo

    def routes(self, add: Add) -> None:
        """Add it."""
        add(PLACE, self.page)
        add(f"{PLACE}/propose", self.propose, "POST")
        add(f"{PLACE}/agree", self.agree, "POST")
        add(f"{PLACE}/end", self.end, "POST")

    async def page(self, request: Request) -> Response:
        """Draw it."""
        signed = self._door.user(request)
        return html(await run_in_threadpool(self._page, request, signed))

    def _page(self, request: Request, signed: SignedIn, problem: str = "", typed: Mapping[str, str] | None = None) -> str:
        asking, now = asked(signed, request, "audit"), self._hub.now()
        found, held, person = self._hub.emergencies.disasters(asking), breaking.rules(now), asking.requester.person
        frame = Frame(
            self._demo, signed.csrf, signed.identified.name, signed.organization_name, office_nav(self._hub, asking, QUEUE),
            self._hub.breaking.code(person) if self._demo and person else "", band=band(self._hub, asking),
        )  # fmt: skip
        return render_urgent.disasters(
            frame, on=[self._line(s, person) for s in found.on], proposed=[self._line(s, person) for s in found.waiting],
            past=[self._line(s, person) for s in found.past], reads=[self._read(row, name) for row, name in found.reads],
            offices=[(code, self._hub.region.name_of(code)) for code in self._hub.switching.whose()], typed=typed or {},
            minutes=held.proposal_minutes, most=held.disaster_hours, least=held.reason_least, problem=problem,
        )  # fmt: skip

    async def propose(self, request: Request) -> Response:
        """Ask for the switch."""
        form, signed = await posted(request, self._door)
        named = [name.removeprefix(_MARK) for name, value in form.items() if name.startswith(_MARK) and value == "yes"]
        hours = form.get("hours", "").strip()

        def work() -> None:
            self._hub.switching.propose(
                asked(signed, request, "audit"), area=form.get("area", ""), organizations=named,
                hours=int(hours) if hours.isascii() and hours.isdigit() and len(hours) < 4 else 0, reason=form.get("reason", ""),
                code=form.get("code", "").strip(), renews=form.get("renews", ""),
            )  # fmt: skip

        return await self._doing(request, signed, work, {k: v for k, v in form.items() if k not in {"csrf", "code"}})

    async def agree(self, request: Request) -> Response:
        """Agree, as another officer."""
        form, signed = await posted(request, self._door)
        asking = asked(signed, request, "audit")
        return await self._doing(
            request, signed, lambda: self._hub.switching.agree(asking, form.get("switch", ""), form.get("code", "").strip())
        )

    async def end(self, request: Request) -> Response:
        """End it, or take back what was asked for."""
        form, signed = await posted(request, self._door)
        asking = asked(signed, request, "audit")
        return await self._doing(request, signed, lambda: self._hub.switching.end(asking, form.get("switch", "")))

    async def _doing(
        self, request: Request, signed: SignedIn, work: Callable[[], None], typed: Mapping[str, str] | None = None
    ) -> Response:
        try:
            await run_in_threadpool(work)
        except (BadValue, MissingValue, BrokenRule, Denied) as refusal:
            if isinstance(refusal, Denied) and refusal.issues[0].rule != _LOCKED:
                raise
            return html(await run_in_threadpool(self._page, request, signed, japanese(refusal.issues[0]), typed), 422)
        return RedirectResponse(PLACE, 303)

    # ── lines ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _line(self, one: Switch, person: str) -> SwitchLine:
        row, now = one.row, self._hub.now()
        organizations = "、".join(self._hub.region.name_of(code) for code in row.organizations.split())
        return SwitchLine(
            row.reference, self._state(one), row.area, organizations, self._name(row.first), self._name(row.second) if row.second else "",
            one.reason, row.hours, moment(row.asked), moment(row.void), moment(row.until), remaining(moment(row.until), now), one.reads,
            row.first == person,
        )  # fmt: skip

    def _state(self, one: Switch) -> Chip:
        row, now = one.row, milliseconds(self._hub.now())
        if row.declared:
            return Chip("有効", "danger") if not row.shut and now < row.until else Chip("終わりました", "")
        if row.shut:
            return Chip("取りやめ", "")
        return Chip("もう一人の同意を待っています", "warn") if now < row.void else Chip("期限が過ぎました", "")

    def _name(self, user: str) -> str:
        known = self._hub.region.users.get(user)
        return known.name if known else f"登録のない利用者 {user}"

    def _read(self, row: DecisionRow, name: str) -> ReadLine:
        kinds: Counter[str] = Counter()
        for part in row.given.split():
            kind, _, number = part.partition(":")
            kinds[words("types", kind)] += int(number)
        what = "、".join(f"{kind} {number}件" for kind, number in kinds.items())
        return ReadLine(row.reference, moment(row.at), self._name(row.user), self._hub.region.name_of(row.organization), what, name)
