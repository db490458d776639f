from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fhir import schema
from schemas.fhir.facts import _table as table
from schemas.fhir.facts import (
    author,
    clinical_days,
    days_of,
    identifiers,
    main_codes,
    patient_references,
    profiles,
    related,
    subject_references,
)

from .good import COMPOSITION, CONDITION, JP, OBSERVATION, PATIENT, REQUEST, but


def day(text):
    return None if text is None else date.fromisoformat(text)


def test_a_resource_is_in_the_compartment_of_its_subject_and_of_a_patient_who_performed():
    value = but(OBSERVATION, performer=[{"reference": "Practitioner/d1"}, {"reference": "Patient/p2"}])
    assert patient_references("Observation", value) == [("performer[1]", "Patient/p2"), ("subject", "Patient/p1")]
    assert subject_references("Observation", value) == [("subject", "Patient/p1")]


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("Patient/1", True),
        ("http://example.org/fhir/Patient/1", True),
        ("urn:uuid:a", True),
        ("urn:tsunagu:Patient:1", True),
        ("Patient?identifier=a|b", True),
        ("Group/1", False),
        ("urn:tsunagu:Group:1", False),
        ("#p", False),
        ("http://example.org/fhir/Device/1", False),
    ],
)
def test_only_references_to_a_patient_or_to_an_urn_count(text, counts):
    assert bool(subject_references("Observation", {"subject": {"reference": text}})) is counts


def test_tasks_and_documents_do_not_escape_the_person_they_are_about():
    task = {"resourceType": "Task", "for": {"reference": "Patient/p1"}, "focus": {"reference": "CarePlan/c"}}
    assert patient_references("Task", task) == [("for", "Patient/p1")]
    document = {"resourceType": "Bundle", "type": "document", "entry": [{"resource": COMPOSITION}]}
    assert subject_references("Bundle", document) == [("entry[0].resource.subject", "Patient/p1")]
    assert subject_references("Bundle", {"type": "collection", "entry": [{"resource": COMPOSITION}]}) == []


def test_the_compartment_is_the_standards_plus_task():
    member = table("compartments")["member"]
    assert member["AllergyIntolerance"] == ["asserter", "patient", "recorder"]
    assert member["Coverage"] == ["beneficiary", "payor", "policyHolder", "subscriber"]
    assert member["CareTeam"] == ["participant.member", "subject"]
    assert member["Task"] == ["for", "focus"]
    assert not {"Practitioner", "Organization", "Location", "Subscription", "MessageHeader"} & member.keys()


def test_identifiers_are_given_as_search_finds_them():
    assert identifiers(PATIENT) == [("urn:oid:1.2.392.100495.20.3.51.11310000001", "0000123456")]
    document = {
        "resourceType": "DocumentReference",
        "masterIdentifier": {"value": "m"},
        "identifier": [{"system": "s", "value": "i"}, {"system": "s"}],
    }
    assert identifiers(document) == [("", "m"), ("s", "i")]
    assert identifiers({"resourceType": "Composition", "identifier": {"system": "s", "value": "c"}}) == [("s", "c")]


def test_main_codes_are_what_the_resource_is_about():
    assert main_codes("Condition", CONDITION) == {"http://hl7.org/fhir/sid/icd-10|I10"}
    assert main_codes("MedicationRequest", REQUEST) == {"urn:oid:1.2.392.100495.20.1.73|2171022F2029"}
    assert main_codes("Immunization", {"vaccineCode": {"coding": [{"code": "v"}]}, "reasonCode": [{"coding": [{"code": "r"}]}]}) == {"|v"}
    assert main_codes("Encounter", {"class": {"system": "s", "code": "IMP"}, "reasonCode": [{"coding": [{"code": "r"}]}]}) == frozenset()
    assert main_codes("Composition", COMPOSITION) == {"http://loinc.org|57133-1"}


