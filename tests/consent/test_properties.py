"""What must hold for any consents, any question and any record."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from consent.ask import Labels
from consent.decide import decide, decide_write
from consent.directive import Directive, Rule, pack, unpack
from consent.matching import judging
from consent.networks import default_network
from consent.words import basis_words, reason_words, step_words
from tests.consent import oracle
from tests.consent.given import HA, directive, network
from tests.consent.strategies import MOMENTS, directives, questions, records, to_rule, trees

N0, N1 = default_network(), network("N1", receiver_confirm=False)
networks = st.sampled_from((N0, N1, replace(N0, emergency_overrides_optout=False), replace(N0, emergency_overrides_unreadable=False)))
several = st.lists(directives(), min_size=1, max_size=4)
idle = st.builds(
    lambda one, status: replace(one, status=status, consent="Consent/tsu-idle"),
    directives(),
    st.sampled_from(("inactive", "rejected", "proposed", "entered-in-error")),
)
SETTINGS = settings(max_examples=120, deadline=None)


def height(decision):
    """How much a decision gives: nothing, a part, all."""
    if not decision.gives:
        return 0
    return 2 if decision.effect == "permit" else 1


def a_full_deny(at, policy, controller):
    return Directive("Consent/tsu-deny", 1, "Patient/p", HA, controller, policy, "active", at, Rule("deny"), form="written")


full_denies = st.builds(
    a_full_deny, st.sampled_from(MOMENTS), st.sampled_from(("", "https://tsunagu.example.jp/policy/sharing")), st.sampled_from(("NW", HA))
)


@SETTINGS
@given(trees, questions(), records())
def test_a_rule_is_judged_as_the_oracle_judges_its_provisions(tree, ask, record):
    said = judging(directive(to_rule(tree)), N0)(ask, record).effect
    assert said == (oracle.judge(tree, ask, record) or "not-covered")


@SETTINGS
@given(several, questions(), records(), networks, st.randoms())
def test_the_order_of_consents_does_not_matter(held, ask, record, rules, random):
    shuffled = random.sample(held, len(held))
    one, two = decide(ask, record, held, rules), decide(ask, record, shuffled, rules)
    assert (one.effect, one.reason, one.masks, one.obligations, one.trail) == (
        two.effect,
        two.reason,
        two.masks,
        two.obligations,
        two.trail,
    )
    assert sorted(one.consents, key=repr) == sorted(two.consents, key=repr)


@SETTINGS
@given(several, full_denies, questions(), records(), networks)
def test_one_refusal_outweighs_any_number_of_grants(held, refusal, ask, record, rules):
    assert height(decide(ask, record, [*held, refusal], rules)) <= height(decide(ask, record, held, rules))


@SETTINGS
@given(several, full_denies, questions())
def test_an_opt_out_never_opens_the_hub_to_new_records(held, refusal, ask):
    before, after = decide_write(ask, held, N0), decide_write(ask, [*held, refusal], N0)
    assert not (after.gives and not before.gives)


@SETTINGS
@given(several, idle, questions(), records(), networks)
def test_a_consent_that_is_not_in_force_gives_nothing(held, one, ask, record, rules):
    assert height(decide(ask, record, [*held, one], rules)) <= height(decide(ask, record, held, rules))


def _forget(record, what):
    labels = record.labels
    return replace(
        record,
        **{
            "confidentiality": {"labels": Labels(None, labels.sensitivities)},
            "sensitivities": {"labels": Labels(labels.confidentiality, None)},
            "begins": {"begins": None},
            "ends": {"ends": None},
            "author": {"author": ""},
            "related": {"related": frozenset()},
            "codes": {"codes": frozenset()},
            "members": {"members": frozenset()},
        }[what],
    )


FORGOTTEN = st.sampled_from(("confidentiality", "sensitivities", "begins", "ends", "author", "related", "codes", "members"))


@SETTINGS
@given(several, questions(), records(), networks, FORGOTTEN)
def test_what_is_unknown_of_a_record_never_raises_the_result(held, ask, record, rules, what):
    assert height(decide(ask, _forget(record, what), held, rules)) <= height(decide(ask, record, held, rules))


@SETTINGS
@given(several, questions(), records(), networks)
def test_a_requester_that_cannot_be_looked_up_gets_no_more(held, ask, record, rules):
    blurred = replace(ask, requester=replace(ask.requester, resolved=False))
    assert height(decide(blurred, record, held, rules)) <= height(decide(ask, record, held, rules))


@SETTINGS
@given(several, questions(), records(), networks)
def test_who_may_be_a_member_of_a_group_and_may_not_gets_no_more(held, ask, record, rules):
    blurred = replace(ask, requester=replace(ask.requester, groups=frozenset(), unsure=frozenset({"Group/EMGRP"})))
    assert height(decide(blurred, record, held, rules)) <= height(decide(ask, record, held, rules))


@SETTINGS
@given(questions(), records())
def test_without_a_consent_nothing_goes_to_another_organization(ask, record):
    found = decide(replace(ask, emergency=None), record, (), N0)
    assert found.gives == (record.custodian == ask.requester.organization and ask.purpose in N0.purposes_by_kind[ask.requester.kind])


@SETTINGS
@given(several, questions(), records(), networks)
def test_every_decision_can_be_said_in_words(held, ask, record, rules):
    found = decide(ask, record, held, rules)
    assert reason_words(found.reason) != (found.reason, found.reason)
    assert bool(found.basis) == found.gives or found.masks == {"resource"}
    assert not found.basis or basis_words(found.basis) != (found.basis, found.basis)
    assert found.trail
    assert all(answer for _, answer in map(step_words, found.trail))


@SETTINGS
@given(several, questions(), records(), networks)
def test_a_decision_names_each_consent_that_spoke(held, ask, record, rules):
    found = decide(ask, record, held, rules)
    if found.reason in {"P-EXPLICIT", "P-NESTED", "R-FAMILY", "D-BASE", "D-NESTED", "D-CONFLICT", "D-NOTCOVERED", "D-FORM"}:
        assert found.consents or found.reason == "R-FAMILY"
    if found.reason == "D-CONFLICT":
        assert {"permit", "deny"} <= {one.effect for one in found.consents}


@SETTINGS
@given(directives())
def test_a_directive_comes_back_from_its_bytes_the_same(one):
    assert unpack(pack(one)) == one
    assert pack(unpack(pack(one))) == pack(one)
