"""受診時の確認: staff of the receiving organization ask the person at the visit, read back what that opens, record it, print it, take it back.

It goes the way of `POST /confirmations`: both record by `hub.confirm`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from consent.directive import normalise
from consent.rules import CONFIRMATION
from consent.times import TOKYO
from hub.assemble import Hub
from hub.commands import Asking
from hub.names import hub_id
from hub.reads.consents import Filed, PersonFile
from hub.views.audit_tables import words
from hub.views.consent_effect import effect
from hub.views.consent_words import said, until
from hub.web.auth import Doorkeeper, SignedIn
from hub.web.finding_at_desk import FindingAtDesk
from hub.web.pages import render_consents, render_visits
from hub.web.pages.render_consents import Room, Sheet
from hub.web.requests import asked, html, posted
from hub.web.showing_consents import line_of
from hub.writes.confirming import Visit
from schemas.errors import BadInput, Conflict, NotFound
from schemas.messages import english, japanese

Add = Callable[..., None]
PLACE = "/confirmations"
ROOM = Room(
    PLACE, "受診時の確認", "どなたが受診していますか", "この方の確認へ", "Confirmation at the visit",
    "記録できるのは、あなたの組織に記録のある方だけです。確認は、受診した方お一人ずつに、その場で行います。",
    "Only of a person that your own organization has a record of, and standing before you.",
)  # fmt: skip


class ShowingVisits:
    """These pages over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door = hub, door
        self._finding = FindingAtDesk(hub, door, hub.desk.visits, ROOM, demo)

    def routes(self, add: Add) -> None:
        """Add them."""
        add(PLACE, self._finding.search)
        add(f"{PLACE}/find", self._finding.find, "POST")
        add(f"{PLACE}/{{person}}", self.form)
        add(f"{PLACE}/{{person}}/check", self.check, "POST")
        add(f"{PLACE}/{{person}}/record", self.record, "POST")
        add(f"{PLACE}/{{person}}/{{consent}}/print", self.print)
        add(f"{PLACE}/{{person}}/{{consent}}/withdraw", self.withdraw, "POST")

    # ── asking the person ────────────────────────────────────────────────────────────────────────────────────────────

    async def form(self, request: Request) -> Response:
        """Draw what to tell the person, the form, and what was confirmed already."""
        signed, file = await self._finding.opened(request)
        return html(self._form(signed, file, {}, {}))

    def _form(self, signed: SignedIn, file: PersonFile, values: Mapping[str, str], problems: Mapping[str, tuple[str, str]]) -> str:
        now, network = self._hub.now(), self._hub.gate.network
        held = [one for one in file.consents if _is_ours(one) and now < self._hub.confirm.until(one.directive)]
        return render_visits.form(
            values, problems, who=self._finding.who(file.patient), place=f"{PLACE}/{file.reference}",
            held=[(line_of(self._hub, one, self._href(file, one)), one.state == "active") for one in held], days=network.confirmed_days,
            useful=self._hub.confirm.useful(signed.identified.requester), purposes=[words("purposes", p) for p in sorted(network.implied_purposes)],
            today=now.astimezone(TOKYO).date(), **self._finding.frame(signed),
        )  # fmt: skip

    @staticmethod
    def _href(file: PersonFile, one: Filed) -> str:
        return f"{PLACE}/{file.reference}/{one.reference}"

    async def check(self, request: Request) -> Response:
        """Read back what it opens, before it is recorded."""
        values, signed = await posted(request, self._door)
        return await run_in_threadpool(self._check, request, signed, values)

    def _check(self, request: Request, signed: SignedIn, values: Mapping[str, str]) -> Response:
        file = self._file(request, signed)
        try:
            tree = self._hub.confirm.tree(asked(signed, request, "view"), f"Patient/{file.number}", _visit(values), self._hub.now())
        except BadInput as refusal:
            return html(self._form(signed, file, values, _problems(refusal)), 422)
        about, custodian = f"Patient/{hub_id(file.patients[0])}", signed.identified.requester.organization
        directive = normalise(tree, consent="Consent/new", version=1, patient=about, custodian=custodian, now=self._hub.now())
        people = {user.id: user.name for user in self._hub.region.users.values()}
        told = said(directive, self._hub.region.offices, people)
        told = replace(told, lines=(*told.lines, ("いつまで", until(self._hub.confirm.until(directive)))))
        held = [(name, value) for name, value in values.items() if name in {"identified", "agreed", "form"}]
        text = render_consents.check(
            told, effect(directive, self._hub.region.offices), held, {},
            who=self._finding.who(file.patient), person=file.reference, consent="", proxied=False, keeps=False,
            record=f"{PLACE}/{file.reference}/record", **self._finding.frame(signed),
        )  # fmt: skip
        return html(text)

    async def record(self, request: Request) -> Response:
        """Record it; lead to the printed copy. It holds when this answers."""
        values, signed = await posted(request, self._door)
        return await run_in_threadpool(self._record, request, signed, values)

    def _record(self, request: Request, signed: SignedIn, values: Mapping[str, str]) -> Response:
        file, asking = self._file(request, signed), asked(signed, request, "write")
        try:
            made = self._hub.confirm(asking, f"Patient/{file.number}", _visit(values))
        except (BadInput, Conflict) as refusal:
            return html(self._form(signed, file, values, _problems(refusal)), 422)
        reference = self._hub.desk.visits.reference(asking, made.stream)
        return RedirectResponse(f"{PLACE}/{file.reference}/{reference}/print", 303)

    # ── one that is recorded ─────────────────────────────────────────────────────────────────────────────────────────

    async def print(self, request: Request) -> Response:
        """Draw the printed copy (控え), one A4."""
        signed, file = await self._finding.opened(request)

        def work() -> str:
            asking = asked(signed, request, "view")
            one = self._one(asking, file, request)
            line, office = line_of(self._hub, one, self._href(file, one)), self._hub.region.offices[asking.requester.organization]
            sheet = Sheet(line, self._finding.who(file.patient), office.name, office.phone, one.taken_by, self._hub.now())
            return render_visits.sheet(sheet, back=f"{PLACE}/{file.reference}", **self._finding.frame(signed))

        return html(await run_in_threadpool(work))

    async def withdraw(self, request: Request) -> Response:
        """Take it back: it holds for nobody when this answers."""
        values, signed = await posted(request, self._door)

        def work() -> str:
            file = self._file(request, signed)
            one = self._one(asked(signed, request, "view"), file, request)
            if values.get("sure") != "yes" or one.directive.status != "active":
                raise NotFound("HUB-5041")
            self._hub.confirm.take_back(asked(signed, request, "write"), one.shown.tree, one.shown.row.version)
            return f"{PLACE}/{file.reference}"

        return RedirectResponse(await run_in_threadpool(work), 303)

    # ── shared ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _file(self, request: Request, signed: SignedIn) -> PersonFile:
        return self._hub.desk.visits.file(asked(signed, request, "view"), request.path_params["person"])

    def _one(self, asking: Asking, file: PersonFile, request: Request) -> Filed:
        """Give one confirmation of the own organization; NotFound for every other consent."""
        one = self._hub.desk.visits.one(asking, file, request.path_params["consent"])
        if not _is_ours(one):
            raise NotFound("HUB-5041")
        return one


def _is_ours(one: Filed) -> bool:
    return one.own and one.directive.policy_uri == CONFIRMATION


def _visit(values: Mapping[str, str]) -> Visit:
    """Read the form: what is not ticked was not done."""
    return Visit(values.get("identified") == "yes", values.get("agreed") == "yes", values.get("form", ""))


def _problems(refusal: BadInput | Conflict) -> dict[str, tuple[str, str]]:
    """Give what is wrong in Japanese and English, each beside its field; what is of no field beside the first."""
    found: dict[str, tuple[str, str]] = {}
    for issue in refusal.issues:
        name = issue.where if issue.where in {"identified", "agreed", "form"} else "identified"
        found.setdefault(name, (japanese(issue), english(issue)))
    return found
