"""FHIR elements that files of any source are turned into: no rule of a source, only the shapes."""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]


def filled(body: Body) -> Body:
    """Drop elements that are empty, at the top level only."""
    return {name: value for name, value in body.items() if value not in ("", None, [], {})}


def coding(system: str, code: str, display: str = "") -> Body:
    """Make a Coding."""
    return filled({"system": system, "code": code, "display": display})


def concept(*codings: Body, text: str = "") -> Body:
    """Make a CodeableConcept."""
    return filled({"coding": list(codings), "text": text})
