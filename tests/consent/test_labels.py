"""Labels from codes and from the sender: what is N, what is not, and what stays unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.ask import UNKNOWN, Labels
from consent.labels import group_of, harms, label, label_codes, stricter
from consent.rules import CONFIDENTIALITY
from consent.tables import meanings, rows
from schemas.adapter import BASE
from schemas.fhir.schema import resource_types

ICD = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full"
YJ = "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code"
GENERAL = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationGeneralOrderCode"
HOT = "http://medis.or.jp/CodeSystem/master-HOT9"
JLAC = "http://medis.or.jp/CodeSystem/master-JLAC10-17digits"
LOINC, ATC = "http://loinc.org", "http://www.whocc.no/atc"
MEDIS = "http://medis.or.jp/CodeSystem/master-disease-keyNumber"
LOCAL = f"{BASE}/CodeSystem/local/1319900013/99XYZ"
CONFIDENTIAL = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
NORMAL = Labels("N", frozenset())


def of(kind, *codes, security=(), custodian_kind=""):
    return label(kind, codes=frozenset(codes), security=frozenset(security), custodian_kind=custodian_kind)


def marked(level, *kinds):
    return Labels(level, frozenset(kinds))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("I50", NORMAL), ("I509", NORMAL), ("I50.9", NORMAL), ("J189", NORMAL), ("U071", NORMAL), ("Z999", NORMAL),
        ("F009", NORMAL), ("F03", NORMAL), ("F051", NORMAL), ("G309", NORMAL),
        ("B20", marked("R", "HIV")), ("B24", marked("R", "HIV")), ("B23.8", marked("R", "HIV")), ("Z21", marked("R", "HIV")),
        ("F024", marked("R", "HIV")), ("O987", marked("R", "HIV")), ("B19", NORMAL), ("B25", NORMAL), ("O986", NORMAL),
        ("A50", marked("R", "STD")), ("A539", marked("R", "STD")), ("A64", marked("R", "STD")), ("A65", NORMAL), ("A499", NORMAL),
        ("F20", marked("R", "PSY")), ("F329", marked("R", "PSY")), ("F99", marked("R", "PSY")),
        ("F102", marked("R", "ETH", "ETHUD", "SUD")), ("F112", marked("R", "ETH", "OPIOIDUD", "SUD")), ("F19.9", marked("R", "ETH", "SUD")),
        ("T741", marked("V", "SDV")), ("Y05", marked("V", "SDV")), ("Y07.0", marked("V", "SDV")), ("T73", NORMAL), ("Y06", NORMAL),
        ("Q210", marked("R", "GDIS")), ("O049", marked("R", "SEX")), ("O03", NORMAL),
    ],
)  # fmt: skip
def test_a_diagnosis_is_labelled_by_its_icd_10_code(code, expected):
    assert of("Condition", f"{ICD}|{code}") == expected
    assert of("Encounter", f"http://hl7.org/fhir/sid/icd-10|{code}") == expected, "a reason labels the stay too"


@pytest.mark.parametrize("code", ["", "I", "5A", "i5X", "I5O", "糖尿病", "I50.9.1.2.3", "II50"])
def test_a_text_that_is_no_icd_10_code_says_nothing(code):
    assert of("Condition", f"{ICD}|{code}") == UNKNOWN


def test_a_diagnosis_in_words_or_local_codes_is_unknown():
    assert of("Condition") == UNKNOWN
    assert of("Condition", f"{LOCAL}|D100", f"{MEDIS}|20061547", "|x") == UNKNOWN
    assert of("Condition", f"{LOCAL}|D100", f"{ICD}|I509") == NORMAL
    assert of("Condition", f"{BASE}/CodeSystem/condition-category|care-need") == NORMAL


ADMINISTRATIVE = [
    "Patient", "RelatedPerson", "Encounter", "EpisodeOfCare", "Coverage", "CarePlan", "CareTeam", "Goal", "Flag", "Appointment", "AllergyIntolerance",
    "Procedure", "ServiceRequest", "Task", "Communication", "DocumentReference", "Composition", "QuestionnaireResponse", "ClinicalImpression",
    "Immunization", "Device", "DeviceUseStatement", "Organization", "Practitioner", "Location",
]  # fmt: skip


@pytest.mark.parametrize("kind", ADMINISTRATIVE)
def test_types_without_a_telling_code_are_n_by_a_row_of_their_own(kind):
    assert of(kind) == NORMAL
    assert of(kind, f"{LOCAL}|1") == NORMAL
    assert any(kind in row["types"].split("|") and not row["system"] for row in rows("labels"))


@pytest.mark.parametrize(
    "kind", ["FamilyMemberHistory", "RiskAssessment", "Basic", "List", "Observation", "Condition", "MedicationRequest", "Consent"]
)
def test_types_that_no_row_names_or_that_need_a_code_are_unknown(kind):
    assert of(kind) == UNKNOWN


def test_a_psychiatric_department_labels_the_stay():
    department = "http://jami.jp/SS-MIX2/CodeSystem/ClinicalDepartment"
    assert of("Encounter", f"{department}|02") == marked("R", "PSY")
    assert of("Encounter", f"{department}|021") == marked("R", "PSY")
    assert of("Encounter", f"{department}|20") == NORMAL
    assert of("Encounter", f"{department}|081") == NORMAL


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (f"{YJ}|2149019F1024", NORMAL), (f"{YJ}|6132005F1020", NORMAL), (f"{GENERAL}|1124009F1ZZZ", NORMAL), (f"{HOT}|103299401", UNKNOWN),
        (f"{YJ}|3930001F1020", marked("R", "ETH", "SUD")), (f"{YJ}|3929001F1020", NORMAL),
        (f"{YJ}|6250021M1027", NORMAL), (f"{YJ}|6250103F1036", marked("R", "HIV")), (f"{GENERAL}|6250024F1ZZZ", marked("R", "HIV")),
        (f"{YJ}|1179041F1025", marked("R", "PSY")), (f"{GENERAL}|1174006F1ZZZ", marked("R", "PSY")), (f"{YJ}|1190012F1026", NORMAL),
        (f"{YJ}|6250999F1020", UNKNOWN), (f"{YJ}|9999999F1020", UNKNOWN), (f"{LOCAL}|A1", UNKNOWN),
        (f"{ATC}|C08CA01", NORMAL), (f"{ATC}|J01CA04", NORMAL), (f"{ATC}|J05AH02", NORMAL),
        (f"{ATC}|J05AR03", marked("R", "HIV")), (f"{ATC}|J05AF07", UNKNOWN),
    ],
)  # fmt: skip
def test_a_drug_is_labelled_by_what_its_code_tells(code, expected):
    for kind in ("MedicationRequest", "MedicationStatement", "MedicationAdministration", "MedicationDispense"):
        assert of(kind, code) == expected


def test_a_code_that_may_reveal_outweighs_one_that_tells_nothing():
    assert of("MedicationRequest", f"{HOT}|103299401", f"{YJ}|6250999F1020") == UNKNOWN
    assert of("MedicationRequest", f"{HOT}|103299401", f"{YJ}|6250103F1036") == marked("R", "HIV")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (f"{JLAC}|3C015000002327101", NORMAL), (f"{JLAC}|5H010000001910114", NORMAL), (f"{JLAC}|9P100000000000001", NORMAL),
        (f"{JLAC}|5F560155002305211", marked("R", "HIV")), (f"{JLAC}|5F500000000000000", marked("R", "HIV")),
        (f"{JLAC}|5E075000002306211", marked("R", "STD")), (f"{JLAC}|5F016000002305211", NORMAL), (f"{JLAC}|5F999000002305211", UNKNOWN),
        (f"{JLAC}|6B010000000000000", UNKNOWN), (f"{JLAC}|3M100000002301101", UNKNOWN), (f"{JLAC}|8C991000000000000", marked("R", "GDIS")),
        (f"{LOINC}|8310-5", NORMAL), (f"{LOINC}|20447-9", marked("R", "HIV")), (f"{LOINC}|99999-9", UNKNOWN), (f"{LOINC}|81351-9", NORMAL),
        ("http://medis.or.jp/CodeSystem/master-nursingObservationKeyCode|31001368", NORMAL),
        ("http://medis.or.jp/CodeSystem/master-nursingObservationKeyCode|31999999", UNKNOWN),
        (f"{BASE}/CodeSystem/kaigo-observation|care-level", NORMAL), (f"{LOCAL}|L001", UNKNOWN),
    ],
)  # fmt: skip
def test_an_observation_is_labelled_by_what_was_observed(code, expected):
    assert of("Observation", code) == expected


def test_a_wish_for_the_end_of_life_is_seen_and_a_choice_about_sharing_is_not():
    scope = "http://terminology.hl7.org/CodeSystem/consentscope"
    assert of("Consent", f"{scope}|adr") == NORMAL
    assert of("Consent", f"{scope}|patient-privacy").confidentiality == "V"


def test_notes_of_a_consultation_desk_are_not_n_by_themselves():
    for kind in ("city", "support-center"):
        assert of("ClinicalImpression", custodian_kind=kind) == UNKNOWN
        assert of("CarePlan", custodian_kind=kind) == NORMAL
    assert of("ClinicalImpression", custodian_kind="visiting-nurse") == NORMAL


# ── the sender's label ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_sender_raises_and_never_lowers():
    assert of("Patient", security=[f"{CONFIDENTIAL}|V"]) == Labels("V", frozenset())
    assert of("Condition", f"{ICD}|B20", security=[f"{CONFIDENTIAL}|L"]) == marked("R", "HIV")
    assert of("Condition", f"{ICD}|I509", security=[f"{ACT}|PSY"]) == marked("R", "PSY")


def test_where_the_table_is_silent_the_sender_holds_and_its_kinds_stay_unknown():
    assert of("Condition", security=[f"{CONFIDENTIAL}|N"]) == Labels("N", None)
    assert of("Condition", security=[f"{ACT}|HIV"]) == marked("R", "HIV")


def test_a_code_that_may_reveal_is_only_settled_upwards():
    antiviral = f"{YJ}|6250999F1020"
    assert of("MedicationRequest", antiviral, security=[f"{CONFIDENTIAL}|N"]) == UNKNOWN
    assert of("MedicationRequest", antiviral, security=[f"{CONFIDENTIAL}|R"]) == Labels("R", None)
    assert of("MedicationRequest", antiviral, security=[f"{ACT}|HIV"]) == marked("R", "HIV")


def test_a_security_label_that_nobody_knows_makes_it_unknown():
    assert of("Patient", security=["https://example.org|TOP-SECRET"]) == UNKNOWN


def test_handling_codes_are_no_level():
    assert of("Patient", security=[f"{ACT}|NORDSCLCD"]) == NORMAL


def test_u_means_something_else_in_hl7_version_2():
    v2 = "http://terminology.hl7.org/CodeSystem/v2-0177"
    assert of("Condition", security=[f"{v2}|U"]) == Labels("N", None)
    assert of("Condition", security=[f"{v2}|AID"]) == marked("R", "HIV")


codes = st.frozensets(
    st.sampled_from([f"{ICD}|B20", f"{ICD}|I509", f"{YJ}|6250999F1020", f"{LOCAL}|1", f"{HOT}|1", f"{ICD}|T741"]), max_size=3
)
security = st.frozensets(st.sampled_from([f"{CONFIDENTIAL}|{c}" for c in "LNRV"] + [f"{ACT}|PSY"]), max_size=2)


@given(st.sampled_from(["Condition", "Patient", "MedicationRequest"]), codes, security)
def test_the_senders_label_never_lowers_what_the_table_says(kind, found, stated):
    table = label(kind, codes=found, security=frozenset())
    both = label(kind, codes=found, security=stated)
    if table.confidentiality is not None:
        assert both.confidentiality is not None
        assert CONFIDENTIALITY[both.confidentiality] >= CONFIDENTIALITY[table.confidentiality]
        assert table.sensitivities <= both.sensitivities


# ── beside the main code ─────────────────────────────────────────────────────────────────────────────────────────────


def test_reasons_departments_and_categories_are_found():
    stay = {
        "resourceType": "Encounter",
        "serviceType": {"coding": [{"system": "http://jami.jp/SS-MIX2/CodeSystem/ClinicalDepartment", "code": "02"}]},
        "reasonCode": [{"text": "肺炎"}, {"coding": [{"system": ICD, "code": "J189"}, {"display": "x"}]}],
    }
    assert label_codes("Encounter", stay) == {"http://jami.jp/SS-MIX2/CodeSystem/ClinicalDepartment|02", f"{ICD}|J189"}
    plan = {"activity": [{"detail": {"reasonCode": [{"coding": [{"code": "x"}]}]}}, {"reference": {}}]}
    assert label_codes("CarePlan", plan) == {"|x"}
    assert label_codes("Patient", {}) == frozenset()


def test_what_has_not_been_told_is_kept_from_the_person():
    assert harms(frozenset({"http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication|UNINFORMED", "x|y"}))
    assert harms(frozenset({f"{BASE}/CodeSystem/handling|harm"}))
    assert not harms(frozenset({"x|y"}))


# ── the tables ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("row", rows("labels"), ids=lambda row: f"{row['types'][:20]}-{row['system']}-{row['codes'][:12]}")
def test_each_row_of_the_label_table_is_sound(row):
    assert row["types"] == "*" or set(row["types"].split("|")) <= set(resource_types())
    assert not row["system"] or row["system"] in {r["group"] for r in rows("systems")}
    assert bool(row["system"]) == bool(row["codes"])
    assert row["confidentiality"] in {*CONFIDENTIALITY, "?"}
    assert {f"{ACT}|{s}" for s in row["sensitivities"].split("|") if s} <= meanings("sensitivity").keys()
    assert bool(row["sensitivities"]) <= (row["confidentiality"] in {"R", "V"})
    assert row["reason"]


def test_each_row_of_the_sender_table_is_sound():
    for row in rows("security"):
        assert row["confidentiality"] in {*CONFIDENTIALITY, ""}
        assert bool(row["sensitivities"]) <= (row["confidentiality"] in {"R", "V"})


def test_each_path_names_a_type_that_the_hub_takes():
    assert {row["type"] for row in rows("label_paths")} <= set(resource_types())


def test_the_longest_known_address_decides_the_group_of_a_system():
    assert group_of(LOCAL.rpartition("|")[0] or LOCAL) == "local"
    assert group_of(f"{BASE}/CodeSystem/kaigo-observation") == "hub"
    assert group_of("https://example.org") == ""


def test_of_two_labels_the_stricter_shows_no_more_than_either():
    plain, restricted = Labels("N", frozenset()), Labels("R", frozenset({"HIV"}))
    assert stricter(plain, plain) is plain
    assert stricter(plain, restricted) == stricter(restricted, plain) == restricted
    assert stricter(restricted, Labels("N", frozenset({"PSY"}))) == Labels("R", frozenset({"HIV", "PSY"}))
    assert stricter(plain, Labels(None, None)) == Labels(None, None)
    assert stricter(Labels("N", None), restricted) == Labels("R", None)
