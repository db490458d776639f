"""Take from the HL7 FHIR R4 definitions what fhir.resources does not hold: value sets of required bindings, reference targets, R4's own elements.

Run once a release of the definitions, not when the hub runs: `python -m schemas.fhir.definitions <jar>`. The jar is
`ca.uhn.hapi.fhir:hapi-fhir-validation-resources-r4` (see data/fhir/SOURCES.md). Writes data/fhir/bindings.json and data/fhir/r4.json.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from schemas.fhir import library

DATA = Path(__file__).parent.parent / "data" / "fhir"
_INSIDE = "org/hl7/fhir/r4/model/"
_FHIR = "{http://hl7.org/fhir}"
_ABSTRACT = {"Resource", "DomainResource"}
_SPLIT = "|"


@dataclass(frozen=True, slots=True)
class Definition:
    """One element of a StructureDefinition's snapshot."""

    path: str
    types: tuple[str, ...]
    targets: frozenset[str]
    required: bool
    many: bool
    bound: str


@dataclass(frozen=True, slots=True)
class Definitions:
    """All that is read from the jar."""

    resources: frozenset[str]
    elements: dict[str, tuple[Definition, ...]]
    systems: dict[str, ET.Element]
    sets: dict[str, ET.Element]


def read(jar: Path) -> Definitions:
    """Read the definitions; a few seconds and 300 MB."""
    with zipfile.ZipFile(jar) as archive:
        structures = [
            s
            for name in ("types", "resources")
            for s in _root(archive, f"profile/profiles-{name}.xml").iter(f"{_FHIR}StructureDefinition")
            if _value(s, "kind") in {"resource", "complex-type"} and _value(s, "derivation") != "constraint"
        ]
        tables = [_root(archive, f"valueset/{n}.xml") for n in ("valuesets", "v3-codesystems", "v2-tables")]
    return Definitions(
        frozenset(_value(s, "name") for s in structures if _value(s, "kind") == "resource") - _ABSTRACT,
        {_value(s, "name"): tuple(_elements(s)) for s in structures},
        {_value(e, "url"): e for t in tables for e in t.iter(f"{_FHIR}CodeSystem")},
        {_value(e, "url"): e for t in tables for e in t.iter(f"{_FHIR}ValueSet")},
    )


def _root(archive: zipfile.ZipFile, name: str) -> ET.Element:
    return ET.fromstring(archive.read(_INSIDE + name))  # noqa: S314 - the published standard, read when developing


def _value(element: ET.Element, name: str) -> str:
    found = element.find(_FHIR + name)
    return "" if found is None else found.get("value", "")


def _elements(structure: ET.Element) -> Iterator[Definition]:
    for e in structure.iterfind(f"{_FHIR}snapshot/{_FHIR}element"):
        types = e.findall(f"{_FHIR}type")
        bound = e.find(f"{_FHIR}binding")
        yield Definition(
            _value(e, "path"),
            tuple(_value(t, "code") for t in types),
            frozenset(
                (p.get("value") or "").rsplit("/", 1)[1]
                for t in types
                if _value(t, "code") == "Reference"
                for p in t.findall(f"{_FHIR}targetProfile")
            ),
            _value(e, "min") != "0",
            _value(e, "max") != "1",
            _value(bound, "valueSet").split(_SPLIT)[0] if bound is not None and _value(bound, "strength") == "required" else "",
        )


def _codes(definitions: Definitions, url: str) -> dict[str, list[str]] | None:
    """Expand a value set: code system → codes in order; None when the definitions do not list them (UCUM, ISO 4217, BCP 13)."""
    if url not in definitions.sets:
        return None
    found: dict[str, list[str]] = {}
    for include in definitions.sets[url].iterfind(f"{_FHIR}compose/{_FHIR}include"):
        system = _value(include, "system")
        listed = [_value(c, "code") for c in include.findall(f"{_FHIR}concept")]
        if include.find(f"{_FHIR}filter") is not None or include.find(f"{_FHIR}valueSet") is not None:
            raise ValueError(f"{url} is composed in a way that is not read here")
        if not listed:
            if system not in definitions.systems:
                return None
            listed = [_value(c, "code") for c in definitions.systems[system].iter(f"{_FHIR}concept")]
            if not listed:
                return None
        found.setdefault(system, []).extend(listed)
    return found


