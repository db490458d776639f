"""What organizations hear: the difference that one recorded version makes to what is known of a person. Pure; derived, never sent by a source.

A repeat makes no difference, so it derives nothing. Whatever the order of delivery, what was notified and not taken back is in the end what holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.views.ages import Moment
from hub.views.board_marks import TYPES, of_stay, told_by
from hub.views.emergency_read import dated, has_code, reference, shelve, text
from hub.views.shapes import Known, Office
from hub.views.stays import fold
from hub.views.stays_tables import keyed
from hub.views.stays_values import Stay

_TAKEN_BACK = {"entered-in-error", "cancelled", "revoked", "inactive"}


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """One thing that organizations may hear, after the gate. Corrections and cancellations are events too, and undo what they name."""

    kind: str
    """AdmissionPlanned, AdmissionPlanCancelled, AdmissionNotified, AdmissionCancelled, Transferred, WardChanged, LeaveStarted, LeaveEnded,
    DischargePlanned, DischargePlanCancelled, Discharged, DischargeCancelled, StayCorrected, DeathRecorded, DeathCorrected, CarePlanChanged,
    VisitRecorded, UrgentVisitRecorded, VisitCancelled, CareCautionRaised, CareCautionEnded, NextVisitChanged, and those of tasks.csv."""
    episode: str
    """Episode of the stay; empty when it belongs to none."""
    encounter: str
    """`Encounter/id` of the stay or visit; empty when there is none."""
    custodian: str
    about: str
    """`Type/id` of the resource that it is about."""
    occurred: datetime | None
    """When it happened or is to happen; None when no source says."""


def derive(
    before: Sequence[Known], after: Sequence[Known], cause: Known, *, person: str = "", organizations: Mapping[str, Office] | None = None
) -> tuple[DomainEvent, ...]:
    """Derive what one recorded version (`cause`) changed for one person: all that was known `before` it, and `after` it.

    `person` is the opaque reference from which episode ids follow, the same as for the board. `organizations` tell a nurse's summary from a
    hospital's. Events stand in the order in which they happened within a stay.
    """
    if cause.type == "Encounter":
        return (*_stays(before, after, person), *_visit(before, after, cause, person))
    if cause.type in TYPES and (marked := _marked(before, after, cause, person, organizations or {})):
        return marked
    return tuple(_other(before, after, cause, person))


# ── stays ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _stays(before: Sequence[Known], after: Sequence[Known], person: str) -> tuple[DomainEvent, ...]:
    old, new = list(fold(before, person=person)), fold(after, person=person)
    pairs: list[tuple[Stay | None, Stay]] = []
    rest: list[Stay] = []
    for stay in new:
        same = next((one for one in old if one.encounter == stay.encounter and one.custodian == stay.custodian), None)
        if same is None:
            rest.append(stay)
        else:
            old.remove(same)
            pairs.append((same, stay))
    for stay in rest:
        same = next((one for one in old if one.custodian == stay.custodian and one.references & stay.references), None)
        if same is not None:
            old.remove(same)
        pairs.append((same, stay))
    pairs.sort(key=lambda pair: new.index(pair[1]))
    gone = [event for stay in old if _admitted(stay) for event in [_event("AdmissionCancelled", stay, stay.admitted)]]
    return (*(event for was, now in pairs for event in _changes(was, now)), *gone)


def _admitted(stay: Stay | None) -> bool:
    """Say whether an admission was told that holds."""
    return stay is not None and stay.known and not stay.cancelled


def _changes(was: Stay | None, now: Stay) -> Iterator[DomainEvent]:
    before, after = _admitted(was), _admitted(now)
    planned = was is not None and was.status == "planned"
    if now.status == "planned" and not (planned and was and was.planned_start == now.planned_start):
        yield _event("AdmissionPlanned", now, now.planned_start)
    if planned and now.cancelled:
        yield _event("AdmissionPlanCancelled", now, now.planned_start)
    if after and not before:
        yield _event("AdmissionNotified", now, now.admitted)
    if after and _transferred(now) and not (was and _transferred(was) and before):
        yield _event("Transferred", now, now.admitted)
    if before and after and was and was.admitted != now.admitted:
        yield _event("StayCorrected", now, now.admitted)
    if before and after and was and now.ward and was.ward != now.ward:
        yield _event("WardChanged", now, _last(now, "move") or now.admitted)
    yield from _leaves(was, now)
    yield from _plans(was, now)
    yield from _ends(was, now)
    if before and not after:
        yield _event("AdmissionCancelled", now, now.admitted)


def _transferred(stay: Stay) -> bool:
    return stay.continues or stay.transferred_in


def _leaves(was: Stay | None, now: Stay) -> Iterator[DomainEvent]:
    away = was is not None and was.status == "leave"
    if now.status == "leave" and not (away and was and was.leave_since == now.leave_since):
        yield _event("LeaveStarted", now, now.leave_since)
    if away and now.status != "leave":
        yield _event("LeaveEnded", now, _last(now, "return"))


def _plans(was: Stay | None, now: Stay) -> Iterator[DomainEvent]:
    planned = was.planned_end if was and was.is_open else None
    if now.is_open and now.planned_end and now.planned_end != planned:
        yield _event("DischargePlanned", now, now.planned_end)
    if planned and now.is_open and now.planned_end is None:
        yield _event("DischargePlanCancelled", now, planned)


def _ends(was: Stay | None, now: Stay) -> Iterator[DomainEvent]:
    ended, died = (was.status == "discharged", was.disposition == "died") if was else (False, False)
    if now.status == "discharged" and not ended:
        yield _event("Discharged", now, now.ended)
    if ended and was and now.status == "discharged" and was.ended != now.ended:
        yield _event("StayCorrected", now, now.ended)
    if ended and was and now.status != "discharged":
        yield _event("DischargeCancelled", now, was.ended)
    if now.disposition == "died" and not died:
        yield _event("DeathRecorded", now, now.ended)
    if died and was and now.disposition != "died":
        yield _event("DeathCorrected", now, was.ended)


def _last(stay: Stay, effect: str) -> Moment | None:
    found = [one.when for one in stay.told if one.effect == effect and one.state == "done" and one.when]
    return found[-1] if found else None


def _event(kind: str, stay: Stay, at: Moment | None) -> DomainEvent:
    return DomainEvent(kind, stay.episode, stay.encounter, stay.custodian, stay.encounter, at.start if at else None)


# ── what offices mark, plans, visits, cautions ───────────────────────────────────────────────────────────────────────


def _earlier(before: Sequence[Known], cause: Known) -> Known | None:
    """Give the newest version of the same resource that was known before."""
    same = [one for one in before if (one.type, one.id, one.custodian) == (cause.type, cause.id, cause.custodian)]
    return max(same, key=lambda one: one.version) if same else None


def _marked(
    before: Sequence[Known], after: Sequence[Known], cause: Known, person: str, organizations: Mapping[str, Office]
) -> tuple[DomainEvent, ...]:
    shelf = shelve([cause], cause.recorded, organizations)
    found = [one for known in shelf.known for one in told_by(shelf, known) if not one.ahead]
    earlier = _earlier(before, cause)
    if earlier is not None:
        told = shelve([earlier], cause.recorded, organizations)
        codes = {one.code for known in told.known for one in told_by(told, known) if not one.ahead}
        found = [one for one in found if one.code not in codes]
    stays = fold(after, person=person) if found else ()
    made = []
    for one in found:
        stay = next((stay for stay in stays if of_stay(stay, stays, [one])), None)
        encounter = stay.encounter if stay else min(one.encounters, default="")
        made.append(
            DomainEvent(
                keyed("tasks", "code")[one.code]["event"],
                stay.episode if stay else "",
                encounter,
                cause.custodian,
                one.reference,
                one.at.start,
            )
        )
    return tuple(made)


def _visit(before: Sequence[Known], after: Sequence[Known], cause: Known, person: str) -> tuple[DomainEvent, ...]:
    if not has_code(cause.body, "class", "HH"):
        return ()
    earlier = _earlier(before, cause)
    was = earlier is not None and text(earlier.body, "status") == "finished"
    status = text(cause.body, "status")
    urgent = has_code(cause.body, "priority", "EM", "UR", "S")
    if status == "finished" and not was:
        return (_about("UrgentVisitRecorded" if urgent else "VisitRecorded", cause, after, person),)
    return (_about("VisitCancelled", cause, after, person),) if was and status in _TAKEN_BACK else ()


def _other(before: Sequence[Known], after: Sequence[Known], cause: Known, person: str) -> Iterator[DomainEvent]:
    earlier = _earlier(before, cause)
    if earlier is not None and _content(earlier) == _content(cause):
        return
    status = text(cause.body, "status")
    was = text(earlier.body, "status") if earlier else ""
    if cause.type == "CarePlan" and (status == "active" or (was == "active" and status != "active")):
        yield _about("CarePlanChanged", cause, after, person)
    elif cause.type == "Flag" and status == "active":
        yield _about("CareCautionRaised", cause, after, person)
    elif cause.type == "Flag" and was == "active" and status in _TAKEN_BACK:
        yield _about("CareCautionEnded", cause, after, person)
    elif cause.type == "Appointment" and (
        status in {"booked", "proposed", "pending"} or (was in {"booked", "proposed", "pending"} and status == "cancelled")
    ):
        yield _about("NextVisitChanged", cause, after, person)


def _content(one: Known) -> dict[str, object]:
    return {name: part for name, part in one.body.items() if name != "meta"}


def _about(kind: str, cause: Known, after: Sequence[Known], person: str) -> DomainEvent:
    """Make an event about a resource; it belongs to the stay that was open when it happened."""
    at = dated(cause)
    encounter = reference(cause) if cause.type == "Encounter" else ""
    return DomainEvent(kind, _open_at(after, at, person), encounter, cause.custodian, reference(cause), at.start if at else None)


def _open_at(after: Sequence[Known], at: Moment | None, person: str) -> str:
    if at is None:
        return ""
    inside = [
        one
        for one in fold(after, person=person)
        if not one.cancelled and one.admitted and one.admitted.start <= at.start and (one.ended is None or at.start <= one.ended.start)
    ]
    return inside[-1].episode if inside else ""
