"""One row of the board: where a stay stands, what comes next, in which lane, with which button; never more of a person than was released."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from hub.views.ages import JST, Moment
from hub.views.board_case import STEPS, Case, before
from hub.views.board_marks import Mark, first
from hub.views.board_shapes import Deadline, StayRow
from hub.views.board_turns import Turn, turn
from hub.views.calendar_ja import said
from hub.views.emergency_family import family, nobody
from hub.views.emergency_read import Shelf, has_code, text, when
from hub.views.shapes import Office
from hub.views.stays_tables import keyed

_URGENCY = {"planned": "予定入院", "emergency": "緊急", "unannounced": "緊急の見込み"}
_DOUBTS = {
    "retracted-after-discharge": "取り消しと、退院・移動の知らせが食い違います。病院に確かめてください",
    "ward-gap": "移動の知らせが抜けているかもしれません",
    "left-open": "前の病院から退院の知らせがありません",
}
_LATE = "加算Ⅰ・Ⅱとも終了。情報は今からでも役に立ちます"
_MARKED = (("nursing-summary", "看護サマリー到着"), ("risk-screen", "退院困難な要因 確認ずみ"), ("discharge-support", "退院支援 開始"))


@dataclass(frozen=True, slots=True)
class Placed:
    """A row with the case and the turn from which it was made."""

    case: Case
    turn: Turn
    row: StayRow


def place(case: Case, organizations: Mapping[str, Office], hrefs: Mapping[str, str]) -> Placed:
    """Make the row of a case. `hrefs` are addresses by action; `{episode}` in them is filled in, and nothing else of the stay."""
    stay, due = case.stay, turn(case)
    why, between = _lane_reasons(case)
    action = due.action or "course"
    made = StayRow(
        episode=stay.episode,
        person=case.person,
        name=case.name,
        kana=case.kana,
        age=case.age,
        care_level=case.level,
        hospital=hospital(case, organizations),
        ward=stay.ward,
        admitted=_admitted(case),
        reason="・".join(part for part in (_URGENCY.get(stay.urgency, ""), stay.reason) if part),
        contact=_contact(case, organizations),
        status="in" if _leave_ahead(case) else stay.status,
        step=due.step,
        steps=STEPS,
        where=_where(case),
        next=due.words,
        next_detail="。".join(part for part in (_detail(case, due), *(_DOUBTS[one] for one in stay.doubts)) if part),
        lane="between" if between else "mine" if due.mine else "theirs",
        lane_reason="　".join(why),
        deadline=due.deadline,
        button=keyed("buttons", "action")[action]["words"],
        button_href=hrefs.get(action, "").replace("{episode}", quote(stay.episode, safe="")),
        sort=_sort(due.deadline, stay.begins, stay.episode),
    )
    return Placed(case, due, made)


def _sort(deadline: Deadline | None, begins: Moment | None, episode: str) -> str:
    """Give the key of the order: what ends first, then who came first."""
    limits = (
        [one for one in (deadline.first_until, deadline.second_until) if one] if deadline and deadline.state not in {"done", "none"} else []
    )
    end = limits[-1 if deadline and deadline.state in {"second", "overdue"} else 0].astimezone(JST).isoformat() if limits else "9999"
    return f"{end} {begins.start.isoformat() if begins else '9999'} {episode}"


# ── lane ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _lane_reasons(case: Case) -> tuple[list[str], bool]:
    """Say why a person may fall between: no care manager, 要支援, nobody to call. Whether anybody asked for a family is always told."""
    why = [
        told
        for told in (_no_manager(case), f"{case.level or '要支援'}：加算の対象外ですが、流れは同じです" if case.support else "")
        if told
    ]
    told = "" if next(_relatives(case.shelf), None) else nobody(case.shelf)
    none = told.startswith("家族等なし")
    between = bool(why) or none
    return [*why, *([told] if told else [])], between


def _relatives(shelf: Shelf) -> Iterator[object]:
    return family(shelf)


def _no_manager(case: Case) -> str:
    if case.manager is not None:
        return ""
    if case.level:
        return f"担当ケアマネの記録なし（{case.level}）"
    if case.age is None:
        return "担当ケアマネの記録なし（年齢・認定は不明）"
    if case.age < 40:
        return "担当者なし（40歳未満：介護保険の対象年齢の前）"
    if case.age < 65:
        return "担当者なし・認定の記録なし（40–64歳：特定疾病なら申請できます）"
    return "担当者なし・認定の記録なし"


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def hospital(case: Case, organizations: Mapping[str, Office]) -> str:
    """Give the hospital's name."""
    office = organizations.get(case.stay.custodian)
    return case.stay.source or (office.name if office else "") or "病院名の記録なし"


