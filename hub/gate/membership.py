"""Whether a requester belongs to a Group, CareTeam or role: everything that can be reached from it, each once, as far as it is in force."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from consent.ask import Requester
from hub.clock import milliseconds
from hub.log.store import Tx
from hub.names import MAIN, hub_id, stream_of
from hub.tables import actors
from hub.tables.actors import ActorRow
from hub.tables.belonging import Belonging, Member

DEPTH, MOST = 8, 2_000
"""Groups within Groups, and resources looked at for one question, at most: what lies beyond cannot be told."""
OFFICE = "Organization/"
Answer = bool | None
"""yes, no, or it cannot be told (None)."""


@dataclass(frozen=True, slots=True)
class Meant:
    """Who asks, when, as of which position of the log (None = now), in which compartment."""

    requester: Requester
    at: datetime
    position: int | None
    compartment: str = MAIN


class Membership:
    """Questions about one requester inside one snapshot. `entities` = codes of what its office is part of, `unsure` = of what it may be."""

    def __init__(
        self,
        tx: Tx,
        meant: Meant,
        opened: Callable[[ActorRow], Belonging | None],
        entities: AbstractSet[str],
        unsure: AbstractSet[str],
    ) -> None:
        self._tx, self._meant, self._opened, self._entities, self._unsure = tx, meant, opened, entities, unsure
        self._at = milliseconds(meant.at)
        self._rows: dict[bytes, ActorRow] = {}
        self._asked: set[bytes] = set()

    def holds(self, reference: str, trusted: AbstractSet[str]) -> Answer:
        """Say whether the requester belongs to a reference. All on the way to it must have been written by one of `trusted`."""
        level, seen, told = [reference], {reference}, True
        for _ in range(DEPTH):
            self._load(level)
            below: list[str] = []
            for one in level:
                answer = self._one(one, trusted, below)
                if answer:
                    return True
                told = told and answer is not None
            level = [one for one in dict.fromkeys(below) if one not in seen]
            seen.update(level)
            if not level:
                return False if told else None
        return None

    def _one(self, reference: str, trusted: AbstractSet[str], below: list[str]) -> Answer:
        """Judge what one resource says by itself; what it points to is put `below`."""
        row, cell = self._trusted(reference, trusted)
        if row is None or cell is None:
            return None
        if row.type in {"Practitioner", "Organization"}:
            return self._named(cell)
        if not cell.known:
            return None
        if not cell.open or not _within(cell, self._at):
            return False
        if row.type == "PractitionerRole":
            self._load([m.who for m in cell.members])
            return _all(self._part(m, trusted) for m in cell.members)
        answers: list[Answer] = []
        for member in cell.members:
            if _within(member, self._at):
                if stream_of(member.who.partition("/")[2]) is not None:
                    below.append(member.who)
                else:
                    answers.append(self._is(member.who))
        return _any(answers)

    def _part(self, member: Member, trusted: AbstractSet[str]) -> Answer:
        """Judge the person or the office of a role."""
        if stream_of(member.who.partition("/")[2]) is None:
            return self._is(member.who)
        row, cell = self._trusted(member.who, trusted)
        return self._named(cell) if row is not None and cell is not None and row.type in {"Practitioner", "Organization"} else None

    def _trusted(self, reference: str, trusted: AbstractSet[str]) -> tuple[ActorRow | None, Belonging | None]:
        row = self._rows.get(stream_of(reference.partition("/")[2]) or b"")
        if row is None or row.custodian not in trusted or f"{row.type}/{hub_id(row.stream)}" != reference:
            return None, None
        return row, self._opened(row)

    def _named(self, cell: Belonging) -> Answer:
        """Say whether a person or an office of the directory is the requester; one without a registered number may be anybody."""
        return _any([self._is(name) for name in cell.names]) if cell.names else None

    def _is(self, name: str) -> Answer:
        """Say whether a registered name is the requester's own, or of what its office is part of."""
        requester = self._meant.requester
        kind, _, number = name.partition("/")
        if kind == "Organization":
            surely = number == requester.organization or number in self._entities
            return True if surely else None if name in self._unsure else False
        return number == requester.person if kind == "Practitioner" and number else None

    def _load(self, references: Iterable[str]) -> None:
        streams = [s for r in references if (s := stream_of(r.partition("/")[2])) is not None and s not in self._asked]
        wanted = streams[: max(MOST - len(self._asked), 0)]
        self._asked.update(streams)
        self._rows.update(actors.of(self._tx, wanted, self._meant.position, self._meant.compartment))


def _any(answers: Iterable[Answer]) -> Answer:
    found: Answer = False
    for one in answers:
        if one:
            return True
        found = None if one is None else found
    return found


def _all(answers: Iterable[Answer]) -> Answer:
    found: Answer = True
    for one in answers:
        if one is False:
            return False
        found = None if one is None else found
    return found


def _within(span: Belonging | Member, at: int) -> bool:
    return (span.begins is None or span.begins <= at) and (span.ends is None or at < span.ends)
