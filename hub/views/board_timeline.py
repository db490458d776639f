"""The course (経過) of an episode across organizations: what happened, what is to be done now, what comes; corrections stay visible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from hub.views import deadlines
from hub.views.ages import Moment, moment
from hub.views.board_marks import Mark, first
from hub.views.board_rows import Placed, hospital, point
from hub.views.board_shapes import TimelineItem
from hub.views.board_turns import Turn, known_to_the_day
from hub.views.emergency_read import dated, has_code, said, text, walk
from hub.views.shapes import Known, Office
from hub.views.stays_tables import keyed
from hub.views.stays_values import Stay, Told

_EARLIER, _LATER = timedelta(days=2), timedelta(days=14)
_VISITS = {"HH": "訪問", "VR": "電話", "AMB": "受診", "EMER": "救急受診"}
_SERVICES = 6
State = Literal["done", "now", "next", "struck"]


@dataclass(frozen=True, slots=True)
class _Item:
    at: datetime
    item: TimelineItem


def timeline(placed: Placed, organizations: Mapping[str, Office]) -> tuple[TimelineItem, ...]:
    """Give the course of the opened episode: what happened oldest first, then what is to be done now, then what comes."""
    case = placed.case
    happened = [*_stays(placed), *_marked(placed), *_visits(placed), *_plans(placed)]
    past = sorted(
        (one for one in happened if one.item.state != "next"), key=lambda one: (one.at, one.item.state == "struck", one.item.text)
    )
    coming = [*(one for one in happened if one.item.state == "next"), *_coming(placed, organizations)]
    now = _now(placed.turn, case.now, hospital(case, organizations))
    return (*_once(past), *now, *_once(sorted(coming, key=lambda one: (one.at, one.item.text))))


def _at(at: Moment | None, now: datetime) -> str:
    """Write a moment shortly, as precisely as it is known: `11-24 23:20`, with the year when it is another."""
    if at is None or at.precision in {"year", "month"}:
        return point(at, now)
    year = "" if at.start.year == now.year else f"{at.start.year}-"
    return f"{year}{at.start:%m-%d}{f'{at.start: %H:%M}' if at.precision == 'time' else ''}"


def _once(items: list[_Item]) -> tuple[TimelineItem, ...]:
    return tuple(dict.fromkeys(one.item for one in items))


# ── the hospitals' messages ──────────────────────────────────────────────────────────────────────────────────────────


def _stays(placed: Placed) -> Iterator[_Item]:
    case = placed.case
    stays = [*case.stays, *([] if case.stay in case.stays else [case.stay])]
    for stay in stays:
        for told in stay.told:
            yield _told(stay, told, case.now)
    for told in case.unplaced:
        at = told.when or Moment(told.sent, "time")
        yield _Item(
            at.start, TimelineItem(_at(at, case.now), f"{told.words}の知らせ", told.source, "done", "どの入院のことか、まだ決められません")
        )


def _told(stay: Stay, told: Told, now: datetime) -> _Item:
    at = told.when.start if told.when else told.sent
    planning = told.effect in {"plan", "discharge-plan", "move-plan"}
    state: State = (
        "struck" if told.state == "struck" else "next" if (planning or at > now) and at > now and told.state == "done" else "done"
    )
    words = _words(stay, told)
    detail = "取り消す相手の知らせがまだ届いていません" if told.state == "pending" else ""
    if planning and state == "done":
        at, words = told.sent, f"{words} {point(told.when, now)} の知らせ"
        return _Item(at, TimelineItem(_at(Moment(at, "time"), now), words, stay.source, state, detail))
    return _Item(at, TimelineItem(_at(told.when, now) or _at(Moment(at, "time"), now), words, stay.source, state, detail))


def _words(stay: Stay, told: Told) -> str:
    if told.effect == "admit":
        how = {"planned": "（予定）", "emergency": "（緊急）", "unannounced": "（予定の知らせなし）"}.get(stay.urgency, "")
        return f"{'転院' if stay.continues else told.words}{'' if told.state == 'pending' else how} {told.ward}".strip()
    if told.effect == "move":
        return f"{told.words} {told.ward}".strip()
    if told.effect == "discharge" and told.state == "done" and stay.discharge:
        return f"{told.words}（{stay.discharge}）"
    return told.words


# ── what offices did ─────────────────────────────────────────────────────────────────────────────────────────────────


def _marked(placed: Placed) -> Iterator[_Item]:
    case = placed.case
    for one in case.episode_marks:
        words = keyed("tasks", "code")[one.code]["words"]
        state: State = "next" if one.ahead else "done"
        yield _Item(one.at.start, TimelineItem(_at(one.at, case.now), words if one.ahead else _done(one, words), one.source, state))


def _done(one: Mark, words: str) -> str:
    ending = {"kasan-admission-info": "を送付", "nursing-summary": "を送付", "discharge-info": "を送付"}.get(one.code, "")
    return f"{words}{ending}{'（受け取り確認ずみ）' if one.confirmed else ''}"


def _visits(placed: Placed) -> Iterator[_Item]:
    """Give visits and contacts shortly before the episode, in it and after it; the stays themselves are told by their hospitals."""
    case = placed.case
    begins, ends = case.stays[0].begins or case.stay.begins, case.stays[-1].ended
    if begins is None:
        return
    for one in case.shelf.of("Encounter"):
        kind = next((words for code, words in _VISITS.items() if has_code(one.body, "class", code)), "")
        at = moment(text(one.body, "period.start"))
        if not kind or at is None or text(one.body, "status") in {"cancelled", "planned"}:
            continue
        if begins.start - _EARLIER <= at.start <= min(case.now, ends.start + _LATER if ends else case.now):
            urgent = "臨時" if has_code(one.body, "priority", "EM", "UR", "S") else ""
            reason = said(one.body, "reasonCode")
            yield _Item(at.start, TimelineItem(_at(at, case.now), f"{urgent}{kind}{f'：{reason}' if reason else ''}", one.source))


def _plans(placed: Placed) -> Iterator[_Item]:
    """Give care plans made since the episode began."""
    case = placed.case
    begins = case.stays[0].begins or case.stay.begins
    for one in case.shelf.of("CarePlan"):
        at = dated(one)
        if at is not None and begins is not None and begins.start.date() <= at.start.date() and at.start <= case.now:
            yield _Item(at.start, TimelineItem(_at(at, case.now), "ケアプランの作成・変更", one.source))


# ── now and next ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _now(due: Turn, now: datetime, hospital_name: str) -> tuple[TimelineItem, ...]:
    """Give what is to be done now: with its limit where this office has one."""
    limit = due.deadline
    end = (
        None
        if limit is None or limit.state in {"done", "none"}
        else limit.second_until
        if limit.state in {"second", "overdue"} and limit.second_until
        else limit.first_until
    )
    when = _until(end, now) if end else "いま"
    whose = "（あなたの番）" if due.mine else ""
    source = hospital_name if due.who in {"", "病院"} else due.who
    return (TimelineItem(when, f"{due.words}{whose}", source, "now", f"{limit.title}の期限" if limit and end else ""),)


def _until(end: datetime, now: datetime) -> str:
    last = end - timedelta(microseconds=1)
    clock = "24:00" if end.hour == 0 and end.minute == 0 else f"{end:%H:%M}"
    shown = last if clock == "24:00" else end
    day = "きょう" if shown.date() == now.date() else f"{shown:%m-%d}" if shown.year == now.year else f"{shown:%Y-%m-%d}"
    return f"{day} {clock}"


def _coming(placed: Placed, organizations: Mapping[str, Office]) -> Iterator[_Item]:
    """Give what lies ahead: the hospital's own days, the planned discharge where no message told it, services planned for days in hospital."""
    case, stay = placed.case, placed.case.stay
    if stay.is_open and stay.planned_end is None and stay.admitted and known_to_the_day(stay.admitted):
        for kind, key in (("risk-screen", "screen"), ("discharge-interview", "interview")):
            limit = deadlines.within(kind, stay.admitted.start, done=None, now=case.now)
            if limit.first_until and limit.first_until > case.now and placed.turn.key != key and not first(case.marks, kind):
                item = TimelineItem(
                    f"{_until(limit.first_until, case.now)} まで", limit.title, hospital(case, organizations), "next", limit.edition
                )
                yield _Item(limit.first_until, item)
    if stay.planned_end and stay.planned_end.start > case.now and not any(one.effect == "discharge-plan" for one in stay.told):
        yield _Item(
            stay.planned_end.start, TimelineItem(_at(stay.planned_end, case.now), "退院予定", hospital(case, organizations), "next")
        )
    if stay.is_open:
        services = sorted(_services(placed), key=lambda pair: (pair[0].start, pair[1].source))
        for at, one in services[:_SERVICES]:
            words = said(one.body, "code") or said(one.body, "serviceType") or "訪問・サービス"
            yield _Item(
                at.start,
                TimelineItem(
                    _at(at, case.now), f"予定のサービス：{words}", one.source, "next", "入院中の日です。止める・戻す連絡を確かめてください"
                ),
            )


def _services(placed: Placed) -> Iterator[tuple[Moment, Known]]:
    case, stay = placed.case, placed.case.stay
    last = stay.planned_end.start if stay.planned_end else case.now + _LATER
    for one in case.shelf.of("Appointment", "ServiceRequest"):
        if text(one.body, "status") not in {"booked", "proposed", "pending", "active"} or has_code(
            one.body, "serviceType", "discharge-conference"
        ):
            continue
        if one.type == "Appointment" and any(mark.reference.endswith(one.id) for mark in case.episode_marks):
            continue
        at = next((found for path in ("start", "requestedPeriod.start", "occurrencePeriod.start", "occurrenceDateTime")
                   for told in walk(one.body, path) if (found := moment(told))), None)  # fmt: skip
        if at is not None and case.now.date() < at.start.date() < last.date():
            yield at, one
