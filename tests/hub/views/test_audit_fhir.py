"""AuditEvents of a decision: what a FHIR client reads of it, by the patterns of BALP, and what it must not learn."""

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.views.audit_fhir import Change, Told, to_audit_events, to_searchset
from hub.views.audit_shapes import Decided, Seen
from hub.views.audit_tables import rows
from schemas.fhir.resource import read
from tests.hub.views.balp import claimed
from tests.hub.views.test_audit import GLASS, PEOPLE, UNSEEN, a_decision

BASE, SOURCE = "https://hub.example.jp/fhir", "tsunagu.sakura"
HL7 = "http://terminology.hl7.org/CodeSystem"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
ADDRESS = "192.0.2.17"
ACTIONS = [row["action"] for row in rows("actions")]
NOBODY = a_decision(
    action="read", effect="deny", reason="D-AUTHN", basis="", organization="", user="", person="", pseudonym="", purpose="", request="", consents=(), trail=(), seen=()
)  # fmt: skip


def events(decided, **more):
    told = Told(decided, **{"address": ADDRESS, **more})
    made = to_audit_events(told, base=BASE, source=SOURCE)
    for one in made:
        assert read(json.dumps(one).encode()).type == "AuditEvent"
        claimed(one)
    return made


def entities(made, kind):
    return [one for one in made["entity"] if one["type"]["code"] == kind]


def details(entity, name):
    return [one["valueString"] for one in entity.get("detail", ()) if one["type"] == name]


def codes(concepts):
    return [one["coding"][0]["code"] for one in concepts]


def kinds(made):
    return [(one["type"]["code"], one["subtype"][0]["code"], one["action"]) for one in made]


@pytest.mark.parametrize("effect", ["permit", "redact", "deny"])
@pytest.mark.parametrize("action", ACTIONS)
def test_every_kind_of_decision_is_right_fhir_and_fulfils_what_it_claims(action, effect):
    for decided in (a_decision(action=action, effect=effect), replace(GLASS, action=action, effect=effect, user="")):
        for more in ({}, {"address": ""}, {"described": "GET /fhir/Patient", "raw": "GET /fhir/Patient?_count=1"}):
            made = events(decided, **more)
            assert made
            assert len({one["id"] for one in made}) == len(made)


def test_a_refusal_of_somebody_unknown_is_right_fhir_too():
    (made,) = events(NOBODY, address="")
    assert "purposeOfEvent" not in made
    assert made["agent"][0]["who"] == {"type": "Organization", "display": "unknown"}
    assert claimed(made) == ""


def test_ids_are_the_decisions_reference_and_a_number_and_never_change():
    assert [one["id"] for one in events(GLASS)] == ["K7Q2-9DXM-4TRB-1", "K7Q2-9DXM-4TRB-2"]
    assert events(GLASS) == events(GLASS)


def test_the_time_is_tokyos_with_its_offset():
    assert {one["recorded"] for one in events(GLASS)} == {"2026-11-24T23:38:40.000+09:00"}


# ── patterns ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_resource_that_is_read_has_an_event_of_its_own_and_the_decision_one_more():
    made = events(a_decision(action="read"))
    assert kinds(made) == [("rest", "read", "R"), ("rest", "read", "R"), ("110113", "AuthZ-Consent", "E")]
    assert [claimed(one) for one in made] == [
        "IHE.BasicAudit.PatientRead", "IHE.BasicAudit.PatientRead", "IHE.BasicAudit.AuthZconsent",
    ]  # fmt: skip
    assert [entities(one, "2")[0]["what"]["reference"].rpartition("/fhir/")[2] for one in made[:2]] == [
        "Condition/tsu-condition0/_history/1", "Condition/tsu-condition1/_history/1",
    ]  # fmt: skip


def test_a_version_that_is_read_says_so():
    made = events(a_decision(action="read"), interaction="vread")
    assert made[0]["subtype"][0]["code"] == "vread"
    assert claimed(made[0]) == "IHE.BasicAudit.PatientRead"


def test_a_read_of_the_directory_is_about_nobody():
    made = events(a_decision(action="read", pseudonym="", person="", consents=(), reason="P-DIRECTORY"))
    assert claimed(made[0]) == "IHE.BasicAudit.Read"
    assert (made[-1]["subtype"][0]["code"], claimed(made[-1])) == ("AuthZ-Role", "")


