"""What was noticed as unusual access, and what became of it: the officer's work list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from schemas.events import UNUSUAL_NOTICED, UNUSUAL_SETTLED, Noticed, UnusualSettled

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS unusual (
  position INTEGER PRIMARY KEY, reference TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, rule TEXT NOT NULL, edition TEXT NOT NULL,
  organization TEXT NOT NULL, asker TEXT NOT NULL, patient BLOB NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
  number INTEGER NOT NULL, usual INTEGER NOT NULL, bound INTEGER NOT NULL, status TEXT NOT NULL, settled INTEGER NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS unusual_status ON unusual (status, position)",
)
VERSION = 1
TABLES = ("unusual",)
OPEN = "open"
Status = Literal["open", "explained", "breach"]


class UnusualRow(NamedTuple):
    """One finding. Times in milliseconds; `settled` = position of what the officer said last, 0 = nothing yet."""

    position: int
    reference: str
    at: int
    rule: str
    edition: str
    organization: str
    asker: str
    patient: bytes
    since: int
    until: int
    number: int
    usual: int
    bound: int
    status: Status
    settled: int


_COLUMNS = UnusualRow._fields


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Follow what was noticed and settled."""
    for r in recorded:
        if r.topic == UNUSUAL_NOTICED and isinstance(n := r.rows, Noticed):
            row = (
                r.position, n.reference, r.header.recorded, n.rule, n.edition, n.organization, n.user, r.header.patient, n.since, n.until,
                n.number, n.usual, n.bound, OPEN, 0,
            )  # fmt: skip
            tx.insert("unusual", _COLUMNS, [row])
        elif r.topic == UNUSUAL_SETTLED and isinstance(s := r.rows, UnusualSettled):
            tx.run("UPDATE unusual SET status=?, settled=? WHERE reference=?", (s.result, r.position, s.reference))


def listed(tx: Tx, status: Status, *, limit: int, below: int | None = None) -> list[UnusualRow]:
    """Give findings, newest first. `below` = go on under this position."""
    under, params = ("", ()) if below is None else (" AND position<?", (below,))
    sql = f"SELECT {', '.join(_COLUMNS)} FROM unusual WHERE status=?{under} ORDER BY position DESC LIMIT ?"
    return [UnusualRow(*r) for r in tx.all(sql, (status, *params, limit))]


def one(tx: Tx, reference: str) -> UnusualRow | None:
    """Give a finding."""
    found = tx.one(f"SELECT {', '.join(_COLUMNS)} FROM unusual WHERE reference=?", (reference,))
    return UnusualRow(*found) if found else None


def count(tx: Tx, status: Status, *, most: int) -> int:
    """Count findings, up to `most`."""
    return int(tx.one("SELECT count(*) FROM (SELECT 1 FROM unusual WHERE status=? LIMIT ?) AS few", (status, most))[0])
