"""Two hubs asked the same, one question after the other; whatever differs is told with the question."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

from tests.hub.doors import grammar_desk, grammar_fhir, grammar_rest
from tests.hub.doors.asking import Answer, Question, ask
from tests.hub.doors.grammar import GRAMMAR, Draw, guessed, ids
from tests.hub.doors.kafka import content_keys, sent
from tests.hub.world import HOSPITAL, NETWORK, NOW, OFFICE, World

assert all((grammar_desk, grammar_fhir, grammar_rest))  # they fill GRAMMAR
OFFICERS = frozenset({NETWORK, "officer", "clerk"})
OPEN: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(OFFICERS, frozenset({"office", "audit", "erasures", "links", "disclosure"})),
    HOSPITAL: frozenset({"hand_in"}), OFFICE: frozenset({"refused"}), "doctor": frozenset({"confirmations", "visits"}), "person": frozenset({"own"}),
}  # fmt: skip
"""Who asks certain doors several times as often as the others do, to whom they are closed or of no use."""
OFTEN = 4
SEEK = 1_500
SETTLE = 200
"""Questions after which the followers run."""


@dataclass(slots=True)
class Compared:
    """What was asked: requests by generator, by route, and those that were answered with something (2xx, 3xx) by route."""

    asked: Counter[str] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    given: Counter[str] = field(default_factory=Counter)
    difference: tuple[int, str, Question, Answer, Answer] | None = None
    broken: list[Question] = field(default_factory=list)
    """Questions at which the hub failed (500)."""
    records: int = 0
    """Kafka records to all askers, before they asked anything."""
    same_records: bool = True
    """Of these and of those at the beginning, with the numbers that they bring every organization to."""

    @property
    def found(self) -> bool:
        """Say whether the two worlds can be told apart."""
        return self.difference is not None or not self.same_records

    def __str__(self) -> str:
        if self.difference is None:
            return "no difference" if self.same_records else "other Kafka records"
        number, by, question, here, there = self.difference
        return f"question {number} by {by or 'nobody'}: {question}\n{_apart(here, there)}"


def _apart(here: Answer, there: Answer) -> str:
    at = next((i for i, (a, b) in enumerate(zip(here.body, there.body, strict=False)) if a != b), min(len(here.body), len(there.body)))
    heads = f"{here.status} {set(here.headers) - set(there.headers)}\n{there.status} {set(there.headers) - set(here.headers)}"
    return f"{heads}\nat byte {at}:\n{here.body[max(at - 200, 0) : at + 200]!r}\n{there.body[max(at - 200, 0) : at + 200]!r}"


def compare(
    one: World, two: World, askers: Sequence[str], *, seed: int, count: int, generators: Sequence[str] = (), told: Callable[[Answer], Answer] = lambda a: a,
    seek: Mapping[str, str] = MappingProxyType({}),
) -> Compared:  # fmt: skip
    """Ask both `count` questions, each at its own second, and stop at the first difference.

    `seek` = doors (with their generators) that are to give something: while one has not, up to SEEK questions more are asked for it.

    `generators` = of these alone; `told` = what of an answer is compared (a named exception is taken out there, and nowhere else).
    """
    names = [name for name in GRAMMAR if not generators or name in generators]
    weights = {by: [GRAMMAR[name][0] * (OFTEN if name in OPEN.get(by, ()) else 1) for name in names] for by in askers}
    dice = random.Random(seed)
    known, hidden = ids(one, two), guessed(two, askers)
    draws = {by: Draw(dice, known, hidden, by) for by in askers}
    shown, forms = next(iter(draws.values())).shown, next(iter(draws.values())).forms
    for draw in draws.values():
        draw.shown, draw.forms = shown, forms  # what one was shown, another may try
    codes = sorted({by for by in askers if by in one.hub.region.offices})
    laid = [sent(w, codes, seed=f"kafka/{seed}") for w in (one, two)]
    shown["key"] = content_keys(laid[0])
    done = Compared()

    def drawn(number: int) -> tuple[str, str]:
        """Give who asks and by which generator; after `count` questions such as lead to a door that has given nothing yet."""
        if number < count:
            by = askers[number % len(askers)]
            return by, dice.choices(names, weights[by])[0]
        door = dice.choice([one for one in seek if not done.given[one]])
        by = dice.choices(askers, [OFTEN if seek[door] in OPEN.get(by, ()) else 1 for by in askers])[0]
        draws[by].aim = door
        return by, seek[door]

    async def run() -> None:
        number = -1
        while (number := number + 1) < count or (number < count + SEEK and any(not done.given[door] for door in seek)):
            by, name = drawn(number)
            question = GRAMMAR[name][1](draws[by])
            for w in (one, two):
                w.moment[0] = NOW + timedelta(hours=2, seconds=number)
            here, there = await asyncio.gather(*(ask(w, question, by=by, seed=f"{seed}/{number}") for w in (one, two)))
            done.asked[name] += 1
            done.routes[here.route] += 1
            done.given[here.route] += here.status < 400
            if here.status == 500:
                done.broken.append(question)
            if told(here) != told(there):
                done.difference = number, by, question, told(here), told(there)
                return
            draws[by].saw(here)
            if number % SETTLE == SETTLE - 1:
                await asyncio.to_thread(one.settle)
                await asyncio.to_thread(two.settle)

    one.loop.run_until_complete(run())
    laid += [sent(w, codes, seed=f"kafka again/{seed}") for w in (one, two)]
    done.records = len(laid[0].records)
    done.same_records = all((a.records, a.positions) == (b.records, b.positions) for a, b in (laid[:2], laid[2:]))
    return done
