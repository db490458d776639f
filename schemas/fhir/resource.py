"""One resource: its received bytes, checked from the bytes up, and its tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import orjson

from schemas.errors import BadInput, BadValue, BrokenRule, Issue, Malformed, MissingValue, TooLong, UnknownCode, Unsupported
from schemas.fhir import narrative, oracle
from schemas.fhir.limits import as_object, parse
from schemas.fhir.paths import fhir_path
from schemas.fhir.schema import resource_types
from schemas.fhir.strict import CAP, faults, fits, is_huge, make

MAX_BYTES = 20_000_000
_NESTING = 4
"""Resources inside resources (a contained Bundle, Parameters in a Bundle) that are still followed."""
_NESTS = frozenset({"Bundle", "Parameters"})
_LEAVES: dict[str, type[BadInput]] = {
    leaf.issue: leaf for leaf in (Malformed, TooLong, MissingValue, BadValue, UnknownCode, BrokenRule, Unsupported)
}


Keep = Callable[[str, dict[str, Any], bytes], Any]
"""Gives what is kept of a tree that holds, by its type, the tree and its text."""


def let_go(_type: str, _tree: dict[str, Any], _text: bytes) -> None:
    """Keep nothing of a tree."""


class Body(msgspec.Struct, frozen=True):
    """A resource that holds. `raw` is the text as it was received, `kept` what the reader keeps of its tree."""

    type: str
    id: str | None
    raw: bytes
    kept: Any = None

    @property
    def value(self) -> dict[str, Any]:
        """Read the tree anew (decimals there are floats: never write it out)."""
        tree: dict[str, Any] = orjson.loads(self.raw)
        return tree


def read(raw: bytes, *, expected_type: str | None = None, max_bytes: int = MAX_BYTES, keep: Keep = let_go) -> Body:
    """Read one resource: limits, JSON, strict schema, own checks. `keep` says what is kept of its tree.

    Raises the leaf of the first issue with all issues found (at most 50): Malformed, TooLong, MissingValue, BadValue, UnknownCode,
    BrokenRule, or Unsupported for a type that the hub does not take.
    """
    value = as_object(parse(raw, max_bytes=max_bytes))
    kind = type_of(value, expected_type)
    if issues := check(kind, value, raw):
        raise refusal(issues)
    return Body(kind, _id(value), raw, keep(kind, value, raw))


def type_of(value: dict[str, Any], expected_type: str | None = None) -> str:
    """Give the resource type; raise MissingValue, BadValue or Unsupported when there is none, another one, or an unknown one."""
    found = value.get("resourceType")
    if found is None:
        raise MissingValue("HUB-4010", where="Resource.resourceType")
    if not isinstance(found, str) or found not in resource_types():
        raise Unsupported("HUB-4011", where="Resource.resourceType")
    if expected_type is not None and found != expected_type:
        raise BadValue("HUB-4012", where=f"{found}.resourceType", expected=expected_type)
    return found


def _id(value: dict[str, Any]) -> str | None:
    found = value.get("id")
    return found if isinstance(found, str) else None


def check(resource_type: str, value: dict[str, Any], raw: bytes) -> list[Issue]:
    """Name all that is wrong with a tree of a known type; empty when it is right. `raw` only tells which checks can be left out."""
    issues = _check(resource_type, value, _NESTING)
    if not issues and b'"_' in raw:
        issues = list(_aligned(resource_type, value, []))
    if not issues:
        return []
    return _capped(issues if is_huge(value) else issues + oracle.further(resource_type, value, issues))


def _check(resource_type: str, value: dict[str, Any], nesting: int) -> list[Issue]:
    if not fits(resource_type, value):
        return list(faults(resource_type, value))
    issues = []
    for place, div in narrative.narratives(resource_type, value):
        if issue := narrative.fault(div, f"{resource_type}{place}"):
            issues.append(issue)
    if not (resource_type in _NESTS or "contained" in value):
        return issues
    for place, inner in _nested(resource_type, value):
        where = f"{resource_type}{place}"
        kind = inner["resourceType"]
        if nesting == 0:
            issues.append(make(Unsupported, "HUB-4046", where))
        elif ".contained[" in place and "contained" in inner:
            issues.append(make(BrokenRule, "HUB-4045", where))
        else:
            issues += [issue.at(where) for issue in _check(kind, inner, nesting - 1)]
    return issues


def _nested(resource_type: str, value: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the resources inside a resource with their places: contained, a Bundle's entries, Parameters and their parts."""
    for i, inner in enumerate(value.get("contained", ())):
        yield f".contained[{i}]", inner
    if resource_type == "Bundle":
        for i, entry in enumerate(value.get("entry", ())):
            if "resource" in entry:
                yield f".entry[{i}].resource", entry["resource"]
            if "outcome" in entry.get("response", {}):
                yield f".entry[{i}].response.outcome", entry["response"]["outcome"]
    if resource_type == "Parameters":
        yield from _parameters("", "parameter", value)


def _parameters(place: str, name: str, value: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for i, parameter in enumerate(value.get(name, ())):
        here = f"{place}.{name}[{i}]"
        if "resource" in parameter:
            yield f"{here}.resource", parameter["resource"]
        yield from _parameters(here, "part", parameter)


def _aligned(root: str, value: Any, steps: list[str | int]) -> Iterator[Issue]:
    """Check that a list of primitives and its `_name` are equally long and never both empty at a place (R4 §2.6.2.3)."""
    if isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _aligned(root, inner, [*steps, i])
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name.startswith("_") and isinstance(inner, list):
                plain: Sequence[Any] = value.get(name[1:], [None] * len(inner))
                pairs_fit = len(plain) == len(inner) and all(a is not None or b is not None for a, b in zip(plain, inner, strict=True))
                if not pairs_fit:
                    yield make(BrokenRule, "HUB-4036", fhir_path(root, [*steps, name]))
            yield from _aligned(root, inner, [*steps, name])


def refusal(issues: Sequence[Issue]) -> BadInput:
    """Make the exception for these issues: the leaf of the first one."""
    return _LEAVES.get(issues[0].code, BadInput)(issues[0].rule, issues=issues)


def _capped(issues: list[Issue]) -> list[Issue]:
    if len(issues) <= CAP:
        return issues
    return [*issues[: CAP - 1], Issue("HUB-4049", words={"limit": str(CAP)}, code="too-long", severity="information")]