def test_whatever_was_written_in_a_transaction_has_an_event_each_with_its_own_interaction_and_one_request():
    written = (
        Seen("Patient", "tsu-a", 0, "permit", ""),
        Seen("Encounter", "tsu-b", 0, "permit", ""),
        Seen("Task", "tsu-c", 0, "permit", ""),
    )
    changes = (Change("create", 1), Change("update", 4), Change("delete", 3))
    made = events(a_decision(action="write", seen=written), changes=changes)
    assert [claimed(one) for one in made[:3]] == [
        "IHE.BasicAudit.PatientCreate",
        "IHE.BasicAudit.PatientUpdate",
        "IHE.BasicAudit.PatientDelete",
    ]
    assert [one["action"] for one in made[:3]] == ["C", "U", "D"]
    assert [entities(one, "2")[0]["what"]["reference"].rpartition("/fhir/")[2] for one in made[:3]] == [
        "Patient/tsu-a/_history/1", "Encounter/tsu-b/_history/4", "Task/tsu-c/_history/3",
    ]  # fmt: skip
    assert {entities(one, "XrequestId")[0]["what"]["identifier"]["value"] for one in made[:3]} == {"req-1"}


def test_what_was_written_without_its_change_known_goes_by_its_version():
    again = tuple(replace(one, version=3) for one in a_decision().seen)
    assert [one["action"] for one in events(a_decision(action="write", seen=again))[:2]] == ["U", "U"]
    assert [one["action"] for one in events(a_decision(action="write"))[:2]] == ["C", "C"]


def test_a_search_is_one_event_for_the_person_and_tells_neither_how_much_was_found_nor_what():
    asked = {"described": "GET /fhir/Condition ? _count", "raw": "GET /fhir/Condition?_count=5"}
    for found in (a_decision().seen, a_decision().seen[:1]):
        made = events(a_decision(action="search", seen=found), **asked)
        assert claimed(made[0]) == "IHE.BasicAudit.PatientQuery"
        (query,) = entities(made[0], "2")
        assert base64.b64decode(query["query"]).decode() == "GET /fhir/Condition?_count=5"
        assert query["description"] == "GET /fhir/Condition ? _count"
        assert "tsu-condition0" not in json.dumps(made)
    one, other = (events(a_decision(action="search", seen=a_decision().seen[:n]), **asked) for n in (1, 2))
    assert one == other


def test_a_search_whose_values_are_not_told_claims_no_profile():
    made = events(a_decision(action="search"), described="GET /fhir/Patient ? identifier")
    assert claimed(made[0]) == ""
    assert entities(made[0], "2")[0]["description"] == "GET /fhir/Patient ? identifier"


def test_a_search_that_found_nobody_is_a_search_all_the_same():
    (made,) = events(
        a_decision(action="search", effect="deny", reason="D-NOTHING", basis="", pseudonym="", person="", seen=(), consents=()),
        described="GET /fhir/Patient ? identifier",
    )  # fmt: skip
    assert (made["subtype"][0]["code"], made["outcome"]) == ("search-type", "0")


def test_what_is_delivered_is_a_disclosure_each_with_the_custodian_and_the_consents():
    custodians = (("1119900014", "hospital"), ("1179900019", "care-manager"))
    made = events(a_decision(action="deliver", user=""), channel="sse", custodians=custodians)
    assert [claimed(one) for one in made] == ["IHE.BasicAudit.PrivacyDisclosure.Source"] * 2 + [""]
    keepers = [a["who"]["identifier"] for one in made[:2] for a in one["agent"] if a["type"]["coding"][0]["code"] == "159541003"]
    assert keepers == [
        {"system": "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no", "value": "1119900014"},
        {"system": "https://tsunagu.example.jp/sid/kaigo-office-number", "value": "1179900019"},
    ]
    assert details(entities(made[0], "2")[0], "channel") == ["sse"]
    assert entities(made[0], "Consent")[0]["what"]["reference"].endswith("/Consent/tsu-c1/_history/2")


def test_what_is_withheld_is_a_refused_decision_and_nothing_else():
    (made,) = events(replace(UNSEEN, action="deliver"))
    assert (made["type"]["code"], made["subtype"][0]["code"], made["outcome"]) == ("110113", "AuthZ-Consent", "4")
    assert made["outcomeDesc"] == "D-NOTCOVERED Not covered by the consent"


