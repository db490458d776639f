"""FHIR Consents → the canonical form: the dialects, what is refused and where, and that a withdrawal is always heard."""

import json
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from consent.directive import Rule, normalise
from consent.reading import LEAP, PCF_PROFILE
from schemas.adapter import BASE
from schemas.errors import BadInput, BadValue, BrokenRule, MissingValue, TooLong, UnknownCode, Unsupported
from schemas.fhir.resource import read
from schemas.ids import INSTITUTION, KAIGO_OFFICE
from schemas.messages import english, japanese
from tests.consent.given import CM1, EXTENSIONS, HA, HB, NOW, TERMS, bodies

A = bodies("A")[0]


def changed(provision=None, **elements):
    """Consent A with other elements; None takes an element out."""
    body = {**deepcopy(A), **elements}
    if provision is not None:
        body["provision"] = {**body["provision"], **provision}
    return {name: value for name, value in body.items() if value is not None}


def reading(body, *, now=NOW, custodian=HA):
    """The canonical form, after the FHIR checks."""
    value = read(json.dumps(body).encode(), expected_type="Consent").value
    return normalise(value, consent="Consent/tsu-1", version=1, patient="Patient/tsu-p", custodian=custodian, now=now)


def concept(system, *codes):
    return {"coding": [{"system": system, "code": code} for code in codes]}


def coding(system, code):
    return {"system": f"{TERMS}{system}" if system.startswith("v3") else system, "code": code}


def recipient(reference, role="IRCP"):
    return {"role": concept(f"{TERMS}v3-ParticipationType", role), "reference": reference}


def extension(name, **value):
    return {"url": f"{EXTENSIONS}{name}", **value}


def office(code, system=INSTITUTION):
    return {"identifier": {"system": system, "value": code}}


# ── what is read ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_signed_consent_is_read_whole():
    found = reading(A, custodian=HB)
    assert (found.consent, found.version, found.patient, found.custodian, found.controller) == (
        "Consent/tsu-1",
        1,
        "Patient/tsu-p",
        HB,
        "NW",
    )
    assert (found.status, found.form, found.proxy, found.emergency, found.hub_refused) == ("active", "written", "", "unasked", False)
    assert found.at == datetime(2026, 1, 4, 15, tzinfo=UTC)
    assert found.policy_uri == "https://tsunagu.example.jp/policy/sharing"
    assert found.root == Rule(
        "permit",
        begins=datetime(2026, 1, 4, 15, tzinfo=UTC),
        ends=datetime(2027, 3, 31, 15, tzinfo=UTC),
        purposes=frozenset({"TREAT", "CAREMGT"}),
        confidentiality="N",
        bound="at-most",
    )
    assert found.ends == datetime(2027, 3, 31, 15, tzinfo=UTC)


def test_an_exception_takes_over_what_it_does_not_name_and_replaces_what_it_names():
    nested = {
        "type": "permit",
        "securityLabel": [coding("v3-Confidentiality", "R")],
        "period": {"start": "2026-06-01", "end": "2028-01-01"},
    }
    root = reading(changed({"provision": [nested]})).root
    inner = root.rules[0]
    assert (inner.purposes, inner.confidentiality) == (root.purposes, "R")
    assert inner.begins == datetime(2026, 5, 31, 15, tzinfo=UTC)
    assert inner.ends == root.ends, "a period is cut and never widened"


def test_a_ceiling_that_is_taken_over_keeps_its_sense():
    inner = reading(changed({"provision": [{"type": "deny", "actor": [recipient(office(HB))]}]})).root.rules[0]
    assert (inner.effect, inner.confidentiality, inner.bound) == ("deny", "N", "at-most")
    named = reading(changed({"provision": [{"type": "deny", "securityLabel": [coding("v3-Confidentiality", "R")]}]})).root.rules[0]
    assert (named.confidentiality, named.bound) == ("R", "at-least")


