"""A person's consents made ready once, to be asked many times: what is on file for a custodian changes only at known moments."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime

from consent.ask import Network
from consent.capacity import Capacity, turns, turns_of
from consent.rules import CONFIRMATION, Directive
from consent.selecting import Selected, confirmed_until, select


class Held:
    """All consents of one person, of every linked Patient, under one edition of the rules. To be made anew when one of them moves."""

    __slots__ = ("_found", "_turns", "capacity", "directives", "network")

    def __init__(self, directives: Sequence[Directive], network: Network, capacity: Sequence[Capacity] = ()) -> None:
        self.directives, self.network, self.capacity = tuple(directives), network, tuple(capacity)
        self._turns = sorted({*turns(self.capacity, network), *(turn for d in self.directives for turn in _turns(d, network))})
        self._found: dict[tuple[str, int], Selected] = {}

    def on_file(self, custodian: str, at: datetime) -> Selected:
        """Give what is on file for a custodian's record at a moment."""
        name = (custodian, bisect_right(self._turns, at))
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = select(custodian, self.directives, self.network, at, self.capacity)
        return found


def _turns(d: Directive, network: Network) -> Iterator[datetime]:
    """Give the moments at which it begins or ceases to speak."""
    yield d.at
    yield from (at for at in (d.root.begins, d.root.ends, d.proxy_until) if at is not None)
    if d.policy_uri == CONFIRMATION:
        yield confirmed_until(d, network)
    yield from turns_of(d, network)
