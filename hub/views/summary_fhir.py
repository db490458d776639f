"""The summary of a person as a FHIR R4 document (`$summary`): IPS 2.0.1 sections and Japanese ones, in the order of the 急変時 page.

Entries are the very resources that were given, under the ids that the asker sees; made here are only the Composition, the Device that
assembled it, the ClinicalImpression that carries ADL Observations (IPS allows none in that section), and a Patient where none was given.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from hub.views.ages import JST
from hub.views.emergency_read import Shelf, reference, shelve, text
from hub.views.emergency_sections import Content, contents
from hub.views.emergency_shapes import EmergencyPage
from hub.views.emergency_tables import Row, rows
from hub.views.shapes import Known
from schemas.adapter import BASE

TYPE = "60591-5"
"""LOINC Patient summary Document (IPS 2.0.1 Composition.type)."""
_EMPTY = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_CARRIED = frozenset(
    {"Patient", "Practitioner", "PractitionerRole", "Organization", "Medication", "Device", "RelatedPerson", "Location", "Specimen"}
)
"""What entries point to and the reader needs with them; Encounters and plans come only where a section shows them."""
_XML = dict.fromkeys([*(c for c in range(32) if c not in {9, 10, 13}), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)])
"""Characters that XML 1.0 forbids."""


def to_document(page_known: Sequence[Known], page: EmergencyPage, base: str, now: datetime) -> dict[str, Any]:
    """Make the document Bundle. `base` is the hub's FHIR address; ids of what is made here follow from base, person and `now`."""
    shelf = shelve(page_known, now, {})
    made = uuid5(NAMESPACE_URL, f"{base}/summary/{page.person}/{now.astimezone(JST).isoformat()}")
    patients = shelf.of("Patient")
    subject = reference(patients[0]) if patients else f"Patient/{uuid5(made, 'Patient')}"
    device = _generated("Device", made, "つなぐ（地域連携のハブ）") | {"deviceName": [{"name": "つなぐ", "type": "user-friendly-name"}]}
    found = contents(shelf, page)
    impression = _impression(found.get("functional"), subject, made, now)
    sections = [_section(row, found[row["key"]], impression) for row in rows("ips_sections") if row["key"] in found]
    composition = _composition(page, subject, made, now)
    composition["author"] = [{"reference": f"Device/{device['id']}", "display": "つなぐ"}]
    composition["section"] = sections
    pointed = {*_references(sections), *_references(impression), subject}
    resources = [composition, *([] if patients else [_unknown_patient(page, made)]), device, *([impression] if impression else [])]
    resources += [_given(one) for one in _carried(shelf, [one for one in shelf.known if reference(one) in pointed])]
    unique: dict[str, dict[str, Any]] = {}
    for one in resources:
        unique.setdefault(f"{one['resourceType']}/{one['id']}", one)
    return {
        "resourceType": "Bundle",
        "id": str(made),
        "language": "ja",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{made}"},
        "type": "document",
        "timestamp": now.astimezone(JST).isoformat(timespec="milliseconds"),
        "entry": [{"fullUrl": f"{base.rstrip('/')}/{name}", "resource": one} for name, one in unique.items()],
    }


def _composition(page: EmergencyPage, subject: str, made: UUID, now: datetime) -> dict[str, Any]:
    head = [f"{page.name}　{page.birth}　{page.sex}", *([page.deceased] if page.deceased else []), page.fresh]
    return {
        **_generated("Composition", made, *(part for part in head if part)),
        "language": "ja",
        "status": "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": TYPE}], "text": "患者サマリー"},
        "subject": {"reference": subject},
        "date": now.astimezone(JST).isoformat(timespec="seconds"),
        "title": f"急変時の要約（{now.astimezone(JST):%Y-%m-%d %H:%M} 現在）",
    }


def _generated(kind: str, made: UUID, *sentences: str) -> dict[str, Any]:
    return {"resourceType": kind, "id": str(uuid5(made, kind)), "text": narrative(sentences)}


def _unknown_patient(page: EmergencyPage, made: UUID) -> dict[str, Any]:
    """Make a Patient for a document of which no Patient was given: what is unknown is said to be so."""
    absent = {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}
    return _generated("Patient", made, page.name) | {"name": [{"text": page.name}], "_birthDate": absent}


def _impression(content: Content | None, subject: str, made: UUID, now: datetime) -> dict[str, Any] | None:
    """Put the Observations of the usual self behind one ClinicalImpression, the only form that the section takes (IPS 2.0.1)."""
    observations = [one for one in content.entries if one.type == "Observation"] if content else []
    if content is None or not observations:
        return None
    return {
        **_generated("ClinicalImpression", made, *content.sentences),
        "status": "completed",
        "subject": {"reference": subject},
        "date": now.astimezone(JST).isoformat(timespec="seconds"),
        "summary": "\n".join(clean(one) for one in content.sentences),
        "investigation": [{"code": {"text": "ふだんの様子"}, "item": [{"reference": reference(one)} for one in observations]}],
    }


def _section(row: Row, content: Content, impression: Mapping[str, Any] | None) -> dict[str, Any]:
    system = f"{BASE}/CodeSystem/summary-section" if row["system"] == "local" else row["system"]
    allowed = row["types"].split("|")
    entries = [reference(one) for one in content.entries if allowed == ["*"] or one.type in allowed]
    if row["key"] == "functional" and impression is not None:
        entries = [f"ClinicalImpression/{impression['id']}"]
    made: dict[str, Any] = {
        "title": row["title"],
        "code": {"coding": [{"system": system, "code": row["code"]}], "text": row["title"]},
        "text": narrative(content.sentences),
    }
    if entries:
        made["entry"] = [{"reference": one} for one in dict.fromkeys(entries)]
    elif content.empty or row["required"]:
        made["emptyReason"] = {"coding": [{"system": _EMPTY, "code": content.empty or "unavailable"}]}
    return made


def _carried(shelf: Shelf, entries: Sequence[Known]) -> list[Known]:
    """Add to the entries what they point to: who wrote, which organization, which drug, which device; each once."""
    found = {reference(one): one for one in entries}
    waiting = list(found.values())
    while waiting:
        one = waiting.pop()
        for target in _references(one.body):
            other = shelf.find(target, one)
            if other is not None and other.type in _CARRIED and reference(other) not in found and not target.startswith("#"):
                found[reference(other)] = other
                waiting.append(other)
    return list(found.values())


def _references(value: Any) -> list[str]:
    found: list[str] = []
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if isinstance(here, Mapping):
            target = text(here, "reference")
            found += [target] if target else []
            waiting += here.values()
        elif isinstance(here, list):
            waiting += here
    return found


def _given(one: Known) -> dict[str, Any]:
    kept = {name: value for name, value in one.body.items() if name not in {"resourceType", "id"}}
    return {"resourceType": one.type, "id": one.id.rsplit("/", 1)[-1], **kept}


def narrative(sentences: Iterable[str]) -> dict[str, Any]:
    """Write sentences as an XHTML list: escaped, and without characters that XML 1.0 forbids."""
    items = "".join(f"<li>{html.escape(clean(one), quote=True)}</li>" for one in sentences)
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml" lang="ja" xml:lang="ja"><ul>{items}</ul></div>'}


def clean(told: str) -> str:
    """Leave out what XML 1.0 forbids; of nothing at all make a dash."""
    return told.translate(_XML).strip() or "―"
