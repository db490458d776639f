"""Finding a person among the organization's own, as the consent desk and the confirmation at the visit do: the search, what it found, who it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.assemble import Hub
from hub.reads.consents import AtDesk, Consents, PersonFile
from hub.reads.presenting import Presented
from hub.views.emergency_read import shelve
from hub.views.people import header
from hub.web.auth import Doorkeeper, SignedIn
from hub.web.menus import nav
from hub.web.pages import Found, render_consents
from hub.web.pages.render_consents import Room, Who
from hub.web.requests import asked, html, posted


@dataclass(frozen=True, slots=True)
class FindingAtDesk:
    """This search over a hub. `consents` answers it, and says who may ask; `room` = where it is and what it says."""

    hub: Hub
    door: Doorkeeper
    consents: Consents
    room: Room
    demo: bool

    async def search(self, request: Request) -> Response:
        """Draw the search; Denied for roles that do not sit here."""
        signed = self.door.user(request)
        self.consents.may(signed.identified.requester)
        return html(self._search(signed))

    def _search(self, signed: SignedIn, **more: Any) -> str:
        return render_consents.search(self.room, **self.frame(signed), **more)

    async def find(self, request: Request) -> Response:
        """Find by kana and birth date, or by care-insurance number."""
        form, signed = await posted(request, self.door)
        self.consents.may(signed.identified.requester)
        asking = asked(signed, request, "search")
        if form.get("by") == "number":
            found = await run_in_threadpool(self.consents.by_number, asking, form.get("insurer", ""), form.get("insured", ""))
            typed = "番号が一致した方"
        else:
            try:
                date.fromisoformat(form.get("birth", ""))
            except ValueError:
                return html(self._search(signed, values=form, problem="生年月日を、西暦の年・月・日で入れてください。"), 422)
            found = await run_in_threadpool(self.consents.by_name, asking, form.get("kana", ""), form.get("birth", ""))
            typed = form.get("kana", "")
        results = await run_in_threadpool(lambda: [self._found(one, typed) for one in found])
        return html(self._search(signed, values=form, results=results))

    def _found(self, one: AtDesk, typed: str) -> Found:
        """Show a person as the desk may see them; at the network's desk, what was typed and no more."""
        href = f"{self.room.place}/{one.reference}"
        if one.patient is None:
            return Found(typed, "", None, "", "", href, self.room.button, "ご本人の記録は、この窓口では表示しません。")
        who = self.who(one.patient)
        return Found(who.name, who.kana, None, who.birth, "", href, self.room.button)

    def who(self, patient: Presented | None) -> Who:
        """Say who it is, as far as the desk may see."""
        if patient is None:
            return Who("", "", "")
        head = header(shelve(self.hub.view.known([patient]), self.hub.now(), self.hub.region.offices))
        return Who(head.name, head.kana, head.birth)

    async def opened(self, request: Request) -> tuple[SignedIn, PersonFile]:
        """Give who looks, and the file of the person of the address."""
        signed = self.door.user(request)
        asking = asked(signed, request, "view")
        return signed, await run_in_threadpool(self.consents.file, asking, request.path_params["person"])

    def frame(self, signed: SignedIn) -> Mapping[str, Any]:
        """Give what surrounds each page."""
        return {
            "demo": self.demo, "csrf": signed.csrf, "user": signed.identified.name, "organization": signed.organization_name,
            "nav": nav(self.hub, signed.identified.requester, self.room.place),
        }  # fmt: skip