@pytest.mark.parametrize(
    ("kind", "value", "first", "last"),
    [
        ("Observation", {"effectiveDateTime": "2026-05-01T09:10:00+09:00", "issued": "2026-06-01T00:00:00Z"}, "2026-05-01", "2026-05-01"),
        ("Observation", {"effectiveInstant": "2026-04-30T15:00:00Z"}, "2026-05-01", "2026-05-01"),
        ("Observation", {"effectiveDateTime": "2026-04-30T14:59:59.999Z"}, "2026-04-30", "2026-04-30"),
        ("Observation", {"effectiveDateTime": "2016-12-31T23:59:60Z"}, "2017-01-01", "2017-01-01"),
        ("Observation", {"effectivePeriod": {"start": "2026-04", "end": "2026-05"}}, "2026-04-01", "2026-05-31"),
        ("Observation", {"effectiveTiming": {"event": ["2026-05-03", "2026-05-01"]}}, "2026-05-01", "2026-05-03"),
        ("Observation", {"issued": "2026-06-01T00:00:00Z"}, "2026-06-01", "2026-06-01"),
        ("Condition", {"onsetDateTime": "2019"}, "2019-01-01", "2019-12-31"),
        ("Condition", {"onsetDateTime": "2019", "abatementDateTime": "2020-02"}, "2019-01-01", "2020-02-29"),
        ("Condition", {"onsetAge": {"value": 40}, "recordedDate": "2026-05-01"}, "2026-05-01", "2026-05-01"),
        ("Encounter", {"period": {"start": "2026-05-01T09:00:00+09:00"}}, "2026-05-01", None),
        ("Encounter", {"period": {"end": "2026-05-01"}}, None, "2026-05-01"),
        ("MedicationRequest", {"authoredOn": "2026-05-01T23:30:00Z"}, "2026-05-02", "2026-05-02"),
        ("Procedure", {"performedDateTime": "2026-12"}, "2026-12-01", "2026-12-31"),
        ("Patient", {"birthDate": "1942-03-08"}, None, None),
        ("Observation", {"meta": {"lastUpdated": "2026-05-01T00:00:00Z"}}, None, None),
    ],
)
def test_clinical_days_are_days_in_japan_and_never_the_time_of_storing(kind, value, first, last):
    assert clinical_days(kind, value) == (day(first), day(last))


@given(st.dates())
def test_a_full_date_is_itself_and_a_month_and_a_year_hold_it(d):
    assert days_of(d.isoformat()) == (d, d)
    for part in (d.isoformat()[:7], d.isoformat()[:4]):
        first, last = days_of(part)
        assert first is not None
        assert last is not None
        assert first <= d <= last
        assert first.day == 1


@pytest.mark.parametrize("text", ["", "0000", "2026-13", "2026-02-30", "9999-12-31T23:59:59-14:00", "x"])
def test_what_is_no_date_has_no_days(text):
    assert days_of(text) == (None, None)


def test_author_and_relations_are_read_by_table():
    assert author("Observation", OBSERVATION) == "Practitioner/d1"
    assert author("Condition", but(CONDITION, asserter={"reference": "Patient/p1"})) == "Patient/p1"
    assert author("Condition", CONDITION) == ""
    value = but(OBSERVATION, basedOn=[{"reference": "CarePlan/c"}, {"reference": "ServiceRequest/s"}, {"reference": "urn:uuid:s"}])
    assert related("Observation", value) == {"Encounter/e1", "CarePlan/c"}
    assert related("MedicationStatement", {"context": {"reference": "EpisodeOfCare/e"}}) == {"EpisodeOfCare/e"}
    assert related("DocumentReference", {"context": {"encounter": [{"reference": "urn:uuid:e"}]}}) == {"urn:uuid:e"}
    assert profiles(PATIENT) == {f"{JP}StructureDefinition/JP_Patient"}


def exists(kind, path):
    step, _, rest = path.partition(".")
    form = schema.definitions()[kind]["properties"].get(step)
    if form is None or not rest:
        return form is not None
    name = form.get("items", form)["$ref"].removeprefix("#/$defs/")
    return exists("Reference" if name.startswith("to:") else name, rest)


def test_every_element_in_the_tables_exists_in_r4():
    facts = table("facts")
    rows = [(t, p) for t, groups in facts["days"].items() for g in groups for p in g]
    rows += [(t, p) for name in ("authors", "codes") for t, listed in facts[name].items() if t != "*" for p in listed]
    rows += [(t, p) for name in ("about", "member") for t, listed in table("compartments")[name].items() for p in listed]
    rows += [(t, p) for t, named in table("search").items() if t != "source" for row in named.values() for p in row["paths"]]
    assert [r for r in rows if not exists(*r)] == []
