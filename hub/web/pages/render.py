"""Models in, HTML out: the pages of nurses, doctors, care managers and privacy officers. Pure: no store, no clock, no request.

Everything that is not one of our own templates is escaped; a template that names something absent fails instead of leaving a blank.
Pages hold no inline script, handler or style, so that `default-src 'self'` is enough as their content security policy.
"""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from hub.views.shapes import AuditPage, Board, EmergencyPage, Line, Vital
from hub.web.pages import EmergencyLinks, Entry, Found, Frame, Nav, Refused, SignIn
from schemas.errors import Issue
from schemas.messages import english, japanese

JST = ZoneInfo("Asia/Tokyo")
STATIC = {"hub.css": "text/css; charset=utf-8", "hub.js": "text/javascript; charset=utf-8"}
"""Files to be served under `/static/`, each with its media type."""
POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
"""Content-Security-Policy under which every page works."""
REASON_LEAST = 10
"""Fewest characters of a reason for emergency access; the writer judges again."""
MINUTES = 240
REVIEW_DAYS = 7
SPARK_WIDTH, SPARK_HEIGHT, SPARK_EDGE = 160, 44, 5
_WEEKDAYS = "月火水木金土日"
_DENSE = (56, 76, 100)
"""From how many estimated lines on paper the A4 sheet is set smaller, step by step (measured with Chromium's print)."""


# ── what templates call ──────────────────────────────────────────────────────────────────────────────────────────────


def clock(at: datetime) -> str:
    """Say an instant in Tokyo: `11-24 23:41`."""
    return f"{at.astimezone(JST):%m-%d %H:%M}"


def seconds(at: datetime) -> str:
    """Say an instant in Tokyo to the second: `11-24 23:38:40`."""
    return f"{at.astimezone(JST):%m-%d %H:%M:%S}"


def hour(at: datetime) -> str:
    """Say the hour of an instant in Tokyo: `23:41`."""
    return f"{at.astimezone(JST):%H:%M}"


def until(end: datetime) -> str:
    """Say an exclusive end: next midnight is `11-25（水）24:00 まで`, other times stand as they are."""
    local = end.astimezone(JST)
    if (local.hour, local.minute, local.second) == (0, 0, 0):
        local -= timedelta(days=1)
        return f"{local:%m-%d}（{_WEEKDAYS[local.weekday()]}）24:00 まで"
    return f"{local:%m-%d}（{_WEEKDAYS[local.weekday()]}）{local:%H:%M} まで"


