"""Models in, HTML out: records of provision. As `render`, whose templates and filters these use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hub.web.pages import Frame, Nav
from hub.web.pages.render import draw


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
