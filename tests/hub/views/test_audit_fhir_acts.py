"""AuditEvents of what the hub and its office did: each with its pattern, and without a word that somebody typed."""

import json
from datetime import UTC, datetime

import pytest

from hub.tables.acts import TOPICS
from hub.tables.all import struct_of
from hub.views.audit_fhir_acts import Act, to_audit_events
from hub.views.audit_tables import rows
from schemas import breach_events, capacity_events, emergency_events, events, sign_in_events
from schemas.fhir.resource import read
from tests.hub.views.balp import claimed

BASE, SOURCE = "https://hub.example.jp/fhir", "1399000099"
AT = datetime(2026, 11, 24, 14, 38, 40, tzinfo=UTC)
SECRET = "だれかが書いた言葉"
BODIES = {
    emergency_events.EMERGENCY_OPENED: emergency_events.Opened("S2", "1310000014", "hospital", "doctor", "u-1", SECRET, True, 1, 1_000, 2_000),
    emergency_events.EMERGENCY_REVIEWED: emergency_events.Reviewed("S2", "u-9", "justified"),
    capacity_events.CAPACITY_STATED: capacity_events.CapacityStated("incapable", "u-9", "1399000009", "clerk", 1_000, SECRET, "2027-01-01"),
    events.PERSON_LINKED: events.Link("00" * 16, "11" * 16, "u-9", SECRET),
    events.PERSON_UNLINKED: events.Link("00" * 16, "11" * 16, "u-9", SECRET),
    events.FOLLOWER_SKIPPED: events.Skipped("derive", 7, SECRET, "u-9", "HUB-5004"),
    events.PROVISION_RESTRICTED: events.Restricted("E2", "00" * 16, "JP-35-5", SECRET, "u-9", "2027-01-01"),
    events.PROVISION_RESTORED: events.Restored("E2", "00" * 16, "u-9", SECRET),
    events.KEY_ERASED: events.Erased("E2", (events.Key("22" * 16, "00" * 16, "main"),), "JP-35-5", "u-9", SECRET),
    events.KEY_DESTROYED: events.Destroyed(12, ("22" * 16,), "2026-11-24T14:38:40+00:00"),
    events.HUB_STARTED: events.Ran("0.3.0", "2026-11", "2026-11-01", "sqlite"),
    events.HUB_STOPPED: events.Ran("0.3.0", "2026-11", "2026-11-01", "sqlite"),
    events.AUDIT_RESUMED: events.Resumed(1_795_000_000_000, "HUB-5103"),
    events.SIGNED_IN: events.Signed("1310000014", "hospital", "doctor", "u-1", "link", "192.0.2.17"),
    events.SIGNED_OUT: events.Signed("1310000014", "hospital", "doctor", "u-1", "link", "192.0.2.17"),
    events.SIGN_IN_REFUSED: events.SignInRefused("link", 3, 1_000, 2_000),
    events.TOKEN_ISSUED: events.Token(("1310000014",), "u-9"),
    events.TOKEN_REVOKED: events.Token(("1310000014",)),
    sign_in_events.USER_INVITED: sign_in_events.Invited("1310000014", "u-1", "ab" * 32, 2_000, "u-9"),
    sign_in_events.PASSKEY_REGISTERED: sign_in_events.Registered("1310000014", "u-1", "Y3JlZA", "a2V5", 0, 1_000, "ab" * 32),
    sign_in_events.PASSKEYS_REVOKED: sign_in_events.Revoked("1310000014", "u-1", "u-9"),
    events.ACCESS_REVIEWED: events.AccessReviewed("2026-10-01", "2026-10-31", 412, "u-9", SECRET),
    emergency_events.EMERGENCY_CLOSED: emergency_events.Closed("S2", "user", 1_000, "u-1"),
    emergency_events.EMERGENCY_CODE_REFUSED: emergency_events.CodeRefused("1310000014", "u-1", 1_000),
    emergency_events.NOTICE_SETTLED: emergency_events.NoticeSettled("N2", "delayed", "u-9", SECRET, 2_000),
    emergency_events.BREACH_SUSPECTED: emergency_events.BreachSuspected("B2", 1_000, "u-9", SECRET),
    breach_events.BREACH_STEP: breach_events.BreachStep("B2", "reported", 2_000, "u-9", SECRET),
    emergency_events.DISASTER_PROPOSED: emergency_events.DisasterProposed("D2", "u-9", SECRET, ("1310000014",), 72, SECRET, 1, 1_000, 2_000),
    emergency_events.DISASTER_DECLARED: emergency_events.DisasterDeclared("D2", "u-9", "u-8", SECRET, ("1310000014",), 1_000, 2_000, 1),
    emergency_events.DISASTER_ENDED: emergency_events.DisasterEnded("D2", 1_000, "u-9"),
    events.UNUSUAL_SETTLED: events.UnusualSettled("U2", "u-9", "explained", SECRET),
    events.LABELS_REVISED: events.LabelsRevised("2026-11-01"),
}  # fmt: skip
ABOUT = frozenset({
    emergency_events.EMERGENCY_OPENED, emergency_events.EMERGENCY_REVIEWED, events.PERSON_LINKED, events.PERSON_UNLINKED, events.PROVISION_RESTRICTED,
    events.PROVISION_RESTORED, capacity_events.CAPACITY_STATED, events.KEY_ERASED, events.KEY_DESTROYED,
})  # fmt: skip
DICOM = "http://dicom.nema.org/resources/ontology/DCM"


