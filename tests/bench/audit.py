"""The officer's long answers: the signed print of a hundred thousand provisions, and the scope of a breach over millions of decisions.

Rows are put straight into the tables of a store of its own: what is measured is reading, summing up, printing and signing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from consent.ask import Requester
from hub.assemble import Hub, assemble
from hub.commands import Asking
from hub.log.opening import open_store
from hub.log.store import Store
from hub.names import reference
from hub.tables import decisions, provisions, scopes
from schemas.provision import ProvisionRow
from tests.bench.figures import Figure, against, median
from tests.bench.region import EMERGENCY, HOSPITAL, NETWORK, OFFICE, STATION, region

LINES = 100_000
NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
OFFICES = (HOSPITAL, EMERGENCY, STATION, OFFICE)
TYPES = ("AllergyIntolerance", "CarePlan", "Condition", "Encounter", "MedicationRequest", "Observation", "Procedure")
PERSONS = 100_000
_PATIENT = b"p" * 16


def printing(folder: Path, rounds: int) -> Iterator[Figure]:
    """Measure `audit.print335`: JSON and PDF, both signed, of one person's LINES provisions, in seconds."""
    hub = assemble(data=folder / "data", region=region(), base="http://hub.bench", adapters=(), now=lambda: NOW, followers=False)
    try:
        asking = Asking(Requester(NETWORK, "network", "privacy-officer", "officer"), "HCOMPL", "bench", "audit")
        hub.provided.of_person(asking, _PATIENT, None, None, "pdf", "測定")  # loads what is loaded once
        hub.writer.work(lambda tx: provisions.add(tx, list(_lines()))).result()
        took = [_printed(hub, asking) for _ in range(rounds)]
    finally:
        hub.close()
    yield against("audit.print335", median(took), "s", "goal", 2.0)


def _printed(hub: Hub, asking: Asking) -> float:
    begun = time.perf_counter()
    made = hub.provided.of_person(asking, _PATIENT, None, None, "pdf", "測定")
    seconds = time.perf_counter() - begun
    if len(made) < 1_000_000:
        raise RuntimeError("the print is not whole")
    return seconds


def _lines() -> Iterator[ProvisionRow]:
    """Give provisions of five years: each of another minute, of one of four organizations to another."""
    draw = random.Random(1)
    grounds = (("P-EXPLICIT", "JP-CONSENT"), ("P-OWN", "JP-SAME-ENTITY"), ("P-EXPLICIT", "JP-CARE-WRITTEN"), ("P-BTG", "JP-EMERG"))
    begin = int((NOW - timedelta(days=5 * 365)).timestamp() * 1000)
    for number in range(LINES):
        items = " ".join(f"{kind}:{draw.randint(1, 30)}" for kind in sorted(draw.sample(TYPES, draw.choice((1, 1, 1, 2, 3)))))
        yield ProvisionRow(
            1, number, reference(), begin + number * 1_500_000, _PATIENT, draw.choice(OFFICES), draw.choice(OFFICES), "hospital",
            draw.choice(("", "u1", "u2")), draw.choice(("doctor", "nurse", "system")), "TREAT", draw.choice(("read", "search", "view", "deliver")),
            draw.choice(("permit", "permit", "redact")), *draw.choice(grounds), items, f"Consent/tsu-{'a' * 26}/{draw.randint(1, 4)}", "",
            "2026-04-01",
        )  # fmt: skip


def scope(folder: Path, rounds: int, millions: int) -> Iterator[Figure]:
    """Measure `audit.breach10m` (or of fewer million): whose data left by so many decisions about PERSONS persons, in seconds."""
    store = open_store(folder / "decisions.db")
    try:
        count = millions * 1_000_000
        _fill(store, count)
        took = []
        for _ in range(rounds):
            begun = time.perf_counter()
            with store.read() as tx:
                found = scopes.summed(tx, scopes.Wanted(0, 10 * count))
            took.append(time.perf_counter() - begun)
            if len(found.persons) != PERSONS or not 0.9 * count < found.decisions < count:
                raise RuntimeError("the scope is not whole")
    finally:
        store.close()
    yield against(f"audit.breach{millions}m", median(took), "s", "goal", 3.0 * millions)


def _fill(store: Store, count: int) -> None:
    """Put decisions in: one in fifty refused, all others giving one to three types."""
    draw = random.Random(1)
    persons = [draw.randbytes(16) for _ in range(PERSONS)]
    given = [f"Observation:{i}" for i in range(1, 41)] + [
        "Condition:2",
        "Condition:2 Observation:5",
        "Encounter:1",
        "MedicationRequest:3 Patient:1",
    ]
    given += [*given[:4], ""]
    store.make_tables([s for s in decisions.SCHEMA if s.startswith("CREATE TABLE")])
    for begin in range(0, count, 100_000):
        rows = [
            (
                p + 1, f"{p:09}", 10 * p, persons[p % PERSONS] if p < PERSONS else draw.choice(persons), OFFICES[p % 4], f"u{p % 300}" if p % 3 else "",
                "doctor", "TREAT", "read", "permit", "P-EXPLICIT", "JP-CONSENT", "", "", given[0] if p < PERSONS else draw.choice(given), OFFICES[p % 3],
            )
            for p in range(begin, begin + 100_000)
        ]  # fmt: skip
        with store.write() as tx:
            tx.insert("decisions", decisions.COLUMNS, rows)
    store.make_tables([s for s in decisions.SCHEMA if "decisions_at" in s])
