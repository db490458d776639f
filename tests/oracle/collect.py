"""What the hub gives out, written as one file a resource for the judge.

A collector yields (name, resource). A new kind of output is a new function here and a line in COLLECTORS.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hub.views.summary_fhir import to_document
from tests.hub.views import emergency_persons as persons

Collector = Callable[[], Iterator[tuple[str, Mapping[str, Any]]]]


def summaries() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give the 急変時 summary as a document: of a person of whom much is known, little, and nothing."""
    cases = {
        "kiyo": persons.kiyo(),
        "patient-only": [persons.patient()],
        "nothing": [],
        "two-records": [*persons.kiyo(), persons.patient(persons.CLINIC, key="pat-9"), persons.condition("胃潰瘍", icd="K259")],
    }
    for name, known in cases.items():
        yield name, to_document(known, persons.page(known), "https://hub.example.jp/fhir", persons.NOW)


COLLECTORS: tuple[Collector, ...] = (summaries,)


def collect(folder: Path) -> dict[str, int]:
    """Write every collector's resources below the folder; give how many each of them wrote."""
    written: dict[str, int] = {}
    for collector in COLLECTORS:
        into = folder / collector.__name__
        into.mkdir()
        written[collector.__name__] = 0
        for name, resource in collector():
            path = into / f"{name}.json"
            if path.exists():
                raise ValueError(f"{collector.__name__} gives {name} twice")
            path.write_text(json.dumps(resource, ensure_ascii=False), encoding="utf-8")
            written[collector.__name__] += 1
    return written
