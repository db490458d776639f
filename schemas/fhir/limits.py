"""The text of a message before and while it is parsed: size, characters, depth, and keys that stand twice.

Text that is right is judged in C alone, by its skeleton: quotation marks and brackets. Only when something is off does a slower scan
say what and where.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from schemas.errors import BadValue, Malformed, Refusal, TooLong
from schemas.fhir.paths import fhir_path

_BOM = b"\xef\xbb\xbf"
_ESCAPED = re.compile(rb'\\["\\]')
_NOT_SKELETON = bytes(b for b in range(256) if b not in b'"{}[]')
_AS_CURLY = bytes.maketrans(b"[]", b"{}")
_STRING = re.compile(rb'"[^"]*"')
_ANY_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""A string, or what follows a quotation mark that is never closed: no text is scanned twice."""
_SURROGATE_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_NAMED_NUMBER = re.compile(rb"NaN|Infinity")


def check_text(raw: bytes, *, max_bytes: int, max_depth: int = 64) -> None:
    """Refuse text that is no sound JSON; raises TooLong, Malformed, BadValue."""
    parse(raw, max_bytes=max_bytes, max_depth=max_depth)


def parse(raw: bytes, *, max_bytes: int, max_depth: int = 64) -> Any:
    """Check the text and give its tree; the same refusals as `check_text`."""
    strings = bounded(raw, max_bytes=max_bytes, max_depth=max_depth)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _unreadable(raw, error) from None
    if strings != quotes(value):
        raise _doubled_key(raw)
    return value


def bounded(raw: bytes, *, max_bytes: int, max_depth: int = 64) -> int:
    """Refuse text that is too large or too deep; give the number of quotation marks around its strings."""
    if len(raw) > max_bytes:
        raise TooLong("HUB-4000", limit=f"{max_bytes:,}")
    if raw.startswith(_BOM):
        raise Malformed("HUB-4002")
    bones = _skeleton(raw)
    if _deeper(bones, max_depth):
        raise TooLong("HUB-4004", limit=str(max_depth))
    if b"\\u0000" in raw and b"\\u0000" in raw.replace(b"\\\\", b""):
        raise Malformed("HUB-4003")  # JSON can write it, but no FHIR string holds it (R4 §2.24.0.1) and no XML either
    return bones.count(b'"')


def quotes(value: Any) -> int:
    """Count the quotation marks around the strings of a tree; a text in which a key stands twice has more."""
    return _skeleton(orjson.dumps(value)).count(b'"')


def _skeleton(raw: bytes) -> bytes:
    """Keep the quotation marks that bound strings, and all brackets, those inside strings too."""
    return (_ESCAPED.sub(b"", raw) if b"\\" in raw else raw).translate(_AS_CURLY, _NOT_SKELETON)


def _deeper(bones: bytes, limit: int) -> bool:
    """Say whether objects and arrays nest deeper than the limit; brackets that do not pair are left to the parser, which stops by itself.

    Removing two quotation marks that stand together never changes what lies inside a string, so that only strings which hold
    brackets are left for the expression. Each round takes off the innermost level.
    """
    levels = bones.replace(b'""', b"")
    if b'"' in levels:
        levels = _STRING.sub(b"", levels)
    for _ in range(limit):
        peeled = levels.replace(b"{}", b"")
        if len(peeled) == len(levels):
            return False
        levels = peeled
    return b"{}" in levels


def _unreadable(raw: bytes, error: orjson.JSONDecodeError) -> Refusal:
    """Say why the parser stopped: encoding, a character that is none, a number that is none, or else only where (RFC 8259; RFC 7493 §2.1)."""
    try:
        raw.decode()
    except UnicodeDecodeError as bad:
        return Malformed("HUB-4001", byte=f"{bad.start + 1:,}")
    if _SURROGATE.search(_SURROGATE_PAIR.sub(b"", raw.replace(b"\\\\", b""))):
        return Malformed("HUB-4003")
    if _NAMED_NUMBER.search(_ANY_STRING.sub(b"", raw)):
        return Malformed("HUB-4006")
    if "infinity" in error.msg:
        return BadValue("HUB-4008", line=str(error.lineno), column=str(error.colno))
    return Malformed("HUB-4005", line=str(error.lineno), column=str(error.colno))


def _doubled_key(raw: bytes) -> Refusal:
    """Find the object in which a key stands twice: readers differ in which of the two they take (RFC 8259 §4).

    A parsed tree holds each key once, so the text written out again has fewer strings than the one that came.
    """
    marked = json.loads(raw, object_pairs_hook=_pairs, parse_int=str, parse_float=str)
    root = marked.get("resourceType") if isinstance(marked, dict) else None
    return Malformed("HUB-4007", where=fhir_path(root if isinstance(root, str) else "", _doubled(marked) or []))


class _Doubled(dict[str, Any]):
    """An object in which a key stood twice."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Doubled(found)


def _doubled(value: Any) -> list[str | int] | None:
    """Find the first object marked as doubled: its steps from the root."""
    if isinstance(value, _Doubled):
        return []
    steps: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        steps = list(value.items())
    elif isinstance(value, list):
        steps = list(enumerate(value))
    for step, inner in steps:
        rest = _doubled(inner)
        if rest is not None:
            return [step, *rest]
    return None


def as_object(value: Any) -> dict[str, Any]:
    """Give the tree if it is an object; raise Malformed otherwise."""
    if not isinstance(value, dict):
        raise Malformed("HUB-4009")
    return value
