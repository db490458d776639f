"""Folds the messages about one stay into what holds: never by arrival.

Two orders rule. What happened is put in order by (occurred, sent, control). Where one fact is told again, corrected or taken back, the later
(sent, control) holds, at one instant the taking back after what it takes back: a discharge told anew after its cancellation holds, even when
it lies earlier on the day. Source: SS-MIX2 / HL7 v2.5 ADT events; state machine of a stay with A13 reopening and A11 retracting it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.views import stays_read as read
from hub.views.ages import Moment
from hub.views.stays_read import Piece


@dataclass(frozen=True, slots=True)
class State:
    """What holds of one stay. `holds` are the pieces in force, `struck` those corrected or taken back, `pending` those with nothing to act on."""

    admit: Piece | None
    plan: Piece | None
    discharge: Piece | None
    discharge_plan: Piece | None
    moves: tuple[Piece, ...]
    leave: Piece | None
    """The leave of absence (外泊) that has not ended."""
    retracted: bool
    holds: tuple[Piece, ...]
    struck: tuple[Piece, ...]
    pending: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class _Fact:
    holds: tuple[Piece, ...] = ()
    struck: tuple[Piece, ...] = ()
    pending: tuple[Piece, ...] = ()

    @property
    def one(self) -> Piece | None:
        return self.holds[-1] if self.holds else None


def state(found: Sequence[Piece]) -> State:
    """Fold the messages of one stay."""
    by_effect: dict[str, list[Piece]] = {}
    for piece in found:
        by_effect.setdefault(piece.effect, []).append(piece)
    facts = {effect: _KINDS.get(effect, _single)(told) for effect, told in by_effect.items()}
    none = _Fact()
    admit, discharge = facts.get("admit", none).one, facts.get("discharge", none).one
    if admit and discharge and _readmitted(admit, discharge):
        facts["discharge"] = _Fact((), (*facts["discharge"].struck, discharge), facts["discharge"].pending)
        discharge = None
    away = _ordered([*facts.get("leave", none).holds, *facts.get("return", none).holds])
    return State(
        admit=admit,
        plan=facts.get("plan", none).one,
        discharge=discharge,
        discharge_plan=facts.get("discharge-plan", none).one,
        moves=facts.get("move", none).holds,
        leave=away[-1] if away and away[-1].effect == "leave" else None,
        retracted=admit is None and "admit" in by_effect,
        holds=_ordered(one for each in facts.values() for one in each.holds),
        struck=_ordered(one for each in facts.values() for one in each.struck),
        pending=_ordered(one for each in facts.values() for one in each.pending),
    )


def _ordered(found: Iterable[Piece]) -> tuple[Piece, ...]:
    return tuple(sorted(found, key=lambda one: one.happened))


def _single(found: Sequence[Piece]) -> _Fact:
    """Take a fact of which there is one in a stay: the last telling holds, unless it takes back."""
    if len(found) == 1:
        return _Fact(pending=tuple(found)) if found[0].undo else _Fact(tuple(found))
    ordered = sorted(found, key=lambda one: one.told)
    told = [one for one in ordered if not one.undo]
    if not told:
        return _Fact(pending=tuple(ordered))
    if ordered[-1].undo:
        return _Fact(struck=tuple(told))
    return _Fact((told[-1],), tuple(told[:-1]))


def _admission(found: Sequence[Piece]) -> _Fact:
    """Take the admission: told under several times of one day, each time is taken back by itself, and the last told holds."""
    named: dict[str, list[Piece]] = {}
    newest = max(found, key=lambda one: (not one.undo, bool(one.stay), one.told)).stay
    for one in found:
        named.setdefault(one.stay or newest, []).append(one)
    if len(named) == 1:
        return _single(found)
    facts = [_single(each) for each in named.values()]
    holds = sorted((piece for each in facts for piece in each.holds), key=lambda one: one.told)
    struck = tuple(piece for each in facts for piece in each.struck)
    return _Fact(tuple(holds[-1:]), (*struck, *holds[:-1]), tuple(piece for each in facts for piece in each.pending))


def _many(found: Sequence[Piece]) -> _Fact:
    """Take a fact that happens several times: one fact a moment; what takes back another moment strikes the only one of its day."""
    moments: dict[datetime, list[Piece]] = {}
    for one in found:
        if not one.undo:
            moments.setdefault(one.happened[0], []).append(one)
    pending: list[Piece] = []
    for one in sorted((one for one in found if one.undo), key=lambda one: one.told):
        at = one.happened[0]
        same_day = [key for key in moments if key.date() == at.date()]
        target = at if at in moments else same_day[0] if len(same_day) == 1 else None
        if target is None:
            pending.append(one)
        else:
            moments[target].append(one)
    facts = [_single(each) for each in moments.values()]
    return _Fact(_ordered(one for each in facts for one in each.holds), tuple(one for each in facts for one in each.struck), tuple(pending))


_KINDS: dict[str, Callable[[Sequence[Piece]], _Fact]] = {"admit": _admission, "move": _many, "leave": _many, "return": _many}
"""How facts are taken together, where not as one fact of which the last telling holds."""


def _readmitted(admit: Piece, discharge: Piece) -> bool:
    """Say whether an admission told after a discharge lies after it: the same day's second admission under one key."""
    begin, end = admitted(admit), discharged(discharge)
    return admit.sent > discharge.sent and begin is not None and end is not None and begin.start > end.start


def admitted(one: Piece | None) -> Moment | None:
    """Give when the person was admitted, as a piece tells it."""
    return (read.begins(one.body) or one.occurred) if one else None


def discharged(one: Piece | None) -> Moment | None:
    """Give when the person was discharged, as a piece tells it."""
    return (read.ends(one.body) or one.occurred) if one else None


def planned(one: Piece | None) -> Moment | None:
    """Give for when the admission is planned."""
    return (one.occurred or read.planned_start(one.body) or read.begins(one.body)) if one else None


def planned_end(one: Piece | None) -> Moment | None:
    """Give for when the discharge is planned."""
    return (one.occurred or read.planned_end(one.body)) if one else None
