"""A consent that was withdrawn comes back by a new signature alone, whatever a machine sends again and in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.restating import Kept, overturns, reverts, withdraws
from consent.rules import Rule
from tests.consent.given import directive

START = datetime(2026, 4, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def signed(minute: int, status: str = "active", **more):
    return directive(at=START + minute * MINUTE, status=status, **more)


def kept(minute: int, said):
    return Kept(START + minute * MINUTE, said)


FIRST = kept(1, signed(0))
"""Signed at 0, recorded at 1."""


@pytest.mark.parametrize("end", [signed(0, "inactive"), signed(0, "rejected"), signed(0, "entered-in-error"), None])
@pytest.mark.parametrize(("at", "back"), [(0, True), (9, True), (10, True), (11, False)])
def test_only_what_was_signed_after_the_end_was_recorded_counts(end, at, back):
    assert overturns(signed(at), [kept(10, end), FIRST]) is back


@pytest.mark.parametrize("status", ["inactive", "rejected", "entered-in-error", "proposed", "draft"])
def test_what_is_not_active_is_always_taken(status):
    assert not overturns(signed(0, status), [kept(10, signed(0, "inactive")), FIRST])


def test_what_was_never_withdrawn_may_be_corrected_with_an_earlier_day():
    assert not overturns(signed(-500), [kept(10, signed(5)), FIRST])


def test_the_old_text_does_not_come_back_behind_a_new_agreement_either():
    agreed = [kept(21, signed(20)), kept(10, signed(0, "inactive")), FIRST]
    assert overturns(signed(0), agreed)
    assert not overturns(signed(20), agreed)


def test_what_a_fast_clock_signed_before_the_withdrawal_does_not_come_back():
    fast = [kept(10, signed(0, "inactive")), kept(9, signed(13))]
    assert overturns(signed(13), fast)
    assert not overturns(signed(14), fast)


@given(st.lists(st.tuples(st.sampled_from(("new", "again", "end", "gone", "draft")), st.integers(0, 40)), max_size=25))
def test_no_interleaving_of_resends_brings_back_what_was_withdrawn(steps):
    """Each step is recorded a minute after the last; a new statement is signed as it is recorded, an old one is any text sent before."""
    held, sent, ended = [], [], None
    for minute, (step, which) in enumerate(steps, 1):
        said = None
        if step == "new":
            said = signed(minute)
            sent.append(said)
        elif step == "again" and sent:
            said = sent[which % len(sent)]
        elif step in {"end", "draft"}:
            said = signed(0, "inactive" if step == "end" else "draft")
        elif step == "again":
            continue
        if said is not None and said.status == "active":
            assert overturns(said, held) is (ended is not None and said.at <= ended)
            if overturns(said, held):
                continue
        elif step != "draft":
            ended = START + minute * MINUTE
        held.insert(0, kept(minute, said))


NARROWER = Rule("permit", recipients=frozenset({"Organization/1"}))


def test_an_earlier_version_does_not_take_the_place_of_what_was_stated_anew():
    anew = kept(21, signed(20, root=NARROWER))
    assert reverts(signed(0), [anew, FIRST])
    assert reverts(signed(0), [kept(31, signed(30, root=NARROWER)), anew, FIRST])
    assert not reverts(signed(22), [anew, FIRST]), "signed anew"
    assert not reverts(signed(0, "inactive"), [anew, FIRST]), "a withdrawal is always taken"


def test_a_correction_was_never_said_before_and_is_taken():
    anew = kept(21, signed(20))
    assert not reverts(signed(-5), [anew, FIRST])
    assert not reverts(signed(0, root=NARROWER), [anew, FIRST])
    assert not reverts(signed(20), [anew, FIRST]), "the newest itself, sent again"
    assert not reverts(signed(0), [])


@pytest.mark.parametrize("newest", [signed(20, "inactive"), signed(20, "draft"), None])
def test_only_a_newer_statement_that_holds_is_defended(newest):
    assert not reverts(signed(0), [kept(21, newest), FIRST])


def test_a_withdrawal_that_says_all_that_its_consent_said_withdraws_nothing_more():
    assert withdraws(signed(9, "inactive"), [signed(0, "inactive"), signed(0)]) is None
    assert withdraws(signed(0), [signed(0)]) is None
    assert withdraws(signed(9, "entered-in-error", policy_uri=""), [signed(0)]) is None
    assert withdraws(signed(9, "inactive", policy_uri=""), [signed(0, "proposed")]) is None


@pytest.mark.parametrize("status", ["inactive", "rejected"])
@pytest.mark.parametrize(
    ("minute", "more"), [(9, {"policy_uri": ""}), (9, {"controller": "NW"}), (9, {"speaks": False}), (-9, {}), (9, {"proxy": "guardian"})]
)
def test_a_withdrawal_is_also_of_the_matter_of_which_its_consent_spoke_last(status, minute, more):
    over = signed(minute, status, **more)
    found = withdraws(over, [signed(0, controller="1", policy_uri="b"), signed(0, policy_uri="a")])
    assert found is not None
    assert (found.status, found.at, found.controller, found.policy_uri, found.proxy) == (status, max(over.at, START), "1", "b", "")
