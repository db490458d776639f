import pytest

from schemas.fhir.parameters import compartment, paths, search


@pytest.mark.parametrize(
    ("kind", "expression", "expected"),
    [
        ("Observation", "Observation.subject", ["subject"]),
        ("Observation", "Observation.subject.where(resolve() is Patient)", ["subject"]),
        ("Observation", "Observation.effective", ["effectiveDateTime", "effectiveInstant", "effectivePeriod", "effectiveTiming"]),
        (
            "Observation",
            "(Observation.value.ofType(Quantity)) | (Observation.value.ofType(SampledData))",
            ["valueQuantity", "valueSampledData"],
        ),
        ("Composition", "Composition.attester.party", ["attester.party"]),
        ("DocumentReference", "DocumentReference.masterIdentifier | DocumentReference.identifier", ["masterIdentifier", "identifier"]),
        ("Patient", "Patient.telecom.where(system='email')", []),
        ("Patient", "Patient.deceased.exists() and Patient.deceased != false", []),
    ],
)
def test_expressions_become_paths_of_json_names(kind, expression, expected):
    assert paths(kind, expression) == expected


def test_tables_leave_out_what_the_hub_does_not_take():
    given = {
        "Citation": {"date": {"type": "date", "expression": "Citation.date"}},
        "Observation": {
            "patient": {"type": "reference", "expression": "Observation.subject.where(resolve() is Patient)", "target": ["Patient"]},
            "performer": {"type": "reference", "expression": "Observation.performer", "target": ["Patient", "Practitioner"]},
            "code-value": {"type": "composite", "expression": "Observation.code"},
        },
    }
    made = search(given)
    assert made.keys() == {"source", "Observation"}
    assert made["Observation"] == {
        "patient": {"kind": "reference", "paths": ["subject"], "target": ["Patient"]},
        "performer": {"kind": "reference", "paths": ["performer"], "target": ["Patient", "Practitioner"]},
    }
    members = compartment(given, {"Observation": ["patient", "performer"], "Citation": ["date"]})
    assert members["member"] == {
        "Contract": ["subject"], "Device": ["patient"], "GuidanceResponse": ["subject"],
        "Observation": ["performer", "subject"], "Task": ["for", "focus"],
    }  # fmt: skip
    assert members["about"] == {
        "Contract": ["subject"], "Device": ["patient"], "GuidanceResponse": ["subject"], "Observation": ["subject"], "Task": ["for"],
    }  # fmt: skip
