"""JSON Schemas of FHIR's primitive types (R4 §2.24.0.1), calendar included: 2026-02-30 and 24:00 do not fit, 2024-02-29 does.

The expressions hold no lookaround and no back-reference, so that they run in time linear to the text.
"""

from __future__ import annotations

from typing import Any

_YEAR = "(?:[0-9](?:[0-9](?:[0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_DAY_OF_YEAR = "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
_FULL_DATE = f"(?:{_YEAR}-{_DAY_OF_YEAR}|{_LEAP_YEAR}-02-29)"
_PARTIAL_DATE = f"{_YEAR}(?:-(?:0[1-9]|1[0-2]))?"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = "(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_BASE64 = r"(?:[A-Za-z0-9+/]\s*){4}"
_BASE64_END = r"(?:(?:[A-Za-z0-9+/]\s*){2}=\s*=|(?:[A-Za-z0-9+/]\s*){3}=)\s*"

STRING_LIMIT = 1_048_576
"""Characters in a string or markdown (R4 §2.24.0.1: "SHALL NOT exceed 1MB (1024*1024 characters)")."""
_INTEGER = {"type": "integer", "minimum": -2_147_483_648, "maximum": 2_147_483_647, "whole": True}


def _text(pattern: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^(?:{pattern})$"}


PRIMITIVES: dict[str, dict[str, Any]] = {
    "base64Binary": _text(rf"\s*(?:{_BASE64})*(?:{_BASE64}|{_BASE64_END})"),
    "boolean": {"type": "boolean"},
    "canonical": _text(r"\S+"),
    "code": _text(r"[^\s]+(?:\s[^\s]+)*"),
    "date": _text(f"{_FULL_DATE}|{_PARTIAL_DATE}"),
    "dateTime": _text(f"{_FULL_DATE}(?:T{_CLOCK}{_ZONE})?|{_PARTIAL_DATE}"),
    "decimal": {"type": "number"},
    "id": _text(r"[A-Za-z0-9\-.]{1,64}"),
    "instant": _text(f"{_FULL_DATE}T{_CLOCK}{_ZONE}"),
    "integer": _INTEGER,
    "markdown": {"type": "string", "minLength": 1, "maxLength": STRING_LIMIT},
    "oid": _text(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+"),
    "positiveInt": _INTEGER | {"minimum": 1},
    "string": {"type": "string", "minLength": 1, "maxLength": STRING_LIMIT},
    "time": _text(_CLOCK),
    "unsignedInt": _INTEGER | {"minimum": 0},
    "uri": _text(r"\S+"),
    "url": _text(r"\S+"),
    "uuid": _text("urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    "xhtml": {"type": "string", "minLength": 1},
}
"""`whole` is this hub's own word: a number written without a fraction (`1.0` is no FHIR integer)."""
