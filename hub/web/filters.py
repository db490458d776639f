"""What an officer searches the record of disclosures by, read from the parameters of an address: opaque references, codes and times, never a name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import get_args

from hub.assemble import Hub
from hub.clock import milliseconds
from hub.commands import Asking
from hub.reads.past import instant
from hub.tables.decisions import GIVEN, Filter
from hub.views.ages import JST
from schemas.errors import BadValue
from schemas.events import Action, Effect

FILTERS = (
    "person",
    "user",
    "organization",
    "role",
    "from",
    "from_time",
    "to",
    "to_time",
    "reason",
    "basis",
    "outcome",
    "purpose",
    "action",
)
_OFFSET = re.compile(r"T.*(?:Z|[+ -][0-9]{2}:?[0-9]{2})$")
_OUTCOMES = {GIVEN, *get_args(Effect)}


def filters_of(params: Mapping[str, str]) -> dict[str, str]:
    """Give all filters by name; empty = any."""
    return {name: params.get(name, "").strip() for name in FILTERS}


def read_filter(hub: Hub, asking: Asking, filters: Mapping[str, str]) -> Filter:
    """Read filters. A day is one of Japan, both ends inclusive; with a time of day, to the minute; a time with offset to the millisecond.

    Raises BadValue: HUB-4083 for what is no day or time, HUB-5180 for an outcome or action that there is not; NotFound for a person's
    reference that was not made for the asker.
    """
    for name, allowed in (("outcome", _OUTCOMES), ("action", set(get_args(Action)))):
        if filters[name] and filters[name] not in allowed:
            raise BadValue("HUB-5180", where=name, known="、".join(sorted(allowed)))
    return Filter(
        persons=hub.audit.persons(asking, filters["person"]) if filters["person"] else (),
        organization=filters["organization"], user=filters["user"], role=filters["role"], purpose=filters["purpose"],
        effect=filters["outcome"], action=filters["action"], reason=filters["reason"], basis=filters["basis"],
        since=moment(filters["from"], filters["from_time"], "from"), until=moment(filters["to"], filters["to_time"], "to", over=True),
    )  # fmt: skip


def moment(day: str, time: str, where: str, *, over: bool = False) -> int | None:
    """Read a day and a time of day; `over` = when they are over."""
    text = f"{day}T{time}" if day and time else day
    if not text:
        return None
    try:
        if _OFFSET.search(text):
            return milliseconds(instant(text))  # to the millisecond, as it was asked
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:  # an offset of hours alone
            return milliseconds(at)
        unit = timedelta(0) if not over else timedelta(minutes=1) if "T" in text else timedelta(days=1)
        return milliseconds((at.replace(tzinfo=JST) + unit).astimezone(UTC))
    except (ValueError, OverflowError) as fault:
        raise BadValue("HUB-4083", where=where) from fault
