"""Labels that another edition of the table of labels gave to versions recorded before it, and when each edition began.

What a header says is never written anew: a version has the label of its header until an event of the log says otherwise, from that position on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hub.log.event import Recorded
from hub.log.store import Tx
from hub.tables.resources import UNKNOWN, Row
from schemas.events import LABELS_REVISED, LabelsRevised

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS labels (
  resource INTEGER NOT NULL, since INTEGER NOT NULL, confidentiality TEXT NOT NULL, sensitivities TEXT,
  PRIMARY KEY (resource, since)) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS label_revisions (position INTEGER PRIMARY KEY, edition TEXT NOT NULL, begins INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS relabelling (edition TEXT PRIMARY KEY, until INTEGER NOT NULL, done INTEGER NOT NULL) WITHOUT ROWID",
)
VERSION = 1
TABLES = ("labels", "label_revisions")
"""How far the hub has come with an edition (`relabelling`) is no history: it is not rebuilt by a replay."""


class Progress(NamedTuple):
    """How far versions were looked at by an edition: all up to `until`, which it began at, are to be; those up to `done` were."""

    until: int
    done: int


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Take in editions that begin, and what they say of versions."""
    for r in recorded:
        if r.topic != LABELS_REVISED or not isinstance(r.rows, LabelsRevised):
            continue
        row = (r.position, r.rows.edition, int(not r.rows.labels))
        tx.insert("label_revisions", ("position", "edition", "begins"), [row])
        rows = [(one.position, r.position, one.confidentiality, _joined(one.sensitivities)) for one in r.rows.labels]
        tx.insert("labels", ("resource", "since", "confidentiality", "sensitivities"), rows)


def _joined(sensitivities: tuple[str, ...]) -> str | None:
    return None if sensitivities == UNKNOWN else "|".join(sensitivities)


def current(tx: Tx, rows: Sequence[Row], at: int | None = None) -> list[Row]:
    """Give these versions with the label that each has, now or as of a position, by what was recorded."""
    if not moved(tx):
        return list(rows)
    then, params = ("", ()) if at is None else (" AND since<=?", (at,))
    found: dict[int, tuple[int, str, str | None]] = {}
    sql = "SELECT resource, since, confidentiality, sensitivities FROM labels WHERE resource IN"
    for resource, since, confidentiality, sensitivities in tx.each(sql, dict.fromkeys(row.position for row in rows), params, then):
        if resource not in found or found[resource][0] < since:
            found[resource] = since, confidentiality, sensitivities
    return [
        row._replace(confidentiality=found[row.position][1], sensitivities=found[row.position][2]) if row.position in found else row
        for row in rows
    ]


def moved(tx: Tx) -> int:
    """Give the position at which a label last changed or an edition began; 0 = never."""
    return int(tx.one("SELECT coalesce(max(position), 0) FROM label_revisions")[0])


def edition(tx: Tx, at: int | None = None) -> str:
    """Give the edition that was the newest begun, now or as of a position; empty = none was named."""
    then, params = ("", ()) if at is None else (" AND position<=?", (at,))
    found = tx.one(f"SELECT edition FROM label_revisions WHERE begins=1{then} ORDER BY position DESC LIMIT 1", params)
    return str(found[0]) if found else ""


def progress(tx: Tx, name: str) -> Progress | None:
    """Give how far an edition has come; None = it has not begun here."""
    found = tx.one("SELECT until, done FROM relabelling WHERE edition=?", (name,))
    return Progress(int(found[0]), int(found[1])) if found else None


def proceed(tx: Tx, name: str, to: Progress) -> None:
    """Note how far an edition has come."""
    tx.run(
        "INSERT INTO relabelling VALUES (?,?,?) ON CONFLICT (edition) DO UPDATE SET until=excluded.until, done=excluded.done", (name, *to)
    )
