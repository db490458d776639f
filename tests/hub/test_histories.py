"""What a past release wrote opens, verifies, replays row for row and shows its views, for ever. The folders are never made anew."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from hub.assemble import DATABASE
from hub.log.sqlite import SqliteStore
from hub.log.unlocking import KeyPlace
from hub.log.verify_sqlite import verify_file
from hub.names import hub_id
from hub.region import read_region
from hub.replay import Replayed, replay
from hub.tables import resources
from schemas.emergency_events import EMERGENCY_OPENED, EMERGENCY_REVIEWED
from schemas.events import (
    ACCESS_DECIDED,
    KEY_DESTROYED,
    KEY_ERASED,
    PROVISION_RESTORED,
    PROVISION_RESTRICTED,
    RESOURCE_RECORDED,
    TEXT,
    TEXT_WITH_FACTS,
)
from tests.hub.world import World, a_patient, world

HISTORIES = Path(__file__).parents[1] / "histories"
RELEASES = sorted(p.name for p in HISTORIES.iterdir() if p.is_dir())
pytestmark = pytest.mark.sqlite


@pytest.fixture(params=RELEASES)
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of one release's folder: opening a database may write to it."""
    return Path(shutil.copytree(HISTORIES / request.param, tmp_path / "data"))


@pytest.fixture
def opened(history: Path) -> Iterator[World]:
    later = datetime(2027, 1, 5, 3, 0, tzinfo=UTC)
    with world(history, region=read_region(history / "region.json"), now=lambda: later, database=str(history / DATABASE)) as w:
        yield w


def test_there_is_a_history() -> None:
    assert {"0.1.0", "0.2.0"} <= set(RELEASES)


def test_it_verifies(history: Path) -> None:
    found = verify_file(
        history / DATABASE, (history / "checkpoint.pub").read_text("utf-8").strip(), (history / "checkpoint.txt").read_text("utf-8")
    )
    assert found.findings == ()
    assert found.checkpoints > 0


def history_of_old_rows(history: Path) -> bool:
    """Say whether it was left by 0.1.0, which knew fewer columns."""
    return not (history / "erased.txt").exists()


def test_it_replays_row_for_row_as_it_was_left(history: Path, tmp_path: Path) -> None:
    """Before anything is brought up: the very rows that the past release made."""
    made = _replayed(history, tmp_path)
    assert made.differing == {}
    assert "decisions" in made.older  # whose rows are other ones by now: made anew when a hub opens it
    if history_of_old_rows(history):
        assert {"resources", "identities"} <= set(made.older)
    assert made.rows["feeds"] > 0


def test_it_replays_row_for_row_once_it_was_opened(history: Path, opened: World, tmp_path: Path) -> None:
    made = _replayed(history, tmp_path)
    assert (made.differing, made.older) == ({}, [])
    assert made.rows["moments"] > 0
    del opened


def _replayed(history: Path, tmp_path: Path) -> Replayed:
    work = tmp_path / "work"
    work.mkdir()
    return replay(database=history / DATABASE, keys=KeyPlace.under(history), region=read_region(history / "region.json"), work=work)


def test_it_goes_on(history: Path, opened: World, tmp_path: Path) -> None:
    """What is recorded now stands behind what was, and all of it still replays and verifies."""
    code = next(c for c, o in opened.hub.region.offices.items() if o.kind == "hospital")
    assert opened.put(code, a_patient("later")).status_code == 201
    opened.settle()
    made = _replayed(history, tmp_path)
    assert made.differing == {}
    assert opened.get(code, "/fhir/Patient/later").status_code == 200


def test_its_resources_read_and_its_views_show(opened: World) -> None:
    read = summaries = 0
    kinds = ("Patient", "Encounter", "Consent", "CarePlan")
    with opened.hub.store.read() as tx:
        rows = {code: [r for kind in kinds for r in resources.own(tx, code, kind)] for code in opened.hub.region.offices}
    for code, held in rows.items():
        for row in held:
            answer = opened.get(code, f"/fhir/{row.type}/{hub_id(row.stream)}")
            assert answer.status_code == 200, answer.text
            read += 1
            if row.type == "Patient":
                assert opened.get(code, f"/fhir/Patient/{hub_id(row.stream)}/$summary").status_code == 200
                summaries += 1
        assert opened.get(code, "/fhir/$board").status_code in {200, 403}
    assert read > 4
    assert summaries > 2


def test_its_views_show_each_moment_of_it(opened: World) -> None:
    """Also those moments that were recorded before views could be asked for as of then."""
    (code,) = [c for c, o in opened.hub.region.offices.items() if o.kind == "care-manager"][:1]
    shown = Counter[str]()
    begun = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
    for minutes in range(0, 240, 4):
        at = (begun + timedelta(minutes=minutes)).isoformat()
        answer = opened.get(code, f"/fhir/$board?at={quote(at)}")
        assert answer.status_code == 200, answer.text
        shown[str(sorted(e["resource"]["status"] for e in answer.json().get("entry", ())))] += 1
    assert len(shown) > 1  # nobody there yet, somebody there


def forms(history: Path) -> Counter[tuple[str, int]]:
    store = SqliteStore(history / DATABASE)
    try:
        with store.read() as tx:
            return Counter((e.topic, e.header.schema) for e in store.events(tx, 0, 10_000))
    finally:
        store.close()


def test_it_holds_bodies_of_the_form_that_is_raised(history: Path) -> None:
    """Without them the step from the old form would be tried by nothing that was really written."""
    found = forms(history)
    assert found[RESOURCE_RECORDED, TEXT if history_of_old_rows(history) else TEXT_WITH_FACTS] > 0
    assert found[ACCESS_DECIDED, 1] > 0


def test_the_second_release_left_everything_that_it_could_record(tmp_path: Path) -> None:
    """What nobody could do in it (a follower that stands, a message settled) is left out."""
    left = {topic for topic, _ in forms(Path(shutil.copytree(HISTORIES / "0.2.0", tmp_path / "copy")))}
    assert {KEY_ERASED, KEY_DESTROYED, PROVISION_RESTRICTED, PROVISION_RESTORED, EMERGENCY_OPENED, EMERGENCY_REVIEWED} <= left