def bindings(definitions: Definitions) -> dict[str, Any]:
    """Give `sets` (value set → system → codes), `elements` (path → value set) and `open` (bound sets that are not listed anywhere)."""
    sets: dict[str, dict[str, list[str]]] = {}
    bound: dict[str, str] = {}
    unlisted: dict[str, str] = {}
    for found in definitions.elements.values():
        for e in found:
            if not e.bound:
                continue
            codes = _codes(definitions, e.bound)
            path = e.path.removesuffix("[x]")
            if codes is None:
                unlisted[path] = e.bound
            else:
                sets[e.bound] = codes
                bound[path] = e.bound
    return {"elements": bound, "open": unlisted, "sets": sets}


def differences(definitions: Definitions) -> dict[str, Any]:
    """Give R4's resource types, reference targets by path, and where the library's R4B models differ.

    `only_r4`: path → [type, repeats, required]; `only_r4b`: paths that R4 4.0.1 does not have; `required`: paths that R4 makes
    obligatory; `unlike`: resource types whose models describe another thing than R4's, so that they cannot be checked here.
    """
    only_r4: dict[str, list[Any]] = {}
    only_r4b: list[str] = []
    required: list[str] = []
    for root in sorted(definitions.elements.keys() & library.type_names()):
        standard = _spread(definitions.elements[root])
        for path, cls in library.walk(root):
            mine = {e.name: e for e in library.elements(cls)}
            theirs = standard.get(path, {})
            only_r4 |= {f"{path}.{n}": [d.types[0], d.many, d.required] for n, d in theirs.items() if n not in mine}
            only_r4b += [f"{path}.{n}" for n in mine if n not in theirs]
            required += [
                f"{path}.{n}" for n, e in mine.items() if n in theirs and theirs[n].required and not (e.required or e.choice_required)
            ]
    unlike = sorted({p.split(".")[0] for p in only_r4} & definitions.resources)
    return {
        "only_r4": {p: v for p, v in only_r4.items() if p.split(".")[0] not in unlike},
        "only_r4b": [p for p in only_r4b if p.split(".")[0] not in unlike],
        "required": [p for p in required if p.split(".")[0] not in unlike],
        "targets": {
            e.path.removesuffix("[x]") + ("Reference" if e.path.endswith("[x]") else ""): sorted(e.targets)
            for found in definitions.elements.values()
            for e in found
            if e.targets and "Resource" not in e.targets
        },
        "types": sorted(definitions.resources),
        "unlike": unlike,
    }


def _spread(found: tuple[Definition, ...]) -> dict[str, dict[str, Definition]]:
    """Give each structure's elements by name, a choice spread over its types (`value[x]` → `valueQuantity` …)."""
    spread: dict[str, dict[str, Definition]] = {}
    for e in found:
        parent, _, name = e.path.rpartition(".")
        if not parent:
            continue
        if name.endswith("[x]"):
            for t in e.types:
                one = Definition(e.path, (t,), e.targets, required=e.required, many=e.many, bound=e.bound)
                spread.setdefault(parent, {})[name[:-3] + t[:1].upper() + t[1:]] = one
        else:
            spread.setdefault(parent, {})[name] = e
    return spread


def write(name: str, content: dict[str, Any]) -> None:
    """Write a data file so that the same content gives the same bytes."""
    DATA.joinpath(name).write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))


def main(jar: str) -> None:
    """Read the jar and write both files."""
    definitions = read(Path(jar))
    write("bindings.json", bindings(definitions))
    write("r4.json", differences(definitions))


if __name__ == "__main__":
    main(sys.argv[1])
