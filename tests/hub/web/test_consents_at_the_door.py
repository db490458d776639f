"""Consents that arrive by FHIR: three dialects become one meaning, or are refused with entry, field, rule and next step in both languages; hostile ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from consent.ask import Requester
from hub.commands import Asking, Submit, Write
from hub.names import hub_id
from hub.tables.told import told as kept
from schemas.adapter import BASE
from schemas.fhir.resource import read
from schemas.ids import INSTITUTION, KAIGO_OFFICE
from schemas.messages import catalogue
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    OFFICE,
    OTHER_HOSPITAL,
    OTHER_OFFICE,
    STATION,
    World,
    a_consent,
    a_patient,
    an_encounter,
    world,
)

ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
IRCP = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]}
PCF = {"profile": ["https://profiles.ihe.net/ITI/PCF/StructureDefinition/IHE.PCF.consent"]}
LEAP = {"tag": [{"system": f"{BASE}/CodeSystem/consent-dialect", "code": "leap"}]}
EVERYBODY = {OTHER_HOSPITAL, OFFICE, OTHER_OFFICE, STATION}


@pytest.fixture(scope="module")
def w(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("door") / "data") as made:
        made.put(HOSPITAL, a_patient())
        made.put(HOSPITAL, an_encounter())
        yield made


def visible(w: World) -> set[str]:
    """Give the organizations whose application reads the stay."""
    with w.hub.store.read() as tx:
        stream = tx.one("SELECT stream FROM resources WHERE type=?", ("Encounter",))[0]
    return {code for code in EVERYBODY if w.get(code, f"/fhir/Encounter/{hub_id(bytes(stream))}").status_code == 200}


def actor(code: str = OFFICE, system: str = KAIGO_OFFICE) -> dict[str, Any]:
    return {"role": IRCP, "reference": {"identifier": {"system": system, "value": code}}}


def policy_rule(code: str) -> dict[str, Any]:
    return {"coding": [{"system": ACT_CODE, "code": code}]}


def told(provision: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Give a consent with another provision (None = none at all) and other elements; an element that is None is left out."""
    tree = a_consent(f"d{abs(hash(str((provision, more)))) % 10**9}") | {"provision": provision} | more
    return {name: value for name, value in tree.items() if value is not None}


def taken(w: World, tree: dict[str, Any]) -> set[str]:
    """Record it, see whom it lets see, and take it back."""
    entry = {"resource": tree, "request": {"method": "PUT", "url": f"Consent/{tree['id']}"}}
    answer = w.bundle(HOSPITAL, [entry])
    assert answer.status_code == 200, answer.text
    found = visible(w)
    assert w.put(HOSPITAL, {**tree, "status": "entered-in-error"}).status_code == 200
    return found


# ── dialects (consent-and-audit facts §2.2) ──────────────────────────────────────────────────────────────────────────

