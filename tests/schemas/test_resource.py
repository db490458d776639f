import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import BadInput, BadValue, BrokenRule, Malformed, MissingValue, UnknownCode, Unsupported
from schemas.fhir.resource import read
from schemas.fhir.strict import CAP
from schemas.messages import english, japanese

from .good import ALL, COMPOSITION, CONDITION, DIV, OBSERVATION, PATIENT, REQUEST, but, text

ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}


def issues(value):
    with pytest.raises(BadInput) as caught:
        read(text(value))
    return [(i.rule, i.where) for i in caught.value.issues if i.severity == "error"]


@pytest.mark.parametrize("value", ALL, ids=lambda v: v["resourceType"])
def test_right_resources_are_read_with_their_received_bytes(value):
    raw = text(value)
    body = read(raw)
    assert (body.type, body.id, body.value) == (value["resourceType"], value.get("id"), value)
    assert body.raw is raw


@pytest.mark.parametrize(
    ("value", "rule", "where"),
    [
        (but(PATIENT, gender="zzz"), "HUB-4030", "Patient.gender"),
        (but(PATIENT, name=[]), "HUB-4023", "Patient.name"),
        (but(PATIENT, name=[{}]), "HUB-4023", "Patient.name[0]"),
        (but(PATIENT, name=[{"id": "x"}]), "HUB-4023", "Patient.name[0]"),
        (but(PATIENT, active="true"), "HUB-4022", "Patient.active"),
        (but(PATIENT, birthDate="2026-02-30"), "HUB-4026", "Patient.birthDate"),
        (but(PATIENT, birthDate="1900-02-29"), "HUB-4026", "Patient.birthDate"),
        (but(PATIENT, birthDate="26-2-3"), "HUB-4025", "Patient.birthDate"),
        (but(PATIENT, birthDate=""), "HUB-4025", "Patient.birthDate"),
        (but(PATIENT, id="a b"), "HUB-4025", "Patient.id"),
        (but(PATIENT, id="a" * 65), "HUB-4025", "Patient.id"),
        (but(PATIENT, brithDate="1942"), "HUB-4021", "Patient"),
        (but(PATIENT, deceasedDateTime="2026"), "HUB-4031", "Patient"),
        (but(PATIENT, telecom={"system": "phone"}), "HUB-4022", "Patient.telecom"),
        (but(PATIENT, managingOrganization={"reference": "Patient/p1"}), "HUB-4034", "Patient.managingOrganization.reference"),
        (but(PATIENT, managingOrganization={"reference": "o1"}), "HUB-4033", "Patient.managingOrganization.reference"),
        (but(PATIENT, text={"status": "generated"}), "HUB-4020", "Patient.text.div"),
        (but(PATIENT, text={"status": "generated", "div": 5}), "HUB-4022", "Patient.text.div"),
        (but(OBSERVATION, status=None), "HUB-4020", "Observation.status"),
        (but(OBSERVATION, code=None), "HUB-4020", "Observation.code"),
        (but(OBSERVATION, status="FINAL"), "HUB-4030", "Observation.status"),
        (but(OBSERVATION, subject={"reference": "Medication/x"}), "HUB-4034", "Observation.subject.reference"),
        (but(OBSERVATION, subject={"reference": "http://example.org/fhir/Medication/x"}), "HUB-4034", "Observation.subject.reference"),
        (but(OBSERVATION, subject={"reference": "urn:tsunagu:Medication:x"}), "HUB-4034", "Observation.subject.reference"),
        (but(OBSERVATION, effectiveDateTime="2026-01-01T24:00:00Z"), "HUB-4026", "Observation.effectiveDateTime"),
        (but(OBSERVATION, effectiveDateTime="2026-01-01T10:00:00"), "HUB-4025", "Observation.effectiveDateTime"),
        (but(OBSERVATION, effectiveDateTime=None, _effectiveDateTime={}), "HUB-4023", "Observation.effectiveDateTime"),
        (
            but(OBSERVATION, component=[{"code": {"text": "x"}, "valueQuantity": {"value": "1"}}]),
            "HUB-4022",
            "Observation.component[0].valueQuantity.value",
        ),
        (but(OBSERVATION, note=[{"text": None}]), "HUB-4024", "Observation.note[0].text"),
        (but(CONDITION, clinicalStatus={"text": "活動性"}), "HUB-4037", "Condition.clinicalStatus"),
        (but(REQUEST, medicationReference=None), "HUB-4032", "MedicationRequest"),
        (
            but(REQUEST, dispenseRequest={"numberOfRepeatsAllowed": 1.5}),
            "HUB-4022",
            "MedicationRequest.dispenseRequest.numberOfRepeatsAllowed",
        ),
        (
            but(REQUEST, dispenseRequest={"numberOfRepeatsAllowed": 1.0}),
            "HUB-4029",
            "MedicationRequest.dispenseRequest.numberOfRepeatsAllowed",
        ),
        (
            but(REQUEST, dispenseRequest={"numberOfRepeatsAllowed": -1}),
            "HUB-4028",
            "MedicationRequest.dispenseRequest.numberOfRepeatsAllowed",
        ),
        (but(REQUEST, contained=[{"resourceType": "Medication", "status": "on"}]), "HUB-4030", "MedicationRequest.contained[0].status"),
        (but(REQUEST, contained=[{"resourceType": "Zzz"}]), "HUB-4010", "MedicationRequest.contained[0].resourceType"),
        (
            but(REQUEST, contained=[{"resourceType": "Basic", "code": {"text": "x"}, "contained": [PATIENT]}]),
            "HUB-4045",
            "MedicationRequest.contained[0]",
        ),
        (
            but(COMPOSITION, section=[{"section": [{"text": {"status": "additional", "div": "<p>"}}]}]),
            "HUB-4040",
            "Composition.section[0].section[0].text.div",
        ),
    ],
)
def test_each_fault_is_named_by_rule_and_place(value, rule, where):
    assert (rule, where) in issues(value)


