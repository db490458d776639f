"""Break-glass sessions (緊急開示): open for one person, one user and one sign-in until they close; each waits for its review."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from hub.log.event import Recorded
from hub.log.store import Tx
from schemas.emergency_events import EMERGENCY_CLOSED, EMERGENCY_OPENED, EMERGENCY_REVIEWED, Closed, Opened, Reviewed
from schemas.events import KEY_ERASED, Erased

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS emergencies (
  position INTEGER PRIMARY KEY, session TEXT NOT NULL UNIQUE, patient BLOB NOT NULL, organization TEXT NOT NULL, "user" TEXT NOT NULL,
  step INTEGER NOT NULL, opened INTEGER NOT NULL, closes INTEGER NOT NULL, review TEXT NOT NULL, kind TEXT NOT NULL, role TEXT NOT NULL,
  identity TEXT NOT NULL, login TEXT NOT NULL, decision TEXT NOT NULL, rules TEXT NOT NULL, closed INTEGER NOT NULL, how TEXT NOT NULL,
  shut INTEGER NOT NULL, reviewed INTEGER NOT NULL)""",
    'CREATE INDEX IF NOT EXISTS emergencies_user ON emergencies ("user", closes)',
    "CREATE INDEX IF NOT EXISTS emergencies_shut ON emergencies (shut, closes)",
    "CREATE INDEX IF NOT EXISTS emergencies_review ON emergencies (review, opened)",
)
VERSION = 3
TABLES = ("emergencies",)
Review = Literal["waiting", "question", "justified", "not-justified"]
OPEN_REVIEWS = ("waiting", "question")
"""Reviews that are not done: nobody has looked, or something is asked."""


class EmergencyRow(NamedTuple):
    """One session. Times in milliseconds, 0 = not yet; `how` = by what it was closed.

    `shut`, `reviewed` = positions of its closing and of what was said of it last, 0 = not recorded yet.
    """

    position: int
    session: str
    patient: bytes
    organization: str
    user: str
    step: int
    opened: int
    closes: int
    review: Review
    kind: str
    role: str
    identity: str
    login: str
    """Name of the sign-in that it is bound to."""
    decision: str
    """Reference of the decision by which the normal path was tried."""
    rules: str
    closed: int
    how: str
    shut: int
    reviewed: int


_COLUMNS = tuple('"user"' if name == "user" else name for name in EmergencyRow._fields)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM emergencies"


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Follow sessions, their closings and reviews; of an erased person's, take what the tombstone tells."""
    for r in recorded:
        if r.topic == EMERGENCY_OPENED and isinstance(o := r.rows, Opened):
            row = EmergencyRow(
                r.position, o.session, r.header.patient, o.organization, o.user, o.step, o.opened, o.closes, "waiting", o.kind, o.role,
                o.identity, o.login, o.decision, o.rules, 0, "", 0, 0,
            )  # fmt: skip
            tx.insert("emergencies", _COLUMNS, [row])
        elif r.topic == EMERGENCY_CLOSED and isinstance(c := r.rows, Closed):
            tx.run("UPDATE emergencies SET closed=?, how=?, shut=? WHERE session=? AND shut=0", (c.at, c.how, r.position, c.session))
        elif r.topic == EMERGENCY_REVIEWED and isinstance(v := r.rows, Reviewed):
            tx.run("UPDATE emergencies SET review=?, reviewed=? WHERE session=?", (v.result, r.position, v.session))
        elif r.topic == KEY_ERASED and isinstance(e := r.rows, Erased):
            tx.many("DELETE FROM emergencies WHERE patient=?", [(owner,) for owner in sorted({bytes.fromhex(k.owner) for k in e.keys})])
            rows = [(*s[:2], bytes.fromhex(s[2]), *s[3:]) for s in (msgspec.structs.astuple(one) for one in e.sessions)]
            tx.insert("emergencies", _COLUMNS, rows)


