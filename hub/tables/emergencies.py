"""Break-glass sessions (緊急開示): open for one person and one asker until they close; each waits for its review."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from hub.log.event import Recorded
from hub.log.store import Tx
from schemas.events import EMERGENCY_OPENED, EMERGENCY_REVIEWED, KEY_ERASED, Erased, Opened, Reviewed

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS emergencies (
  position INTEGER PRIMARY KEY, session TEXT NOT NULL UNIQUE, patient BLOB NOT NULL, organization TEXT NOT NULL, "user" TEXT NOT NULL,
  step INTEGER NOT NULL, opened INTEGER NOT NULL, closes INTEGER NOT NULL, review TEXT NOT NULL)""",
    'CREATE INDEX IF NOT EXISTS emergencies_user ON emergencies ("user", closes)',
)
VERSION = 2
TABLES = ("emergencies",)
_COLUMNS = ("position", "session", "patient", "organization", '"user"', "step", "opened", "closes", "review")


class EmergencyRow(NamedTuple):
    """One session. `review`: waiting, justified, question. Times in milliseconds."""

    position: int
    session: str
    patient: bytes
    organization: str
    user: str
    step: int
    opened: int
    closes: int
    review: Literal["waiting", "justified", "question"]


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Follow sessions and their reviews; of an erased person's, take what the tombstone tells."""
    for r in recorded:
        if r.topic == EMERGENCY_OPENED and isinstance(o := r.rows, Opened):
            tx.run(
                "INSERT INTO emergencies VALUES (?,?,?,?,?,?,?,?,'waiting')",
                (r.position, o.session, r.header.patient, o.organization, o.user, o.step, o.opened, o.closes),
            )
        elif r.topic == EMERGENCY_REVIEWED and isinstance(v := r.rows, Reviewed):
            tx.run("UPDATE emergencies SET review=? WHERE session=?", (v.result, v.session))
        elif r.topic == KEY_ERASED and isinstance(e := r.rows, Erased):
            tx.many("DELETE FROM emergencies WHERE patient=?", [(owner,) for owner in sorted({bytes.fromhex(k.owner) for k in e.keys})])
            rows = [(*s[:2], bytes.fromhex(s[2]), *s[3:]) for s in (msgspec.structs.astuple(one) for one in e.sessions)]
            tx.insert("emergencies", _COLUMNS, rows)


def open_for(tx: Tx, user: str, at: int) -> list[EmergencyRow]:
    """Give the sessions that a user holds open at a moment."""
    return [EmergencyRow(*r) for r in tx.all('SELECT * FROM emergencies WHERE "user"=? AND closes>? AND opened<=?', (user, at, at))]


def code_used(tx: Tx, user: str, step: int) -> bool:
    """Say whether a one-time code of this time step, or a later one, has served this user already."""
    return tx.one('SELECT 1 FROM emergencies WHERE "user"=? AND step>=?', (user, step)) is not None


def session(tx: Tx, name: str) -> EmergencyRow | None:
    """Give one session."""
    found = tx.one("SELECT * FROM emergencies WHERE session=?", (name,))
    return EmergencyRow(*found) if found else None


def waiting(tx: Tx) -> list[EmergencyRow]:
    """Give the sessions that nobody has reviewed, oldest first."""
    return [EmergencyRow(*r) for r in tx.all("SELECT * FROM emergencies WHERE review='waiting' ORDER BY position")]


def of(tx: Tx, patients: Iterable[bytes]) -> list[EmergencyRow]:
    """Give all sessions that were opened on these Patients."""
    return sorted(EmergencyRow(*r) for r in tx.each(f"SELECT {', '.join(_COLUMNS)} FROM emergencies WHERE patient IN", patients))