def test_a_permit_that_names_no_confidentiality_is_capped_at_n_and_a_deny_is_not():
    assert reading(changed({"securityLabel": [coding("v3-ActCode", "HIV")]})).root.confidentiality == "N"
    open_provision = {"type": "deny", "provision": [{"type": "permit"}]}
    root = reading(changed(provision=None) | {"provision": open_provision}).root
    assert (root.bound, root.rules[0].bound, root.rules[0].confidentiality) == ("", "at-most", "N")


def test_all_dimensions_are_read():
    found = reading(
        changed(
            {
                "actor": [
                    recipient(office(HB)),
                    recipient(office(CM1, KAIGO_OFFICE), "PRCP"),
                    recipient({"identifier": {"system": f"{BASE}/sid/practitioner", "value": "P1"}}),
                    recipient({"reference": "Group/tsu-g"}),
                    recipient(office(HA), "CST"),
                    recipient({"reference": "Practitioner/tsu-d"}, "AUT"),
                    recipient(office(HB), "AUT"),
                ],
                "action": [concept(f"{TERMS}consentaction", "access", "use")],
                "class": [
                    coding("http://hl7.org/fhir/resource-types", "Condition"),
                    coding("urn:ietf:rfc:3986", "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Observation_VitalSigns"),
                    coding("http://loinc.org", "34133-9"),
                ],
                "code": [concept("http://loinc.org", "8310-5")],
                "dataPeriod": {"start": "2026-01", "end": "2026-02-03T10:00:00+09:00"},
                "data": [
                    {"meaning": "instance", "reference": {"reference": "Observation/tsu-1/_history/2"}},
                    {"meaning": "related", "reference": {"reference": "EpisodeOfCare/tsu-2"}},
                    {"meaning": "dependents", "reference": {"reference": "CarePlan/tsu-3"}},
                    {"meaning": "authoredby", "reference": {"reference": "Practitioner/tsu-e"}},
                ],
            }
        )
    ).root
    assert found.recipients == {f"Organization/{HB}", f"Organization/{CM1}", "Practitioner/P1", "Group/tsu-g"}
    assert (found.custodians, found.actions) == ({HA}, {"access", "use"})
    assert found.authors == {"Practitioner/tsu-d", f"Organization/{HB}", "Practitioner/tsu-e"}
    assert found.classes == {
        "Condition",
        "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Observation_VitalSigns",
        "http://loinc.org|34133-9",
    }
    assert found.codes == {"http://loinc.org|8310-5"}
    assert (found.instances, found.related) == ({"Observation/tsu-1"}, {"EpisodeOfCare/tsu-2", "CarePlan/tsu-3"})
    days = found.days
    assert [str(d) for d in (days.first, days.last, days.outer_first, days.outer_last)] == [
        "2026-01-01",
        "2026-02-02",
        "2026-01-01",
        "2026-02-03",
    ]


def test_authors_alone_leave_the_data_named_above():
    inner = {"type": "deny", "data": [{"meaning": "authoredby", "reference": {"reference": "Practitioner/tsu-e"}}]}
    data = [{"meaning": "instance", "reference": {"reference": "Observation/tsu-1"}}]
    rule = reading(changed({"data": data, "provision": [inner]})).root.rules[0]
    assert (rule.instances, rule.authors) == ({"Observation/tsu-1"}, {"Practitioner/tsu-e"})


def test_without_an_organization_the_consent_speaks_for_who_records_it():
    assert reading(changed(organization=None), custodian=HB).controller == HB
    assert reading(changed(organization=[office(HA)]), custodian=HB).controller == HA


def test_several_policies_are_one_group_in_any_order():
    one = reading(changed(policy=[{"uri": "https://b"}, {"uri": "https://a"}]))
    assert one.policy_uri == "https://a https://b"
    assert reading(changed(policy=None)).policy_uri == ""


def test_an_attached_paper_is_a_written_form_and_nothing_is_unknown():
    assert reading(changed(extension=None, sourceAttachment={"title": "同意書"})).form == "written"
    assert reading(changed(extension=None)).form == "unknown"
    assert (
        reading(changed(extension=[extension("form", valueCode="oral")], sourceReference={"reference": "DocumentReference/1"})).form
        == "oral"
    )


