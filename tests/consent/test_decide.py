"""What the table does not say: guards, roles, bases, family, linked Patients, emergencies, and what may be brought in."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from consent.ask import Ask, Decision, Labels, Posting, Requester, Statute
from consent.decide import decide, decide_write
from consent.directive import Directive, Rule
from tests.consent.given import CM1, HA, HB, T0, ask, consents, network, record, requester, session

N0, N1 = network("N0"), network("N1")
SIGNED = datetime(2026, 1, 5, tzinfo=UTC)


def directive(rule=None, **changes):
    """A written opt-in of the person for the whole network; changed as a test needs."""
    root = rule or Rule("permit", confidentiality="N", bound="at-most")
    made = Directive("Consent/tsu-1", 1, "Patient/p", HA, "NW", "", "active", SIGNED, root, form="written")
    return replace(made, **changes)


def deny(**changes):
    return directive(Rule("deny"), consent="Consent/tsu-2", **changes)


def reason(*args, **kwargs):
    return decide(*args, **kwargs).reason


# ── guards ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bound_token_reaches_the_person_under_each_linked_number():
    bound = ask("xt")
    assert reason(bound, record("o1"), consents("A"), N0) == "D-COMPARTMENT"
    linked = record("o1", same_person=frozenset({"Patient/x"}))
    assert reason(bound, linked, consents("A"), N0) == "P-EXPLICIT"


def test_not_signed_in_comes_before_everything():
    nobody = Ask(Requester("", "hospital", "doctor", patients=frozenset({"Patient/x"})), "TREAT", T0)
    assert decide(nobody, record("err"), (), N0) == Decision("deny", "D-AUTHN", trail=("guard:authn",))


def test_a_purpose_of_no_kind_is_unknown_even_for_a_kind_that_is_unknown():
    assert reason(ask("haMD", "HMARKT"), record("o1"), (), N0) == "D-PURPOSE-UNKNOWN"


def test_a_record_entered_in_error_is_not_served_even_to_its_custodian():
    assert reason(ask("haMD"), record("err"), (), N0) == "D-HARD"


# ── the person ───────────────────────────────────────────────────────────────────────────────────────────────────────


def the_person(**changes):
    return Ask(replace(requester("pat"), **changes), "PATRQT", T0)


def test_a_persons_token_must_name_the_person():
    assert reason(the_person(patients=None), record("o1"), (), N0) == "D-SCOPE"
    assert reason(the_person(patients=frozenset()), record("o1"), (), N0) == "D-COMPARTMENT"


def test_only_the_person_or_a_proxy_asks_as_the_person():
    assert reason(the_person(role="doctor"), record("o1"), (), N0) == "D-SCOPE"


def test_a_person_asks_for_disclosure_and_nothing_else():
    assert reason(Ask(requester("pat"), "TREAT", T0), record("o1"), consents("A"), N0) == "D-PURPOSE-ORG"


def test_the_person_sees_what_is_labelled_and_a_proxy_does_not():
    proxy = the_person(role="proxy")
    assert decide(the_person(), record("hiv"), (), N0).basis == "JP-SUBJECT"
    assert decide(proxy, record("o1"), (), N0).basis == "JP-PROXY"
    for name in ("hiv", "sdv", "nolab"):
        withheld = decide(proxy, record(name), (), N0)
        assert (withheld.effect, withheld.reason, withheld.gives) == ("redact", "R-LABEL", False)


def test_what_may_harm_is_kept_from_a_proxy_too():
    assert reason(the_person(role="proxy"), record("harm"), (), N0) == "R-HARM"


# ── law ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "changed",
    [
        {"types": frozenset({"Patient"})},
        {"kinds": frozenset({"police"})},
        {"purposes": frozenset({"THREAT"})},
        {"sensitivities": frozenset({"STD"})},
    ],
)
def test_a_statute_opens_only_the_types_kinds_purposes_and_labels_that_it_names(changed):
    asked = replace(ask("hokenjo", "PUBHLTH"), statute="x")
    law = Statute("x", frozenset({"Observation"}), frozenset({"public-health"}), frozenset({"PUBHLTH"}), frozenset({"HIV"}))
    assert reason(asked, record("hiv"), (), replace(N0, statutes={"x": law})) == "P-LAW"
    assert reason(asked, record("hiv"), (), replace(N0, statutes={"x": replace(law, **changed)})) == "D-LAW-UNKNOWN"


def test_an_unlabelled_record_does_not_fall_under_a_statute_about_labels():
    asked = replace(ask("hokenjo", "PUBHLTH"), statute="kansensho-12")
    assert reason(asked, record("nolab"), (), N0) == "D-LAW-UNKNOWN"


def test_a_statute_without_labels_opens_its_types():
    law = Statute("x", frozenset({"Observation"}), frozenset({"public-health"}), frozenset({"PUBHLTH"}))
    assert reason(replace(ask("hokenjo", "PUBHLTH"), statute="x"), record("o1"), (), replace(N0, statutes={"x": law})) == "P-LAW"


# ── own records and the directory ────────────────────────────────────────────────────────────────────────────────────


def test_officers_and_operators_see_no_content_even_of_their_own_organization():
    for role in ("privacy-officer", "operator"):
        own = Ask(Requester(HA, "hospital", role, "P90"), "RECORDMGT", T0)
        assert decide(own, record("o1"), consents("A"), N0).reason == "D-CEILING"


def test_an_organizations_own_application_sees_its_own_records():
    assert reason(Ask(Requester(HA, "hospital", "system"), "TREAT", T0), record("sdv"), (), N0) == "P-OWN"


def test_a_purpose_that_is_not_own_use_asks_for_consent_even_at_home():
    assert reason(Ask(Requester(HA, "hospital", "doctor", "P13"), "HRESCH", T0), record("o1"), (), N0) == "D-NOCONSENT"


def test_members_see_the_directory_and_nothing_else_that_is_about_nobody():
    hospital = record("o1", type="Organization", id="Organization/tsu-1", patient="")
    assert decide(ask(), hospital, (), N0).reason == "P-DIRECTORY"
    assert decide(ask(), replace(hospital, type="Subscription"), (), N0).reason == "D-SCOPE"
    assert decide(ask(), replace(hospital, type="Basic"), (), N0).reason == "D-SCOPE"
    assert decide(the_person(), hospital, (), N0).reason == "D-COMPARTMENT"


# ── consent ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_permit_that_names_no_label_does_not_open_what_is_labelled():
    assert reason(ask(), record("hiv"), [directive()], N0) == "D-NOTCOVERED"


def test_an_organization_is_meant_when_its_legal_entity_is_named():
    excluded = directive(Rule("permit", rules=(Rule("deny", recipients=frozenset({"Organization/1319900099"})),)))
    assert reason(ask(), record("o1"), [excluded], N0) == "P-EXPLICIT"
    belongs = Ask(replace(requester("hbMD"), entities=frozenset({"1319900099"})), "TREAT", T0)
    assert reason(belongs, record("o1"), [excluded], N0) == "D-NESTED"


def test_a_member_of_a_group_at_the_time_of_asking_is_meant():
    allowed = directive(Rule("permit", recipients=frozenset({"CareTeam/tsu-7"}), confidentiality="N", bound="at-most"))
    assert reason(ask(), record("o1"), [allowed], N0) == "D-NOTCOVERED"
    inside = Ask(replace(requester("hbMD"), groups=frozenset({"CareTeam/tsu-7"})), "TREAT", T0)
    assert reason(inside, record("o1"), [allowed], N0) == "P-EXPLICIT"


def test_a_rule_about_the_custodian_speaks_of_that_custodians_records_only():
    only = directive(Rule("permit", custodians=frozenset({HB}), confidentiality="N", bound="at-most"))
    assert reason(ask("heMD"), record("o1"), [only], N0) == "D-NOTCOVERED"
    assert reason(ask("heMD"), record("hb1"), [only], N0) == "P-EXPLICIT"


def test_what_an_organization_wrote_is_what_it_holds():
    without = directive(Rule("permit", rules=(Rule("deny", authors=frozenset({f"Organization/{HA}"})),)))
    assert reason(ask("heMD"), record("noauth"), [without], N0) == "D-NESTED"
    assert reason(ask("heMD"), record("hb1", author=""), [without], N0) == "P-EXPLICIT"


def test_a_rule_about_an_action_speaks_of_that_action_only():
    reading = directive(Rule("permit", actions=frozenset({"access"}), confidentiality="N", bound="at-most"))
    assert reason(ask(), record("o1"), [reading], N0) == "P-EXPLICIT"
    assert reason(ask(action="disclose"), record("o1"), [reading], N0) == "D-NOTCOVERED"


def test_a_deny_of_emergency_treatment_reaches_break_glass_and_a_permit_does_not():
    rules = (Rule("deny", purposes=frozenset({"ETREAT"})),)
    assert reason(ask("heMD", "BTG"), record("o1"), [directive(Rule("permit", rules=rules))], N0) == "D-NESTED"
    only = directive(Rule("permit", purposes=frozenset({"ETREAT"}), confidentiality="N", bound="at-most"))
    assert reason(ask("heMD", "BTG"), record("o1"), [only], N0) == "D-NOTCOVERED"


def test_kinds_of_document_and_profiles_are_classes_too():
    summary = "http://loinc.org|34133-9"
    allowed = directive(Rule("permit", classes=frozenset({summary}), confidentiality="N", bound="at-most"))
    excluded = directive(Rule("permit", rules=(Rule("deny", classes=frozenset({summary})),)))
    document = record("o1", type="DocumentReference")
    assert reason(ask(), document, [allowed], N0) == "D-NOTCOVERED"
    assert reason(ask(), document, [excluded], N0) == "D-NESTED"
    assert reason(ask(), replace(document, codes=frozenset({summary})), [allowed], N0) == "P-EXPLICIT"
    profile = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Observation_VitalSigns"
    vital = record("o1", profiles=frozenset({f"{profile}|1.2.0"}))
    only = directive(Rule("permit", classes=frozenset({profile}), confidentiality="N", bound="at-most"))
    assert reason(ask(), vital, [only], N0) == "P-EXPLICIT"
    assert reason(ask(), record("o1"), [only], N0) == "D-NOTCOVERED"


def test_a_code_must_be_among_the_codes_and_is_unknown_where_there_are_none():
    code = "http://loinc.org|8310-5"
    excluded = directive(Rule("permit", rules=(Rule("deny", codes=frozenset({code})),)))
    assert reason(ask(), record("o1", codes=frozenset({code})), [excluded], N0) == "D-NESTED"
    assert reason(ask(), record("o1"), [excluded], N0) == "D-NESTED"
    assert reason(ask(), record("o1", codes=frozenset({"http://loinc.org|8867-4"})), [excluded], N0) == "P-EXPLICIT"


def test_a_withdrawal_does_not_bring_an_older_consent_back():
    old = directive(at=datetime(2025, 1, 1, tzinfo=UTC))
    new = directive(consent="Consent/tsu-9", status="inactive")
    assert reason(ask(), record("o1"), [old], N0) == "P-EXPLICIT"
    assert reason(ask(), record("o1"), [old, new], N0) == "D-NOTCOVERED"


def test_a_withdrawal_leaves_what_the_older_consent_excluded():
    old = directive(
        Rule("permit", rules=(Rule("deny", recipients=frozenset({f"Organization/{HB}"})),)), at=datetime(2025, 1, 1, tzinfo=UTC)
    )
    new = directive(consent="Consent/tsu-9", status="inactive")
    assert reason(ask(), record("o1"), [old, new], N0) == "D-NESTED"


def test_an_older_consent_that_was_replaced_and_closed_takes_nothing_away():
    old = directive(consent="Consent/tsu-9", status="inactive", at=datetime(2025, 1, 1, tzinfo=UTC))
    assert reason(ask(), record("o1"), [old, directive()], N0) == "P-EXPLICIT"


def test_who_withdrew_is_not_asked_by_a_poster_on_the_wall():
    for status in ("inactive", "rejected"):
        found = decide(ask("hbMD+rc"), record("o1"), [directive(status=status)], N1)
        assert (found.reason, found.trail[-1]) == ("D-NOCONSENT", "live:withdrawn")


def test_a_consent_entered_in_error_was_never_there():
    assert reason(ask("hbMD+rc"), record("o1"), [directive(status="entered-in-error")], N1) == "P-IMPLIED"


def test_a_consent_about_something_else_than_sharing_says_nothing_here():
    assert reason(ask(), record("o1"), [directive(speaks=False)], N0) == "D-NOCONSENT"


def test_nobody_permits_in_another_custodians_name_but_a_refusal_heard_anywhere_holds():
    theirs = directive(custodian=HB, controller=HA)
    assert reason(ask("heMD"), record("o1"), [theirs], N0) == "D-NOTCOVERED"
    assert reason(ask("heMD"), record("o1"), [replace(theirs, custodian=HA)], N0) == "P-EXPLICIT"
    desk = replace(N0, controllers=frozenset({"NW", HB}))
    assert reason(ask("heMD"), record("o1"), [theirs], desk) == "P-EXPLICIT"
    assert reason(ask("heMD"), record("o1"), [directive(), deny(custodian=HB, controller=HA)], N0) == "D-CONFLICT"


def test_two_names_of_the_network_are_one_group():
    both = replace(N0, controllers=frozenset({"NW", "1399900057"}))
    older = deny(controller="1399900057", at=datetime(2025, 1, 1, tzinfo=UTC))
    assert reason(ask(), record("o1"), [older, directive()], both) == "P-EXPLICIT"


@pytest.mark.parametrize(
    "changed",
    [{"proxy_verified": False}, {"proxy": "family"}, {"proxy_until": T0}],
    ids=["not verified", "kind not agreed", "power ended"],
)
def test_a_proxy_without_power_says_nothing(changed):
    proxy = directive(proxy="guardian", proxy_verified=True, proxy_until=T0 + timedelta(seconds=1))
    assert reason(ask(), record("o1"), [proxy], N0) == "P-EXPLICIT"
    assert reason(ask(), record("o1"), [replace(proxy, **changed)], N0) == "D-NOCONSENT"


def test_the_basis_is_the_persons_own_consent_where_a_proxy_consented_too():
    proxy = directive(consent="Consent/tsu-3", proxy="guardian", proxy_verified=True)
    assert decide(ask(), record("o1"), [directive(), proxy], N0).basis == "JP-CONSENT"


def test_one_signed_consent_is_enough_for_the_care_side():
    oral = directive(form="oral", consent="Consent/tsu-3", controller=HA)
    found = decide(ask("cm1", "CAREMGT"), record("med2"), [directive(), oral], N0)
    assert (found.reason, found.basis) == ("P-EXPLICIT", "JP-CARE-WRITTEN")
    unknown = directive(form="unknown")
    assert reason(ask("cm1", "CAREMGT"), record("med2"), [unknown], N0) == "D-FORM"
    assert reason(ask(), record("o1"), [unknown], N0) == "P-EXPLICIT"


def test_an_exception_that_permits_is_told_apart_from_the_base():
    wider = Rule("permit", confidentiality="N", bound="at-most", rules=(Rule("permit", confidentiality="R", bound="at-most"),))
    assert reason(ask(), record("hiv"), [directive(wider)], N0) == "P-NESTED"
    both = [directive(wider), directive(Rule("permit", confidentiality="R", bound="at-most"), consent="Consent/tsu-3", controller=HA)]
    assert reason(ask(), record("hiv"), both, N0) == "P-EXPLICIT"


# ── family ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_family_member_that_is_spoken_of_must_agree():
    agreed = directive(family=frozenset({"RelatedPerson/F1"}))
    two = record("cp", members=frozenset({"RelatedPerson/F1", "RelatedPerson/F2"}))
    assert reason(ask("heMD"), record("cp"), [agreed], N0) == "P-EXPLICIT"
    assert reason(ask("heMD"), two, [agreed], N0) == "R-FAMILY"


def test_whom_a_record_speaks_of_must_be_known_unless_one_signed_for_all():
    unknown = record("cp", members=frozenset())
    assert reason(ask("heMD"), unknown, [directive(family=frozenset({"RelatedPerson/F1"}))], N0) == "R-FAMILY"
    assert reason(ask("heMD"), unknown, [directive(family=frozenset({"*"}))], N0) == "P-EXPLICIT"


def test_the_family_agrees_in_writing():
    assert reason(ask("heMD"), record("cp"), [directive(family=frozenset({"*"}), form="oral")], N0) == "R-FAMILY"


# ── the ceiling of the role ──────────────────────────────────────────────────────────────────────────────────────────


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


# ── the implied path ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_implied_path_begins_on_the_day_of_posting():
    late = {HA: Posting(HA, frozenset({"TREAT"}), date(2026, 4, 21))}
    asked = ask("hbMD+rc")
    assert reason(asked, record("o1"), (), replace(N1, posted=late)) == "D-NOCONSENT"
    assert reason(replace(asked, at=T0 + timedelta(days=1)), record("o1"), (), replace(N1, posted=late)) == "P-IMPLIED"


@pytest.mark.parametrize(
    "changed",
    [
        {"implied_purposes": frozenset({"CAREMGT"})},
        {"implied_kinds": frozenset({"clinic"})},
        {"posted": {HA: Posting(HA, frozenset({"CAREMGT"}), date(2026, 1, 1))}},
    ],
)
def test_the_implied_path_asks_purpose_kind_and_posting(changed):
    assert reason(ask("hbMD+rc"), record("o1"), (), replace(N1, **changed)) == "D-NOCONSENT"


def test_an_emergency_is_first_tried_as_treatment_on_the_implied_path():
    assert reason(ask("hbMD+rc", "ETREAT"), record("o1"), (), N1) == "P-IMPLIED"


def test_a_reservation_holds_for_every_number_of_the_person():
    reserved = replace(N1, reserved=frozenset({("Patient/x", HB)}))
    assert reason(ask("hbMD+rc"), record("o1"), (), reserved) == "P-IMPLIED"
    assert reason(ask("hbMD+rc"), record("o1", same_person=frozenset({"Patient/x"})), (), reserved) == "D-RESERVED"


def test_the_implied_path_masks_what_is_said_of_the_family():
    assert reason(ask("hbMD+rc"), record("o1", family=True), (), N1) == "R-FAMILY"


def test_the_basis_says_whether_the_receiver_confirmed():
    free = replace(N1, receiver_confirm=False)
    assert decide(ask("hbMD"), record("o1"), (), free).basis == "JP-IMPLIED-CARE"
    assert decide(ask("hbMD+rc"), record("o1"), (), free).basis == "JP-NW-3COND"


# ── emergencies ──────────────────────────────────────────────────────────────────────────────────────────────────────


def in_emergency(at=T0, purpose="BTG", **changes):
    return ask("heMD", purpose, at, emergency=session(**changes))


@pytest.mark.parametrize(
    "changed",
    [
        {"person": "P99"},
        {"patient": "Patient/other"},
        {"reason": "  "},
        {"attested": False},
        {"second_factor": False},
        {"opened": T0 + timedelta(seconds=1)},
        {"closes": T0},
        {"opened": T0 - timedelta(minutes=240), "closes": T0 + timedelta(hours=9)},
    ],
    ids=[
        "another person's",
        "another patient",
        "no reason",
        "not attested",
        "one factor",
        "not open yet",
        "closed",
        "longer than the limit",
    ],
)
def test_a_session_that_lacks_anything_opens_nothing(changed):
    assert reason(in_emergency(), record("o1"), (), N0) == "P-BTG"
    assert reason(in_emergency(**changed), record("o1"), (), N0) == "D-BTG-INVALID"


def test_an_application_breaks_no_glass():
    nobody = replace(in_emergency(person=""), requester=replace(requester("heMD"), person=""))
    assert reason(nobody, record("o1"), (), N0) == "D-BTG-INVALID"


def test_a_session_about_one_number_of_the_person_holds_for_the_linked_ones():
    linked = record("o1", patient="Patient/y", same_person=frozenset({"Patient/p"}))
    assert reason(in_emergency(), linked, (), N0) == "P-BTG"


def test_a_session_counts_for_emergency_purposes_only():
    assert reason(in_emergency(purpose="ETREAT"), record("o1"), (), N0) == "P-BTG"
    assert reason(in_emergency(purpose="TREAT"), record("o1"), (), N0) == "D-NOCONSENT"


def test_an_unlabelled_record_stays_withheld_in_an_emergency_as_it_may_be_v():
    assert reason(in_emergency(), record("nolab"), (), N0) == "R-LABEL"


def test_a_later_consent_that_did_not_ask_does_not_take_back_the_refusal_of_emergencies():
    refused = deny(emergency="refuse")
    later = directive(Rule("deny"), consent="Consent/tsu-5", at=datetime(2026, 3, 1, tzinfo=UTC))
    assert reason(in_emergency(), record("o1"), [refused, later], N0) == "D-BTG-REFUSED"
    assert reason(in_emergency(), record("o1"), [refused, replace(later, emergency="permit")], N0) == "P-BTG"


def test_a_refusal_of_emergencies_ends_with_its_consent():
    over = directive(Rule("deny", ends=T0), emergency="refuse")
    assert reason(in_emergency(), record("o1"), [over], N0) == "P-BTG"


def test_an_emergency_fills_up_what_consent_gives_only_in_part():
    plan = record("cp")
    assert reason(ask("heMD", "BTG"), plan, [directive()], N0) == "R-FAMILY"
    assert reason(in_emergency(), plan, [directive()], N0) == "P-BTG"
    assert reason(in_emergency(second_factor=False), plan, [directive()], N0) == "R-FAMILY"


def test_no_glass_is_broken_where_an_emergency_gives_no_more():
    assert reason(in_emergency(), record("o1", inline=True), [directive()], N0) == "R-LABEL"


def test_the_network_may_let_an_opt_out_or_an_unreadable_consent_stand_in_emergencies():
    strict = replace(N0, emergency_overrides_optout=False, emergency_overrides_unreadable=False)
    stopped = decide(in_emergency(), record("o1"), [deny()], strict)
    assert (stopped.reason, stopped.trail[-1]) == ("D-BASE", "override:no")
    assert reason(in_emergency(), record("o1"), consents("O"), strict) == "D-UNPARSABLE"
    assert reason(in_emergency(), record("o1"), (), strict) == "P-BTG"


def test_the_ceiling_holds_in_emergencies():
    nurses = replace(N0, emergency_roles=frozenset({"nurse"}))
    asked = ask("heRN", "BTG", emergency=session(person="P5"))
    assert reason(asked, record("o1"), (), nurses) == "P-BTG"
    assert reason(asked, record("hiv"), (), nurses) == "D-CEILING"


# ── bringing in ──────────────────────────────────────────────────────────────────────────────────────────────────────

WRITING = Ask(Requester(HA, "hospital", "system"), "TREAT", T0, "collect")
REFUSAL = deny(hub_refused=True)


def test_an_opt_out_stops_provision_and_not_recording():
    found = decide_write(WRITING, [deny()], N0)
    assert (found.reason, found.basis) == ("P-OWN", "JP-27-5-ENTRUST")


def test_a_refusal_of_the_hub_stops_recording_and_says_which_consent():
    found = decide_write(WRITING, [REFUSAL], N0)
    assert (found.effect, found.reason) == ("deny", "D-HUB-REFUSED")
    assert [(one.consent, one.effect) for one in found.consents] == [("Consent/tsu-2", "deny")]


def test_a_refusal_of_the_hub_is_an_opt_out_for_readers():
    assert reason(ask(), record("o1"), [REFUSAL], N0) == "D-BASE"
    assert reason(ask("haMD"), record("o1"), [REFUSAL], N0) == "P-OWN"


def test_a_refusal_at_one_custodian_does_not_bind_another():
    local = replace(REFUSAL, controller=HA)
    assert decide_write(WRITING, [local], N0).reason == "D-HUB-REFUSED"
    assert decide_write(replace(WRITING, requester=Requester(CM1, "care-manager", "system"), purpose="CAREMGT"), [local], N0).gives


@pytest.mark.parametrize(
    "changed",
    [{"status": "inactive"}, {"at": T0 + timedelta(days=1)}, {"root": Rule("deny", ends=T0)}, {"proxy": "family"}, {"speaks": False}],
    ids=["withdrawn", "not yet signed", "over", "by one without power", "about something else"],
)
def test_a_refusal_that_is_not_in_force_stops_nothing(changed):
    assert decide_write(WRITING, [replace(REFUSAL, **changed)], N0).gives


def test_a_refusal_ends_with_a_later_permit_of_its_group_and_not_with_a_later_opt_out():
    later = datetime(2026, 3, 1, tzinfo=UTC)
    assert decide_write(WRITING, [REFUSAL, directive(at=later)], N0).gives
    assert not decide_write(WRITING, [REFUSAL, directive(at=later, policy_uri="https://example.org/other")], N0).gives
    assert not decide_write(WRITING, [REFUSAL, deny(at=later)], N0).gives
    local = replace(REFUSAL, controller=HA)
    assert decide_write(WRITING, [local, directive(at=later, controller=HA)], N0).gives
    assert not decide_write(WRITING, [local, directive(at=later)], N0).gives


def test_a_consent_itself_is_always_taken_so_that_a_refusal_can_be_taken_back():
    assert decide_write(WRITING, [REFUSAL], N0, resource_type="Consent").gives
    assert not decide_write(WRITING, [REFUSAL], N0, resource_type="Patient").gives


def test_an_unreadable_consent_may_be_a_refusal_and_stops_recording():
    assert decide_write(WRITING, consents("O"), N0).reason == "D-UNPARSABLE"


def test_recording_asks_for_the_senders_own_purpose():
    assert decide_write(replace(WRITING, purpose="HMARKT"), (), N0).reason == "D-PURPOSE-UNKNOWN"
    assert decide_write(replace(WRITING, requester=Requester("", "hospital", "system")), (), N0).reason == "D-AUTHN"
