"""What the pages of emergency accesses show: lines of the officer's queue, one session whole, notices, a letter, switches of disasters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hub.views.shapes import Chip

REVIEWS = {
    "waiting": Chip("確認待ち", "warn"), "question": Chip("事情を聞いています", "info"), "justified": Chip("正当と確認", "good"),
    "not-justified": Chip("正当でない", "danger"),
}  # fmt: skip


def deadline(review: str, days: int, *, late: bool) -> Chip | None:
    """Say how long the review may still take; red where it is late. None where it is done."""
    if review not in {"waiting", "question"}:
        return None
    if late:
        return Chip(f"{-days}日 遅れています" if days < 0 else "期限です", "danger")
    return Chip(f"残り {days}日" if days else "きょうまで", "warn" if days <= 1 else "")


@dataclass(frozen=True, slots=True)
class SessionLine:
    """One session of the list. `length` = how long it was open, and by what it was closed; `notices` = their true states."""

    session: str
    opened: datetime
    length: str
    who: str
    organization: str
    pseudonym: str
    reads: int
    review: Chip
    deadline: Chip | None
    notices: tuple[str, ...]


Counts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class SessionWhole:
    """One session with all that the officer needs to judge it; counts by words."""

    session: str
    opened: datetime
    length: str
    open: bool
    who: str
    organization: str
    pseudonym: str
    identity: str
    reason: str
    decision: str
    normal: Counts
    classes: Counts
    types: Counts
    refused: Counts
    reads: int
    references: tuple[str, ...]
    review: Chip
    deadline: Chip | None
    waits: bool
    said: str
    said_by: str
    said_at: datetime | None


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One notice: its true state; `open` = the officer can still say what became of it; `note` = by whom, when, why, until when."""

    reference: str
    words: str
    open: bool
    late: Chip | None
    note: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What a notice is printed as. Nothing clinical; `head` = to the head of the organization, else to the person, whose name nobody here knows."""

    session: str
    head: bool
    date: str
    network: str
    address: str
    phone: str
    organization: str
    role: str
    opened: datetime
    length: str
    identity: str
    pseudonym: str
    days: int


@dataclass(frozen=True, slots=True)
class SwitchLine:
    """One switch of a disaster, or what one officer asks for."""

    reference: str
    state: Chip
    area: str
    organizations: str
    first: str
    second: str
    reason: str
    hours: int
    asked: datetime
    void: datetime
    until: datetime
    left: str
    reads: int
    own: bool


@dataclass(frozen=True, slots=True)
class ReadLine:
    """One read by the switch of a disaster."""

    reference: str
    at: datetime
    who: str
    organization: str
    what: str
    pseudonym: str
