"""Hospital stays (入院) of one person, folded from all that hospitals told: pure, the same for every order and number of deliveries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from hub.views import stays_read as read
from hub.views.ages import Moment
from hub.views.emergency_read import reference, text
from hub.views.shapes import Known
from hub.views.stays_episodes import episodes, once
from hub.views.stays_fold import State, admitted, discharged, planned, planned_end, state
from hub.views.stays_group import group
from hub.views.stays_read import Names, Piece, pieces
from hub.views.stays_tables import keyed
from hub.views.stays_values import Status, Stay, Told

__all__ = ["Stay", "Told", "fold", "fold_all", "unplaced"]
_STATUS: dict[str, Status] = {
    "planned": "planned", "arrived": "in", "triaged": "in", "in-progress": "in", "onleave": "leave", "finished": "discharged",
    "cancelled": "cancelled", "entered-in-error": "cancelled",
}  # fmt: skip
"""FHIR Encounter.status → status of a stay; `unknown` counts as in hospital until there is an end."""


def fold(known: Sequence[Known], *, person: str = "") -> tuple[Stay, ...]:
    """Fold one person's Encounters (all versions, any order, any number of times) into stays, oldest first.

    `person` is an opaque reference that does not depend on the custodian or the asker; episode ids follow from it.
    """
    return fold_all(known, person=person)[0]


def unplaced(known: Sequence[Known]) -> tuple[Told, ...]:
    """Give the messages that belong to no stay known so far, such as a discharge without an admission."""
    return fold_all(known)[1]


def fold_all(known: Sequence[Known], *, person: str = "") -> tuple[tuple[Stay, ...], tuple[Told, ...]]:
    """Give the stays and what belongs to none, in one go."""
    by_patient: dict[tuple[str, str], list[Piece]] = {}
    for piece in pieces(known):
        by_patient.setdefault((piece.custodian, piece.patient), []).append(piece)
    if not by_patient:
        return (), ()
    names = _names(known)
    stays: list[Stay] = []
    left: list[Told] = []
    for each in by_patient.values():
        groups, loose = group(each)
        for one in groups:
            made = _from_versions(one.pieces, names) if one.fhir else _from_messages(one.pieces, names)
            if made is None:
                loose = [*loose, *one.pieces]
            else:
                stays.append(made)
        left += [_told(piece, "pending", names) for piece in loose]
    return episodes(once(stays), person), tuple(sorted(left, key=lambda one: (one.sent, one.effect, one.reference)))


def _names(known: Iterable[Known]) -> Names:
    places: dict[str, str] = {}
    conditions: dict[str, str] = {}
    for one in known:
        if one.type == "Location":
            places[reference(one)] = text(one.body, "name") or text(one.body, "identifier.value")
        elif one.type == "Condition":
            conditions[reference(one)] = read.words_of_condition(one.body)
    return Names(places, conditions)


# ── one stay ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _from_versions(found: Sequence[Piece], names: Names) -> Stay:
    """Take a FHIR Encounter's newest version; older ones tell when the ward was another."""
    newest = max(found, key=lambda one: one.told)
    body = newest.body
    began, end = read.begins(body), read.ends(body)
    status: Status = _STATUS.get(text(body, "status")) or ("discharged" if end else "in")
    leaving = read.planned_end(body) or (end if status in {"in", "leave"} else None)
    if status == "in" and leaving:
        status = "discharge-planned"
    words, where_to = read.disposition(body) if status == "discharged" else ("", "")
    planned_for = read.planned_start(body) or (began if status == "planned" else None)
    real = status not in {"planned", "cancelled"}
    told: list[Told] = []
    places = list(read.locations(body, names.places)) or [("", began)]
    if real or (status == "cancelled" and began):
        told.append(Told("admit", "入院", began, newest.sent, places[0][0], newest.source, newest.reference, "done" if real else "struck"))
    told += [Told("move", "移動", since, newest.sent, place, newest.source, newest.reference, "done") for place, since in places[1:]]
    if status == "discharged":
        told.append(Told("discharge", "退院", end, newest.sent, "", newest.source, newest.reference, "done"))
    return Stay(
        episode="", custodian=newest.custodian, source=newest.source, patient=newest.patient, named=newest.named, encounter=newest.reference,
        references=frozenset({newest.reference}), status=status, planned_start=planned_for, admitted=began if status != "planned" else None,
        ended=end if status == "discharged" else None, planned_end=leaving if real and status != "discharged" else None,
        leave_since=None, leave_until=None, ward=read.ward(body, names.places), reason=read.reason(body, names.conditions),
        urgency=read.urgency(body), discharge=words, disposition=where_to, transferred_in=read.came_by_transfer(body), continues=False,
        known=real, reconstructed=False, window=read.window(body),
        first_sent=min(one.sent for one in found), sent=newest.sent, form="versions", told=tuple(told), doubts=(),
    )  # fmt: skip


