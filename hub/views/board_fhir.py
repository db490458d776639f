"""The 入退院 view as FHIR R4 (`$board`): a searchset Bundle of EpisodeOfCare, Encounter and Task (deadline). What is folded is written, not what was sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from hub.views.ages import JST, Moment
from hub.views.board_marks import TASKS
from hub.views.board_rows import Placed
from hub.views.board_shapes import Deadline
from hub.views.stays_values import Stay
from hub.views.summary_fhir import clean
from schemas.adapter import BASE
from schemas.ids import INSTITUTION, KAIGO_OFFICE

_ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_EPISODES = f"{BASE}/sid/episode"
_ENCOUNTER = {"planned": "planned", "in": "in-progress", "leave": "onleave", "discharge-planned": "in-progress", "discharged": "finished",
              "cancelled": "cancelled"}  # fmt: skip
_EPISODE = {
    "planned": "planned",
    "in": "active",
    "leave": "active",
    "discharge-planned": "active",
    "discharged": "finished",
    "cancelled": "cancelled",
}
_TASK = {"due-today": "requested", "due": "requested", "second": "requested", "overdue": "requested", "done": "completed"}
_STATES = {"due-today": "きょうまで", "due": "期限内", "second": "2つめの期限まで", "overdue": "期限切れ", "done": "すみ"}


def bundle(placed: Sequence[Placed], base: str, now: datetime) -> dict[str, Any]:
    """Make the Bundle: episodes are what was searched for, their stays and deadlines are included. Entries stand in the board's order."""
    at = now.astimezone(JST)
    root = base.rstrip("/")
    entries: dict[str, dict[str, Any]] = {}
    for one in placed:
        for resource, mode in _resources(one, at):
            address = f"{root}/{resource['resourceType']}/{resource['id']}"
            entries.setdefault(address, {"fullUrl": address, "resource": resource, "search": {"mode": mode}})
    made = {
        "resourceType": "Bundle",
        "type": "searchset",
        "timestamp": at.isoformat(timespec="milliseconds"),
        "total": sum(one["search"]["mode"] == "match" for one in entries.values()),
        "link": [{"relation": "self", "url": f"{root}/$board"}],
    }
    return made | ({"entry": list(entries.values())} if entries else {})


def _resources(one: Placed, now: datetime) -> list[tuple[dict[str, Any], str]]:
    stays = [*one.case.stays, *([] if one.case.stay in one.case.stays else [one.case.stay])]
    found = [(_episode(one, stays), "match"), *((_encounter(stay), "include") for stay in stays)]
    if one.turn.deadline is not None and one.turn.deadline.state != "none":
        found.append((_task(one, one.turn.deadline, now), "include"))
    return found


def _episode(one: Placed, stays: Sequence[Stay]) -> dict[str, Any]:
    stay = one.case.stay
    last = stays[-1]
    manager = one.case.manager
    return _filled({
        "resourceType": "EpisodeOfCare",
        "id": stay.episode,
        "identifier": [{"system": _EPISODES, "value": stay.episode}],
        "status": _EPISODE[last.status],
        "type": [{"text": "入院"}],
        "patient": _patient(stay),
        "managingOrganization": _office(last.custodian, last.source, hospital=True),
        "period": _period(stays[0].admitted or stays[0].planned_start, last.ended),
        "careManager": {"type": "PractitionerRole", "display": clean(one.case.manager_words)} if manager and one.case.manager_words else {},
    })  # fmt: skip


def _encounter(stay: Stay) -> dict[str, Any]:
    gone = {"dischargeDisposition": {"text": clean(stay.discharge)}} if stay.discharge else {}
    return _filled({
        "resourceType": "Encounter",
        "id": stay.encounter.rsplit("/", 1)[-1],
        "status": _ENCOUNTER[stay.status],
        "class": {"system": _ACT, "code": "IMP", "display": "inpatient encounter"},
        "subject": _patient(stay),
        "episodeOfCare": [{"reference": f"EpisodeOfCare/{stay.episode}"}],
        "reasonCode": [{"text": clean(stay.reason)}] if stay.reason else [],
        "period": _period(stay.admitted or stay.planned_start, stay.ended),
        "hospitalization": gone,
        "location": [{"location": {"display": clean(stay.ward)}}] if stay.ward else [],
        "serviceProvider": _office(stay.custodian, stay.source, hospital=True),
    })  # fmt: skip


def _task(one: Placed, deadline: Deadline, now: datetime) -> dict[str, Any]:
    """Write a deadline: the last instant in `restriction.period.end`, the reckoning as notes."""
    end = deadline.second_until if deadline.state in {"second", "overdue"} and deadline.second_until else deadline.first_until
    stay, office = one.case.stay, one.case.office
    return _filled({
        "resourceType": "Task",
        "id": str(uuid5(NAMESPACE_URL, f"{BASE}/task/{office.code}/{stay.episode}/{stay.encounter}/{deadline.kind}")),
        "status": _TASK[deadline.state],
        "businessStatus": {"text": deadline.done_as or _STATES[deadline.state]},
        "intent": "order",
        "code": {"coding": [{"system": TASKS, "code": deadline.kind}], "text": deadline.title},
        "description": clean(one.row.next),
        "focus": {"reference": stay.encounter},
        "for": _patient(stay),
        "lastModified": now.isoformat(timespec="seconds"),
        "owner": _office(office.code, office.name, hospital=office.kind in {"hospital", "clinic", "dentist", "pharmacy"}),
        "note": [{"text": clean(said)} for said in deadline.reasoning],
        "restriction": {"period": {"end": (end - timedelta(seconds=1)).astimezone(JST).isoformat(timespec="seconds")}} if end else {},
    })  # fmt: skip


def _patient(stay: Stay) -> dict[str, Any]:
    """Point at the custodian's Patient; where a source names none, say whose patient it is and nothing more."""
    return {"reference": stay.patient} if stay.patient else {"type": "Patient", "display": "患者の参照なし"}


def _office(code: str, name: str, *, hospital: bool) -> dict[str, Any]:
    return _filled(
        {
            "type": "Organization",
            "identifier": {"system": INSTITUTION if hospital else KAIGO_OFFICE, "value": code},
            "display": clean(name) if name else "",
        }
    )


def _period(begins: Moment | None, ends: Moment | None) -> dict[str, Any]:
    start, end = _written(begins), _written(ends)
    if begins and ends and ends.start < begins.start:
        start = ""
    return {name: value for name, value in (("start", start), ("end", end)) if value}


def _written(at: Moment | None) -> str:
    """Write a moment as a FHIR dateTime, as precise as it is known."""
    if at is None:
        return ""
    if at.precision == "time":
        return at.start.isoformat(timespec="seconds")
    return at.start.date().isoformat()[: {"year": 4, "month": 7, "day": 10}[at.precision]]


def _filled(body: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is empty: R4 has no empty objects, arrays or strings."""
    return {name: value for name, value in body.items() if value not in ({}, [], "")}
