"""The models of fhir.resources (R4B), seen as plain element descriptions; the one place that reads their metadata."""

from __future__ import annotations

import typing
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from fhir.resources.R4B import fhirtypes, get_fhir_model_class
from fhir_core.constraints import FHIR_PRIMITIVES_MAPS

PRIMITIVES = frozenset(FHIR_PRIMITIVES_MAPS.values())

Model = typing.Any
"""A model class of the library; it ships no types that would say more."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element as the library knows it. `type` is a primitive's or a model's name; `choice` is the stem of its choice group, or empty."""

    name: str
    type: str
    many: bool
    required: bool
    choice: str
    choice_required: bool

    @property
    def primitive(self) -> bool:
        """Say whether the element is a JSON primitive with a possible `_name` beside it."""
        return self.type in PRIMITIVES


def _type_of(annotation: typing.Any) -> tuple[str, bool]:
    """Take `List[X] | None` apart: the FHIR name of X, and whether it repeats."""
    many = False
    name = _primitive(annotation)
    while not name:
        inner = [a for a in typing.get_args(annotation) if a is not type(None)]
        if typing.get_origin(annotation) is list:
            many = True
        if hasattr(annotation, "_model_klass"):
            return annotation._model_klass.rsplit(".", 1)[1], many  # noqa: SLF001 - the library names the class nowhere else
        if len(inner) != 1:
            raise TypeError(f"an annotation of fhir.resources that is not understood: {annotation!r}")
        annotation = inner[0]
        name = _primitive(annotation)
    return name, many


def _primitive(annotation: typing.Any) -> str:
    for known, name in FHIR_PRIMITIVES_MAPS.items():
        if known == annotation:
            return name
    return ""


@cache
def elements(model: Model) -> tuple[Element, ...]:
    """List a model's elements in the standard's order, without `resourceType` and without the `_name` halves."""
    fields = model.get_alias_mapping()
    needed = {name for name, _ in model.model_construct().get_required_fields()}
    found = []
    for name in model.elements_sequence():
        field = model.model_fields[fields[name]]
        extra = field.json_schema_extra or {}
        type_name, many = _type_of(field.annotation)
        if name == "id" and model.has_resource_base():
            type_name = "id"
        found.append(
            Element(
                name,
                type_name,
                many,
                field.is_required() or name in needed,
                extra.get("one_of_many", ""),
                bool(extra.get("one_of_many_required", False)),
            )
        )
    return tuple(found)


@cache
def model(name: str) -> Model:
    """Give the model of a type or backbone element; raise ValueError when the library has none."""
    return get_fhir_model_class(name)


@cache
def type_names() -> frozenset[str]:
    """Name everything the library models: resources, data types and backbone elements."""
    return frozenset(
        n.removesuffix("Type") for n in dir(fhirtypes) if n.endswith("Type") and hasattr(getattr(fhirtypes, n), "_model_klass")
    )


@cache
def resource_types() -> frozenset[str]:
    """Name the resource types that the library models, the abstract ones left out."""
    return frozenset(n for n in type_names() if model(n).has_resource_base()) - {"Resource", "DomainResource"}


def walk(root: str) -> Iterator[tuple[str, Model]]:
    """Give a type's own structures with their paths: (`Observation`, …), (`Observation.component`, …); each class once, at its home path.

    A class that several paths share (contentReference) is at home where the path spells its name.
    """
    queue = deque([(root, model(root))])
    seen = set()
    while queue:
        path, cls = queue.popleft()
        if cls in seen:
            continue
        seen.add(cls)
        yield path, cls
        queue.extend((f"{path}.{e.name}", model(e.type)) for e in elements(cls) if not e.primitive and e.type == _spelt(f"{path}.{e.name}"))


def home(name: str) -> str:
    """Give the path at which a backbone class is at home (`ClaimResponseItemAdjudication` → `ClaimResponse.item.adjudication`), or ``."""
    return _homes().get(name, "")


@cache
def _homes() -> dict[str, str]:
    """Walk from the shortest names, so that `ElementDefinitionSlicing` is found inside ElementDefinition before it is taken for a type."""
    homes: dict[str, str] = {}
    for name in sorted(type_names(), key=len):
        if name not in homes:
            homes |= {_spelt(path): path for path, _ in walk(name) if "." in path}
    return homes


def _spelt(path: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in path.split("."))
