"""Bodies with what must not leave taken out."""

import json
from copy import deepcopy

import pytest

from consent.redact import ABOUT_FAMILY, INLINE, has_inline_labels, may_be_marked, names_family, redact, speaks_of_family
from consent.tables import rows
from schemas.fhir.resource import read
from schemas.fhir.schema import resource_types

FAMILY, ELEMENTS = frozenset({"family"}), frozenset({"inline"})
DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p>長女 ハナコ</p></div>'
SECRET = {"url": INLINE, "valueCoding": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}}

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"profile": ["http://jpfhir.jp/fhir/core/StructureDefinition/JP_Patient"], "tag": [{"system": "https://x", "code": "kept"}]},
    "text": {"status": "generated", "div": DIV},
    "name": [{"text": "架空 太郎"}],
    "contact": [{"name": {"text": "架空 花子"}, "telecom": [{"system": "phone", "value": "03-0000-0000"}]}],
}
PLAN = {
    "resourceType": "CarePlan",
    "status": "active",
    "intent": "plan",
    "subject": {"reference": "Patient/p1"},
    "description": "転倒を防ぐ",
    "note": [
        {"text": "家で暮らしたい"},
        {"extension": [{"url": ABOUT_FAMILY, "valueBoolean": True}], "text": "長女は仕事を続けたい"},
    ],
}
NOTE = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5"}]},
    "subject": {"reference": "Patient/p1"},
    "valueQuantity": {"extension": [SECRET], "value": 36.5},
    "component": [
        {"extension": [SECRET], "code": {"text": "x"}, "valueString": "y"},
        {"code": {"text": "z"}, "valueString": "w", "_valueString": {"extension": [SECRET]}},
    ],
}


def tags(body):
    return [tag["code"] for tag in body["meta"]["tag"]]


def valid(body):
    return read(json.dumps(body, ensure_ascii=False).encode()).type


def test_without_masks_the_body_is_the_same():
    assert redact(PATIENT, frozenset()) is PATIENT


def test_the_whole_resource_is_dropped():
    assert redact(PATIENT, frozenset({"resource"})) is None
    assert redact(PLAN, frozenset({"resource", "family"})) is None


def test_an_unknown_mask_gives_nothing():
    assert redact(PATIENT, frozenset({"something-new"})) is None


def test_family_contacts_go_and_with_them_the_narrative():
    found = redact(PATIENT, FAMILY)
    assert "contact" not in found
    assert "text" not in found
    assert found["name"] == PATIENT["name"]
    assert found["meta"]["profile"] == PATIENT["meta"]["profile"]
    assert tags(found) == ["kept", "SUBSETTED", "REDACTED"]
    assert valid(found) == "Patient"


def test_an_element_marked_as_about_the_family_goes():
    found = redact(PLAN, FAMILY)
    assert found["note"] == [{"text": "家で暮らしたい"}]
    assert found["description"] == "転倒を防ぐ"
    assert valid(found) == "CarePlan"
    alone = {**PLAN, "note": PLAN["note"][1:]}
    assert "note" not in redact(alone, FAMILY)


def test_a_mark_that_says_no_is_no_mark():
    told = {**PLAN, "note": [{"extension": [{"url": ABOUT_FAMILY, "valueBoolean": False}], "text": "本人の希望"}]}
    assert not speaks_of_family("CarePlan", told)
    assert redact(told, FAMILY) is None


def test_a_mask_that_finds_nothing_gives_nothing():
    assert redact({name: value for name, value in PATIENT.items() if name != "contact"}, FAMILY) is None
    assert redact(PATIENT, ELEMENTS) is None
    assert redact(PATIENT, FAMILY | ELEMENTS) is None


def test_a_family_history_is_about_the_family_as_a_whole():
    history = {"resourceType": "FamilyMemberHistory", "status": "completed"}
    assert speaks_of_family("FamilyMemberHistory", history)
    assert redact(history, FAMILY) is None


def test_elements_with_a_label_of_their_own_are_masked_or_dropped():
    found = redact(NOTE, ELEMENTS)
    absent = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}
    assert found["valueQuantity"] == absent
    assert found["component"] == [{"code": {"text": "z"}, "_valueString": absent}]
    assert "HIV" not in json.dumps(found)
    assert valid(found) == "Observation"


def test_both_masks_work_together():
    both = {**PLAN, "title": "計画", "_title": {"extension": [SECRET]}}
    found = redact(both, FAMILY | ELEMENTS)
    assert len(found["note"]) == 1
    assert "title" not in found
    assert tags(found) == ["SUBSETTED", "REDACTED"]


def test_what_is_redacted_is_a_copy():
    before = deepcopy((PATIENT, NOTE))
    redact(PATIENT, FAMILY)
    redact(NOTE, ELEMENTS)
    assert before == (PATIENT, NOTE)


def test_the_whole_resource_marked_leaves_nothing():
    assert redact({**PLAN, "extension": [{"url": ABOUT_FAMILY, "valueBoolean": True}]}, FAMILY) is None


def test_redacting_twice_adds_no_tag_twice():
    again = {**redact(PATIENT, FAMILY), "contact": PATIENT["contact"]}
    assert tags(redact(again, FAMILY)) == ["kept", "SUBSETTED", "REDACTED"]


def test_the_hub_can_ask_beforehand():
    assert speaks_of_family("Patient", PATIENT)
    assert not speaks_of_family("Patient", {"resourceType": "Patient"})
    assert has_inline_labels(NOTE)
    assert not has_inline_labels(PATIENT)


@pytest.mark.parametrize("row", rows("family"), ids=lambda row: f"{row['type']}.{row['element']}")
def test_each_row_of_the_family_table_names_a_type_that_the_hub_takes(row):
    assert row["type"] in resource_types()
    assert row["reason"]


@pytest.mark.parametrize(("mask", "url"), [("family", ABOUT_FAMILY), ("inline", INLINE)])
def test_whether_a_text_can_hold_a_mark_is_said_at_little_cost_however_json_writes_it(mask, url):
    told = f'{{"extension":[{{"url":"{url}"}}]}}'
    assert may_be_marked(told.encode(), mask)
    assert may_be_marked(told.replace("-", "\\u002d").encode(), mask)
    assert may_be_marked("".join(c if c in '{}[]":' else f"\\u{ord(c):04x}" for c in told).encode(), mask)
    assert not may_be_marked(b'{"status":"final","note":"\\u5bb6\\u65cf"}', mask)


def test_without_a_mark_a_resource_speaks_of_the_family_by_its_type_and_elements_alone():
    for kind, body in [
        ("Patient", PATIENT),
        ("Patient", {"resourceType": "Patient"}),
        ("FamilyMemberHistory", {}),
        ("Observation", {"status": "final"}),
    ]:
        assert names_family(kind, body) == speaks_of_family(kind, body)
