"""Further cases that stand under the table of consent-and-audit facts §2.7, and what is wrong in a consent, as far as they are pure."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from consent.ask import Labels
from consent.decide import decide
from consent.directive import Rule
from consent.held import Held
from schemas.errors import BrokenRule, TooLong, Unsupported
from tests.consent.given import HB, HE, T0, ask, consents, directive, network, reason, record
from tests.consent.test_reading import changed, coding, concept, office, reading, recipient, refused

N0 = network("N0")
O1 = record("o1")


# ── one person under several numbers ─────────────────────────────────────────────────────────────────────────────────


def test_a_consent_at_one_number_of_the_person_covers_the_records_of_the_others():
    held = [directive(patient="Patient/survivor")]
    assert reason(ask(), replace(O1, patient="Patient/merged", same_person=frozenset({"Patient/survivor"})), held, N0) == "P-EXPLICIT"


def test_after_the_numbers_are_parted_a_consent_speaks_for_its_own_alone():
    """What is handed in are the consents of all linked Patients: parted, the other's are not among them."""
    assert reason(ask(), replace(O1, patient="Patient/merged"), (), N0) == "D-NOCONSENT"


# ── moments ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("at", ["2026-03-31T23:59:59+09:00", "2026-03-31T14:59:59+00:00", "2026-03-31T14:59:59Z"])
def test_an_instant_is_the_same_in_every_zone(at):
    moment = datetime.fromisoformat(at)
    assert reason(ask(at=moment), O1, consents("A-exp"), N0) == "P-EXPLICIT"
    assert reason(ask(at=moment + timedelta(seconds=1)), O1, consents("A-exp"), N0) == "D-EXPIRED"


def test_a_leap_second_at_the_end_is_inside_and_the_next_minute_is_not():
    held = [reading(changed({"period": {"start": "2026-01-05", "end": "2026-06-30T23:59:60Z"}}))]
    assert reason(ask(at=datetime(2026, 6, 30, 23, 59, 59, 999_999, tzinfo=UTC)), O1, held, N0) == "P-EXPLICIT"
    assert reason(ask(at=datetime(2026, 7, 1, tzinfo=UTC)), O1, held, N0) == "D-EXPIRED"


def test_a_day_of_data_is_a_day_in_japan_whatever_the_zone_of_the_limit():
    """2026-03-10T15:00Z is the midnight with which 11 March begins in Japan."""
    held = [reading(changed({"dataPeriod": {"start": "2026-03-10T15:00:00Z"}}))]
    assert reason(ask(), O1, held, N0) == "D-NOTCOVERED"
    held = [reading(changed({"dataPeriod": {"start": "2026-03-09T15:00:00Z", "end": "2026-03-10T14:59:59Z"}}))]
    assert reason(ask(), O1, held, N0) == "P-EXPLICIT"


def test_signed_at_the_very_moment_of_asking_it_speaks():
    assert reason(ask(), O1, [directive(at=T0)], N0) == "P-EXPLICIT"
    assert reason(ask(), O1, [directive(at=T0 + timedelta(microseconds=1))], N0) == "D-NOCONSENT"


# ── whom it means ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_doctor_who_acts_for_another_is_named_to_be_meant():
    practitioner = {"identifier": {"system": "https://tsunagu.example.jp/sid/practitioner", "value": "P1"}}
    delegated = {"role": concept("http://terminology.hl7.org/CodeSystem/v3-RoleCode", "DELEGATEE"), "reference": practitioner}
    held = [reading(changed({"actor": [delegated]}))]
    assert reason(ask("hbMD"), O1, held, N0) == "P-EXPLICIT"
    assert reason(ask("hbRN"), O1, held, N0) == "D-NOTCOVERED", "the supervisor's consent names the doctor, not the ward"


