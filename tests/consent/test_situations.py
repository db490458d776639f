"""The situation table of consent-and-audit facts §1.11: each of its 35 rows has decisions of its own, each with its why."""

import json
from copy import deepcopy
from datetime import datetime

import pytest

from consent.decide import decide
from consent.held import Held
from schemas.fhir.resource import read
from schemas.ids import INSTITUTION
from tests.consent import oracle_steps
from tests.consent.given import (
    HERE,
    ask,
    beside,
    bodies,
    confirmed,
    consents,
    emergency,
    made_record,
    made_requester,
    network,
    record,
    requester,
    to_directive,
)

FILES = sorted((HERE / "situations").glob("*.json"))
CASES = [(path.stem, number, case) for path in FILES for number, case in enumerate(json.loads(path.read_text(encoding="utf-8"))["cases"])]


def test_every_row_of_the_table_is_here():
    assert [path.stem for path in FILES] == [f"{n:02d}" for n in range(1, 36)]


def written_out(tree, number):
    """A consent that a case writes out: what differs from the written opt-in A."""
    body = deepcopy(bodies("A")[0]) | {"id": f"case-{number}", "provision": tree["provision"]}
    if "dateTime" in tree:
        body["dateTime"] = tree["dateTime"]
    if "organization" in tree:
        body["organization"] = [{"identifier": {"system": INSTITUTION, "value": tree["organization"]}}]
    return to_directive(read(json.dumps(body).encode(), expected_type="Consent").value)


@pytest.mark.parametrize(("row", "number", "case"), CASES, ids=[f"{row}-{number}" for row, number, _ in CASES])
def test_each_situation_is_decided_as_the_table_says(row, number, case):
    at, who = datetime.fromisoformat(case["at"]), case["requester"]
    named = isinstance(who, str)
    asker = requester(who) if named else made_requester(who)
    question = ask("hbMD", case["purpose"], at, requester=asker, statute=case.get("statute", ""), meeting=case.get("meeting", ""))
    if "emergency" in case:
        question = ask("hbMD", case["purpose"], at, requester=asker, emergency=emergency(who, case["emergency"]))
    held = [d for one in case["consents"] for d in (consents(one) if isinstance(one, str) else (written_out(one, number),))]
    held += beside(who, case["network"], at) if named else ()
    held += [confirmed(asker.organization, at)] if not named and who.get("confirmed") else []
    asked = record(case["record"]) if isinstance(case["record"], str) else made_record(case["record"])
    rules, expected = network(case["network"]), case["expected"]
    found = decide(question, asked, Held(held, rules), rules)
    assert found.effect == expected["effect"], case["why"]
    assert found.reason == expected.get("reason", found.reason), case["why"]
    assert found.basis == expected.get("basis", ""), case["why"]
    assert found.masks == set(expected.get("masks", ())), case["why"]
    if "obligations" in expected:
        assert found.obligations == set(expected["obligations"]), case["why"]
    assert oracle_steps.decide(question, asked, held, rules)[:2] == (found.effect, found.reason)
