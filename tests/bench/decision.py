"""A consent decision on one resource, in µs, beside a look-up in a dict and a set: what it would cost if nothing had to be decided."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

import orjson

from consent.ask import Ask, Record, Requester
from consent.decide import decide
from consent.directive import Directive, normalise
from consent.labels import label
from consent.network import default_network
from schemas.fhir import facts
from schemas.fhir.resource import read
from tests.bench.figures import Figure, against, median
from tests.bench.load import Chart
from tests.bench.persons import consent
from tests.bench.region import EMERGENCY, HOSPITAL, OFFICE

PERSONS = 100


def figures(rounds: int) -> Iterator[Figure]:
    """Measure decisions of another hospital on 50 resources of each of 100 persons, each with a written consent of its own."""
    now, network = datetime(2026, 11, 24, 1, 0, tzinfo=UTC), default_network()
    ask = Ask(Requester(EMERGENCY, "hospital", "doctor", "doctor"), "TREAT", now)
    asked = [(record, (directive,)) for directive, records in _persons(now) for record in records]
    random.Random(1).shuffle(asked)
    allowed = {record.patient: {("hospital", "TREAT", "N")} for record, _ in asked}
    given = sum(decide(ask, record, directives, network).gives for record, directives in asked)
    if given < len(asked) // 2:
        raise RuntimeError(f"{given} of {len(asked)} resources are given")
    taken, looked = [], []
    for _ in range(rounds):
        begun = time.perf_counter()
        for record, directives in asked:
            decide(ask, record, directives, network)
        taken.append((time.perf_counter() - begun) / len(asked))
        begun = time.perf_counter()
        for record, _ in asked:
            ("hospital", "TREAT", "N") in allowed.get(record.patient, ())
        looked.append((time.perf_counter() - begun) / len(asked))
    yield against("decision.resource", median(taken) * 1e6, "µs", "dict-look-up", median(looked) * 1e6)


def _persons(now: datetime) -> Iterator[tuple[Directive, list[Record]]]:
    for number in range(PERSONS):
        patient = f"Patient/tsu-{number}"
        body = read(orjson.dumps(consent(number)), expected_type="Consent").value
        directive = normalise(body, consent=f"Consent/tsu-{number}", version=1, patient=patient, custodian=OFFICE, now=now)
        yield directive, [_record(r, patient) for r in Chart(f"decision {number}").resources()]


def _record(tree: dict[str, object], patient: str) -> Record:
    kind = str(tree["resourceType"])
    codes = facts.main_codes(kind, tree)
    begins, ends = facts.clinical_days(kind, tree)
    return Record(
        custodian=HOSPITAL, type=kind, id=f"{kind}/{tree['id']}", patient=patient, labels=label(kind, codes=codes, security=frozenset()),
        begins=begins if isinstance(begins, date) else None, ends=ends if isinstance(ends, date) else None, codes=codes,
    )  # fmt: skip
