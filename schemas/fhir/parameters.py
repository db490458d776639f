"""Turn HL7's search parameter expressions into plain element paths: `python -m schemas.fhir.parameters <json>`.

Input: the R4 search parameters and compartments reduced to `{search: {type: {name: {type, expression, target}}}, compartment: …}`.
Output: data/fhir/search.json (type → parameter → kind, paths, targets) and data/fhir/compartments.json (Patient: type → paths). A path is
a list of JSON element names, a choice spread over its types: `Observation.effective` → effectiveDateTime, effectivePeriod …
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from schemas.fhir.definitions import write
from schemas.fhir.schema import definitions, resource_types

_PLAIN = re.compile(r"([A-Za-z]+(?:\.[A-Za-z]+)*)(?:\.ofType\((\w+)\))?")
_OF_PATIENT = ".where(resolve() is Patient)"
_SOURCE = "HL7 FHIR R4 4.0.1 search parameters and compartment definition Patient (CC0)"
_SUBJECTS = ("subject", "patient", "beneficiary", "individual", "for", "candidate")
_HUB = {"Task": ["for", "focus"], "Device": ["patient"], "GuidanceResponse": ["subject"], "Contract": ["subject"]}
"""Not in R4's compartment, but what is about a person must not escape what holds for the person."""


def paths(resource_type: str, expression: str) -> list[str]:
    """Give the element paths of an expression's branches that are plain paths; conditions on values are left out."""
    found: list[str] = []
    for branch in expression.split("|"):
        bare = branch.replace(_OF_PATIENT, "").strip()
        match = _PLAIN.fullmatch(bare[1:-1] if bare.startswith("(") and bare.endswith(")") else bare)
        if match is None or not match[1].startswith(f"{resource_type}."):
            continue
        steps = match[1].split(".")[1:]
        if match[2]:
            steps[-1] += match[2][:1].upper() + match[2][1:]
        found += [p for p in _spread(resource_type, steps) if p not in found]
    return found


def _spread(name: str, steps: list[str]) -> Iterable[str]:
    """Follow the steps through the schema; a step that names a choice becomes each of its types."""
    here = definitions()[name]["properties"]
    step, rest = steps[0], steps[1:]
    names = [step] if step in here else sorted(n for n in here if re.fullmatch(rf"{step}[A-Z]\w*", n))
    for element in names:
        if not rest:
            yield element
            continue
        for inner in _spread(_used(here[element]), rest):
            yield f"{element}.{inner}"


def _used(form: dict[str, Any]) -> str:
    name = str(form.get("items", form)["$ref"]).removeprefix("#/$defs/")
    return {"to": "Reference", "CodeableConcept": "CodeableConcept"}.get(name.split(":")[0], name)


def search(given: dict[str, Any]) -> dict[str, Any]:
    """Give every parameter that has at least one plain path."""
    made: dict[str, Any] = {"source": _SOURCE}
    for resource_type in sorted(given.keys() & resource_types()):
        rows = {}
        for name, row in sorted(given[resource_type].items()):
            found = paths(resource_type, row.get("expression", ""))
            if found and row["type"] != "composite":
                rows[name] = {"kind": row["type"], "paths": found} | ({"target": row["target"]} if "target" in row else {})
        made[resource_type] = rows
    return made


def compartment(given: dict[str, Any], members: dict[str, list[str]]) -> dict[str, Any]:
    """Give the Patient compartment: `about` = whose data it is, `member` = every element that puts the resource into it."""
    member: dict[str, list[str]] = {}
    for resource_type, names in sorted(members.items()):
        if resource_type in resource_types():
            found = [p for n in names for p in paths(resource_type, given[resource_type][n]["expression"])]
            member[resource_type] = sorted(set(found))
    member |= _HUB
    about = {t: [s for s in _SUBJECTS if s in found] for t, found in member.items()}
    return {
        "source": f"{_SOURCE}; Task, Device, GuidanceResponse and Contract added by this hub",
        "about": {t: p for t, p in about.items() if p},
        "member": dict(sorted(member.items())),
    }


def main(path: str) -> None:
    """Write both files."""
    given = orjson.loads(Path(path).read_bytes())
    write("search.json", search(given["search"]))
    write("compartments.json", compartment(given["search"], given["compartment"]["Patient"]))


if __name__ == "__main__":
    main(sys.argv[1])
