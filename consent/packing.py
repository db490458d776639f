"""A directive as bytes and back: canonical JSON, the same bytes for the same directive on every machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any

from consent.rules import Days, Directive, Rule
from schemas.errors import Broken

_SETS = {
    "recipients",
    "custodians",
    "authors",
    "purposes",
    "actions",
    "sensitivities",
    "classes",
    "codes",
    "instances",
    "related",
    "family",
}
_INSTANTS = {"begins", "ends", "at", "proxy_until"}
_LAYOUT = 1


def pack(d: Directive) -> bytes:
    """Give the bytes; what is empty is left out."""
    return json.dumps({"layout": _LAYOUT, **_plain(d)}, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _plain(value: Directive | Rule) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for field in fields(value):
        found = getattr(value, field.name)
        if not field.init or found == field.default:
            continue
        if field.name in _SETS:
            made[field.name] = sorted(found)
        elif field.name in _INSTANTS:
            made[field.name] = found.astimezone(UTC).isoformat()
        elif field.name == "days":
            made["days"] = [day.isoformat() if day else "" for day in (found.first, found.last, found.outer_first, found.outer_last)]
        elif field.name == "root":
            made["root"] = _plain(found)
        elif field.name == "rules":
            made["rules"] = [_plain(rule) for rule in found]
        else:
            made[field.name] = found
    return made


def unpack(data: bytes) -> Directive:
    """Read the bytes back; raise Broken when they were not written by `pack`."""
    try:
        tree = json.loads(data)
        if tree.pop("layout") != _LAYOUT:
            raise Broken("HUB-3050", where="directive")
        return Directive(**{name: _rich(name, value) for name, value in tree.items()})
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        raise Broken("HUB-3050", where="directive") from fault


def _rich(name: str, value: Any) -> Any:
    if name in _SETS:
        return frozenset(value)
    if name in _INSTANTS:
        return datetime.fromisoformat(value)
    if name == "days":
        return Days(*(date.fromisoformat(day) if day else None for day in value))
    if name == "root":
        return _rule(value)
    if name == "rules":
        return tuple(_rule(inner) for inner in value)
    return value


def _rule(tree: Mapping[str, Any]) -> Rule:
    return Rule(**{name: _rich(name, value) for name, value in tree.items()})
