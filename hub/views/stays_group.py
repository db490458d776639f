"""Sorts the statements of one person at one hospital into stays: by the key that a message names, by the planned date, by which stay was open.

Many messages (A02, A16, A21, a bare A03) cannot name their stay. They belong to the stay that was open when they happened; with none open
they stay pending until one is known. Source: hospital facts, state machine of a stay: identity is (facility, patient, admission date).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from hub.views.ages import Moment
from hub.views.stays_fold import State, admitted, discharged, planned, state
from hub.views.stays_read import Piece, begins
from hub.views.stays_tables import keyed


@dataclass(slots=True)
class Group:
    """The statements about one stay, as they are being collected."""

    key: str
    pieces: list[Piece] = field(default_factory=list)

    @property
    def fhir(self) -> bool:
        """Say whether the stay is told by versions of a FHIR Encounter."""
        return not self.pieces[0].event


def group(found: Sequence[Piece]) -> tuple[list[Group], list[Piece]]:
    """Sort the statements about one patient of one custodian; give the stays and what belongs to none yet."""
    groups: dict[str, Group] = {}
    loose: list[Piece] = []
    for one in found:
        key = one.stay or _own_key(one)
        if key:
            groups.setdefault(key, Group(key)).pieces.append(one)
        else:
            loose.append(one)
    found_groups = list(groups.values())
    if len(found_groups) <= 1 and not loose:
        return found_groups, loose
    return attach(_with_plans(_by_day(found_groups)), loose)


def _own_key(one: Piece) -> str:
    """Give the key that an unnamed plan or admission makes by itself: its date."""
    if one.effect == "plan" and (at := planned(one)):
        return f"planned {at.start.date().isoformat()}"
    if one.effect == "admit" and not one.undo and (at := admitted(one)):
        return f"admitted {at.start.date().isoformat()}"
    return ""


def _by_day(groups: list[Group]) -> list[Group]:
    """Join keys of one day of admission: a corrected hour makes another key, and no second stay."""
    days: dict[date, Group] = {}
    kept: list[Group] = []
    for one in sorted(groups, key=lambda g: g.key):
        began = _began(one)
        if began is None or (first := days.setdefault(began.start.date(), one)) is one:
            kept.append(one)
        else:
            first.pieces.extend(one.pieces)
    return kept


def _with_plans(groups: list[Group]) -> list[Group]:
    """Join a planned admission to the admission of its date."""
    plans = [one for one in groups if not one.fhir and all(piece.effect == "plan" for piece in one.pieces)]
    real = {began.start.date(): one for one in sorted(groups, key=lambda g: g.key) if one not in plans and (began := _began(one))}
    kept = [one for one in groups if one not in plans]
    for plan in sorted(plans, key=lambda g: g.key):
        at = planned(min(plan.pieces, key=lambda one: one.told))
        target = real.get(at.start.date()) if at else None
        if target is None:
            kept.append(plan)
        else:
            target.pieces.extend(plan.pieces)
    return kept


def _began(one: Group) -> Moment | None:
    """Give the admission that a group tells, by whichever of its messages says it."""
    if one.fhir:
        return None
    told = state(one.pieces)
    return admitted(told.admit) or next(
        (at for piece in sorted(one.pieces, key=lambda p: p.told) if piece.effect != "plan" and (at := begins(piece.body))), None
    )


def attach(groups: list[Group], loose: Sequence[Piece]) -> tuple[list[Group], list[Piece]]:
    """Give the messages that name no stay to the one that was open when they happened (for plans and cancellations: when they were told)."""
    if not loose:
        return groups, []
    starts = [(began.start, one) for one in groups if (began := _began(one))]
    starts.sort(key=lambda pair: (pair[0], pair[1].key))
    left: list[Piece] = []
    for piece in sorted(loose, key=lambda one: (_anchor(one), *one.happened)):
        at = _anchor(piece)
        target = _open_at(starts, at)
        if target is None or not _takes(target, piece, at.date()):
            left.append(piece)
        else:
            target.pieces.append(piece)
    return groups, left


def _anchor(one: Piece) -> datetime:
    by_telling = keyed("events", "event")[one.event]["anchor"] == "sent"
    return one.sent if by_telling else one.happened[0]


def _open_at(starts: Sequence[tuple[datetime, Group]], at: datetime) -> Group | None:
    """Give the stay that began last before an instant, else the one that began on its day."""
    before = [one for start, one in starts if start <= at and not _retracted(one)]
    same_day = [one for start, one in starts if start.date() == at.date() and not _retracted(one)]
    return before[-1] if before else same_day[0] if same_day else None


def _retracted(one: Group) -> bool:
    return state(one.pieces).retracted


def _takes(target: Group, piece: Piece, day: date) -> bool:
    """Say whether a stay takes a message: it was open on that day, or the message takes something back."""
    told: State = state(target.pieces)
    end = discharged(told.discharge)
    return piece.undo or end is None or end.start.date() >= day
