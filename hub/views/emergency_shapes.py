"""What 急変時 shows: wishes, whom to call, signs against the usual, on which ground the page is open, and the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hub.views.shapes import Chip, Differing, Line, Tone


@dataclass(frozen=True, slots=True)
class Wish:
    """One treatment and what the person wants of it. Never drawn red or green by what was wished for."""

    treatment: str
    wanted: str
    """希望する / 希望しない / 場合による / 未確認."""
    when: str
    source: str


@dataclass(frozen=True, slots=True)
class Wishes:
    """本人の意思（人生会議）: never a bare DNAR. `conditions` says for which event it holds; `confirm` which doctor confirms."""

    known: Literal["stated", "none", "unasked"]
    words: str = ""
    discussed: str = ""
    wishes: tuple[Wish, ...] = ()
    conditions: str = ""
    confirm: str = ""
    present: str = ""
    history: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """Whom to call, now."""

    phone: str
    who: str
    chip: Chip | None = None
    source: str = ""
    when: str = ""


@dataclass(frozen=True, slots=True)
class Vital:
    """A sign against the person's own baseline. `points` are (hours before now, value), oldest first."""

    name: str
    value: str
    unit: str
    usual: str
    """`ふだん 92–96`; `ふだんの値なし` when fewer than five measurements."""
    outside: bool
    when: str
    source: str
    points: tuple[tuple[float, float], ...] = ()
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """NEWS2 (RCP 2017); incomplete is not zero."""

    total: int | None
    complete: bool
    parts: tuple[str, ...]
    missing: tuple[str, ...]
    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Access:
    """On which ground this page is open."""

    text: str
    basis: str
    emergency: bool = False
    closes: datetime | None = None
    notices: tuple[str, ...] = ()
    """The true state of each notice: `本人（郵送待ち）`, `個人情報保護責任者（23:38 知らせ済み）`."""
    masked: str = ""


@dataclass(frozen=True, slots=True)
class EmergencyPage:
    """急変時, in the order of visiting-nurse-and-emergency §3.3."""

    person: str
    name: str
    kana: str
    age: int | None
    sex: str
    birth: str
    """`1942-03-08（昭和17）`."""
    address: str
    alone: str
    """独居 / 同居あり / 未確認."""
    care_level: Line | None
    deceased: str
    access: Access
    alerts: tuple[Line, ...]
    wishes: Wishes
    calls: tuple[Call, ...]
    no_one_to_call: str
    """Said when there is nobody: 「家族等なし（確認 2026-05-01）」 or 「未確認」; empty otherwise."""
    vitals: tuple[Vital, ...]
    consciousness: Line | None
    score: Score
    problems: tuple[Line, ...]
    drugs: tuple[Line, ...]
    allergies: tuple[Line, ...]
    allergy_state: Literal["listed", "none-known", "unknown"]
    differing: tuple[Differing, ...]
    devices: tuple[Line, ...]
    usual_self: tuple[Line, ...]
    home: tuple[Line, ...]
    visits: tuple[Line, ...]
    next_visit: str
    matters: tuple[Line, ...]
    now: datetime
    fresh: str
