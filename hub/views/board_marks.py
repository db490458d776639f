"""What offices have marked or sent about a stay: the care manager's 入院時情報提供書, the nurse's summary, a conference, the report afterwards.

An office marks a step by a Task of its own (tasks.csv); a Communication, a document or an Appointment can tell the same (marks.csv).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from hub.views.ages import Moment, moment
from hub.views.deadlines import Contact
from hub.views.emergency_read import Shelf, codings, has_code, reference, said, text, walk
from hub.views.emergency_tables import Row
from hub.views.shapes import Known
from hub.views.stays_tables import keyed, rows
from hub.views.stays_values import Stay
from schemas.adapter import BASE

TASKS = f"{BASE}/CodeSystem/stay-task"
"""Code system of the Tasks by which an office marks a step of a stay as done (data_stays/tasks.csv)."""
ADMISSION_INFO = "kasan-admission-info"
_BEFORE, _AFTER = timedelta(days=14), timedelta(days=30)
"""How long before and after a stay a mark that names no Encounter still belongs to it."""
_DEAD = {
    "cancelled",
    "noshow",
    "entered-in-error",
    "rejected",
    "failed",
    "stopped",
    "not-done",
    "superseded",
    "on-hold",
    "draft",
    "unknown",
}
_TIMES = {
    "Task": ("executionPeriod.end", "lastModified", "authoredOn"),
    "Communication": ("received", "sent"),
    "DocumentReference": ("date", "context.period.end"),
    "Composition": ("date",),
    "Appointment": ("start",),
}
TYPES = frozenset(_TIMES)
"""Types of resources that can make a mark."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing done or appointed. `code` is a row of tasks.csv."""

    code: str
    at: Moment
    custodian: str
    source: str
    reference: str
    encounters: frozenset[str]
    confirmed: bool
    """The receiver has confirmed it (Communication.received)."""
    ahead: bool
    """It lies ahead: an appointment."""


def marks(shelf: Shelf) -> tuple[Mark, ...]:
    """Read all marks of one person, oldest first."""
    found = (made for one in shelf.known if one.type in TYPES for made in told_by(shelf, one))
    return tuple(sorted(found, key=lambda one: (one.at.start, one.code, one.reference)))


def told_by(shelf: Shelf, one: Known) -> Iterator[Mark]:
    """Give the mark that one resource makes, if it makes one."""
    if text(one.body, "status") in _DEAD or (one.type == "Task" and text(one.body, "status") != "completed"):
        return
    at = next((found for path in _TIMES[one.type] if (found := moment(text(one.body, path)))), None)
    code = _code(shelf, one)
    if at is None or not code:
        return
    ahead = at.start > shelf.now and one.type == "Appointment"
    if one.type == "Communication" and not text(one.body, "sent") and not text(one.body, "received"):
        return
    encounters = frozenset(_tail(told) for path in ("focus", "encounter", "context.encounter", "about", "supportingInformation", "reasonReference")
                           for told in _targets(one.body, path))  # fmt: skip
    yield Mark(code, at, one.custodian, one.source, reference(one), encounters, confirmed=bool(text(one.body, "received")), ahead=ahead)


def _targets(body: Any, path: str) -> Iterator[str]:
    for one in walk(body, path):
        if isinstance(one, Mapping) and (told := text(one, "reference")) and "Encounter/" in told:
            yield told


def _tail(told: str) -> str:
    return "/".join(told.split("/_history/", maxsplit=1)[0].split("/")[-2:])


def _code(shelf: Shelf, one: Known) -> str:
    """Find what a resource tells; a document counts for the kind of office that keeps it."""
    if one.type == "Task":
        return next((code for concept in walk(one.body, "code") for system, code, _ in codings(concept)
                     if system == TASKS and code in keyed("tasks", "code")), "")  # fmt: skip
    office = shelf.offices.get(one.custodian)
    kind = office.kind if office else ""
    for row in _rows(one.type):
        if row["custodians"] and kind and kind not in row["custodians"].split("|"):
            continue
        if (row["code"] and has_code(one.body, row["path"], row["code"])) or (
            row["words"] and row["words"] in _words(one.body, row["path"])
        ):
            return row["mark"]
    return ""


@cache
def _rows(resource_type: str) -> tuple[Row, ...]:
    return tuple(row for row in rows("marks") if row["type"] == resource_type)


def _words(body: Any, path: str) -> str:
    return said(body, path) or text(body, path)


# ── marks of one stay ────────────────────────────────────────────────────────────────────────────────────────────────


def of_stay(stay: Stay, stays: Sequence[Stay], found: Iterable[Mark]) -> tuple[Mark, ...]:
    """Give the marks of one stay: those that name its Encounter, and those that name none and fall into its time."""
    known = frozenset(name for one in stays for name in one.references)
    return tuple(one for one in found if (one.encounters & stay.references if one.encounters & known else _falls(stay, stays, one)))


def _falls(stay: Stay, stays: Sequence[Stay], one: Mark) -> bool:
    """Say whether a mark without a known Encounter belongs to this stay: the last one begun by then (or soon to begin)."""
    begun = [
        other for other in stays
        if not other.cancelled and other.begins and other.begins.start - _BEFORE <= one.at.start
        and (other.ended is None or one.at.start <= other.ended.start + _AFTER)
    ]  # fmt: skip
    return (
        bool(begun) and max(begun, key=lambda s: (s.begins.start <= one.at.start, s.begins.start) if s.begins else (False, s.sent)) is stay
    )


def first(found: Iterable[Mark], code: str) -> Mark | None:
    """Give the first mark of a code that has taken place."""
    return next((one for one in found if one.code == code and not one.ahead), None)


def ahead(found: Iterable[Mark], code: str) -> Mark | None:
    """Give the next appointment of a code."""
    return next((one for one in found if one.code == code and one.ahead), None)


def contacts(found: Iterable[Mark]) -> tuple[Contact, ...]:
    """Give the talks with hospital staff that count for 退院・退所加算."""
    told = [one for one in found if one.code in {"discharge-contact", "discharge-conference"} and not one.ahead]
    return tuple(Contact(one.at.start.date(), one.code == "discharge-conference") for one in told)
