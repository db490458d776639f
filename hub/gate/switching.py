"""The switch of a disaster as a decision sees it: on now for the asker's organization, or not."""

from __future__ import annotations

from datetime import datetime

from consent.ask import Disaster
from hub.clock import milliseconds, moment
from hub.commands import Asking
from hub.log.store import Tx
from hub.tables import disasters


def switch_of(tx: Tx, asking: Asking, at: datetime, position: int | None = None) -> Disaster | None:
    """Give the switch that is on for the asker's organization at a moment, the newest of several; `position` = by what was recorded until then."""
    if not asking.requester.person:
        return None
    held = [d for d in disasters.on(tx, milliseconds(at), position) if asking.requester.organization in d.organizations.split()]
    if not held:
        return None
    row = held[-1]
    return Disaster(row.reference, frozenset(row.organizations.split()), moment(row.since), moment(row.until))


def stands(tx: Tx, switch: Disaster | None) -> bool:
    """Say whether a switch that a decision was prepared on has not been ended meanwhile."""
    row = disasters.one(tx, switch.reference) if switch is not None else None
    return switch is None or (row is not None and not row.shut)
