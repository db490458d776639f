"""Guards, the person, law, own records: what is decided before any consent is asked."""

from dataclasses import replace

import pytest

from consent.ask import Ask, Decision, Requester, Statute
from consent.decide import decide
from tests.consent.given import HA, T0, ask, consents, network, reason, record, requester

N0 = network("N0")


# ── guards ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bound_token_reaches_the_person_under_each_linked_number():
    bound = ask("xt")
    assert reason(bound, record("o1"), consents("A"), N0) == "D-COMPARTMENT"
    linked = record("o1", same_person=frozenset({"Patient/x"}))
    assert reason(bound, linked, consents("A"), N0) == "P-EXPLICIT"


def test_not_signed_in_comes_before_everything():
    nobody = Ask(Requester("", "hospital", "doctor", patients=frozenset({"Patient/x"})), "TREAT", T0)
    assert decide(nobody, record("err"), (), N0) == Decision("deny", "D-AUTHN", trail=("guard:authn",))


def test_a_purpose_of_no_kind_is_unknown_even_for_a_kind_that_is_unknown():
    assert reason(ask("haMD", "HMARKT"), record("o1"), (), N0) == "D-PURPOSE-UNKNOWN"


def test_a_record_entered_in_error_is_not_served_even_to_its_custodian():
    assert reason(ask("haMD"), record("err"), (), N0) == "D-HARD"


# ── the person ───────────────────────────────────────────────────────────────────────────────────────────────────────


def the_person(**changes):
    return Ask(replace(requester("pat"), **changes), "PATRQT", T0)


def test_a_persons_token_must_name_the_person():
    assert reason(the_person(patients=None), record("o1"), (), N0) == "D-SCOPE"
    assert reason(the_person(patients=frozenset()), record("o1"), (), N0) == "D-COMPARTMENT"


def test_only_the_person_or_a_proxy_asks_as_the_person():
    assert reason(the_person(role="doctor"), record("o1"), (), N0) == "D-SCOPE"


def test_a_person_asks_for_disclosure_and_nothing_else():
    assert reason(Ask(requester("pat"), "TREAT", T0), record("o1"), consents("A"), N0) == "D-PURPOSE-ORG"


def test_the_person_sees_what_is_labelled_and_a_proxy_does_not():
    proxy = the_person(role="proxy")
    assert decide(the_person(), record("hiv"), (), N0).basis == "JP-SUBJECT"
    assert decide(proxy, record("o1"), (), N0).basis == "JP-PROXY"
    for name in ("hiv", "sdv", "nolab"):
        withheld = decide(proxy, record(name), (), N0)
        assert (withheld.effect, withheld.reason, withheld.gives) == ("redact", "R-LABEL", False)


def test_what_may_harm_is_kept_from_a_proxy_too():
    assert reason(the_person(role="proxy"), record("harm"), (), N0) == "R-HARM"


# ── law ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "changed",
    [
        {"types": frozenset({"Patient"})},
        {"kinds": frozenset({"police"})},
        {"purposes": frozenset({"THREAT"})},
        {"sensitivities": frozenset({"STD"})},
    ],
)
def test_a_statute_opens_only_the_types_kinds_purposes_and_labels_that_it_names(changed):
    asked = replace(ask("hokenjo", "PUBHLTH"), statute="x")
    law = Statute("x", frozenset({"Observation"}), frozenset({"public-health"}), frozenset({"PUBHLTH"}), frozenset({"HIV"}))
    assert reason(asked, record("hiv"), (), replace(N0, statutes={"x": law})) == "P-LAW"
    assert reason(asked, record("hiv"), (), replace(N0, statutes={"x": replace(law, **changed)})) == "D-LAW-UNKNOWN"


def test_an_unlabelled_record_does_not_fall_under_a_statute_about_labels():
    asked = replace(ask("hokenjo", "PUBHLTH"), statute="kansensho-12")
    assert reason(asked, record("nolab"), (), N0) == "D-LAW-UNKNOWN"


def test_a_statute_without_labels_opens_its_types():
    law = Statute("x", frozenset({"Observation"}), frozenset({"public-health"}), frozenset({"PUBHLTH"}))
    assert reason(replace(ask("hokenjo", "PUBHLTH"), statute="x"), record("o1"), (), replace(N0, statutes={"x": law})) == "P-LAW"


# ── own records and the directory ────────────────────────────────────────────────────────────────────────────────────


def test_officers_and_operators_see_no_content_even_of_their_own_organization():
    for role in ("privacy-officer", "operator"):
        own = Ask(Requester(HA, "hospital", role, "P90"), "RECORDMGT", T0)
        assert decide(own, record("o1"), consents("A"), N0).reason == "D-CEILING"


def test_an_organizations_own_application_sees_its_own_records():
    assert reason(Ask(Requester(HA, "hospital", "system"), "TREAT", T0), record("sdv"), (), N0) == "P-OWN"


def test_a_purpose_that_is_not_own_use_asks_for_consent_even_at_home():
    assert reason(Ask(Requester(HA, "hospital", "doctor", "P13"), "HRESCH", T0), record("o1"), (), N0) == "D-NOCONSENT"


def test_members_see_the_directory_and_nothing_else_that_is_about_nobody():
    hospital = record("o1", type="Organization", id="Organization/tsu-1", patient="")
    assert decide(ask(), hospital, (), N0).reason == "P-DIRECTORY"
    assert decide(ask(), replace(hospital, type="Subscription"), (), N0).reason == "D-SCOPE"
    assert decide(ask(), replace(hospital, type="Basic"), (), N0).reason == "D-SCOPE"
    assert decide(the_person(), hospital, (), N0).reason == "D-COMPARTMENT"
