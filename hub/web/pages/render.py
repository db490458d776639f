"""Models in, HTML out: the pages of nurses, doctors, care managers and privacy officers. Pure: no store, no clock, no request.

Everything that is not one of our own templates is escaped; a template that names something absent fails instead of leaving a blank.
Pages hold no inline script, handler or style, so that `default-src 'self'` is enough as their content security policy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined

from hub.views.audit_shapes import AuditPage
from hub.views.board_shapes import Board
from hub.views.emergency_shapes import EmergencyPage
from hub.web.pages import EmergencyLinks, Entry, Found, Frame, Nav, OpenGlass, Refused, SignIn, Status
from hub.web.pages.drawing import density, direction, spark
from hub.web.pages.saying import as_date, clock, dial, hour, label, moment, readings, remaining, seconds, until
from schemas.errors import Issue
from schemas.messages import english, japanese

STATIC = {
    "hub.css": "text/css; charset=utf-8",
    "hub.js": "text/javascript; charset=utf-8",
    "passkey.js": "text/javascript; charset=utf-8",
    "invited.js": "text/javascript; charset=utf-8",
    "mark.svg": "image/svg+xml",
}
"""Files to be served under `/static/`, each with its media type."""
POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
"""Content-Security-Policy under which every page works."""
REASON_LEAST = 10
"""Fewest characters of a reason for emergency access; the writer judges again."""
MINUTES = 240
REVIEW_DAYS = 7


FILTERS = ("person", "user", "organization", "from", "from_time", "to", "to_time", "reason", "outcome", "purpose", "action")
"""Names of the fields by which the record of disclosures is searched."""

# ── the environment ──────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("hub.web.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    calls = (clock, moment, seconds, hour, until, remaining, dial, readings, label, spark, direction, japanese, english, as_date)
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


def draw(template: str, frame: Frame, **parts: Any) -> str:
    """Draw one of our templates in its frame."""
    return _environment().get_template(template).render(frame=frame, **parts)


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def board(
    model: Board,
    *,
    demo: bool,
    csrf: str,
    nav: Sequence[Nav] = (),
    events: str = "",
    place: str = "/board",
    posted: Collection[str] = (),
    past: str = "",
) -> str:
    """Draw 入退院 (admissions and discharges) of one office. A row's name leads to `place?episode=…#timeline`.

    Buttons are links; those whose address is in `posted` change something and are forms. `past` = the moment that it shows, as it stands in
    addresses.
    """
    lanes = [
        ("mine", "わたしの番", "期限の近い順", "いま、あなたの番のものはありません。"),
        ("theirs", "相手の番", "返事や連絡を待っています", "いま、相手を待っているものはありません。"),
        ("between", "担当ケアマネ未定・要支援・連絡先なし", "漏れやすい人を、別に数えます", "いま、あいだに落ちている人はいません。"),
    ]
    groups = [(key, title, note, none, [row for row in model.rows if row.lane == key]) for key, title, note, none in lanes]
    frame = Frame(demo, csrf, model.user, model.office.name, nav, events=events, past=model.now if past else None, present=place)
    query = {"at": past} if past else {}
    return draw("board.html", frame, model=model, groups=groups, place=place, query=query, posted=frozenset(posted))


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
    past: bool = False,
    band: str = "",
) -> str:
    """Draw 急変時 for a screen or a telephone; printed it is one A4 page with the same content."""
    links = links or EmergencyLinks()
    frame = Frame(demo, csrf, user, organization, nav, events=events, past=model.now if past else None, present=links.present, band=band)
    return draw("emergency.html", frame, model=model, links=links, sheet=False, dense=density(model))


def emergency_sheet(model: EmergencyPage, *, demo: bool, csrf: str, links: EmergencyLinks | None = None, past: bool = False) -> str:
    """Draw the same page as it will lie on paper, without bars and buttons other than printing and going back."""
    frame = Frame(demo, csrf, past=model.now if past else None)
    return draw("emergency.html", frame, model=model, links=links or EmergencyLinks(), sheet=True, dense=density(model))


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
    identities: Sequence[tuple[str, str]] = (),
    identity: str = "",
) -> str:
    """Draw the form for 緊急開示 (emergency access).

    Posts csrf, person, reason, necessity, difficulty (both `yes`), identity (one of `identities`, (code, words)) and code (six digits).

    `demo_code` None = a real hub; a string, even an empty one, = a demo, whose band shows it. `reason` is what the asker has typed before.
    """
    frame = Frame(demo_code is not None if demo is None else demo, csrf, user, place, nav, demo_code or "")
    return draw(
        "break_glass.html", frame, label=person_label, person=person, problem=problem, role=role, place=place, reason=reason, action=action,
        back=back, least=least, identities=identities, identity=identity,
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
    band: str = "",
    mine: Sequence[OpenGlass] = (),
    questions: Sequence[tuple[datetime, str]] = (),
    visit: str = "",
) -> str:
    """Draw the search for one person: posts `by` = name (kana, birth) or number (insurer, insured). `results` None = not searched yet.

    `mine` = the user's own open emergency accesses, each closed by posting csrf and session to `/emergency/close`; `questions` = what the
    officer asks about earlier ones: (when it was opened, what); `visit` = where the confirmation at the visit is, offered by role and rules,
    whoever was found or not.
    """
    typed = {"by": "name", "kana": "", "birth": "", "insurer": "", "insured": "", **(values or {})}
    return draw(
        "find.html", Frame(demo, csrf, user, organization, nav, band=band), values=typed, problem=problem, results=results, action=action,
        mine=mine, questions=questions, visit=visit,
    )  # fmt: skip


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
    reasons: Sequence[tuple[str, str]] = (),
    actions: Sequence[tuple[str, str]] = (),
    place: str = "/audit",
    review: str = "/audit/review",
    proof: str = "",
) -> str:
    """Draw 開示の記録 (record of disclosures). The filter asks `place` by GET with the names of FILTERS.

    Filters hold opaque references only, so that an address may be kept or sent on. `exports` are (label, address). A review posts csrf,
    reference and result = justified | question to `review`. `proof` is where the proof of the opened decision is downloaded.
    """
    filters = {key: value for key, value in model.filters.items() if value}
    shown = {key: filters.get(key, "") for key in FILTERS}
    why = {row.reference: f"{place}?{urlencode({**filters, 'why': row.reference})}#why" for row in model.rows}
    without = {key: f"{place}?{urlencode({k: v for k, v in filters.items() if k != key})}" for key in filters}
    lists = {"outcome": outcomes, "purpose": purposes, "reason": reasons, "action": actions, "organization": model.organizations}
    options = {key: _with(found, shown[key]) for key, found in lists.items()}
    return draw(
        "audit.html", Frame(demo, csrf, model.user, organization, nav), model=model, shown=shown, why=why, exports=exports, place=place,
        review=review, proof=proof, options=options, without=without, held=filters,
    )  # fmt: skip


def persons(
    found: Sequence[tuple[str, Sequence[str], str]], *, demo: bool, csrf: str, user: str = "", organization: str = "",
    nav: Sequence[Nav] = (), to: str = "", held: Mapping[str, str] | None = None, back: str = "/audit",
) -> str:  # fmt: skip
    """Draw whom a search by name or number found: (pseudonym, who holds records, address to go on with). `held` goes along in the forms."""
    more = {**(held or {}), **({"to": to} if to else {})}
    return draw("persons.html", Frame(demo, csrf, user, organization, nav), found=found, held=more, back=back)


def _with(options: Sequence[tuple[str, str]], chosen: str) -> list[tuple[str, str]]:
    """Give the options, and the chosen value even where the list lacks it, so that the form never tells another filter than the rows."""
    return [*options, *([(chosen, chosen)] if chosen and chosen not in {value for value, _ in options} else [])]


def refused_list(
    rows: Sequence[Refused],
    *,
    demo: bool,
    csrf: str,
    user: str = "",
    organization: str = "",
    nav: Sequence[Nav] = (),
    action: str = "/refused/send",
) -> str:
    """Draw the messages that were not taken, with the reasons in Japanese and English, and 「もう一度送る」; never their content."""
    return draw("refused.html", Frame(demo, csrf, user, organization, nav), rows=rows, action=action)


def status(
    model: Status, *, demo: bool, csrf: str, user: str = "", organization: str = "", nav: Sequence[Nav] = (), problem: str = "",
    least: int = REASON_LEAST, retry: str = "/status/retry", skip: str = "/status/skip",
) -> str:  # fmt: skip
    """Draw how the hub is, with what stands first."""
    frame = Frame(demo, csrf, user, organization, nav)
    return draw("status.html", frame, model=model, problem=problem, least=least, retry=retry, skip=skip)


def home(
    entries: Sequence[Entry],
    *,
    demo: bool,
    csrf: str,
    user: str,
    role: str,
    organization: str,
    nav: Sequence[Nav] = (),
    fresh: str = "",
    band: str = "",
) -> str:
    """Draw the first page of a role: what it can do here, most wanted first."""
    return draw("home.html", Frame(demo, csrf, user, organization, nav, band=band), entries=entries, role=role, fresh=fresh)


def sign_in(groups: Sequence[tuple[str, Sequence[SignIn]]], *, demo: bool, problem: tuple[str, str] = ("", "")) -> str:
    """Draw the way in by one-time links, in both languages: (organization, its links), in order. `problem` is (Japanese, English)."""
    return draw("sign_in.html", Frame(demo), groups=groups, problem=problem)


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
    return draw("message.html", Frame(demo, csrf, user, "", nav), title=title, text=text, next_step=next_step, issues=issues, back=back)
