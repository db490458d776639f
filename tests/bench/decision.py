"""A consent decision on one resource and on a Bundle of 1,000, beside the same questions put to Cedar, a general engine of rules."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

import orjson

from consent.ask import Ask, Record, Requester
from consent.decide import decide
from consent.directive import Directive, normalise
from consent.held import Held
from consent.labels import label
from consent.networks import default_network
from schemas.fhir import facts
from schemas.fhir.resource import read
from schemas.ids import INSTITUTION
from tests.bench.cedar import Cedar
from tests.bench.figures import Figure, against, median, percentile
from tests.bench.load import TERMS, Chart, Tree
from tests.bench.persons import consent
from tests.bench.region import EMERGENCY, HOSPITAL, OFFICE, STATION

PERSONS = 100
BUNDLE = 1_000
Person = tuple[tuple[Directive, ...], Sequence[Record]]


def figures(rounds: int) -> Iterator[Figure]:
    """Measure decisions of another hospital on 50 resources of each of 100 persons, each with a written consent of its own.

    `consent.decision.compiled` is the median of single decisions and `.p99` their 99th percentile, in µs; `consent.bundle1000` what it takes to
    sort out 1,000 resources of one person, in ms. Cedar judges the same; that both give the same number is checked first.
    """
    now, network = datetime(2026, 11, 24, 1, 0, tzinfo=UTC), default_network()
    ask = Ask(Requester(EMERGENCY, "hospital", "doctor", "doctor"), "TREAT", now)
    persons = list(_persons(now))
    cedar = [Cedar(ask, directives[0], records, network) for directives, records in persons]
    for (directives, records), other in zip(persons, cedar, strict=True):
        ours, theirs = sum(decide(ask, r, directives, network).effect != "deny" for r in records), other.given()
        if ours != theirs:
            raise RuntimeError(f"{ours} resources are given, by Cedar {theirs}")
    made_ready = [(Held(directives, network), records) for directives, records in persons]
    asked = [(record, held) for held, records in made_ready for record in records]
    random.Random(1).shuffle(asked)
    middle, high, judged = [], [], []
    for _ in range(rounds):
        taken = []
        for record, held in asked:
            begun = time.perf_counter_ns()
            decide(ask, record, held, network)
            taken.append((time.perf_counter_ns() - begun) / 1_000)
        middle.append(median(taken))
        high.append(percentile(taken, 0.99))
        begun = time.perf_counter_ns()
        for other in cedar:
            other.given()
        judged.append((time.perf_counter_ns() - begun) / 1_000 / len(asked))
    yield against("consent.decision.compiled", median(middle), "µs", "cedar", median(judged))
    yield against("consent.decision.compiled.p99", median(high), "µs", "goal", 50.0)
    yield from _bundle(ask, persons[0][0], rounds)


def _bundle(ask: Ask, directives: tuple[Directive, ...], rounds: int) -> Iterator[Figure]:
    network, records = default_network(), []
    while len(records) < BUNDLE:
        records += [_record(r, directives[0].patient) for r in Chart(f"bundle {len(records)}").resources()]
    cedar = Cedar(ask, directives[0], records[:BUNDLE], network)
    taken, judged = [], []
    for _ in range(rounds):
        begun = time.perf_counter()
        held = Held(directives, network)  # as for somebody of whom nothing was asked before
        given = [r for r in records[:BUNDLE] if decide(ask, r, held, network).gives]
        taken.append((time.perf_counter() - begun) * 1_000)
        begun = time.perf_counter()
        theirs = cedar.given()
        judged.append((time.perf_counter() - begun) * 1_000)
        if len(given) != theirs:
            raise RuntimeError(f"{len(given)} resources are given, by Cedar {theirs}")
    yield against("consent.bundle1000", median(taken), "ms", "cedar", median(judged))


def _persons(now: datetime) -> Iterator[Person]:
    for number in range(PERSONS):
        patient = f"Patient/tsu-{number}"
        body = read(orjson.dumps(_signed(number)), expected_type="Consent").value
        directive = normalise(body, consent=f"Consent/tsu-{number}", version=1, patient=patient, custodian=OFFICE, now=now)
        yield (directive,), [_record(r, patient) for r in Chart(f"decision {number}").resources()]


def _signed(number: int) -> Tree:
    """Give one of four: plain; without one organization; without psychiatry; for named organizations up to a day."""
    made = consent(number)
    provision = made["provision"]
    if number % 4 == 1:
        provision["provision"] = [{"type": "deny", "actor": [_recipient(STATION)]}]
    elif number % 4 == 2:
        sensitive = {"system": f"{TERMS}v3-ActCode", "code": "PSY"}
        level = {"system": f"{TERMS}v3-Confidentiality", "code": "U"}
        provision["provision"] = [{"type": "deny", "securityLabel": [sensitive, level]}]
    elif number % 4 == 3:
        provision["actor"] = [_recipient(EMERGENCY), _recipient(STATION)]
        provision["period"] = {"start": "2026-01-05", "end": "2027-03-31"}
    return made


def _recipient(code: str) -> Tree:
    role = {"coding": [{"system": f"{TERMS}v3-ParticipationType", "code": "IRCP"}]}
    return {"role": role, "reference": {"identifier": {"system": INSTITUTION, "value": code}}}


def _record(tree: dict[str, object], patient: str) -> Record:
    kind = str(tree["resourceType"])
    codes = facts.main_codes(kind, tree)
    begins, ends = facts.clinical_days(kind, tree)
    return Record(
        custodian=HOSPITAL, type=kind, id=f"{kind}/{tree['id']}", patient=patient, labels=label(kind, codes=codes, security=frozenset()),
        begins=begins if isinstance(begins, date) else None, ends=ends if isinstance(ends, date) else None, codes=codes,
    )  # fmt: skip
