"""The second voice on what is refused already: fhir.resources names further places that deserve a look.

It never judges what is good. Its messages quote values and its types raise KeyError and RecursionError on strange input, so only
places leave this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.errors import Issue
from schemas.fhir.paths import fhir_path

_LIMIT = 10


def further(resource_type: str, value: dict[str, Any], known: Sequence[Issue]) -> list[Issue]:
    """Give places that the library faults and that no known issue covers, as warnings; empty when it has nothing to add."""
    found: dict[str, Issue] = {}
    for place in places(resource_type, value):
        covered = any(_covers(issue.where, place) for issue in known)
        if not covered and len(found) < _LIMIT:
            found[place] = Issue("HUB-4039", place, severity="warning")
    return list(found.values())


def places(resource_type: str, value: dict[str, Any]) -> list[str]:
    """Give the places that the library faults; the resource itself when it fails without saying where."""
    from fhir.resources.R4B import get_fhir_model_class
    from pydantic import ValidationError

    try:
        get_fhir_model_class(resource_type).model_validate(value)
    except ValidationError as error:
        lines = error.errors(include_url=False, include_context=False, include_input=False)
        return [fhir_path(resource_type, [s for s in line["loc"] if s != "root"]) for line in lines]
    except (KeyError, RecursionError, ValueError, TypeError, AttributeError, AssertionError):
        return [resource_type]
    return []


def _covers(known: str, place: str) -> bool:
    return known.startswith(place) or place.startswith(known)
