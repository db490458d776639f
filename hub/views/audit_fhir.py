"""A recorded decision as FHIR R4 AuditEvent, after the patterns of IHE BALP 1.1; pure.

One decision is one request about one person, so one AuditEvent carries what BALP spreads over several: the access (PatientRead,
PatientQuery, Disclosure source …), the consent decision (AuthZ-Consent) and every resource that was reached. BALP's profiles allow one
resource each, so `meta.profile` claims none of them.

A person stands here by pseudonym, a user by registered id, an organization by number: no name, no clinical value, no text that
somebody typed. What was typed for an emergency disclosure is in the log and on the officer's page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from consent.words import reason_words
from hub.views.ages import JST
from hub.views.audit import broke_glass, gives
from hub.views.audit_tables import Row, keyed
from hub.views.shapes import Decided, Seen
from hub.views.summary_fhir import narrative
from schemas.adapter import BASE
from schemas.fhir.schema import resource_types

DCM = "http://dicom.nema.org/resources/ontology/DCM"
HL7 = "http://terminology.hl7.org/CodeSystem"
REASON = f"{HL7}/v3-ActReason"
BALP = "https://profiles.ihe.net/ITI/BALP/CodeSystem"
ORGANIZATION = f"{BASE}/sid/organization"
"""Numbers of organizations that are neither medical institutions nor care offices, as the network registers them."""
USER, HUB, PSEUDONYM, REFERENCE, REQUEST, MESSAGE = (
    f"{BASE}/sid/{name}" for name in ("user", "hub", "pseudonym", "decision", "request", "message")
)
_GIVEN, _NOT_GIVEN = "0", "4"
"""R4 audit-event-outcome: success; minor failure, which is how IHE BALP records a refusal."""


def to_audit_event(decided: Decided, *, base: str, source: str) -> dict[str, Any]:
    """Make the AuditEvent. `base` is the hub's FHIR address, `source` the hub's own registered name.

    The id is the decision's reference, which is random and already of the characters that an id may have. Entities stand in this order:
    the person, the decision, the resources, the consents, the request.
    """
    given = decided.effect != "deny"
    row = keyed("events", "action", "given")[decided.action, "yes" if given else "no"]
    return {
        "resourceType": "AuditEvent",
        "id": decided.reference,
        "language": "ja",
        "text": narrative(_sentences(decided)),
        "type": {"system": row["type_system"], "code": row["type"], "display": row["type_display"]},
        "subtype": [
            {"system": row["subtype_system"], "code": row["subtype"]},
            {"system": f"{BALP}/AuthZsubType", "code": "AuthZ-Consent"},
        ],
        "action": _action(decided, row),
        "recorded": decided.at.astimezone(JST).isoformat(timespec="milliseconds"),
        "outcome": _GIVEN if given else _NOT_GIVEN,
        "outcomeDesc": f"{decided.reason} {reason_words(decided.reason)[1]}",
        **_for("purposeOfEvent", decided),
        "agent": _agents(decided, row, source),
        "source": {
            "observer": _identified(HUB, source, "Device"),
            "type": [{"system": f"{HL7}/security-source-type", "code": "4", "display": "Application Server"}],
        },
        "entity": _entities(decided, base.rstrip("/")),
    }


def to_searchset(
    decided: Sequence[Decided], *, base: str, source: str, total: int | None = None, self_link: str = "", next_link: str = ""
) -> dict[str, Any]:
    """Make the answer to a search of AuditEvent: these decisions in their order. Links are absolute and given from outside."""
    root = base.rstrip("/")
    links = [{"relation": name, "url": url} for name, url in (("self", self_link), ("next", next_link)) if url]
    entries = [
        {
            "fullUrl": f"{root}/AuditEvent/{one.reference}",
            "resource": to_audit_event(one, base=base, source=source),
            "search": {"mode": "match"},
        }
        for one in decided
    ]
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        **({"total": total} if total is not None else {}),
        **({"link": links} if links else {}),
        **({"entry": entries} if entries else {}),
    }


def _sentences(one: Decided) -> tuple[str, ...]:
    """Say the event in short, from codes alone."""
    at = f"{one.at.astimezone(JST):%Y-%m-%d %H:%M:%S}"
    return f"{at}　{one.action}　{one.organization}　{one.pseudonym}", f"{one.effect}　{one.reason}　{one.basis}"


def _action(one: Decided, row: Row) -> str:
    """Give C R U D E. What was written is an update when none of it is a first version."""
    updated = row["fhir_action"] == "C" and one.seen and all(seen.version > 1 for seen in one.seen)
    return "U" if updated else row["fhir_action"]


def _for(element: str, one: Decided) -> dict[str, Any]:
    """Give the purpose asked for, and BTG (break the glass) beside it when glass was broken; nothing when none was named."""
    codes = dict.fromkeys(code for code in (one.purpose, "BTG" if broke_glass(one) else "") if code)
    return {element: [{"coding": [{"system": REASON, "code": code}]} for code in codes]} if codes else {}


# ── agents ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _agents(one: Decided, row: Row, source: str) -> list[dict[str, Any]]:
    """Give who asked (a user of an organization, or its application), and the hub that answered."""
    kinds = keyed("kinds", "kind")
    system = kinds[one.kind,]["system"] if (one.kind,) in kinds else ORGANIZATION
    organization = _identified(system, one.organization, "Organization")
    role = {"role": [{"coding": [{"system": f"{BASE}/CodeSystem/role", "code": one.role}]}]}
    policy = {"policy": [f"{BASE}/policy/basis/{one.basis}"]} if one.basis else {}
    hub = {"type": _dcm(row["server_role"]), "who": _identified(HUB, source, "Device"), "requestor": False}
    if not one.user:
        return [
            {"type": _dcm(row["client_role"]), **role, "who": organization, "requestor": True, **policy, **_for("purposeOfUse", one)},
            hub,
        ]
    user = {
        "type": {"coding": [{"system": f"{HL7}/v3-ParticipationType", "code": row["user_role"]}]},
        **role,
        "who": _identified(USER, one.user, "Practitioner"),
        "requestor": True,
        **policy,
        **_for("purposeOfUse", one),
    }
    return [user, {"type": {"coding": [{"system": f"{HL7}/v3-RoleClass", "code": "PROV"}]}, "who": organization, "requestor": False}, hub]


def _dcm(code: str) -> dict[str, Any]:
    return {"coding": [{"system": DCM, "code": code}]}


def _identified(system: str, value: str, kind: str) -> dict[str, Any]:
    """Refer to somebody by number alone; who did not sign in has none."""
    return {"type": kind, **({"identifier": {"system": system, "value": value}} if value else {"display": "unknown"})}


# ── entities ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _entities(one: Decided, base: str) -> list[dict[str, Any]]:
    person = {"what": _identified(PSEUDONYM, one.pseudonym, "Patient"), "type": _kind("1", "Person"), "role": _role("1", "Patient")}
    return [
        *([person] if one.pseudonym else []),
        _decision(one),
        *(_resource(seen, base) for seen in one.seen),
        *(_consent(consent, version, effect, base) for consent, version, effect in one.consents),
        *([_request(one.request)] if one.request else []),
    ]


def _decision(one: Decided) -> dict[str, Any]:
    """Give the decision itself: by its reference, with all that led to it."""
    closes = one.closes.astimezone(JST).isoformat(timespec="seconds") if one.closes else ""
    details = [
        ("effect", one.effect), ("reason", one.reason), ("basis", one.basis), ("break-glass", "true" if broke_glass(one) else ""),
        ("closes", closes), ("review", one.review),
        ("as-of", one.asof.astimezone(JST).isoformat(timespec="milliseconds") if one.asof else ""), *(("obligation", code) for code in one.obligations), *(("step", step) for step in one.trail),
    ]  # fmt: skip
    what = {"identifier": {"system": REFERENCE, "value": one.reference}}
    return {"what": what, "type": _kind("2", "System Object"), "role": _role("13", "Security Resource"), "detail": _details(details)}


def _resource(seen: Seen, base: str) -> dict[str, Any]:
    """Give what was reached. A message that has not become resources is no FHIR type: it stands by its number, its layout as a detail."""
    details = [("effect", seen.effect), ("reason", seen.reason), ("basis", seen.basis), *(("mask", mask) for mask in seen.masks)]
    left = [] if gives(seen) else [("given", "false")]
    what: dict[str, Any]
    if seen.type in resource_types():
        version = f"/_history/{seen.version}" if seen.version else ""
        what = {"reference": f"{base}/{seen.type}/{seen.id}{version}", "type": seen.type}
    else:
        what, details = {"identifier": {"system": MESSAGE, "value": seen.id}}, [("layout", seen.type), *details]
    return {
        "what": what,
        "type": _kind("2", "System Object"),
        "role": _role("4", "Domain Resource"),
        "detail": _details([*details, *left]),
    }


def _consent(consent: str, version: int, effect: str, base: str) -> dict[str, Any]:
    return {
        "what": {"reference": f"{base}/Consent/{consent.removeprefix('Consent/')}/_history/{version}", "type": "Consent"},
        "type": {"system": "http://hl7.org/fhir/resource-types", "code": "Consent", "display": "Consent"},
        "detail": _details([("effect", effect)]),
    }


def _request(request: str) -> dict[str, Any]:
    return {
        "what": {"identifier": {"system": REQUEST, "value": request}},
        "type": {"system": f"{BALP}/BasicAuditEntityType", "code": "XrequestId"},
    }


def _kind(code: str, display: str) -> dict[str, str]:
    return {"system": f"{HL7}/audit-entity-type", "code": code, "display": display}


def _role(code: str, display: str) -> dict[str, str]:
    return {"system": f"{HL7}/object-role", "code": code, "display": display}


def _details(pairs: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"type": name, "valueString": value} for name, value in pairs if value]
