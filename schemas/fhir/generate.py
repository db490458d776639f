"""Make the strict JSON Schema of FHIR R4 from the models of fhir.resources and what they lack: `python -m schemas.fhir.generate`.

Stricter than the JSON Schema that HL7 publishes: required elements (a primitive may be absent when `_name` says why), one of
a choice, no nulls, no empty object, array or string, no unknown element, calendar days, codes of required bindings, types
that a reference may point to. The result, data/fhir/schema.json, is committed; a test makes it anew and compares the bytes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson

from schemas.fhir import library
from schemas.fhir.definitions import DATA
from schemas.fhir.library import Element
from schemas.fhir.primitives import PRIMITIVES

Schema = dict[str, Any]

_R4: dict[str, Any] = orjson.loads(DATA.joinpath("r4.json").read_bytes())
_BINDINGS: dict[str, Any] = orjson.loads(DATA.joinpath("bindings.json").read_bytes())
_DROPPED = frozenset(_R4["only_r4b"])
_REQUIRED = frozenset(_R4["required"])
_ADDED: dict[str, list[Any]] = _R4["only_r4"]
_ID = r"[A-Za-z0-9\-.]{1,64}"
_VERSION = f"(?:/_history/{_ID})?"
_CURRENCY = {"type": "string", "pattern": "^[A-Z]{3}$"}
"""ISO 4217 is not listed in the definitions: only its form is checked."""
_PLAIN = 4
"""Choices of up to so many types are written as forbidden pairs; beyond, the one-of form is shorter."""


@cache
def resource_types() -> tuple[str, ...]:
    """Name the types that this hub checks: in R4 4.0.1, in the library, and the same thing in both."""
    return tuple(sorted(library.resource_types() & set(_R4["types"]) - set(_R4["unlike"])))


def schema() -> Schema:
    """Make the whole schema: `$defs` by type, `Type.path` of backbone elements, `code:` value sets and `to:` reference targets."""
    definitions: dict[str, Schema] = {
        "Reference.reference": {"type": "string", "pattern": _reference_pattern(_R4["types"])},
        "primitive": _beside(),
        "any": {"type": "object", "required": ["resourceType"], "properties": {"resourceType": {"enum": list(resource_types())}}},
    }
    definitions |= {f"{name}": form for name, form in PRIMITIVES.items()}
    todo = [*resource_types()]
    seen = set(todo)
    while todo:
        root = todo.pop()
        for path, cls in library.walk(root):
            found = _elements(path, cls)
            definitions[path] = _structure(path, cls, found)
            _name_sets(path, found, definitions)
            used = {e.type for e in found if not e.primitive and not library.home(e.type)} - {"Resource"} - seen
            seen |= used
            todo += sorted(used)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": definitions}


def _elements(path: str, cls: library.Model) -> tuple[Element, ...]:
    """Give the library's elements corrected to R4."""
    kept = [
        Element(e.name, e.type, e.many, e.required or f"{path}.{e.name}" in _REQUIRED, e.choice, e.choice_required)
        for e in library.elements(cls)
        if f"{path}.{e.name}" not in _DROPPED
    ]
    for place, (type_name, many, required) in _ADDED.items():
        if place.rpartition(".")[0] == path:
            name = place.rpartition(".")[2]
            stem = name.removesuffix(type_name)
            kept.append(Element(name, type_name, many, required=False, choice=stem, choice_required=required))
    return tuple(kept)


