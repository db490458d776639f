"""What consents say together: who is meant, withdrawal, proxies, form, family."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from consent.ask import Ask
from consent.decide import decide
from consent.directive import Rule, unreadable
from tests.consent.given import HA, HB, SIGNED, T0, ask, confirmed, deny, directive, network, reason, record, requester

N0, N1 = network("N0"), network("N1")


# ── consent ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_permit_that_names_no_label_does_not_open_what_is_labelled():
    assert reason(ask(), record("hiv"), [directive()], N0) == "D-NOTCOVERED"


def test_an_organization_is_meant_when_its_legal_entity_is_named():
    excluded = directive(Rule("permit", rules=(Rule("deny", recipients=frozenset({"Organization/1319900099"})),)))
    assert reason(ask(), record("o1"), [excluded], N0) == "P-EXPLICIT"
    belongs = Ask(replace(requester("hbMD"), entities=frozenset({"1319900099"})), "TREAT", T0)
    assert reason(belongs, record("o1"), [excluded], N0) == "D-NESTED"


def test_a_member_of_a_group_at_the_time_of_asking_is_meant():
    allowed = directive(Rule("permit", recipients=frozenset({"CareTeam/tsu-7"}), confidentiality="N", bound="at-most"))
    assert reason(ask(), record("o1"), [allowed], N0) == "D-NOTCOVERED"
    inside = Ask(replace(requester("hbMD"), groups=frozenset({"CareTeam/tsu-7"})), "TREAT", T0)
    assert reason(inside, record("o1"), [allowed], N0) == "P-EXPLICIT"


def test_a_rule_about_the_custodian_speaks_of_that_custodians_records_only():
    only = directive(Rule("permit", custodians=frozenset({HB}), confidentiality="N", bound="at-most"))
    assert reason(ask("heMD"), record("o1"), [only], N0) == "D-NOTCOVERED"
    assert reason(ask("heMD"), record("hb1"), [only], N0) == "P-EXPLICIT"


def test_what_an_organization_wrote_is_what_it_holds():
    without = directive(Rule("permit", rules=(Rule("deny", authors=frozenset({f"Organization/{HA}"})),)))
    assert reason(ask("heMD"), record("noauth"), [without], N0) == "D-NESTED"
    assert reason(ask("heMD"), record("hb1", author=""), [without], N0) == "P-EXPLICIT"


def test_a_rule_about_an_action_speaks_of_that_action_only():
    reading = directive(Rule("permit", actions=frozenset({"access"}), confidentiality="N", bound="at-most"))
    assert reason(ask(), record("o1"), [reading], N0) == "P-EXPLICIT"
    assert reason(ask(action="disclose"), record("o1"), [reading], N0) == "D-NOTCOVERED"


def test_a_deny_of_emergency_treatment_reaches_break_glass_and_a_permit_does_not():
    rules = (Rule("deny", purposes=frozenset({"ETREAT"})),)
    assert reason(ask("heMD", "BTG"), record("o1"), [directive(Rule("permit", rules=rules))], N0) == "D-NESTED"
    only = directive(Rule("permit", purposes=frozenset({"ETREAT"}), confidentiality="N", bound="at-most"))
    assert reason(ask("heMD", "BTG"), record("o1"), [only], N0) == "D-NOTCOVERED"


def test_kinds_of_document_and_profiles_are_classes_too():
    summary = "http://loinc.org|34133-9"
    allowed = directive(Rule("permit", classes=frozenset({summary}), confidentiality="N", bound="at-most"))
    excluded = directive(Rule("permit", rules=(Rule("deny", classes=frozenset({summary})),)))
    document = record("o1", type="DocumentReference")
    assert reason(ask(), document, [allowed], N0) == "D-NOTCOVERED"
    assert reason(ask(), document, [excluded], N0) == "D-NESTED"
    assert reason(ask(), replace(document, codes=frozenset({summary})), [allowed], N0) == "P-EXPLICIT"
    profile = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Observation_VitalSigns"
    vital = record("o1", profiles=frozenset({f"{profile}|1.2.0"}))
    only = directive(Rule("permit", classes=frozenset({profile}), confidentiality="N", bound="at-most"))
    assert reason(ask(), vital, [only], N0) == "P-EXPLICIT"
    assert reason(ask(), record("o1"), [only], N0) == "D-NOTCOVERED"


def test_a_code_must_be_among_the_codes_and_is_unknown_where_there_are_none():
    code = "http://loinc.org|8310-5"
    excluded = directive(Rule("permit", rules=(Rule("deny", codes=frozenset({code})),)))
    assert reason(ask(), record("o1", codes=frozenset({code})), [excluded], N0) == "D-NESTED"
    assert reason(ask(), record("o1"), [excluded], N0) == "D-NESTED"
    assert reason(ask(), record("o1", codes=frozenset({"http://loinc.org|8867-4"})), [excluded], N0) == "P-EXPLICIT"


def test_a_withdrawal_does_not_bring_an_older_consent_back():
    old = directive(at=datetime(2025, 1, 1, tzinfo=UTC))
    new = directive(consent="Consent/tsu-9", status="inactive")
    assert reason(ask(), record("o1"), [old], N0) == "P-EXPLICIT"
    assert reason(ask(), record("o1"), [old, new], N0) == "D-NOTCOVERED"


def test_a_withdrawal_leaves_what_the_older_consent_excluded():
    old = directive(
        Rule("permit", rules=(Rule("deny", recipients=frozenset({f"Organization/{HB}"})),)), at=datetime(2025, 1, 1, tzinfo=UTC)
    )
    new = directive(consent="Consent/tsu-9", status="inactive")
    assert reason(ask(), record("o1"), [old, new], N0) == "D-NESTED"


def test_an_older_consent_that_was_replaced_and_closed_takes_nothing_away():
    old = directive(consent="Consent/tsu-9", status="inactive", at=datetime(2025, 1, 1, tzinfo=UTC))
    assert reason(ask(), record("o1"), [old, directive()], N0) == "P-EXPLICIT"


def test_who_withdrew_is_not_asked_by_a_poster_on_the_wall():
    for status in ("inactive", "rejected"):
        found = decide(ask("hbMD"), record("o1"), [directive(status=status), confirmed()], N1)
        assert (found.reason, found.trail[-1]) == ("D-NOCONSENT", "live:withdrawn")


def test_a_consent_entered_in_error_was_never_there():
    assert reason(ask("hbMD"), record("o1"), [directive(status="entered-in-error"), confirmed()], N1) == "P-IMPLIED"


def test_a_consent_about_something_else_than_sharing_says_nothing_here():
    assert reason(ask(), record("o1"), [directive(speaks=False)], N0) == "D-NOCONSENT"


def test_nobody_permits_in_another_custodians_name_but_a_refusal_heard_anywhere_holds():
    theirs = directive(custodian=HB, controller=HA)
    assert reason(ask("heMD"), record("o1"), [theirs], N0) == "D-NOTCOVERED"
    assert reason(ask("heMD"), record("o1"), [replace(theirs, custodian=HA)], N0) == "P-EXPLICIT"
    desk = replace(N0, controllers=frozenset({"NW", HB}))
    assert reason(ask("heMD"), record("o1"), [theirs], desk) == "P-EXPLICIT"
    assert reason(ask("heMD"), record("o1"), [directive(), deny(custodian=HB, controller=HA)], N0) == "D-CONFLICT"


def test_two_names_of_the_network_are_one_group():
    both = replace(N0, controllers=frozenset({"NW", "1399900057"}))
    older = deny(controller="1399900057", at=datetime(2025, 1, 1, tzinfo=UTC))
    assert reason(ask(), record("o1"), [older, directive()], both) == "P-EXPLICIT"


@pytest.mark.parametrize(
    "changed",
    [{"proxy_verified": False}, {"proxy": "family"}, {"proxy_until": T0}],
    ids=["not verified", "kind not agreed", "power ended"],
)
def test_a_proxy_without_power_says_nothing(changed):
    proxy = directive(proxy="guardian", proxy_verified=True, proxy_until=T0 + timedelta(seconds=1))
    assert reason(ask(), record("o1"), [proxy], N0) == "P-EXPLICIT"
    assert reason(ask(), record("o1"), [replace(proxy, **changed)], N0) == "D-NOCONSENT"


def test_the_basis_is_the_persons_own_consent_where_a_proxy_consented_too():
    proxy = directive(consent="Consent/tsu-3", proxy="guardian", proxy_verified=True)
    assert decide(ask(), record("o1"), [directive(), proxy], N0).basis == "JP-CONSENT"


def test_one_signed_consent_is_enough_for_the_care_side():
    oral = directive(form="oral", consent="Consent/tsu-3", controller=HA)
    found = decide(ask("cm1", "CAREMGT"), record("med2"), [directive(), oral], N0)
    assert (found.reason, found.basis) == ("P-EXPLICIT", "JP-CARE-WRITTEN")
    unknown = directive(form="unknown")
    assert reason(ask("cm1", "CAREMGT"), record("med2"), [unknown], N0) == "D-FORM"
    assert reason(ask(), record("o1"), [unknown], N0) == "P-EXPLICIT"


def test_an_exception_that_permits_is_told_apart_from_the_base():
    wider = Rule("permit", confidentiality="N", bound="at-most", rules=(Rule("permit", confidentiality="R", bound="at-most"),))
    assert reason(ask(), record("hiv"), [directive(wider)], N0) == "P-NESTED"
    both = [directive(wider), directive(Rule("permit", confidentiality="R", bound="at-most"), consent="Consent/tsu-3", controller=HA)]
    assert reason(ask(), record("hiv"), both, N0) == "P-EXPLICIT"


# ── family ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_family_member_that_is_spoken_of_must_agree():
    agreed = directive(family=frozenset({"RelatedPerson/F1"}))
    two = record("cp", members=frozenset({"RelatedPerson/F1", "RelatedPerson/F2"}))
    assert reason(ask("heMD"), record("cp"), [agreed], N0) == "P-EXPLICIT"
    assert reason(ask("heMD"), two, [agreed], N0) == "R-FAMILY"


def test_whom_a_record_speaks_of_must_be_known_unless_one_signed_for_all():
    unknown = record("cp", members=frozenset())
    assert reason(ask("heMD"), unknown, [directive(family=frozenset({"RelatedPerson/F1"}))], N0) == "R-FAMILY"
    assert reason(ask("heMD"), unknown, [directive(family=frozenset({"*"}))], N0) == "P-EXPLICIT"


def test_the_family_agrees_in_writing():
    assert reason(ask("heMD"), record("cp"), [directive(family=frozenset({"*"}), form="oral")], N0) == "R-FAMILY"


def test_a_consent_that_cannot_be_read_refuses_under_whatever_name_the_network_goes():
    broken = unreadable(consent="Consent/tsu-9", version=1, patient="Patient/p", custodian="", controller="NW", at=SIGNED)
    renamed = replace(N0, controllers=frozenset({"SAKURA"}))
    assert reason(ask("hbMD"), record("o1"), (directive(controller="SAKURA"), broken), renamed) == "D-UNPARSABLE"
