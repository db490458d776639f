"""FHIR elements that every resource of a station uses: codes, References, times, numbers as they were written."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

from adapters.wire.csv_layout import instant, read_codes
from adapters.wire.elements import Body, coding, concept, filled
from schemas.adapter import BASE
from schemas.ids import INSTITUTION

PACKAGE = "adapters.visiting_nurse"
JP = "http://jpfhir.jp/fhir/core"
PROFILE = f"{JP}/StructureDefinition/"
TERMS = "http://terminology.hl7.org/CodeSystem/"
UCUM = "http://unitsofmeasure.org"
OBSERVATION = f"{BASE}/CodeSystem/vn-observation"
"""The keys of the visit files as codes of our own."""


def system(name: str) -> str:
    """Give the code system of one of the lists of codes.csv: `staff_role` → …/CodeSystem/vn-staff-role."""
    return f"{BASE}/CodeSystem/vn-{name.replace('_', '-')}"


def coded(name: str, code: str) -> Body:
    """Say a code of codes.csv with its words; a code that the list does not have stands for itself, an empty one for nothing."""
    if not code:
        return {}
    shown = read_codes(PACKAGE, "data/codes.csv")[name].get(code, "")
    return concept(coding(system(name), code, shown), text=shown)


def station(code: str) -> Body:
    """Point to the station by its ten-character code, which is also its 医療機関コード (care-manager facts §4.1)."""
    return {"type": "Organization", "identifier": {"system": INSTITUTION, "value": code}}


def extension(name: str, kind: str, value: Any) -> Body:
    """Make an extension of our own: `extension("vn-insurance", "Coding", …)`."""
    return {"url": f"{BASE}/StructureDefinition/{name}", f"value{kind}": value}


def fhir_time(text: str) -> str:
    """Write a time as FHIR wants it: with seconds and zone; one that was given without a zone is Japanese time."""
    return instant(text).isoformat()


def number(text: str) -> Any:
    """Give a JSON number that is written out as it came: 37.9, 36.50 and 118 keep their digits.

    A float would drop the zero of 36.50; such a number goes out as a piece of JSON. `text` has fitted a number's column.
    """
    if "." not in text:
        return int(text)
    return float(text) if repr(float(text)) == text else _verbatim(text)


@lru_cache(maxsize=65_536)
def _verbatim(text: str) -> orjson.Fragment:
    return orjson.Fragment(text)


def quantity(text: str, unit: str, shown: str) -> Body:
    """Make a Quantity in a UCUM unit, with the unit's words."""
    return filled({"value": number(text), "unit": shown or unit, "system": UCUM, "code": unit})
