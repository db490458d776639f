"""Pages of the consent desk (同意の窓口): what is on file, one consent with its versions and paper, withdrawing, the printed copy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from consent.ask import Requester
from consent.rules import CONFIRMATION
from consent.times import tokyo_day
from hub.assemble import Hub
from hub.commands import Asking
from hub.reads.consents import Filed, PersonFile
from hub.views.consent_effect import effect
from hub.views.consent_words import said, until
from hub.web.auth import Doorkeeper
from hub.web.consent_fields import of_filed, offices
from hub.web.finding_at_desk import FindingAtDesk
from hub.web.pages import render_consents
from hub.web.pages.render_consents import Line, Room, Sheet
from hub.web.requests import asked, html, posted
from hub.writes.consent_over import over
from schemas.errors import NotFound

Add = Callable[..., None]
ROOM = Room("/consents", "同意の窓口", "どなたの同意書ですか", "同意書を開く")
STATES = {
    "active": ("効いています", "good"), "later": ("これから効きます", "info"), "ended": ("期限が過ぎました", ""),
    "replaced": ("新しい同意書に替わりました", ""), "withdrawn": ("取り下げられました", "warn"), "unreadable": ("読み取れません", "danger"), "old": ("前の版", ""),
}  # fmt: skip


class ShowingConsents:
    """These pages over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door = hub, door
        self.finding = FindingAtDesk(hub, door, hub.desk.consents, ROOM, demo)

    def routes(self, add: Add) -> None:
        """Add them."""
        add("/consents", self.finding.search)
        add("/consents/find", self.finding.find, "POST")
        add("/consents/{person}", self.file)
        add("/consents/{person}/{consent}/one", self.one)
        add("/consents/{person}/{consent}/paper", self.paper)
        add("/consents/{person}/{consent}/print", self.print)
        add("/consents/{person}/{consent}/withdraw", self.ask_withdrawal)
        add("/consents/{person}/{consent}/withdraw", self.withdraw, "POST")

    # ── what is on file ──────────────────────────────────────────────────────────────────────────────────────────────

    async def file(self, request: Request) -> Response:
        """Draw what is on file of one person."""
        signed, file = await self.finding.opened(request)
        model = await run_in_threadpool(self._file, asked(signed, request, "view"), file)
        return html(render_consents.file(**model, **self.finding.frame(signed)))

    def _file(self, asking: Asking, file: PersonFile) -> dict[str, Any]:
        requester = asking.requester
        found = self._hub.desk.capacity.known(file.patients) if self._hub.desk.capacity.may(requester) else []
        return {
            "who": self.finding.who(file.patient), "lines": [self.line(file, one) for one in file.consents], "person": file.reference,
            "kinds": render_consents.kinds(network=requester.kind == "network"), "visit": self._visit(requester, file), "states_capacity": self._hub.desk.capacity.may(requester),
            "capacity": [(moment_day(one.at), one.state, one.document, one.review) for one in reversed(found)],
        }  # fmt: skip

    def _visit(self, requester: Requester, file: PersonFile) -> str:
        """Give where this person's confirmation at the visit is recorded, for those to whom the rules give it; never by what is there to see."""
        return f"/confirmations/{file.reference}" if self._hub.confirm.useful(requester) else ""

    async def one(self, request: Request) -> Response:
        """Draw one consent: what it says, what it opens and closes, its versions, its paper."""
        signed, file = await self.finding.opened(request)
        asking = asked(signed, request, "view")
        versions = await run_in_threadpool(self._hub.desk.consents.versions, asking, file, request.path_params["consent"])
        newest = versions[0] if versions[0].shown.row.newest else None
        if newest is None:
            raise NotFound("HUB-5041")
        current = next((one for one in file.consents if one.reference == newest.reference), newest)
        text = render_consents.one(
            self.line(file, current), [self.line(file, v) for v in versions], who=self.finding.who(file.patient), person=file.reference,
            may_change=self._changeable(asking, current), may_withdraw=self._withdrawable(asking, current),
            scan=f"/consents/{file.reference}/{current.reference}/paper" if current.scan else "", holder=self._holder(current), **self.finding.frame(signed),
        )  # fmt: skip
        return html(text)

    def _changeable(self, asking: Asking, one: Filed) -> bool:
        """Say whether this desk can change it: its own, and of what a form can say."""
        if not one.own or one.state not in {"active", "later", "replaced"} or one.directive.policy_uri == CONFIRMATION:
            return False
        return of_filed(one, offices(self._hub.region, asking.requester), tokyo_day(self._hub.now())) is not None

    def line(self, file: PersonFile, one: Filed) -> Line:
        """Put one version of a consent into words."""
        return line_of(self._hub, one, f"/consents/{file.reference}/{one.reference}")

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
        signed, file = await self.finding.opened(request)
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
        signed, file = await self.finding.opened(request)
        asking = asked(signed, request, "view")

        def work() -> str:
            one = self._hub.desk.consents.one(asking, file, request.path_params["consent"])
            line = self.line(file, one)
            office = self._hub.region.offices[asking.requester.organization]
            sheet = Sheet(line, self.finding.who(file.patient), office.name, office.phone, one.taken_by, self._hub.now())
            return render_consents.sheet(sheet, back=f"{line.href}/one", **self.finding.frame(signed))

        return html(await run_in_threadpool(work))

    # ── withdrawing ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def ask_withdrawal(self, request: Request) -> Response:
        """Ask once more before a consent is withdrawn."""
        signed, file = await self.finding.opened(request)
        asking = asked(signed, request, "view")
        one = await run_in_threadpool(self._hub.desk.consents.one, asking, file, request.path_params["consent"])
        if not self._withdrawable(asking, one):
            raise NotFound("HUB-5041")
        return html(render_consents.withdrawal(self.line(file, one), who=self.finding.who(file.patient), **self.finding.frame(signed)))

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
                holder = self._hub.desk.enter.office(one.shown.row.custodian)
                self._hub.desk.enter.record(asking, over(one.shown.tree, patient=one.about, holder=holder, at=self._hub.now()))
            return f"/consents/{file.reference}/{one.reference}/one"

        return RedirectResponse(await run_in_threadpool(work), 303)


def moment_day(milliseconds: int) -> date:
    """Give the day in Tokyo of a moment of the log."""
    return tokyo_day(datetime.fromtimestamp(milliseconds / 1000, UTC))


def line_of(hub: Hub, one: Filed, href: str) -> Line:
    """Put one version of a consent into words, for pages of staff; a confirmation at the visit also by the day on which it ends."""
    people = {user.id: user.name for user in hub.region.users.values()}
    words, does = said(one.directive, hub.region.offices, people), effect(one.directive, hub.region.offices)
    state, tone = STATES.get(one.state, ("", ""))
    visit = [("いつまで", until(hub.confirm.until(one.directive)))] if one.directive.policy_uri == CONFIRMATION else []
    return Line(
        href, words.head, [*words.lines, *visit], words.rules, does.opens, does.closes, state, tone, one.shown.row.version,
        datetime.fromtimestamp(one.shown.row.updated / 1000, UTC), hub.region.name_of(one.shown.row.custodian), bool(one.scan),
    )  # fmt: skip
