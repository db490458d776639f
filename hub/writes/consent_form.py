"""A filled-in form → a FHIR R4 Consent as `consent/README.md` describes. Pure: whether it holds is judged where every Consent is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from consent.reading import NETWORK
from consent.rules import PRACTITIONER, RESERVATION
from consent.times import TOKYO, tokyo_day
from hub.views.consent_kinds import form_classes, form_kinds
from schemas.adapter import BASE
from schemas.ids import INSTITUTION, KAIGO_OFFICE

Tree = dict[str, Any]
SHARING, EXCLUSION, EMERGENCY = f"{BASE}/policy/sharing", f"{BASE}/policy/exclusion", f"{BASE}/policy/emergency"
"""Policies: of a consent to share, of organizations that the person shuts out, of emergencies. Consents of one policy replace each other."""
TAKEN_BY = f"{BASE}/StructureDefinition/taken-by"
"""Who took the paper at the desk, by registered id."""
FORMS = ("written", "electronic", "oral")
"""How somebody agreed."""
_HL7 = "http://terminology.hl7.org/CodeSystem"
_MEDICAL = frozenset({"hospital", "clinic", "pharmacy", "dentist"})


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed for the person; `kind` empty = the person."""

    kind: str = ""
    name: str = ""
    verified: bool = False
    """The paper that gives the power was seen."""
    authority: str = ""
    """That paper, in words."""
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One form. `recipients` and `excluded` are codes of organizations, `classes` groups of `data_consents/classes.csv`."""

    kind: str
    signed: date
    form: str
    recipients: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    ceiling: str = "N"
    begins: date | None = None
    ends: date | None = None
    emergency: str = "unasked"
    family: bool = False
    signer: Signer = Signer()


@dataclass(frozen=True, slots=True)
class Desk:
    """Who takes it: organization, user (registered id and name), and the moment."""

    organization: str
    user: str
    name: str
    at: datetime


OfficeOf = Callable[[str], Tree]
"""Code of an organization → a reference to it by identifier."""


def office_reference(code: str, kind: str, name: str) -> Tree:
    """Point to an organization by its registered code, as `consent` reads it."""
    system = INSTITUTION if kind in _MEDICAL else KAIGO_OFFICE
    return {"type": "Organization", "identifier": {"system": system, "value": code}, "display": name}


def consent_tree(
    entry: Entry, desk: Desk, *, patient: str, office: OfficeOf, number: str = "", scan: str = "", power: str = ""
) -> Tree:  # fmt: skip
    """Make the Consent. `patient` = `Patient/id`; `number` = its id, empty for a new one; `scan`, `power` = references to documents."""
    kind = form_kinds()[entry.kind]
    tree: Tree = {"resourceType": "Consent"}
    if number:
        tree["id"] = number
    tree["extension"] = [*_extensions(entry, power), _taken_by(desk)]
    tree |= {
        "status": "active",
        "scope": _concept("consentscope", "patient-privacy"),
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": patient},
        "dateTime": signed_at(entry.signed, desk.at),
        "performer": [{"display": entry.signer.name or "代理の方"} if entry.signer.kind else {"reference": patient}],
        "organization": [office(desk.organization) if kind.own else network()],
        "policy": [{"uri": RESERVATION if entry.kind == "reservation" else SHARING}],
        "provision": _provision(entry, office),
    }
    if scan:
        tree["sourceReference"] = {"reference": scan}
    return tree


def signed_at(signed: date, at: datetime) -> str:
    """Give the time of signing: of today the very moment, so that what was signed later counts later; of another day that day."""
    return at.astimezone(TOKYO).isoformat(timespec="milliseconds") if signed == tokyo_day(at) else signed.isoformat()


def network() -> Tree:
    """Say that a consent speaks for all members."""
    return {"identifier": {"system": NETWORK, "value": "NW"}}


def extension(name: str, **value: Any) -> Tree:
    """Make one of the extensions that `consent` reads."""
    return {"url": f"{BASE}/StructureDefinition/consent-{name}", **value}


def purposes(codes: Sequence[str]) -> list[Tree]:
    """Give codings of purposes."""
    return [{"system": f"{_HL7}/v3-ActReason", "code": code} for code in codes]


def actors(codes: Sequence[str], office: OfficeOf) -> list[Tree]:
    """Give recipients."""
    role = _concept("v3-ParticipationType", "IRCP")
    return [{"role": role, "reference": office(code)} for code in codes]


def proxy(signer: Signer, power: str = "") -> Tree:
    """Say by which power somebody else consents."""
    parts: list[Tree] = [{"url": "kind", "valueCode": signer.kind}, {"url": "verified", "valueBoolean": signer.verified}]
    if signer.until:
        parts.append({"url": "until", "valueDate": signer.until.isoformat()})
    if signer.authority:
        parts.append({"url": "authority", "valueString": signer.authority})
    if power:
        parts.append({"url": "document", "valueReference": {"reference": power}})
    return extension("proxy", extension=parts)


def _taken_by(desk: Desk) -> Tree:
    return {"url": TAKEN_BY, "valueReference": {"identifier": {"system": PRACTITIONER, "value": desk.user}, "display": desk.name}}


def _extensions(entry: Entry, power: str) -> list[Tree]:
    found = [extension("form", valueCode=entry.form)]
    if entry.kind == "hub-refusal":
        found.append(extension("hub-refusal", valueBoolean=True))
    elif entry.kind != "reservation":
        found.append(extension("emergency", valueCode=entry.emergency))
        if entry.family:
            found.append(extension("family", valueBoolean=True))
    if entry.signer.kind:
        found.append(proxy(entry.signer, power))
    return found


def _provision(entry: Entry, office: OfficeOf) -> Tree:
    kind = form_kinds()[entry.kind]
    found: Tree = {"type": kind.effect}
    period = {name: day.isoformat() for name, day in (("start", entry.begins), ("end", entry.ends)) if day}
    if period:
        found["period"] = period
    if kind.recipients and entry.recipients:
        found["actor"] = actors(entry.recipients, office)
    if not kind.more:
        return found
    if entry.purposes:
        found["purpose"] = purposes(entry.purposes)
    found["securityLabel"] = [{"system": f"{_HL7}/v3-Confidentiality", "code": entry.ceiling}]
    if entry.classes:
        types = [one for group in entry.classes for one in form_classes()[group][1]]
        found["class"] = [{"system": "http://hl7.org/fhir/resource-types", "code": one} for one in types]
    if entry.excluded:
        found["provision"] = [{"type": "deny", "actor": actors(entry.excluded, office)}]
    return found


def _concept(system: str, code: str) -> Tree:
    return {"coding": [{"system": f"{_HL7}/{system}", "code": code}]}


def withdrawn(tree: Mapping[str, Any]) -> Tree:
    """Give the next version of a Consent, by which it is withdrawn; what it said stays to be read."""
    return {**{name: value for name, value in tree.items() if name != "meta"}, "status": "inactive"}
