"""Whose each domain event is, and who had heard what of somebody erased: a replay cannot match such events any more, and the numbers must stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hub.log.event import Recorded
from hub.log.store import Tx
from schemas.events import DOMAIN_EVENT, KEY_ERASED, Erased

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS domain_events (patient BLOB NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (patient, position)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS heard (position INTEGER PRIMARY KEY, subscribers TEXT NOT NULL)",
)
VERSION = 1
TABLES = ("domain_events", "heard")


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Follow domain events by what lies in clear, and take over what a tombstone tells of them."""
    told = [(r.header.patient, r.position) for r in recorded if r.topic == DOMAIN_EVENT]
    if told:
        tx.insert("domain_events", ("patient", "position"), told)
    for r in recorded:
        if r.topic == KEY_ERASED and isinstance(r.rows, Erased):
            rows = [(position, "|".join(subscribers)) for position, subscribers in r.rows.heard]
            tx.insert("heard", ("position", "subscribers"), rows, "ON CONFLICT (position) DO NOTHING")


def matched(tx: Tx, patients: Iterable[bytes], until: int) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """Give the subscribers of each domain event of these Patients up to a position, in the order in which they were numbered."""
    positions = [p for (p,) in tx.each("SELECT position FROM domain_events WHERE patient IN", patients, (until,), " AND position<=?")]
    found: dict[int, list[str]] = {position: [] for position in positions}
    for position, subscriber in tx.each("SELECT position, subscriber FROM feeds WHERE position IN", positions):
        found[position].append(subscriber)
    return tuple((position, tuple(sorted(found[position]))) for position in sorted(found))


def known(tx: Tx, after: int, until: int) -> Mapping[int, tuple[str, ...]]:
    """Give what tombstones tell of the events between two positions: position → subscribers."""
    rows = tx.all("SELECT position, subscribers FROM heard WHERE position>? AND position<=?", (after, until))
    return {position: tuple(filter(None, subscribers.split("|"))) for position, subscribers in rows}