def open_for(tx: Tx, user: str, at: int, position: int | None = None) -> list[EmergencyRow]:
    """Give the sessions that a user holds open at a moment, newest first; `position` = by what had been recorded until then."""
    where, params = 'WHERE "user"=? AND closes>? AND opened<=?', (user, at, at)
    if position is None:
        return [EmergencyRow(*r) for r in tx.all(f"{_SELECT} {where} AND shut=0 ORDER BY position DESC", params)]
    where += " AND position<=? AND (shut=0 OR shut>?)"
    return [EmergencyRow(*r) for r in tx.all(f"{_SELECT} {where} ORDER BY position DESC", (*params, position, position))]


def all_open(tx: Tx, sessions: Iterable[str]) -> bool:
    """Say whether none of these sessions has been closed."""
    return not tx.each("SELECT session FROM emergencies WHERE session IN", sorted(sessions), (), " AND shut<>0")


def code_used(tx: Tx, user: str, step: int) -> bool:
    """Say whether a one-time code of this time step, or a later one, has served this user already."""
    return tx.one('SELECT 1 FROM emergencies WHERE "user"=? AND step>=?', (user, step)) is not None


def opened_by(tx: Tx, user: str, since: int, until: int) -> list[str]:
    """Give the sessions that a user opened from one moment (milliseconds) to another, exclusive, oldest first."""
    rows = tx.all('SELECT session FROM emergencies WHERE "user"=? AND opened>=? AND opened<? ORDER BY position', (user, since, until))
    return [str(name) for (name,) in rows]


def session(tx: Tx, name: str) -> EmergencyRow | None:
    """Give one session."""
    found = tx.one(f"{_SELECT} WHERE session=?", (name,))
    return EmergencyRow(*found) if found else None


def waiting(tx: Tx) -> list[EmergencyRow]:
    """Give the sessions whose review is not done, oldest first."""
    return [EmergencyRow(*r) for r in tx.all(f"{_SELECT} WHERE review IN (?,?) ORDER BY position", OPEN_REVIEWS)]


def done(tx: Tx, *, limit: int, below: int | None = None) -> list[EmergencyRow]:
    """Give the sessions whose review is done, newest first. `below` = go on under this position."""
    under, more = ("", ()) if below is None else (" AND position<?", (below,))
    sql = f"{_SELECT} WHERE review NOT IN (?,?){under} ORDER BY position DESC LIMIT ?"
    return [EmergencyRow(*r) for r in tx.all(sql, (*OPEN_REVIEWS, *more, limit))]


def asked_about(tx: Tx, user: str) -> list[EmergencyRow]:
    """Give the sessions of a user about which the officer asks something, newest first."""
    return [EmergencyRow(*r) for r in tx.all(f"{_SELECT} WHERE \"user\"=? AND review='question' ORDER BY position DESC", (user,))]


def over(tx: Tx, at: int, *, limit: int) -> list[EmergencyRow]:
    """Give the sessions whose time is over at a moment and whose closing is not recorded, oldest first."""
    sql = f"{_SELECT} WHERE shut=0 AND closes<=? ORDER BY closes, position LIMIT ?"
    return [EmergencyRow(*r) for r in tx.all(sql, (at, limit))]


def unreviewed_since(tx: Tx, before: int, receiver: str, *, limit: int) -> list[EmergencyRow]:
    """Give the sessions opened by a moment whose review is not done and of which this receiver was not told that it is late, oldest first."""
    sql = (
        f"{_SELECT} WHERE review IN (?,?) AND opened<=? AND NOT EXISTS "
        "(SELECT 1 FROM notices WHERE about=session AND receiver=? AND why='overdue') ORDER BY position LIMIT ?"
    )
    return [EmergencyRow(*r) for r in tx.all(sql, (*OPEN_REVIEWS, before, receiver, limit))]


def number_since(tx: Tx, user: str, since: int) -> int:
    """Count the sessions that a user has opened from a moment on."""
    return int(tx.one('SELECT count(*) FROM emergencies WHERE "user"=? AND opened>=?', (user, since))[0])


def of(tx: Tx, patients: Iterable[bytes]) -> list[EmergencyRow]:
    """Give all sessions that were opened on these Patients."""
    return sorted(EmergencyRow(*r) for r in tx.each(f"{_SELECT} WHERE patient IN", patients))
