import re
from pathlib import Path

import pytest

from schemas import fhir
from schemas.errors import BadInput, Issue
from schemas.fhir.outcome import operation_outcome
from schemas.fhir.resource import read
from schemas.messages import catalogue

from .good import PATIENT, but, text


def test_an_outcome_says_rule_place_and_both_languages():
    with pytest.raises(BadInput) as caught:
        read(text(but(PATIENT, gender="zzz")))
    [issue] = operation_outcome(caught.value.issues)["issue"]
    assert (issue["severity"], issue["code"], issue["expression"]) == ("error", "code-invalid", ["Patient.gender"])
    assert issue["details"]["coding"] == [{"system": "urn:tsunagu:rule", "code": "HUB-4030"}]
    assert "male, female, other, unknown" in issue["details"]["text"]
    [translation] = issue["details"]["_text"]["extension"]
    assert translation["extension"][0] == {"url": "lang", "valueCode": "en"}
    assert translation["extension"][1]["valueString"] == issue["diagnostics"]


def test_an_outcome_is_itself_a_right_resource():
    issues = [
        Issue("HUB-4049", words={"limit": "50"}, code="too-long", severity="information"),
        Issue("HUB-4023", "Patient.name", code="required"),
    ]
    assert read(text(operation_outcome(issues))).type == "OperationOutcome"


def test_every_rule_that_is_raised_here_has_its_texts():
    source = "".join(p.read_text(encoding="utf-8") for p in Path(fhir.__file__).parent.glob("*.py"))
    raised = set(re.findall(r"HUB-4\d{3}", source))
    written = {r for r in catalogue() if r.startswith("HUB-4")}
    assert raised <= written
