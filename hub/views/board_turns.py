"""Whose turn it is in a stay, what comes next and until when (data_stays/turns.csv): the flow of 入退院 in nine steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from hub.views import deadlines
from hub.views.ages import JST, Moment
from hub.views.board_case import Case
from hub.views.board_marks import ADMISSION_INFO, ahead, contacts, first
from hub.views.board_shapes import Deadline
from hub.views.calendar_ja import end_of, said
from hub.views.emergency_tables import Row
from hub.views.stays_tables import keyed

_WHO = {"hospital": "病院", "care-manager": "ケアマネ", "visiting-nurse": "訪問看護", "support-center": "地域包括", "care": "在宅側"}
_SCREEN_DAYS, _TALK_DAYS = 3, 7
_INSURED_AGE = 40
"""From this age one is insured for care (介護保険法9条)."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing to do: a row of turns.csv, whose it is, and its limit where this office has one."""

    key: str
    step: int
    mine: bool
    words: str
    who: str
    """Who has it in hand: the name of an office, or its kind in words."""
    action: str
    deadline: Deadline | None


def turn(case: Case) -> Turn:
    """Choose what the board shows of a stay: this office's own pressing thing first, else the first open thing of the flow."""
    opened = [keyed("turns", "key")[key] for key in _open(case)]
    row = next((one for one in opened if one["pressing"] and _is_mine(case, one)), opened[0])
    mine = _is_mine(case, row)
    who = case.office.name if mine else _who(case, row)
    words = row["next"] if mine or not row["who"] else f"{who}：{row['next']}"
    return Turn(row["key"], int(row["step"]), mine, words, who, row["action"] if mine else "", _deadline(case, row["key"], mine=mine))


def _is_mine(case: Case, row: Row) -> bool:
    who, kind = row["who"], case.office.kind
    return {
        "care-manager": case.own,
        "hospital": not case.at_home,
        "visiting-nurse": kind == "visiting-nurse",
        "care": case.own or kind == "visiting-nurse",
        "support-center": kind in {"support-center", "city"} or not case.at_home,
    }.get(who, False)


def _who(case: Case, row: Row) -> str:
    if row["who"] in {"care-manager", "care"} and case.manager:
        return case.manager.name
    return _WHO.get(row["who"], "")


# ── what is open ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _open(case: Case) -> Iterator[str]:
    """Give what is open, in the order of the flow; never nothing."""
    status = case.stay.status
    if status == "cancelled":
        yield "restore"
    elif status == "planned":
        if case.manager and not case.sent:
            yield "plan"
        yield "wait-admission"
    elif status == "discharged":
        yield from _after(case)
    else:
        yield from _inside(case)


def _inside(case: Case) -> Iterator[str]:
    sent = first(case.marks, ADMISSION_INFO)
    if case.manager and not case.sent:
        yield "info"
    if case.office.kind == "visiting-nurse" and not first(case.marks, "nursing-summary"):
        yield "summary"
    if not case.at_home and sent and not sent.confirmed and not first(case.marks, "admission-info-received"):
        yield "receive"
    if not case.manager and not first(case.marks, "care-need-referral"):
        yield "find-manager" if case.level else "young" if case.age is not None and case.age < _INSURED_AGE else "referral"
    if case.stay.planned_end is None:
        yield from _towards_a_date(case)
    else:
        yield from _towards_home(case)


def _towards_a_date(case: Case) -> Iterator[str]:
    days = (case.now.date() - case.stay.admitted.start.date()).days + 1 if case.stay.admitted else _TALK_DAYS + 1
    begun = first(case.marks, "discharge-support") or first(case.marks, "discharge-interview")
    if days <= _SCREEN_DAYS and not begun and not first(case.marks, "risk-screen"):
        yield "screen"
    elif days <= _TALK_DAYS and not begun:
        yield "interview"
    yield "notice"


def _towards_home(case: Case) -> Iterator[str]:
    if _is_past(case.stay.planned_end, case):
        yield "overdue-discharge"
    if ahead(case.marks, "discharge-conference"):
        yield "conference"
    elif case.manager and not contacts(case.marks):
        yield "contact"
    if not first(case.marks, "discharge-info"):
        yield "handover"
    yield "discharge"


