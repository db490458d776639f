"""AuditEvent: what a FHIR client reads of a decision, and what it must not learn."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.views.audit_fhir import to_audit_event, to_searchset
from hub.views.audit_tables import rows
from hub.views.shapes import Decided, Seen
from schemas.fhir.resource import read
from tests.hub.views.test_audit import GLASS, PEOPLE, UNSEEN, a_decision

BASE, SOURCE = "https://hub.example.jp/fhir", "tsunagu.sakura"
HL7 = "http://terminology.hl7.org/CodeSystem"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
ACTIONS = [row["action"] for row in rows("actions")]
NOBODY = a_decision(
    action="read", effect="deny", reason="D-AUTHN", basis="", organization="", user="", person="", pseudonym="", purpose="", request="", consents=(), trail=(), seen=()
)  # fmt: skip


def event(decided):
    return to_audit_event(decided, base=BASE, source=SOURCE)


def entities(made, role):
    return [one for one in made["entity"] if one.get("role", {}).get("code") == role]


def details(entity, name):
    return [one["valueString"] for one in entity.get("detail", ()) if one["type"] == name]


def codes(concepts):
    return [one["coding"][0]["code"] for one in concepts]


@pytest.mark.parametrize("effect", ["permit", "redact", "deny"])
@pytest.mark.parametrize("action", ACTIONS)
def test_every_kind_of_decision_is_right_fhir(action, effect):
    for decided in (a_decision(action=action, effect=effect), replace(GLASS, action=action, effect=effect, user="")):
        assert read(json.dumps(event(decided)).encode()).type == "AuditEvent"


def test_a_refusal_of_somebody_unknown_is_right_fhir_too():
    made = event(NOBODY)
    assert read(json.dumps(made).encode()).id == NOBODY.reference
    assert "purposeOfEvent" not in made
    assert made["agent"][0]["who"] == {"type": "Organization", "display": "unknown"}


def test_the_id_is_the_decisions_own_reference():
    assert event(GLASS)["id"] == "K7Q2-9DXM"


def test_the_time_is_tokyos_with_its_offset():
    assert event(GLASS)["recorded"] == "2026-11-24T23:38:40.000+09:00"


@pytest.mark.parametrize(
    ("action", "kind", "subtype", "fhir_action", "client", "server"),
    [
        ("read", (f"{HL7}/audit-event-type", "rest"), "read", "R", "110152", "110153"),
        ("search", (f"{HL7}/audit-event-type", "rest"), "search-type", "E", "110152", "110153"),
        ("deliver", (DCM, "110106"), "disclose", "R", "110152", "110153"),
        ("write", (f"{HL7}/audit-event-type", "rest"), "transaction", "C", "110153", "110152"),
        ("emergency", (DCM, "110113"), "110127", "E", "110150", "110153"),
        ("audit", (DCM, "110101"), "search-type", "R", "110152", "110153"),
    ],
)
def test_the_patterns_of_balp_are_followed(action, kind, subtype, fhir_action, client, server):
    made = event(a_decision(action=action, user=""))
    assert (made["type"]["system"], made["type"]["code"]) == kind
    assert made["subtype"][0]["code"] == subtype
    assert made["action"] == fhir_action
    assert [one["type"]["coding"][0]["code"] for one in made["agent"]] == [client, server]


def test_a_refusal_is_a_security_alert_about_consent_with_its_reason():
    made = event(UNSEEN)
    assert (made["type"]["code"], made["outcome"], made["action"]) == ("110113", "4", "E")
    assert made["outcomeDesc"] == "D-NOTCOVERED Not covered by the consent"
    assert made["subtype"][1]["code"] == "AuthZ-Consent"


def test_what_was_given_succeeded():
    assert event(a_decision())["outcome"] == "0"
    assert event(GLASS)["outcome"] == "0"


def test_what_was_written_again_is_an_update():
    later = tuple(replace(one, version=3) for one in a_decision().seen)
    assert event(a_decision(action="write", seen=later))["action"] == "U"
    assert event(a_decision(action="write", seen=(*later, *a_decision().seen)))["action"] == "C"
    assert event(a_decision(action="write", seen=()))["action"] == "C"


def test_a_person_who_asks_stands_before_the_organization_and_the_hub():
    user, organization, hub = event(a_decision())["agent"]
    assert user["who"] == {"type": "Practitioner", "identifier": {"system": "https://tsunagu.example.jp/sid/user", "value": "u-mori"}}
    assert user["role"][0]["coding"][0]["code"] == "doctor"
    assert organization["who"]["identifier"] == {
        "system": "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no",
        "value": "1119900014",
    }
    assert hub["who"]["identifier"]["value"] == SOURCE
    assert [one["requestor"] for one in (user, organization, hub)] == [True, False, False]


def test_an_application_asks_for_its_organization():
    asker, hub = event(a_decision(user="", kind="care-manager", organization="1179900019"))["agent"]
    assert asker["who"]["identifier"] == {"system": "https://tsunagu.example.jp/sid/kaigo-office-number", "value": "1179900019"}
    assert (asker["requestor"], hub["requestor"]) == (True, False)


def test_an_organization_of_a_kind_without_public_numbers_is_named_as_registered():
    asker = event(a_decision(user="", kind="city", organization="1109900090"))["agent"][0]
    assert asker["who"]["identifier"]["system"] == "https://tsunagu.example.jp/sid/organization"


def test_who_writes_is_the_author_and_who_reads_receives():
    def kind(decided):
        return event(decided)["agent"][0]["type"]["coding"][0]["code"]

    assert (kind(a_decision(action="write")), kind(a_decision(action="read"))) == ("AUT", "IRCP")


def test_the_person_stands_first_and_by_pseudonym_alone():
    first = event(GLASS)["entity"][0]
    assert first["what"] == {"type": "Patient", "identifier": {"system": "https://tsunagu.example.jp/sid/pseudonym", "value": "P-00318"}}
    assert (first["type"]["code"], first["role"]["code"]) == ("1", "1")


def test_each_resource_is_named_with_its_version_and_what_became_of_it():
    found = entities(event(GLASS), "4")
    assert len(found) == 5
    assert found[0]["what"]["reference"] == "https://hub.example.jp/fhir/Condition/tsu-condition0/_history/1"
    assert (details(found[0], "effect"), details(found[0], "reason"), details(found[0], "given")) == (["permit"], ["P-BTG"], [])
    assert (details(found[-1], "effect"), details(found[-1], "mask"), details(found[-1], "given")) == (["redact"], ["resource"], ["false"])


def test_the_decision_carries_reason_basis_and_every_step():
    (decision,) = entities(event(GLASS), "13")
    assert (details(decision, "reason"), details(decision, "basis"), details(decision, "effect")) == (["P-BTG"], ["JP-EMERG"], ["redact"])
    assert details(decision, "step") == list(GLASS.trail)
    assert event(GLASS)["agent"][0]["policy"] == ["https://tsunagu.example.jp/policy/basis/JP-EMERG"]


def test_a_consent_is_named_with_the_version_that_was_read():
    (consent,) = [one for one in event(UNSEEN)["entity"] if one["type"]["code"] == "Consent"]
    assert consent["what"]["reference"] == "https://hub.example.jp/fhir/Consent/tsu-c1/_history/2"
    assert details(consent, "effect") == ["not-covered"]
    again = event(replace(UNSEEN, consents=(("Consent/tsu-c1", 2, "not-covered"),)))
    assert again["entity"] == event(UNSEEN)["entity"]


def test_the_request_is_named_so_that_its_decisions_can_be_found_together():
    assert event(GLASS)["entity"][-1]["what"]["identifier"]["value"] == "req-1"


def test_broken_glass_is_marked_with_purpose_end_and_review():
    made = event(GLASS)
    assert codes(made["purposeOfEvent"]) == ["ETREAT", "BTG"]
    (decision,) = entities(made, "13")
    assert details(decision, "break-glass") == ["true"]
    assert details(decision, "closes") == ["2026-11-25T10:42:00+09:00"]
    assert details(decision, "review") == ["waiting"]


def test_nothing_else_is_marked_as_broken_glass():
    for decided in (a_decision(), UNSEEN, a_decision(effect="deny", reason="D-BTG-REFUSED", purpose="ETREAT")):
        assert "BTG" not in codes(event(decided)["purposeOfEvent"])
        assert details(entities(event(decided), "13")[0], "break-glass") == []


def test_a_glass_broken_for_that_purpose_names_it_once():
    assert codes(event(replace(GLASS, purpose="BTG"))["purposeOfEvent"]) == ["BTG"]


def test_neither_a_name_nor_what_was_typed_nor_a_position_is_told():
    told = json.dumps(event(GLASS), ensure_ascii=False)
    for hidden in (*PEOPLE.values(), GLASS.typed_reason, *GLASS.notices, *GLASS.proof.values(), GLASS.person):
        assert hidden not in told


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda text: text == text.strip()
)


@given(WORDS, WORDS, st.lists(st.tuples(st.sampled_from(["Patient", "Condition"]), st.integers(1, 10**6)), max_size=4))
def test_whatever_is_registered_the_event_stays_right_fhir(user, pseudonym, found):
    kept = tuple(Seen(kind, "tsu-x", version, "permit", "P-OWN", "JP-SAME-ENTITY") for kind, version in found)
    made = event(a_decision(user=user, pseudonym=pseudonym, seen=kept))
    assert read(json.dumps(made).encode()).type == "AuditEvent"


# ── searchset ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_search_answers_with_its_events_in_order_and_links_as_given():
    made = to_searchset(
        [GLASS, UNSEEN],
        base=BASE + "/",
        source=SOURCE,
        total=7,
        self_link=f"{BASE}/AuditEvent?date=x",
        next_link=f"{BASE}/AuditEvent?page=y",
    )
    assert read(json.dumps(made).encode()).type == "Bundle"
    assert (made["type"], made["total"]) == ("searchset", 7)
    assert [one["fullUrl"] for one in made["entry"]] == [f"{BASE}/AuditEvent/K7Q2-9DXM", f"{BASE}/AuditEvent/M4TR-22HB"]
    assert {one["search"]["mode"] for one in made["entry"]} == {"match"}
    assert [one["relation"] for one in made["link"]] == ["self", "next"]


def test_an_empty_answer_has_no_empty_list():
    made = to_searchset([], base=BASE, source=SOURCE, total=0)
    assert made == {"resourceType": "Bundle", "type": "searchset", "total": 0}
    assert read(json.dumps(made).encode()).type == "Bundle"


def test_the_shape_of_a_decision_is_the_one_that_is_told():
    """A field that is added to the record must be told here, or be named as kept back."""
    told = {
        "reference", "request", "at", "organization", "kind", "role", "user", "purpose", "action", "pseudonym", "effect", "reason", "basis", "consents", "trail",
        "obligations", "seen", "closes", "review", "asof",
    }  # fmt: skip
    kept_back = {"person", "typed_reason", "notices", "proof"}
    assert set(Decided.__slots__) == told | kept_back
