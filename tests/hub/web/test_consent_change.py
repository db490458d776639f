"""変える: a form stands for a consent on file only where it says all that this says; nothing is lost or widened by the way through it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hub.names import hub_id
from schemas.adapter import BASE
from schemas.ids import INSTITUTION, KAIGO_OFFICE
from tests.hub.web.test_consent_desk import found, w
from tests.hub.world import HOSPITAL, NETWORK, OFFICE, OTHER_OFFICE, World, a_consent

__all__ = ["w"]
_HL7 = "http://terminology.hl7.org/CodeSystem"
READABLE = [{"system": f"{_HL7}/v3-Confidentiality", "code": "R"}]


def to(*codes: str) -> list[dict[str, Any]]:
    role = {"coding": [{"system": f"{_HL7}/v3-ParticipationType", "code": "IRCP"}]}
    return [{"role": role, "reference": {"identifier": {"system": KAIGO_OFFICE, "value": code}}} for code in codes]


def offered(w: World, user: str = "doctor") -> tuple[bool, int]:
    """Say whether the page of the one consent offers to change it, and what the form answers."""
    (place,) = found(w, user)
    (reference,) = re.findall(re.escape(place) + "/([a-z2-7]+)/one", w.get(user, place).text)
    page = w.get(user, f"{place}/{reference}/one").text
    return f"{place}/{reference}/change" in page, w.get(user, f"{place}/{reference}/change").status_code


@pytest.mark.parametrize(
    "provision",
    [
        {},
        {"period": {"start": "2026-01-05", "end": "2026-12-31"}},
        {"actor": to(OFFICE)},
        {"provision": [{"type": "deny", "actor": to(OFFICE)}, {"type": "deny", "actor": to(OTHER_OFFICE)}]},
    ],
)
def test_what_a_form_can_say_is_changed_by_one(w: World, provision: dict[str, Any]) -> None:
    assert w.put(HOSPITAL, a_consent(**provision)).status_code == 201
    assert offered(w) == (True, 200)


@pytest.mark.parametrize(
    "provision",
    [
        {"actor": to(OFFICE), "securityLabel": READABLE, "provision": [{"type": "deny", "securityLabel": [{"system": f"{_HL7}/v3-ActCode", "code": "PSY"}]}]},
        {"provision": [{"type": "deny", "actor": to(OFFICE), "period": {"end": "2026-03-31"}}]},
        {"period": {"end": "2026-12-31T00:00:00+09:00"}},
        {"period": {"start": "2026-01", "end": "2026-12"}},
        {"type": "deny"},
    ],
)  # fmt: skip
def test_what_a_form_cannot_say_is_not_changed_by_one_and_not_offered(w: World, provision: dict[str, Any]) -> None:
    assert w.put(HOSPITAL, a_consent(**provision)).status_code == 201
    assert offered(w) == (False, 404)


def test_one_family_members_word_is_not_made_that_of_all(w: World) -> None:
    tree = a_consent()
    tree["extension"].append({"url": f"{BASE}/StructureDefinition/consent-family", "valueReference": {"reference": "RelatedPerson/son"}})
    assert w.put(HOSPITAL, tree).status_code == 201
    assert offered(w) == (False, 404)


def test_what_speaks_for_one_organization_does_not_come_to_speak_for_all(w: World) -> None:
    with w.hub.store.read() as tx:
        (stream,) = tx.one("SELECT stream FROM resources WHERE type=?", ("Patient",))
    tree = a_consent(patient=f"Patient/{hub_id(bytes(stream))}", actor=to(OFFICE))
    tree["organization"] = [{"identifier": {"system": INSTITUTION, "value": HOSPITAL}}]
    assert w.put(NETWORK, tree).status_code == 201
    assert offered(w, "clerk") == (False, 404)
