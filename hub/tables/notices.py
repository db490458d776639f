"""Notices: who is to be told of what and by when, and what became of it. True states alone: nothing is «told» before somebody told it.

All is under the network's own key, so that a notice outlives the person; the person is named by the header alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from schemas.emergency_events import NOTICE_QUEUED, NOTICE_SETTLED, NoticeQueued, NoticeSettled

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS notices (
  position INTEGER PRIMARY KEY, reference TEXT NOT NULL UNIQUE, about TEXT NOT NULL, receiver TEXT NOT NULL, why TEXT NOT NULL,
  patient BLOB NOT NULL, organization TEXT NOT NULL, asker TEXT NOT NULL, queued INTEGER NOT NULL, due INTEGER NOT NULL, state TEXT NOT NULL,
  at INTEGER NOT NULL, "by" TEXT NOT NULL, reason TEXT NOT NULL, UNIQUE (about, receiver, why))""",
    "CREATE INDEX IF NOT EXISTS notices_state ON notices (state, due)",
)
VERSION = 1
TABLES = ("notices",)
QUEUED, SEEN, POSTED, HANDED, DELAYED = "queued", "seen", "posted", "handed", "delayed"
State = Literal["queued", "seen", "posted", "handed", "delayed"]
OPEN = (QUEUED, DELAYED)
"""States in which nobody has been told yet."""


class NoticeRow(NamedTuple):
    """One notice. Times in milliseconds, 0 = not yet; `at` and `by` = of the last change; `asker` = the user that it is about."""

    position: int
    reference: str
    about: str
    receiver: Literal["patient", "officer", "second-officer", "head"]
    why: Literal["opened", "many", "overdue", "codes"]
    patient: bytes
    organization: str
    asker: str
    queued: int
    due: int
    state: State
    at: int
    by: str
    reason: str


_COLUMNS = tuple('"by"' if name == "by" else name for name in NoticeRow._fields)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM notices"


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Follow what is queued and what became of it."""
    for r in recorded:
        if r.topic == NOTICE_QUEUED and isinstance(n := r.rows, NoticeQueued):
            row = NoticeRow(
                r.position, n.reference, n.about, n.to, n.why, r.header.patient, n.organization, n.user, r.header.recorded, n.due, "queued", 0, "", "",
            )  # fmt: skip
            tx.insert("notices", _COLUMNS, [row])
        elif r.topic == NOTICE_SETTLED and isinstance(s := r.rows, NoticeSettled):
            due = ", due=?" if s.due else ""
            params = (s.state, r.header.recorded, s.by, s.reason, *([s.due] if s.due else []), s.reference)
            tx.run(f'UPDATE notices SET state=?, at=?, "by"=?, reason=?{due} WHERE reference=?', params)


def one(tx: Tx, reference: str) -> NoticeRow | None:
    """Give one notice."""
    found = tx.one(f"{_SELECT} WHERE reference=?", (reference,))
    return NoticeRow(*found) if found else None


def about(tx: Tx, things: Iterable[str]) -> list[NoticeRow]:
    """Give the notices about these things, in the order in which they were queued."""
    return sorted(NoticeRow(*r) for r in tx.each(f"{_SELECT} WHERE about IN", things))


def late(tx: Tx, at: int, *, most: int) -> int:
    """Count notices to persons and heads that should have been given by a moment, up to `most`."""
    sql = "SELECT count(*) FROM (SELECT 1 FROM notices WHERE state IN (?,?) AND receiver IN ('patient','head') AND due<=? LIMIT ?) AS few"
    return int(tx.one(sql, (*OPEN, at, most))[0])


def alarms(tx: Tx, *, limit: int) -> list[NoticeRow]:
    """Give what officers were to be told beside openings (many openings, wrong codes): first what nobody has seen, newest first."""
    sql = f"{_SELECT} WHERE why IN ('many','codes') ORDER BY CASE WHEN state=? THEN 0 ELSE 1 END, position DESC LIMIT ?"
    return [NoticeRow(*r) for r in tx.all(sql, (QUEUED, limit))]
