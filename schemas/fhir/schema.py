"""The strict schema as data: its definitions, the names of all elements, the resource types that the hub checks."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import orjson

_REFERENCE = "#/$defs/"


@cache
def definitions() -> dict[str, dict[str, Any]]:
    """Read `$defs` of data/fhir/schema.json: one schema a type, backbone element, value set and set of reference targets."""
    found: dict[str, dict[str, Any]] = orjson.loads(files("schemas").joinpath("data/fhir/schema.json").read_bytes())["$defs"]
    return found


@cache
def resource_types() -> frozenset[str]:
    """Name the types that the hub takes: in R4 4.0.1 and in the models of fhir.resources, with the same elements."""
    return frozenset(definitions()["any"]["properties"]["resourceType"]["enum"])


@cache
def element_names() -> frozenset[str]:
    """Name every element of R4, so that a name which was sent is repeated only when it is one of these."""
    return frozenset(n for d in definitions().values() for n in d.get("properties", {}))


@cache
def uses(name: str) -> frozenset[str]:
    """Name the definitions that one definition mentions directly."""
    return frozenset(_mentioned(definitions()[name]))


def _mentioned(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"].removeprefix(_REFERENCE)} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(_mentioned(v) for v in part.values()))
    if isinstance(part, list):
        return set().union(*(_mentioned(v) for v in part))
    return set()


def schema_of(resource_type: str) -> dict[str, Any]:
    """Give a schema for one type with only the definitions that it reaches."""
    reached: set[str] = set()
    todo = [resource_type]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo.extend(uses(name))
    return {"$ref": f"{_REFERENCE}{resource_type}", "$defs": {n: definitions()[n] for n in sorted(reached)}}