def test_a_proxy_says_by_which_power():
    until = {"url": "until", "valueDate": "2026-12-31"}
    parts = [{"url": "kind", "valueCode": "curator"}, {"url": "verified", "valueBoolean": True}, until]
    found = reading(changed(extension=[extension("proxy", extension=parts)], performer=[{"reference": "RelatedPerson/g"}]))
    assert (found.proxy, found.proxy_verified, found.proxy_until) == ("curator", True, datetime(2026, 12, 31, 15, tzinfo=UTC))
    short = reading(changed(extension=[extension("proxy", extension=parts[:1])], performer=[{"display": "長女"}]))
    assert (short.proxy_verified, short.proxy_until) == (False, None)


def test_the_person_may_be_named_by_number():
    number = {"identifier": {"system": "urn:oid:1.2.392.100495.20.3.51.11319900013", "value": "0000123456"}}
    assert reading(changed(patient=number, performer=[number])).proxy == ""
    refused(changed(patient=number, performer=[{"display": "架空 太郎"}]), MissingValue, "HUB-3027", "Consent.performer")


def test_who_signs_beside_the_person_is_a_witness():
    assert reading(changed(performer=[{"reference": "RelatedPerson/g"}, {"reference": "Patient/p"}])).proxy == ""


def test_emergency_refusal_of_the_hub_and_family_are_read():
    told = [
        extension("emergency", valueCode="refuse"),
        extension("hub-refusal", valueBoolean=True),
        extension("family", valueReference={"reference": "RelatedPerson/f"}),
        extension("family", valueBoolean=True),
        {"url": "https://example.org/anything", "valueString": "x"},
    ]
    found = reading({**changed(extension=told), "provision": {"type": "deny", "period": {"start": "2026-01-05"}}})
    assert (found.emergency, found.hub_refused, found.family) == ("refuse", True, {"RelatedPerson/f", "*"})
    kept = reading(changed(extension=[extension("hub-refusal", valueBoolean=False)]))
    assert not kept.hub_refused


# ── dialects ─────────────────────────────────────────────────────────────────────────────────────────────────────────

OPT = f"{TERMS}v3-ActCode"


@pytest.mark.parametrize(("code", "effect"), [("OPTIN", "permit"), ("OPTINR", "permit"), ("OPTOUT", "deny"), ("OPTOUTE", "deny")])
def test_r4_takes_the_base_from_policy_rule(code, effect):
    exception = {"type": "permit" if effect == "deny" else "deny", "actor": [recipient(office(HB))]}
    found = reading({**A, "policyRule": concept(OPT, code), "provision": {"period": {"start": "2026-01-05"}, "provision": [exception]}})
    assert (found.dialect, found.root.effect, found.root.rules[0].effect) == ("r4", effect, exception["type"])


def test_r4_without_any_provision_is_the_whole_base():
    body = changed(policyRule=concept(OPT, "OPTOUT"))
    assert reading({name: value for name, value in body.items() if name != "provision"}).root == Rule("deny")


def test_a_limited_opt_in_without_a_type_is_limited():
    body = {**A, "policyRule": concept(OPT, "OPTINR"), "provision": {k: v for k, v in A["provision"].items() if k != "type"}}
    assert reading(body).root == reading(A).root


def test_an_opt_out_with_conditions_and_no_type_is_ambiguous():
    body = {**A, "policyRule": concept(OPT, "OPTOUT"), "provision": {"purpose": A["provision"]["purpose"]}}
    refused(body, BrokenRule, "HUB-3019", "Consent.provision")


def test_type_and_policy_rule_agree_or_are_refused():
    assert reading(changed(policyRule=concept(OPT, "OPTIN"))).dialect == "root-type"
    refused(changed(policyRule=concept(OPT, "OPTOUT")), BrokenRule, "HUB-3017", "Consent.policyRule")


