"""What the privacy officer's pages show: recorded decisions, the lines that are made of them, why, and the page of one filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from hub.views.shapes import Chip


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
