"""What an outsider asks: one generator for each kind of door, drawn with a seed, and the pool of what earlier answers showed.

A new door: write a function that gives a Question, mark it `@asks(weight)`, and name it in `doors.csv`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlencode

from hub.names import A_REFERENCE, MAIN, hub_id
from hub.tables import resources
from schemas.ids import KAIGO_INSURED
from tests.hub.doors.asking import Answer, Question
from tests.hub.doors.pasts import CASE
from tests.hub.doors.reading import Form, offers
from tests.hub.world import INSURED, World

TYPES = (
    "Patient", "Encounter", "Observation", "Condition", "Location", "Consent", "CarePlan", "Task", "AuditEvent", "Citation", "Practitioner",
    "Organization", "Group", "Person",
)  # fmt: skip
NUMBERS = (
    f"{KAIGO_INSURED}|{INSURED}", INSURED, f"{KAIGO_INSURED}|131016:0000099999", f"{KAIGO_INSURED}|131016:0000088888", "urn:example:o|o1",
    "urn:example:o|o5", "urn:example:o|o2", "urn:example:w|w1", "urn:example:w|w9", "nobody", "|o1", "urn:example:o|", "a,b",
)  # fmt: skip
OWN = ("u1", "p1", "s1", "x1", "c1", "c2", "e1", "o1", "o5", "d1", "k1", "k9", "v1", "w1", "mine0")
KEPT = 400
T = TypeVar("T")


@dataclass(slots=True)
class Draw:
    """The seed's dice, what can be known or guessed, and what was shown."""

    random: random.Random
    known: Sequence[str]
    """Ids of all that there is in any of the worlds: an outsider who knows how they are made has guessed them."""
    hidden: Sequence[str]
    """Opaque references that somebody else was given."""
    by: str = ""
    aim: str = ""
    """A door that is sought: a generator of several takes it first."""
    shown: dict[str, list[str]] = field(default_factory=dict)
    """Addresses and references that anybody outside was shown: a page link may be used by another client."""
    forms: list[Form] = field(default_factory=list)
    """Forms of pages that anybody outside was shown."""
    own: dict[str, list[str]] = field(default_factory=dict)
    """The same, by this asker."""

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def one(self, among: Sequence[T]) -> T:
        return self.random.choice(among)

    def id(self) -> str:
        """Give `Type/id`: of something that there is, of the asker's own, or of nothing."""
        kind = self.random.random()
        if kind < 0.6 and self.known:
            return self.one(self.known)
        if kind < 0.9:
            return f"{self.one(TYPES)}/{self.one(OWN)}"
        return f"{self.one(TYPES)}/{self.one(('tsu-' + 'a' * 25 + 'e', 'nobody', '%00', 'tsu-', 'a' * 65))}"

    def patient(self) -> str:
        """Give a Patient."""
        found = [k for k in self.known if k.startswith("Patient/")]
        return self.one([*found, "Patient/u1", "Patient/u1", "Patient/p1", "Patient/x1", "Patient/nobody"])

    def seen(self, what: str) -> str:
        """Give what the asker was shown, or another, or nobody outside; nonsense when there is nothing."""
        if self.maybe(0.5) and (own := self.own.get(what)):
            return self.one(own)
        pool = [*self.shown.get(what, ()), *self.hidden]
        return self.one(pool) if pool else "a" * 26

    def saw(self, answer: Answer) -> None:
        """Take in what an answer shows."""
        text = answer.text
        page, forms = offers(text) if ("content-type", "text/html; charset=utf-8") in answer.headers else ([], [])
        self.forms += [form for form in forms if form not in self.forms]
        del self.forms[:-KEPT]
        found = {
            "next": re.findall(r'"relation":"next","url":"http://hub\.test([^"]+)"', text),
            "address": page,
            "person": re.findall(r'(?:/emergency/|name="person" value="|person=|"person":")([a-z2-7]{20,})', text),
            "reference": re.findall(r'"reference":"([a-z2-7]{20,})"', text) + re.findall(r'name="reference" value="([a-z2-7]{20,})"', text),
            "episode": re.findall(r'name="episode" value="([^"]+)"', text) + re.findall(r"episode=([^\"&#]+)", text),
            "decision": re.findall(rf"\b({A_REFERENCE})\b", text),
            "event": re.findall(r'"AuditEvent","id":"([^"]+)"', text),
        }
        for what, values in found.items():
            for held in (self.shown.setdefault(what, []), self.own.setdefault(what, [])):
                held += [v for v in dict.fromkeys(v.replace("&amp;", "&") for v in values) if v not in held]
                del held[:-KEPT]


Asks = Callable[[Draw], Question]
GRAMMAR: dict[str, tuple[int, Asks]] = {}
"""Name → weight and generator."""


def asks(weight: int) -> Callable[[Asks], Asks]:
    """Register a generator under its name."""

    def registered(ask: Asks) -> Asks:
        GRAMMAR[ask.__name__] = weight, ask
        return ask

    return registered


def get(name: str, address: str, **headers: str) -> Question:
    """Make a GET."""
    return Question(name, "GET", address, tuple((k.replace("_", "-"), v) for k, v in headers.items()))


def query(path: str, pairs: Sequence[tuple[str, str]]) -> str:
    """Make an address."""
    return f"{path}?{urlencode(pairs)}" if pairs else path


def ids(*worlds: World) -> list[str]:
    """Give the hub's ids of all that there is in these hubs, of every compartment."""
    found = set()
    for w in worlds:
        with w.hub.store.read() as tx:
            streams = {bytes(r[0]) for r in tx.all("SELECT stream FROM resources")}
            rows = [resources.newest(tx, s) or resources.newest(tx, s, CASE) for s in streams]
        found |= {f"{row.type}/{hub_id(row.stream)}" for row in rows if row is not None}
    return sorted(found)


def guessed(w: World, askers: Sequence[str]) -> list[str]:
    """Give references that the hub gave to others than these: of every person, and of refused messages; those of other compartments too."""
    opaque = w.hub.opaque
    with w.hub.store.read() as tx:
        persons = {bytes(r[0]) for r in tx.all("SELECT patient FROM resources")} - {b""}
        refused = [
            (r[0], bytes(r[1]))
            for r in tx.all("SELECT custodian, reference, compartment FROM refusals")
            if r[2] != MAIN or r[0] not in askers
        ]
    others = [code for code in w.hub.region.offices if code not in askers] or [""]
    told = [opaque.shut("person", code, person) for person in sorted(persons) for code in others[:2]]
    return [*told, *(opaque.shut("refusal", code, reference) for code, reference in refused)]
