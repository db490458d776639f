"""Pages for those who care: 入退院 of an organization, 急変時 of a person, break-glass, the clerk's links."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hub.assemble import Hub
from hub.names import hub_id
from hub.reads.boards import addresses
from hub.reads.past import Past
from hub.reads.persons import FoundPerson
from hub.views.emergency_read import shelve
from hub.views.people import header
from hub.web.auth import Doorkeeper, SignedIn
from hub.web.menus import nav
from hub.web.pages import EmergencyLinks, Found, OpenGlass, render
from hub.web.pages.saying import remaining
from hub.web.requests import asked, html, looked_at, posted, searching
from hub.web.showing_glass import ShowingGlass, band
from hub.web.showing_visits import PLACE as VISITS
from schemas.errors import NotFound

Add = Callable[..., None]


class ShowingCare:
    """These pages over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo
        self._glass = ShowingGlass(hub, door, demo=demo)

    def routes(self, add: Add) -> None:
        """Add them."""
        add("/board", self.board)
        add("/board/done/{action}", self.done, "POST")
        add("/emergency", self.search)
        self._glass.routes(add)
        add("/emergency/find", self.find, "POST")
        add("/emergency/{reference}", self.person)
        add("/emergency/{reference}/sheet", self.sheet)
        add("/emergency/{reference}/document", self.document)

    # ── 入退院 ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def board(self, request: Request) -> Response:
        """Draw the board of the user's organization; `episode` opens one stay."""
        signed = self._door.user(request)
        asking = asked(signed, request, "view")
        past = await looked_at(self._hub.past, asking, request)
        episode, told = request.query_params.get("episode", ""), request.query_params.get("at", "")

        def drawn() -> str:
            return render.board(
                self._hub.boards.page(asking, signed.identified.name, episode, past, told), demo=self._demo, csrf=signed.csrf,
                nav=nav(self._hub, asking.requester, "/board"), events="" if past else "/events",
                posted=() if past else addresses().values(), past=told if past else "",
            )  # fmt: skip

        return html(await run_in_threadpool(drawn))

    async def done(self, request: Request) -> Response:
        """Record that the office has done a step of a stay: the verb on the board's button."""
        form, signed = await posted(request, self._door)
        action, episode = request.path_params["action"], form.get("episode", "")
        await run_in_threadpool(self._hub.boards.mark, asked(signed, request, "write"), action, episode)
        return RedirectResponse("/board", 303)

    # ── 急変時 ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def search(self, request: Request) -> Response:
        """Draw the search for a person."""
        signed = self._door.user(request)
        return html(await run_in_threadpool(self._found, request, signed))

    def _found(self, request: Request, signed: SignedIn, **more: Any) -> str:
        asking, now = asked(signed, request, "view"), self._hub.now()
        return render.find_person(
            demo=self._demo, csrf=signed.csrf, user=signed.identified.name, organization=signed.organization_name,
            nav=nav(self._hub, signed.identified.requester, "/emergency"), band=band(self._hub, asking), questions=self._hub.emergencies.questions(asking),
            mine=[OpenGlass(m.session, f"/emergency/{m.person}", m.opened, remaining(m.closes, now)) for m in self._hub.emergencies.mine(asking)],
            visit=VISITS if self._hub.confirm.useful(asking.requester) else "", **more,
        )  # fmt: skip

    async def find(self, request: Request) -> Response:
        """Find by kana and birth date, or by care-insurance number."""
        form, signed = await posted(request, self._door)
        return await run_in_threadpool(self._find, request, signed, form)

    def _find(self, request: Request, signed: SignedIn, form: dict[str, str]) -> Response:
        asking = searching(asked(signed, request, "search"), request, [(n, v) for n, v in form.items() if n != "csrf"])
        if form.get("by") == "number":
            found = self._hub.find.by_number(asking, form.get("insurer", ""), form.get("insured", ""))
            typed = Found("番号が一致した方", "", None, "", "", "")
        else:
            kana, birth = form.get("kana", ""), form.get("birth", "")
            try:
                born = date.fromisoformat(birth)
            except ValueError:
                return html(self._found(request, signed, values=form, problem="生年月日を、西暦の年・月・日で入れてください。"), 422)
            found = self._hub.find.by_name(asking, kana, birth)
            typed = Found(kana, "", born, "", "", "")
        return html(self._found(request, signed, values=form, results=[self._result(f, typed) for f in found]))

    def _result(self, one: FoundPerson, typed: Found) -> Found:
        """Show a person as the asker may see it; where nothing may be seen, what the asker has typed and no more."""
        href = f"/emergency/{one.reference}"
        if not one.patients:
            return Found(typed.name, typed.kana, typed.birth, "", "", href, note="ご本人の同意の範囲では、まだ何も表示できません。")
        shelf = shelve(self._hub.view.known(one.patients), self._hub.now(), self._hub.region.offices)
        head = header(shelf)
        first = one.patients[0].tree
        return Found(head.name, head.kana, _date(first.get("birthDate")), head.sex, _town(first), href)

    async def person(self, request: Request) -> Response:
        """Draw the page of a person; where nothing may be seen, the way to break the glass for those who may."""
        signed = self._door.user(request)
        reference = request.path_params["reference"]
        past = await looked_at(self._hub.past, asked(signed, request, "view"), request)
        return await run_in_threadpool(self._person, signed, request, reference, past)

    def _person(self, signed: SignedIn, request: Request, reference: str, past: Past | None) -> Response:
        view = self._view(signed, request, reference, past)
        if view is None:
            if past:
                raise NotFound("HUB-5041")
            return self._glass.form(signed, reference)
        may = self._hub.breaking.may(signed.identified.requester) and not view.page.access.emergency and not past
        own = self._hub.emergencies.open_of(asked(signed, request, "view"), view.person) if view.page.access.emergency and not past else ""
        links = EmergencyLinks(
            close="/emergency/close" if own else "",
            session=own,
            sheet=f"/emergency/{reference}/sheet{_at(request, past)}",
            document=f"/emergency/{reference}/document{_at(request, past)}",
            glass=f"/emergency/{reference}/open" if may else "",
            visit=VISITS if self._hub.confirm.useful(signed.identified.requester) and not past else "",
            present=f"/emergency/{reference}" if past else "",
        )
        text = render.emergency(
            view.page, demo=self._demo, csrf=signed.csrf, user=signed.identified.name, organization=signed.organization_name,
            nav=nav(self._hub, signed.identified.requester, "/emergency"), links=links, past=past is not None,
            band=band(self._hub, asked(signed, request, "view")),
        )  # fmt: skip
        return html(text)

    async def sheet(self, request: Request) -> Response:
        """Draw the A4 sheet."""
        signed = self._door.user(request)
        reference = request.path_params["reference"]
        past = await looked_at(self._hub.past, asked(signed, request, "view"), request)

        def drawn() -> str:
            view = self._view(signed, request, reference, past)
            if view is None:
                raise NotFound("HUB-5041")
            links = EmergencyLinks(page=f"/emergency/{reference}{_at(request, past)}")
            return render.emergency_sheet(view.page, demo=self._demo, csrf=signed.csrf, links=links, past=past is not None)

        return html(await run_in_threadpool(drawn))

    async def document(self, request: Request) -> Response:
        """Lead to the FHIR document of the same page, by a Patient that the asker sees: which others there are is not told."""
        signed = self._door.user(request)
        asking = asked(signed, request, "view")
        past = await looked_at(self._hub.past, asking, request)
        view = await run_in_threadpool(self._view, signed, request, request.path_params["reference"], past)
        if view is None:
            raise NotFound("HUB-5041")
        patient = self._hub.opaque.open("person", asking.requester.organization, view.page.person)
        return RedirectResponse(f"/fhir/Patient/{hub_id(patient)}/$summary{_at(request, past)}", 303)

    def _view(self, signed: SignedIn, request: Request, reference: str, past: Past | None) -> Any:
        asking = asked(signed, request, "view")
        return self._hub.view.emergency(asking, self._hub.view.person(asking, reference, past), past)


def _at(request: Request, past: Past | None) -> str:
    """Give the moment for a link to another page of it."""
    return f"?at={quote(request.query_params['at'])}" if past else ""


def _date(text: object) -> date | None:
    try:
        return datetime.fromisoformat(str(text)).date()
    except ValueError:
        return None


def _town(tree: Mapping[str, Any]) -> str:
    addresses = tree.get("address")
    first = addresses[0] if isinstance(addresses, list) and addresses and isinstance(addresses[0], dict) else {}
    city = first.get("city", "")
    return city if isinstance(city, str) else ""
