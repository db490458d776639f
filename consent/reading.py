"""A FHIR R4 Consent → its canonical form, or a refusal: raw FHIR is never judged.

Three dialects of nesting contradict each other (consent-and-audit facts §2.2): R4 text (base from policyRule, no type at the root), root
type (IHE PCF and most servers), LEAP (nested types turn round). Each is brought into one form here; what is ambiguous is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from consent.extensions import Grantor, Told
from consent.provisions import Dialect, office, root_rule
from consent.rules import CONFIRMATION, NOTHING, RESERVATION, Directive, Effect, Rule
from consent.tables import meanings
from consent.times import span
from schemas.adapter import BASE
from schemas.errors import BadInput, BadValue, BrokenRule, MissingValue, UnknownCode, Unsupported

NETWORK = f"{BASE}/sid/network"
"""Identifier system of a network: in `organization` it says that the consent speaks for all members."""
LEAP = f"{BASE}/CodeSystem/consent-dialect|leap"
"""Tag by which a sender says that its nested provisions turn round whatever their type says."""
PCF_PROFILE = "https://profiles.ihe.net/ITI/PCF/StructureDefinition/IHE.PCF.consent"
CLOCK_SKEW = timedelta(minutes=5)
_OVER = frozenset({"inactive", "rejected", "entered-in-error"})

Body = Mapping[str, Any]


def normalise(body: Body, *, consent: str, version: int, patient: str, custodian: str, now: datetime) -> Directive:
    """Give the canonical form of a Consent that has passed the FHIR checks.

    `consent` and `patient` are hub-wide references, `custodian` the code of the organization that records it, `now` the time of recording.
    A consent that is over (withdrawn, rejected, entered in error) is always taken, so that no formality can delay a withdrawal. Raises a
    leaf of BadInput naming the place for all that this edition cannot read.
    """
    status = str(body["status"])
    try:
        if not _is_about_sharing(body):
            return Directive(consent, version, patient, custodian, custodian, "", status, now.astimezone(UTC), NOTHING, speaks=False)
        return _read(body, consent=consent, version=version, patient=patient, custodian=custodian, now=now)
    except BadInput:
        if status not in _OVER:
            raise
        return Directive(
            consent, version, patient, custodian, _controller_if_plain(body, custodian), "", status, now.astimezone(UTC), NOTHING
        )


def _read(body: Body, *, consent: str, version: int, patient: str, custodian: str, now: datetime) -> Directive:
    _refuse_modifiers(body)
    dialect = _dialect(body)
    at = _signed(body, now)
    told = Told.of(body)
    provision = body.get("provision", {})
    effect = _effect(body, provision, dialect)
    root = root_rule(provision, effect, dialect)
    hub_refused = told.refuses_hub(root)
    grantor = told.grantor(body)
    policy = _policy(body)
    if RESERVATION in policy.split():
        _reservation(policy, root, told)
    confirmed_by = told.confirmed_by()
    if confirmed_by or CONFIRMATION in policy.split():
        _confirmation(policy, root, told, grantor)
    return Directive(
        consent=consent,
        version=version,
        patient=patient,
        custodian=custodian,
        controller=_controller(body, custodian),
        policy_uri=policy,
        status=str(body["status"]),
        at=at,
        root=root,
        dialect=dialect,
        form=told.form(body),
        proxy=grantor.kind,
        proxy_verified=grantor.verified,
        proxy_until=grantor.until,
        family=told.family(),
        emergency=told.emergency(),
        hub_refused=hub_refused,
        confirmed_by=confirmed_by,
    )


def _reservation(policy: str, root: Rule, told: Told) -> None:
    """Check a reservation: an objection to recipients and purposes, for a period, and nothing beside."""
    plain = Rule("deny", root.begins, root.ends, recipients=root.recipients, purposes=root.purposes)
    if policy != RESERVATION or root != plain or told.says_more():
        raise BrokenRule("HUB-3029", where="Consent.policy" if policy != RESERVATION else "Consent.provision")


def _confirmation(policy: str, root: Rule, told: Told, grantor: Grantor) -> None:
    """Check a receiver's confirmation: of the person, by somebody, and nothing beside."""
    plain = Rule("permit", root.begins, root.ends, confidentiality="N", bound="at-most")
    if policy != CONFIRMATION or root != plain or told.says_more() or grantor.kind:
        raise BrokenRule("HUB-3030", where="Consent.policy" if policy != CONFIRMATION else "Consent.provision")
    if not told.confirmed_by():
        raise MissingValue("HUB-3031", where="Consent.extension")