def _after(case: Case) -> Iterator[str]:
    stay = case.stay
    if stay.disposition == "died":
        yield "died"
    elif case.follows_on or stay.disposition == "hospital":
        yield "transfer"
    else:
        limit = _info(case) if case.manager and not case.sent else None
        if limit and limit.state in {"due-today", "due", "second"}:
            yield "info"
        yield "reported" if first(case.marks, "post-discharge") else "report"


def known_to_the_day(at: Moment) -> bool:
    """Say whether days can be counted from a moment."""
    return at.precision in {"day", "time"}


def _is_past(at: Moment | None, case: Case) -> bool:
    return at is not None and at.start.date() < case.now.date()


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _deadline(case: Case, key: str, *, mine: bool) -> Deadline | None:
    """Give the limit that binds this office: that of the thing to do, else what became of the information that it had to send."""
    stay, now = case.stay, case.now
    if mine and key in {"screen", "interview", "referral", "find-manager", "young"} and stay.admitted and known_to_the_day(stay.admitted):
        return deadlines.within("risk-screen" if key == "screen" else "discharge-interview", stay.admitted.start, done=None, now=now)
    if mine and key == "conference" and (held := ahead(case.marks, "discharge-conference")):
        return deadlines.appointed("discharge-conference", "退院前カンファレンス", held.at.start, now, _award(case))
    if mine and key == "contact" and stay.planned_end and not _is_past(stay.planned_end, case):
        return deadlines.appointed(deadlines.DISCHARGE, "退院予定日", end_of(stay.planned_end.start.date()), now, _award(case))
    if mine and key == "report" and stay.ended:
        return _report(case, stay.ended)
    return _info(case) if case.own and key not in {"report", "reported", "died", "transfer", "restore"} else None


def _award(case: Case) -> tuple[str, ...]:
    if case.support:
        return ("介護予防支援には退院・退所加算がありません。",)
    return ("規則：退院・退所加算　2018年4月〜（2024年4月も同じ）。", deadlines.award_said(contacts(case.marks)))


def _report(case: Case, ended: Moment) -> Deadline:
    counted = deadlines.discharge_contacts(ended.start, contacts(case.marks), case.now)
    if case.own and not case.support and counted.state in {"due", "due-today"}:
        return counted
    return deadlines.within("post-discharge", ended.start, done=None, now=case.now)


def _info(case: Case) -> Deadline | None:
    """Reckon 入院時情報連携加算 for the care manager; none for 要支援, and none before anybody knows when the stay begins."""
    begins = case.stays[0].begins if case.stay.continues else case.stay.begins
    if begins is None or case.manager is None:
        return None
    if not known_to_the_day(begins):
        return deadlines.unruled(
            deadlines.ADMISSION_INFO, "入院時情報連携加算", "入院の日がわからないため、期限を数えられません。病院に確かめてください。"
        )
    if case.support:
        return deadlines.unruled(
            deadlines.ADMISSION_INFO,
            "入院時情報連携加算",
            f"{case.level or '要支援'}：介護予防支援にはこの加算がありません。情報は同じように役に立ちます。",
        )
    sent = case.sent
    received = first(case.episode_marks, "admission-info-received")
    made = deadlines.admission_info(
        begins.start, case.manager, done=sent.at.start if sent else None, now=case.now,
        confirmed=bool(sent and (sent.confirmed or received)), timed=begins.precision == "time",
    )  # fmt: skip
    if case.stay.continues:
        return replace(
            made,
            reasoning=(
                *made.reasoning,
                "転院：はじめの入院から数えています。転院先への提供の扱いは規則に見当たらないため、事業所で確かめてください。",
            ),
        )
    if case.stay.status != "planned":
        return made
    planned = f"入院予定（{said(begins.start.astimezone(JST).date())}）の日に入院したものとして数えています。入院前に届けても数えられます。"
    return replace(made, reasoning=(*made.reasoning, planned))


def soon_home(case: Case, days: int = 7) -> bool:
    """Say whether the discharge is planned for today or one of the next days."""
    at = case.stay.planned_end
    return case.stay.is_open and at is not None and case.now.date() <= at.start.date() <= case.now.date() + timedelta(days=days)
