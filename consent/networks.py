"""The rules of a network through time: dated editions, each decision taken by the one that held at its moment."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from consent.ask import NO_RULES, Network
from consent.network import PARTS, day, read_network
from consent.times import midnight
from schemas.errors import Broken

Tree = Mapping[str, Any]
_OF_AN_OVERLAY = frozenset({"edition", "since", "source"})
"""What a region's own edition must say itself; every other part it may leave to the program's edition."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition: as a decision reads it, and as it is written."""

    network: Network
    tree: Tree


class Networks:
    """The editions of a region, oldest first."""

    def __init__(self, editions: Iterable[Edition]) -> None:
        self.editions = tuple(sorted(editions, key=lambda e: e.network.since))
        self._by_name = {e.network.version: e.network for e in self.editions}
        self._begins = [midnight(e.network.since) for e in self.editions]
        self._networks = [e.network for e in self.editions]

    def at(self, moment: datetime) -> Network:
        """Give the edition that held at a moment; before the first one `NO_RULES`, under which nothing is given."""
        place = bisect_right(self._begins, moment)
        return self._networks[place - 1] if place else NO_RULES

    def edition(self, name: str) -> Network | None:
        """Give the edition that a recorded decision names; None when its file is not there any more."""
        return self._by_name.get(name)


def read_networks(own: Mapping[str, str]) -> Networks:
    """Lay a region's own dated files (name → text) over the editions that come with the program.

    A region's file holds `edition`, `since`, `source` and the parts that it says otherwise: of an object only the keys that it names, a list
    as a whole. Each holds from its day until the next one of the region, over whatever edition of the program holds, under the name
    `<program's>+<its own>`. Raises Broken (HUB-3051) naming file and place.
    """
    program = _dated(_delivered())
    region = _dated(own)
    for name, tree in region:
        for part in sorted(_OF_AN_OVERLAY - tree.keys()) + sorted(tree.keys() - PARTS):
            raise _wrong(name, part)
    made = []
    for since in sorted({tree["since"] for _, tree in (*program, *region)}):
        below = [(name, tree) for name, tree in program if tree["since"] <= since]
        above = [(name, tree) for name, tree in region if tree["since"] <= since]
        if not below:
            raise _wrong(above[-1][0], "since")
        name, tree = below[-1]
        if above:
            name, tree = above[-1][0], _laid_over(tree, above[-1][1], since)
        try:
            made.append(Edition(read_network(tree), tree))
        except Broken as fault:
            raise _wrong(name, fault.issues[0].where) from fault
    return Networks(made)


@cache
def delivered() -> Networks:
    """Give the editions that come with the program."""
    return read_networks({})


def default_network() -> Network:
    """Give the newest edition that comes with the program."""
    return delivered().editions[-1].network


def _delivered() -> dict[str, str]:
    folder = files("consent").joinpath("data/networks")
    return {one.name: one.read_text(encoding="utf-8") for one in folder.iterdir() if one.name.endswith(".json")}


def _dated(texts: Mapping[str, str]) -> list[tuple[str, Tree]]:
    """Read files, oldest first: each is named for its first day, and no day has two."""
    found: list[tuple[str, Tree]] = []
    for name, text in sorted(texts.items()):
        try:
            tree = json.loads(text)
        except ValueError as fault:
            raise _wrong(name, "") from fault
        if not isinstance(tree, dict):
            raise _wrong(name, "")
        try:
            since = day(tree, "since")
        except Broken as fault:
            raise _wrong(name, "since") from fault
        if name != f"{since.isoformat()}.json":
            raise _wrong(name, "since")
        edition = tree.get("edition")
        if not isinstance(edition, str) or not edition or "+" in edition or edition in {one["edition"] for _, one in found}:
            raise _wrong(name, "edition")
        found.append((name, tree))
    return found


def _laid_over(below: Tree, above: Tree, since: str) -> Tree:
    """Give the program's edition with what the region says otherwise."""
    made: dict[str, Any] = {**below, "edition": f"{below['edition']}+{above['edition']}", "since": since}
    for part, value in above.items():
        if part == "source":
            made[part] = f"{below['source']}; {value}"
        elif part not in _OF_AN_OVERLAY:
            made[part] = {**below[part], **value} if isinstance(value, dict) and isinstance(below.get(part), dict) else value
    return made


def _wrong(file: str, place: str) -> Broken:
    return Broken("HUB-3051", where=f"{file}: {place}" if place else file)
