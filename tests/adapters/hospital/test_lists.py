"""ADT-61, PPR-01 and OMP-01: allergies, problems, prescriptions; what each state says, and keys that hold over repeats."""

import pytest

from adapters.wire.hl7_write import build
from tests.adapters.hospital.messages import draft, header, part, pid, refused, warned

A60, ZD1, O11 = header(event="A60"), header("PPR", "ZD1"), header("RDE", "O11")


def iam(**more):
    fields = {1: "1", 2: ("DA", "", "HL70127"), 3: ("P0101", "ペニシリン系", "99DRG"), 6: ("A", "追加", "HL70323")}
    return build("IAM", fields | {int(key.removeprefix("f")): value for key, value in more.items()})


def prb(**more):
    fields = {1: "AD", 2: "20260407115500", 3: ("20059999", "急性肺炎", "MDCDX2"), 4: "101", 10: ("J189", "", "I10")}
    return build("PRB", fields | {int(key.removeprefix("f")): value for key, value in more.items()})


def orc(**more):
    fields = {1: "NW", 2: "000000002604271", 4: "000000002604271_01_001", 9: "20260427140500"}
    return build("ORC", fields | {int(key.removeprefix("f")): value for key, value in more.items()})


def rxe(**more):
    fields = {2: ("990000001", "ためし錠", "HOT9"), 3: "1", 5: ("TAB", "錠", "MR9P")}
    return build("RXE", fields | {int(key.removeprefix("f")): value for key, value in more.items()})


def tq1(**more):
    fields = {1: "1", 3: (("1011000400000000", "１日１回朝食後", "JAMISDP01"),)}
    return build("TQ1", fields | {int(key.removeprefix("f")): value for key, value in more.items()})


def codes(concept):
    return [one["code"] for one in concept.get("coding", [])]


# ── allergies ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("action", "check", "clinical", "verification"),
    [
        ("A", "", "active", None),
        ("U", "C", "active", "confirmed"),
        ("X", "S", "active", "unconfirmed"),
        ("A", "U", "active", "unconfirmed"),
        ("A", "P", "active", "unconfirmed"),
        ("A", "D", "inactive", "refuted"),
        ("A", "I", "inactive", None),
        ("A", "E", None, "entered-in-error"),
        ("D", "C", None, "entered-in-error"),
    ],
)
def test_an_allergy_has_the_state_that_action_and_check_give(action, check, clinical, verification):
    body = draft("AllergyIntolerance", A60, pid(), iam(f6=action, f17=check)).body
    said = [codes(body[name])[0] if name in body else None for name in ("clinicalStatus", "verificationStatus")]
    assert said == [clinical, verification]


def test_an_allergy_keeps_its_key_by_the_senders_number_or_else_by_the_allergen():
    numbered = [
        draft("AllergyIntolerance", A60, pid(), iam(f7="AL1", f3=("", words))).key for words in ("ペニシリン", "ペニシリン系抗菌薬")
    ]
    named = [draft("AllergyIntolerance", A60, pid(), iam(f4=severity)).key for severity in (("SV", "", "HL70128"), ("MI", "", "HL70128"))]
    assert len(set(numbered)) == 1
    assert len(set(named)) == 1
    assert numbered[0] != named[0]


@pytest.mark.parametrize(
    ("segments", "issue"),
    [
        ((), ("HUB-1007", "IAM")),
        ((iam(f3=("", "", "JC10")),), ("HUB-1010", "IAM-3")),
        ((iam(f6="Z"),), ("HUB-1017", "IAM-6")),
        ((iam(f11="1998-05"),), ("HUB-1015", "IAM-11")),
    ],
)
def test_an_allergy_at_fault_is_refused_at_its_field(segments, issue):
    assert refused(A60, pid(), *segments) == issue


