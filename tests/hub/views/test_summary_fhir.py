"""The summary document: order, sections, reasons of emptiness, valid FHIR R4, nothing lost and nothing invented."""

import json
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.views.summary_fhir import clean, narrative, to_document
from schemas.fhir.resource import read
from tests.hub.views.emergency_persons import (
    CLINIC,
    LOINC,
    NOW,
    NURSE,
    ago,
    allergy,
    condition,
    kiyo,
    known,
    observation,
    page,
    patient,
    wishes_consent,
)

BASE = "https://hub.example.jp/fhir"
KIYO = tuple(kiyo())
REQUIRED = {"11450-4", "48765-2", "10160-0"}
REASONS = {"nilknown", "notasked", "withheld", "unavailable", "notstarted", "closed"}


def document(resources):
    return to_document(resources, page(resources), BASE, NOW)


def sections(made):
    return {one["code"]["coding"][0]["code"]: one for one in made["entry"][0]["resource"]["section"]}


def entries(section):
    return [one["reference"] for one in section.get("entry", ())]


def valid(made):
    return read(json.dumps(made, ensure_ascii=False).encode()).type == "Bundle"


def test_the_document_begins_with_its_composition_and_is_valid_r4():
    made = document(KIYO)
    first = made["entry"][0]["resource"]
    assert (made["type"], first["resourceType"], first["type"]["coding"][0]["code"]) == ("document", "Composition", "60591-5")
    assert valid(made)


def test_the_sections_stand_in_the_order_of_the_page():
    assert list(sections(document(KIYO))) == [
        "104605-1", "42348-3", "call-list", "8716-3", "11450-4", "11348-0", "10160-0", "48765-2", "46264-8", "47420-5", "18776-5", "recent-visits",
        "81338-6", "home", "differing",
    ]  # fmt: skip


def test_the_three_required_sections_of_an_unknown_person_say_that_nothing_is_available():
    made = sections(document([patient()]))
    for code in REQUIRED:
        assert made[code]["emptyReason"]["coding"][0]["code"] == "unavailable"
        assert "entry" not in made[code]


def test_unasked_wishes_are_notasked_and_not_left_out():
    assert sections(document([patient()]))["42348-3"]["emptyReason"]["coding"][0]["code"] == "notasked"


def test_known_absence_of_allergies_is_a_resource_and_no_reason():
    none = allergy("アレルギーなし", recorded="2026-10-01")
    section = sections(document([patient(), none]))["48765-2"]
    assert entries(section) == [f"AllergyIntolerance/{none.id}"]
    assert "emptyReason" not in section


def test_nothing_is_ever_said_to_be_withheld():
    assert "withheld" not in json.dumps(document([patient()]))


def test_entries_are_the_very_resources_that_were_given():
    made = {one["fullUrl"]: one["resource"] for one in document(KIYO)["entry"]}
    for one in KIYO:
        if f"{BASE}/{one.type}/{one.id}" in made:
            assert made[f"{BASE}/{one.type}/{one.id}"] == {**one.body, "id": one.id}


def test_functional_observations_stand_behind_one_clinical_impression():
    made = document(KIYO)
    section = sections(made)["47420-5"]
    assert [one.split("/")[0] for one in entries(section)] == ["ClinicalImpression"]
    impression = next(one["resource"] for one in made["entry"] if one["resource"]["resourceType"] == "ClinicalImpression")
    assert all(item["reference"].startswith("Observation/") for item in impression["investigation"][0]["item"])


def test_only_flags_are_entries_of_the_alerts_section():
    flag = known("Flag", NURSE, {"status": "active", "code": {"text": "転倒"}, "subject": {"reference": "Patient/pat-1"}})
    assert entries(sections(document([*KIYO, flag]))["104605-1"]) == [f"Flag/{flag.id}"]


def test_the_advance_directive_is_never_bare_in_the_narrative():
    div = sections(document([patient(), wishes_consent(conditions="", doctor="")]))["42348-3"]["text"]["div"]
    assert "心停止のときだけ" in div
    assert "確かめる医師" in div
    assert "2026-09-14" in div


def test_wishes_told_as_observations_stand_in_the_patient_story():
    wish = observation(CLINIC, LOINC, "75787-2", ago(days=9), category="survey", valueBoolean=False)
    made = sections(document([patient(), wish]))
    assert entries(made["81338-6"]) == [f"Observation/{wish.id}"]
    assert "entry" not in made["42348-3"]


def test_what_entries_point_to_comes_with_them():
    doctor = known("Practitioner", CLINIC, {"name": [{"text": "佐野 修"}]}, key="prac-9")
    made = document([patient(), doctor, condition("心房細動", asserter={"reference": "Practitioner/prac-9"})])
    assert f"{BASE}/Practitioner/prac-9" in [one["fullUrl"] for one in made["entry"]]


def references(value):
    if isinstance(value, dict):
        yield from [value["reference"]] if isinstance(value.get("reference"), str) else []
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_nothing_is_in_the_document_that_cannot_be_reached_from_its_composition():
    procedure = known("Procedure", CLINIC, {"status": "completed", "code": {"text": "ペースメーカー植込み"}, "performedDateTime": "2021"})
    made = {f"{one['resource']['resourceType']}/{one['resource']['id']}": one["resource"] for one in document([*KIYO, procedure])["entry"]}
    first = next(iter(made))
    reached, waiting = {first}, [first]
    while waiting:
        for target in references(made[waiting.pop()]):
            if target in made and target not in reached:
                reached.add(target)
                waiting.append(target)
    assert reached == set(made)
    assert "Patient/pat-2" not in made


def test_a_document_without_a_patient_names_what_is_unknown():
    made = document([condition("心房細動")])
    subject = made["entry"][0]["resource"]["subject"]["reference"]
    person = next(one["resource"] for one in made["entry"] if f"{one['resource']['resourceType']}/{one['resource']['id']}" == subject)
    assert person["_birthDate"]["extension"][0]["valueCode"] == "unknown"
    assert valid(made)


def test_the_same_person_and_moment_make_the_same_document():
    assert document(KIYO) == document(KIYO)


def test_markup_in_a_text_is_shown_and_not_obeyed():
    made = document([patient(), condition("<script>alert(1)</script>")])
    div = sections(made)["11450-4"]["text"]["div"]
    assert "<script" not in div
    assert "&lt;script&gt;" in div
    assert valid(made)


@given(st.sets(st.sampled_from(range(len(KIYO)))))
@settings(max_examples=25, deadline=None)
def test_any_part_makes_a_valid_document_whose_references_all_lie_in_it(chosen):
    made = document([KIYO[i] for i in sorted(chosen)])
    assert valid(made)
    inside = {f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in made["entry"]}
    assert len(inside) == len(made["entry"])
    for code, section in sections(made).items():
        assert set(entries(section)) <= inside
        assert ("entry" in section) is not ("emptyReason" in section) or code not in REQUIRED
        assert "emptyReason" not in section or section["emptyReason"]["coding"][0]["code"] in REASONS
    assert made["entry"][0]["resource"]["subject"]["reference"] in inside


@given(st.lists(st.text(), max_size=5))
def test_a_narrative_of_any_text_is_well_formed(told):
    div = ET.fromstring(narrative(told)["div"])
    assert len(div.findall(".//{http://www.w3.org/1999/xhtml}li")) == len(told)
    assert all(clean(one) for one in told)
