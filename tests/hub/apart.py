"""One compartment beside the main one, registered by tests alone, and events in it."""

from __future__ import annotations

from hub.compartments import parse_compartments
from tests.hub.world import HOSPITAL, NETWORK, OFFICE, OTHER_OFFICE, STATION, World, a_consent, a_patient, a_plan

CASE = "case"
COMPARTMENTS = parse_compartments({
    "compartments": [{
        "name": CASE, "title": "試験の相談の区画", "purposes": ["CAREMGT", "HCOMPL"], "basis": "consent",
        "members": {"organizations": [STATION, OFFICE]}, "overseers": [NETWORK],
    }]
})  # fmt: skip
MEMBERS = (STATION, OFFICE)
OUTSIDE = (HOSPITAL, OTHER_OFFICE)


def inside(code: str) -> str:
    """Give the name of an organization's application there."""
    return f"{code}@{CASE}"


def opened(w: World) -> World:
    """Register the members' applications."""
    w.register_in(CASE, STATION, OFFICE, NETWORK)
    return w


def a_case(w: World) -> None:
    """Let two members write about one person there, who agrees."""
    for code, number in ((STATION, "c1"), (OFFICE, "c2")):
        assert w.put(inside(code), a_patient(number)).status_code in {200, 201}
    assert w.put(inside(STATION), a_consent(patient="Patient/c1")).status_code in {200, 201}
    assert w.put(inside(STATION), a_plan("plan", patient="Patient/c1")).status_code in {200, 201}
