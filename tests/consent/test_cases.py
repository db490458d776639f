"""The truth table of consent-and-audit facts §2.7: 92 questions, each with the answer that the facts give."""

import json
from datetime import datetime

import pytest

from consent.decide import decide
from tests.consent.given import CASES, ask, beside, consents, emergency, network, record


def test_the_table_is_whole():
    assert [path.stem for path in CASES] == [f"{n:02d}" for n in range(1, 93)]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_each_row_of_the_table_is_decided_as_the_facts_say(path):
    case = json.loads(path.read_text(encoding="utf-8"))
    question = ask(case["requester"], case["purpose"], datetime.fromisoformat(case["at"]), statute=case.get("statute", ""))
    if "emergency" in case:
        question = ask(case["requester"], case["purpose"], question.at, emergency=emergency(case["requester"], case["emergency"]))
    on_file = consents(case["consents"]) if case["consents"] else ()
    on_file += beside(case["requester"], case["network"], question.at)
    found = decide(question, record(case["record"]), on_file, network(case["network"]))
    expected = case["expected"]
    assert (found.effect, found.reason) == (expected["effect"], expected["reason"]), case["why"]
    assert found.basis == expected.get("basis", found.basis if found.effect == "redact" else "")
    if "obligations" in expected:
        assert found.obligations == set(expected["obligations"])
    if "masks" in expected:
        assert found.masks == set(expected["masks"])
    assert found.gives == (found.effect == "permit" or (found.effect == "redact" and expected["masks"] != ["resource"]))
