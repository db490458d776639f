"""Models in, HTML out: the officer's work lists and questions. As `render`, whose templates and filters these use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from hub.views.expiring import ExpiryLine
from hub.views.rules import RulesTable
from hub.views.unusual_list import UnusualLine
from hub.web.pages import Frame, Nav
from hub.web.pages.render import draw


def unusual(
    lines: Sequence[UnusualLine], rules: Sequence[tuple[str, str, str]], *, tabs: Sequence[tuple[str, str, bool]], demo: bool, csrf: str,
    user: str = "", organization: str = "", nav: Sequence[Nav] = (), more: str = "",
) -> str:  # fmt: skip
    """Draw 気になるアクセス: findings of one status, and the rules that hold, (id, words, numbers). `tabs` are (status, words, whether it is this one)."""
    return draw("unusual.html", Frame(demo, csrf, user, organization, nav), lines=lines, rules=rules, tabs=tabs, more=more)


def unusual_one(
    one: UnusualLine, *, search: str, decisions: Sequence[str], demo: bool, csrf: str, user: str = "", organization: str = "",
    nav: Sequence[Nav] = (), note: str = "", by: str = "", settled: datetime | None = None, problem: str = "", typed: str = "", least: int = 10,
) -> str:  # fmt: skip
    """Draw one finding with its decisions. Posts csrf, reference, note and result = explained | breach to `/audit/unusual/settle`."""
    return draw(
        "unusual_one.html", Frame(demo, csrf, user, organization, nav), one=one, search=search, decisions=decisions, note=note, by=by,
        settled=settled, problem=problem, typed=typed, least=least,
    )  # fmt: skip


def expiring(
    lines: Sequence[ExpiryLine], *, within: str, organization: str, tabs: Sequence[tuple[str, str, bool]], organizations: Sequence[tuple[str, str]],
    demo: bool, csrf: str, user: str = "", office: str = "", nav: Sequence[Nav] = (), more: str = "",
) -> str:  # fmt: skip
    """Draw 切れる同意. `tabs` are (address, words, whether it is this one)."""
    return draw(
        "expiring.html", Frame(demo, csrf, user, office, nav), lines=lines, within=within, organization=organization, tabs=tabs,
        organizations=organizations, more=more,
    )  # fmt: skip


def rules(
    tables: Sequence[RulesTable], *, edition: str, since: date, source: str, links: Sequence[tuple[str, str, date, bool, bool]], demo: bool,
    csrf: str, user: str = "", office: str = "", nav: Sequence[Nav] = (),
) -> str:  # fmt: skip
    """Draw 地域の定め. `links` are (address, edition, first day, whether it is this one, whether it holds now)."""
    return draw(
        "rules.html", Frame(demo, csrf, user, office, nav), tables=tables, edition=edition, since=since, source=source, links=links,
    )  # fmt: skip
