"""Models in, HTML out: the consent desk and its printed copy. As `render`, whose templates and filters these use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from hub.views.consent_effect import Effect
from hub.views.consent_kinds import FormKind, form_classes, form_kinds, form_purposes
from hub.views.consent_words import Said
from hub.web.pages import Found, Frame, Nav
from hub.web.pages.render import draw

WORDS = {
    "form": (("written", "書面（紙）"), ("electronic", "電磁的な方法"), ("oral", "口頭")),
    "emergency": (("unasked", "聞いていない"), ("permit", "見てよい"), ("refuse", "緊急のときも見せない")),
    "ceiling": (("N", "ふつうの情報まで"), ("R", "慎重に扱う情報（R の印）も")),
    "signer": (("", "ご本人"), ("parent", "親権者"), ("guardian", "成年後見人"), ("curator", "保佐人"), ("assistant", "補助人"), ("agent", "委任を受けた代理人"), ("family", "家族（法定の権限なし）")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Who:
    """The person as the desk may see them; all empty where it may not."""

    name: str
    kana: str
    birth: str


@dataclass(frozen=True, slots=True)
class Line:
    """One version of a consent in words."""

    href: str
    head: str
    lines: Sequence[tuple[str, str]]
    rules: Sequence[str]
    opens: Sequence[str]
    closes: Sequence[str]
    state: str
    tone: str
    version: int
    since: datetime
    holder: str
    """The organization that records it."""
    paper: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """The printed copy."""

    line: Line
    who: Who
    desk: str
    phone: str
    staff: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Room:
    """Where persons are found, and what the search says: its address, title and question, what the button beside a person says."""

    place: str
    title: str
    asks: str
    button: str
    en: str = ""
    """Title and question in English; empty = not said."""
    help: str = ""
    help_en: str = ""


def _frame(demo: bool, csrf: str, user: str, organization: str, nav: Sequence[Nav]) -> Frame:
    return Frame(demo, csrf, user, organization, nav)


def kinds(*, network: bool) -> Sequence[FormKind]:
    """Give the kinds of forms that a desk offers."""
    return [one for one in form_kinds().values() if not (network and one.own)]


def search(
    room: Room, *, values: Mapping[str, str] | None = None, problem: str = "", results: Sequence[Found] | None = None, demo: bool, csrf: str, user: str,
    organization: str, nav: Sequence[Nav],
) -> str:  # fmt: skip
    """Draw the search for one person; posts as the search of 急変時 does, to the room's `find`."""
    typed = {"by": "name", "kana": "", "birth": "", "insurer": "", "insured": "", **(values or {})}
    return draw("consents.html", _frame(demo, csrf, user, organization, nav), room=room, values=typed, problem=problem, results=results)


def file(
    *, who: Who, lines: Sequence[Line], person: str, kinds: Sequence[FormKind], states_capacity: bool,
    capacity: Sequence[tuple[date, str, str, str]], visit: str, demo: bool, csrf: str, user: str, organization: str, nav: Sequence[Nav],
) -> str:  # fmt: skip
    """Draw what is on file of a person. `capacity` = findings, newest first: day, state, paper, day of the next look.

    `visit` = where the confirmation at the visit is recorded; empty = not by this asker.
    """
    frame = _frame(demo, csrf, user, organization, nav)
    return draw(
        "consents_file.html",
        frame,
        who=who,
        lines=lines,
        person=person,
        kinds=kinds,
        states=states_capacity,
        capacity=capacity,
        visit=visit,
    )


def one(
    line: Line, versions: Sequence[Line], *, who: Who, person: str, may_change: bool, may_withdraw: bool, scan: str, holder: str, demo: bool, csrf: str,
    user: str, organization: str, nav: Sequence[Nav],
) -> str:  # fmt: skip
    """Draw one consent with its versions, newest first."""
    frame = _frame(demo, csrf, user, organization, nav)
    return draw(
        "consents_one.html", frame, line=line, versions=versions, who=who, person=person, may_change=may_change, may_withdraw=may_withdraw,
        scan=scan, holder=holder,
    )  # fmt: skip


def form(
    values: Mapping[str, str], ticked: Mapping[str, Sequence[str]], problems: Mapping[str, str], *, who: Who, person: str, consent: str,
    offices: Mapping[str, str], demo: bool, csrf: str, user: str, organization: str, nav: Sequence[Nav],
) -> str:  # fmt: skip
    """Draw the form; `problems` stand beside their fields. Posts to `/consents/{person}/check`."""
    frame = _frame(demo, csrf, user, organization, nav)
    kind = form_kinds().get(values["kind"]) or next(iter(form_kinds().values()))
    classes = [(group, words) for group, (words, _) in form_classes().items()]
    return draw(
        "consents_form.html", frame, values=values, ticked=ticked, problems=problems, who=who, person=person, consent=consent, kind=kind,
        offices=sorted(offices.items(), key=lambda pair: pair[1]), classes=classes, purposes=list(form_purposes().items()), words=WORDS,
    )  # fmt: skip


def check(
    words: Said, does: Effect, held: Sequence[tuple[str, str]], problems: Mapping[str, str], *, who: Who, person: str, consent: str, proxied: bool,
    keeps: bool, record: str = "", demo: bool, csrf: str, user: str, organization: str, nav: Sequence[Nav],
) -> str:  # fmt: skip
    """Read a form back; posts it with its papers to `/consents/{person}/record`. `keeps` = there is a scan already, which stays.

    `record` = where what has no papers is posted instead, as a confirmation at the visit.
    """
    frame = _frame(demo, csrf, user, organization, nav)
    return draw(
        "consents_check.html", frame, words=words, does=does, held=held, problems=problems, who=who, person=person, consent=consent,
        proxied=proxied, keeps=keeps, record=record, back=record.rpartition("/")[0] or f"/consents/{person}",
    )  # fmt: skip


def withdrawal(line: Line, *, who: Who, demo: bool, csrf: str, user: str, organization: str, nav: Sequence[Nav]) -> str:
    """Ask once more before a consent is withdrawn; posts `sure`."""
    return draw("consents_withdraw.html", _frame(demo, csrf, user, organization, nav), line=line, who=who)


def sheet(model: Sheet, *, back: str, how: str = "", title: str = "同意書の控え", title_en: str = "", **frame: Any) -> str:
    """Draw the printed copy, one A4. `how` = the way to withdraw, where it is not the desk's."""
    return draw("consents_print.html", _frame(**frame), model=model, back=back, how=how, title=title, title_en=title_en)
