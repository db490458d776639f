"""From which day the keys of a person may go: by what its custodians told of it, here and in its records; never too early, and never for a typing error.

Five years are those of consent/data/retention.csv (医師法24条); their first day is the one after that of the record (民法140条, 143条).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.hub.test_erasure import REASON, Clock, asked, named, restricted, shredding
from tests.hub.world import HOSPITAL, NETWORK, OFFICE, World, a_patient, an_encounter, world

NOW = datetime.fromisoformat("2034-11-24T10:00:00+09:00")
LONG_AGO = datetime.fromisoformat("2026-04-02T10:00:00+09:00")
"""After the first edition of the network's rules: before it nothing is taken in or given."""
ELSE = "131016:0000077777"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def w(tmp_path: Path, clock: Clock) -> Iterator[World]:
    """Somebody whom the hospital registered years ago, and of whom nothing else is known."""
    clock.now = LONG_AGO
    with world(tmp_path / "data", now=clock) as made:
        assert made.put(HOSPITAL, a_patient("q1", insured=ELSE)).status_code == 201
        clock.now = NOW
        yield made


def told(w: World, kind: str, number: str, **more: Any) -> None:
    whose = "patient" if kind in {"AllergyIntolerance", "Consent"} else "subject"
    answer = w.put(HOSPITAL, {"resourceType": kind, "id": number, whose: {"reference": "Patient/q1"}, **more})
    assert answer.status_code == 201, answer.text


def active(kind: str) -> dict[str, Any]:
    return {"clinicalStatus": {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{kind}-clinical", "code": "active"}]}}


def due(w: World) -> str:
    restricted(w, named(w, HOSPITAL, "q1"))
    return str(w.get(NETWORK, "/erasures").json()["erasures"][0]["due"])


def plan(number: str, **period: str) -> dict[str, Any]:
    return {"number": number, "status": "active", "intent": "plan", "period": period}


def test_whoever_was_registered_more_than_five_years_ago_and_never_seen_since_is_due(w: World) -> None:
    assert due(w) == "2031-04-03"
    shredding(w).step()
    assert w.get(HOSPITAL, "/fhir/Patient/q1").status_code == 410


def test_an_illness_that_goes_on_counts_by_the_day_it_was_told_and_not_by_its_onset(w: World) -> None:
    told(w, "Condition", "i1", code={"text": "高血圧症"}, onsetDateTime="1995-04-01", **active("condition"))
    assert due(w) == "2039-11-25"
    shredding(w).step()
    assert w.get(HOSPITAL, "/fhir/Patient/q1").status_code == 200


def test_an_allergy_and_an_open_plan_count_by_the_day_they_were_told_as_well(w: World) -> None:
    told(w, "AllergyIntolerance", "a1", code={"text": "ペニシリン"}, onsetDateTime="1970", **active("allergyintolerance"))
    told(w, "CarePlan", **plan("c1", start="2027-04-01"))
    assert due(w) == "2039-11-25"


def test_what_is_planned_beyond_today_counts_by_its_last_day(w: World) -> None:
    told(w, "CarePlan", **plan("c1", start="2034-04-01", end="2035-03-31"))
    assert due(w) == "2040-04-01"


def test_an_end_that_is_written_as_the_last_day_of_all_is_none(w: World) -> None:
    """Systems without an empty end write 9999-12-31; five years later there is no day any more."""
    told(w, "CarePlan", **plan("c1", start="2034-04-01", end="9999-12-31"))
    assert due(w) == "2039-11-25"
    assert asked(w, "now", named(w, HOSPITAL, "q1"), reason=REASON).status_code == 200


def test_what_was_taken_back_here_is_kept_as_long_as_what_was_not(w: World) -> None:
    assert w.put(HOSPITAL, an_encounter("e1", patient="Patient/q1")).status_code == 201
    assert w.ask("DELETE", "/fhir/Encounter/e1", by=HOSPITAL).status_code == 204
    assert due(w) == "2039-11-25"


def test_of_several_custodians_the_one_that_told_last_decides(w: World, clock: Clock) -> None:
    clock.now = NOW + timedelta(days=10)  # 2034-12-04
    assert w.put(OFFICE, a_patient("k9", insured=ELSE)).status_code == 201
    assert due(w) == "2039-12-05"
