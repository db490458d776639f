"""References and addresses inside a resource: found in the tree, replaced in the text without writing the rest anew."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

Change = Callable[[str], str | None]
"""Gives the new text for an address, or None to leave it."""

_KEYS = "reference|url|uri|valueUri|valueUrl|valueUuid|valueOid"
_REFERENCE = frozenset({"id", "extension", "reference", "_reference", "type", "_type", "identifier", "display", "_display"})
"""The elements of Reference: DetectedIssue, Expression and Immunization.education also have a `reference`, which is a uri."""
_TEXT = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_FIELD = re.compile(rf'(?<=[{{,\s])"({_KEYS})"(\s*:\s*){_TEXT}'.encode(), re.DOTALL)
"""A key of the family and its text. A quotation mark after `{{`, a comma or a blank opens a string: one inside a string has a backslash
before it, and one that closes a string is followed by none of these names."""
_DIV = re.compile(rf'(?<=[{{,\s])"(div)"(\s*:\s*){_TEXT}'.encode(), re.DOTALL)
_ESCAPED_KEY = re.compile(rb'(?<=[{,\s])"[^"\\]*\\.[^"\\]*(?:\\.[^"\\]*)*"\s*:', re.DOTALL)
_ANY_KEY = re.compile(rf"{_TEXT}(\s*:)?".encode(), re.DOTALL)
_LINK = re.compile(rb"""(\s(?:href|src)\s*=\s*)(?:\\"(.*?)\\"|'(.*?)')""", re.DOTALL)


def references(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Give every `Reference.reference` with its place, contained resources included: (`Observation.subject.reference`, `Patient/1`)."""
    yield from _references(str(value.get("resourceType", "Resource")), value)


def _references(place: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "reference" and isinstance(inner, str) and value.keys() <= _REFERENCE:
                yield f"{place}.reference", inner
            elif isinstance(inner, dict | list):
                yield from _references(f"{place}.{name.removeprefix('_')}", inner)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            if isinstance(inner, dict | list):
                yield from _references(f"{place}[{i}]", inner)


def splice(raw: bytes, change: Change) -> bytes:
    """Replace the texts of references and of elements of type uri, url, uuid and oid that `change` knows, and links in narratives to them.

    Only those string tokens differ from `raw`: 1.10 stays 1.10, blanks and the order of keys stay. A text `address#part` that is not
    known whole is tried without its part. `canonical` and identifier systems are never touched. `raw` must be JSON that was checked.
    """
    known: dict[str, str] = {}

    def replaced(text: str) -> str | None:
        new = change(text)
        if new is None and "#" in text and not text.startswith("#"):
            base, _, part = text.partition("#")
            base_new = change(base)
            if base_new is not None:
                known[base] = base_new
                new = f"{base_new}#{part}"
        if new is not None and new != text:
            known[text] = new
        return new

    def field(match: re.Match[bytes]) -> bytes:
        text = _decoded(match[3])
        new = replaced(text)
        return match[0] if new is None or new == text else b'"%b"%b%b' % (match[1], match[2], _encoded(new))

    # the letters of a key have no other escape than \u00..; narratives are full of escaped quotation marks
    done = _by_tokens(raw, replaced) if b"\\u00" in raw and _ESCAPED_KEY.search(raw) else _FIELD.sub(field, raw)
    if known and b'"div"' in done:
        done = _DIV.sub(lambda m: b'"%b"%b"%b"' % (m[1], m[2], _LINK.sub(lambda link: _relinked(link, known), m[3])), done)
    return done


def _by_tokens(raw: bytes, replaced: Change) -> bytes:
    """Do the same string by string, for text whose keys are written with escapes."""
    keys = frozenset(_KEYS.split("|"))
    parts: list[bytes] = []
    end, key = 0, ""
    for match in _ANY_KEY.finditer(raw):
        if match[2] is not None:
            key = _decoded(match[1])
            after_key = match.end()
            continue
        if key in keys and not raw[after_key : match.start()].strip():
            new = replaced(_decoded(match[1]))
            if new is not None:
                parts += [raw[end : match.start()], _encoded(new)]
                end = match.end()
        key = ""
    return b"".join([*parts, raw[end:]])


def _relinked(link: re.Match[bytes], known: dict[str, str]) -> bytes:
    """Replace an XHTML link whose address was replaced elsewhere in the resource."""
    quote, inside = (b'\\"', link[2]) if link[2] is not None else (b"'", link[3])
    new = known.get(html.unescape(_decoded(inside)))
    if new is None:
        return link[0]
    return b"%b%b%b%b" % (link[1], quote, _encoded(html.escape(new))[1:-1], quote)


def _decoded(token: bytes) -> str:
    return str(json.loads(b'"%b"' % token)) if b"\\" in token else token.decode()


def _encoded(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()
