"""Models in, HTML out: records of provision, and breaches. As `render`, whose templates and filters these use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.web.pages import Frame, Nav
from hub.web.pages.render import draw
from schemas.errors import Issue

_TYPED = ("of", "step", "note", "known", "known_time", "decisions", "malicious", "reason")


def provisions(
    lines: Sequence[Mapping[str, str]], *, filters: Mapping[str, str], officer: bool, person: str, organizations: Sequence[tuple[str, str]],
    exports: Sequence[tuple[str, str]], more: str, without: str, fingerprint: str, demo: bool, csrf: str, user: str = "", office: str = "",
    nav: Sequence[Nav] = (),
) -> str:  # fmt: skip
    """Draw 提供の記録. `person` = the pseudonym of whom is asked about; `officer` = the network's office, which sees all."""
    return draw(
        "provisions.html", Frame(demo, csrf, user, office, nav), lines=lines, shown=filters, officer=officer, person=person,
        organizations=organizations, exports=exports, more=more, without=without, fingerprint=fingerprint,
        held={name: value for name, value in filters.items() if value} | {"to": "provisions"},
    )  # fmt: skip


def breaches(
    found: Sequence[Mapping[str, Any]], *, scope: Mapping[str, Any] | None, filters: Mapping[str, str], organizations: Sequence[tuple[str, str]],
    users: Sequence[tuple[str, str]], types: Sequence[tuple[str, str]], exports: Sequence[tuple[str, str]], questions: Sequence[str], today: str,
    clock: str, problem: Issue | None, typed: Mapping[str, str], demo: bool, csrf: str, user: str = "", office: str = "", nav: Sequence[Nav] = (),
) -> str:  # fmt: skip
    """Draw 漏えいの範囲. Posts csrf, known, known_time, reason, malicious; and of one: csrf, step, done, done_time, note."""
    return draw(
        "breaches.html", Frame(demo, csrf, user, office, nav), found=found, scope=scope, shown=filters, organizations=organizations, users=users,
        types=types, exports=exports, questions=questions, today=today, now=clock, problem=problem,
        typed={**dict.fromkeys(_TYPED, ""), **typed},
    )  # fmt: skip