def _structure(path: str, cls: library.Model, found: tuple[Element, ...]) -> Schema:
    """Describe one object: its elements, what must be there, what may not be there together."""
    resource = cls.has_resource_base()
    properties: dict[str, Schema] = {"resourceType": {"const": path}} if resource else {}
    rules: list[Schema] = []
    required = ["resourceType"] if resource else []
    for e in found:
        form = _element(path, e)
        properties[e.name] = {"type": "array", "minItems": 1, "items": form} if e.many else form
        if e.primitive and not _attribute(path, e):
            beside = {"$ref": "#/$defs/primitive"}
            properties[f"_{e.name}"] = (
                {"type": "array", "minItems": 1, "items": {"$comment": "nullable", "anyOf": [{"type": "null"}, beside]}}
                if e.many
                else beside
            )
            if e.many:
                del properties[e.name]["items"]
                rules.append(_aligned(e.name, form))
        if e.required and not e.choice:
            if e.primitive and not _attribute(path, e):
                rules.append(_or_reason(e))
            else:
                required.append(e.name)
    for stem in dict.fromkeys(e.choice for e in found if e.choice):
        group = [e for e in found if e.choice == stem]
        rule = _one_of(group, needed=any(e.choice_required for e in group))
        rule["$comment"] = f"choice {' '.join(e.name for e in group)}"
        rules.append({"if": {"minProperties": 3}, "then": rule} if path == "Extension" else rule)
    form = {"type": "object", "properties": properties, "additionalProperties": False}
    if not resource:
        form |= {"minProperties": 1, "dependentSchemas": {"id": {"minProperties": 2}}}  # ele-1: a value or children besides the id
    if path == "Extension":  # ext-1: a value or further extensions, not both
        form["minProperties"] = 2
        form["dependentSchemas"] = {
            "id": {"minProperties": 3},
            "extension": {"$comment": "extension", "propertyNames": {"enum": ["id", "url", "extension"]}},
        }
    if required:
        form["required"] = required
    if rules:
        form["allOf"] = rules
    return form


def _attribute(path: str, element: Element) -> bool:
    """Say whether this is an XML attribute, which takes no extension: `id` and `Extension.url`."""
    return element.name == "id" or (path == "Extension" and element.name == "url")


def _element(path: str, e: Element) -> Schema:
    """Describe one value of an element."""
    place = f"{path}.{e.name}"
    if place == "Money.currency":
        return _CURRENCY
    if place == "Reference.reference":
        return {"$ref": "#/$defs/Reference.reference"}
    if e.type == "Resource":
        return {"$ref": "#/$defs/any"}
    bound = _BINDINGS["elements"].get(place) or (_BINDINGS["elements"].get(f"{path}.{e.choice}") if e.choice else None)
    if bound and e.type in {"code", "CodeableConcept"}:
        return {"$ref": f"#/$defs/{_set_name(e.type, bound)}"}
    targets = _R4["targets"].get(place)
    if e.type == "Reference" and targets:
        return {"$ref": f"#/$defs/{_target_name(targets)}"}
    return {"$ref": f"#/$defs/{library.home(e.type) or e.type}"}


def _name_sets(path: str, found: tuple[Element, ...], definitions: dict[str, Schema]) -> None:
    """Add the value sets and reference targets that these elements name."""
    for e in found:
        place = f"{path}.{e.name}"
        bound = _BINDINGS["elements"].get(place)
        if bound and e.type in {"code", "CodeableConcept"}:
            systems: dict[str, list[str]] = _BINDINGS["sets"][bound]
            definitions[_set_name(e.type, bound)] = (
                {"enum": list(dict.fromkeys(c for codes in systems.values() for c in codes))} if e.type == "code" else _concept(systems)
            )
        targets = _R4["targets"].get(place)
        if e.type == "Reference" and targets:
            definitions[_target_name(targets)] = {
                "allOf": [
                    {"$ref": "#/$defs/Reference"},
                    {
                        "type": "object",
                        "properties": {"reference": {"$comment": f"target {' '.join(targets)}", "anyOf": _target_patterns(targets)}},
                    },
                ]
            }


def _set_name(type_name: str, url: str) -> str:
    return f"{type_name}:{url.rpartition('/')[2]}"


def _target_name(targets: list[str]) -> str:
    return f"to:{'+'.join(targets)}"


def _concept(systems: dict[str, list[str]]) -> Schema:
    """Describe a CodeableConcept of which one coding must be in the value set (R4 §2.1.28.1, required binding)."""
    forms = [{"properties": {"system": {"const": s}, "code": {"enum": c}}} for s, c in systems.items()]
    coding = {"type": "object", "required": ["system", "code"], **(forms[0] if len(forms) == 1 else {"anyOf": forms})}
    return {
        "allOf": [
            {"$ref": "#/$defs/CodeableConcept"},
            {
                "$comment": f"concept {' '.join(c for codes in systems.values() for c in codes)}",
                "anyOf": [{"type": "object", "properties": {"coding": {"contains": coding}}, "required": ["coding"]}, _unsaid()],
            },
        ]
    }


