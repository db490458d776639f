"""Limits of time around admission and discharge, by dated rules (data_stays/rules.csv), each with its reckoning in sentences.

The hub says what the record supports; the office decides. Days are calendar days in Asia/Tokyo, the day of admission is day 1, and a limit
is the instant at which its last day is over (exclusive).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from hub.views.ages import JST
from hub.views.board_shapes import Deadline
from hub.views.calendar_ja import clock, covered, end_of, holidays, midnight, said, why_closed
from hub.views.emergency_tables import Row
from hub.views.shapes import Office
from hub.views.stays_tables import rows

ADMISSION_INFO = "kasan-admission-info"
"""入院時情報連携加算."""
DISCHARGE = "kasan-discharge"
"""退院・退所加算."""
State = Literal["due-today", "due", "second", "overdue", "done", "none"]


@dataclass(frozen=True, slots=True)
class Contact:
    """One talk with the hospital's staff about the person before (or up to seven days after) discharge."""

    day: date
    conference: bool


@dataclass(frozen=True, slots=True)
class Award:
    """A class that the record supports, with its units (単位)."""

    name: str
    units: int
    code: str


# ── 入院時情報連携加算 ───────────────────────────────────────────────────────────────────────────────────────────────


def admission_info(
    admitted: datetime,
    office: Office,
    *,
    done: datetime | None,
    now: datetime,
    confirmed: bool = True,
    timed: bool = True,
    closed_day_extends: bool = False,
) -> Deadline:
    """Reckon until when the care manager's information (入院時情報提供書) must be at the hospital, and what has been reached.

    `done` is when it arrived (or was sent, then `confirmed` is false). `timed` is false when the source gives the day of admission only:
    it then counts as within hours, which is the earlier limit. `closed_day_extends` gives an admission on a closed day the extra day of
    class Ⅱ, on which the rule is silent. Source: 介護報酬 告示 2018-04, 2024-04; Q&A Vol.1 (2024-03-15) 問118.
    """
    at, today = admitted.astimezone(JST), now.astimezone(JST).date()
    first, second = _classes(ADMISSION_INFO, at.date())
    if first is None or second is None:
        return unruled(ADMISSION_INFO, "入院時情報連携加算", f"{said(at.date())} の入院にあたる規則は登録されていません。")
    how = _reckon(at, office, first, second, timed=timed, closed_day_extends=closed_day_extends)
    one, two = end_of(how.first), end_of(how.second)
    sentences = (
        f"規則：{first['title']}　{first['edition']}。",
        f"入院：{said(at.date(), today)}{f'{at:%H:%M}' if timed else '（時刻の記録なし）'}　{how.moment}。",
        f"加算{first['class']}：{said(how.first, today)} 24:00 まで　{first['units']}単位。",
        f"加算{second['class']}：{said(how.second, today)} 24:00 まで　{second['units']}単位。",
        *how.reasons,
    )
    made = Deadline(ADMISSION_INFO, first["title"], first["edition"], one, two, _state(now, one, two), sentences)
    if done is None:
        return made
    told = done.astimezone(JST)
    reached = first if told < one else second if told < two else None
    words = f"加算{reached['class']} {reached['units']}単位" if reached else "加算の期限の後"
    waiting = "" if confirmed else "（受け取りの確認待ち）"
    early = ("入院より前の提供です。日が離れすぎるときは個別に判断されます。",) if told.date() < at.date() else ()
    return replace(made, state="done", done_as=f"{told:%m-%d %H:%M} 提供　{words}{waiting}", reasoning=(*sentences, *early))


@dataclass(frozen=True, slots=True)
class _Reckoning:
    first: date
    second: date
    moment: str
    reasons: tuple[str, ...]


def _reckon(at: datetime, office: Office, one: Row, two: Row, *, timed: bool, closed_day_extends: bool) -> _Reckoning:
    day = at.date()
    closed = why_closed(office, day)
    opens, closes = clock(office.opens), clock(office.closes)
    late = timed and not closed and closes is not None and at.time() >= closes
    early = timed and not closed and opens is not None and at.time() < opens
    moment = (
        f"休業日（{closed}）" if closed else f"営業日の営業終了（{office.closes}）以後" if late else f"営業日の営業前（{office.opens} から）" if early
        else "営業日の営業時間内" if timed else "営業日"
    )  # fmt: skip
    first = day + timedelta(days=int(one["days"]) + (int(one["late_days"]) if late else 0) + (int(one["closed_days"]) if closed else 0))
    second = day + timedelta(days=int(two["days"]) + (int(two["late_days"]) if late else 0) + (int(two["closed_days"]) if closed else 0))
    reasons = [_why_first(one, late=late, closed=closed, office=office)]
    shut, more = why_closed(office, second), int(two["late_closed_days"])
    if more and shut and (late or (closed and closed_day_extends)):
        reasons.append(f"加算{two['class']}の終わり {said(second)} は休業日（{shut}）なので、翌日までのびます。")
        second += timedelta(days=more)
    elif more and shut and closed:
        reasons.append(
            f"加算{two['class']}の終わり {said(second)} は休業日（{shut}）ですが、休業日の入院でのびるかは規則に書かれていません。のばさずに数えています。"
        )
    if not timed:
        reasons.append("入院の時刻がわからないため、営業時間内の入院として、早いほうの期限で数えています。")
    reasons.append(_holidays_between(day, second))
    return _Reckoning(first, second, moment, tuple(reasons))


