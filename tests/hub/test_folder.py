"""The watched folder: files that stand still are taken in for the organization whose folder they lie in, each once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.ingest.folder import Watching
from tests.hub.files import admission, named, visits
from tests.hub.serving import served
from tests.hub.world import HOSPITAL, OTHER_HOSPITAL, STATION, World, world


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "data", adapters=("hospital", "visiting_nurse")) as made:
        yield made


def watching(w: World, tmp_path: Path) -> Watching:
    return Watching(w.hub, tmp_path / "watched", tmp_path / "watched.json")


def lay(tmp_path: Path, by: str, name: str, data: bytes) -> Path:
    file = tmp_path / "watched" / by / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def count(w: World, by: str) -> int:
    total: int = w.get(by, "/fhir/Encounter?_summary=count").json()["total"]
    return total


def test_a_file_is_taken_when_it_has_stood_still_for_one_look(w: World, tmp_path: Path) -> None:
    watch = watching(w, tmp_path)
    file = lay(tmp_path, HOSPITAL, named(), admission()[:50])
    assert watch.look() == 0
    file.write_bytes(admission())  # it was still being written
    assert watch.look() == 0
    assert watch.look() == 1
    assert count(w, HOSPITAL) == 1
    assert watch.look() == 0


def test_each_folder_speaks_for_its_own_organization_and_others_are_let_alone(w: World, tmp_path: Path) -> None:
    watch = watching(w, tmp_path)
    lay(tmp_path, HOSPITAL, named(), admission())
    lay(tmp_path, OTHER_HOSPITAL, named(), admission(site=OTHER_HOSPITAL))
    lay(tmp_path, STATION, "2026/11/vn_visit.csv", visits({}))
    lay(tmp_path, "9999999999", named(), admission())
    lay(tmp_path, STATION, ".vn_visit.csv.part", visits({"visit_id": "V-9"}))
    (tmp_path / "watched" / "loose.csv").write_bytes(visits({}))
    watch.look()
    assert watch.look() == 3
    assert [count(w, by) for by in (HOSPITAL, OTHER_HOSPITAL, STATION)] == [1, 1, 1]


def test_what_was_seen_is_not_handed_in_again_by_a_watch_that_was_started_anew(w: World, tmp_path: Path) -> None:
    lay(tmp_path, HOSPITAL, named(), admission())
    first = watching(w, tmp_path)
    first.look()
    assert first.look() == 1
    second = watching(w, tmp_path)
    assert [second.look() for _ in range(3)] == [0, 0, 0]
    held = (tmp_path / "watched.json").read_text()
    for word in ("0040718", "ADT-22", HOSPITAL):
        assert word not in held


def test_a_changed_file_is_taken_again_and_a_refused_one_is_shown_once(w: World, tmp_path: Path) -> None:
    watch = watching(w, tmp_path)
    file = lay(tmp_path, STATION, "vn_visit.csv", b"nonsense,at,all\r\n1,2,3\r\n")
    watch.look()
    assert watch.look() == 1
    assert [watch.look() for _ in range(3)] == [0, 0, 0]
    assert len(w.get(STATION, "/refused.json").json()["refused"]) == 1
    file.write_bytes(visits({}))
    os.utime(file, (1, 1))
    watch.look()
    assert watch.look() == 1
    assert count(w, STATION) == 1


def test_a_file_too_large_is_refused_by_its_size_without_being_read(w: World, tmp_path: Path) -> None:
    watch = watching(w, tmp_path)
    file = lay(tmp_path, STATION, "vn_visit.csv", b"")
    with file.open("r+b") as handle:
        handle.truncate(50_000_000_000)  # sparse: it takes no room on the disk, and no memory would hold it
    watch.look()
    assert watch.look() == 1
    (row,) = w.get(STATION, "/refused.json").json()["refused"]
    assert row["issues"][0]["rule"] == "HUB-5052"


def test_a_file_that_cannot_be_read_keeps_no_other_from_being_taken(w: World, tmp_path: Path) -> None:
    watch = watching(w, tmp_path)
    bad = lay(tmp_path, HOSPITAL, "a.hl7", b"MSH|")
    bad.unlink()
    bad.symlink_to(tmp_path / "nowhere")
    lay(tmp_path, HOSPITAL, named(), admission())
    (tmp_path / "watched" / HOSPITAL / "folder.csv").mkdir()
    watch.look()
    assert watch.look() == 1
    assert count(w, HOSPITAL) == 1


def test_a_folder_that_is_not_there_yet_is_waited_for(w: World, tmp_path: Path) -> None:
    watch = watching(w, tmp_path)
    assert watch.look() == 0
    lay(tmp_path, HOSPITAL, named(), admission())
    watch.look()
    assert watch.look() == 1


def test_a_running_hub_watches_by_itself(tmp_path: Path) -> None:
    with served(tmp_path / "data", "--watch", str(tmp_path / "watched")) as hub, hub.client(HOSPITAL) as client:
        lay(tmp_path, HOSPITAL, named(), admission())
        deadline = time.monotonic() + 20
        while (total := client.get("/fhir/Encounter?_summary=count").json()["total"]) == 0 and time.monotonic() < deadline:
            pass
        assert total == 1
    assert "0040718" not in (tmp_path / "data" / "said.log").read_text(encoding="utf-8")
