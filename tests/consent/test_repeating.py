"""A consent that was withdrawn, sent again under another id, is known by its word and its moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.restating import repeats
from consent.rules import Rule
from tests.consent.given import directive

SIGNED = datetime(2026, 4, 1, tzinfo=UTC)
OLD = directive(at=SIGNED, status="active")
COPY = replace(OLD, consent="Consent/tsu-other", version=7, patient="Patient/linked", dialect="leap", form="written")


def ended(status: str):
    return replace(OLD, status=status)


@pytest.mark.parametrize("end", [ended("inactive"), ended("rejected"), None])
def test_the_old_word_of_the_old_moment_is_the_old_consent(end):
    assert repeats(COPY, [OLD, end])
    assert repeats(COPY, [ended("draft"), OLD, ended("proposed"), end, ended("entered-in-error")]), "whatever came before and after"
    assert repeats(COPY, [OLD, end, replace(OLD, at=SIGNED + timedelta(days=9))]), "nor behind a new agreement"


def test_what_was_entered_in_error_is_entered_rightly_under_another_id():
    assert not repeats(COPY, [OLD, ended("entered-in-error")])
    assert not repeats(COPY, [OLD, ended("entered-in-error"), None])


def test_what_still_holds_or_never_held_is_no_withdrawal():
    assert not repeats(COPY, [])
    assert not repeats(COPY, [OLD, OLD])
    assert not repeats(COPY, [ended("inactive"), None])
    assert not repeats(COPY, [ended("draft"), None])


@pytest.mark.parametrize("status", ["inactive", "rejected", "entered-in-error", "draft", "proposed"])
def test_what_is_not_active_is_always_taken(status):
    assert not repeats(replace(COPY, status=status), [OLD, None])


def test_what_does_not_speak_of_sharing_repeats_nothing():
    assert not repeats(replace(COPY, speaks=False), [replace(OLD, speaks=False), None])


OTHERS = {
    "at": SIGNED + timedelta(microseconds=1), "custodian": "1319900021", "controller": "1319900021", "policy_uri": "urn:another", "proxy": "guardian",
    "root": Rule("deny"), "emergency": "refuse", "hub_refused": True,
}  # fmt: skip


@given(st.sampled_from(sorted(OTHERS)), st.sampled_from([None, "inactive", "rejected"]))
def test_another_word_or_moment_or_grantor_or_controller_is_another_consent(name, status):
    another = replace(COPY, **{name: OTHERS[name]})
    assert another != COPY
    assert not repeats(another, [OLD, ended(status) if status else None])