def test_unknown_codes_about_an_allergy_do_not_lose_the_allergy():
    message = (A60, pid(), iam(f2="ZZ", f4="ZZ", f5="発疹", f6="", f17="ZZ"))
    body = draft("AllergyIntolerance", *message).body
    assert (body["code"]["text"], codes(body["clinicalStatus"]), body["reaction"]) == (
        "ペニシリン系",
        ["active"],
        [{"manifestation": [{"text": "発疹"}]}],
    )
    assert {where for _, where in warned(*message)} == {"IAM-2", "IAM-4", "IAM-6", "IAM-17"}


# ── problems ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("outcome", "clinical"),
    [
        ("", "active"),
        ("R", "resolved"),
        ("F", "resolved"),
        ("M", "remission"),
        ("N", "active"),
        ("W", "active"),
        ("C", "active"),
        ("S", "active"),
        ("D", "inactive"),
        ("I", "inactive"),
    ],
)
def test_a_problem_has_the_state_of_its_outcome_and_an_end_only_when_it_is_over(outcome, clinical):
    body = draft("Condition", ZD1, pid(), prb(f14=outcome, f15="20260428")).body
    assert codes(body["clinicalStatus"]) == [clinical]
    assert body.get("abatementDateTime") == (None if clinical == "active" else "2026-04-28")


def test_an_outcome_outside_the_tables_leaves_the_problem_active():
    message = (ZD1, pid(), prb(f14="Z"))
    assert codes(draft("Condition", *message).body["clinicalStatus"]) == ["active"]
    assert warned(*message) == [("HUB-1018", "PRB-14")]


def test_a_problem_with_an_end_and_no_outcome_is_inactive():
    body = draft("Condition", ZD1, pid(), prb(f9="20260428")).body
    assert (codes(body["clinicalStatus"]), body["abatementDateTime"]) == (["inactive"], "2026-04-28")


def test_a_deleted_problem_is_entered_in_error_without_a_clinical_state():
    body = draft("Condition", ZD1, pid(), prb(f1="DE", f9="20260428")).body
    assert (codes(body["verificationStatus"]), "clinicalStatus" in body, "abatementDateTime" in body) == (
        ["entered-in-error"],
        False,
        False,
    )


@pytest.mark.parametrize(
    ("field", "coding"),
    [
        (("J189", "", "I10"), {"system": "http://hl7.org/fhir/sid/icd-10", "version": "2003", "code": "J18.9"}),
        (("I10", "", "I10", "", "", "", "2003"), {"system": "http://hl7.org/fhir/sid/icd-10", "version": "2003", "code": "I10"}),
        (("J189", "", "I10", "", "", "", "2013"), {"system": "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full", "code": "J189"}),
    ],
)
def test_icd_10_stands_under_the_address_of_its_edition(field, coding):
    assert draft("Condition", ZD1, pid(), prb(f10=field)).body["code"]["coding"][1:] == [coding]


def test_the_senders_label_goes_with_the_problem():
    body = draft("Condition", ZD1, pid(), prb(f25=[("V", "非常に限定", "HL70177"), ("PSY", "", "HL70177")])).body
    assert [one["code"] for one in body["meta"]["security"]] == ["V", "PSY"]


def test_what_follows_a_problem_belongs_to_it_alone():
    doctor = build("ORC", {1: "NW", 12: ("110", "新海", "直子")})
    first, second = part(ZD1, pid(), prb(), doctor, prb(f4="102")).drafts
    assert (first.body["recorder"]["display"], "recorder" in second.body) == ("新海 直子", False)


@pytest.mark.parametrize(
    ("segments", "issue"),
    [
        ((), ("HUB-1007", "PRB")),
        ((prb(f3=""),), ("HUB-1010", "PRB-3")),
        ((prb(f1=""),), ("HUB-1010", "PRB-1")),
        ((prb(), prb(f1="ZZ", f4="2")), ("HUB-1017", "PRB[2]-1")),
    ],
)
def test_a_problem_at_fault_is_refused_at_its_field(segments, issue):
    assert refused(ZD1, pid(), *segments) == issue


