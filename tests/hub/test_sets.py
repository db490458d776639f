"""Files that are corrected by sending them again, late ones and repeats: the same state in the end."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub.commands import Asking
from hub.followers.feeds import application
from hub.ingest.receive import Receiving
from hub.tables import resources
from schemas.adapter import Conversion, Draft, Part, Wire, link
from tests.hub.world import STATION, World, world


class Notes:
    """A source whose files hold: person, set, version or sent, then the keys of the lines that it has."""

    name = "notes"

    def claims(self, wire: Wire) -> bool:
        return wire.name.endswith(".notes")

    def convert(self, wire: Wire) -> Conversion:
        person, name, facts, told, *keys = next(csv.reader(io.StringIO(wire.data.decode())))
        kind, value = facts.split("=")
        drafts = [Draft("Patient", person, {"name": [{"text": f"{person} {value}"}]}, {kind: value})]
        for key in keys:
            body = {"status": "final", "code": {"text": f"{key} {value}"}, "subject": {"reference": link("Patient", person)}}
            drafts.append(Draft("Observation", key, body, {"set": name, kind: value}))
        occurred = datetime.fromisoformat(told).replace(tzinfo=UTC) if told else None
        return Conversion("notes", (Part(person, wire.data, tuple(drafts), f"{name}:{person}", revises=True, occurred=occurred),))


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[tuple[World, Any]]:
    with world(tmp_path) as w:
        receive = Receiving(adapters=(Notes(),), submit=w.hub.submit, refusals=w.hub.refusals)
        requester, purpose = application(w.hub.region, STATION)

        def send(line: str) -> None:
            report = receive(Asking(requester, purpose, "r", "write"), "x.notes", line.encode())
            assert not report.refused, report.refused

        yield w, send


def held(w: World) -> dict[str, str]:
    found = w.get(STATION, "/fhir/Observation?_count=200").json().get("entry", [])
    return {e["resource"]["id"]: e["resource"]["code"]["text"] for e in found}


def test_a_line_that_is_no_longer_there_is_taken_back(notes: Any) -> None:
    w, send = notes
    send("p,s1,sent=2026-11-01T09:00:00+09:00,,a,b,c")
    send("p,s1,sent=2026-11-02T09:00:00+09:00,,a,c")
    assert held(w) == {"a": "a 2026-11-02T09:00:00+09:00", "c": "c 2026-11-02T09:00:00+09:00"}
    assert w.get(STATION, "/fhir/Observation/b").status_code == 410


def test_an_older_file_that_comes_late_changes_nothing(notes: Any) -> None:
    w, send = notes
    send("p,s1,sent=2026-11-02T09:00:00+09:00,,a,c")
    send("p,s1,sent=2026-11-01T09:00:00+09:00,,a,b,c")
    assert set(held(w)) == {"a", "c"}
    assert held(w)["a"] == "a 2026-11-02T09:00:00+09:00"
    assert w.get(STATION, "/fhir/Patient/p").json()["name"][0]["text"] == "p 2026-11-02T09:00:00+09:00"


def test_another_set_of_the_same_person_is_left_alone(notes: Any) -> None:
    w, send = notes
    send("p,s1,version=1,2026-11-01T09:00:00,a")
    send("p,s2,version=1,2026-11-02T09:00:00,b")
    send("p,s1,version=2,2026-11-01T09:00:00,c")
    assert set(held(w)) == {"b", "c"}


def test_a_corrected_version_of_an_earlier_visit_is_not_late(notes: Any) -> None:
    w, send = notes
    send("p,s1,version=1,2026-11-01T09:00:00,a")
    send("p,s2,version=1,2026-11-09T09:00:00,b")
    send("p,s1,version=2,2026-11-01T09:00:00,a")
    assert held(w)["a"] == "a 2"


def test_a_lower_version_that_comes_late_changes_nothing(notes: Any) -> None:
    w, send = notes
    send("p,s1,version=2,2026-11-01T09:00:00,a")
    send("p,s1,version=1,2026-11-01T09:00:00,a,b")
    assert held(w)["a"] == "a 2"


def test_what_vanished_and_came_again_is_there_again(notes: Any) -> None:
    w, send = notes
    send("p,s1,version=1,2026-11-01T09:00:00,a,b")
    send("p,s1,version=2,2026-11-01T09:00:00,a")
    send("p,s1,version=3,2026-11-01T09:00:00,a,b")
    assert set(held(w)) == {"a", "b"}
    with w.hub.store.read() as tx:
        assert {r.version for r in resources.own(tx, STATION, "Observation")} == {3}