def drawn(topic, body="", user="u-9"):
    body = BODIES[topic] if body == "" else body
    act = Act("act-abc", topic, AT, "1399000009", "network", user, "P-00318" if topic in ABOUT else "", body)
    made = to_audit_events(act, base=BASE, source=SOURCE)
    for one in made:
        assert read(json.dumps(one).encode()).type == "AuditEvent"
        claimed(one)
    return made


def kinds(topic, *more):
    return [(one["type"]["code"], one["subtype"][0]["code"], one["action"], one["outcome"]) for one in drawn(topic, *more)]


def details(made):
    return {d["type"]: d["valueString"] for e in made["entity"] for d in e.get("detail", ())}


def test_every_kind_of_act_is_drawn_by_the_table_and_has_a_body_here():
    assert {row["topic"] for row in rows("acts")} == set(TOPICS)
    assert set(BODIES) == set(TOPICS)
    assert {topic: struct_of(topic) for topic in TOPICS} == {topic: type(body) for topic, body in BODIES.items()}


@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_each_is_right_fhir_pseudonymous_and_without_a_word_that_was_typed(topic):
    for made in (drawn(topic), drawn(topic, None, "")):
        told = json.dumps(made, ensure_ascii=False)
        assert made
        assert SECRET not in told
        assert "00" * 16 not in told
        assert [one["id"] for one in made] == [f"act-abc-{n}" for n in range(1, len(made) + 1)]


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        (emergency_events.EMERGENCY_OPENED, [("110113", "110127", "E", "0"), ("110113", "AuthZ-Consent", "E", "0")]),
        (emergency_events.EMERGENCY_REVIEWED, [("110113", "emergency-review", "E", "0")]),
        (events.HUB_STARTED, [("110100", "110120", "E", "0"), ("110113", "110134", "E", "0")]),
        (events.HUB_STOPPED, [("110100", "110121", "E", "0"), ("110113", "110133", "E", "0")]),
        (events.AUDIT_RESUMED, [("110113", "110133", "E", "4"), ("110113", "110134", "E", "0")]),
        (events.SIGNED_IN, [("110114", "110122", "E", "0")]),
        (events.SIGNED_OUT, [("110114", "110123", "E", "0")]),
        (events.TOKEN_ISSUED, [("110113", "110137", "E", "0")]),
        (sign_in_events.USER_INVITED, [("110113", "110137", "E", "0")]),
        (sign_in_events.PASSKEY_REGISTERED, [("110113", "110137", "E", "0")]),
        (sign_in_events.PASSKEYS_REVOKED, [("110113", "110137", "E", "0")]),
        (events.FOLLOWER_SKIPPED, [("110113", "110132", "E", "0")]),
        (events.KEY_ERASED, [("rest", "destroy", "D", "0")]),
        (events.PROVISION_RESTRICTED, [("rest", "hold", "U", "0")]),
        (events.PROVISION_RESTORED, [("rest", "unhold", "U", "0")]),
        (events.PERSON_LINKED, [("110110", "link", "U", "0")]),
        (capacity_events.CAPACITY_STATED, [("110110", "attest", "C", "0")]),
        (events.ACCESS_REVIEWED, [("110101", "access-review", "E", "0")]),
        (emergency_events.EMERGENCY_CLOSED, [("110113", "110138", "E", "0")]),
        (emergency_events.EMERGENCY_CODE_REFUSED, [("110114", "110122", "E", "4")]),
        (emergency_events.DISASTER_DECLARED, [("110113", "110127", "E", "0")]),
        (emergency_events.DISASTER_ENDED, [("110113", "110138", "E", "0")]),
        (emergency_events.BREACH_SUSPECTED, [("110113", "breach-suspected", "E", "0")]),
        (breach_events.BREACH_STEP, [("110113", "breach-step", "E", "0")]),
        (events.LABELS_REVISED, [("110113", "110129", "E", "0")]),
    ],
)
def test_the_codes_are_dicoms_fhirs_and_iso_21089s(topic, expected):
    assert kinds(topic) == expected