def test_an_extension_has_a_value_or_further_extensions_but_not_both_and_not_neither():
    both = {"url": "http://example.org/x", "valueCode": "a", "extension": [{"url": "b", "valueCode": "c"}]}
    assert ("HUB-4035", "Patient.extension[0]") in issues(but(PATIENT, extension=[both]))
    assert ("HUB-4023", "Patient.extension[0]") in issues(but(PATIENT, extension=[{"url": "http://example.org/x"}]))
    two = {"url": "http://example.org/x", "valueCode": "a", "valueString": "a"}
    assert ("HUB-4031", "Patient.extension[0]") in issues(but(PATIENT, extension=[two]))


def test_a_required_primitive_may_be_absent_when_an_extension_says_why():
    read(text(but(OBSERVATION, status=None, _status=ABSENT)))
    assert ("HUB-4020", "Observation.status") in issues(but(OBSERVATION, status=None, _status={"id": "x"}))


@pytest.mark.parametrize("status", ["entered-in-error", "onleave", "cancelled", "unknown"])
def test_an_encounter_takes_every_status_of_the_standard(status):
    encounter = {"resourceType": "Encounter", "status": status, "class": {"code": "IMP"}}
    assert read(text(encounter)).type == "Encounter"


@pytest.mark.parametrize("day", ["2024-02-29", "2000-02-29", "1942", "1942-03", "2026-12-31"])
def test_days_of_the_calendar_and_partial_dates_pass(day):
    read(text(but(PATIENT, birthDate=day)))


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/p1",
        "Patient/p1/_history/2",
        "#p",
        "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7",
        "urn:tsunagu:Patient:0001",
        "http://example.org/fhir/Patient/p1",
        "https://example.org/elsewhere",
        "Patient?identifier=urn:oid:1.2|3",
    ],
)
def test_every_form_of_reference_passes_when_its_type_may_stand_there(reference):
    read(text(but(OBSERVATION, subject={"reference": reference})))


def test_lists_of_primitives_and_their_companions_stand_side_by_side():
    read(text(but(PATIENT, name=[{"given": ["花子", None], "_given": [None, ABSENT]}])))
    assert ("HUB-4024", "Patient.name[0].given[1]") in issues(but(PATIENT, name=[{"given": ["花子", None]}]))
    assert ("HUB-4036", "Patient.name[0].given") in issues(but(PATIENT, name=[{"given": ["花子", None], "_given": [None, None]}]))
    assert ("HUB-4036", "Patient.name[0].given") in issues(but(PATIENT, name=[{"given": ["花子"], "_given": [None, ABSENT]}]))
    assert ("HUB-4022", "Patient.name[0].given[0]") in issues(but(PATIENT, name=[{"given": [5], "_given": [ABSENT]}]))


