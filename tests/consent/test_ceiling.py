"""What a role may see at most."""

from dataclasses import replace

import pytest

from consent.ask import Ask, Labels, Requester
from consent.decide import decide
from consent.directive import Rule
from tests.consent.given import HB, T0, ask, consents, directive, network, reason, record

N0 = network("N0")


def as_role(role, kind="hospital", purpose="TREAT"):
    return Ask(Requester(HB, kind, role, "P50"), purpose, T0)


OPEN = [directive(Rule("permit", confidentiality="V", bound="at-most"), family=frozenset({"*"}))]


NORMAL = Labels("N", frozenset())


def of(kind, labels=NORMAL, **changes):
    return record("o1", type=kind, id=f"{kind}/tsu-1", labels=labels, **changes)


RESTRICTED, VERY = Labels("R", frozenset({"HIV"})), Labels("V", frozenset({"SDV"}))
LAB = frozenset({"http://medis.or.jp/CodeSystem/master-JLAC10-17digits|3C015000002327101"})


@pytest.mark.parametrize(
    ("role", "kind", "purpose", "sees", "does_not"),
    [
        ("doctor", "hospital", "TREAT", ["AllergyIntolerance", "Observation", "CarePlan", "Patient"], ["Basic"]),
        ("nurse", "visiting-nurse", "TREAT", ["Condition", "Procedure", "CarePlan"], []),
        ("pharmacist", "pharmacy", "TREAT", ["MedicationRequest", "DiagnosticReport", "Condition"], ["Observation", "CarePlan", "RelatedPerson"]),
        ("rehabilitation", "hospital", "TREAT", ["Condition", "Procedure", "CarePlan"], ["DocumentReference", "ImagingStudy"]),
        ("care-manager", "care-manager", "CAREMGT", ["Encounter", "MedicationRequest", "CarePlan", "Flag"], ["Procedure", "Observation"]),
        ("helper", "home-help", "CAREMGT", ["Patient", "AllergyIntolerance", "Flag", "Appointment", "RelatedPerson", "Encounter"],
         ["Condition", "MedicationRequest", "CarePlan", "Observation"]),
        ("social-worker", "hospital", "TREAT", ["Condition", "DocumentReference", "CarePlan"], ["Observation", "Procedure"]),
        ("clerk", "hospital", "TREAT", ["Patient", "Coverage"], ["Condition", "CarePlan", "Observation"]),
        ("municipality", "city", "CAREMGT", ["Patient", "CarePlan"], ["Condition", "Observation"]),
        ("privacy-officer", "network", "HCOMPL", [], ["Patient", "Condition", "CarePlan"]),
        ("operator", "network", "HSYSADMIN", [], ["Patient", "Condition", "CarePlan"]),
    ],
)  # fmt: skip
def test_a_role_sees_its_classes_of_data_and_no_others(role, kind, purpose, sees, does_not):
    asked = as_role(role, kind, purpose)
    assert {t: reason(asked, of(t), OPEN, N0) for t in sees} == dict.fromkeys(sees, "P-EXPLICIT")
    assert {t: reason(asked, of(t), OPEN, N0) for t in does_not} == dict.fromkeys(does_not, "D-CEILING")


def test_a_care_manager_sees_clinical_detail_where_the_consent_names_it():
    named = directive(Rule("permit", confidentiality="N", bound="at-most", classes=frozenset({"Procedure"})))
    assert reason(as_role("care-manager", "care-manager", "CAREMGT"), of("Procedure"), [named], N0) == "P-EXPLICIT"


def test_a_pharmacist_sees_laboratory_results_and_no_other_findings():
    assert reason(as_role("pharmacist", "pharmacy"), of("Observation", codes=LAB), OPEN, N0) == "P-EXPLICIT"


def test_what_is_labelled_r_reaches_a_doctor_and_drugs_a_pharmacist_but_no_nurse():
    assert reason(as_role("doctor"), of("Observation", RESTRICTED), OPEN, N0) == "P-EXPLICIT"
    assert reason(as_role("nurse"), of("Observation", RESTRICTED), OPEN, N0) == "D-CEILING"
    assert reason(as_role("pharmacist", "pharmacy"), of("MedicationRequest", RESTRICTED), OPEN, N0) == "P-EXPLICIT"
    assert reason(as_role("pharmacist", "pharmacy"), of("Condition", RESTRICTED), OPEN, N0) == "D-CEILING"


def test_what_is_labelled_v_reaches_no_role_unless_the_network_says_so():
    assert reason(as_role("doctor"), of("Condition", VERY), OPEN, N0) == "D-CEILING"
    opened = replace(N0, ceiling={"doctor": N0.ceiling["doctor"] | {"V"}})
    assert reason(as_role("doctor"), of("Condition", VERY), OPEN, opened) == "P-EXPLICIT"


def test_a_role_without_family_data_gets_the_rest():
    found = decide(as_role("rehabilitation"), of("CarePlan", family=True), OPEN, N0)
    assert (found.effect, found.reason, found.masks, found.gives) == ("redact", "R-CEILING", {"family"}, True)


def test_an_application_has_the_ceiling_of_its_kinds_lead_role():
    assert reason(as_role("system", "visiting-nurse"), of("Condition", RESTRICTED), OPEN, N0) == "D-CEILING"
    assert reason(as_role("system", "hospital"), of("Condition", RESTRICTED), OPEN, N0) == "P-EXPLICIT"
    assert reason(as_role("system", "public-health", "THREAT"), of("Patient"), OPEN, N0) == "D-CEILING"


def test_a_role_or_type_that_no_table_names_sees_nothing():
    assert reason(as_role("doctor"), of("Basic"), OPEN, N0) == "D-CEILING"
    assert reason(as_role("doctor"), of("Patient"), OPEN, replace(N0, ceiling={})) == "D-CEILING"


def test_a_ceiling_denial_names_the_consents_and_no_basis():
    found = decide(as_role("clerk"), of("Condition"), OPEN, N0)
    assert (found.effect, found.basis, found.obligations) == ("deny", "", frozenset())
    assert [one.effect for one in found.consents] == ["permit"]


def test_elements_with_labels_of_their_own_are_masked():
    found = decide(ask(), record("o1", inline=True), consents("A"), N0)
    assert (found.effect, found.reason, found.masks, found.gives) == ("redact", "R-LABEL", {"inline"}, True)