def test_a_problem_without_a_number_is_keyed_by_name_and_onset():
    same = [draft("Condition", ZD1, pid(), prb(f4="", f14=outcome, f16="20260405")).key for outcome in ("N", "R")]
    assert len(set(same)) == 1
    assert same[0] != draft("Condition", ZD1, pid(), prb(f4="", f16="20200405")).key


# ── prescriptions ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("control", "flag", "status"), [("NW", "1", "active"), ("NW", "2", "active"), ("CA", "1", "cancelled"), ("NW", "0", "cancelled")]
)
def test_a_prescription_is_cancelled_by_its_control_or_by_the_flag_of_its_file(control, flag, status):
    name = f"0040718_20260427_OMP-01_000000002604271_20260427140512000_01_{flag}"
    assert draft("MedicationRequest", O11, pid(), orc(f1=control), rxe(), name=name).body["status"] == status


def test_one_step_after_another_is_a_sequence():
    steps = draft("MedicationRequest", O11, pid(), orc(), rxe(), tq1(f6=("3", "d"), f12="S"), tq1(f1="2", f6=("4", "d"))).body[
        "dosageInstruction"
    ]
    assert [(one["sequence"], one["timing"]["repeat"]["boundsDuration"]["value"]) for one in steps] == [(1, 3), (2, 4)]


def test_a_usage_that_names_a_condition_or_a_number_of_times_is_as_needed():
    plain, named, counted = (
        draft("MedicationRequest", O11, pid(), orc(), rxe(), one).body["dosageInstruction"][0].get("asNeededBoolean")
        for one in (tq1(), tq1(f3=(("1050110000000000", "疼痛時", "JAMISDP01"),)), tq1(f14="10"))
    )
    assert (plain, named, counted) == (None, True, True)


@pytest.mark.parametrize(
    ("amount", "dose", "text"),
    [("0.5", 0.5, "1回0.5錠"), ("2", 2, "1回2錠"), ('""', None, None), ("", None, None), ("適量", None, "適量")],
)
def test_an_amount_is_a_number_with_its_unit_or_words(amount, dose, text):
    body = draft("MedicationRequest", O11, pid(), orc(), rxe(f3=amount)).body
    said = (body.get("dosageInstruction") or [{}])[0]
    assert (said.get("doseAndRate", [{"doseQuantity": {}}])[0]["doseQuantity"].get("value"), said.get("text")) == (dose, text)


def test_a_drug_keeps_its_key_over_changes_of_the_order():
    keys = {
        draft("MedicationRequest", O11, pid(), orc(f1=control), rxe(f3=dose)).key
        for control, dose in (("NW", "1"), ("NW", "2"), ("CA", "1"))
    }
    assert keys == {"0040718:000000002604271:01:001"}


def test_injections_share_the_event_and_are_refused_by_their_own_name():
    injected = rxe(f2=("00", "一般", "99I02"))
    assert refused(O11, pid(), orc(), injected) == ("HUB-1020", "MSH-9")
    assert refused(O11, pid(), orc(), rxe(), build("RXC", {1: "B", 2: ("1", "輸液", "HOT9")})) == ("HUB-1020", "MSH-9")
    name = "0040718_20260427_OMP-02_000000002604271_20260427140512000_01_1"
    assert refused(O11, pid(), orc(), rxe(), name=name) == ("HUB-1020", "MSH-9")


@pytest.mark.parametrize(
    ("segments", "issue"),
    [
        ((), ("HUB-1007", "ORC")),
        ((orc(),), ("HUB-1007", "RXE")),
        ((orc(), rxe(), orc(f4="000000002604271_01_002")), ("HUB-1007", "ORC[2]-4")),
        ((orc(f2=""), rxe()), ("HUB-1010", "ORC-2")),
        ((orc(f4=""), rxe()), ("HUB-1010", "ORC-4")),
        ((orc(f1="XX"), rxe()), ("HUB-1027", "ORC-1")),
        ((orc(), rxe(f2=("", "", "HOT9"))), ("HUB-1010", "RXE-2")),
    ],
)
def test_a_prescription_at_fault_is_refused_at_its_field(segments, issue):
    assert refused(O11, pid(), *segments) == issue
