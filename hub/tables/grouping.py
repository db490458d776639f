"""Which Patients are one person, from what is known of them at one moment: a pure function of numbers borne and of what the clerk has said.

Two that bear the same number are one person; two that a human linked are; two that a human parted are not, whatever the rule says, and the
later word of a human stands. A group is led by the Patient that was there first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Borne(NamedTuple):
    """A number (as its keyed hash) that a Patient bears, since a position."""

    token: bytes
    patient: bytes
    since: int


class Statement(NamedTuple):
    """A human's word, at a position: the two are one person, or (`apart`) `second` is not the person of `first`."""

    position: int
    first: bytes
    second: bytes
    apart: bool


def newest(statements: Iterable[Statement]) -> list[Statement]:
    """Give the last word on each pair, in the order of the log."""
    held = {frozenset((s.first, s.second)): s for s in sorted(statements)}
    return sorted(held.values())


def leaders(borne: Iterable[Borne], statements: Iterable[Statement], born: Mapping[bytes, int]) -> dict[bytes, bytes]:
    """Give the leading Patient of each Patient that is named. `born` = position of each one's first version.

    Where a parting forbids to join all, the one that was taken out (`second`) stays out, and the others stay together.
    """
    said = newest(statements)
    numbers = list(borne)
    parted = [s for s in said if s.apart]
    out = {s.second: s.position for s in parted}
    groups = _Groups({p for s in said for p in (s.first, s.second)} | {b.patient for b in numbers}, parted)

    def late(link: Statement) -> tuple[bool, int]:
        return any(out.get(p, 0) > link.position for p in (link.first, link.second)), link.position

    for link in sorted((s for s in said if not s.apart), key=late):
        groups.join(link.first, link.second, link.position)
    carriers: dict[bytes, list[bytes]] = {}
    for one in sorted(numbers, key=lambda b: (b.patient in out, b.since, b.patient, b.token)):
        for other in carriers.setdefault(one.token, []):
            groups.join(other, one.patient, None)
        carriers[one.token].append(one.patient)
    return {patient: lead for group in groups.all() for lead in [min(group, key=lambda p: (born.get(p, _NEVER), p))] for patient in group}


_NEVER = 1 << 62


class _Groups:
    """Sets that grow together, unless a parting forbids it."""

    def __init__(self, patients: Iterable[bytes], parted: list[Statement]) -> None:
        self._group = {p: {p} for p in patients}
        self._parted = parted

    def join(self, one: bytes, other: bytes, position: int | None) -> None:
        """Join two groups; a human's link (`position`) overrules partings before it, the rule (None) none."""
        a, b = self._group[one], self._group[other]
        if a is b:
            return
        for s in self._parted:
            if (position is None or s.position > position) and ((s.first in a and s.second in b) or (s.first in b and s.second in a)):
                return
        if len(a) < len(b):
            a, b = b, a
        a |= b
        self._group.update(dict.fromkeys(b, a))

    def all(self) -> list[set[bytes]]:
        """Give each group once."""
        return list({id(group): group for group in self._group.values()}.values())
