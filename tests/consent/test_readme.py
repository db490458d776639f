"""The consents that the README shows are taken by the FHIR checks, read, and mean what their heading says."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import consent
from consent.ask import Ask, Requester
from consent.decide import decide, decide_write
from consent.directive import normalise, pack, unpack
from consent.networks import default_network
from schemas.fhir.resource import read
from tests.consent.given import CM1, HA, HB, HE, NOW, T0, network, record, session

TEXT = (Path(consent.__file__).parent / "README.md").read_text(encoding="utf-8")
BLOCKS = [block.encode() for block in re.findall(r"```json\n(.*?)\n```", TEXT, re.DOTALL)]
N0 = default_network()
DOCTOR = Ask(Requester(HE, "hospital", "doctor", "P3", second_factor=True), "TREAT", T0)
WRITING = Ask(Requester(HA, "hospital", "system"), "TREAT", T0, "collect")


def shown(number):
    """One consent of the README as the hub keeps it, by its id."""
    body = next(b for b in (read(raw, expected_type="Consent") for raw in BLOCKS) if b.id == number)
    return normalise(body.value, consent=f"Consent/tsu-{number}", version=1, patient="Patient/p", custodian=HA, now=NOW)


def reason(ask, name="o1", *, held):
    return decide(ask, record(name), [held], N0).reason


def test_ten_consents_are_shown():
    assert len(BLOCKS) == 10


@pytest.mark.parametrize("number", range(10))
def test_each_is_kept_and_comes_back(number):
    body = read(BLOCKS[number], expected_type="Consent")
    one = shown(body.id)
    assert unpack(pack(one)) == one


def test_the_whole_opt_in_opens_every_member_and_asks_about_emergencies():
    held = shown("whole")
    assert reason(DOCTOR, held=held) == "P-EXPLICIT"
    assert reason(replace(DOCTOR, purpose="ETREAT"), held=held) == "P-EXPLICIT"
    assert reason(DOCTOR, "hiv", held=held) == "D-NOTCOVERED"
    assert (held.emergency, held.form) == ("permit", "written")


def test_one_organization_is_excluded_and_the_others_are_not():
    held = shown("all-but-one")
    assert reason(replace(DOCTOR, requester=Requester(HB, "hospital", "doctor", "P1")), held=held) == "D-NESTED"
    assert reason(DOCTOR, held=held) == "P-EXPLICIT"


def test_an_opt_out_is_recorded_and_a_refusal_of_the_hub_is_not():
    assert reason(DOCTOR, held=shown("opt-out")) == "D-BASE"
    assert decide_write(WRITING, [shown("opt-out")], N0).gives
    assert reason(DOCTOR, held=shown("hub-refusal")) == "D-BASE"
    assert decide_write(WRITING, [shown("hub-refusal")], N0).reason == "D-HUB-REFUSED"


def test_a_withdrawn_consent_gives_nothing():
    assert reason(DOCTOR, held=shown("withdrawn")) == "D-NOCONSENT"


def test_an_emergency_that_was_refused_stays_shut():
    outside = replace(DOCTOR, purpose="BTG", emergency=session())
    excluded = replace(shown("emergency-refused"), root=shown("opt-out").root)
    assert reason(outside, held=excluded) == "D-BTG-REFUSED"
    assert reason(outside, held=shown("opt-out")) == "P-BTG"


def test_a_consent_for_half_a_year_ends_with_its_last_day():
    held = shown("half-year")
    manager = Ask(Requester(CM1, "care-manager", "care-manager", "P7"), "CAREMGT", datetime.fromisoformat("2026-09-30T23:59:59+09:00"))
    assert reason(manager, "med2", held=held) == "P-EXPLICIT"
    assert reason(replace(manager, at=manager.at + timedelta(seconds=1)), "med2", held=held) == "D-EXPIRED"
    assert decide(manager, record("o1", type="Procedure"), [held], N0).reason == "P-EXPLICIT"
    assert reason(manager, held=held) == "D-NOTCOVERED"


def test_a_guardian_consents_by_a_power_that_was_checked():
    held = shown("guardian")
    assert decide(DOCTOR, record("o1"), [held], N0).basis == "JP-PROXY"
    assert reason(replace(DOCTOR, at=datetime.fromisoformat("2028-01-01T00:00:00+09:00")), held=held) == "D-NOCONSENT"


def test_a_confirmation_opens_the_implied_path_and_a_reservation_shuts_it_for_whom_it_names():
    posted = network("N1")
    visit = replace(shown("visit"), custodian=HE)
    assert decide(DOCTOR, record("o1"), [visit, shown("reservation")], posted).reason == "P-IMPLIED"
    excluded = replace(DOCTOR, requester=Requester(HB, "hospital", "doctor", "P1"))
    assert decide(excluded, record("o1"), [replace(visit, custodian=HB), shown("reservation")], posted).reason == "D-RESERVED"
