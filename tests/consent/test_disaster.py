"""The switch of a disaster: the summary alone, for emergency doctors of the organizations that it names, while it is on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.ask import Disaster, Labels
from consent.decide import decide
from consent.selecting import select
from tests.consent import strategies as made
from tests.consent.given import T0, ask, consents, network, record, requester, session

N0 = network("N0")

HERE = requester("heMD").organization
SWITCH = Disaster("dis-1", frozenset({HERE}), T0 - timedelta(hours=1), T0 + timedelta(hours=71))
SUMMARY = record("med2")
"""A prescription, labelled N: class S."""


def asked(who="heMD", purpose="TREAT", at=T0, switch=SWITCH, **more):
    return replace(ask(who, purpose, at, **more), disaster=switch)


def reason(question, of=SUMMARY, on_file=(), rules=N0):
    return decide(question, of, on_file, rules).reason


def test_while_it_is_on_an_emergency_doctor_sees_the_summary_of_whoever_is_brought_in():
    found = decide(asked(), SUMMARY, (), N0)
    assert (found.effect, found.reason, found.basis) == ("permit", "P-DISASTER", "JP-27-1-2-LIFE")
    assert found.obligations == {"NORDSCLCD"}
    assert "disaster:on" in found.trail


def test_without_it_the_same_doctor_sees_nothing():
    assert reason(asked(switch=None)) == "D-NOCONSENT"


@pytest.mark.parametrize("at", [SWITCH.since - timedelta(milliseconds=1), SWITCH.until])
def test_it_is_off_before_its_first_and_from_its_last_moment_on(at):
    assert reason(asked(at=at)) == "D-NOCONSENT"


def test_clinical_detail_stays_shut():
    assert reason(asked(), record("o1")) == "D-NOCONSENT"


def test_it_opens_for_the_organizations_that_it_names_alone():
    elsewhere = replace(SWITCH, organizations=frozenset({requester("hbMD").organization}))
    assert reason(asked(switch=elsewhere)) == "D-NOCONSENT"


@pytest.mark.parametrize("who", ["heRN", "cm1"])
def test_other_roles_and_kinds_see_nothing_by_it(who):
    switch = replace(SWITCH, organizations=frozenset({requester(who).organization}))
    assert not decide(asked(who, "CAREMGT" if who == "cm1" else "TREAT", switch=switch), SUMMARY, (), N0).gives


def test_it_is_for_treatment_alone():
    assert reason(asked(purpose="HPAYMT")) == "D-NOCONSENT"


def test_who_cannot_be_looked_up_and_who_is_no_person_see_nothing_by_it():
    for changed in ({"resolved": False}, {"person": ""}):
        question = asked()
        assert reason(replace(question, requester=replace(question.requester, **changed))) == "D-NOCONSENT"


def test_a_refusal_of_emergencies_wins():
    assert reason(asked(), on_file=consents("Q")) == "D-BASE"


def test_a_general_opt_out_gives_way_to_life_as_in_an_emergency_access():
    assert reason(asked(), on_file=consents("B")) == "P-DISASTER"
    assert reason(asked(), on_file=consents("B"), rules=replace(N0, emergency_overrides_optout=False)) == "D-BASE"


def test_a_consent_that_cannot_be_read_does_not_block_unless_the_network_says_so():
    question = asked("hbMD", switch=replace(SWITCH, organizations=frozenset({requester("hbMD").organization})))
    assert reason(question, on_file=consents("O")) == "P-DISASTER"
    assert reason(question, on_file=consents("O"), rules=replace(N0, emergency_overrides_unreadable=False)) == "D-UNPARSABLE"


@pytest.mark.parametrize("label", ["R", "V", None])
def test_what_is_labelled_above_n_or_not_at_all_stays_shut(label):
    assert reason(asked(), replace(SUMMARY, labels=Labels(label, frozenset()))) == "D-NOCONSENT"


def test_of_the_family_it_tells_nothing():
    found = decide(asked(), replace(SUMMARY, family=True), (), N0)
    assert (found.effect, found.reason, found.masks) == ("redact", "R-FAMILY", {"family"})


def test_where_consent_gives_or_the_glass_is_broken_that_is_the_ground():
    assert reason(asked(), on_file=consents("A")) == "P-EXPLICIT"
    assert reason(asked(purpose="BTG", emergency=session())) == "P-BTG"


def test_an_emergency_access_that_does_not_hold_takes_nothing_from_it():
    assert reason(asked(purpose="BTG", emergency=session(second_factor=False))) == "P-DISASTER"


@given(made.questions(), made.records(), st.lists(made.directives(), max_size=4))
def test_the_switch_never_takes_away_and_gives_the_summary_alone(question, of, on_file):
    without = decide(question, of, on_file, N0)
    found = decide(replace(question, disaster=replace(SWITCH, since=made.AT, until=made.AT + timedelta(hours=1))), of, on_file, N0)
    if found != without:
        assert not without.gives
        assert found.gives
        assert found.basis == "JP-27-1-2-LIFE"
        assert (question.requester.organization, question.requester.role) == (HERE, "doctor")
        assert of.type in {"Condition", "Patient"}
        assert of.labels.confidentiality == "N"
        assert not select(of.custodian, on_file, N0, made.AT).emergency_refused
