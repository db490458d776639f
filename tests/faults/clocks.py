"""A clock that is set back: order goes by position, ids stay unique, and what was said last holds, whatever time it bears."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from hub.log.opening import open_store
from tests.faults.effort import Effort
from tests.faults.loads import Counts, Load, judge, running, wait_for
from tests.faults.whole import assert_whole
from tests.hub.serving import start
from tests.hub.world import FHIR, HOSPITAL, OFFICE, a_consent

STEPS = (-3_600, 0, -86_400, 120, -40)
"""Seconds by which the clock is wrong, one after the other; each that is less than the one before sets it back."""


def set_back(folder: Path, database: str, effort: Effort) -> Counts:
    """Set the clock back and forth while clients write and a consent is withdrawn and given."""
    counts = Counts(f"clock set back, {'postgresql' if database else 'sqlite'}")
    data, said = folder / "data", folder / "clock"
    folder.mkdir(exist_ok=True)
    said.write_text("0", encoding="ascii")
    with running() as hold:
        hub = hold(start(data, "--database", database, "--clock", str(said)))
        for number in effort.each():
            with Load(folder / "clients", [hub], hub.tokens, number) as load:
                load.start(on=True)
                load.until_told(30)
                reference = _heard_of(load)
                for step in STEPS:
                    beside = said.with_suffix(".new")
                    beside.write_text(str(step), encoding="ascii")
                    beside.replace(said)
                    load.until_told(10)
                    _consent(load, "inactive", step)
                    assert _reading(load, reference) == 404
                    _consent(load, "active", step)
                    assert _reading(load, reference) == 200
                    counts.add(steps=1)
                load.stop()
                assert judge(load, counts, silent=frozenset(load.names[:1])) == 0
        assert hub.stop() == 0
    counts.add(events=assert_whole(data, database), set_back=_ids(data, database))
    return counts


def _heard_of(load: Load) -> str:
    """Wait until the office has heard of an admission of the first client's person; give its resource."""
    found: list[str] = []

    def there() -> bool:
        with load.client(OFFICE) as office, load.client(HOSPITAL) as hospital:
            lines = office.get(
                "/events", params={"after": "0", "limit": "1000"}, headers={"Accept": "application/x-ndjson"}
            ).text.splitlines()
            own = {
                e["resource"]["period"]["start"]
                for e in hospital.get("/fhir/Encounter", params={"patient": f"Patient/{load.names[0]}"}).json()["entry"]
            }
            found.extend(e["data"]["resource"]["reference"] for line in lines if (e := orjson.loads(line))["data"]["occurred"] in own)
        return bool(found)

    wait_for(there, 30, "an event")
    return found[0]


def _consent(load: Load, status: str, step: int) -> None:
    """Say it, signed at this moment by the hub's own clock."""
    name, signed = load.names[0], datetime.now(UTC) + timedelta(seconds=step)
    tree = {**a_consent(name, patient=f"Patient/{name}", status=status), "dateTime": signed.isoformat()}
    with load.client(HOSPITAL) as hospital:
        answer = hospital.put(f"/fhir/Consent/{name}", content=orjson.dumps(tree), headers=FHIR)
    assert answer.status_code == 200, answer.text


def _reading(load: Load, reference: str) -> int:
    with load.client(OFFICE) as office:
        return office.get(f"/fhir/{reference}").status_code


def _ids(data: Path, database: str) -> int:
    """Say that no two events have one id; give how many bear an earlier time than the one before."""
    store = open_store(database or data / "hub.db")
    try:
        with store.read() as tx:
            headers, after = [], 0
            while batch := store.events(tx, after, 1_000):
                headers += [one.header for one in batch]
                after = batch[-1].position
    finally:
        store.close()
    assert len({h.event for h in headers}) == len(headers)
    times = [h.recorded for h in headers]
    back = sum(later < earlier - 30_000 for earlier, later in itertools.pairwise(times))
    assert back >= sum(b < a for a, b in zip((0, *STEPS), STEPS, strict=False))
    return back
