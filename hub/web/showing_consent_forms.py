"""Pages of the consent desk that record: a form from paper, read back before it is recorded; a finding of capacity."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from consent.directive import normalise
from consent.rules import Directive
from consent.times import tokyo_day
from hub.assemble import Hub
from hub.commands import Asking
from hub.names import hub_id
from hub.reads.consents import Filed, PersonFile
from hub.views.consent_effect import effect
from hub.views.consent_kinds import form_kinds
from hub.views.consent_words import said
from hub.web.auth import Doorkeeper, SignedIn
from hub.web.consent_fields import Filled, blank, of_filed, of_sent, offices
from hub.web.multipart import Sent, posted_fields, posted_with_files
from hub.web.pages import render_consents
from hub.web.requests import asked, html, posted
from hub.web.showing_consents import ShowingConsents
from hub.writes.consent_form import Desk, Entry, consent_tree
from hub.writes.consent_scan import MOST, Scan, scan
from schemas.errors import BadInput, Conflict, MissingValue, NotFound
from schemas.messages import japanese

Add = Callable[..., None]
LIMIT = 2 * MOST + 200_000
"""Bytes of a form with two scans."""


class ShowingConsentForms:
    """These pages over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, desk: ShowingConsents) -> None:
        self._hub, self._door, self._desk = hub, door, desk

    def routes(self, add: Add) -> None:
        """Add them."""
        add("/consents/{person}/new", self.new)
        add("/consents/{person}/{consent}/change", self.change)
        add("/consents/{person}/check", self.check, "POST")
        add("/consents/{person}/record", self.record, "POST")
        add("/consents/{person}/capacity", self.capacity, "POST")

    # ── the form ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def new(self, request: Request) -> Response:
        """Draw an empty form of the kind that was chosen."""
        signed, file = await self._desk.finding.opened(request)
        kind = request.query_params.get("kind", "")
        if kind not in form_kinds():
            raise NotFound("HUB-5041")
        return html(self._form(signed, file, blank(kind, self._today())))

    async def change(self, request: Request) -> Response:
        """Draw the form as a consent on file fills it; NotFound for one of another organization, or one that a form cannot say."""
        signed, file = await self._desk.finding.opened(request)
        one = await run_in_threadpool(self._hub.desk.consents.one, asked(signed, request, "view"), file, request.path_params["consent"])
        known = offices(self._hub.region, signed.identified.requester)
        filled = of_filed(one, known, self._today()) if one.own else None
        if filled is None:
            raise NotFound("HUB-5041")
        return html(self._form(signed, file, filled, one))

    def _form(self, signed: SignedIn, file: PersonFile, filled: Filled, one: Filed | None = None) -> str:
        requester = signed.identified.requester
        return render_consents.form(
            filled.values, filled.ticked, filled.problems, who=self._desk.finding.who(file.patient), person=file.reference,
            consent=one.reference if one else "", offices=offices(self._hub.region, requester), **self._desk.finding.frame(signed),
        )  # fmt: skip

    async def check(self, request: Request) -> Response:
        """Read the form back, in what it opens and closes, before it is recorded."""
        sent, signed = await posted_fields(request, self._door)
        file = await run_in_threadpool(self._hub.desk.consents.file, asked(signed, request, "view"), request.path_params["person"])
        return await run_in_threadpool(self._check, request, signed, sent, file)

    def _check(self, request: Request, signed: SignedIn, sent: Sent, file: PersonFile) -> Response:
        asking = asked(signed, request, "view")
        one = self._changed(asking, file, sent.one("consent"))
        filled = of_sent(sent, asking.requester, self._hub.region, self._today())
        directive = self._tried(asking, signed, file, filled)
        if filled.problems or directive is None:
            return html(self._form(signed, file, filled, one), 422)
        return html(self._read_back(signed, file, filled, one, directive, sent))

    def _read_back(
        self, signed: SignedIn, file: PersonFile, filled: Filled, one: Filed | None, directive: Directive, sent: Sent, problems: dict[str, str] | None = None
    ) -> str:  # fmt: skip
        people = {user.id: user.name for user in self._hub.region.users.values()}
        words, does = said(directive, self._hub.region.offices, people), effect(directive, self._hub.region.offices)
        held = [(name, value) for name, value in sent.texts if name != "csrf"]
        return render_consents.check(
            words, does, held, problems or {}, who=self._desk.finding.who(file.patient), person=file.reference, consent=one.reference if one else "",
            proxied=bool(filled.values["signer"]), keeps=bool(one and one.scan), **self._desk.finding.frame(signed),
        )  # fmt: skip

    def _tried(self, asking: Asking, signed: SignedIn, file: PersonFile, filled: Filled) -> Directive | None:
        """Read the Consent that the form makes, as it will be read when it is recorded."""
        if filled.entry is None:
            return None
        try:
            return self._normal(asking, signed, file, filled.entry)
        except BadInput as refusal:
            filled.refused(refusal.issues)
            return None

    def _normal(self, asking: Asking, signed: SignedIn, file: PersonFile, entry: Entry) -> Directive:
        requester, now = asking.requester, self._hub.now()
        desk = Desk(requester.organization, requester.person, signed.identified.name, now)
        tree = consent_tree(entry, desk, patient=f"Patient/{file.number}", office=self._hub.desk.enter.office)
        about = f"Patient/{hub_id(file.patients[0])}"
        return normalise(tree, consent="Consent/new", version=1, patient=about, custodian=requester.organization, now=now)

    # ── recording ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def record(self, request: Request) -> Response:
        """Record the form with its papers; lead to the printed copy."""
        sent, signed = await posted_with_files(request, self._door, LIMIT)
        return await run_in_threadpool(self._record, request, signed, sent)

    def _record(self, request: Request, signed: SignedIn, sent: Sent) -> Response:
        asking, looking = asked(signed, request, "write"), asked(signed, request, "view")
        file = self._hub.desk.consents.file(looking, request.path_params["person"])
        one = self._changed(looking, file, sent.one("consent"))
        filled = of_sent(sent, asking.requester, self._hub.region, self._today())
        directive = self._tried(asking, signed, file, filled)
        if filled.problems or directive is None or filled.entry is None:
            return html(self._form(signed, file, filled, one), 422)
        try:
            papers = {name: scan(sent.files.get(name, b""), name) for name in ("scan", "power")}
        except BadInput as refusal:
            problems = {issue.where: japanese(issue) for issue in refusal.issues}
            return html(self._read_back(signed, file, filled, one, directive, sent, problems), 422)
        try:
            taken = self._entered(asking, file, filled.entry, papers, one, sent.one("version"))
        except (BadInput, Conflict) as refusal:
            filled.refused(refusal.issues)
            return html(self._form(signed, file, filled, one), 422)
        reference = self._hub.desk.consents.reference(asking, taken.stream)
        return RedirectResponse(f"/consents/{file.reference}/{reference}/print", 303)

    def _entered(
        self, asking: Asking, file: PersonFile, entry: Entry, papers: dict[str, Scan | None], one: Filed | None, version: str
    ) -> Any:  # fmt: skip
        more: dict[str, Any] = {}
        if one is not None:
            seen = int(version) if version.isdecimal() and len(version) < 10 else one.shown.row.version
            more = {"number": one.shown.id, "version": seen, "held": (one.scan, one.power if entry.signer.kind else "")}
        return self._hub.desk.enter.enter(asking, file.number, entry, scan=papers["scan"], power=papers["power"], **more)

    def _changed(self, asking: Asking, file: PersonFile, reference: str) -> Filed | None:
        """Give the consent that a form changes; None for a new one. NotFound for one that is not this desk's."""
        if not reference:
            return None
        one = self._hub.desk.consents.one(asking, file, reference)
        if not one.own:
            raise NotFound("HUB-5041")
        return one

    # ── capacity ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def capacity(self, request: Request) -> Response:
        """Record whether the person can decide alone."""
        form, signed = await posted(request, self._door)
        asking = asked(signed, request, "write")

        def work() -> Response:
            file = self._hub.desk.consents.file(asked(signed, request, "view"), request.path_params["person"])
            found, review = _day(form.get("found", ""), "found"), form.get("review", "")
            until = _day(review, "review") if review else None
            self._hub.desk.capacity(
                asking, file.person, state=form.get("state", ""), found=found, review=until, document=form.get("document", "")
            )
            return RedirectResponse(f"/consents/{file.reference}", 303)

        return await run_in_threadpool(work)

    def _today(self) -> date:
        return tokyo_day(self._hub.now())


def _day(text: str, where: str) -> date:
    try:
        return datetime.fromisoformat(text).date()
    except ValueError as fault:
        raise MissingValue("HUB-5129", where=where) from fault