def _contact(case: Case, organizations: Mapping[str, Office]) -> str:
    """Say whom to call about the stay: for the hospital the care manager, for the others the hospital."""
    if not case.at_home:
        return f"ケアマネ {case.manager_words} {case.manager.phone}".strip() if case.manager else ""
    office = organizations.get(case.stay.custodian)
    phone = office.phone if office else ""
    return " ".join(part for part in (case.stay.window or ("代表" if phone else ""), phone) if part)


def _admitted(case: Case) -> str:
    stay = case.stay
    came = before(case)
    how = f" 転院（{came.source}から）" if came else " 転院" if stay.transferred_in else ""
    if stay.admitted is None:
        return f"入院予定 {point(stay.planned_start, case.now)}" if stay.planned_start else "入院日の記録なし"
    return f"{point(stay.admitted, case.now)}{how}"


def point(at: Moment | None, now: datetime) -> str:
    """Write a moment as precisely as it is known: `11-27（金）10:00`, `11-27（金）`, `2026年11月`."""
    if at is None:
        return ""
    if at.precision in {"year", "month"}:
        return f"{at.start.year}年" if at.precision == "year" else f"{at.start.year}年{at.start.month}月"
    clock = f"{at.start:%H:%M}" if at.precision == "time" else ""
    return f"{said(at.start.date(), now.date())}{clock}"


def _where(case: Case) -> str:
    stay, now = case.stay, case.now
    if stay.status == "cancelled":
        return "入院の取り消し" if stay.admitted else "入院予定の取り消し"
    sent = case.sent
    if stay.status == "planned":
        late = stay.planned_start is not None and stay.planned_start.start.date() < now.date()
        return f"入院予定{'の日を過ぎています' if late else ''}{'　入院時情報 送付ずみ' if sent else ''}"
    if stay.status == "discharged":
        return _gone(case)
    told = ["入院時情報 送付ずみ" if sent else "退院の知らせだけがあります" if stay.reconstructed else "入院連絡ずみ"]
    told += [words for code, words in _MARKED if first(case.marks, code)]
    if stay.status == "leave" and not _leave_ahead(case):
        told.append(f"外泊中（{point(stay.leave_until, now)} 帰院予定）" if stay.leave_until else "外泊中")
    if stay.planned_end:
        past = stay.planned_end.start.date() < now.date()
        told.append(f"退院予定 {point(stay.planned_end, now)}{'（過ぎています）' if past else ''}")
    return "　".join(told)


def _gone(case: Case) -> str:
    stay = case.stay
    at = point(stay.ended, case.now) or "日時の記録なし"
    if stay.disposition == "died":
        return f"死亡退院 {at}"
    if case.follows_on:
        return f"転院ずみ {at}（{case.stays[-1].source}へ）"
    if stay.disposition == "hospital":
        return f"転院 {at}（{stay.discharge}）"
    return f"退院ずみ {at}{f'（{stay.discharge}）' if stay.discharge else ''}"


def _leave_ahead(case: Case) -> bool:
    """Say whether a leave was announced that has not begun."""
    return case.stay.status == "leave" and case.stay.leave_since is not None and case.stay.leave_since.start > case.now


def _detail(case: Case, due: Turn) -> str:
    if due.key in {"info", "plan"}:
        late = _LATE if due.deadline and due.deadline.state == "overdue" else ""
        return "。".join(part for part in (late, _draft(case) if due.mine else _manager_phone(case)) if part)
    if due.key == "report" and not first(case.marks, "discharge-info"):
        return "退院時の情報：まだ届いていません"
    if due.key == "conference":
        held: Mark | None = next((one for one in case.marks if one.code == "discharge-conference" and one.ahead), None)
        return f"{point(held.at, case.now)} {held.source}" if held else ""
    if due.key in {"notice", "screen", "interview"} and (sent := case.sent):
        return f"入院時情報 {point(sent.at, case.now)} 送付"
    return ""


def _manager_phone(case: Case) -> str:
    return f"{case.manager_words} {case.manager.phone}".strip() if case.manager else ""


def _draft(case: Case) -> str:
    """Say from what the sheet can be made: the plan, the last visit, the wishes that are on record."""
    parts = []
    plan = next((one for one in case.shelf.of("CarePlan") if text(one.body, "status") in {"active", ""}), None)
    if plan:
        parts.append(f"計画書 {when(plan):%m-%d}")
    visit = next((one for one in case.shelf.of("Encounter") if has_code(one.body, "class", "HH") and when(one) <= case.now), None)
    if visit:
        parts.append(f"直近の訪問 {when(visit):%m-%d}")
    wish = next(
        (one for one in case.shelf.of("Consent") if text(one.body, "status") == "active" and has_code(one.body, "scope", "adr")), None
    )
    if wish:
        parts.append(f"本人の意思 {when(wish):%m-%d}")
    return f"{'・'.join(parts)} の記録があります" if parts else ""
