"""Of which family members a resource tells: what class F speaks of, where the resource itself names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from consent.redact import ABOUT_FAMILY, speaks_of_family

_RELATED = "RelatedPerson/"


def members(resource_type: str, body: Mapping[str, Any]) -> frozenset[str]:
    """Give the references (`RelatedPerson/…`) of all family members of whom a resource tells; empty = not known of all.

    An element that is marked as telling of the family says of whom by a reference inside it. Where one does not, or the type as such or an
    unmarked element tells of the family (FamilyMemberHistory, Patient.contact), nobody can say who is meant.
    """
    marked = list(_marked(body))
    named = [frozenset(_references(element)) for element in marked]
    if not all(named) or speaks_of_family(resource_type, _without(body)):
        return frozenset()
    return frozenset().union(*named)


def _is_marked(value: Mapping[str, Any]) -> bool:
    return any(
        e.get("url") == ABOUT_FAMILY and e.get("valueBoolean") is not False for e in value.get("extension", ()) if isinstance(e, dict)
    )


def _marked(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        for one in value:
            yield from _marked(one)
    elif isinstance(value, dict):
        if _is_marked(value):
            yield value
        else:
            for inner in value.values():
                yield from _marked(inner)


def _without(value: Any) -> Any:
    """Give a copy without what is marked, and without lists that are empty by that."""
    if isinstance(value, list):
        return [_without(one) for one in value if not (isinstance(one, dict) and _is_marked(one))]
    if isinstance(value, dict):
        left = {name: _without(inner) for name, inner in value.items() if not (isinstance(inner, dict) and _is_marked(inner))}
        return {name: inner for name, inner in left.items() if inner != []}
    return value


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _references(one)
    elif isinstance(value, dict):
        text = value.get("reference")
        if isinstance(text, str) and text.startswith(_RELATED):
            yield text
        for inner in value.values():
            yield from _references(inner)
