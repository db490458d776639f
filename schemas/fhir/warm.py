"""Compiles what the first requests would wait for (about 30 ms a type): called once before the hub answers."""

from __future__ import annotations

from schemas.fhir.strict import validator

FIRST = (
    "Bundle", "Patient", "Encounter", "Observation", "Condition", "MedicationRequest", "AllergyIntolerance", "Consent", "Coverage", "CarePlan",
    "Organization", "Practitioner", "Procedure", "RelatedPerson", "DiagnosticReport", "Immunization", "Claim", "ExplanationOfBenefit",
)  # fmt: skip


def warm() -> None:
    """Compile the schemas of the commonest types."""
    for kind in FIRST:
        validator(kind)
