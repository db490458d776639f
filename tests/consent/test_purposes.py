"""No purpose holds another (consent-and-audit facts §2.3): a permit for one opens nothing for the next, but an emergency is first tried as treatment."""

import pytest

from consent.rules import Rule
from tests.consent.given import ask, directive, network, reason, record

N0 = network("N0")
CARE = ("TREAT", "ETREAT", "BTG", "COC", "CAREMGT")


def answer(permitted: str, asked: str) -> str:
    signed = directive(Rule("permit", purposes=frozenset({permitted}), confidentiality="N", bound="at-most"))
    return reason(ask("hbMD", asked), record("o1"), (signed,), N0)


@pytest.mark.parametrize("permitted", [*CARE, "HRESCH"])
@pytest.mark.parametrize("asked", CARE)
def test_a_permit_for_one_purpose_opens_that_one_alone(permitted: str, asked: str) -> None:
    opens = permitted == asked or (permitted == "TREAT" and asked in {"ETREAT", "BTG"})
    assert answer(permitted, asked) == ("P-EXPLICIT" if opens else "D-NOTCOVERED")


@pytest.mark.parametrize("asked", ["TREAT", "ETREAT", "BTG"])
def test_a_refusal_of_treatment_refuses_it_in_an_emergency_too(asked: str) -> None:
    signed = directive(
        Rule("permit", confidentiality="N", bound="at-most", rules=(Rule("deny", purposes=frozenset({"TREAT"})),)),
    )
    assert reason(ask("hbMD", asked), record("o1"), (signed,), N0) == "D-NESTED"
    assert reason(ask("hbMD", "COC"), record("o1"), (signed,), N0) == "P-EXPLICIT"