def _why_first(one: Row, *, late: bool, closed: str, office: Office) -> str:
    if not int(one["late_days"]) and not int(one["closed_days"]):
        return f"理由：入院の日を1日目として{int(one['days']) + 1}日目まで。営業日は問いません。"
    if closed:
        return f"理由：入院した日は休業日（{closed}）。よって翌日まで（翌日が休みでものびません）。"
    if late:
        return f"理由：入院は営業終了（{office.closes}）以後。よって翌日まで（翌日が休みでものびません）。"
    return f"理由：入院した日は営業日で、営業終了（{office.closes}）より前。よって入院当日が期限。"


def _holidays_between(first: date, last: date) -> str:
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    if not all(covered(day) for day in days):
        return "この期間の祝日の表がありません。祝日は数えていません。"
    named = "、".join(f"{said(day)} {holidays()[day]}" for day in days if day in holidays())
    return f"この間の祝日：{named or 'なし'}。"


# ── other limits ─────────────────────────────────────────────────────────────────────────────────────────────────────


def within(kind: str, since: datetime, *, done: datetime | None, now: datetime) -> Deadline:
    """Reckon a limit that counts calendar days from `since` only: `risk-screen`, `discharge-interview`, `post-discharge`."""
    start, today = since.astimezone(JST).date(), now.astimezone(JST).date()
    rule, _ = _classes(kind, start)
    if rule is None:
        return unruled(
            kind, next((row["title"] for row in rows("rules") if row["kind"] == kind), kind), "この日にあたる規則は登録されていません。"
        )
    last = start + timedelta(days=int(rule["days"]))
    sentences = (
        f"規則：{rule['title']}　{rule['edition']}。",
        f"{said(start, today)} から数えて {said(last, today)} 24:00 まで。休業日も数えます。",
        f"出どころ：{rule['source']}。",
    )
    made = Deadline(kind, rule["title"], rule["edition"], end_of(last), None, _state(now, end_of(last), None), sentences)
    if done is None:
        return made
    told = done.astimezone(JST)
    late = "" if told < end_of(last) else "（期限の後）"
    return replace(made, state="done", done_as=f"{told:%m-%d %H:%M}{late}")


def discharge_award(contacts: Iterable[Contact]) -> Award | None:
    """Give the class of 退院・退所加算 that the talks support; talks on one day count once. None when there was none."""
    days: dict[date, bool] = {}
    for one in contacts:
        days[one.day] = days.get(one.day, False) or one.conference
    conference = any(days.values())
    for row in rows("discharge_classes"):
        most = int(row["most"]) if row["most"] else len(days)
        if int(row["least"]) <= len(days) <= most and bool(row["conference"]) == conference:
            return Award(row["class"], int(row["units"]), row["code"])
    return None


def discharge_contacts(ended: datetime, contacts: Sequence[Contact], now: datetime) -> Deadline:
    """Reckon until when a talk after discharge still counts for 退院・退所加算, and which class the record supports now."""
    made = within(DISCHARGE, ended, done=None, now=now)
    counted = [one for one in contacts if made.first_until and midnight(one.day) < made.first_until]
    state: State = "none" if made.state == "overdue" else made.state
    return replace(made, state=state, reasoning=(*made.reasoning, award_said(counted)))


def award_said(contacts: Sequence[Contact]) -> str:
    """Say the class that the talks support: `聞きとり 2回（カンファレンスあり）：Ⅱロ 750単位の記録があります。`."""
    found = discharge_award(contacts)
    if found is None:
        return "聞きとりの記録はまだありません。"
    held = "あり" if any(one.conference for one in contacts) else "なし"
    return f"聞きとり {len({one.day for one in contacts})}回（カンファレンス{held}）：{found.name} {found.units}単位の記録があります。"


def appointed(kind: str, title: str, at: datetime, now: datetime, reasoning: Sequence[str] = ()) -> Deadline:
    """Make a limit of an appointment: it is due until it begins."""
    same_day = at.astimezone(JST).date() == now.astimezone(JST).date()
    state: State = "overdue" if now > at else "due-today" if same_day else "due"
    return Deadline(kind, title, "予定", at, None, state, tuple(reasoning))


def unruled(kind: str, title: str, why: str) -> Deadline:
    """Make the deadline that says that there is none, and why."""
    return Deadline(kind, title, "規則なし", None, None, "none", (why,))


def ends_today(deadline: Deadline, now: datetime) -> bool:
    """Say whether the limit that still runs ends today."""
    running = (
        deadline.second_until if deadline.state == "second" else deadline.first_until if deadline.state in {"due", "due-today"} else None
    )
    return running is not None and (running.astimezone(JST) - timedelta(microseconds=1)).date() == now.astimezone(JST).date()


def _state(now: datetime, first: datetime, second: datetime | None) -> State:
    if now < first:
        return "due-today" if (first.astimezone(JST) - timedelta(microseconds=1)).date() == now.astimezone(JST).date() else "due"
    return "second" if second is not None and now < second else "overdue"


def _classes(kind: str, day: date) -> tuple[Row | None, Row | None]:
    """Give the rows of a rule in force on a day: its first and its second class."""
    found = [
        row for row in rows("rules")
        if row["kind"] == kind and date.fromisoformat(row["valid_from"]) <= day and (not row["valid_to"] or day <= date.fromisoformat(row["valid_to"]))
    ]  # fmt: skip
    return (found[0] if found else None), (found[1] if len(found) > 1 else None)
