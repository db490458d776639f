"""How long a loop goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

TRIES = 5
"""A turn in which nothing was in flight proves nothing, and is done again: so many times."""


@dataclass(slots=True)
class Turn:
    """One round of a loop. `flying` = what was under way when it broke; with nothing it does not count."""

    number: int
    flying: int = 0


@dataclass(frozen=True, slots=True)
class Effort:
    """So many rounds, or as many as there are within so many seconds when that is more."""

    rounds: int = 1
    seconds: float = 0.0

    def each(self) -> Iterator[int]:
        """Give the numbers of the rounds."""
        until = time.monotonic() + self.seconds
        number = 0
        while number < self.rounds or time.monotonic() < until:
            yield number
            number += 1

    def turns(self) -> Iterator[Turn]:
        """Give turns until so many have counted."""
        until = time.monotonic() + self.seconds
        number = counted = empty = 0
        while counted < self.rounds or time.monotonic() < until:
            turn = Turn(number)
            yield turn
            number += 1
            counted += turn.flying > 0
            empty = 0 if turn.flying else empty + 1
            assert empty < TRIES, "nothing was in flight at any of the breaks: they prove nothing"