def test_neither_type_nor_policy_rule_is_refused():
    bare = {k: v for k, v in A["provision"].items() if k != "type"}
    refused({**A, "provision": bare}, MissingValue, "HUB-3018", "Consent.provision.type")
    refused({**A, "provision": bare, "policyRule": concept(OPT, "OPTIN", "OPTOUT")}, MissingValue, "HUB-3018", "Consent.provision.type")


def test_leap_turns_nested_provisions_round():
    leap = {"meta": {"tag": [dict(zip(("system", "code"), LEAP.split("|"), strict=True))]}}
    found = reading({**changed({"provision": [{"actor": [recipient(office(HB))]}]}), **leap})
    assert (found.dialect, found.root.rules[0].effect) == ("leap", "deny")
    same = changed({"provision": [{"type": "permit", "actor": [recipient(office(HB))]}]})
    refused({**same, **leap}, BrokenRule, "HUB-3007", "Consent.provision.provision[0].type")
    deep = changed({"provision": [{"provision": [{"actor": [recipient(office(HB))]}]}]})
    refused({**deep, **leap}, Unsupported, "HUB-3006", "Consent.provision.provision[0].provision[0]")


def test_a_pcf_consent_has_one_nested_level_and_no_classes():
    pcf = {"meta": {"profile": [f"{PCF_PROFILE}.basic"]}}
    assert reading({**changed({"provision": [{"type": "deny", "actor": [recipient(office(HB))]}]}), **pcf}).dialect == "pcf"
    deep = changed({"provision": [{"type": "deny", "provision": [{"type": "permit"}]}]})
    refused({**deep, **pcf}, Unsupported, "HUB-3006", "Consent.provision.provision[0].provision[0]")
    named = changed({"class": [coding("http://hl7.org/fhir/resource-types", "Condition")]})
    refused({**named, **pcf}, Unsupported, "HUB-3005", "Consent.provision.class")
    refused({**changed(verification=[{"verified": True}]), **pcf}, Unsupported, "HUB-3005", "Consent.verification")


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────────


def refused(body, leaf, rule, where):
    with pytest.raises(BadInput) as caught:
        reading(body)
    issue = caught.value.issues[0]
    assert (type(caught.value), issue.rule, issue.where) == (leaf, rule, where)
    assert "…" not in japanese(issue) + english(issue), "the message is filled"


NEST = {"type": "deny", "provision": [{"type": "permit", "provision": [{"type": "deny", "provision": [{"type": "permit"}]}]}]}

