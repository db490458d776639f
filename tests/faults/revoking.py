"""Consents given and taken back while others read and hear, on two hubs over one database: nothing may leave that was taken back before.

The judge goes by the positions of the log and by what the receivers wrote down themselves:
a decision that gives something stands in the log behind a withdrawal (stale), or bytes about a person came in a request that was sent after the
withdrawal had been acknowledged and were there before consent was given again (late), or bytes came without a decision before them (unrecorded).
"""

from __future__ import annotations

import subprocess
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import orjson

from hub.log.event import Recorded, open_content, open_event, parted
from hub.log.opening import open_store
from hub.log.store import Store
from hub.log.unlocking import KeyPlace, open_keys
from hub.names import stream_of
from schemas.events import ACCESS_DECIDED, RESOURCE_RECORDED, Decided
from tests.faults.effort import Effort
from tests.faults.loads import Counts, running, wait_for
from tests.hub.serving import ROOT, Served, start
from tests.hub.world import FHIR, HOSPITAL, OFFICE, a_consent, a_patient, an_encounter

PERSONS, REVOKERS, LOOKERS = 20, 2, 4
_WORDS = ("active", "inactive")
SHORT, LONG = 4_000, 100_000
"""Deliveries and reads that are decided, in the short run and in the long one."""


class Received(NamedTuple):
    """What came at once: an answer, or one event of a stream."""

    request: str
    door: str
    sent: int
    there: int
    asked: int
    persons: tuple[str, ...]


class Said(NamedTuple):
    """One word of the person: sent, and acknowledged."""

    person: str
    active: bool
    sent: int
    told: int


@dataclass
class Found:
    """What the judge has found, by kind; each must be empty."""

    stale: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)

    @property
    def faults(self) -> int:
        return len(self.stale) + len(self.late) + len(self.unrecorded)


def revoked_under_way(folder: Path, database: str, effort: Effort) -> Counts:
    """Race, and find nothing."""
    counts, found = race(folder, database, LONG if effort.seconds else SHORT)
    assert not found.faults, (found.stale[:3], found.late[:3], found.unrecorded[:3])
    return counts


def race(folder: Path, database: str, target: int, *plants: str) -> tuple[Counts, Found]:
    """Race until so many deliveries and reads were decided; give what was counted, and what the judge found. `plants` = faults of the hubs."""
    counts, data = Counts("revoked under way, 2 hubs"), folder / "data"
    with running() as hold:
        hubs = [hold(start(data, "--database", database, *plants)) for _ in range(2)]
        marks = _persons(hubs, folder)
        with _clients(hubs, folder, marks) as (revokers, lookers):
            wait_for(lambda: _asked(lookers) >= target, 3_600, f"{target} deliveries and reads", every=0.5)
        received = [one for path in lookers for one in _received(path)]
        said = [one for path in revokers for one in _said(path)]
        found = Found(late=list(late(received, said)))
        decided = _judge(data, database, marks, received, found)
    counts.add(
        deliveries_and_reads=sum(r.asked for r in received), given=sum(len(r.persons) for r in received), decisions_judged=decided,
        withdrawals=sum(not s.active for s in said), stale=len(found.stale), late=len(found.late), unrecorded=len(found.unrecorded),
    )  # fmt: skip
    for door in ("read", "search", "summary", "board", "lines", "stream"):
        counts.add(**{f"by_{door}": sum(len(r.persons) for r in received if r.door == door)})
    return counts, found


# ── who is there ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _persons(hubs: Sequence[Served], folder: Path) -> dict[str, dict[str, str]]:
    """Put persons in whom hospital and office hold, each with a consent and a stay; give how the office reads them."""
    marks: dict[str, dict[str, str]] = {}
    with hubs[0].client(HOSPITAL) as hospital, hubs[0].client(OFFICE) as office:
        for n in range(PERSONS):
            name, insured, birth = f"k{n}", f"131016:{n:010}", f"19{30 + n}-01-01"
            for client, number in ((hospital, f"p{n}"), (office, f"u{n}")):
                assert (
                    client.put(f"/fhir/Patient/{number}", json=a_patient(number, insured=insured, birth=birth), headers=FHIR).status_code
                    == 201
                )
            for tree in (a_consent(name, patient=f"Patient/p{n}"), an_encounter(f"e{n}", patient=f"Patient/p{n}")):
                answer = hospital.put(f"/fhir/{tree['resourceType']}/{tree['id']}", json=tree, headers=FHIR)
                assert answer.status_code == 201, answer.text

        def heard() -> list[dict[str, dict[str, str]]]:
            lines = office.get("/events", params={"after": "0", "limit": "1000"}, headers={"Accept": "application/x-ndjson"}).text
            return [orjson.loads(line)["data"] for line in lines.splitlines()]

        wait_for(lambda: len(heard()) == PERSONS, 60, "the feed of the office")
        for event in heard():
            stay, own = event["resource"]["reference"], event["patient"]["reference"]
            patient = _read(office, stay)["subject"]["reference"]
            number = int(_read(office, patient)["identifier"][0]["value"].rpartition(":")[2])
            marks[f"k{number}"] = {name: text.partition("/")[2] for name, text in (("stay", stay), ("patient", patient), ("own", own))}
    assert len(marks) == PERSONS
    (folder / "marks.json").write_bytes(orjson.dumps(marks))
    return marks


