"""Who may bring data about a person into the hub."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from consent.ask import Ask, Requester
from consent.decide import decide_write
from consent.directive import Rule, unreadable
from tests.consent.given import CM1, HA, SIGNED, T0, ask, consents, deny, directive, network, reason, record

N0 = network("N0")


WRITING = Ask(Requester(HA, "hospital", "system"), "TREAT", T0, "collect")
REFUSAL = deny(hub_refused=True)


def test_an_opt_out_stops_provision_and_not_recording():
    found = decide_write(WRITING, [deny()], N0)
    assert (found.reason, found.basis) == ("P-OWN", "JP-27-5-ENTRUST")


def test_a_refusal_of_the_hub_stops_recording_and_says_which_consent():
    found = decide_write(WRITING, [REFUSAL], N0)
    assert (found.effect, found.reason) == ("deny", "D-HUB-REFUSED")
    assert [(one.consent, one.effect) for one in found.consents] == [("Consent/tsu-2", "deny")]


def test_a_refusal_of_the_hub_is_an_opt_out_for_readers():
    assert reason(ask(), record("o1"), [REFUSAL], N0) == "D-BASE"
    assert reason(ask("haMD"), record("o1"), [REFUSAL], N0) == "P-OWN"


def test_a_refusal_at_one_custodian_does_not_bind_another():
    local = replace(REFUSAL, controller=HA)
    assert decide_write(WRITING, [local], N0).reason == "D-HUB-REFUSED"
    assert decide_write(replace(WRITING, requester=Requester(CM1, "care-manager", "system"), purpose="CAREMGT"), [local], N0).gives


@pytest.mark.parametrize(
    "changed",
    [{"status": "inactive"}, {"at": T0 + timedelta(days=1)}, {"root": Rule("deny", ends=T0)}, {"proxy": "family"}, {"speaks": False}],
    ids=["withdrawn", "not yet signed", "over", "by one without power", "about something else"],
)
def test_a_refusal_that_is_not_in_force_stops_nothing(changed):
    assert decide_write(WRITING, [replace(REFUSAL, **changed)], N0).gives


def test_a_refusal_ends_with_a_later_permit_of_its_group_and_not_with_a_later_opt_out():
    later = datetime(2026, 3, 1, tzinfo=UTC)
    assert decide_write(WRITING, [REFUSAL, directive(at=later)], N0).gives
    assert not decide_write(WRITING, [REFUSAL, directive(at=later, policy_uri="https://example.org/other")], N0).gives
    assert not decide_write(WRITING, [REFUSAL, deny(at=later)], N0).gives
    local = replace(REFUSAL, controller=HA)
    assert decide_write(WRITING, [local, directive(at=later, controller=HA)], N0).gives
    assert not decide_write(WRITING, [local, directive(at=later)], N0).gives


def test_a_consent_itself_is_always_taken_so_that_a_refusal_can_be_taken_back():
    assert decide_write(WRITING, [REFUSAL], N0, resource_type="Consent").gives
    assert not decide_write(WRITING, [REFUSAL], N0, resource_type="Patient").gives


def test_an_unreadable_consent_may_be_a_refusal_and_stops_recording():
    assert decide_write(WRITING, consents("O"), N0).reason == "D-UNPARSABLE"


def test_recording_asks_for_the_senders_own_purpose():
    assert decide_write(replace(WRITING, purpose="HMARKT"), (), N0).reason == "D-PURPOSE-UNKNOWN"
    assert decide_write(replace(WRITING, requester=Requester("", "hospital", "system")), (), N0).reason == "D-AUTHN"


CONCERN = frozenset({"Patient", "Communication"})


def test_a_concern_is_taken_in_whatever_is_on_file_and_nothing_else_is():
    asked = Ask(Requester("1399900115", "police", "system"), "SUPNWK", T0, "collect")
    refusing = [directive(Rule("deny"), hub_refused=True)]
    for held in (
        (),
        refusing,
        [unreadable(consent="Consent/tsu-x", version=1, patient="Patient/p", custodian=HA, controller="NW", at=SIGNED)],
    ):
        found = decide_write(asked, held, N0, types=CONCERN)
        assert (found.effect, found.reason, found.basis) == ("permit", "P-CONCERN", "JP-27-5-ENTRUST")
    for types in (frozenset(), CONCERN | {"Observation"}, frozenset({"Consent"})):
        assert decide_write(asked, (), N0, types=types, resource_type="Consent" if types == {"Consent"} else "").reason == "D-CONCERN-ONLY"
    assert decide_write(replace(asked, purpose="TREAT"), (), N0, types=CONCERN).reason == "D-PURPOSE-ORG"
