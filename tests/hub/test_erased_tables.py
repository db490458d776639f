"""Tables with holes: whoever is erased, a replay that never had their keys comes to the same rows as the hub that lived through it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.log.envelope import Header
from hub.log.event import Recorded
from hub.log.sqlite import SqliteTx
from hub.log.store import Tx
from hub.replay.making import parts
from hub.tables import feeds, heard, identities
from hub.tables.all import SCHEMA, VIEWS, apply
from hub.tables.directives import barred
from hub.tables.emergencies import of
from schemas import events
from schemas.capacity_events import CAPACITY_STATED, CapacityStated
from schemas.emergency_events import EMERGENCY_OPENED, Opened
from schemas.events import Erased, Key, Link, Restored, Restricted, Session

PEOPLE = [bytes([n]) * 16 for n in range(1, 5)]
NUMBERS = [bytes([n]) * 16 for n in (101, 102)]
NETWORK = b"network's own key"


def named(patient: int) -> bytes:
    return PEOPLE[patient]


# ── histories ────────────────────────────────────────────────────────────────────────────────────────────────────────

_who = st.integers(0, len(PEOPLE) - 1)
_steps = st.one_of(
    st.tuples(st.just("patient"), _who, st.frozensets(st.sampled_from(NUMBERS), max_size=2)),
    st.tuples(st.just("patient"), _who, st.frozensets(st.sampled_from(NUMBERS), min_size=1, max_size=1)),
    st.tuples(st.just("withdraw"), _who),
    st.tuples(st.just("link"), _who, _who),
    st.tuples(st.just("unlink"), _who, _who),
    st.tuples(st.just("consent"), _who),
    st.tuples(st.just("capacity"), _who),
    st.tuples(st.just("restrict"), _who),
    st.tuples(st.just("restore"), _who),
    st.tuples(st.just("opened"), _who),
    st.tuples(st.just("event"), _who),
    st.tuples(st.just("feed")),
    st.tuples(st.just("erase"), _who),
)  # fmt: skip


@dataclass
class Hub:
    """Tables over a log in memory; `feed` matches each domain event to those who are one person with it as of its position."""

    log: list[Recorded] = field(default_factory=list)
    gone: set[bytes] = field(default_factory=set)
    fed: int = 0
    versions: dict[bytes, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.tx: Tx = SqliteTx(self.db.cursor())
        for statement in (EVENTS, *SCHEMA):
            self.tx.run(statement)

    def add(self, topic: str, *, key: bytes, patient: bytes, stream: bytes = b"", kind: str = "", rows: Any = None, body: str = "") -> None:
        position = len(self.log) + 1
        stream = stream or position.to_bytes(16, "big")
        version = self.versions[stream] = self.versions.get(stream, 0) + 1
        header = Header(
            event=position.to_bytes(16, "big"), submission=b"", recorded=position * 1000, occurred=0, schema=1, shard=0, compartment="main",
            custodian="c", kind=kind, patient=patient, pseudonym=b"", key=key, digest=b"", confidentiality="", sensitivities=(),
            deleted=topic == events.RESOURCE_WITHDRAWN,
        )  # fmt: skip
        recorded = Recorded(position, stream, version, topic, header, body.encode(), rows)
        self.log.append(recorded)
        self.put(recorded)

    def put(self, *recorded: Recorded) -> None:
        rows = [(r.position, r.stream.hex(), r.version) for r in recorded]
        self.tx.many("INSERT INTO events (position, originator_id, originator_version) VALUES (?,?,?)", rows)
        for part in parts(recorded):
            apply(self.tx, part)

    def feed(self, until: int) -> None:
        told = heard.known(self.tx, self.fed, until)
        for one in self.log[self.fed : until]:
            if one.topic == events.DOMAIN_EVENT:
                for subscriber in told[one.position] if one.position in told else self.match(one):
                    feeds.add(self.tx, [(subscriber, one.position)])
        self.fed = until

    def match(self, one: Recorded) -> list[str]:
        if one.header.key in self.gone:
            return []
        person = identities.person_of(self.tx, one.header.patient, one.position)
        return sorted(p.hex() for p in identities.patients_of(self.tx, person, one.position))

    def rows(self) -> dict[str, list[Any]]:
        return {t: sorted(self.db.execute(f"SELECT * FROM {t}").fetchall(), key=repr) for view in VIEWS.values() for t in view.TABLES}


EVENTS = "CREATE TABLE events (position INTEGER PRIMARY KEY, originator_id TEXT, originator_version INTEGER)"


def resource(h: Hub, patient: bytes, kind: str, **rows: Any) -> None:
    made = SimpleNamespace(facts=b"f", tokens=(b"t" * 24,), insured=(), names=(patient,), directive=None, surnames=(patient,), ends=(9, 0))
    made.__dict__.update(rows)
    stream = patient if kind == "Patient" else patient[:8] + kind.encode().ljust(8)
    h.add(events.RESOURCE_RECORDED, key=patient, patient=patient, stream=stream, kind=kind, rows=made)


def step(h: Hub, what: str, *more: Any) -> None:
    """Let one thing happen, where it can."""
    if what == "feed":
        h.feed(len(h.log))
        return
    patient = named(more[0])
    if patient in h.gone or (patient not in h.versions and what != "patient"):
        return
    match what:
        case "patient":
            resource(h, patient, "Patient", insured=tuple(sorted(more[1])))
        case "withdraw":
            h.add(events.RESOURCE_WITHDRAWN, key=b"", patient=patient, stream=patient, kind="Patient")
        case "consent":
            resource(h, patient, "Consent", directive=b"d")
        case "capacity":
            h.add(CAPACITY_STATED, key=patient, patient=patient, rows=CapacityStated("incapable", "u", "c", "doctor", 1, "paper"))
        case "event":
            h.add(events.DOMAIN_EVENT, key=patient, patient=patient)
        case "restrict" if not barred(h.tx, [patient]):
            body = Restricted(f"r{len(h.log)}", patient.hex(), "JP-35-5", "", "", "2031-01-01")
            h.add(events.PROVISION_RESTRICTED, key=NETWORK, patient=patient, rows=body)
        case "restore" if barred(h.tx, [patient]):
            h.add(events.PROVISION_RESTORED, key=NETWORK, patient=patient, rows=Restored("", patient.hex(), "", ""))
        case "opened":
            person = identities.person_of(h.tx, patient)
            body = Opened(f"s{len(h.log)}", "c", "hospital", "doctor", "u", "r", True, 1, 1, 2)
            h.add(EMERGENCY_OPENED, key=person, patient=person, rows=body)
        case "erase":
            erase(h, patient)
        case "link" | "unlink":
            other = named(more[1])
            if other != patient and other in h.versions and other not in h.gone:
                topic = events.PERSON_LINKED if what == "link" else events.PERSON_UNLINKED
                h.add(topic, key=patient, patient=patient, rows=Link(patient.hex(), other.hex(), ""))


def erase(h: Hub, patient: bytes) -> None:
    gone = identities.patients_of(h.tx, identities.person_of(h.tx, patient))
    known = heard.matched(h.tx, {*gone, *identities.ever_joined(h.tx, set(gone))}, h.fed)
    sessions = tuple(Session(s.position, s.session, s.patient.hex(), *s[3:]) for s in of(h.tx, gone))
    keys = tuple(Key(p.hex(), p.hex(), "main") for p in gone)
    h.gone |= set(gone)
    h.add(events.KEY_ERASED, key=NETWORK, patient=patient, rows=Erased("", keys, "JP-35-5", "", heard=known, sessions=sessions))


def lived(steps: Sequence[tuple[Any, ...]]) -> Hub:
    h = Hub()
    for one in steps:
        step(h, *one)
    h.feed(len(h.log))
    return h


def replayed(h: Hub, batch: int = 1) -> Hub:
    """Make the tables anew from the log without the keys that are gone, so many events at a time, as a replay does."""
    fresh = Hub(log=h.log, gone=h.gone)
    held = [msgspec.structs.replace(one, rows=None) if one.header.key in h.gone else one for one in h.log]
    for i in range(0, len(held), batch):
        fresh.put(*held[i : i + batch])
    fresh.feed(len(h.log))
    return fresh


@settings(max_examples=150, deadline=None)
@given(st.lists(_steps, min_size=12, max_size=40), st.sampled_from([1, 3, 1000]))
def test_a_replay_without_the_erased_keys_makes_the_same_rows(steps: list[tuple[Any, ...]], batch: int) -> None:
    h = lived(steps)
    assert replayed(h, batch).rows() == h.rows()


ONE, TWO, THREE = 0, 1, 2
NUMBER = frozenset(NUMBERS[:1])
NONE: frozenset[bytes] = frozenset()
SCENES = {
    "two that only the erased had joined": [
        *(("patient", n, NONE) for n in (ONE, TWO, THREE)), ("link", ONE, TWO), ("link", TWO, THREE), ("event", ONE), ("event", THREE),
        ("feed",), ("unlink", ONE, TWO), ("unlink", THREE, TWO), ("event", ONE), ("feed",), ("event", THREE), ("erase", TWO), ("event", ONE),
    ],
    "a number that the erased had borne as well": [
        *(("patient", n, NUMBER) for n in (ONE, TWO, THREE)), ("event", TWO), ("feed",), ("patient", ONE, NONE), ("event", TWO), ("erase", ONE),
        ("event", THREE),
    ],
    "two that only numbers of the erased had joined": [
        ("patient", ONE, NUMBER), ("patient", TWO, frozenset(NUMBERS)), ("patient", THREE, frozenset(NUMBERS[1:])), ("event", ONE), ("feed",),
        ("patient", TWO, NONE), ("event", THREE), ("erase", TWO), ("event", ONE),
    ],
    "the one that led is erased": [
        *(("patient", n, NUMBER) for n in (ONE, TWO)), ("unlink", TWO, ONE), ("consent", TWO), ("event", TWO), ("feed",), ("erase", ONE),
        ("patient", THREE, NUMBER), ("event", THREE),
    ],
    "one after the other": [
        *(("patient", n, NUMBER) for n in (ONE, TWO, THREE)), ("unlink", ONE, TWO), ("unlink", ONE, THREE), ("unlink", TWO, THREE),
        ("event", TWO), ("feed",), ("erase", ONE), ("consent", TWO), ("event", THREE), ("feed",), ("erase", TWO), ("event", THREE),
    ],
}  # fmt: skip


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("batch", [1, 1000])
def test_scenes_in_which_others_had_been_judged_by_the_erased(scene: str, batch: int) -> None:
    h = lived(SCENES[scene])
    assert h.gone
    assert replayed(h, batch).rows() == h.rows()


@settings(max_examples=60, deadline=None)
@given(st.lists(_steps, min_size=12, max_size=40))
def test_no_row_but_those_of_what_lies_in_clear_names_the_erased(steps: list[tuple[Any, ...]]) -> None:
    h = lived(steps)
    for table, columns in (
        ("persons", "patient, person"),
        ("person_tokens", "patient"),
        ("statements", "first, second"),
        ("epochs", "patient"),
        ("capacities", "patient, key"),
    ):
        named = {cell for row in h.db.execute(f"SELECT {columns} FROM {table}") for cell in row}
        assert named.isdisjoint(h.gone), table
    assert {key for (key,) in h.db.execute("SELECT key FROM directives")}.isdisjoint(h.gone)
    assert [r for r in h.db.execute("SELECT facts, tokens, key FROM resources").fetchall() if r[2] in h.gone and (r[0] or r[1])] == []
    assert h.db.execute(
        "SELECT count(*) FROM tokens WHERE position NOT IN (SELECT position FROM resources WHERE tokens<>x'')"
    ).fetchone() == (0,)
