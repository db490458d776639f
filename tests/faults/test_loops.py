"""Each loop for a few seconds: nothing acknowledged is lost, nothing doubled, order kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.loops import LOOPS, effort_of


@pytest.mark.parametrize("name", LOOPS)
def test_what_was_acknowledged_is_there_once_and_in_order(
    name: str, tmp_path: Path, long: bool, record_property: pytest.RecordProperty
) -> None:
    counts = LOOPS[name](tmp_path, effort_of(name, seconds=300 if long else 0.0))
    record_property("counts", str(counts))
    print(counts)
