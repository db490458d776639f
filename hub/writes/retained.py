"""How long what is kept about a person has to be kept: by the newest record of each custodian and the rules for its kind of organization."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from consent.retention import due
from hub.gate import Gate
from hub.log.store import Tx
from hub.region import Region
from hub.tables import resources
from hub.tables.resources import Row
from hub.views.ages import JST

_LASTING = frozenset({"Encounter"})
"""What goes on while it has no end: it counts by the day on which it was last told."""


def due_of(tx: Tx, patients: Iterable[bytes], gate: Gate, region: Region, today: date) -> date:
    """Give the first day on which the keys of a person of these Patients may go; today where nothing is kept that asks for more."""
    found = due(_days(resources.of_patients(tx, patients), gate, region))
    return found if found is not None else today


def _days(rows: Iterable[Row], gate: Gate, region: Region) -> Iterator[tuple[str, date]]:
    for row in rows:
        office = region.offices.get(row.custodian)
        yield office.kind if office else "", _day(row, gate)


def _day(row: Row, gate: Gate) -> date:
    """Give the day of a record: its last day of care, else the day on which it was recorded (in Japan)."""
    recorded = datetime.fromtimestamp(row.updated / 1000, UTC).astimezone(JST).date()
    known = gate.record(row)
    if known is None:
        return recorded
    return known.ends or (known.begins if row.type not in _LASTING else None) or recorded
