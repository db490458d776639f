"""The implied path's own papers: reservations, confirmations at the visit, postings with days; and members that joined later (facts §1.4, §1.5)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from consent.ask import Posting
from consent.decide import decide
from consent.directive import Rule, pack, unpack
from consent.held import Held
from consent.rules import CONFIRMATION, PRACTITIONER, RESERVATION
from schemas.errors import BrokenRule, MissingValue
from tests.consent.given import EXTENSIONS, HA, HB, HE, T0, ask, confirmed, deny, directive, network, reason, record, reservation
from tests.consent.test_reading import changed, coding, office, reading, recipient, refused

N1 = network("N1")
O1 = record("o1")


# ── reservations ─────────────────────────────────────────────────────────────────────────────────────────────────────


def objection(provision=None, **elements):
    """A reservation as it is written."""
    body = changed(policy=[{"uri": RESERVATION}], **elements)
    return {**body, "provision": {"type": "deny", **(provision or {})}}


def test_a_reservation_names_recipients_purposes_and_a_period_and_comes_back_from_its_bytes():
    made = reading(
        objection({"actor": [recipient(office(HB))], "purpose": [coding("v3-ActReason", "TREAT")], "period": {"start": "2026-02-01"}})
    )
    assert (made.policy_uri, made.root.effect, made.root.recipients, made.root.purposes) == (
        RESERVATION,
        "deny",
        {f"Organization/{HB}"},
        {"TREAT"},
    )
    assert made.root.begins == datetime(2026, 1, 31, 15, tzinfo=UTC)
    assert unpack(pack(made)) == made


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (objection({"type": "permit"}), "Consent.provision"),
        (objection({"class": [coding("http://hl7.org/fhir/resource-types", "Condition")]}), "Consent.provision"),
        (objection({"provision": [{"type": "permit"}]}), "Consent.provision"),
        (objection(extension=[{"url": f"{EXTENSIONS}emergency", "valueCode": "refuse"}]), "Consent.provision"),
        ({**objection(), "policy": [{"uri": RESERVATION}, {"uri": "https://tsunagu.example.jp/policy/sharing"}]}, "Consent.policy"),
    ],
)
def test_a_reservation_that_says_more_is_refused(body, where):
    refused(body, BrokenRule, "HUB-3029", where)


def test_a_reservation_shuts_the_implied_path_for_whom_it_names():
    assert reason(ask("hbMD"), O1, [confirmed(), reservation(HB)], N1) == "D-RESERVED"
    assert reason(ask("heMD"), O1, [confirmed(HE), reservation(HB)], N1) == "P-IMPLIED"
    assert reason(ask("heMD"), O1, [confirmed(HE), reservation()], N1) == "D-RESERVED"


def test_a_reservation_against_a_purpose_leaves_the_others():
    rules = replace(
        N1, implied_purposes=N1.implied_purposes | {"HPAYMT"}, posted={HA: (Posting(HA, frozenset({"TREAT", "HPAYMT"}), date(2026, 1, 1)),)}
    )
    held = [confirmed(), reservation(root=Rule("deny", purposes=frozenset({"HPAYMT"})))]
    assert reason(ask("hbMD", "HPAYMT"), O1, held, rules) == "D-RESERVED"
    assert reason(ask("hbMD"), O1, held, rules) == "P-IMPLIED"


def test_an_emergency_is_not_tried_past_a_reservation_against_treatment():
    held = [confirmed(), reservation(root=Rule("deny", purposes=frozenset({"TREAT"})))]
    assert reason(ask("hbMD", "ETREAT"), O1, held, N1) == "D-RESERVED"


def test_reservations_stand_beside_each_other_and_each_is_taken_back_by_itself():
    later = {"consent": "Consent/tsu-later", "at": datetime(2026, 3, 1, tzinfo=UTC)}
    held = [confirmed(), confirmed(HE), reservation(HB), reservation(HE, **later)]
    assert [reason(ask(who), O1, held, N1) for who in ("hbMD", "heMD")] == ["D-RESERVED", "D-RESERVED"]
    over = [confirmed(), confirmed(HE), reservation(HB), reservation(HE, status="inactive", **later)]
    assert [reason(ask(who), O1, over, N1) for who in ("hbMD", "heMD")] == ["D-RESERVED", "P-IMPLIED"]


def test_a_reservation_holds_from_and_to_its_days_and_not_before_it_is_signed():
    within = reservation(root=Rule("deny", begins=T0, ends=T0 + timedelta(hours=1)))
    for at, code in ((T0 - timedelta(seconds=1), "P-IMPLIED"), (T0, "D-RESERVED"), (T0 + timedelta(hours=1), "P-IMPLIED")):
        assert reason(ask("hbMD", at=at), O1, [confirmed(), within], N1) == code
    assert reason(ask("hbMD"), O1, [confirmed(), reservation(at=T0 + timedelta(seconds=1))], N1) == "P-IMPLIED"


def test_of_another_custodian_it_says_nothing():
    assert reason(ask("hbMD"), O1, [confirmed(), reservation(controller=HE)], N1) == "P-IMPLIED"
    assert reason(ask("hbMD"), O1, [confirmed(), reservation(controller=HA)], N1) == "D-RESERVED"


def test_it_neither_denies_nor_opens_what_a_consent_says():
    assert reason(ask(), O1, [directive(), reservation()], N1) == "P-EXPLICIT"
    assert reason(ask(), O1, [deny(), reservation()], N1) == "D-BASE"
    assert reason(ask(), O1, [reservation()], network("N0")) == "D-NOCONSENT"


def test_who_may_be_meant_is_kept_out():
    assert reason(ask("hcUnres"), O1, [confirmed("1319900039"), reservation(HB)], N1) == "D-RESERVED"


def test_a_reservation_by_a_representative_counts_while_the_power_holds():
    by_guardian = reservation(HB, proxy="guardian", proxy_verified=True, proxy_until=T0)
    assert reason(ask("hbMD", at=T0 - timedelta(seconds=1)), O1, [confirmed(), by_guardian], N1) == "D-RESERVED"
    assert reason(ask("hbMD"), O1, [confirmed(), by_guardian], N1) == "P-IMPLIED"


# ── confirmations ────────────────────────────────────────────────────────────────────────────────────────────────────


def visit(*, by="P1", provision=None, extension=(), **elements):
    """A confirmation as it is written."""
    names = [{"url": f"{EXTENSIONS}confirmed-by", "valueReference": {"identifier": {"system": PRACTITIONER, "value": by}}}] if by else []
    body = changed(
        policy=[{"uri": CONFIRMATION}], extension=[{"url": f"{EXTENSIONS}form", "valueCode": "oral"}, *names, *extension], **elements
    )
    return {**body, "provision": {"type": "permit", **(provision or {})}}


def test_a_confirmation_says_who_confirmed_and_comes_back_from_its_bytes():
    made = reading(visit(), custodian=HB)
    assert (made.policy_uri, made.custodian, made.confirmed_by) == (CONFIRMATION, HB, "P1")
    assert unpack(pack(made)) == made


PROXY = {"url": f"{EXTENSIONS}proxy", "extension": [{"url": "kind", "valueCode": "guardian"}]}


@pytest.mark.parametrize(
    ("body", "leaf", "rule", "where"),
    [
        (visit(by=""), MissingValue, "HUB-3031", "Consent.extension"),
        (visit(provision={"type": "deny"}), BrokenRule, "HUB-3030", "Consent.provision"),
        (visit(provision={"purpose": [coding("v3-ActReason", "TREAT")]}), BrokenRule, "HUB-3030", "Consent.provision"),
        (visit(extension=[PROXY], performer=[{"reference": "RelatedPerson/g"}]), BrokenRule, "HUB-3030", "Consent.provision"),
        (visit(extension=[{"url": f"{EXTENSIONS}family", "valueBoolean": True}]), BrokenRule, "HUB-3030", "Consent.provision"),
        ({**visit(), "policy": [{"uri": "https://tsunagu.example.jp/policy/sharing"}]}, BrokenRule, "HUB-3030", "Consent.policy"),
        (
            visit(by="", extension=[{"url": f"{EXTENSIONS}confirmed-by", "valueReference": {"display": "医師"}}]),
            MissingValue,
            "HUB-3011",
            "Consent.extension",
        ),
    ],
)
def test_a_confirmation_that_says_more_or_not_by_whom_is_refused(body, leaf, rule, where):
    refused(body, leaf, rule, where)


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("2026-04-20T10:28:59+09:00", "D-NO-RECEIVER-CONFIRM"),
        ("2026-04-20T10:29:00+09:00", "P-IMPLIED"),
        ("2026-04-20T23:59:59.999999+09:00", "P-IMPLIED"),
        ("2026-04-21T00:00:00+09:00", "D-NO-RECEIVER-CONFIRM"),
    ],
)
def test_a_confirmation_holds_from_then_to_the_end_of_the_day(at, code):
    assert reason(ask("hbMD", at=datetime.fromisoformat(at)), O1, [confirmed()], N1) == code
    assert decide(ask("hbMD", at=datetime.fromisoformat(at)), O1, Held([confirmed()], N1), N1).reason == code


def test_a_confirmation_is_of_one_organization_and_can_be_taken_back():
    assert reason(ask("heMD"), O1, [confirmed(HB)], N1) == "D-NO-RECEIVER-CONFIRM"
    assert reason(ask("hbMD"), O1, [confirmed(status="inactive")], N1) == "D-NO-RECEIVER-CONFIRM"


def test_a_confirmation_by_a_kind_that_may_not_is_none():
    rules = replace(N1, confirming_kinds=frozenset({"clinic"}))
    assert reason(ask("hbMD"), O1, [confirmed()], rules) == "D-NO-RECEIVER-CONFIRM"


def test_it_opens_nothing_by_itself_and_overrides_nothing():
    assert reason(ask(), O1, [confirmed()], network("N0")) == "D-NOCONSENT"
    assert reason(ask(), O1, [confirmed(), deny()], N1) == "D-BASE"


def test_what_was_made_ready_under_other_rules_is_not_relied_upon():
    ready = Held([confirmed()], N1)
    assert decide(ask("hbMD"), O1, ready, N1).reason == "P-IMPLIED"
    assert decide(ask("hbMD"), O1, ready, network("N0")).reason == "D-NOCONSENT"


# ── postings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("day", "code"),
    [("2026-04-19", "D-NOCONSENT"), ("2026-04-20", "P-IMPLIED"), ("2026-04-21", "P-IMPLIED"), ("2026-04-22", "D-NOCONSENT")],
)
def test_a_posting_holds_from_its_first_through_its_last_day(day, code):
    rules = replace(N1, posted={HA: (Posting(HA, frozenset({"TREAT"}), date(2026, 4, 20), date(2026, 4, 21)),)})
    at = datetime.fromisoformat(f"{day}T12:00:00+09:00")
    assert reason(ask("hbMD", at=at), O1, [confirmed(at=at)], rules) == code


# ── members that joined later: the situations of row 33, and a person of theirs who is named ────────────────────────


def test_a_person_who_is_named_sees_though_the_organization_joined_later():
    held = [directive(Rule("permit", confidentiality="N", bound="at-most", recipients=frozenset({"Practitioner/P1"})))]
    assert reason(ask("hbMD"), O1, held, network("N-new")) == "P-EXPLICIT"


def test_a_refusal_reaches_who_joined_later():
    assert reason(ask("hbMD"), O1, [deny()], network("N-new")) == "D-BASE"