DENY_OFFICE = {"type": "deny", "actor": [actor()]}
SAME: dict[str, tuple[dict[str, Any], set[str]]] = {
    "R4 text, opt-in with an exception": (told({"provision": [DENY_OFFICE]}, policyRule=policy_rule("OPTINR")), EVERYBODY - {OFFICE}),
    "R4 text, opt-out with an exception": (
        told({"provision": [{"type": "permit", "actor": [actor()]}]}, policyRule=policy_rule("OPTOUTE")), {OFFICE},
    ),
    "R4 text, a bare opt-in": (told(None, policyRule=policy_rule("OPTIN")), EVERYBODY),
    "root type": (told({"type": "permit", "provision": [DENY_OFFICE]}), EVERYBODY - {OFFICE}),
    "IHE PCF, whose exception may widen": (
        told({"type": "deny", "provision": [{"type": "permit", "actor": [actor(OTHER_HOSPITAL, INSTITUTION)]}]}, meta=PCF), {OTHER_HOSPITAL},
    ),
    "LEAP, in which what is nested turns round": (told({"type": "permit", "provision": [{"actor": [actor()]}]}, meta=LEAP), EVERYBODY - {OFFICE}),
    "LEAP, whose nested type says the same in words": (told({"type": "permit", "provision": [DENY_OFFICE]}, meta=LEAP), EVERYBODY - {OFFICE}),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_each_dialect_means_what_it_means_there(w: World, name: str) -> None:
    tree, who = SAME[name]
    assert taken(w, tree) == who


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────────

PERMIT = {"type": "permit"}
NESTED = {"type": "permit", "provision": [{"type": "deny", "provision": [{"type": "permit"}]}]}
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "a root without type and without policyRule": (told({"provision": [DENY_OFFICE]}), "HUB-3018", "provision.type"),
    "a root without type and with a policyRule that is unknown": (told({"period": {"start": "2026-01-05"}}, policyRule=policy_rule("MAYBE")), "HUB-3018", "provision.type"),
    "type and policyRule at odds": (told(PERMIT, policyRule=policy_rule("OPTOUT")), "HUB-3017", "policyRule"),
    "an opt-out whose root has conditions": (told({"actor": [actor()]}, policyRule=policy_rule("OPTOUT")), "HUB-3019", "provision"),
    "a modifier at the root": (told(PERMIT, modifierExtension=[{"url": "urn:x", "valueBoolean": True}]), "HUB-3016", "modifierExtension"),
    "a modifier inside": (told({**PERMIT, "modifierExtension": [{"url": "urn:x", "valueBoolean": True}]}), "HUB-3016", "provision.modifierExtension"),
    "implicit rules": (told(PERMIT, implicitRules="urn:x"), "HUB-3016", "implicitRules"),
    "an element of later FHIR": (
        told(PERMIT, extension=[{"url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-Consent.provision.expression", "valueString": "x"}]),
        "HUB-3004", "extension[0]",
    ),
    "an action in a consent that claims PCF": (
        told({**PERMIT, "action": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentaction", "code": "access"}]}]}, meta=PCF),
        "HUB-3005", "provision.action",
    ),
    "a class in a consent that claims PCF": (
        told({**PERMIT, "class": [{"system": "http://hl7.org/fhir/resource-types", "code": "Encounter"}]}, meta=PCF), "HUB-3005", "provision.class",
    ),
    "a code in a consent that claims PCF": (told({**PERMIT, "code": [{"coding": [{"system": "urn:x", "code": "y"}]}]}, meta=PCF), "HUB-3005", "provision.code"),
    "verification in a consent that claims PCF": (told(PERMIT, meta=PCF, verification=[{"verified": True}]), "HUB-3005", "verification"),
    "two nested levels under PCF": (told(NESTED, meta=PCF), "HUB-3006", "provision.provision[0].provision[0]"),
    "two nested levels under LEAP": (told(NESTED, meta=LEAP), "HUB-3006", "provision.provision[0].provision[0]"),
    "a nested type that LEAP would turn round": (told({"type": "permit", "provision": [PERMIT]}, meta=LEAP), "HUB-3007", "provision.provision[0].type"),
    "an exception without a type": (told({"type": "permit", "provision": [{"actor": [actor()]}]}), "HUB-3008", "provision.provision[0].type"),
    "a purpose that no table knows": (told({**PERMIT, "purpose": [{"system": "urn:x", "code": "TREAT"}]}), "HUB-3009", "provision.purpose[0]"),
    "two levels of confidentiality": (
        told({**PERMIT, "securityLabel": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": c} for c in "NR"]}),
        "HUB-3010", "provision.securityLabel",
    ),
    "an actor known by name alone": (
        told({**PERMIT, "actor": [{"role": IRCP, "reference": {"display": "あおば居宅"}}]}), "HUB-3013", "provision.actor[0].reference",
    ),
    "a code whose check digit is wrong": (
        told({**PERMIT, "actor": [actor("1370000019")]}), "HUB-3014", "provision.actor[0].reference.identifier.value",
    ),
    "no day of signing": (told(PERMIT, dateTime=None), "HUB-3020", "dateTime"),
    "a month of signing": (told(PERMIT, dateTime="2026-01"), "HUB-3021", "dateTime"),
    "signed tomorrow": (told(PERMIT, dateTime="2026-11-25"), "HUB-3022", "dateTime"),
    "nobody who consents": (told(PERMIT, performer=None), "HUB-3025", "performer"),
    "two organizations": (told(PERMIT, organization=a_consent()["organization"] * 2), "HUB-3028", "organization"),
    "a source alone": (
        told(None, sourceAttachment={"contentType": "application/pdf", "data": "JVBERi0="}), "HUB-3018", "provision.type",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_names_entry_field_rule_and_next_step_in_both_languages(w: World, name: str) -> None:
    tree, rule, where = REFUSED[name]
    before = {"resource": an_encounter("e2"), "request": {"method": "PUT", "url": "Encounter/e2"}}
    answer = w.bundle(HOSPITAL, [before, {"resource": tree, "request": {"method": "PUT", "url": f"Consent/{tree['id']}"}}])
    assert answer.status_code in {400, 422}, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    (issue,) = answer.json()["issue"]
    message = catalogue()[rule]
    assert issue["details"]["coding"] == [{"system": "urn:tsunagu:rule", "code": rule}]
    assert issue["expression"] == [f"Bundle.entry[1].resource.{where}"]
    assert message.next_ja.partition("{")[0] in issue["details"]["text"]
    assert message.next_en.partition("{")[0] in issue["diagnostics"]
    assert visible(w) == set()
    assert w.get(HOSPITAL, "/fhir/Encounter/e2").status_code == 404  # the whole transaction was refused


# ── hostile (consent-and-audit facts §6.4) ───────────────────────────────────────────────────────────────────────────


def test_an_organization_writes_no_consent_about_another_custodians_patient(w: World) -> None:
    """37: by the hub's id, by its own id for it, and as the office's application of somebody else; the office alone may."""
    with w.hub.store.read() as tx:
        patient = f"Patient/{hub_id(bytes(tx.one('SELECT stream FROM resources WHERE type=?', ('Patient',))[0]))}"
    for by in (OTHER_HOSPITAL, OFFICE):
        answer = w.put(by, a_consent("foreign", patient=patient))
        assert answer.status_code == 404
        assert "HUB-4078" in answer.text
    assert visible(w) == set()
    own = a_consent("k1")
    assert w.put(HOSPITAL, own).status_code in {200, 201}
    assert visible(w) == EVERYBODY
    with w.hub.store.read() as tx:
        consent = hub_id(bytes(tx.one("SELECT consent FROM directives WHERE until IS NULL ORDER BY since DESC LIMIT 1")[0]))
    for by in (OFFICE, NETWORK):
        assert w.put(by, {**a_consent(consent, patient=patient), "status": "inactive"}).status_code == 404
    assert visible(w) == EVERYBODY
    w.put(HOSPITAL, {**own, "status": "entered-in-error"})


def test_somebody_elses_word_without_proof_of_power_is_refused_and_unproved_power_opens_nothing(w: World) -> None:
    """40: an application on behalf of the patient."""
    helper = [{"reference": "Practitioner/x", "display": "窓口の係"}]
    answer = w.put(HOSPITAL, told(PERMIT, performer=helper))
    assert answer.status_code in {400, 422}
    assert "HUB-3027" in answer.text

    def by_power(**parts: Any) -> dict[str, Any]:
        extension = [{"url": "kind", "valueCode": "agent"}, *({"url": k, **v} for k, v in parts.items())]
        form = a_consent()["extension"]
        return told(
            PERMIT, performer=helper, extension=[*form, {"url": f"{BASE}/StructureDefinition/consent-proxy", "extension": extension}]
        )

    assert taken(w, by_power()) == set()
    assert taken(w, by_power(verified={"valueBoolean": False})) == set()
    assert taken(w, by_power(verified={"valueBoolean": True}, until={"valueDate": "2026-11-23"})) == set()
    assert taken(w, by_power(verified={"valueBoolean": True}, until={"valueDate": "2026-11-24"})) == EVERYBODY


def test_an_old_consent_that_comes_again_resurrects_nothing(w: World) -> None:
    """41: the very message once more, by id, by condition, and as the version that was; what was withdrawn stays withdrawn."""
    tree = a_consent("again") | {"identifier": [{"system": "urn:example:consent", "value": "again"}]}
    first = w.put(HOSPITAL, tree)
    assert first.status_code == 201
    withdrawn = w.put(HOSPITAL, {**tree, "status": "inactive"})
    assert (withdrawn.status_code, visible(w)) == (200, set())
    stale = w.ask(
        "PUT", "/fhir/Consent/again", by=HOSPITAL, json=tree, headers={"Content-Type": "application/fhir+json", "If-Match": 'W/"1"'}
    )
    assert stale.status_code == 412
    entry = {"resource": tree, "request": {"method": "POST", "url": "Consent", "ifNoneExist": "identifier=urn:example:consent|again"}}
    created = w.bundle(HOSPITAL, [entry])
    assert created.json()["entry"][0]["response"]["status"].startswith("200")
    assert visible(w) == set()


def test_a_message_that_is_sent_again_under_its_number_says_nothing_new(w: World) -> None:
    """41, by Kafka and by files: the same submission is taken once."""

    asking = Asking(Requester(HOSPITAL, "hospital", "system"), "TREAT", "r", "write")

    def send(tree: dict[str, Any], name: bytes) -> bool:
        write = Write(0, "PUT", f"Consent/{tree['id']}", read(orjson.dumps(tree), keep=kept))
        return w.hub.submit(Submit(asking, (write,), submission=name)).repeat

    tree = {**a_consent("numbered"), "dateTime": "2026-01-06"}
    assert send(tree, b"m" * 16) is False
    assert visible(w) == EVERYBODY
    assert send({**tree, "status": "inactive"}, b"n" * 16) is False
    assert visible(w) == set()
    assert send(tree, b"m" * 16) is True
    assert visible(w) == set()
