"""Pages of the consent desk (同意の窓口): finding a person, what is on file, one consent with its versions and paper, withdrawing, the printed copy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from consent.times import tokyo_day
from hub.assemble import Hub
from hub.commands import Asking
from hub.reads.consents import AtDesk, Filed, PersonFile
from hub.reads.presenting import Presented
from hub.views.consent_effect import effect
from hub.views.consent_words import said
from hub.views.emergency_read import shelve
from hub.views.people import header
from hub.web.auth import Doorkeeper, SignedIn
from hub.web.menus import nav
from hub.web.pages import Found, render_consents
from hub.web.pages.render_consents import Line, Sheet, Who
from hub.web.requests import asked, html, posted
from hub.writes.consent_over import over
from schemas.errors import NotFound

Add = Callable[..., None]
STATES = {
    "active": ("効いています", "good"), "later": ("これから効きます", "info"), "ended": ("期限が過ぎました", ""),
    "replaced": ("新しい同意書に替わりました", ""), "withdrawn": ("取り下げられました", "warn"), "unreadable": ("読み取れません", "danger"), "old": ("前の版", ""),
}  # fmt: skip


class ShowingConsents:
    """These pages over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo

    def routes(self, add: Add) -> None:
        """Add them."""
        add("/consents", self.search)
        add("/consents/find", self.find, "POST")
        add("/consents/{person}", self.file)
        add("/consents/{person}/{consent}/one", self.one)
        add("/consents/{person}/{consent}/paper", self.paper)
        add("/consents/{person}/{consent}/print", self.print)
        add("/consents/{person}/{consent}/withdraw", self.ask_withdrawal)
        add("/consents/{person}/{consent}/withdraw", self.withdraw, "POST")

    # ── whom ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def search(self, request: Request) -> Response:
        """Draw the search; Denied for roles that do not sit at the desk."""
        signed = self._door.user(request)
        self._hub.desk.consents.may(signed.identified.requester)
        return html(self._search(signed))

    def _search(self, signed: SignedIn, **more: Any) -> str:
        return render_consents.search(**self.frame(signed), **more)

    async def find(self, request: Request) -> Response:
        """Find by kana and birth date, or by care-insurance number."""
        form, signed = await posted(request, self._door)
        asking = asked(signed, request, "search")
        if form.get("by") == "number":
            found = await run_in_threadpool(self._hub.desk.consents.by_number, asking, form.get("insurer", ""), form.get("insured", ""))
            typed = "番号が一致した方"
        else:
            try:
                date.fromisoformat(form.get("birth", ""))
            except ValueError:
                return html(self._search(signed, values=form, problem="生年月日を、西暦の年・月・日で入れてください。"), 422)
            found = await run_in_threadpool(self._hub.desk.consents.by_name, asking, form.get("kana", ""), form.get("birth", ""))
            typed = form.get("kana", "")
        results = await run_in_threadpool(lambda: [self._found(one, typed) for one in found])
        return html(self._search(signed, values=form, results=results))

    def _found(self, one: AtDesk, typed: str) -> Found:
        """Show a person as the desk may see them; at the network's desk, what was typed and no more."""
        href = f"/consents/{one.reference}"
        if one.patient is None:
            return Found(typed, "", None, "", "", href, "同意書を開く", "ご本人の記録は、この窓口では表示しません。")
        who = self.who(one.patient)
        return Found(who.name, who.kana, None, who.birth, "", href, "同意書を開く")

    def who(self, patient: Presented | None) -> Who:
        """Say who it is, as far as the desk may see."""
        if patient is None:
            return Who("", "", "")
        head = header(shelve(self._hub.view.known([patient]), self._hub.now(), self._hub.region.offices))
        return Who(head.name, head.kana, head.birth)

    # ── what is on file ──────────────────────────────────────────────────────────────────────────────────────────────

    async def file(self, request: Request) -> Response:
        """Draw what is on file of one person."""
        signed, file = await self.opened(request)
        model = await run_in_threadpool(self._file, asked(signed, request, "view"), file)
        return html(render_consents.file(**model, **self.frame(signed)))

    def _file(self, asking: Asking, file: PersonFile) -> dict[str, Any]:
        requester = asking.requester
        found = self._hub.desk.capacity.known(file.patients) if self._hub.desk.capacity.may(requester) else []
        return {
            "who": self.who(file.patient), "lines": [self.line(file, one) for one in file.consents], "person": file.reference,
            "kinds": render_consents.kinds(network=requester.kind == "network"), "states_capacity": self._hub.desk.capacity.may(requester),
            "capacity": [(moment_day(one.at), one.state, one.document, one.review) for one in reversed(found)],
        }  # fmt: skip

    async def one(self, request: Request) -> Response:
        """Draw one consent: what it says, what it opens and closes, its versions, its paper."""
        signed, file = await self.opened(request)
        asking = asked(signed, request, "view")
        versions = await run_in_threadpool(self._hub.desk.consents.versions, asking, file, request.path_params["consent"])
        newest = versions[0] if versions[0].shown.row.newest else None
        if newest is None:
            raise NotFound("HUB-5041")
        current = next((one for one in file.consents if one.reference == newest.reference), newest)
        text = render_consents.one(
            self.line(file, current), [self.line(file, v) for v in versions], who=self.who(file.patient), person=file.reference,
            may_change=current.own and current.state in {"active", "later", "replaced"}, may_withdraw=self._withdrawable(asking, current),
            scan=f"/consents/{file.reference}/{current.reference}/paper" if current.scan else "", holder=self._holder(current), **self.frame(signed),
        )  # fmt: skip
        return html(text)

    def line(self, file: PersonFile, one: Filed) -> Line:
        """Put one version of a consent into words."""
        people = {user.id: user.name for user in self._hub.region.users.values()}
        words, does = said(one.directive, self._hub.region.offices, people), effect(one.directive, self._hub.region.offices)
        state, tone = STATES.get(one.state, ("", ""))
        href = f"/consents/{file.reference}/{one.reference}"
        return Line(
            href, words.head, words.lines, words.rules, does.opens, does.closes, state, tone, one.shown.row.version,
            datetime.fromtimestamp(one.shown.row.updated / 1000, UTC), self._holder(one), bool(one.scan),
        )  # fmt: skip

    def _holder(self, one: Filed) -> str:
        return self._hub.region.name_of(one.shown.row.custodian)

    @staticmethod
    def _withdrawable(asking: Asking, one: Filed) -> bool:
        """Say whether this desk can withdraw it: its own; at the network's desk also a permit that another took for the whole network."""
        if one.directive.status != "active" or one.state in {"withdrawn", "old"}:
            return False
        return one.own or (asking.requester.kind == "network" and one.directive.root.effect == "permit")

    async def paper(self, request: Request) -> Response:
        """Give the scan of the newest version, to be kept or looked at outside the page."""
        signed, file = await self.opened(request)
        asking = asked(signed, request, "read")

        def work() -> Response:
            one = self._hub.desk.consents.one(asking, file, request.path_params["consent"])
            paper = self._hub.desk.consents.paper(asking, one.scan)
            suffix = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}.get(paper.media, "bin")
            headers = {
                "Content-Disposition": f'attachment; filename="consent.{suffix}"', "Cache-Control": "no-store",
                "Content-Security-Policy": "default-src 'none'; sandbox",
            }  # fmt: skip
            return Response(paper.data, media_type=paper.media, headers=headers)

        return await run_in_threadpool(work)

    async def print(self, request: Request) -> Response:
        """Draw the printed copy (控え) of the newest version, one A4."""
        signed, file = await self.opened(request)
        asking = asked(signed, request, "view")

        def work() -> str:
            one = self._hub.desk.consents.one(asking, file, request.path_params["consent"])
            line = self.line(file, one)
            office = self._hub.region.offices[asking.requester.organization]
            sheet = Sheet(line, self.who(file.patient), office.name, office.phone, one.taken_by, self._hub.now())
            return render_consents.sheet(sheet, back=f"{line.href}/one", **self.frame(signed))

        return html(await run_in_threadpool(work))

    # ── withdrawing ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def ask_withdrawal(self, request: Request) -> Response:
        """Ask once more before a consent is withdrawn."""
        signed, file = await self.opened(request)
        asking = asked(signed, request, "view")
        one = await run_in_threadpool(self._hub.desk.consents.one, asking, file, request.path_params["consent"])
        if not self._withdrawable(asking, one):
            raise NotFound("HUB-5041")
        return html(render_consents.withdrawal(self.line(file, one), who=self.who(file.patient), **self.frame(signed)))

    async def withdraw(self, request: Request) -> Response:
        """Withdraw it: it holds for nobody when this answers."""
        form, signed = await posted(request, self._door)
        asking = asked(signed, request, "write")

        def work() -> str:
            file = self._hub.desk.consents.file(asked(signed, request, "view"), request.path_params["person"])
            one = self._hub.desk.consents.one(asking, file, request.path_params["consent"])
            if form.get("sure") != "yes" or not self._withdrawable(asking, one):
                raise NotFound("HUB-5041")
            if one.own:
                self._hub.desk.enter.withdraw(asking, one.shown.tree, one.shown.row.version)
            else:
                self._hub.desk.enter.record(asking, over(one.shown.tree, patient=file.number, at=self._hub.now()))
            return f"/consents/{file.reference}/{one.reference}/one"

        return RedirectResponse(await run_in_threadpool(work), 303)

    # ── shared ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def opened(self, request: Request) -> tuple[SignedIn, PersonFile]:
        """Give who looks, and the file of the person of the address."""
        signed = self._door.user(request)
        asking = asked(signed, request, "view")
        return signed, await run_in_threadpool(self._hub.desk.consents.file, asking, request.path_params["person"])

    def frame(self, signed: SignedIn) -> Mapping[str, Any]:
        """Give what surrounds each page of the desk."""
        return {
            "demo": self._demo, "csrf": signed.csrf, "user": signed.identified.name, "organization": signed.organization_name,
            "nav": nav(signed.identified.requester, "/consents"),
        }  # fmt: skip


def moment_day(milliseconds: int) -> date:
    """Give the day in Tokyo of a moment of the log."""
    return tokyo_day(datetime.fromtimestamp(milliseconds / 1000, UTC))
