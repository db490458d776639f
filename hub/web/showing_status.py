"""The page of the network's office on how the hub is: what stands, and the two things that may be done about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hub.assemble import Hub
from hub.followers.operating import REASON_LEAST
from hub.views.ages import JST
from hub.web.auth import Doorkeeper, SignedIn
from hub.web.menus import nav
from hub.web.pages import Status, Worker, render
from hub.web.requests import asked, html, posted
from schemas.errors import MissingValue
from schemas.messages import japanese

Add = Callable[..., None]
PLACE = "/status"
WORDS = {
    "derive": "受け取った記録から、知らせることを見つける",
    "expiring": "まもなく切れる同意を、預かった組織に知らせる",
    "tallies": "判断の数を、日ごとに数える",
    "unusual": "気になるアクセスを、決めた規則で見つける",
    "feeds": "知らせることを、聞く組織に配る",
    "checkpoints": "記録の先頭に署名する",
    "kafka": "Kafka へ送る",
    "erasing": "消去の期限が来た鍵を消す",
    "emergencies": "緊急開示と災害時の開示を、時間で閉じ、確認の遅れを知らせる",
    "acts": "ハブ自身のできごとを記録する",
}
"""What each follower does, in a few words."""


class ShowingStatus:
    """This page over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper, *, demo: bool) -> None:
        self._hub, self._door, self._demo = hub, door, demo

    def routes(self, add: Add) -> None:
        """Add it."""
        add(PLACE, self.page)
        add(f"{PLACE}/retry", self.retry, "POST")
        add(f"{PLACE}/skip", self.skip, "POST")

    async def page(self, request: Request) -> Response:
        """Draw it."""
        signed = self._door.user(request)
        return html(await run_in_threadpool(self._draw, request, signed))

    async def retry(self, request: Request) -> Response:
        """Let a follower try at once."""
        form, signed = await posted(request, self._door)
        await run_in_threadpool(self._hub.operate.retry, asked(signed, request, "audit"), form.get("name", ""))
        return RedirectResponse(PLACE, 303)

    async def skip(self, request: Request) -> Response:
        """Let a follower pass by the event that it stands at; a reason that is too short brings the page again, with the words."""
        form, signed = await posted(request, self._door)
        try:
            await run_in_threadpool(self._hub.operate.skip, asked(signed, request, "audit"), form.get("name", ""), form.get("reason", ""))
        except MissingValue as missing:
            return html(await run_in_threadpool(self._draw, request, signed, japanese(missing.issues[0])), 422)
        return RedirectResponse(PLACE, 303)

    def _draw(self, request: Request, signed: SignedIn, problem: str = "") -> str:
        told = self._hub.oversee.status(asked(signed, request, "audit"))
        return render.status(
            model(told), demo=self._demo, csrf=signed.csrf, user=signed.identified.name, organization=signed.organization_name,
            nav=nav(self._hub, signed.identified.requester, PLACE), problem=problem, least=REASON_LEAST, retry=f"{PLACE}/retry", skip=f"{PLACE}/skip",
        )  # fmt: skip


def model(told: Mapping[str, Any]) -> Status:
    """Make the page's values of a status as it is told."""
    signed = told["checkpoints"]["age_seconds"]
    return Status(
        at=_clock(told["at"]), version=told["versions"]["tsunagu"], engine=told["store"]["engine"], events=told["store"]["events"],
        reading=told["reading"].get("ja", "") if told["reading"]["stopped"] else "",
        reading_en=told["reading"].get("en", "") if told["reading"]["stopped"] else "",
        stopped_since=_clock(told["reading"]["since"]) if told["reading"]["stopped"] else "",
        room="" if told["store"]["free_bytes"] is None else _size(told["store"]["free_bytes"]), low=told["store"]["low"],
        waiting=told["writer"]["waiting"], most=told["writer"]["most"], signed=None if signed is None else f"{_span(signed)}前",
        unsigned=told["checkpoints"]["unsigned_events"], followers=tuple(_worker(f) for f in told["followers"]),
    )  # fmt: skip


def _worker(f: Mapping[str, Any]) -> Worker:
    stopped, behind = f["stopped"] or {}, "わかりません" if f["name"] == "kafka" else "—"
    if f["lag_events"] == 0:
        behind = "なし"
    elif f["lag_events"] is not None:
        behind = f"{f['lag_events']:,} 件" + (f"（{_span(f['lag_seconds'])}）" if f["lag_seconds"] is not None else "")
    words = next((said for name, said in WORDS.items() if f["name"] == name), "立会いに署名を頼む")
    since = _clock(stopped["since"]) if stopped else ""
    return Worker(
        f["name"], words, behind, f["skipped"], stopped=bool(stopped), skippable=f["skippable"], fault=stopped.get("fault", ""), since=since,
        tried=stopped.get("tried", 0),
    )  # fmt: skip


def _clock(told: str) -> str:
    return f"{datetime.fromisoformat(told).astimezone(JST):%m-%d %H:%M:%S}"


def _size(count: int) -> str:
    """Say a number of bytes in the largest unit that fits."""
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1000:.0f} kB"


def _span(seconds: float) -> str:
    """Say a span of time in the largest unit that fits."""
    for unit, size in (("日", 86_400), ("時間", 3_600), ("分", 60)):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{seconds:.0f}秒"
