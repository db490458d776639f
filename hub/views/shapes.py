"""What the pages and the FHIR forms of the views show: plain values, made by the views, drawn by `hub.web`. Here the pieces of them all.

Texts are Japanese and ready to show; times are aware and in Asia/Tokyo. Nothing here was shown to somebody without a permit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

Tone = Literal["", "danger", "warn", "good", "info"]
"""How a chip is drawn; the words beside it say the same (colour never alone)."""


@dataclass(frozen=True, slots=True)
class Known:
    """A resource that the gate released to the one who asks, opened."""

    type: str
    id: str
    """As the asker sees it."""
    version: int
    custodian: str
    """Ten-character code of the organization that holds it."""
    source: str
    """That organization's name, to show."""
    recorded: datetime
    body: Mapping[str, Any]
    facts: Mapping[str, str] = field(default_factory=dict)
    patient: str = ""
    """Opaque name of the Patient that it is about, the same for every asker; empty = not told."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A short word in a box."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One statement with its origin: every line carries its date and source. `old` = older than the rule for its kind says (amber)."""

    text: str
    when: str = ""
    """How old, to show: `12日前`, `2026-09-14`, `1年2か月前`; empty only when the source gives no date (then `when_unknown`)."""
    source: str = ""
    old: bool = False
    strong: bool = False
    chip: Chip | None = None
    detail: str = ""
    reference: str = ""
    """`Type/id` of the resource behind the line."""


@dataclass(frozen=True, slots=True)
class Differing:
    """The same thing told differently by two sources: shown side by side, never merged."""

    about: str
    sides: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Office:
    """A member organization and its opening hours (its own 運営規程)."""

    code: str
    name: str
    kind: str
    phone: str = ""
    address: str = ""
    weekdays: frozenset[int] = frozenset({0, 1, 2, 3, 4})
    opens: str = "09:00"
    closes: str = "18:00"
    open_on_holidays: bool = False
    closed_days: frozenset[date] = frozenset()
    entity: str = ""
    """Code of the registered organization (法人) that it is part of; empty = none."""
