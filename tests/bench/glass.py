"""Breaking the glass: from the form to the session, with the normal path decided for all that is kept of a person, and everything recorded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson

from consent.ask import Requester
from hub.assemble import Hub, assemble
from hub.commands import Asking
from hub.tables import identities
from tests.bench.figures import Figure, against, percentile
from tests.bench.client import one, request
from tests.bench.persons import RICH, consent, insured
from tests.bench.process import Served
from tests.bench.region import DOCTOR, EMERGENCY, OFFICE, region

GOAL = 300.0
_REASON = "測定のための緊急開示です。"


def withdraw(served: Served) -> None:
    """Take the person's consent back, so that there is something to break the glass for."""
    tree = {**consent(RICH), "status": "inactive"}
    one(served.port, request("PUT", f"/fhir/Consent/{tree['id']}", token=served.tokens[OFFICE], body=orjson.dumps(tree)))


def figures(folder: Path, rounds: int) -> Iterator[Figure]:
    """Open and close again and again for the person of whom much is known, over a folder whose hub has ended; milliseconds of an opening."""
    hub = assemble(data=folder, region=region(), base="http://127.0.0.1", adapters=(), now=lambda: datetime.now(UTC), followers=False)
    try:
        took = list(_opened(hub, rounds * 20))
    finally:
        hub.close()
    yield against("breakglass.open", percentile(took, 0.5) * 1e3, "ms", "goal", GOAL)
    yield against("breakglass.open.p99", percentile(took, 0.99) * 1e3, "ms", "goal", GOAL)


def _opened(hub: Hub, times: int) -> Iterator[float]:
    with hub.store.read() as tx:
        (patient, *_) = identities.by_token(tx, hub.secrets.token("insured", insured(RICH)))
        person = identities.person_of(tx, patient)
    asking = Asking(Requester(EMERGENCY, "hospital", "doctor", DOCTOR), "TREAT", "bench", "emergency", login="bench")
    clock = [time.time()]
    hub.breaking._second._seconds = lambda: clock[0]  # codes that do not make the bench wait for half a minute each
    for _ in range(times):
        clock[0] += 60
        code = hub.breaking.code(DOCTOR)
        begun = time.perf_counter()
        session = hub.breaking.open(asking, person, reason=_REASON, necessity=True, difficulty=True, identity="card", code=code)
        yield time.perf_counter() - begun
        hub.breaking.close(asking, session)
