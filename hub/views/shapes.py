"""What the pages and the FHIR forms of the views show: plain values, made by the views, drawn by `hub.web`.

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


# ── 入退院 ────────────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── 急変時 ────────────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── 判断の記録 ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Seen:
    """One resource that a decision was about."""

    type: str
    id: str
    """Hub-wide id, `tsu-…`."""
    version: int
    effect: Literal["permit", "redact", "deny"]
    reason: str
    basis: str = ""
    masks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """One recorded decision (AccessDecided): one request about one person, with all resources that it reached."""

    reference: str
    """Random reference, `K7Q2-9D`."""
    request: str
    """X-Request-Id of the request; several decisions may share it."""
    at: datetime
    organization: str
    kind: str
    role: str
    user: str
    """Registered id of the user; empty for an organization's application."""
    purpose: str
    action: Literal["read", "search", "view", "deliver", "write", "emergency", "audit"]
    person: str
    """Opaque reference of the person for links; empty when the request was about nobody."""
    pseudonym: str
    """`P-00318`: how the person is named to officers."""
    effect: Literal["permit", "redact", "deny"]
    """What the request as a whole came to: deny = nothing of this person left."""
    reason: str
    basis: str
    consents: tuple[tuple[str, int, str], ...] = ()
    """(consent id, version, permit | deny | not-covered)."""
    trail: tuple[str, ...] = ()
    obligations: tuple[str, ...] = ()
    seen: tuple[Seen, ...] = ()
    typed_reason: str = ""
    """Break-glass only: what the asker typed."""
    closes: datetime | None = None
    review: Literal["", "waiting", "justified", "not-justified", "question"] = ""
    notices: tuple[str, ...] = ()
    """The true state of each notice, ready to show."""
    proof: Mapping[str, str] = field(default_factory=dict)
    asof: datetime | None = None
    """The moment of the past that was looked at; None = the present."""


# ── 開示の記録 ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One decision, as the privacy officer reads it."""

    reference: str
    """Random reference, `K7Q2-9D`; positions of the log never leave the hub."""
    at: datetime
    who: str
    organization: str
    what: str
    count: str
    """`12件`, `0件（3件は対象外）`."""
    outcome: Chip
    reason: str
    """In words: 書面の同意, 組織が同意の対象外 …"""
    reason_code: str
    basis: str
    """In words with the article: 法27条1項."""
    consents: str
    """`同意 第2版`; empty when none took part."""
    purpose: str
    person: str
    """Opaque reference of the person concerned, and a name the officer may see only as network pseudonym `P-00318`."""


@dataclass(frozen=True, slots=True)
class Why:
    """「なぜ見えた・なぜ見えない」 of one decision."""

    disclosure: Disclosure
    steps: tuple[tuple[str, str], ...]
    """(question, answer) in the order of the algorithm; the deciding one last before masks."""
    deciding: int
    typed_reason: str
    notices: tuple[str, ...]
    masked: str
    proof: Mapping[str, str]
    review: str
    """確認待ち / 正当と確認 / 事情を聞く; empty when nothing was broken."""
    heading: str = "なぜこの結果か"
    """What the explanation is called: なぜ見えたか, なぜ届かなかったか …"""


@dataclass(frozen=True, slots=True)
class AuditPage:
    """The officer's page for one filter."""

    user: str
    now: datetime
    today: int
    refused_today: int
    reviews_open: int
    reviews_oldest: str
    consents_expiring: int
    proof_state: str
    """一致 / 不一致 / 未署名."""
    proof_detail: str
    filters: Mapping[str, str]
    persons: tuple[tuple[str, str], ...]
    """The person who was chosen, if any: opaque reference, pseudonym."""
    organizations: tuple[tuple[str, str], ...]
    rows: tuple[Disclosure, ...]
    why: Why | None = None
    more: str = ""
    users: tuple[tuple[str, str], ...] = ()
    """Registered users to choose from: id, name and organization."""
    total: str = ""
    """How many lines there are, in words; empty where it was not counted."""
    unusual: int = 0
    """Findings of unusual access that wait."""