@pytest.mark.parametrize(
    ("raw", "leaf", "rule"),
    [
        (b"[]", Malformed, "HUB-4009"),
        (b'"x"', Malformed, "HUB-4009"),
        (b"{}", MissingValue, "HUB-4010"),
        (b'{"resourceType":"Zzz"}', Unsupported, "HUB-4011"),
        (b'{"resourceType":["Patient"]}', Unsupported, "HUB-4011"),
        (b'{"resourceType":"Citation"}', Unsupported, "HUB-4011"),
        (b'{"resourceType":"SubstanceSpecification"}', Unsupported, "HUB-4011"),
        (b'{"resourceType":"Evidence","status":"draft"}', Unsupported, "HUB-4011"),
    ],
)
def test_what_is_no_resource_of_r4_is_refused_before_anything_else(raw, leaf, rule):
    with pytest.raises(leaf) as caught:
        read(raw)
    assert caught.value.issues[0].rule == rule


def test_another_type_than_the_address_says_is_refused():
    assert read(text(PATIENT), expected_type="Patient").id == "p1"
    with pytest.raises(BadValue) as caught:
        read(text(PATIENT), expected_type="Observation")
    assert caught.value.issues[0].rule == "HUB-4012"


def test_all_faults_are_named_at_once_and_the_first_one_gives_the_leaf():
    wrong = but(PATIENT, gender="zzz", birthDate="2026-02-30", active="true")
    with pytest.raises(BadInput) as caught:
        read(text(wrong))
    assert {i.where for i in caught.value.issues} == {"Patient.gender", "Patient.birthDate", "Patient.active"}
    assert type(caught.value) in {UnknownCode, BadValue, Malformed}
    assert caught.value.issue == caught.value.issues[0].code


def test_a_flood_of_faults_is_cut_at_fifty():
    with pytest.raises(BadInput) as caught:
        read(text(but(PATIENT, telecom=[{"use": "zzz"}] * 200)))
    assert len(caught.value.issues) == CAP


def test_resources_nested_too_deeply_in_one_another_are_refused():
    inner = {"resourceType": "Parameters", "parameter": [{"name": "x", "valueString": "y"}]}
    for _ in range(8):
        inner = {"resourceType": "Parameters", "parameter": [{"name": "x", "resource": inner}]}
    assert issues(inner)[0][0] == "HUB-4046"


def test_a_fault_inside_a_part_of_parameters_is_found():
    wrong = {"resourceType": "Parameters", "parameter": [{"name": "a", "part": [{"name": "b", "resource": but(PATIENT, gender="zzz")}]}]}
    assert ("HUB-4030", "Parameters.parameter[0].part[0].resource.gender") in issues(wrong)


SECRET = "ヒミツ-himitsu-4711"


@given(st.sampled_from(ALL), st.data())
def test_a_refusal_never_repeats_what_was_sent(value, data):
    """Put a secret in the place of any element, or use it as an element's name: no issue and no text of it may hold the secret."""
    name = data.draw(st.sampled_from(sorted(value.keys() - {"resourceType"})))
    form = data.draw(st.sampled_from([SECRET, {SECRET: SECRET}, [SECRET], [{"text": {SECRET: 1}}], {"reference": SECRET}, {"div": SECRET}]))
    target = data.draw(st.sampled_from([name, SECRET]))
    try:
        read(text(but(value, **{target: form})))
    except BadInput as error:
        told = [str(error), *(f"{i.where} {dict(i.words)} {japanese(i)} {english(i)}" for i in error.issues)]
        assert not any("ヒミツ" in t or "himitsu" in t for t in told)


def test_a_broken_narrative_in_a_resource_is_a_refusal():
    with pytest.raises(BrokenRule):
        read(text(but(PATIENT, text={"status": "generated", "div": DIV.replace("<p>", "<script>x</script><p>")})))


def test_of_a_huge_wrong_resource_the_first_fault_is_told_at_once():
    assert len(issues(but(PATIENT, telecom=[{"use": "zzz"}] * 50_000))) == 1
