"""Issues as a FHIR OperationOutcome (R4 §2.35), in Japanese with English beside it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schemas.errors import Issue
from schemas.messages import english, japanese

RULES = "urn:tsunagu:rule"
_TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"


def operation_outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """Give the OperationOutcome as a tree: rule as coding, Japanese text, English as its translation and as diagnostics, place as expression."""
    return {"resourceType": "OperationOutcome", "issue": [_issue(i) for i in issues]}


def _issue(issue: Issue) -> dict[str, Any]:
    said = english(issue)
    translation = {"url": _TRANSLATION, "extension": [{"url": "lang", "valueCode": "en"}, {"url": "content", "valueString": said}]}
    made: dict[str, Any] = {
        "severity": issue.severity,
        "code": issue.code,
        "details": {
            "coding": [{"system": RULES, "code": issue.rule}],
            "text": japanese(issue),
            "_text": {"extension": [translation]},
        },
        "diagnostics": said,
    }
    if issue.where:
        made["expression"] = [issue.where]
    return made