def _unsaid() -> Schema:
    """Let an extension alone say why there is no code."""
    return {"type": "object", "required": ["extension"], "properties": {"coding": False, "text": False}}


def _reference_pattern(types: list[str]) -> str:
    """Describe the text of a reference: `#part`, an absolute URI, `Type/id`, `Type/id/_history/v` or `Type?condition` (R4 §2.3.0)."""
    kinds = "|".join(types)
    return rf"^(?:#\S*|[A-Za-z][A-Za-z0-9+.\-]*:\S+|(?:{kinds})(?:/{_ID}{_VERSION}|\?\S+))$"


def _target_patterns(targets: list[str]) -> list[Schema]:
    """Describe a reference's text that points to one of these types, as far as the text tells a type.

    The first form has no lookaround and fits nearly all; the second is for absolute addresses.
    """
    kinds = "|".join(targets)
    others = "|".join(t for t in _R4["types"] if t not in targets)
    return [
        {"pattern": rf"^(?:#|urn:uuid:|urn:oid:|urn:tsunagu:(?:{kinds}):|(?:{kinds})[/?])"},
        {"pattern": rf"^(?!urn:tsunagu:|\S*/(?:{others})/{_ID}{_VERSION}$)[A-Za-z][A-Za-z0-9+.\-]*:"},
    ]


def _beside() -> Schema:
    """Describe `_name`: the id and extensions of a primitive."""
    return {
        "type": "object",
        "properties": {
            "id": {"$ref": "#/$defs/string"},
            "extension": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Extension"}},
        },
        "additionalProperties": False,
        "minProperties": 1,
    }


def _aligned(name: str, form: Schema) -> Schema:
    """Let nulls stand in a list of primitives only where `_name` fills them (R4 §2.6.2.3)."""
    with_nulls = {"properties": {name: {"items": {"$comment": "nullable", "anyOf": [{"type": "null"}, form]}}}}
    return {"if": {"required": [f"_{name}"]}, "then": with_nulls, "else": {"properties": {name: {"items": form}}}}


def _or_reason(e: Element) -> Schema:
    """Ask for a primitive, or for the extension that says why it is absent (R4 §2.4.0.2)."""
    reason = (
        {"required": [f"_{e.name}"]} if e.many else {"required": [f"_{e.name}"], "properties": {f"_{e.name}": {"required": ["extension"]}}}
    )
    return {"$comment": f"required {e.name}", "anyOf": [{"required": [e.name]}, reason]}


def _one_of(group: list[Element], *, needed: bool) -> Schema:
    """Allow one type of a choice, and ask for it when it is obligatory."""
    there = [{"anyOf": [{"required": [e.name]}, {"required": [f"_{e.name}"]}]} if e.primitive else {"required": [e.name]} for e in group]
    if needed:
        return {"oneOf": there}
    if len(group) <= _PLAIN:
        pairs = [{"allOf": [a, b]} for i, a in enumerate(there) for b in there[i + 1 :]]
        return {"not": {"anyOf": pairs}}
    return {"oneOf": [*there, {"not": {"anyOf": there}}]}


def text() -> bytes:
    """Give the schema as it is committed: one definition a line, in the order of names."""
    made = schema()
    lines = [
        b"  %b: %b" % (orjson.dumps(name), orjson.dumps(form, option=orjson.OPT_SORT_KEYS)) for name, form in sorted(made["$defs"].items())
    ]
    return b'{\n "$schema": %b,\n "$defs": {\n%b\n }\n}\n' % (orjson.dumps(made["$schema"]), b",\n".join(lines))


def main() -> None:
    """Write the schema."""
    DATA.joinpath("schema.json").write_bytes(text())


if __name__ == "__main__":
    main()