def test_an_emergency_says_who_for_which_purpose_and_until_when():
    made = drawn(emergency_events.EMERGENCY_OPENED, user="u-1")
    for one in made:
        assert [c["coding"][0]["code"] for c in one["purposeOfEvent"]] == ["BTG"]
    assert details(made[0])["session"] == "S2"
    assert details(made[0])["closes"] == "1970-01-01T09:00:02+09:00"


def test_keys_that_are_gone_go_by_the_stage_of_their_life():
    def stage(topic):
        (one,) = drawn(topic)
        (person,) = [e for e in one["entity"] if e["type"]["code"] == "1"]
        return person["lifecycle"]["code"]

    assert (stage(events.KEY_ERASED), stage(events.KEY_DESTROYED)) == ("14", "15")


def test_a_wrong_token_is_a_node_that_failed_and_many_refusals_are_an_alert():
    assert kinds(events.SIGN_IN_REFUSED) == [("110114", "110122", "E", "4")]
    assert kinds(events.SIGN_IN_REFUSED, events.SignInRefused("token", 1, 0, 0)) == [("110113", "110126", "E", "4")]
    assert kinds(events.SIGN_IN_REFUSED, events.SignInRefused("link", 10, 0, 0))[1:] == [("110113", "repeated-sign-in-failure", "E", "4")]


def test_a_gap_of_the_record_begins_when_it_began():
    stop, start = drawn(events.AUDIT_RESUMED)
    assert stop["recorded"] == datetime.fromtimestamp(1_795_000_000, UTC).astimezone(
        datetime.fromisoformat(start["recorded"]).tzinfo
    ).isoformat(timespec="milliseconds")
    assert start["recorded"] == "2026-11-24T23:38:40.000+09:00"


def test_a_user_signs_in_from_an_address_with_a_role():
    (made,) = drawn(events.SIGNED_IN)
    client, user, _ = made["agent"]
    assert client["network"] == {"address": "192.0.2.17", "type": "2"}
    assert (user["who"]["identifier"]["value"], user["role"][0]["coding"][0]["code"]) == ("u-1", "doctor")


def test_neither_the_code_of_an_invitation_nor_a_passkey_is_told():
    for topic in sign_in_events.BODIES:
        told = json.dumps(drawn(topic))
        assert not {word for word in ("ab" * 32, "Y3JlZA", "a2V5") if word in told}
        assert details(drawn(topic)[0])["user"] == "u-1"