@pytest.mark.parametrize("kind", ["Group", "CareTeam", "PractitionerRole"])
def test_who_is_no_member_any_more_is_not_meant_and_who_may_be_is_refused(kind):
    """Membership is looked up at the moment of asking: a role that ended yesterday is no member, a ring of Groups leaves it unsure."""
    name = f"{kind}/tsu-x"
    opened = [reading(changed({"actor": [recipient({"reference": name})]}))]
    shut = [reading(changed({"provision": [{"type": "deny", "actor": [recipient({"reference": name})]}]}))]

    def asked(**who):
        question = ask("hbMD")
        return replace(question, requester=replace(question.requester, **who))

    member, unsure = asked(groups=frozenset({name})), asked(unsure=frozenset({name}))
    assert [reason(q, O1, opened, N0) for q in (member, asked(), unsure)] == ["P-EXPLICIT", "D-NOTCOVERED", "D-NOTCOVERED"]
    assert [reason(q, O1, shut, N0) for q in (member, asked(), unsure)] == ["D-NESTED", "P-EXPLICIT", "D-NESTED"]


# ── what is given together ───────────────────────────────────────────────────────────────────────────────────────────


def test_of_two_entries_one_is_given_and_the_other_is_not_there():
    held = Held(consents("A"), N0)
    assert [decide(ask(), one, held, N0).gives for one in (O1, record("hiv"))] == [True, False]


def test_an_earlier_version_that_was_labelled_r_stays_hidden():
    versions = (replace(O1, labels=Labels("R", frozenset({"HIV"}))), O1)
    assert [reason(ask(), one, consents("A"), N0) for one in versions] == ["D-NOTCOVERED", "P-EXPLICIT"]


@pytest.mark.parametrize("action", ["access", "disclose"])
def test_what_was_queued_before_a_revocation_is_not_delivered_after_it(action):
    taken_back = [directive(), directive(status="inactive", version=2, at=T0)]
    assert reason(ask(at=T0 - timedelta(seconds=1), action=action), O1, taken_back, N0) == "P-EXPLICIT"
    assert reason(ask(action=action), O1, taken_back[1:], N0) == "D-NOCONSENT"
    assert reason(ask(action=action), O1, [directive(), directive(consent="Consent/tsu-2", status="inactive", at=T0)], N0) == "D-NOTCOVERED"


def test_a_permit_to_look_is_none_to_hear_and_one_to_hear_none_to_look():
    look, hear = (
        directive(Rule("permit", confidentiality="N", bound="at-most", actions=frozenset({one}))) for one in ("access", "disclose")
    )
    assert [reason(ask(action=one), O1, [look], N0) for one in ("access", "disclose")] == ["P-EXPLICIT", "D-NOTCOVERED"]
    assert [reason(ask(action=one), O1, [hear], N0) for one in ("access", "disclose")] == ["D-NOTCOVERED", "P-EXPLICIT"]


# ── what is wrong in it ──────────────────────────────────────────────────────────────────────────────────────────────


def test_ten_thousand_provisions_are_refused_and_cost_nothing():
    body = changed({"provision": [{"type": "deny"}] * 10_000})
    begun = time.perf_counter()
    with pytest.raises(TooLong):
        reading(body)
    assert time.perf_counter() - begun < 5
    refused(changed({"provision": [{"type": "deny", "provision": [{"type": "permit"}] * 199}]}), TooLong, "HUB-3003", "Consent.provision")


def test_two_hundred_provisions_are_decided():
    nested = [{"type": "deny", "actor": [recipient(office(HB))]}] * 199
    held = [reading(changed({"provision": nested}))]
    assert reason(ask("hbMD"), O1, held, N0) == "D-NESTED"
    assert reason(ask("heMD"), O1, held, N0) == "P-EXPLICIT"


def test_a_consent_that_says_yes_and_no_to_the_same_is_a_refusal():
    both = [{"type": effect, "actor": [recipient(office(HB))]} for effect in ("permit", "deny")]
    for order in (both, both[::-1]):
        assert reason(ask("hbMD"), O1, [reading(changed({"provision": order}))], N0) == "D-NESTED"


def test_a_base_that_contradicts_its_type_is_refused():
    refused(changed(policyRule={"coding": [coding("v3-ActCode", "OPTOUT")]}), BrokenRule, "HUB-3017", "Consent.policyRule")


def test_an_unknown_modifier_is_refused_wherever_it_stands():
    inside = {"type": "deny", "actor": [{**recipient(office(HE)), "modifierExtension": [{"url": "https://x", "valueBoolean": True}]}]}
    refused(changed({"provision": [inside]}), Unsupported, "HUB-3016", "Consent.provision.provision[0].actor[0].modifierExtension")