def test_a_view_is_an_operation_with_what_was_shown_and_claims_nothing_that_balp_does_not_have():
    made = events(a_decision())
    assert (kinds(made)[0], claimed(made[0])) == (("rest", "operation", "E"), "")
    assert len(entities(made[0], "2")) == 2


def test_an_officers_look_is_the_use_of_the_audit_log_with_its_filter():
    (made,) = events(
        a_decision(action="audit", reason="P-AUDIT", seen=()), described="GET /fhir/AuditEvent ? date", raw="GET /fhir/AuditEvent?date=2026"
    )
    assert (made["type"]["code"], made["action"]) == ("110101", "R")
    assert entities(made, "2")[0]["query"]


def test_a_client_sends_what_is_written_and_receives_what_is_read():
    def roles(decided, **more):
        agents = events(decided, **more)[0]["agent"]
        return [a["type"]["coding"][0]["code"] for a in agents]

    assert roles(a_decision(action="write")) == ["110153", "AUT", "110152"]
    assert roles(a_decision(action="read")) == ["110152", "IRCP", "110153"]
    assert roles(a_decision(action="search")) == ["110153", "IRCP", "110152"]
    assert roles(a_decision(action="deliver")) == ["110152", "IRCP", "110153"]


@pytest.mark.parametrize("action", ["read", "write", "deliver", "search"])
def test_a_request_without_an_address_claims_no_profile(action):
    made = events(a_decision(action=action), address="", described="GET /fhir/x", raw="GET /fhir/x?")
    assert [claimed(one) for one in made] == [""] * len(made)


def test_a_decision_about_an_application_claims_no_profile_for_balp_wants_a_user():
    assert claimed(events(a_decision(action="read", user=""))[-1]) == ""


# ── who, about whom, why ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_user_stands_by_registered_id_with_role_purpose_and_legal_basis():
    client, user, hub = events(a_decision(action="read"))[0]["agent"]
    assert user["who"] == {"type": "Practitioner", "identifier": {"system": "https://tsunagu.example.jp/sid/user", "value": "u-mori"}}
    assert user["role"][0]["coding"][0]["code"] == "doctor"
    assert user["policy"] == ["https://tsunagu.example.jp/policy/basis/JP-CONSENT"]
    assert codes(user["purposeOfUse"]) == ["TREAT"]
    assert client["who"]["identifier"] == {
        "system": "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no",
        "value": "1119900014",
    }
    assert client["network"] == {"address": ADDRESS, "type": "2"}
    assert hub["network"] == {"address": "hub.example.jp", "type": "1"}
    assert hub["who"]["identifier"]["value"] == SOURCE
    assert [one["requestor"] for one in (client, user, hub)] == [False, True, False]


def test_an_application_asks_for_its_organization():
    asker, hub = events(a_decision(action="read", user="", kind="care-manager", organization="1179900019"))[0]["agent"]
    assert asker["who"]["identifier"] == {"system": "https://tsunagu.example.jp/sid/kaigo-office-number", "value": "1179900019"}
    assert (asker["requestor"], hub["requestor"]) == (True, False)
    assert asker["role"][0]["coding"][0]["code"] == "doctor"


def test_an_organization_of_a_kind_without_public_numbers_is_named_as_registered():
    asker = events(a_decision(user="", kind="city", organization="1109900090"))[0]["agent"][0]
    assert asker["who"]["identifier"]["system"] == "https://tsunagu.example.jp/sid/organization"


def test_the_person_stands_by_pseudonym_alone():
    for made in events(a_decision(action="read")):
        (first,) = entities(made, "1")
        assert first["what"] == {
            "type": "Patient",
            "identifier": {"system": "https://tsunagu.example.jp/sid/pseudonym", "value": "P-00318"},
        }


def test_the_decision_carries_reason_basis_and_every_step_with_what_did_not_leave():
    made = events(GLASS)[-1]
    (person,) = entities(made, "1")
    assert (details(person, "reason"), details(person, "basis"), details(person, "effect")) == (["P-BTG"], ["JP-EMERG"], ["redact"])
    assert details(person, "step") == list(GLASS.trail)
    assert details(person, "resource") == [
        "Observation/tsu-observation0/_history/1 redact R-BTG-V", "Observation/tsu-observation1/_history/1 redact R-BTG-V",
    ]  # fmt: skip
    assert (details(person, "decision"), details(person, "request")) == (["K7Q2-9DXM-4TRB"], ["req-1"])


