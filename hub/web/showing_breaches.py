"""漏えいの範囲: suspected breaches with the clocks of Art. 26, and whose data may have left within a stretch of the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hub.assemble import Hub
from hub.clock import milliseconds
from hub.commands import Asking
from hub.reads.breaches import Concerned, Scope, Suspected
from hub.tables.scopes import Wanted
from hub.views import breach
from hub.views.ages import JST
from hub.views.audit_tables import rows
from hub.web.auth import Doorkeeper, SignedIn
from hub.web.exports import stream
from hub.web.filters import moment
from hub.web.menus import office_nav
from hub.web.pages import render_provisions
from hub.web.requests import asked, html, posted, searching
from schemas.errors import BadValue, BrokenRule, Issue, MissingValue

Add = Callable[..., None]
PLACE = "/audit/breaches"
FILTERS = ("from", "from_time", "to", "to_time", "organization", "user", "application", "session", "type", "breach")
SHOWN = 100
"""Persons on the page; the files hold all."""
COLUMNS = ("subject", "decisions", "first", "last", "types", "elements", "custodians", "receivers", "keys", "withdrawn")


class ShowingBreaches:
    """The pages and files over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo

    def routes(self, add: Add) -> None:
        """Add them."""
        add(PLACE, self.page)
        add(f"{PLACE}.json", self.json)
        add(f"{PLACE}.csv", self.csv)
        add(PLACE, self.suspect, "POST")
        add(f"{PLACE}/{{reference}}", self.step, "POST")

    # ── what may have left ───────────────────────────────────────────────────────────────────────────────────────────

    async def page(self, request: Request) -> Response:
        """Draw the breaches, and a scope where a stretch is given."""
        signed = self._door.user(request)
        return html(await run_in_threadpool(self._page, request, signed))

    def _page(self, request: Request, signed: SignedIn, problem: Issue | None = None, typed: Mapping[str, str] | None = None) -> str:
        asking = asked(signed, request, "audit")
        filters = {name: request.query_params.get(name, "").strip() for name in FILTERS}
        scope = self._scope(asking, request, filters) if filters["from"] or filters["breach"] else None
        found = self._hub.breaches.listed(asking, looked=scope is not None)
        held = urlencode({name: value for name, value in filters.items() if value})
        now = self._hub.now().astimezone(JST)
        return render_provisions.breaches(
            [self._told(one) for one in found], scope=self._drawn(asking, scope) if scope else None, filters=filters,
            organizations=sorted(((c, o.name) for c, o in self._hub.region.offices.items()), key=lambda pair: pair[1]),
            users=[(u.id, f"{u.name}（{self._hub.region.name_of(u.organization)}）") for u in self._hub.region.users.values()],
            types=[(row["type"], row["ja"]) for row in rows("types")], exports=[("CSV で保存", f"{PLACE}.csv?{held}"), ("JSON で保存", f"{PLACE}.json?{held}")],
            questions=breach.questions(), today=f"{now:%Y-%m-%d}", clock=f"{now:%H:%M}", problem=problem, typed=typed or {}, demo=self._demo,
            csrf=signed.csrf, user=signed.identified.name, office=signed.organization_name, nav=office_nav(self._hub, asking, PLACE),
        )  # fmt: skip

    def _scope(self, asking: Asking, request: Request, filters: Mapping[str, str]) -> Scope:
        looked = searching(asking, request, [(name, value) for name, value in filters.items() if value])
        return self._hub.breaches.scope(looked, self._wanted(asking, filters))

    def _wanted(self, asking: Asking, filters: Mapping[str, str]) -> Wanted:
        """Read filters. A breach names its sessions and decisions; without a stretch then all of the record until now is meant."""
        named = self._hub.breaches.one(asking, filters["breach"]) if filters["breach"] else None
        since = moment(filters["from"], filters["from_time"], "from")
        until = moment(filters["to"], filters["to_time"], "to", over=True)
        if since is None and named is None:
            raise BadValue("HUB-5196", where="from")
        sessions = tuple(filter(None, (filters["session"], *(named.row.sessions.split() if named else ()))))
        return Wanted(
            since or 0, until if until is not None else milliseconds(self._hub.now()) + 1, filters["organization"], filters["user"],
            bool(filters["application"]), sessions, (filters["type"],) if filters["type"] else (),
            tuple(named.row.decisions.split()) if named else (),
        )  # fmt: skip

    def _drawn(self, asking: Asking, scope: Scope) -> dict[str, Any]:
        name = self._hub.region.name_of
        elements = breach.elements(sorted(scope.counts))
        return {
            "reference": scope.reference, "persons": scope.persons, "decisions": scope.decisions, "keys": scope.keys, "withdrawn": scope.withdrawn,
            "elements": [(ja, told, special, scope.counts[kind]) for kind, (ja, told, special) in zip(sorted(scope.counts), elements, strict=True)],
            "custodians": [name(code) for code in scope.custodians], "receivers": [name(code) for code in scope.receivers],
            "unknown": scope.unknown, "nobodys": scope.nobodys, "shown": SHOWN,
            "grounds": breach.grounds(persons=scope.persons, special=any(special for _, _, special in elements), malicious=False),
            "rows": [self._row(one) | {"person": one.person} for one in self._hub.breaches.concerned(asking, scope, most=SHOWN)],
        }  # fmt: skip

    def _row(self, one: Concerned) -> dict[str, str]:
        name = self._hub.region.name_of
        told = breach.elements(one.types)
        return {
            "subject": one.pseudonym, "decisions": str(one.decisions), "first": _said(one.first), "last": _said(one.last),
            "types": " ".join(one.types), "elements": "；".join(f"{ja}：{elements}" for ja, elements, _ in told),
            "custodians": "、".join(map(name, one.custodians)), "receivers": "、".join(map(name, one.receivers)), "keys": str(one.keys),
            "withdrawn": "取り下げ済みの同意あり" if one.withdrawn else "",
        }  # fmt: skip

    async def csv(self, request: Request) -> Response:
        """Give the persons of a scope as CSV."""
        asking, scope = await self._asked(request)
        return stream("breach", "csv", COLUMNS, self._batches(asking, scope))

    def _batches(self, asking: Asking, scope: Scope) -> Iterator[list[dict[str, str]]]:
        for first in range(0, scope.persons, 1_000):
            yield [self._row(one) for one in self._hub.breaches.concerned(asking, scope, first, 1_000)]

    async def json(self, request: Request) -> Response:
        """Give a scope as one JSON object."""
        asking, scope = await self._asked(request)

        def work() -> bytes:
            drawn = self._drawn(asking, scope)
            elements = [
                {"ja": ja, "elements": told, "special": special, "records": number} for ja, told, special, number in drawn["elements"]
            ]
            persons = [self._row(one) for one in self._hub.breaches.concerned(asking, scope)]
            kept = {
                key: drawn[key] for key in ("reference", "decisions", "keys", "withdrawn", "custodians", "receivers", "unknown", "grounds")
            }
            return orjson.dumps({**kept, "count": scope.persons, "questions": breach.questions(), "elements": elements, "persons": persons})

        headers = {"Content-Disposition": 'attachment; filename="breach.json"', "Cache-Control": "no-store"}
        return Response(await run_in_threadpool(work), media_type="application/json", headers=headers)

    async def _asked(self, request: Request) -> tuple[Asking, Scope]:
        asking = self._door.asking(request, "audit", cookie=True)
        filters = {name: request.query_params.get(name, "").strip() for name in FILTERS}
        return asking, await run_in_threadpool(self._scope, asking, request, filters)

    # ── clocks ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _told(self, one: Suspected) -> dict[str, Any]:
        people = {u.id: u.name for u in self._hub.region.users.values()}
        return {
            "reference": one.row.reference, "known": one.known.astimezone(JST), "by": people.get(one.row.officer, one.row.officer),
            "reason": one.reason, "malicious": bool(one.row.malicious), "clock": one.clock, "ended": breach.step_words(one.ended) if one.ended else "",
            "steps": [(breach.step_words(step), at.astimezone(JST), people.get(by, by)) for step, at, by in one.steps],
            "left": [(step, breach.step_words(step)) for step in _left(one)], "scope": bool(one.row.sessions or one.row.decisions),
        }  # fmt: skip

    async def suspect(self, request: Request) -> Response:
        """Record that a breach is suspected."""
        form, signed = await posted(request, self._door)
        asking = asked(signed, request, "audit")

        def work() -> str:
            decisions = tuple(form.get("decisions", "").split())
            known = _at(form, "known")
            return self._hub.breaching.suspect(
                asking, known, form.get("reason", ""), malicious=bool(form.get("malicious")), decisions=decisions
            )

        return await self._done(request, signed, work, form)

    async def step(self, request: Request) -> Response:
        """Record that something was done about one."""
        form, signed = await posted(request, self._door)
        asking = asked(signed, request, "audit")
        name: str = request.path_params["reference"]

        def work() -> str:
            self._hub.breaching.step(asking, name, form.get("step", ""), _at(form, "done"), form.get("note", ""))
            return name

        return await self._done(request, signed, work, {**form, "of": name})

    async def _done(self, request: Request, signed: SignedIn, work: Callable[[], str], form: Mapping[str, str]) -> Response:
        try:
            name = await run_in_threadpool(work)
        except (MissingValue, BrokenRule) as refusal:
            return html(await run_in_threadpool(self._page, request, signed, refusal.issues[0], form), 422)
        return RedirectResponse(f"{PLACE}#{name}", 303)


def _left(one: Suspected) -> list[str]:
    """Give the steps that are still to be done, or may end it."""
    return [] if one.ended else [*(due.step for due in one.clock if due.done is None), *breach.STEPS]


def _at(form: Mapping[str, str], name: str) -> datetime:
    """Read a day and a time of Japan."""
    try:
        return datetime.fromisoformat(f"{form.get(name, '')}T{form.get(f'{name}_time', '') or '00:00'}").replace(tzinfo=JST)
    except ValueError as fault:
        raise BadValue("HUB-4083", where=name) from fault


def _said(at: datetime) -> str:
    return at.astimezone(JST).isoformat(timespec="seconds")
