"""What the hub gives out, written as one file a resource for the judge.

A collector yields (name, resource). A new kind of output is a new function in outputs.py, sources.py or served.py and a name in COLLECTORS.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.oracle.outputs import audit_events, boards, capability, refusals, summaries
from tests.oracle.served import demo_answers
from tests.oracle.sources import golden_cases, published_messages

Collector = Callable[[], Iterator[tuple[str, Mapping[str, Any]]]]
COLLECTORS: tuple[Collector, ...] = (summaries, boards, audit_events, refusals, capability, golden_cases, published_messages, demo_answers)


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
