"""Places in a tree as FHIRPath writes them: `Observation.component[2].valueQuantity.value`."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.fhir.schema import element_names, resource_types


def fhir_path(root: str, steps: Sequence[str | int]) -> str:
    """Join names and zero-based indexes; the `_name` half of a primitive is written as the primitive itself.

    A name that is no element of FHIR came from the sender and is not repeated: the path ends before it.
    """
    parts = [root if root in resource_types() else "Resource"]
    for step in steps:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif step in element_names():
            parts.append(f".{step.removeprefix('_')}")
        else:
            break
    return "".join(parts)
