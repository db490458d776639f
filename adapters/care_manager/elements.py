"""FHIR elements that every resource of a care plan uses: codes, References to offices and the person, dates."""

from __future__ import annotations

import re
from typing import Any

from adapters.wire.csv_layout import read_codes
from adapters.wire.elements import Body, coding, concept, filled
from schemas.adapter import BASE
from schemas.ids import KAIGO_INSURER, KAIGO_OFFICE

PACKAGE = "adapters.care_manager"
PROFILE = "http://jpfhir.jp/fhir/core/StructureDefinition/"
CATEGORY = "http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS"


def system(name: str) -> str:
    """Give the code system of a list of codes.csv: `care_level` → …/CodeSystem/kaigo-care-level (care-manager facts §4.3)."""
    return f"{BASE}/CodeSystem/kaigo-{name.replace('_', '-')}"


def words(name: str, code: str) -> str:
    """Say a code of codes.csv; empty when the list does not have it."""
    return read_codes(PACKAGE, "data/codes.csv")[name].get(code, "")


def coded(name: str, code: str, text: str = "") -> Body:
    """Make the CodeableConcept of a code of codes.csv; nothing of an empty code."""
    return concept(coding(system(name), code, words(name, code)), text=text or words(name, code)) if code else {}


def extension(name: str, kind: str, value: Any) -> Body:
    """Make an extension of our own: `extension("firstPlanDate", "Date", …)`."""
    return {"url": f"{BASE}/StructureDefinition/{name}", f"value{kind}": value}


def insurer(number: str) -> Body:
    """Point to an insurer (保険者)."""
    return {"type": "Organization", "identifier": {"system": KAIGO_INSURER, "value": number}}


def office(number: str, display: str = "") -> Body:
    """Point to an office by its number (事業所番号), or by its name where the file has no number; nothing without either."""
    known = {"identifier": {"system": KAIGO_OFFICE, "value": number}} if number else {}
    return filled({"type": "Organization", **known, "display": display}) if number or display else {}


def day(text: str) -> str:
    """Write `20250919` as `2025-09-19`; an empty cell and the standard's zeros stay empty."""
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if text.strip("0") else ""


def one_line(text: str) -> str:
    """Join the words of a text that the sender may have broken into lines: a name, not a sentence."""
    return re.sub(r"\s+", " ", text).strip()
