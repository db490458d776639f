"""Models in, HTML out: why something was (not) seen, recorded or asked. As `render`, whose templates and filters these use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.views.audit_shapes import Why
from hub.views.explaining import Outcome, SpokenConsent
from hub.views.shapes import Chip
from hub.web.pages import Frame, Nav
from hub.web.pages.render import draw


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question came to. `looked` records were looked at, `left` were not."""

    at: datetime
    edition: str
    question: str
    groups: Sequence[Outcome]
    consents: Sequence[SpokenConsent]
    looked: int
    left: int


def why(
    told: Why, *, person: str, edition: str, present: str, same: tuple[Chip, str], groups: Sequence[Outcome], opens: str,
    spoken: Sequence[SpokenConsent], ask: str, demo: bool, csrf: str, staff: str = "", office: str = "", nav: Sequence[Nav] = (),
) -> str:  # fmt: skip
    """Draw one recorded decision: the record, what comes out again, each kind of resource, the consents that spoke. `ask` = the same as a question."""
    return draw(
        "why.html", Frame(demo, csrf, staff, office, nav), why=told, person=person, edition=edition, present=present, same=same, groups=groups,
        opens=opens, spoken=spoken, ask=ask,
    )  # fmt: skip


def ask(
    answer: Answer | None, *, values: Mapping[str, str], pseudonym: str, users: Sequence[tuple[str, str]], organizations: Sequence[tuple[str, str]],
    roles: Sequence[tuple[str, str]], purposes: Sequence[tuple[str, str]], types: Sequence[tuple[str, str]], demo: bool, csrf: str,
    staff: str = "", office: str = "", nav: Sequence[Nav] = (), problem: str = "",
) -> str:  # fmt: skip
    """Draw the question 「見えたはずか」 and its answer. Asks by GET with the names of `values`; whom it is about is chosen by a posted form."""
    held = {name: value for name, value in {**values, "to": "ask"}.items() if value}
    return draw(
        "ask.html", Frame(demo, csrf, staff, office, nav), answer=answer, values=values, pseudonym=pseudonym, users=users, roles=roles,
        organizations=organizations, purposes=purposes, types=types, problem=problem, held=held,
    )  # fmt: skip
