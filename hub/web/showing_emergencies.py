"""Pages of the officer's queue of emergency accesses: the list, one of them, its review, its notices and their letters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from consent.words import reason_words
from hub.assemble import Hub
from hub.clock import moment
from hub.commands import Asking
from hub.reads.emergencies import Session, Told
from hub.tables import emergencies, notices
from hub.tables.notices import NoticeRow
from hub.views import breaking
from hub.views.ages import JST
from hub.views.audit_tables import words
from hub.views.breaking_lines import REVIEWS, Counts, Letter, NoticeLine, SessionLine, SessionWhole, deadline
from hub.views.shapes import Chip
from hub.web.auth import Doorkeeper, SignedIn
from hub.web.menus import office_nav
from hub.web.pages import Frame, render_urgent
from hub.web.pages.saying import clock, remaining
from hub.web.requests import asked, html, posted
from hub.web.showing_glass import band
from schemas.errors import BadValue, BrokenRule, MissingValue
from schemas.messages import japanese

Add = Callable[..., None]
PLACE = "/audit/emergencies"
_NO_HAND = frozenset({"officer", "second-officer"})
"""Receivers that the list itself tells."""


class ShowingEmergencies:
    """These pages over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo

    def routes(self, add: Add) -> None:
        """Add them."""
        add(PLACE, self.page)
        add(f"{PLACE}/review", self.review, "POST")
        add(f"{PLACE}/close", self.close, "POST")
        add(f"{PLACE}/notice", self.settle, "POST")
        add(f"{PLACE}/notice/{{reference}}", self.letter)
        add(f"{PLACE}/{{session}}", self.one)

    # ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def page(self, request: Request) -> Response:
        """Draw the queue; what it tells the officer for the first time is recorded as seen, after it was drawn."""
        signed = self._door.user(request)
        return html(await run_in_threadpool(self._page, request, signed))

    def _page(self, request: Request, signed: SignedIn) -> str:
        asking, now = asked(signed, request, "audit"), self._hub.now()
        waiting, done, alarms = self._hub.emergencies.queue(asking)
        if asking.requester.person:
            self._hub.reviewing.seen(asking, [*(n for one in (*waiting, *done) for n in one.notices), *alarms])
        told = [(moment(n.queued), breaking.state_words(n.receiver, n.why, n.state), self._who(n.asker, n.organization)) for n in alarms]
        return render_urgent.emergencies(
            self._frame(signed, asking), now=now, days=breaking.rules(now).review_days, waiting=[self._line(s) for s in waiting],
            done=[self._line(s) for s in done], alarms=told,
        )  # fmt: skip

    async def one(self, request: Request) -> Response:
        """Draw one session."""
        signed = self._door.user(request)
        return html(await run_in_threadpool(self._one, request, signed, request.path_params["session"]))

    def _one(self, request: Request, signed: SignedIn, name: str, problem: str = "", typed: str = "") -> str:
        asking, now = asked(signed, request, "audit"), self._hub.now()
        told = self._hub.emergencies.one(asking, name)
        lines = [self._notice(n, now) for n in told.session.notices]
        least = breaking.rules(now).reason_least
        return render_urgent.emergency_one(self._frame(signed, asking), self._whole(told), lines, least=least, problem=problem, typed=typed)

    async def letter(self, request: Request) -> Response:
        """Draw a notice as a letter, to be printed."""
        signed = self._door.user(request)
        asking = asked(signed, request, "audit")
        notice, session = await run_in_threadpool(self._hub.emergencies.notice_of, asking, request.path_params["reference"])
        return html(render_urgent.letter(self._letter(notice, session), demo=self._demo))

    # ── what is done ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def review(self, request: Request) -> Response:
        """Record what the officer found."""
        form, signed = await posted(request, self._door)
        asking, session, text = asked(signed, request, "audit"), form.get("session", ""), form.get("text", "")
        return await self._doing(
            request, signed, session, lambda: self._hub.reviewing.review(asking, session, form.get("result", ""), text), text
        )

    async def settle(self, request: Request) -> Response:
        """Record what became of a notice."""
        form, signed = await posted(request, self._door)
        asking, notice = asked(signed, request, "audit"), form.get("notice", "")
        return await self._doing(
            request, signed, form.get("session", ""),
            lambda: self._hub.reviewing.settle(asking, notice, form.get("state", ""), form.get("reason", "")),
        )  # fmt: skip

    async def close(self, request: Request) -> Response:
        """Close a session that is open, as the officer."""
        form, signed = await posted(request, self._door)
        asking, session = asked(signed, request, "audit"), form.get("session", "")
        return await self._doing(request, signed, session, lambda: self._hub.breaking.close(asking, session))

    async def _doing(self, request: Request, signed: SignedIn, session: str, work: Callable[[], None], typed: str = "") -> Response:
        try:
            await run_in_threadpool(work)
        except (BadValue, MissingValue, BrokenRule) as refusal:
            text = await run_in_threadpool(self._one, request, signed, session, japanese(refusal.issues[0]), typed)
            return html(text, 422)
        return RedirectResponse(f"{PLACE}/{session}", 303)

    # ── lines ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _frame(self, signed: SignedIn, asking: Asking) -> Frame:
        return Frame(
            self._demo,
            signed.csrf,
            signed.identified.name,
            signed.organization_name,
            office_nav(self._hub, asking, PLACE),
            band=band(self._hub, asking),
        )

    def _who(self, user: str, organization: str) -> str:
        known = self._hub.region.users.get(user)
        return f"{known.name if known else user}（{self._hub.region.name_of(organization)}）"

    def _name(self, user: str) -> str:
        known = self._hub.region.users.get(user)
        return known.name if known else f"登録のない利用者 {user}"

    def _length(self, one: Session) -> str:
        """Say until when it was open and by what it was closed, or how long it still is."""
        now = self._hub.now()
        if one.closed is None:
            return f"残り {remaining(one.closes, now)}（{clock(one.closes)} まで）"
        how = breaking.closing_words(one.row.how or "time")
        return f"{clock(one.closed)} まで（{how}）"

    def _line(self, one: Session) -> SessionLine:
        row = one.row
        role = words("roles", row.role) if row.role else ""
        said = tuple(breaking.state_words(n.receiver, n.why, n.state) for n in one.notices)
        return SessionLine(
            row.session, one.opened, self._length(one), f"{self._name(row.user)}{f'（{role}）' if role else ''}",
            self._hub.region.name_of(row.organization), one.pseudonym, one.reads, REVIEWS[row.review], deadline(row.review, one.days, late=one.late), said,
        )  # fmt: skip

    def _whole(self, told: Told) -> SessionWhole:
        line, row = self._line(told.session), told.session.row
        return SessionWhole(
            session=row.session, opened=line.opened, length=line.length, open=told.session.closed is None, who=line.who, organization=line.organization,
            pseudonym=line.pseudonym, identity=breaking.identity_words(row.identity) if row.identity else "", reason=told.reason,
            decision=row.decision, normal=_reasons(told.normal), classes=tuple((breaking.class_words(c), n) for c, n in told.classes),
            types=tuple((words("types", t), n) for t, n in told.types), refused=_reasons(told.refused), reads=line.reads,
            references=told.references[:50], review=line.review, deadline=line.deadline, waits=row.review in emergencies.OPEN_REVIEWS,
            said=told.reviewed.text if told.reviewed else "", said_by=self._name(told.reviewed.by) if told.reviewed else "", said_at=told.reviewed_at,
        )  # fmt: skip

    def _notice(self, n: NoticeRow, now: datetime) -> NoticeLine:
        by_hand, waits = n.receiver not in _NO_HAND, n.state in notices.OPEN
        late = Chip(f"{clock(moment(n.due))} までに", "danger" if moment(n.due) <= now else "warn") if by_hand and waits else None
        done = f"{clock(moment(n.at))}　{self._name(n.by)}" if n.at else ""
        return NoticeLine(
            n.reference,
            breaking.state_words(n.receiver, n.why, n.state),
            by_hand and waits,
            late,
            "　".join(filter(None, (done, n.reason))),
        )

    def _letter(self, notice: NoticeRow, one: Session) -> Letter:
        row, region = one.row, self._hub.region
        office = region.offices[region.network]
        day = self._hub.now().astimezone(JST)
        return Letter(
            session=row.session, head=notice.receiver == "head", date=f"{day:%Y}年{day.month}月{day.day}日", network=office.name, address=office.address,
            phone=office.phone, organization=region.name_of(row.organization), role=words("roles", row.role) if row.role else "職員",
            opened=one.opened, length=f"{clock(one.closed or one.closes)} まで", identity=breaking.identity_words(row.identity) if row.identity else "記録なし",
            pseudonym=one.pseudonym, days=breaking.rules(one.opened).review_days,
        )  # fmt: skip


def _reasons(rows: Counts) -> Counts:
    return tuple((reason_words(code)[0], number) for code, number in rows)
