"""Every role beside every class of data (consent-and-audit facts §1.11, role ceiling): what is seen when the person has permitted all."""

import json
from dataclasses import replace

import pytest

from consent.ask import Ask, Labels, Requester
from consent.decide import decide
from consent.directive import Rule
from consent.networks import default_network
from consent.tables import rows
from schemas.adapter import BASE
from tests.consent.given import HERE, T0, directive, record

ROWS = {row["role"]: row for row in json.loads((HERE / "ceilings.json").read_text(encoding="utf-8"))}
N0 = default_network()
PARTS = {
    "S": {
        "demographics": ("Patient", ""), "allergy": ("AllergyIntolerance", ""), "problem": ("Condition", ""), "drug": ("MedicationRequest", ""),
        "alert": ("Flag", ""), "device": ("Device", ""), "stay": ("Encounter", ""), "wish": ("Observation", "http://loinc.org|75787-2"),
    },
    "C": {
        "finding": ("Observation", ""), "lab": ("Observation", "http://medis.or.jp/CodeSystem/master-JLAC10-17digits|3C015000002327101"),
        "vital": ("Observation", "http://loinc.org|8310-5"), "procedure": ("Procedure", ""), "image": ("ImagingStudy", ""), "note": ("ClinicalImpression", ""),
        "document": ("DocumentReference", ""),
    },
    "K": {
        "plan": ("CarePlan", ""), "status": ("Observation", f"{BASE}/CodeSystem/kaigo-observation|care-level"), "task": ("Task", ""),
        "assessment": ("QuestionnaireResponse", ""), "contact": ("Communication", ""), "claim": ("Claim", ""),
    },
}  # fmt: skip
ALL = {part: of for parts in PARTS.values() for part, of in parts.items()}
PUTTING_IN = {"welfare-volunteer", "police"}


def seen(row, resource, code="", *, label="N", named=False, family=False, agreed=True):
    """The reason by which a role sees a resource, or does not."""
    classes = frozenset({resource}) if named else frozenset()
    held = directive(Rule("permit", confidentiality="V", bound="at-most", classes=classes), family=frozenset({"*"} if agreed else ()))
    asked = record(
        "o1",
        type=resource,
        id=f"{resource}/tsu-1",
        codes=frozenset({code} if code else ()),
        labels=Labels(label, frozenset()),
        family=family,
    )
    return decide(Ask(Requester("1399999991", row["kind"], row["role"], "P50"), row["purpose"], T0), asked, [held], N0).reason


def refused(role):
    return "D-CONCERN-ONLY" if role in PUTTING_IN else "D-CEILING"


def test_every_role_of_the_rules_has_a_row_and_every_class_of_data_its_parts():
    assert ROWS.keys() == N0.ceiling.keys()
    assert {(row["class"], row["part"]) for row in rows("classes")} - {("D", "directory"), ("F", "history")} == {
        (name, part) for name, parts in PARTS.items() for part in parts
    }


@pytest.mark.parametrize("role", ROWS)
@pytest.mark.parametrize("letter", PARTS)
def test_a_role_sees_of_each_class_the_parts_of_its_row(role, letter):
    row = ROWS[role]
    found = {part: seen(row, *of) for part, of in PARTS[letter].items()}
    assert found == {part: "P-EXPLICIT" if part in row[letter] else refused(role) for part in PARTS[letter]}, row["why"]


@pytest.mark.parametrize("role", ROWS)
def test_clinical_detail_that_the_consent_names(role):
    row = ROWS[role]
    found = {part: seen(row, *of, named=True) for part, of in PARTS["C"].items()}
    assert found == {part: "P-EXPLICIT" if part in row["C_named"] else refused(role) for part in PARTS["C"]}, row["why"]


@pytest.mark.parametrize("role", ROWS)
def test_what_is_said_of_the_family(role):
    row = ROWS[role]
    assert seen(row, "FamilyMemberHistory") == ("P-EXPLICIT" if row["F"] else refused(role)), row["why"]
    within = seen(row, "CarePlan", family=True)
    assert within == ("P-EXPLICIT" if row["F"] else "R-CEILING" if "plan" in row["K"] else refused(role)), row["why"]
    if row["F"]:
        assert seen(row, "CarePlan", family=True, agreed=False) == "R-FAMILY", "without the family member's own consent"


@pytest.mark.parametrize("role", ROWS)
def test_what_is_labelled_r_or_v(role):
    row = ROWS[role]
    found = {part: seen(row, *of, label="R") for part, of in ALL.items()}
    assert found == {part: "P-EXPLICIT" if part in row["X"] else refused(role) for part in ALL}, row["why"]
    assert {seen(row, *of, label="V") for of in ALL.values()} == {refused(role)}


@pytest.mark.parametrize("role", ROWS)
def test_the_record_of_disclosures_is_no_record_of_care(role):
    assert seen(ROWS[role], "AuditEvent") == refused(role)


def test_an_own_record_is_seen_by_whom_the_ceiling_shows_anything_at_all():
    for role, row in ROWS.items():
        ask = Ask(Requester("1319900013", row["kind"], role, "P50"), "RECORDMGT" if row["kind"] == "network" else row["purpose"], T0)
        own = replace(record("o1"), custodian="1319900013")
        shown = bool(row["S"] or row["C"] or row["K"])
        assert decide(ask, own, (), N0).reason == ("P-OWN" if shown else refused(role)), role
