"""Memory of the hub's process after all loads, beside an interpreter that has imported the same and does nothing."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.figures import Figure, against
from tests.bench.process import Served, bare, memory_of


def figures(served: Served) -> Iterator[Figure]:
    """Give resident memory now, and the most that it was."""
    with bare() as pid:
        empty = memory_of(pid)
    yield against("memory.process", memory_of(served.pid), "MB", "bare-interpreter", empty)
    yield against("memory.process.peak", memory_of(served.pid, "VmHWM"), "MB", "bare-interpreter", empty)
