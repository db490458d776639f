"""Whose data left by which decisions, summed up over a stretch of the record: 「だれの、何が」 of a suspected breach (Art. 26).

Ten million decisions are gone through in the order of the log, some thousand at a time; what is kept of a person is four numbers.
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import NamedTuple

from hub.log.store import Tx

AT_ONCE = 2_000
"""Positions of the log."""


class Wanted(NamedTuple):
    """Which decisions. Times in milliseconds, `until` exclusive; empty = any. `application` = of an organization's own application alone.

    `types` = types of resources of which at least one has to have left; `references` = these decisions alone.
    """

    since: int
    until: int
    organization: str = ""
    user: str = ""
    application: bool = False
    sessions: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


class Part(NamedTuple):
    """One kind of answer: types of what left, whose it was, who got it. Codes, as the row of a decision has them, parted by blanks."""

    types: str
    custodians: str
    organization: str


class Found(NamedTuple):
    """What left of one person: by how many decisions, when first and last (milliseconds), and by which parts (places in `Summed.parts`)."""

    person: bytes
    decisions: int
    first: int
    last: int
    parts: tuple[int, ...]


class Summed(NamedTuple):
    """All persons, by the id under which decisions about them stand; `counts` = resources that left, by type; `decisions` = how many left something."""

    persons: list[Found]
    parts: list[Part]
    counts: dict[str, int]
    decisions: int


class _Kind:
    """One text of the columns given, custodians, organization: which part it belongs to, and how often it came."""

    __slots__ = ("bit", "times")

    def __init__(self, bit: int) -> None:
        self.bit, self.times = bit, 0


def summed(tx: Tx, by: Wanted) -> Summed:
    """Go through the record."""
    where, params = _where(by)
    sql = (
        "SELECT at, person, given, custodians, organization FROM decisions "
        f"WHERE position>? AND position<=? AND {' AND '.join(where)} ORDER BY position"
    )
    after, head = _bounds(tx, by)
    wanted = frozenset(by.types)
    kinds: dict[tuple[str, str, str], _Kind] = {}
    parts: dict[Part, int] = {}
    places: dict[bytes, int] = {}
    numbers, first, last, bits = array("q"), array("q"), array("q"), list[int]()
    for begin in range(after, head, AT_ONCE):
        for at, person, given, custodians, organization in tx.all(sql, (begin, min(begin + AT_ONCE, head), *params)):
            key = given, custodians, organization
            kind = kinds.get(key)
            if kind is None:
                kind = kinds[key] = _Kind(_bit(parts, given, custodians, organization, wanted))
            if not kind.bit:
                continue
            kind.times += 1
            place = places.get(person)
            if place is None:
                places[person] = len(numbers)
                numbers.append(1)
                first.append(at)
                last.append(at)
                bits.append(kind.bit)
            else:
                numbers[place] += 1
                last[place] = at
                bits[place] |= kind.bit
    counts: Counter[str] = Counter()
    for (given, _, _), kind in kinds.items():
        for one in given.split() if kind.bit else ():
            name, _, number = one.partition(":")
            counts[name] += int(number) * kind.times
    found = [Found(bytes(p), numbers[i], first[i], last[i], _places(bits[i])) for p, i in places.items()]
    return Summed(found, list(parts), dict(counts), sum(numbers))


def _bit(parts: dict[Part, int], given: str, custodians: str, organization: str, wanted: frozenset[str]) -> int:
    """Give the bit of a part; 0 for one of which nothing is wanted."""
    types = [one.partition(":")[0] for one in given.split()]
    if wanted and not wanted.intersection(types):
        return 0
    return 1 << parts.setdefault(Part(" ".join(types), custodians, organization), len(parts))


def _places(bits: int) -> tuple[int, ...]:
    return tuple(i for i in range(bits.bit_length()) if bits >> i & 1)


def _bounds(tx: Tx, by: Wanted) -> tuple[int, int]:
    """Give the positions between which the stretch lies, after the first and up to the second: by each of its decisions, for clocks may have differed."""
    first, last = tx.one("SELECT min(position), max(position) FROM decisions WHERE at>=? AND at<?", (by.since, by.until))
    return (int(first) - 1, int(last)) if first is not None else (0, 0)


def _where(by: Wanted) -> tuple[list[str], list[object]]:
    where, params = ["+at>=?", "+at<?", "given<>?"], [by.since, by.until, ""]  # type: tuple[list[str], list[object]]
    for column, text in (("organization", by.organization), ('"user"', by.user)):
        if text:
            where.append(f"{column}=?")
            params.append(text)
    if by.application:
        where.append('"user"=?')
        params.append("")
    for column, texts in (("session", by.sessions), ("reference", by.references)):
        if texts:
            where.append(f"{column} IN ({','.join('?' * len(texts))})")
            params += texts
    return where, params
