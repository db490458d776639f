"""All loops by name, each with what it needs: a folder of its own, and a server where it speaks to one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.faults import clocks, cutting, killed, racing, revoking, room
from tests.faults.effort import Effort
from tests.faults.loads import Counts
from tests.postgres import cluster

Loop = Callable[[Path, Effort], Counts]
LOOPS: dict[str, Loop] = {
    "hub-killed-sqlite": lambda folder, effort: killed.hub_killed(folder, "", effort),
    "hub-killed-postgresql": lambda folder, effort: killed.hub_killed(folder, cluster().new(), effort),
    "one-of-two-hubs-killed": lambda folder, effort: killed.one_of_two_killed(folder, cluster().new(), effort),
    "postgresql-killed": lambda folder, effort: killed.server_killed(folder, cluster(), effort),
    "answers-cut": lambda folder, effort: cutting.answers_cut(folder, cluster(), effort),
    "room-sqlite": room.sqlite_full,
    "room-postgresql": room.postgresql_full,
    "clock-sqlite": lambda folder, effort: clocks.set_back(folder, "", effort),
    "clock-postgresql": lambda folder, effort: clocks.set_back(folder, cluster().new(), effort),
    "created-once-sqlite": lambda folder, effort: racing.created_once(folder, "", effort),
    "created-once-postgresql": lambda folder, effort: racing.created_once(folder, cluster().new(), effort, hubs=2),
    "revoked-under-way": lambda folder, effort: revoking.revoked_under_way(folder, cluster().new(), effort),
    "started-together": lambda _, effort: racing.started_together(cluster(), effort),
}
SHORT = {"created-once-sqlite": 12, "created-once-postgresql": 20, "room-sqlite": 2, "room-postgresql": 2}
"""Rounds of the short run, where one is too few."""
LONG = {"created-once-sqlite": 1_000, "created-once-postgresql": 1_000}
"""Rounds of the long run at least, where time alone does not say enough."""


def effort_of(name: str, *, seconds: float = 0.0) -> Effort:
    """Give how long a loop goes on: a few rounds, or so many seconds."""
    return Effort(LONG.get(name, 1) if seconds else SHORT.get(name, 1), seconds)
