"""The decision that the hub uses is that of its plainest form: for the table, and for ten thousand mixes."""

import json
import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from consent.ask import Labels
from consent.decide import decide
from consent.directive import Rule
from consent.held import Held
from tests.consent import oracle_steps
from tests.consent.given import CASES, HA, ask, beside, consents, directive, emergency, network, record
from tests.consent.mixes import SHARING, STEPS, mix

MIXES = 10_000


def told(decision):
    return decision.effect, decision.reason, decision.basis, set(decision.obligations), set(decision.masks)


def order(decision):
    """How much leaves: nothing (refused, or masked as a whole), a part, all."""
    return decision.gives + (decision.effect == "permit")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_each_row_of_the_table_is_decided_alike_by_both_forms(path):
    case = json.loads(path.read_text(encoding="utf-8"))
    question = ask(case["requester"], case["purpose"], datetime.fromisoformat(case["at"]), statute=case.get("statute", ""))
    if "emergency" in case:
        question = replace(question, emergency=emergency(case["requester"], case["emergency"]))
    on_file = (*(consents(case["consents"]) if case["consents"] else ()), *beside(case["requester"], case["network"], question.at))
    rules, asked = network(case["network"]), record(case["record"])
    plain = oracle_steps.decide(question, asked, on_file, rules)
    assert plain[:2] == (case["expected"]["effect"], case["expected"]["reason"]), case["why"]
    assert told(decide(question, asked, Held(on_file, rules), rules)) == plain


def test_ten_thousand_mixes_are_decided_alike_in_any_order_and_at_any_time_of_asking(long):
    met = Counter()
    for seed in range(MIXES * (10 if long else 1)):
        held, found, question, asked, rules = mix(seed)
        ready = Held(held, rules, found)
        plain = oracle_steps.decide(question, asked, held, rules, found)
        first = decide(question, asked, ready, rules)
        assert told(first) == plain, seed
        assert told(decide(question, asked, held[::-1], rules, found[::-1])) == plain, seed
        later = replace(question, at=mix(seed + 1)[2].at)  # what was made ready for one moment must not answer for another
        assert told(decide(later, asked, ready, rules)) == oracle_steps.decide(later, asked, held, rules, found), seed
        met[first.reason] += 1
    missing = {
        "P-OWN", "P-EXPLICIT", "P-NESTED", "P-IMPLIED", "P-SUBJECT", "P-LAW", "P-BTG", "P-DIRECTORY", "R-LABEL", "R-FAMILY", "R-HARM", "R-BTG-V", "R-CEILING",
        "D-NOCONSENT", "D-NOTCOVERED", "D-EXPIRED", "D-BASE", "D-NESTED", "D-CONFLICT", "D-FORM", "D-UNPARSABLE", "D-RESERVED",
        "D-NO-RECEIVER-CONFIRM", "D-BTG-INVALID", "D-BTG-REFUSED", "D-CEILING", "D-LAW-UNKNOWN", "D-PURPOSE-ORG", "D-SCOPE", "D-HARD", "D-CONCERN-ONLY",
    } - met.keys()  # fmt: skip
    assert not missing, "the mixes do not reach all that can be decided"


def test_in_ten_thousand_mixes_a_full_refusal_never_gives_more():
    for seed in range(MIXES):
        held, found, question, asked, rules = mix(seed)
        chance = random.Random(seed)
        refusal = directive(
            Rule("deny"), consent="Consent/tsu-no", policy_uri=chance.choice(("", SHARING)), controller=chance.choice(("NW", asked.custodian)),
            custodian=HA, at=chance.choice(STEPS),
        )  # fmt: skip
        before, after = (decide(question, asked, some, rules, found) for some in (held, [*held, refusal]))
        assert order(after) <= order(before), seed


FORGET = (
    lambda ask, record: (ask, replace(record, labels=Labels(None, record.labels.sensitivities))),
    lambda ask, record: (ask, replace(record, labels=Labels(record.labels.confidentiality, None))),
    lambda ask, record: (ask, replace(record, begins=None)),
    lambda ask, record: (ask, replace(record, ends=None)),
    lambda ask, record: (ask, replace(record, author="")),
    lambda ask, record: (ask, replace(record, related=frozenset())),
    lambda ask, record: (ask, replace(record, codes=frozenset())),
    lambda ask, record: (ask, replace(record, members=frozenset())),
    lambda ask, record: (replace(ask, requester=replace(ask.requester, resolved=False)), record),
    lambda ask, record: (replace(ask, requester=replace(ask.requester, groups=frozenset(), unsure=frozenset({"Group/EMGRP"}))), record),
)


def test_in_ten_thousand_mixes_what_is_not_known_never_gives_more():
    for seed in range(MIXES):
        held, found, question, asked, rules = mix(seed)
        before = decide(question, asked, held, rules, found)
        for forget in FORGET if order(before) < 2 else (FORGET[seed % len(FORGET)],):
            less, blurred = forget(question, asked)
            assert order(decide(less, blurred, held, rules, found)) <= order(before), (seed, forget)


def test_in_ten_thousand_mixes_an_end_is_the_first_moment_that_is_out():
    """A consent that ends, ends at once: at its end it is as if it were not there, a microsecond before as if it had no end."""
    met = Counter()
    for seed in range(MIXES):
        held, found, question, asked, rules = mix(seed)
        if not held or question.emergency is not None:
            continue
        end = STEPS[seed % len(STEPS)]
        one = replace(
            held[0],
            root=replace(held[0].root, begins=None, ends=end, rules=()),
            policy_uri="alone",
            proxy="",
            status="active",
            readable=True,
            speaks=True,
        )
        endless = replace(one, root=replace(one.root, ends=None))
        last, out = (replace(question, at=at) for at in (end - timedelta(microseconds=1), end))
        assert told(decide(last, asked, [one, *held[1:]], rules, found)) == told(decide(last, asked, [endless, *held[1:]], rules, found)), (
            seed
        )
        over, gone = decide(out, asked, [one, *held[1:]], rules, found), decide(out, asked, held[1:], rules, found)
        assert over.reason in {gone.reason, "D-EXPIRED"}, seed
        met[over.reason == "D-EXPIRED"] += 1
    assert min(met.values()) > 100
