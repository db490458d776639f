"""The implied path and emergencies: where no consent on file opens the record."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from consent.ask import Posting
from consent.decide import decide
from consent.directive import Rule
from tests.consent.given import HA, T0, ask, confirmed, consents, deny, directive, network, reason, record, requester, session

N0, N1 = network("N0"), network("N1")


# ── the implied path ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_implied_path_begins_on_the_day_of_posting():
    late = {HA: (Posting(HA, frozenset({"TREAT"}), date(2026, 4, 21)),)}
    tomorrow = T0 + timedelta(days=1)
    assert reason(ask("hbMD"), record("o1"), [confirmed()], replace(N1, posted=late)) == "D-NOCONSENT"
    assert reason(ask("hbMD", at=tomorrow), record("o1"), [confirmed(at=tomorrow)], replace(N1, posted=late)) == "P-IMPLIED"


@pytest.mark.parametrize(
    "changed",
    [
        {"implied_purposes": frozenset({"CAREMGT"})},
        {"implied_kinds": frozenset({"clinic"})},
        {"posted": {HA: (Posting(HA, frozenset({"CAREMGT"}), date(2026, 1, 1)),)}},
    ],
)
def test_the_implied_path_asks_purpose_kind_and_posting(changed):
    assert reason(ask("hbMD"), record("o1"), [confirmed()], replace(N1, **changed)) == "D-NOCONSENT"


def test_an_emergency_is_first_tried_as_treatment_on_the_implied_path():
    assert reason(ask("hbMD", "ETREAT"), record("o1"), [confirmed()], N1) == "P-IMPLIED"


def test_the_implied_path_masks_what_is_said_of_the_family():
    assert reason(ask("hbMD"), record("o1", family=True), [confirmed()], N1) == "R-FAMILY"


def test_a_confirmation_that_was_taken_back_brings_no_earlier_one_back():
    earlier, later = (confirmed(at=T0 - timedelta(minutes=n), consent=f"Consent/tsu-rc{n}") for n in (20, 10))
    assert reason(ask("hbMD"), record("o1"), [earlier, later], N1) == "P-IMPLIED"
    for back, told in ((earlier, "P-IMPLIED"), (later, "D-NO-RECEIVER-CONFIRM")):
        rest = [d for d in (earlier, later) if d is not back]
        assert reason(ask("hbMD"), record("o1"), [replace(back, status="inactive"), *rest], N1) == told


def test_one_over_it_of_the_same_organization_takes_a_confirmation_back():
    over = confirmed(at=T0, consent="Consent/tsu-over", custodian="NW", status="inactive")
    assert reason(ask("hbMD"), record("o1"), [confirmed(at=T0 - timedelta(minutes=5)), over], N1) == "D-NO-RECEIVER-CONFIRM"
    assert reason(ask("hbMD"), record("o1"), [confirmed(at=T0), over], N1) == "D-NO-RECEIVER-CONFIRM"  # of one moment the refusal holds
    assert reason(ask("hbMD"), record("o1"), [confirmed(at=T0 + timedelta(seconds=1)), over], N1) == "P-IMPLIED"
    assert reason(ask("hbMD"), record("o1"), [confirmed(at=T0), replace(over, controller=HA)], N1) == "P-IMPLIED"
    assert reason(ask("hbMD"), record("o1"), [confirmed(at=T0), replace(over, status="entered-in-error")], N1) == "P-IMPLIED"


def test_the_basis_says_whether_the_receiver_confirmed():
    free = replace(N1, receiver_confirm=False)
    assert decide(ask("hbMD"), record("o1"), (), free).basis == "JP-IMPLIED-CARE"
    assert decide(ask("hbMD"), record("o1"), [confirmed()], free).basis == "JP-NW-3COND"


# ── emergencies ──────────────────────────────────────────────────────────────────────────────────────────────────────


def in_emergency(at=T0, purpose="BTG", **changes):
    return ask("heMD", purpose, at, emergency=session(**changes))


@pytest.mark.parametrize(
    "changed",
    [
        {"person": "P99"},
        {"patient": "Patient/other"},
        {"reason": "  "},
        {"attested": False},
        {"second_factor": False},
        {"opened": T0 + timedelta(seconds=1)},
        {"closes": T0},
        {"opened": T0 - timedelta(minutes=240), "closes": T0 + timedelta(hours=9)},
    ],
    ids=[
        "another person's",
        "another patient",
        "no reason",
        "not attested",
        "one factor",
        "not open yet",
        "closed",
        "longer than the limit",
    ],
)
def test_a_session_that_lacks_anything_opens_nothing(changed):
    assert reason(in_emergency(), record("o1"), (), N0) == "P-BTG"
    assert reason(in_emergency(**changed), record("o1"), (), N0) == "D-BTG-INVALID"


def test_an_application_breaks_no_glass():
    nobody = replace(in_emergency(person=""), requester=replace(requester("heMD"), person=""))
    assert reason(nobody, record("o1"), (), N0) == "D-BTG-INVALID"


def test_a_session_about_one_number_of_the_person_holds_for_the_linked_ones():
    linked = record("o1", patient="Patient/y", same_person=frozenset({"Patient/p"}))
    assert reason(in_emergency(), linked, (), N0) == "P-BTG"


def test_a_session_counts_for_emergency_purposes_only():
    assert reason(in_emergency(purpose="ETREAT"), record("o1"), (), N0) == "P-BTG"
    assert reason(in_emergency(purpose="TREAT"), record("o1"), (), N0) == "D-NOCONSENT"


def test_an_unlabelled_record_stays_withheld_in_an_emergency_as_it_may_be_v():
    assert reason(in_emergency(), record("nolab"), (), N0) == "R-LABEL"


def test_a_later_consent_that_did_not_ask_does_not_take_back_the_refusal_of_emergencies():
    refused = deny(emergency="refuse")
    later = directive(Rule("deny"), consent="Consent/tsu-5", at=datetime(2026, 3, 1, tzinfo=UTC))
    assert reason(in_emergency(), record("o1"), [refused, later], N0) == "D-BTG-REFUSED"
    assert reason(in_emergency(), record("o1"), [refused, replace(later, emergency="permit")], N0) == "P-BTG"


def test_a_refusal_of_emergencies_ends_with_its_consent():
    over = directive(Rule("deny", ends=T0), emergency="refuse")
    assert reason(in_emergency(), record("o1"), [over], N0) == "P-BTG"


def test_an_emergency_fills_up_what_consent_gives_only_in_part():
    plan = record("cp")
    assert reason(ask("heMD", "BTG"), plan, [directive()], N0) == "R-FAMILY"
    assert reason(in_emergency(), plan, [directive()], N0) == "P-BTG"
    assert reason(in_emergency(second_factor=False), plan, [directive()], N0) == "R-FAMILY"


def test_no_glass_is_broken_where_an_emergency_gives_no_more():
    assert reason(in_emergency(), record("o1", inline=True), [directive()], N0) == "R-LABEL"


def test_the_network_may_let_an_opt_out_or_an_unreadable_consent_stand_in_emergencies():
    strict = replace(N0, emergency_overrides_optout=False, emergency_overrides_unreadable=False)
    stopped = decide(in_emergency(), record("o1"), [deny()], strict)
    assert (stopped.reason, stopped.trail[-1]) == ("D-BASE", "override:no")
    assert reason(in_emergency(), record("o1"), consents("O"), strict) == "D-UNPARSABLE"
    assert reason(in_emergency(), record("o1"), (), strict) == "P-BTG"


def test_the_ceiling_holds_in_emergencies():
    nurses = replace(N0, emergency_roles=frozenset({"nurse"}))
    asked = ask("heRN", "BTG", emergency=session(person="P5"))
    assert reason(asked, record("o1"), (), nurses) == "P-BTG"
    assert reason(asked, record("hiv"), (), nurses) == "D-CEILING"
