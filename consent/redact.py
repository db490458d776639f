"""A body with what must not leave taken out of it. What cannot be found cannot be taken out: then nothing is given."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from consent.tables import rows
from schemas.adapter import BASE

ABOUT_FAMILY = f"{BASE}/StructureDefinition/about-family"
"""Extension (valueBoolean true) by which an element says that it tells of a family member."""
INLINE = "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label"
_ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}
_VALUES = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
_TAGS = ({"system": _VALUES, "code": "SUBSETTED"}, {"system": _VALUES, "code": "REDACTED"})
_MASKS = {"family": ABOUT_FAMILY, "inline": INLINE}
_MARKS = {mask: url.rpartition("/")[2].encode() for mask, url in _MASKS.items()}
_GONE = object()

Body = Mapping[str, Any]


def redact(body: Body, masks: frozenset[str]) -> Body | None:
    """Give a copy without what the masks name; None = nothing of it may leave.

    `resource` = the whole; `family` = what is said of the family; `inline` = elements with a security label of their own. A mask that
    finds nothing to take out, or that is unknown, gives None: the decision knew of something that this body does not show. The narrative
    goes with anything taken out; meta.tag says SUBSETTED and REDACTED.
    """
    if not masks:
        return body
    if not masks <= _MASKS.keys():
        return None
    made: Body = body
    for mask in sorted(masks):
        less = _without(made, mask)
        if less is None or less == made:
            return None
        made = less
    meta = made.get("meta", {})
    tags = [tag for tag in meta.get("tag", ()) if tag not in _TAGS]
    without_text = {name: value for name, value in made.items() if name not in {"text", "meta"}}
    return {**without_text, "meta": {**meta, "tag": [*tags, *_TAGS]}}


def speaks_of_family(resource_type: str, body: Body) -> bool:
    """Say whether a resource holds class F: by its type, by an element of `data/family.csv`, or by an element marked as such."""
    return _without(body, "family", resource_type) != body


def names_family(resource_type: str, body: Body) -> bool:
    """Say whether a resource holds class F by its type or by an element of `data/family.csv`, whatever is marked in it."""
    elements = _family().get(resource_type, frozenset())
    return "" in elements or not elements.isdisjoint(body)


def may_be_marked(text: bytes, mask: str) -> bool:
    """Say at little cost whether a received text can hold an element that is marked; JSON can write the mark in more than one way."""
    return _MARKS[mask] in text or b"\\u00" in text


def has_inline_labels(body: Body) -> bool:
    """Say whether an element carries a security label of its own."""
    return _without(body, "inline") != body


def unmarked(body: Body) -> dict[str, Any]:
    """Give a copy without any element that is marked, for whatever mask."""
    left: Any = dict(body)
    for url in _MASKS.values():
        left = _strip(left, url) if left is not _GONE else left
    return {} if left is _GONE else left


def _without(body: Body, mask: str, resource_type: str = "") -> Body | None:
    """Take out what one mask names; None when the resource as such is meant."""
    elements = _family().get(resource_type or str(body.get("resourceType", "")), frozenset()) if mask == "family" else frozenset()
    made = _strip(body, _MASKS[mask])
    if made is _GONE or "" in elements:
        return None
    return {name: value for name, value in made.items() if name not in elements}


def _strip(value: Any, url: str) -> Any:
    """Take out marked elements: from a list they go, a single one is replaced by data-absent-reason `masked`."""
    if isinstance(value, list):
        kept = [inner for one in value if (inner := _strip(one, url)) is not _GONE]
        return kept or _GONE
    if not isinstance(value, dict):
        return value
    if any(e.get("url") == url and e.get("valueBoolean") is not False for e in value.get("extension", ()) if isinstance(e, dict)):
        return _GONE
    made: dict[str, Any] = {}
    for name, inner in value.items():
        left = _strip(inner, url)
        if left is not _GONE:
            made[name] = left
        elif isinstance(inner, dict):
            made[name] = _ABSENT
    return {n: v for n, v in made.items() if n.startswith("_") or made.get(f"_{n}") is not _ABSENT}


@cache
def _family() -> Mapping[str, frozenset[str]]:
    """Give the elements that speak of the family by type; the empty name = the whole type."""
    found: dict[str, frozenset[str]] = {}
    for row in rows("family"):
        found[row["type"]] = found.get(row["type"], frozenset()) | {row["element"]}
    return found
