"""One organization's record of one person as FHIR: its Patient and all that its chart says, ready to be put in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hub.demo.region.clock import Clock
from hub.demo.region.elements import Pen, Tree, code_of, office_reference, patient
from hub.demo.region.life import WRITERS
from hub.demo.region.people import Case
from hub.demo.region.tables import tree
from schemas.adapter import BASE


def chart(case: Case, alias: str, clock: Clock) -> list[Tree]:
    """Give an organization's resources of a person, its Patient first."""
    pen = Pen(case.person, alias, clock)
    entries = case.part("charts")[alias]
    doctor = tree("doctors").get(alias)
    more = {"generalPractitioner": [office_reference(alias, doctor)]} if doctor else {}
    return [patient(case.person, alias, **more), *(one for entry in entries for one in _written(pen, entry))]


def _written(pen: Pen, entry: Mapping[str, Any]) -> Iterator[Tree]:
    kind = entry["is"]
    if kind == "level":
        yield _level(pen)
    elif kind == "plan":
        yield _plan(pen, entry)
    else:
        yield from WRITERS[kind](pen, entry)


def _level(pen: Pen) -> Tree:
    """Make the care level (要介護状態区分) of a person whose plan comes by no file of 標準仕様."""
    person = pen.person
    assert person.level_from is not None
    assert person.level_until is not None
    body = {
        "status": "final",
        "category": [code_of("http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS", "functional-status")],
        "code": code_of(f"{BASE}/CodeSystem/kaigo-observation", "care-level", "要介護状態区分"),
        "subject": pen.me,
        "effectivePeriod": {"start": person.level_from.isoformat(), "end": person.level_until.isoformat()},
        "valueCodeableConcept": code_of(f"{BASE}/CodeSystem/kaigo-care-level", person.level, tree("levels")[person.level]),
    }
    return pen.make("Observation", "l", body)


def _plan(pen: Pen, entry: Mapping[str, Any]) -> Tree:
    """Make the CarePlan of a support centre (介護予防サービス・支援計画書): made, policy."""
    made = pen.clock.day(entry["made"]).isoformat()
    body = {
        "status": "active",
        "intent": "plan",
        "category": [code_of(f"{BASE}/CodeSystem/kaigo-plan-category", "prevention", "介護予防サービス・支援計画書")],
        "title": "介護予防サービス・支援計画書",
        "description": entry["policy"],
        "subject": pen.me,
        "period": {"start": made},
        "created": made,
        "author": office_reference(pen.alias),
    }
    return pen.make("CarePlan", "k", body)