REFUSALS = {
    "modifier at the root": (changed(modifierExtension=[{"url": "https://x", "valueBoolean": True}]), Unsupported, "HUB-3016", "Consent.modifierExtension"),
    "modifier in a provision": (changed({"modifierExtension": [{"url": "https://x", "valueBoolean": True}]}), Unsupported, "HUB-3016", "Consent.provision.modifierExtension"),
    "implicit rules": (changed(implicitRules="https://x"), Unsupported, "HUB-3016", "Consent.implicitRules"),
    "extension in a provision": (changed({"extension": [{"url": "https://x", "valueBoolean": True}]}), Unsupported, "HUB-3004", "Consent.provision.extension"),
    "extension in an actor": (changed({"actor": [{**recipient(office(HB)), "extension": [{"url": "https://x", "valueBoolean": True}]}]}), Unsupported, "HUB-3004", "Consent.provision.actor[0].extension"),
    "element of later FHIR": (changed(extension=[{"url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-Consent.decision", "valueCode": "deny"}]), Unsupported, "HUB-3004", "Consent.extension[0]"),
    "unknown extension of ours": (changed(extension=[extension("forn", valueCode="written")]), UnknownCode, "HUB-3009", "Consent.extension[0]"),
    "five levels": (changed({"provision": [NEST]}), Unsupported, "HUB-3006", "Consent.provision" + ".provision[0]" * 4),
    "too many provisions": (changed({"provision": [{"type": "deny"}] * 200}), TooLong, "HUB-3003", "Consent.provision"),
    "nested without a type": (changed({"provision": [{"actor": [recipient(office(HB))]}]}), MissingValue, "HUB-3008", "Consent.provision.provision[0].type"),
    "unknown purpose": (changed({"purpose": [coding("v3-ActReason", "SOMETHING")]}), UnknownCode, "HUB-3009", "Consent.provision.purpose[0]"),
    "unknown action": (changed({"action": [concept(f"{TERMS}consentaction", "sell")]}), UnknownCode, "HUB-3009", "Consent.provision.action[0]"),
    "unknown label": (changed({"securityLabel": [coding("v3-ActCode", "SECRET")]}), UnknownCode, "HUB-3009", "Consent.provision.securityLabel[0]"),
    "two confidentialities": (changed({"securityLabel": [coding("v3-Confidentiality", "N"), coding("v3-Confidentiality", "R")]}), BrokenRule, "HUB-3010", "Consent.provision.securityLabel"),
    "unknown class": (changed({"class": [coding("https://x", "Condition")]}), UnknownCode, "HUB-3009", "Consent.provision.class[0]"),
    "class without a code": (changed({"class": [{"system": "http://loinc.org"}]}), MissingValue, "HUB-3011", "Consent.provision.class[0].code"),
    "code in words": (changed({"code": [{"text": "感染症"}]}), MissingValue, "HUB-3011", "Consent.provision.code[0].coding"),
    "actor by name": (changed({"actor": [recipient({"display": "B病院"})]}), Unsupported, "HUB-3013", "Consent.provision.actor[0].reference"),
    "organization by local reference": (changed({"actor": [recipient({"reference": "Organization/b"})]}), Unsupported, "HUB-3013", "Consent.provision.actor[0].reference"),
    "practitioner by local reference": (changed({"actor": [recipient({"reference": "Practitioner/b"})]}), Unsupported, "HUB-3013", "Consent.provision.actor[0].reference"),
    "custodian that is no organization": (changed({"actor": [recipient({"reference": "Group/g"}, "CST")]}), Unsupported, "HUB-3013", "Consent.provision.actor[0].reference"),
    "author by local organization": (changed({"actor": [recipient({"reference": "Organization/b"}, "AUT")]}), Unsupported, "HUB-3013", "Consent.provision.actor[0].reference"),
    "actor with a wrong number": (changed({"actor": [recipient(office("1319900022"))]}), BadValue, "HUB-3014", "Consent.provision.actor[0].reference.identifier.value"),
    "actor in an unknown role": (changed({"actor": [recipient(office(HB), "WIT")]}), UnknownCode, "HUB-3009", "Consent.provision.actor[0].role"),
    "actor in two roles": (changed({"actor": [{"role": concept(f"{TERMS}v3-ParticipationType", "IRCP", "AUT"), "reference": office(HB)}]}), BrokenRule, "HUB-3012", "Consent.provision.actor[0].role"),
    "data by identifier": (changed({"data": [{"meaning": "instance", "reference": {"identifier": {"value": "1"}}}]}), Unsupported, "HUB-3015", "Consent.provision.data[0].reference"),
    "period that ends before it begins": (changed({"period": {"start": "2026-02-01", "end": "2026-01-31"}}), BrokenRule, "HUB-3002", "Consent.provision.period"),
    "no end that is an end": (changed({"period": {"start": "2026-02-01", "end": "9999-12-31"}}), BadValue, "HUB-3001", "Consent.provision.period.end"),
    "no day of signing": (changed(dateTime=None), MissingValue, "HUB-3020", "Consent.dateTime"),
    "signed some time in a month": (changed(dateTime="2026-01"), BadValue, "HUB-3021", "Consent.dateTime"),
    "signed in the future": (changed(dateTime="2026-07-02"), BrokenRule, "HUB-3022", "Consent.dateTime"),
    "unknown form": (changed(extension=[extension("form", valueCode="implied")]), UnknownCode, "HUB-3009", "Consent.extension"),
    "two forms": (changed(extension=[extension("form", valueCode="oral"), extension("form", valueCode="written")]), BrokenRule, "HUB-3023", "Consent.extension"),
    "hub refusal in a permit": (changed(extension=[extension("hub-refusal", valueBoolean=True)]), BrokenRule, "HUB-3024", "Consent.provision"),
    "hub refusal without a value": (changed(extension=[extension("hub-refusal", valueString="yes")]), MissingValue, "HUB-3011", "Consent.extension"),
    "family without a value": (changed(extension=[extension("family", valueBoolean=False)]), MissingValue, "HUB-3011", "Consent.extension"),
    "nobody consents": (changed(performer=None), MissingValue, "HUB-3025", "Consent.performer"),
    "somebody else without a power": (changed(performer=[{"reference": "RelatedPerson/g"}]), MissingValue, "HUB-3027", "Consent.performer"),
    "another patient consents": (changed(performer=[{"reference": "Patient/other"}]), MissingValue, "HUB-3027", "Consent.performer"),
    "power although the person signs": (changed(extension=[extension("proxy", extension=[{"url": "kind", "valueCode": "guardian"}])]), BrokenRule, "HUB-3026", "Consent.extension"),
    "unknown power": (changed(extension=[extension("proxy", extension=[{"url": "kind", "valueCode": "friend"}])], performer=[{"display": "友人"}]), UnknownCode, "HUB-3009", "Consent.extension"),
    "two controllers": (changed(organization=[office(HA), office(HB)]), Unsupported, "HUB-3028", "Consent.organization"),
    "controller by name": (changed(organization=[{"display": "A病院"}]), Unsupported, "HUB-3013", "Consent.organization[0]"),
    "unknown scope": (changed(scope=concept(f"{TERMS}consentscope", "research")), UnknownCode, "HUB-3009", "Consent.scope"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_read_exactly_is_refused_at_its_place(name):
    refused(*REFUSALS[name])


def test_a_refusal_never_repeats_what_was_sent():
    with pytest.raises(BadInput) as caught:
        reading(changed({"purpose": [coding("v3-ActReason", "KIMITSU")]}))
    issue = caught.value.issues[0]
    assert "KIMITSU" not in str(caught.value) + japanese(issue) + english(issue)


def test_a_clock_may_go_five_minutes_fast():
    now = datetime(2026, 6, 30, 23, 55, tzinfo=UTC)
    assert reading(changed(dateTime="2026-07-01T00:00:00Z"), now=now).at == datetime(2026, 7, 1, tzinfo=UTC)
    with pytest.raises(BrokenRule):
        reading(changed(dateTime="2026-07-01T00:00:01Z"), now=now)


# ── withdrawal, and consents about something else ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", ["inactive", "rejected", "entered-in-error"])
def test_a_consent_that_is_over_is_always_taken(status):
    broken = {**REFUSALS["modifier in a provision"][0], "status": status}
    found = reading(broken)
    assert (found.status, found.controller, found.at, found.root) == (status, "NW", NOW, Rule("deny"))
    nameless = reading(changed(status=status, organization=[{"display": "A病院"}]))
    assert nameless.controller == HA


def test_a_withdrawal_is_heard_even_where_the_scope_is_unknown():
    assert reading(changed(status="inactive", scope=concept(f"{TERMS}consentscope", "research"))).status == "inactive"


def test_a_proposed_consent_must_be_readable_since_it_may_become_active():
    with pytest.raises(Unsupported):
        reading({**REFUSALS["modifier in a provision"][0], "status": "proposed"})


def test_a_consent_to_treatment_or_about_the_end_of_life_does_not_speak_of_sharing():
    for system, code in ((f"{TERMS}consentscope", "adr"), (f"{TERMS}consentscope", "treatment"), ("http://loinc.org", "81377-4")):
        found = reading(changed(scope=concept(system, code), performer=None))
        assert (found.speaks, found.root) == (False, Rule("deny"))


def test_an_order_of_elements_changes_nothing():
    actors = [recipient(office(HB)), recipient({"reference": "Group/g"})]
    one = reading(changed({"actor": actors, "purpose": A["provision"]["purpose"]}))
    two = reading(changed({"purpose": A["provision"]["purpose"][::-1], "actor": actors[::-1]}))
    assert one == two
    assert one == replace(two)
