"""What the 入退院 page shows: deadlines, stays, what happens in them, and the board."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hub.views.shapes import Office


@dataclass(frozen=True, slots=True)
class Deadline:
    """A limit with its reckoning."""

    kind: str
    """Rule's id in data: `kasan-admission-info`."""
    title: str
    edition: str
    first_until: datetime | None
    """End of class Ⅰ (the last instant, exclusive: next midnight)."""
    second_until: datetime | None
    state: Literal["due-today", "due", "second", "overdue", "done", "none"]
    reasoning: tuple[str, ...]
    """Sentences: rule, admission, class Ⅰ, class Ⅱ, why, holidays counted."""
    done_as: str = ""


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One thing that happened or will, in a stay."""

    when: str
    text: str
    source: str = ""
    state: Literal["done", "now", "next", "struck"] = "done"
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StayRow:
    """One stay on a board."""

    episode: str
    """Opaque id of the episode, the same after a transfer."""
    person: str
    """Opaque reference for links."""
    name: str
    kana: str
    age: int | None
    care_level: str
    hospital: str
    ward: str
    admitted: str
    reason: str
    contact: str
    status: Literal["planned", "in", "leave", "discharge-planned", "discharged", "cancelled"]
    step: int
    """How far of `steps` (1-based)."""
    steps: int
    where: str
    """いま どこまで, in words."""
    next: str
    next_detail: str
    lane: Literal["mine", "theirs", "between"]
    """わたしの番 / 相手の番 / 担当ケアマネ未定・要支援・連絡先なし."""
    lane_reason: str
    deadline: Deadline | None
    button: str
    """Verb on the button; empty = none."""
    button_href: str = ""
    sort: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """The 入退院 page of one organization at one moment."""

    office: Office
    user: str
    now: datetime
    fresh: str
    """How fresh the page is: `最後の更新 11-25 10:42、遅れなし`."""
    due_today: int
    overdue: int
    inside: int
    home_soon: int
    between: int
    rows: tuple[StayRow, ...]
    opened: StayRow | None = None
    timeline: tuple[TimelineItem, ...] = ()