def test_a_consent_is_named_with_the_version_that_was_read():
    (consent,) = entities(events(UNSEEN)[0], "Consent")
    assert consent["what"]["reference"] == "https://hub.example.jp/fhir/Consent/tsu-c1/_history/2"
    assert details(consent, "effect") == ["not-covered"]
    again = events(replace(UNSEEN, consents=(("Consent/tsu-c1", 2, "not-covered"),)))
    assert again[0]["entity"] == events(UNSEEN)[0]["entity"]


def test_broken_glass_is_marked_with_purpose_end_and_review():
    made = events(GLASS)
    assert {tuple(codes(one["purposeOfEvent"])) for one in made} == {("ETREAT", "BTG")}
    (person,) = entities(made[-1], "1")
    assert details(person, "break-glass") == ["true"]
    assert details(person, "closes") == ["2026-11-25T10:42:00+09:00"]
    assert details(person, "review") == ["waiting"]
    assert codes(events(replace(GLASS, purpose="BTG"))[0]["purposeOfEvent"]) == ["BTG"]


def test_nothing_else_is_marked_as_broken_glass():
    for decided in (a_decision(), UNSEEN, a_decision(effect="deny", reason="D-BTG-REFUSED", purpose="ETREAT")):
        for one in events(decided):
            assert "BTG" not in codes(one["purposeOfEvent"])
            assert not [e for e in one["entity"] if details(e, "break-glass")]


def test_neither_a_name_nor_what_was_typed_nor_a_position_is_told():
    told = json.dumps(events(GLASS), ensure_ascii=False)
    for hidden in (*PEOPLE.values(), GLASS.typed_reason, *GLASS.notices, *GLASS.proof.values(), GLASS.person):
        assert hidden not in told


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda text: text == text.strip()
)


@given(
    WORDS,
    WORDS,
    st.sampled_from(ACTIONS),
    st.lists(st.tuples(st.sampled_from(["Patient", "Condition"]), st.integers(1, 10**6)), max_size=4),
)
def test_whatever_is_registered_the_events_stay_right_fhir(user, pseudonym, action, found):
    kept = tuple(Seen(kind, "tsu-x", version, "permit", "P-OWN", "JP-SAME-ENTITY") for kind, version in found)
    events(a_decision(action=action, user=user, pseudonym=pseudonym, seen=kept))


# ── searchset ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_search_answers_with_its_events_in_order_and_links_as_given():
    made = to_searchset(
        [*events(GLASS), *events(UNSEEN)], base=BASE + "/", total=7, self_link=f"{BASE}/AuditEvent?date=x", next_link=f"{BASE}/AuditEvent?page=y",
    )  # fmt: skip
    assert read(json.dumps(made).encode()).type == "Bundle"
    assert (made["type"], made["total"]) == ("searchset", 7)
    assert [one["fullUrl"] for one in made["entry"]] == [
        f"{BASE}/AuditEvent/{name}" for name in ("K7Q2-9DXM-4TRB-1", "K7Q2-9DXM-4TRB-2", "M4TR-22HB-1")
    ]
    assert {one["search"]["mode"] for one in made["entry"]} == {"match"}
    assert [one["relation"] for one in made["link"]] == ["self", "next"]


def test_an_empty_answer_has_no_empty_list():
    made = to_searchset([], base=BASE, total=0)
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


def test_a_search_by_pattern_leaves_out_no_decision_that_is_drawn_by_it():
    """Rows are chosen by the pattern before they are drawn: what no decision can be is not looked for among them."""
    from hub.reads.audit_criteria import action_of, of_decisions

    for action in ACTIONS:
        for decided in (a_decision(action=action), replace(UNSEEN, action=action), replace(GLASS, action=action)):
            changes = (Change("create", 1), Change("update", 2), Change("delete", 3))
            for one in events(decided, changes=changes, described="GET /fhir/x"):
                found = {
                    row["pattern"] for row in rows("patterns")
                    if (row["type"], row["subtype"], row["action"]) == (one["type"]["code"], one["subtype"][0]["code"], one["action"])
                }  # fmt: skip
                assert of_decisions(frozenset(found)), one["subtype"]
                assert action_of(frozenset(found)) in {"", action}
