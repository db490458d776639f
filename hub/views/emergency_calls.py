"""Whom to call now: the nurse on duty, the doctor, the family in their order, the care manager (介護支援専門員)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hub.views.emergency_family import NO_PHONE, Found, family, nobody, phone
from hub.views.emergency_read import Shelf, aged, codings, ended, said, text, true, walk, when, words
from hub.views.emergency_shapes import Call
from hub.views.emergency_tables import keyed, plain, rows
from hub.views.people import care_level_codes, name
from hub.views.shapes import Chip, Known, Office

DIRECTORY = "地域の名簿"
_ROUND_THE_CLOCK = ("24時間", "24h", "oncall-24h", "oncall_24h", "round-the-clock")


@dataclass(frozen=True, slots=True)
class CallList:
    """The list in its order, and what is said when there is no family to call."""

    calls: tuple[Call, ...]
    no_one: str


def call_list(shelf: Shelf) -> CallList:
    """Make the list: offices that care for the person, doctors by name, family by rank, the care manager; nobody twice."""
    relatives = list(family(shelf))
    found = sorted([*_named(shelf), *_offices(shelf), *relatives], key=lambda one: one.order)
    kept: dict[str, Call] = {}
    phones: set[str] = set()
    for one in found:
        phone = _digits(one.call.phone)
        if one.key in kept or (phone and phone in phones):
            continue
        kept[one.key] = one.call
        phones.add(phone)
    return CallList(tuple(kept.values()), "" if relatives else nobody(shelf))


def _digits(phone: str) -> str:
    return "".join(c for c in plain(phone) if c.isdigit())


# ── offices and doctors ──────────────────────────────────────────────────────────────────────────────────────────────


def _kind(office: Office) -> dict[str, str]:
    return dict(keyed("call_kinds", "kind").get(office.kind) or keyed("call_kinds", "kind")["other"])


def _offices(shelf: Shelf) -> Iterator[Found]:
    """Give the offices that have cared for the person lately, each with its hours; the care manager by the newest active plan."""
    manager = care_manager(shelf)
    if manager is not None:
        office, plan, display = manager
        yield _office_call(shelf, office, plan, display)
    support = any("要支援" in level or level in {"12", "13", "06"} for level in care_level_codes(shelf)) or manager is None
    for code, office in shelf.offices.items():
        row = _kind(office)
        if not row["days"] or row["days"] == "0" or (office.kind == "support-center" and not support):
            continue
        contacts = [
            one for one in shelf.of("Encounter", "Appointment", "MedicationRequest", "CarePlan", "Communication") if one.custodian == code
        ]
        recent = next((one for one in contacts if timedelta() <= shelf.now - when(one) <= timedelta(days=int(row["days"]))), None)
        if recent is not None:
            yield _office_call(shelf, office, recent, "")


def care_manager(shelf: Shelf) -> tuple[Office, Known, str] | None:
    """Give the care manager's office of the newest active CarePlan, the plan, and the author's words; None when there is none.

    A part of a plan (第2表) names only the office: the plan that it is part of names the person too.
    """
    for plan in shelf.of("CarePlan"):
        if text(plan.body, "status") not in {"active", ""} or ended(plan, shelf.now) or plan.body.get("partOf"):
            continue
        codes = [text(author, "identifier.value") for author in walk(plan.body, "author")]
        for code in [*codes, plan.custodian]:
            office = shelf.offices.get(code)
            if office is not None and office.kind in {"care-manager", "support-center"}:
                return office, plan, text(plan.body, "author.display")
    return None


def _office_call(shelf: Shelf, office: Office, one: Known, display: str) -> Found:
    row = _kind(office)
    person = display if display and office.name in display else f"{office.name} {display}".strip()
    chip, hours = hours_of(shelf, office)
    who = f"{row['label']}　{person}{hours}"
    call = Call(office.phone, who if office.phone else f"{who}（{NO_PHONE}）", chip, DIRECTORY, f"最後の記録 {aged(one, shelf.now)}")
    return Found((int(row["order"]), 0, office.code), f"office:{office.code}", call)


def hours_of(shelf: Shelf, office: Office) -> tuple[Chip, str]:
    """Give the chip 24時間 / 受付中 / 時間外 for this moment, and the hours in words where it is not round the clock."""
    whole_day = office.opens in {"00:00", "0:00"} and office.closes in {"24:00", "00:00", "23:59"} and len(office.weekdays) == 7
    if whole_day or _on_call(shelf, office.code):
        return Chip("24時間", "good"), ""
    today, clock = shelf.now.date(), f"{shelf.now:%H:%M}"
    is_open = (
        today.weekday() in office.weekdays and today not in office.closed_days and office.opens.zfill(5) <= clock < office.closes.zfill(5)
    )
    hours = f"（{office.opens}〜{office.closes}）"
    return (Chip("日中・受付中", "good"), hours) if is_open else (Chip("時間外"), hours)


def _on_call(shelf: Shelf, code: str) -> bool:
    """Say whether an office told that it answers this person round the clock (24時間対応体制)."""
    for one in shelf.known:
        if one.custodian != code or one.type not in {
            "CareTeam",
            "Flag",
            "EpisodeOfCare",
            "PractitionerRole",
            "HealthcareService",
            "Organization",
        }:
            continue
        if text(one.body, "status") in {"inactive", "finished", "cancelled"} or ended(one, shelf.now):
            continue
        told = [words(concept) for path in ("category", "code", "type", "participant.role") for concept in walk(one.body, path)]
        told += [c for path in ("category", "code", "type") for concept in walk(one.body, path) for _, c, _ in codings(concept)]
        told += [text(one.body, "name"), text(one.body, "availabilityExceptions")]
        if true(one.body, "availableTime.allDay") or any(plain(mark) in plain(word) for mark in _ROUND_THE_CLOCK for word in told):
            return True
    return False


def _named(shelf: Shelf) -> Iterator[Found]:
    """Give doctors and others whom somebody has named: Patient.generalPractitioner, CareTeam members, roles with a telephone."""
    for patient in shelf.of("Patient"):
        for target in walk(patient.body, "generalPractitioner"):
            yield from _member(shelf, patient, target, "かかりつけ医", order=2)
    for team in shelf.of("CareTeam"):
        if text(team.body, "status") in {"inactive", "suspended"} or ended(team, shelf.now):
            continue
        for part in walk(team.body, "participant"):
            role = said(part, "role")
            yield from _member(shelf, team, next(walk(part, "member"), None), role, order=_order(role))


def _order(role: str) -> int:
    folded = plain(role)
    if any(word in folded for word in ("医師", "主治医", "かかりつけ医", "doctor", "physician", "jpr10000")):
        return 2
    return next((int(row["order"]) for row in rows("call_kinds") if row["label"] in folded), 8)


def _member(shelf: Shelf, owner: Known, target: Any, role: str, order: int) -> Iterator[Found]:
    office = shelf.offices.get(text(target, "identifier.value"))
    found = shelf.find(target, owner)
    if found is not None and found.type in {"Patient", "RelatedPerson"}:
        return
    display = text(target, "display")
    who, number_of = _role(shelf, found) if found is not None else ("", "")
    if office is None and found is not None and found.type == "Organization":
        office = next((shelf.offices[v] for v in walk(found.body, "identifier.value") if v in shelf.offices), None)
    if office is not None:
        chip, hours = hours_of(shelf, office)
        person = who or display
        shown = person if office.name in person else f"{office.name} {person}".strip()
        call = Call(
            number_of or office.phone, f"{role or _kind(office)['label']}　{shown}{hours}", chip, owner.source, aged(owner, shelf.now)
        )
        yield Found((int(_kind(office)["order"]), 0, office.code), f"office:{office.code}", call)
    elif who or display:
        shown = f"{role}　{who or display}".strip()
        call = Call(number_of, shown if number_of else f"{shown}（{NO_PHONE}）", None, owner.source, aged(owner, shelf.now))
        yield Found((order, 1, plain(shown)), plain(who or display), call)


def _role(shelf: Shelf, one: Known) -> tuple[str, str]:
    """Give the words and the telephone of a PractitionerRole, Practitioner or Organization."""
    if one.type == "PractitionerRole":
        person = shelf.find(next(walk(one.body, "practitioner"), None), one)
        place = shelf.find(next(walk(one.body, "organization"), None), one)
        who = name(person.body, "IDE") if person else text(one.body, "practitioner.display")
        where = text(place.body, "name") if place else text(one.body, "organization.display")
        number_of = phone(one.body) or (phone(person.body) if person else "") or (phone(place.body) if place else "")
        return " ".join(part for part in (where, who) if part), number_of
    if one.type == "Organization":
        return text(one.body, "name"), phone(one.body)
    return name(one.body, "IDE"), phone(one.body)