def _is_about_sharing(body: Body) -> bool:
    """Say whether the scope is patient-privacy; raise UnknownCode for a scope that might be."""
    known = [meanings("scope").get(f"{c.get('system', '')}|{c.get('code', '')}", "") for c in body["scope"].get("coding", ())]
    if "sharing" in known:
        return True
    if "other" in known:
        return False
    raise UnknownCode("HUB-3009", where="Consent.scope", set="scope")


def _refuse_modifiers(body: Body) -> None:
    for where in _modifiers(body, "Consent"):
        raise Unsupported("HUB-3016", where=where)


def _modifiers(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _modifiers(inner, f"{where}[{i}]")
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name in {"modifierExtension", "implicitRules"}:
                yield f"{where}.{name}"
            yield from _modifiers(inner, f"{where}.{name}")


def _dialect(body: Body) -> Dialect:
    meta = body.get("meta", {})
    if PCF_PROFILE in "|".join(meta.get("profile", ())):
        if "verification" in body:
            raise Unsupported("HUB-3005", where="Consent.verification")
        return "pcf"
    if any(f"{t.get('system', '')}|{t.get('code', '')}" == LEAP for t in meta.get("tag", ())):
        return "leap"
    return "root-type" if "type" in body.get("provision", {}) else "r4"


def _effect(body: Body, provision: Body, dialect: Dialect) -> Effect:
    """Give the base decision. Type and policyRule must not contradict each other."""
    written = provision.get("type")
    codings = body.get("policyRule", {}).get("coding", ())
    bases = {m for c in codings if (m := meanings("policy").get(f"{c.get('system', '')}|{c.get('code', '')}"))}
    if written is not None:
        if bases - {written}:
            raise BrokenRule("HUB-3017", where="Consent.policyRule")
        return cast("Effect", written)
    if dialect != "r4" or len(bases) != 1:
        raise MissingValue("HUB-3018", where="Consent.provision.type")
    base = bases.pop()
    if base == "deny" and set(provision) - {"period", "provision", "id"}:
        # R4 says of the root both that it limits the base and that it is an exception to it: for an opt-out the two are opposites.
        raise BrokenRule("HUB-3019", where="Consent.provision")
    return cast("Effect", base)


def _signed(body: Body, now: datetime) -> datetime:
    text = body.get("dateTime")
    if text is None:
        raise MissingValue("HUB-3020", where="Consent.dateTime")
    if len(text) < len("2026-01-05"):
        raise BadValue("HUB-3021", where="Consent.dateTime")
    at, _ = span(text, "Consent.dateTime")
    if at > now + CLOCK_SKEW:
        raise BrokenRule("HUB-3022", where="Consent.dateTime")
    return at


def _controller(body: Body, custodian: str) -> str:
    """Say for whom the consent speaks: the one organization named, else who records it."""
    organizations = body.get("organization", ())
    if len(organizations) > 1:
        raise Unsupported("HUB-3028", where="Consent.organization")
    for organization in organizations:
        identifier = organization.get("identifier", {})
        if identifier.get("system") == NETWORK and identifier.get("value"):
            return str(identifier["value"])
        code = office(organization, "Consent.organization[0]")
        if code:
            return code
        raise Unsupported("HUB-3013", where="Consent.organization[0]")
    return custodian


def _controller_if_plain(body: Body, custodian: str) -> str:
    try:
        return _controller(body, custodian)
    except BadInput:
        return custodian


def _policy(body: Body) -> str:
    """Give the policy under which it stands; consents of one policy replace each other."""
    return " ".join(sorted(p["uri"] for p in body.get("policy", ()) if "uri" in p))