def _from_messages(found: Sequence[Piece], names: Names) -> Stay | None:
    """Fold a hospital's messages; None when they tell of nothing but a plan's cancellation."""
    held = state(found)
    newest = max(found, key=lambda one: one.told)
    real = [one for one in found if one.effect not in {"plan", "admit"}]
    status = _status(held, real)
    if status is None:
        return None
    begun = None if status == "planned" else admitted(_last(found, "admit", held.admit)) or _told_start(found)
    spoken = [one for one in sorted(found, key=lambda one: one.told, reverse=True) if not one.undo]
    words, where_to = read.disposition(held.discharge.body) if held.discharge else ("", "")
    chief = held.admit or held.plan or held.discharge or min(found, key=lambda one: (not one.stay, one.told))
    return Stay(
        episode="", custodian=newest.custodian, source=newest.source, patient=newest.patient, named=newest.named, encounter=chief.reference,
        references=frozenset(one.reference for one in found), status=status, planned_start=planned(_last(found, "plan", held.plan)), admitted=begun,
        ended=discharged(held.discharge) if status == "discharged" else None,
        planned_end=planned_end(held.discharge_plan) if status not in {"discharged", "cancelled"} else None,
        leave_since=held.leave.occurred if held.leave and status == "leave" else None,
        leave_until=read.leave_until(held.leave.body) if held.leave and status == "leave" else None,
        ward=_ward(held, spoken, names), reason=next((told for one in spoken if (told := read.reason(one.body, names.conditions))), ""),
        urgency="planned" if held.plan else "unannounced" if held.admit else "", discharge=words, disposition=where_to,
        transferred_in=any(read.came_by_transfer(one.body) for one in spoken), continues=False, known=held.admit is not None,
        reconstructed=status not in {"planned", "cancelled"} and held.admit is None,
        window=next((told for one in spoken if (told := read.window(one.body))), ""), first_sent=min(one.sent for one in found), sent=newest.sent,
        form="messages", told=_course(held, names), doubts=_doubts(held, status, names),
    )  # fmt: skip


def _status(held: State, real: Sequence[Piece]) -> Status | None:
    if held.retracted:
        return "cancelled"
    if held.admit or real:
        return "discharged" if held.discharge else "leave" if held.leave else "discharge-planned" if held.discharge_plan else "in"
    if held.plan:
        return "planned"
    return "cancelled" if held.struck else None


def _last(found: Sequence[Piece], effect: str, holding: Piece | None) -> Piece | None:
    """Give the piece that holds, else the last that was taken back: a cancelled stay keeps its dates."""
    taken_back = [one for one in found if one.effect == effect and not one.undo]
    return holding or (max(taken_back, key=lambda one: one.told) if taken_back else None)


def _told_start(found: Sequence[Piece]) -> Moment | None:
    """Give the admission time that a later message repeats (PV1-44); the newest telling holds."""
    return next(
        (at for one in sorted(found, key=lambda one: one.told, reverse=True) if one.effect != "plan" and (at := read.begins(one.body))),
        None,
    )


def _ward(held: State, spoken: Sequence[Piece], names: Names) -> str:
    """Give the ward: the last move's, else the admission's, else the one that any message tells."""
    order = [*reversed(held.moves), *([held.admit] if held.admit else []), *spoken]
    here = next((told for one in order if (told := read.ward(one.body, names.places))), "")
    return here or next((told for one in spoken if (told := read.left_ward(one.body, names.places))), "")


def _course(held: State, names: Names) -> tuple[Told, ...]:
    told = [_told(one, "done", names) for one in held.holds]
    told += [_told(one, "struck", names) for one in held.struck]
    told += [_told(one, "pending", names) for one in held.pending]
    return tuple(sorted(told, key=lambda one: (one.when.start if one.when else one.sent, one.sent, one.effect, one.state)))


def _told(one: Piece, how: Literal["done", "struck", "pending"], names: Names) -> Told:
    times = {"admit": admitted, "discharge": discharged, "plan": planned, "discharge-plan": planned_end}
    when = times[one.effect](one) if one.effect in times else one.occurred
    return Told(
        one.effect,
        keyed("events", "event")[one.event]["words"],
        when,
        one.sent,
        read.ward(one.body, names.places),
        one.source,
        one.reference,
        how,
    )


def _doubts(held: State, status: Status, names: Names) -> tuple[str, ...]:
    found = []
    if status == "cancelled" and (held.discharge or held.moves):
        found.append("retracted-after-discharge")
    here = read.ward(held.admit.body, names.places) if held.admit else ""
    for one in held.moves:
        left = read.left_ward(one.body, names.places)
        if here and left and left != here:
            found.append("ward-gap")
            break
        here = read.ward(one.body, names.places)
    return tuple(found)
