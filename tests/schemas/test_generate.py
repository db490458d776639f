import orjson
import pytest

from schemas.fhir import generate, library, schema
from schemas.fhir.definitions import DATA


def test_making_the_schema_anew_gives_the_committed_bytes():
    assert generate.text() == DATA.joinpath("schema.json").read_bytes()


@pytest.fixture(scope="module")
def bindings():
    return orjson.loads(DATA.joinpath("bindings.json").read_bytes())


def codes(bindings, path):
    return {c for listed in bindings["sets"][bindings["elements"][path]].values() for c in listed}


def test_the_bindings_hold_what_the_library_cut_off(bindings):
    assert codes(bindings, "Encounter.status") == {
        "planned",
        "arrived",
        "triaged",
        "in-progress",
        "onleave",
        "finished",
        "cancelled",
        "entered-in-error",
        "unknown",
    }
    assert codes(bindings, "Observation.status") == {
        "registered",
        "preliminary",
        "final",
        "amended",
        "corrected",
        "cancelled",
        "entered-in-error",
        "unknown",
    }
    assert codes(bindings, "Patient.gender") == {"male", "female", "other", "unknown"}
    assert "entered-in-error" in codes(bindings, "Task.status") & codes(bindings, "DiagnosticReport.status") & codes(
        bindings, "DeviceUseStatement.status"
    )


def test_every_list_of_codes_that_the_library_has_whole_is_the_standards(bindings):
    differing = set()
    for root in generate.resource_types():
        for path, model in library.walk(root):
            for e in library.elements(model):
                field = model.model_fields[model.get_alias_mapping()[e.name]]
                listed = (field.json_schema_extra or {}).get("enum_values")
                place = f"{path}.{e.name}"
                if listed and "+" not in "".join(listed) and place in bindings["elements"] and set(listed) != codes(bindings, place):
                    differing.add(place)
    assert differing == set()


def test_types_that_r4_and_the_library_know_differently_are_left_out():
    types = schema.resource_types()
    assert len(types) == 126
    assert not types & {
        "Evidence",
        "EvidenceVariable",
        "Citation",
        "Ingredient",
        "NutritionProduct",
        "SubscriptionTopic",
        "MedicinalProduct",
        "Resource",
    }
    assert {"Patient", "Bundle", "Parameters", "OperationOutcome", "Binary", "Task", "Subscription"} <= types


def test_elements_of_r4b_alone_are_gone_and_those_of_r4_alone_are_there():
    extension = schema.definitions()["Extension"]["properties"]
    assert "valueMeta" in extension
    assert not extension.keys() & {"valueCodeableReference", "valueRatioRange", "_url", "_id"}
    assert "subjectCanonical" not in schema.definitions()["PlanDefinition"]["properties"]


def test_every_definition_that_is_mentioned_exists():
    assert {n for name in schema.definitions() for n in schema.uses(name)} <= schema.definitions().keys()
