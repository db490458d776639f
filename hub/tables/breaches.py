"""Suspected breaches and what was done about each: the clocks of Art. 26 run on these rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from schemas.breach_events import BREACH_STEP, BreachStep
from schemas.emergency_events import BREACH_SUSPECTED, BreachSuspected

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS breaches (
  position INTEGER PRIMARY KEY, reference TEXT NOT NULL UNIQUE, known INTEGER NOT NULL, recorded INTEGER NOT NULL, officer TEXT NOT NULL,
  malicious INTEGER NOT NULL, sessions TEXT NOT NULL, decisions TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS breach_steps (
  position INTEGER PRIMARY KEY, breach TEXT NOT NULL, step TEXT NOT NULL, done INTEGER NOT NULL, officer TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS breach_steps_breach ON breach_steps (breach, position)",
)
VERSION = 1
TABLES = ("breaches", "breach_steps")
ENDS = frozenset({"closed", "not-a-breach"})


class BreachRow(NamedTuple):
    """One suspected breach. Times in milliseconds; `sessions` and `decisions` are references, parted by blanks."""

    position: int
    reference: str
    known: int
    recorded: int
    officer: str
    malicious: int
    sessions: str
    decisions: str


class StepRow(NamedTuple):
    """One step. `done` = when, in milliseconds."""

    position: int
    breach: str
    step: str
    done: int
    officer: str


_BREACH, _STEP = BreachRow._fields, StepRow._fields


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Take breaches and steps in."""
    for r in recorded:
        if r.topic == BREACH_SUSPECTED and isinstance(b := r.rows, BreachSuspected):
            row = (
                r.position,
                b.reference,
                b.known_at,
                r.header.recorded,
                b.by,
                int(b.malicious),
                " ".join(b.sessions),
                " ".join(b.decisions),
            )
            tx.insert("breaches", _BREACH, [row])
        elif r.topic == BREACH_STEP and isinstance(s := r.rows, BreachStep):
            tx.insert("breach_steps", _STEP, [(r.position, s.breach, s.step, s.done, s.by)])


def one(tx: Tx, reference: str) -> BreachRow | None:
    """Give one by its reference."""
    row = tx.one(f"SELECT {', '.join(_BREACH)} FROM breaches WHERE reference=?", (reference,))
    return BreachRow(*row) if row else None


def newest(tx: Tx, limit: int) -> list[BreachRow]:
    """Give the newest."""
    return [BreachRow(*r) for r in tx.all(f"SELECT {', '.join(_BREACH)} FROM breaches ORDER BY position DESC LIMIT ?", (limit,))]


def steps(tx: Tx, reference: str) -> list[StepRow]:
    """Give what was done about one, in order."""
    return [StepRow(*r) for r in tx.all(f"SELECT {', '.join(_STEP)} FROM breach_steps WHERE breach=? ORDER BY position", (reference,))]


def open_ones(tx: Tx) -> int:
    """Count those that are not ended."""
    ended = f"SELECT breach FROM breach_steps WHERE step IN ({','.join('?' * len(ENDS))})"
    return int(tx.one(f"SELECT count(*) FROM breaches WHERE reference NOT IN ({ended})", tuple(sorted(ENDS)))[0])
