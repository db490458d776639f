"""A hospital stay (入院) as a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hub.views.ages import Moment

Status = Literal["planned", "in", "leave", "discharge-planned", "discharged", "cancelled"]


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that a hospital told of a stay, for the course (経過)."""

    effect: str
    words: str
    when: Moment | None
    sent: datetime
    ward: str
    source: str
    reference: str
    state: Literal["done", "struck", "pending"]


@dataclass(frozen=True, slots=True)
class Stay:
    """One stay: (custodian, patient, admission)."""

    episode: str
    """Opaque; the same for the stays that follow by transfer (転院)."""
    custodian: str
    source: str
    patient: str
    """Reference of the custodian's Patient, as the asker sees it."""
    named: str
    """Opaque name of that Patient, the same for every asker; empty = not told."""
    encounter: str
    """`Encounter/id` that speaks for the stay."""
    references: frozenset[str]
    """All Encounters that told of it."""
    status: Status
    planned_start: Moment | None
    admitted: Moment | None
    ended: Moment | None
    planned_end: Moment | None
    leave_since: Moment | None
    leave_until: Moment | None
    ward: str
    reason: str
    urgency: str
    """planned / emergency / unannounced (no plan was told: an emergency, as far as one can see) / empty."""
    discharge: str
    """Where the person went, in words."""
    disposition: str
    """home / hospital / facility / died / other; empty when not told."""
    transferred_in: bool
    """The hospital says that the person came from another one."""
    continues: bool
    """Follows a stay of the same episode."""
    known: bool
    """An admission was told, not only a cancellation, a plan or a discharge."""
    reconstructed: bool
    """No admission was told; it is concluded from a later message."""
    window: str
    first_sent: datetime
    sent: datetime
    form: Literal["messages", "versions"]
    told: tuple[Told, ...]
    doubts: tuple[str, ...]
    """What a human should look at (`retracted-after-discharge`, `ward-gap`, `left-open`)."""

    @property
    def cancelled(self) -> bool:
        """Say whether the stay was retracted, or its plan given up."""
        return self.status == "cancelled"

    @property
    def pending(self) -> tuple[Told, ...]:
        """Give the cancellations that have nothing to cancel yet."""
        return tuple(one for one in self.told if one.state == "pending")

    @property
    def is_open(self) -> bool:
        """Say whether the person is in hospital now, as far as was told."""
        return self.status in {"in", "leave", "discharge-planned"}

    @property
    def begins(self) -> Moment | None:
        """Give the admission, else the day for which it is planned."""
        return self.admitted or self.planned_start