def remaining(closes: datetime, now: datetime) -> str:
    """Say how long until `closes`, in whole minutes rounded down: `3時間57分`; empty when it has passed."""
    minutes = int((closes - now).total_seconds() // 60)
    if minutes < 0:
        return ""
    return f"{minutes // 60}時間{minutes % 60:02}分" if minutes >= 60 else f"{minutes}分"


def dial(phone: str) -> str:
    """Give a telephone number as `tel:` wants it; empty when there is nothing to dial."""
    folded = unicodedata.normalize("NFKC", phone)
    digits = "".join(c for c in folded if c in "0123456789")
    return f"tel:{'+' if folded.lstrip().startswith('+') else ''}{digits}" if digits else ""


def readings(name: str, kana: str) -> tuple[tuple[str, str], ...]:
    """Pair the parts of a name with their kana (family with family, given with given); a part that reads itself gets none.

    When the numbers of parts differ, the whole kana stands over the whole name.
    """
    written, read = name.split(), kana.split()
    if len(written) != len(read):
        return ((name, "" if _hiragana(name) == _hiragana(kana) else kana),)
    return tuple((w, "" if _hiragana(w) == _hiragana(r) else r) for w, r in zip(written, read, strict=True))


def _hiragana(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text)
    return "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in folded)


def label(text: str, mark: str = "：") -> tuple[str, str]:
    """Split `移動：車いす` at its first mark; no label where there is no mark."""
    head, found, rest = text.partition(mark)
    return (head, rest) if found and rest else ("", text)


@dataclass(frozen=True, slots=True)
class Spark:
    """A drawn course of one sign: SVG numbers in a box of 160 × 44, time from left to right in scale, now at the right edge."""

    line: str
    dot: tuple[float, float]
    band: tuple[float, float] | None
    """Top and height of the usual range."""
    begins: str
    """`30日前`."""
    words: str
    """The same for those who do not see it."""


def spark(vital: Vital) -> Spark | None:
    """Draw a sign's points over its usual range; None when there are no points."""
    points = [(max(h, 0.0), v) for h, v in vital.points if math.isfinite(h) and math.isfinite(v)]
    if not points:
        return None
    usual = [x for x in (vital.low, vital.high) if x is not None]
    values = [v for _, v in points]
    low, high = min(*values, *usual, values[0]), max(*values, *usual, values[0])
    spread, longest = (high - low) or 1.0, max(h for h, _ in points) or 1.0

    def x(hours: float) -> float:
        return round(SPARK_EDGE + (1 - hours / longest) * (SPARK_WIDTH - 2 * SPARK_EDGE), 1)

    def y(value: float) -> float:
        return round(SPARK_EDGE + (high - value) / spread * (SPARK_HEIGHT - 2 * SPARK_EDGE), 1)

    band = None
    if vital.low is not None and vital.high is not None:
        band = (y(vital.high), max(round(y(vital.low) - y(vital.high), 1), 1.0))
    begins = _ago(longest if len(points) > 1 else points[0][0])
    words = f"{vital.name}の推移：{begins}から{len(points)}回、最小 {min(values):g}、最大 {max(values):g}、最新 {values[-1]:g}。{vital.usual}"
    line = " ".join(f"{x(h)},{y(v)}" for h, v in points)
    return Spark(line, (x(points[-1][0]), y(values[-1])), band, begins, words)


def _ago(hours: float) -> str:
    return f"{round(hours / 24)}日前" if hours >= 36 else f"{round(hours)}時間前" if hours >= 1 else "1時間以内"


def direction(vital: Vital) -> str:
    """Say on which side of the usual range the newest value lies: `高い`, `低い`, or empty."""
    if not vital.outside or not vital.points:
        return ""
    newest = vital.points[-1][1]
    return "高い" if vital.high is not None and newest > vital.high else "低い" if vital.low is not None and newest < vital.low else ""


def density(model: EmergencyPage) -> int:
    """Say how small the A4 sheet must be set (0 to 3) to hold everything on one page, from the length of what it says."""

    def rows(lines: Sequence[Line], width: int) -> float:
        return sum(1.25 * math.ceil((len(x.text) + len(x.when) + len(x.source) + 3) / width) + 0.9 * math.ceil(len(x.detail) / width) for x in lines) + 2.2

    wanted = model.wishes
    texts = (wanted.words, wanted.conditions + wanted.confirm, wanted.present)
    middle = sum(math.ceil(len(t) / 26) for t in texts) + 1.5 * len(wanted.wishes) + 3
    calls = sum(2.3 + math.ceil((len(c.who) + len(c.source) + len(c.when)) / 24) for c in model.calls) + 3
    top = max(rows(model.alerts, 22), middle, calls)
    below = sum(rows(part, 24) for part in (model.problems, model.drugs, model.allergies, model.devices, model.usual_self, model.home, model.visits, model.matters))
    below += sum(rows(d.sides, 24) for d in model.differing)
    needed = top + below / 3 + (14 if model.vitals else 4)
    return sum(needed > limit for limit in _DENSE)


# ── the environment ──────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def _environment() -> Environment:
    made = Environment(loader=PackageLoader("hub.web.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    calls = (clock, seconds, hour, until, remaining, dial, readings, label, spark, direction, japanese, english, as_date)
    made.filters.update({f.__name__: f for f in calls})
    made.globals.update(static=_static, minutes=MINUTES, review_days=REVIEW_DAYS)
    return made


def static_file(name: str) -> bytes:
    """Read one of `STATIC`; raise KeyError for every other name."""
    if name not in STATIC:
        raise KeyError(name)
    return files("hub.web.pages").joinpath("static", name).read_bytes()


@cache
def _static(name: str) -> str:
    """Give a static file's address, which changes with its content so that it may be kept for ever."""
    return f"/static/{name}?v={hashlib.sha256(static_file(name)).hexdigest()[:12]}"


def _draw(template: str, frame: Frame, **parts: Any) -> str:
    return _environment().get_template(template).render(frame=frame, **parts)


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def board(
    model: Board, *, demo: bool, csrf: str, nav: Sequence[Nav] = (), events: str = "", place: str = "/board", posted: Collection[str] = ()
) -> str:
    """Draw 入退院 (admissions and discharges) of one office. A row's name leads to `place?episode=…#timeline`.

    Buttons are links; those whose address is in `posted` change something and are forms.
    """
    lanes = [
        ("mine", "わたしの番", "期限の近い順", "いま、あなたの番のものはありません。"),
        ("theirs", "相手の番", "返事や連絡を待っています", "いま、相手を待っているものはありません。"),
        ("between", "担当ケアマネ未定・要支援・連絡先なし", "漏れやすい人を、別に数えます", "いま、あいだに落ちている人はいません。"),
    ]
    groups = [(key, title, note, none, [row for row in model.rows if row.lane == key]) for key, title, note, none in lanes]
    frame = Frame(demo, csrf, model.user, model.office.name, nav, events=events)
    return _draw("board.html", frame, model=model, groups=groups, place=place, posted=frozenset(posted))


def emergency(
    model: EmergencyPage,
    *,
    demo: bool,
    csrf: str,
    user: str = "",
    organization: str = "",
    nav: Sequence[Nav] = (),
    links: EmergencyLinks | None = None,
    events: str = "",
) -> str:
    """Draw 急変時 for a screen or a telephone; printed it is one A4 page with the same content."""
    frame = Frame(demo, csrf, user, organization, nav, events=events)
    return _draw("emergency.html", frame, model=model, links=links or EmergencyLinks(), sheet=False, dense=density(model))


def emergency_sheet(model: EmergencyPage, *, demo: bool, csrf: str, links: EmergencyLinks | None = None) -> str:
    """Draw the same page as it will lie on paper, without bars and buttons other than printing and going back."""
    return _draw("emergency.html", Frame(demo, csrf), model=model, links=links or EmergencyLinks(), sheet=True, dense=density(model))


def break_glass_form(
    person_label: str,
    *,
    person: str,
    problem: str = "",
    demo_code: str | None,
    csrf: str,
    role: str,
    place: str,
    user: str = "",
    nav: Sequence[Nav] = (),
    reason: str = "",
    action: str = "/emergency/open",
    back: str = "/emergency",
    demo: bool | None = None,
    least: int = REASON_LEAST,
) -> str:
    """Draw the form for 緊急開示 (emergency access). Posts csrf, person, reason, necessity, difficulty (both `yes`) and code (six digits).

    `demo_code` None = a real hub; a string, even an empty one, = a demo, whose band shows it. `reason` is what the asker has typed before.
    """
    frame = Frame(demo_code is not None if demo is None else demo, csrf, user, place, nav, demo_code or "")
    return _draw(
        "break_glass.html", frame, label=person_label, person=person, problem=problem, role=role, place=place, reason=reason, action=action,
        back=back, least=least,
    )  # fmt: skip


def find_person(
    *,
    demo: bool,
    csrf: str,
    user: str = "",
    organization: str = "",
    nav: Sequence[Nav] = (),
    values: Mapping[str, str] | None = None,
    problem: str = "",
    results: Sequence[Found] | None = None,
    action: str = "/emergency/find",
) -> str:
    """Draw the search for one person: posts `by` = name (kana, birth) or number (insurer, insured). `results` None = not searched yet."""
    typed = {"by": "name", "kana": "", "birth": "", "insurer": "", "insured": "", **(values or {})}
    return _draw("find.html", Frame(demo, csrf, user, organization, nav), values=typed, problem=problem, results=results, action=action)


def audit(
    model: AuditPage,
    *,
    demo: bool,
    csrf: str,
    nav: Sequence[Nav] = (),
    organization: str = "",
    exports: Sequence[tuple[str, str]] = (),
    outcomes: Sequence[tuple[str, str]] = (),
    purposes: Sequence[tuple[str, str]] = (),
    place: str = "/audit",
    review: str = "/audit/review",
    proof: str = "",
) -> str:
    """Draw 開示の記録 (record of disclosures). The filter asks `place` by GET with person, organization, from, to, outcome, purpose.

    Filters hold opaque references only, so that an address may be kept or sent on. `exports` are (label, address). A review posts csrf,
    reference and result = justified | question to `review`. `proof` is where the proof of the opened decision is downloaded.
    """
    filters = {key: value for key, value in model.filters.items() if value}
    shown = {key: filters.get(key, "") for key in ("person", "organization", "from", "to", "outcome", "purpose")}
    why = {row.reference: f"{place}?{urlencode({**filters, 'why': row.reference})}#why" for row in model.rows}
    return _draw(
        "audit.html", Frame(demo, csrf, model.user, organization, nav), model=model, shown=shown, why=why, exports=exports, place=place,
        review=review, proof=proof, outcomes=_with(outcomes, shown["outcome"]), purposes=_with(purposes, shown["purpose"]),
        persons=_with(model.persons, shown["person"]), organizations=_with(model.organizations, shown["organization"]),
    )  # fmt: skip


def _with(options: Sequence[tuple[str, str]], chosen: str) -> list[tuple[str, str]]:
    """Give the options, and the chosen value even where the list lacks it, so that the form never tells another filter than the rows."""
    return [*options, *([(chosen, chosen)] if chosen and chosen not in {value for value, _ in options} else [])]


def refused_list(
    rows: Sequence[Refused], *, demo: bool, csrf: str, user: str = "", organization: str = "", nav: Sequence[Nav] = (), action: str = "/refused/send"
) -> str:
    """Draw the messages that were not taken, with the reasons in Japanese and English, and 「もう一度送る」; never their content."""
    return _draw("refused.html", Frame(demo, csrf, user, organization, nav), rows=rows, action=action)


def home(entries: Sequence[Entry], *, demo: bool, csrf: str, user: str, role: str, organization: str, nav: Sequence[Nav] = (), fresh: str = "") -> str:
    """Draw the first page of a role: what it can do here, most wanted first."""
    return _draw("home.html", Frame(demo, csrf, user, organization, nav), entries=entries, role=role, fresh=fresh)


def sign_in(groups: Sequence[tuple[str, Sequence[SignIn]]], *, demo: bool, problem: tuple[str, str] = ("", "")) -> str:
    """Draw the way in, in both languages: (organization, its links), in order. `problem` is (Japanese, English)."""
    return _draw("sign_in.html", Frame(demo), groups=groups, problem=problem)


def message(
    title: tuple[str, str],
    text: tuple[str, str],
    next_step: tuple[str, str],
    *,
    demo: bool,
    csrf: str = "",
    user: str = "",
    nav: Sequence[Nav] = (),
    issues: Sequence[Issue] = (),
    back: tuple[str, str] = ("/", "はじめの画面へ ／ Home"),
) -> str:
    """Draw a page that says what happened and what to do, each as (Japanese, English); `issues` by the message catalogue."""
    return _draw("message.html", Frame(demo, csrf, user, "", nav), title=title, text=text, next_step=next_step, issues=issues, back=back)


def as_date(value: date | None) -> str:
    """Say a day as `1942-03-08`; unknown is said."""
    return value.isoformat() if value else "生年月日不明"