def _read(office: httpx.Client, reference: str) -> Any:
    """Read what the office may read; a hub with a planted fault may know that a little later."""
    wait_for(lambda: office.get(f"/fhir/{reference}").status_code == 200, 10, reference)
    return office.get(f"/fhir/{reference}").json()


# ── who comes ────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _clients(hubs: Sequence[Served], folder: Path, marks: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[list[Path], list[Path]]]:
    """Start those who take back and those who look, each a process of its own; give what they write."""
    ports, tokens = [str(hub.port) for hub in hubs], hubs[0].tokens  # the others read the file of tokens when they started
    revokers = [folder / f"revoker{n}.txt" for n in range(REVOKERS)]
    lookers = [folder / f"looker{n}.txt" for n in range(LOOKERS)]
    processes: list[subprocess.Popen[bytes]] = []

    def begin(program: str, *more: str) -> None:
        processes.append(subprocess.Popen([sys.executable, "-S", "-E", str(ROOT / f"tests/faults/{program}.py"), ",".join(ports), *more]))

    for n, path in enumerate(revokers):
        theirs = sorted(marks)[n::REVOKERS]
        bodies = {p: {s: orjson.dumps(a_consent(p, patient=f"Patient/p{p[1:]}", status=s)).decode() for s in _WORDS} for p in theirs}
        path.with_suffix(".json").write_bytes(orjson.dumps(bodies))
        begin("revoker", tokens[HOSPITAL], str(path.with_suffix(".json")), str(path))
    for path in lookers:
        begin("looker", tokens[OFFICE], str(folder / "marks.json"), str(path))
    try:
        yield revokers, lookers
        for path in (*revokers, *lookers):
            path.with_name(path.name + ".stop").touch()
        assert [process.wait(timeout=120) for process in processes] == [0] * len(processes)
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()


def _asked(lookers: Sequence[Path]) -> int:
    return sum(one.asked for path in lookers if path.exists() for one in _received(path))


def _received(path: Path) -> Iterator[Received]:
    for line in path.read_text(encoding="ascii").splitlines(keepends=True):
        if line.endswith("\n"):
            request, door, sent, there, asked, persons = line.split()
            yield Received(request, door, int(sent), int(there), int(asked), () if persons == "-" else tuple(persons.split(",")))


def _said(path: Path) -> Iterator[Said]:
    for line in path.read_text(encoding="ascii").splitlines():
        person, word, sent, told, status = line.split()
        assert status == "200", line
        yield Said(person, word == "active", int(sent), int(told))


# ── the judge ────────────────────────────────────────────────────────────────────────────────────────────────────────


def late(received: Iterable[Received], said: Iterable[Said]) -> Iterator[str]:
    """Give what came in a request that was sent after a withdrawal was acknowledged, and was there before consent was given again."""
    words: dict[str, list[Said]] = {}
    for one in sorted(said, key=lambda word: word.sent):
        words.setdefault(one.person, []).append(one)
    for got in received:
        for person in got.persons:
            known = words.get(person, [])
            last = bisect_right(known, got.sent, key=lambda word: word.told) - 1
            if last < 0 or known[last].active:
                continue
            if last + 1 == len(known) or known[last + 1].sent > got.there:
                yield f"{person} by {got.door} in {got.request}"


def _judge(data: Path, database: str, marks: Mapping[str, Mapping[str, str]], received: Sequence[Received], found: Found) -> int:
    """Go through the log: what stood behind a withdrawal and gave all the same, and what came without a decision. Gives how many were judged."""
    stays = {mark["stay"]: person for person, mark in marks.items()}
    patients = {stream_of(mark["patient"]): person for person, mark in marks.items()}
    allows: dict[str, bool] = {}
    permits: set[tuple[str, str]] = set()
    judged = 0
    _, keys = open_keys(KeyPlace.under(data), begun=True)
    store = open_store(database, beside=True)
    try:
        for event in _log(store):
            if event.topic == RESOURCE_RECORDED and event.header.kind == "Consent" and event.header.patient in patients:
                body = open_content(keys, event)
                assert body is not None
                allows[patients[event.header.patient]] = orjson.loads(parted(body)[0])["status"] == "active"
            elif event.topic == ACCESS_DECIDED and event.header.custodian == OFFICE:
                body = open_event(keys, event)
                assert body is not None
                decided = msgspec.json.decode(body, type=Decided)
                for seen in decided.seen:
                    if (person := stays.get(seen.id)) is None or seen.type != "Encounter":
                        continue
                    judged += 1
                    if seen.effect != "deny":
                        permits.add((decided.request, person))
                        if not allows.get(person):
                            found.stale.append(f"{person} by {decided.action} in {decided.request}")
    finally:
        store.close()
        keys.close()
    found.unrecorded += [f"{p} by {got.door} in {got.request}" for got in received for p in got.persons if (got.request, p) not in permits]
    return judged


def _log(store: Store) -> Iterator[Recorded]:
    after = 0
    while True:
        with store.read() as tx:
            events = store.events(tx, after, 2_000)
        if not events:
            return
        yield from events
        after = events[-1].position
