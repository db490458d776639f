"""A withdrawal that leaves out most of its consent withdraws what that said: nothing older of the same matter comes back by it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.ids import INSTITUTION
from tests.hub.web.test_consent_desk import found, visible
from tests.hub.world import HOSPITAL, NOW, OFFICE, OTHER_HOSPITAL, World, a_consent, a_patient, an_encounter, world

RECIPIENT = {
    "role": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]},
    "reference": {"identifier": {"system": INSTITUTION, "value": OTHER_HOSPITAL}},
}
NARROW = a_consent("narrow", actor=[RECIPIENT]) | {"dateTime": "2026-03-05"}
NEEDED = ("resourceType", "id", "scope", "category", "patient")
SHORT: dict[str, dict[str, Any]] = {
    "what FHIR needs alone": {name: NARROW[name] for name in NEEDED},
    "no policy": {name: value for name, value in NARROW.items() if name != "policy"},
    "no organization": {name: value for name, value in NARROW.items() if name != "organization"},
    "an earlier day": NARROW | {"dateTime": "2025-12-31"},
    "no full day": NARROW | {"dateTime": "2026"},
}


@pytest.fixture
def narrowed(tmp_path: Path) -> Iterator[World]:
    """All members by the paper of January, one hospital alone by that of March."""
    clock: list[datetime] = [NOW]
    with world(tmp_path / "data", now=lambda: clock[0]) as w:
        w.put(HOSPITAL, a_patient())
        w.put(HOSPITAL, an_encounter())
        w.put(HOSPITAL, a_consent())
        assert visible(w)
        assert w.put(HOSPITAL, NARROW).status_code == 201
        assert not visible(w)
        clock[0] += timedelta(minutes=1)
        yield w


@pytest.mark.parametrize("status", ["inactive", "rejected"])
@pytest.mark.parametrize("short", SHORT)
def test_nothing_older_comes_back(narrowed: World, short: str, status: str) -> None:
    assert narrowed.put(HOSPITAL, SHORT[short] | {"status": status}).status_code == 200
    assert not any(visible(narrowed, organization) for organization in (OFFICE, OTHER_HOSPITAL))
    narrowed.sign_in("doctor")
    (place,) = found(narrowed, "doctor")
    assert "効いています" not in narrowed.get("doctor", place).text


def test_what_was_entered_in_error_was_never_said(narrowed: World) -> None:
    assert narrowed.put(HOSPITAL, SHORT["what FHIR needs alone"] | {"status": "entered-in-error"}).status_code == 200
    assert visible(narrowed)


def test_who_agrees_anew_is_seen_again(narrowed: World) -> None:
    narrowed.put(HOSPITAL, SHORT["what FHIR needs alone"] | {"status": "inactive"})
    assert narrowed.put(HOSPITAL, a_consent("anew") | {"dateTime": "2026-11-24T10:01:00+09:00"}).status_code == 201
    assert visible(narrowed)
