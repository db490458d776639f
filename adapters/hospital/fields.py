"""HL7 data types that every kind of message uses: plain text, CWE → CodeableConcept, XCN → a doctor's Reference, numbers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from adapters.hospital.tables import look
from adapters.wire.hl7v2 import Repetition, Segment
from schemas.adapter import BASE
from schemas.errors import MissingValue

Body = dict[str, Any]
_CODE = re.compile(r"\S+( \S+)*")
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")
_DOCTOR = "urn:oid:1.2.392.100495.20.3.41.1"
"""Arc of a hospital's own doctor numbers; the ten-digit institution code follows (jp-core §0.1)."""


def clean(text: str) -> str:
    """Drop blanks at both ends, full-width ones too; HL7's explicit null `""` says nothing that a resource could hold."""
    found = text.strip()
    return "" if found == '""' else found


def as_code(text: str) -> str:
    """Give a text that has the form of a FHIR code (no blank but single ones inside); empty for any other."""
    found = clean(text)
    return found if _CODE.fullmatch(found) else ""


def filled(body: Body) -> Body:
    """Drop elements that are empty, at the top level only."""
    return {name: value for name, value in body.items() if value not in ("", None, [], {})}


def coding(system: str, code: str) -> Body:
    """Make a Coding."""
    return {"system": system, "code": code}


def concept(system: str, code: str, text: str = "") -> Body:
    """Make a CodeableConcept of one coding."""
    return filled({"coding": [coding(system, code)], "text": text})


def cwe(rep: Repetition, sender: str) -> Body:
    """Map a CWE: each triple with a code and a system becomes a coding, national code systems first; the words stand in `text`.

    Local systems (99xxx) are kept under an address of the sender's own. A code without system is only said (hospital facts §5.1 rows 11, 12).
    """
    triples = [(as_code(rep[at]), clean(rep[at + 1]), clean(rep[at + 2]).upper()) for at in (1, 4)]
    named = [(look("systems", name, "system"), code, name) for code, _, name in triples if code and name]
    national = [coding(system, code) for system, code, _ in named if system]
    local = [coding(local_system(sender, name), code) for system, code, name in named if not system]
    words = [clean(rep[9]), *(shown for _, shown, _ in triples), clean(rep[1]), clean(rep[4])]
    return filled({"coding": national + local, "text": next((word for word in words if word), "")})


def local_system(sender: str, name: str) -> str:
    """Give the system for codes that only this sender knows, by the name it gives them (`99XYZ`)."""
    return f"{BASE}/CodeSystem/local/{quote(sender, safe='')}/{quote(name, safe='')}"


def coded(segment: Segment, field: int, sender: str) -> Body:
    """Map the first repetition of a CWE field that says anything; empty when none does."""
    return next((found for rep in segment.each(field) if (found := cwe(rep, sender))), {})


def needed(segment: Segment, field: int, sender: str) -> Body:
    """Map a CWE field that must say something; raise MissingValue at its place."""
    found = coded(segment, field, sender)
    if not found:
        raise MissingValue("HUB-1010", where=segment.at(field))
    return found


def doctors(segment: Segment, field: int, sender: str) -> list[Body]:
    """Map XCN repetitions to References to doctors, each once: a kana repetition repeats the one before it in another script.

    A name that stands whole in one component stays whole (hospital facts §5.1 row 9).
    """
    found: dict[str, Body] = {}
    for rep in segment.each(field):
        number, name = clean(rep[1]), spaced(rep[2], rep[3])
        if clean(rep[15]) == "P" and found:
            continue
        identifier = {"system": f"{_DOCTOR}{sender}", "value": number} if number else None
        if number or name:
            found.setdefault(number or name, filled({"type": "Practitioner", "identifier": identifier, "display": name}))
    return list(found.values())


def spaced(*parts: str) -> str:
    """Join the parts that say something with a blank."""
    return " ".join(text for part in parts if (text := clean(part)))


def number(text: str) -> int | float | None:
    """Read a decimal number; None for anything else."""
    if not _NUMBER.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)


def digest(parts: Iterable[str]) -> str:
    """Make the part of a key that would otherwise hold names or numbers of persons: 20 hexadecimal digits, the same for the same texts."""
    joined = "\x1f".join(parts)
    return hashlib.sha256(joined.encode("utf-8")).hexdigest()[:20]
