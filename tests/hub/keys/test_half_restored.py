"""A hub whose log and keys do not belong together names it and does nothing; one whose master key was changed goes on as before."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.log.unlocking import KeyPlace, rotate
from hub.names import stream_of
from hub.replay import replay
from hub.tables import resources
from schemas.errors import Broken
from tests.hub.test_gate import admitted
from tests.hub.world import HOSPITAL, OFFICE, World, a_patient, register, world

pytestmark = pytest.mark.sqlite
HISTORY = Path(__file__).parents[2] / "histories" / "0.1.0"


def events(folder: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / "hub.db") as db:
        found = db.execute(
            "SELECT position, originator_id, originator_version, topic, state, leaf FROM events ORDER BY position"
        ).fetchall()
    db.close()
    return found


def keys(folder: Path) -> dict[str, bytes]:
    """Give the files of the keys."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name.startswith(("keys.db", "master", "erased")) and p.suffix != ".lock"}


def refused(folder: Path) -> str:
    """Open a hub that must not open; give the rule that says why."""
    with pytest.raises(Broken) as fault, world(folder):
        pass
    return fault.value.issues[0].rule


def test_a_key_store_of_yesterday_beside_the_log_of_today_is_refused_until_the_right_one_is_back(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with world(data) as w:
        w.put(HOSPITAL, a_patient())
        w.hub.keys.copy_to(tmp_path / "yesterday.db")
        w.put(HOSPITAL, a_patient("p2", insured="131016:0000012359", kana="サトウ　イチロウ"))
    shutil.copytree(data, tmp_path / "today")
    for file in data.glob("keys.db*"):
        file.unlink()
    shutil.copy(tmp_path / "yesterday.db", data / "keys.db")
    log, before = events(data), keys(data)["master.key"]
    assert [refused(data), refused(data)] == ["HUB-5073"] * 2
    assert (events(data), keys(data)["master.key"]) == (log, before)
    shutil.copy(tmp_path / "today" / "keys.db", data / "keys.db")
    with world(data) as w:
        assert w.get(HOSPITAL, "/fhir/Patient/p2").status_code == 200


@pytest.mark.parametrize(
    ("gone", "rule"), [(("keys.db",), "HUB-5070"), (("master.key",), "HUB-5002"), (("keys.db", "master.key"), "HUB-5070")]
)
def test_beside_a_log_nothing_is_made_anew(tmp_path: Path, gone: tuple[str, ...], rule: str) -> None:
    data = tmp_path / "data"
    with world(data) as w:
        w.put(HOSPITAL, a_patient())
    for name in gone:
        (data / name).unlink()
    log, before = events(data), keys(data)
    assert [refused(data), refused(data)] == [rule] * 2
    assert (events(data), keys(data)) == (log, before)


def test_a_log_that_holds_nothing_yet_may_get_its_keys_after_a_broken_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with world(data):
        pass
    (data / "keys.db").unlink()
    with world(data) as w:
        w.put(HOSPITAL, a_patient())
        assert w.get(HOSPITAL, "/fhir/Patient/p1").status_code == 200


def test_a_key_that_is_missing_is_named_where_it_is_needed_and_the_others_are_read_on(hub_world: World) -> None:
    reference = admitted(hub_world)
    hub_world.put(OFFICE, a_patient("u9", insured="131016:0000012359", kana="サトウ　イチロウ"))
    with hub_world.hub.store.read() as tx:
        row = resources.newest(tx, stream_of(reference.partition("/")[2]) or b"")
    assert row is not None
    key = hub_world.hub.keys.by_id(row.key)
    assert key is not None
    hub_world.hub.keys._store.run("DELETE FROM data_keys WHERE key_id=?", (row.key,))
    hub_world.hub.keys.forget(key.owner)
    for by, path in ((OFFICE, f"/fhir/{reference}"), (HOSPITAL, "/fhir/Encounter/e1"), (HOSPITAL, "/fhir/Encounter?_id=e1")):
        answer = hub_world.get(by, path)
        assert (answer.status_code, answer.json()["issue"][0]["details"]["coding"][0]["code"]) == (500, "HUB-5073")
    assert hub_world.get(OFFICE, "/fhir/Patient/u9").status_code == 200


def _after(data: Path, change: Callable[[KeyPlace], object]) -> None:
    log = events(data)
    change(KeyPlace.under(data))
    assert events(data) == log


def test_a_changed_master_key_changes_no_event_no_name_and_no_row(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with world(data) as w:
        reference = admitted(w)
        before = w.get(OFFICE, f"/fhir/{reference}").content
        seed = w.hub.secrets.totp_seed("doctor")
        verifier = w.hub.checkpoints.verifier
    for version in ('W/"2"', 'W/"3"'):
        _after(data, lambda place: rotate(place, place.master))
        with world(data) as w:
            assert w.get(OFFICE, f"/fhir/{reference}").content == before
            assert (w.hub.secrets.totp_seed("doctor"), w.hub.checkpoints.verifier) == (seed, verifier)
            same = w.put(HOSPITAL, a_patient())  # what is there already is found by its name: one more version of it
            assert (same.status_code, same.headers["ETag"]) == (200, version)
    (tmp_path / "work").mkdir()
    made = replay(database=data / "hub.db", keys=KeyPlace.under(data), region=register(), work=tmp_path / "work")
    assert made.differing == {}
