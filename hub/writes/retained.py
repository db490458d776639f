"""How long what is kept about a person has to be kept: by the newest record of each custodian and the rules for its kind of organization.

A record counts by the day on which it was told here, or by the last day that it names where that is later. Neither alone would do: an illness
that goes on may have begun thirty years ago, and a plan reaches beyond today. What was taken back counts as what was not: its versions are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from consent.ask import Record
from consent.retention import due
from hub.gate import Gate
from hub.log.store import Tx
from hub.region import Region
from hub.tables import resources
from hub.views.ages import JST

_ENDLESS = 9000
"""Year from which on a day stands for none: systems without an empty end write 9999-12-31."""


def due_of(tx: Tx, patients: Iterable[bytes], gate: Gate, region: Region, today: date) -> date:
    """Give the first day on which the keys of a person of these Patients may go; today where nothing is kept that asks for more."""
    found = due((_kind(region, custodian), day) for custodian, day in _days(tx, list(patients), gate))
    return found if found is not None else today


def _days(tx: Tx, patients: list[bytes], gate: Gate) -> Iterator[tuple[str, date]]:
    """Give days of records by custodian, the newest among them: when each last told something (in Japan), and what its records name."""
    for custodian, told in resources.last_told(tx, patients):
        yield custodian, datetime.fromtimestamp(told / 1000, UTC).astimezone(JST).date()
    for row in resources.of_patients(tx, patients):
        for day in _named(gate.record(row)):
            yield row.custodian, day


def _named(record: Record | None) -> list[date]:
    told = (record.begins, record.ends) if record is not None else ()
    return [day for day in told if day is not None and day.year < _ENDLESS]


def _kind(region: Region, custodian: str) -> str:
    office = region.offices.get(custodian)
    return office.kind if office else ""
