"""Pages for the person, or who speaks for them, in large letters: who may see what, one's own word, who has looked. Each change is confirmed on paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from consent.directive import normalise
from hub.assemble import Hub
from hub.commands import Asking, Taken
from hub.names import hub_id
from hub.reads.consents import Filed
from hub.reads.consents_own import Own
from hub.views.consent_effect import effect
from hub.views.consent_words import said
from hub.web.auth import Doorkeeper, SignedIn
from hub.web.multipart import Sent, posted_fields
from hub.web.pages import Nav, render_person
from hub.web.pages.render_consents import Line, Sheet, Who
from hub.web.pages.render_person import ACTS
from hub.web.requests import asked, html
from hub.web.showing_consents import STATES
from hub.web.showing_provisions import document
from hub.writes.consent_form import withdrawn
from hub.writes.consent_over import answered, over
from hub.writes.consent_person import Said
from schemas.errors import NotFound

Add = Callable[..., None]
PLACES = (("/me", "わたしの記録"), ("/me/seen", "だれが見たか"))


class ShowingPerson:
    """These pages over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo

    def routes(self, add: Add) -> None:
        """Add them."""
        add("/me", self.page)
        add("/me/ask/{act}", self.ask)
        add("/me/say/{act}", self.say, "POST")
        add("/me/consents/{consent}/print", self.print)
        add("/me/consents/{consent}/withdraw", self.ask_withdrawal)
        add("/me/consents/{consent}/withdraw", self.withdraw, "POST")
        add("/me/seen", self.seen)
        add("/me/disclosures.{form}", self.disclosures)

    async def page(self, request: Request) -> Response:
        """Draw the first page."""
        signed = self._door.user(request, person=True)
        own = await run_in_threadpool(self._hub.desk.own.of, asked(signed, request, "view"))
        lines = [(one.reference, self._line(one), self._withdrawable(one)) for one in own.consents]
        return html(render_person.page(own, lines, proxy=self._proxy(signed), **self._frame(signed, "/me")))

    # ── saying ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def ask(self, request: Request) -> Response:
        """Ask once more, in one sentence, what is about to be said."""
        signed = self._door.user(request, person=True)
        act, code = self._act(request), request.query_params.get("org", "")
        if act.organization and (code not in self._hub.region.offices or self._hub.region.kind_of(code) == "network"):
            raise NotFound("HUB-5041")
        offices = [(c, o.name) for c, o in self._hub.region.offices.items() if o.kind != "network"]
        name = self._hub.region.name_of(code) if act.organization else ""
        return html(render_person.ask(act, code=code, name=name, offices=offices, **self._frame(signed, "/me")))

    async def say(self, request: Request) -> Response:
        """Record it; it holds for everybody when this answers. Draw what was recorded, to be printed."""
        sent, signed = await posted_fields(request, self._door, person=True)
        act = self._act(request)
        asking = asked(signed, request, "write")

        def work() -> str:
            own = self._hub.desk.own.of(asked(signed, request, "view"))
            done = self._done(asking, act.name, own, sent)
            return self._copy(signed, done)

        return html(await run_in_threadpool(work))

    def _done(self, asking: Asking, act: str, own: Own, sent: Sent) -> Said:
        word, patient = self._hub.desk.word, own.patient
        recipients = sent.all("recipients") if sent.one("whom") == "listed" else ()
        ways: Mapping[str, Callable[[], Said]] = {
            "stop-all": lambda: word.stop_all(asking, patient),
            "share": lambda: word.share(asking, patient, recipients, own.exceptions()),
            "stop": lambda: word.stop(asking, patient, sent.one("org")),
            "unstop": lambda: word.stop(asking, patient, sent.one("org"), over=True),
            "refuse-emergency": lambda: word.wish(asking, patient, "refuse"),
            "permit-emergency": lambda: self._permit(asking, own),
            "unask-emergency": lambda: word.wish(asking, patient, "unasked"),
            "reserve": lambda: word.reserve(asking, patient),
            "unreserve": lambda: word.reserve(asking, patient, over=True),
        }
        if act == "share" and sent.one("whom") == "listed" and not recipients:
            raise NotFound("HUB-5041")
        return ways[act]()

    def _permit(self, asking: Asking, own: Own) -> Said:
        """Say yes for emergencies; consents of one's own that refuse it are said anew with this answer."""
        if asking.requester.role == "subject":
            for one in own.refusing():
                if not any(p.get("uri", "").endswith("/policy/emergency") for p in one.shown.tree.get("policy", ())):
                    holder = self._hub.desk.enter.office(one.shown.row.custodian)
                    tree = answered(one.shown.tree, patient=one.about, holder=holder, at=self._hub.now(), emergency="permit")
                    self._hub.desk.word.withdraw(asking, tree)
        return self._hub.desk.word.wish(asking, own.patient, "permit")

    def _copy(self, signed: SignedIn, done: Said) -> str:
        """Draw what was just recorded as a sheet of paper."""
        code = signed.identified.requester.organization
        about = str(done.tree["patient"]["reference"])
        directive = normalise(
            done.tree,
            consent=f"Consent/{hub_id(done.taken.stream)}",
            version=done.taken.version,
            patient=about,
            custodian=code,
            now=self._hub.now(),
        )
        words, does = said(directive, self._hub.region.offices, {}), effect(directive, self._hub.region.offices)
        state, tone = STATES["active" if directive.status == "active" else "withdrawn"]
        line = Line(
            "/me",
            words.head,
            words.lines,
            words.rules,
            does.opens,
            does.closes,
            state,
            tone,
            done.taken.version,
            _when(done.taken),
            self._office(),
            paper=False,
        )
        return self._sheet(signed, line)

    def _sheet(self, signed: SignedIn, line: Line) -> str:
        office = self._hub.region.offices[signed.identified.requester.organization]
        sheet = Sheet(line, Who(signed.identified.name, "", ""), office.name, office.phone, "", self._hub.now())
        return render_person.sheet(sheet, **self._frame(signed, "/me"))

    # ── one consent ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def print(self, request: Request) -> Response:
        """Draw one consent as a sheet of paper."""
        signed = self._door.user(request, person=True)
        _, one = await self._one(request, signed)
        return html(self._sheet(signed, self._line(one)))

    async def ask_withdrawal(self, request: Request) -> Response:
        """Ask once more before a consent is withdrawn."""
        signed = self._door.user(request, person=True)
        _, one = await self._one(request, signed)
        if not self._withdrawable(one):
            raise NotFound("HUB-5041")
        return html(render_person.withdrawal(one.reference, self._line(one), **self._frame(signed, "/me")))

    async def withdraw(self, request: Request) -> Response:
        """Withdraw it: it holds for nobody when this answers."""
        sent, signed = await posted_fields(request, self._door, person=True)
        asking = asked(signed, request, "write")
        _, one = await self._one(request, signed)
        if sent.one("sure") != "yes" or not self._withdrawable(one):
            raise NotFound("HUB-5041")

        def work() -> str:
            if one.own:
                tree = withdrawn(one.shown.tree)
                taken = self._hub.desk.word.anew(asking, tree, one.shown.id, one.shown.row.version)
            else:
                holder = self._hub.desk.enter.office(one.shown.row.custodian)
                tree = over(one.shown.tree, patient=one.about, holder=holder, at=self._hub.now())
                taken = self._hub.desk.word.withdraw(asking, tree)
            return self._copy(signed, Said(tree, taken))

        return html(await run_in_threadpool(work))

    async def _one(self, request: Request, signed: SignedIn) -> tuple[Own, Filed]:
        own = await run_in_threadpool(self._hub.desk.own.of, asked(signed, request, "view"))
        found = next((one for one in own.consents if one.reference == request.path_params["consent"]), None)
        if found is None:
            raise NotFound("HUB-5041")
        return own, found

    @staticmethod
    def _withdrawable(one: Filed) -> bool:
        """Say whether the person may withdraw it here: whatever is recorded at the network's office; of others, what they permit."""
        return one.directive.status == "active" and one.state in {"active", "later"} and (one.own or one.directive.root.effect == "permit")

    def _line(self, one: Filed) -> Line:
        words, does = said(one.directive, self._hub.region.offices, {}), effect(one.directive, self._hub.region.offices)
        state, tone = STATES.get(one.state, ("", ""))
        since = datetime.fromtimestamp(one.shown.row.updated / 1000, UTC)
        holder = self._hub.region.name_of(one.shown.row.custodian)
        return Line(
            f"/me/consents/{one.reference}", words.head, words.lines, words.rules, does.opens, does.closes, state, tone, one.shown.row.version, since,
            holder, bool(one.scan),
        )  # fmt: skip

    # ── who looked ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def seen(self, request: Request) -> Response:
        """List who looked, by organization and day."""
        signed = self._door.user(request, person=True)
        looks = await run_in_threadpool(self._hub.desk.own.looks, asked(signed, request, "view"))
        return html(render_person.seen(looks, **self._frame(signed, "/me/seen")))

    async def disclosures(self, request: Request) -> Response:
        """Give the signed disclosure (Art. 33(5)) about the person, as PDF or JSON."""
        signed = self._door.user(request, person=True)
        form = request.path_params["form"]
        if form not in {"pdf", "json"}:
            raise NotFound("HUB-5041")
        asking = asked(signed, request, "read")

        def work() -> bytes:
            person = self._hub.desk.own.person(asking)
            asker = "ご本人" if signed.role_name == "subject" else "ご本人を代理する方"
            return self._hub.provided.of_person(asking, person, None, None, form, asker)

        return document(await run_in_threadpool(work), form)

    # ── shared ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @staticmethod
    def _act(request: Request) -> Any:
        act = ACTS.get(request.path_params["act"])
        if act is None:
            raise NotFound("HUB-5041")
        return act

    def _proxy(self, signed: SignedIn) -> tuple[str, str]:
        """Say by which power somebody speaks for another, and until when; empty for the person."""
        user = self._hub.region.users[signed.identified.requester.person]
        return (user.power.kind, user.power.until.isoformat()) if user.power else ("", "")

    def _office(self) -> str:
        return self._hub.region.name_of(self._hub.region.network)

    def _frame(self, signed: SignedIn, place: str) -> Mapping[str, Any]:
        return {
            "demo": self._demo, "csrf": signed.csrf, "user": signed.identified.name, "organization": signed.organization_name,
            "nav": [Nav(href, label, current=href == place) for href, label in PLACES],
        }  # fmt: skip


def _when(taken: Taken) -> datetime:
    return datetime.fromtimestamp(taken.updated / 1000, UTC)
