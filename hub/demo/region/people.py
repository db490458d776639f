"""Persons of the region: who they are, and under which numbers each organization knows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any

from hub.demo.region.clock import Clock
from hub.demo.region.tables import keyed, office

INSURER = "119990"
"""保険者番号 of ひばり野市 (invented, right check digit)."""


@dataclass(frozen=True, slots=True)
class Person:
    """One person. `insured` is the 被保険者番号, empty when there is none; `numbers`: alias of an organization → its own number."""

    key: str
    purpose: str
    family: str
    given: str
    family_kana: str
    given_kana: str
    sex: str
    birth: date
    postal: str
    address: str
    phone: str
    insured: str = ""
    level: str = ""
    """要介護状態区分, two digits; empty when not certified."""
    level_from: date | None = None
    level_until: date | None = None
    numbers: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Give the name in kanji with a blank."""
        return f"{self.family} {self.given}"

    @property
    def kana(self) -> str:
        """Give the name in kana with a blank."""
        return f"{self.family_kana} {self.given_kana}"

    @property
    def pair(self) -> str:
        """Give `保険者番号:被保険者番号`; empty when the person has no number."""
        return f"{INSURER}:{self.insured}" if self.insured else ""


@dataclass(frozen=True, slots=True)
class Case:
    """A person with all that organizations know and will hand in.

    `spec` holds the parts as the files of the story write them: `charts` (FHIR), `plan`, `nursing`, `stays`, `registered`, `consents`.
    """

    person: Person
    spec: Mapping[str, Any]

    def part(self, name: str) -> Any:
        """Give a part of the spec; an empty list or None when it is not there."""
        return self.spec.get(name, [] if name in {"stays", "consents", "registered"} else {} if name == "charts" else None)


def organizations_of(spec: Mapping[str, Any]) -> list[str]:
    """Give the aliases of the organizations that keep something of the person, in a fixed order."""
    found = {*spec.get("registered", ()), *spec.get("charts", {}), *(stay["hospital"] for stay in spec.get("stays", ()))}
    if spec.get("plan"):
        found.add(spec["plan"]["office"])
    if spec.get("nursing"):
        found.add(spec["nursing"]["station"])
    return [alias for alias in keyed("organizations", "alias") if alias in found]


def cast(specs: list[Mapping[str, Any]], clock: Clock, rng: Random) -> list[Case]:
    """Make the cases of these specs: numbers are drawn from `rng`, each once within its organization."""
    numbers = _Numbers(rng)
    return [Case(_person(spec, clock, numbers), spec) for spec in specs]


def _person(spec: Mapping[str, Any], clock: Clock, numbers: _Numbers) -> Person:
    own = {alias: numbers.local(alias) for alias in organizations_of(spec)}
    for alias, other in spec.get("same_number", {}).items():
        own[alias] = numbers.given[other]
    numbers.given.update({f"{spec['key']}@{alias}": number for alias, number in own.items()})
    level = spec.get("level", {})
    return Person(
        key=spec["key"],
        purpose=spec["purpose"],
        family=spec["family"],
        given=spec["given"],
        family_kana=spec["family_kana"],
        given_kana=spec["given_kana"],
        sex=spec["sex"],
        birth=clock.born(spec["age"], spec["birthday"]),
        postal=spec["postal"],
        address=f"ひばり野市{spec['address']}",
        phone=spec.get("phone", ""),
        insured=numbers.insured(public=bool(spec.get("public_assistance"))) if spec.get("insured", True) else "",
        level=level.get("code", ""),
        level_from=clock.day(level["from"]) if level else None,
        level_until=clock.day(level["until"]) if level else None,
        numbers=own,
    )


class _Numbers:
    """Draws numbers, none twice: a hospital's ten digits, other offices' short ones, 被保険者番号."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._used: set[tuple[str, str]] = set()
        self.given: dict[str, str] = {}
        """`key@alias` → the number given."""

    def local(self, alias: str) -> str:
        kind = office(alias)["kind"]
        if kind == "hospital":
            return self._once(alias, lambda: f"{self._rng.randrange(100_000, 999_999):010}")
        if kind == "visiting-nurse":
            return self._once(alias, lambda: f"U-{self._rng.randrange(1, 9_999):04}")
        return self._once(alias, lambda: f"{self._rng.randrange(10_000, 99_999):06}")

    def insured(self, *, public: bool) -> str:
        form = "H{:09}" if public else "{:010}"
        return self._once("insured", lambda: form.format(self._rng.randrange(1_000_000, 9_999_999)))

    def _once(self, space: str, draw: Any) -> str:
        while True:
            drawn: str = draw()
            if (space, drawn) not in self._used:
                self._used.add((space, drawn))
                return drawn


def holders(cases: list[Case], alias: str) -> Iterator[Case]:
    """Give the cases that an organization keeps something of."""
    return (case for case in cases if alias in case.person.numbers)
