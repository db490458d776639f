"""Tables are rebuilt from nothing but the log and the keys: beside, compared on any engine, and put in the place of what lies there."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import psycopg
import pytest

from hub.assemble import DATABASE
from hub.log.opening import open_store
from hub.log.store import Store, Tx
from hub.log.unlocking import KeyPlace, open_keys
from hub.replay import Replayed, current, making, replay, shapes
from hub.tables import moments, versions
from hub.tables.all import _STRUCTS, OPENED, SCHEMA, VIEWS
from schemas.errors import Broken, NotFound
from schemas.events import RESOURCE_RECORDED
from tests.hub.test_log_promises import lived
from tests.hub.world import HOSPITAL, OFFICE, World, a_patient, databases, register, world
from tests.postgres import cluster


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a hub has lived, on each engine, and was ended."""
    folder = tmp_path_factory.mktemp(request.param) / "data"
    databases[folder] = cluster().new() if request.param == "postgresql" else ""
    with world(folder, database=databases[folder]) as w:
        lived(w)
    return folder


@pytest.fixture
def data(once: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    folder = Path(shutil.copytree(once, tmp_path / "data"))
    databases[folder] = copied(databases[once]) if databases[once] else ""
    return folder


def copied(url: str) -> str:
    made = cluster().new()
    source, target = (one.rpartition("/")[2] for one in (url, made))
    with psycopg.connect(cluster().url("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {target}")
        connection.execute(f"CREATE DATABASE {target} TEMPLATE {source}")
    return made


def place(data: Path) -> Path | str:
    return databases[data] or data / DATABASE


def replayed(data: Path, views: tuple[str, ...] = ()) -> Replayed:
    work = data.parent / f"work{len(list(data.parent.iterdir()))}"
    work.mkdir()
    return replay(database=place(data), keys=KeyPlace.under(data), region=register(), work=work, views=views)


@contextmanager
def opened(data: Path) -> Iterator[Store]:
    store = open_store(place(data))
    try:
        yield store
    finally:
        store.close()


def swapped(data: Path, *views: str) -> Any:
    with opened(data) as store:
        secrets, keys = open_keys(KeyPlace.under(data), begun=True)
        with closing(keys):
            return current.swap(store, views, keys=keys, secrets=secrets, region=register(), work=data)


def change(data: Path, sql: str, *params: Any) -> None:
    with opened(data) as store, store.write() as tx:
        tx.run(sql, params)


# ── comparing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_table_comes_out_the_same_also_from_another_engine(data: Path) -> None:
    """The views are always made in a file of SQLite: what PostgreSQL holds is the same, row for row."""
    made = replayed(data)
    assert (made.differing, list(made.older)) == ({}, [])
    assert set(made.rows) == {"events", *(table for view in VIEWS.values() for table in view.TABLES)}
    for table in ("resources", "tokens", "persons", "directives", "epochs", "decisions", "refusals", "moments", "feeds", "events"):
        assert made.rows[table] > 0, table


def test_it_goes_on_beside_a_running_hub(tmp_path: Path) -> None:
    databases[tmp_path / "data"] = ""
    with world(tmp_path / "data") as w:
        lived(w)
        assert replayed(tmp_path / "data").differing == {}
        assert w.put(HOSPITAL, a_patient("more", insured="")).status_code == 201


@pytest.mark.parametrize("size", [1, 2, 7])
def test_how_much_is_taken_at_once_makes_no_difference(data: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "BATCH", size)
    monkeypatch.setattr(shapes, "BATCH", size)
    made = replayed(data)
    assert (made.differing, list(made.older)) == ({}, [])


CHANGED = {
    "a changed row": ("UPDATE resources SET custodian=? WHERE version=1 AND type=?", ("9999999999", "Encounter"), "resources"),
    "a row too few": ("DELETE FROM directives WHERE version=?", (1,), "directives"),
    "a row too many": ("INSERT INTO statements VALUES (?,?,?,?)", (9_999_999, bytes(16), bytes(15) + b"x", 0), "statements"),
    "a feed's number": ("UPDATE feeds SET number=number+100 WHERE number=?", (1,), "feeds"),
    "a leaf": ("UPDATE events SET leaf=? WHERE position=?", (bytes(32), 3), "events"),
}


@pytest.mark.parametrize("how", sorted(CHANGED))
def test_what_was_changed_is_named(data: Path, how: str) -> None:
    sql, params, table = CHANGED[how]
    change(data, sql, *params)
    assert set(replayed(data).differing) == {table}


def test_one_view_is_compared_alone(data: Path) -> None:
    change(data, "DELETE FROM decisions WHERE effect=?", "permit")
    assert replayed(data, ("directives",)).differing == {}
    assert set(replayed(data, ("directives",)).rows) == {"events", "directives", "epochs"}
    assert set(replayed(data, ("decisions",)).differing) == {"decisions"}
    with pytest.raises(NotFound) as refused:
        replayed(data, ("nonsense",))
    assert refused.value.issues[0].rule == "HUB-5125"


def test_an_event_that_is_missing_stops_it(data: Path) -> None:
    change(data, "DELETE FROM events WHERE position=?", 5)
    with pytest.raises(Broken) as refused:
        replayed(data)
    assert refused.value.issues[0].rule == "HUB-5008"


def test_of_an_erased_person_it_makes_the_hole(data: Path) -> None:
    secrets, keys = open_keys(KeyPlace.under(data), begun=True)
    with opened(data) as store, closing(keys):
        from hub.tables import resources

        with store.read() as tx:
            stay = resources.own(tx, HOSPITAL, "Encounter")[0]
        keys.destroy([stay.patient])
    del secrets
    made = replayed(data)
    assert made.rows["resources"] > 0
    assert made.differing["resources"] > 0  # until the tables are cleared too: nothing of what was erased is made anew
    assert swapped(data, "resources", "identities", "directives")["resources"] == made.rows["resources"]
    with opened(data) as store, store.read() as tx:
        held = tx.all("SELECT facts, tokens FROM resources WHERE patient=?", (stay.patient,))
    assert {(bytes(facts), bytes(tokens)) for facts, tokens in held} == {(b"", b"")}


# ── putting in place ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_view_that_was_lost_is_put_back(data: Path) -> None:
    before = replayed(data).rows
    for name, view in VIEWS.items():
        for table in view.TABLES:
            change(data, f"DELETE FROM {table}")
        assert swapped(data, name) == {table: before[table] for table in view.TABLES}
    made = replayed(data)
    assert (made.differing, list(made.older)) == ({}, [])


def test_what_was_put_in_place_serves_and_moves_on(data: Path) -> None:
    swapped(data, *VIEWS)
    with world(data, database=databases[data]) as w:
        assert w.get(HOSPITAL, "/fhir/Patient/p1").status_code == 200
        assert w.put(OFFICE, a_patient("u1")).status_code == 200
        w.settle()
    assert replayed(data).differing == {}


def test_a_swap_that_fails_leaves_all_as_it_was(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(tx: Tx, rows: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(versions, "write", fails)  # the last step of the transaction
    with pytest.raises(RuntimeError):
        swapped(data, "resources")
    monkeypatch.undo()
    assert replayed(data).differing == {}
    assert list(data.glob("views-*")) == []


@pytest.mark.sqlite
def test_it_is_refused_while_a_hub_has_the_file(tmp_path: Path) -> None:
    databases[tmp_path / "data"] = ""
    with world(tmp_path / "data") as w:
        lived(w)
        with pytest.raises(Broken) as refused:
            swapped(tmp_path / "data", "resources")
    assert refused.value.issues[0].rule == "HUB-5006"


def test_the_verb_puts_a_view_in_place_and_compares(tmp_path: Path) -> None:
    databases[tmp_path / "data"] = ""
    with world(tmp_path / "data") as w:
        lived(w)
    change(tmp_path / "data", "DELETE FROM persons")
    region = tmp_path / "region.json"
    held = register()
    organizations = [{"code": o.code, "name": o.name, "kind": o.kind, "purpose": held.purposes[o.code]} for o in held.offices.values()]
    region.write_bytes(
        orjson.dumps({"name": held.name, "edition": held.edition, "network": held.network, "organizations": organizations, "users": []})
    )

    def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {"TSUNAGU_DATA": str(tmp_path / "data"), "TSUNAGU_REGION": str(region), "PATH": "", "PYTHONPATH": str(Path.cwd())}
        return subprocess.run(
            [sys.executable, "-m", "hub.cli.main", "replay", *arguments], env=environ, capture_output=True, text=True, check=False
        )

    assert ran().returncode == 1
    assert "persons" in ran("--view", "identities").stdout
    wrong = ran("--view", "nonsense", "--swap")
    assert (wrong.returncode, "HUB-5125" in wrong.stderr) == (1, True)
    done = ran("--view", "identities", "--swap")
    assert done.returncode == 0, done.stderr
    assert "入れ替えました" in done.stdout
    assert ran().returncode == 0


# ── versions ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def versions_of(data: Path) -> dict[str, int]:
    with opened(data) as store, store.read() as tx:
        return {name: made.version for name, made in versions.held(tx).items()}


def test_every_view_carries_a_version_from_the_start(data: Path) -> None:
    assert versions_of(data) == {name: view.VERSION for name, view in VIEWS.items()}


class _Next:
    """A view as a later release may make it: one column more, and the rows of old events with it."""

    VERSION, TABLES = 2, ("moments",)
    SCHEMA = (
        "CREATE TABLE IF NOT EXISTS moments (minute INTEGER PRIMARY KEY, position INTEGER NOT NULL, second INTEGER NOT NULL)",
        "CREATE INDEX IF NOT EXISTS moments_second ON moments (second)",
    )

    @staticmethod
    def apply(tx: Tx, recorded: Any) -> None:
        rows = [(r.header.recorded // 60_000, r.position, r.header.recorded // 1000 % 60) for r in recorded]
        tx.insert("moments", ("minute", "position", "second"), rows, then="ON CONFLICT (minute) DO NOTHING")


@pytest.fixture
def later(data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub of that release over data of this one."""
    views = {**VIEWS, "moments": SimpleNamespace(**{n: getattr(_Next, n) for n in ("VERSION", "TABLES", "SCHEMA", "apply")})}
    for module in (current, making):
        monkeypatch.setattr(module, "VIEWS", views)
    schema = tuple(s for s in SCHEMA if s not in moments.SCHEMA) + _Next.SCHEMA
    monkeypatch.setattr(current, "SCHEMA", schema)
    return data


def brought_up(data: Path) -> Any:
    with opened(data) as store:
        secrets, keys = open_keys(KeyPlace.under(data), begun=True)
        with closing(keys):
            return current.bring_up(store, keys=keys, secrets=secrets, region=register(), work=data)


def test_a_view_of_an_older_version_is_made_anew_before_anything_is_served(later: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = later
    with caplog.at_level(logging.WARNING):
        assert brought_up(data) == ["moments"]
    assert "moments" in caplog.text
    assert versions_of(data)["moments"] == 2
    with opened(data) as store, store.read() as tx:
        rows = tx.all("SELECT minute, position, second FROM moments")
        made = versions.held(tx)["moments"]
        assert made.position == store.head(tx)
    assert [second for _, _, second in rows] == [0]
    assert brought_up(data) == []


def test_a_view_of_a_newer_version_is_refused(data: Path) -> None:
    change(data, "UPDATE views SET version=? WHERE name=?", 99, "resources")
    with pytest.raises(Broken) as refused:
        brought_up(data)
    assert refused.value.issues[0].rule == "HUB-5126"
    with pytest.raises(Broken), world(data, database=databases[data]):
        raise AssertionError
    assert list(replayed(data).older) == ["resources"]
    change(data, "UPDATE views SET version=? WHERE name=?", VIEWS["resources"].VERSION, "resources")
    with world(data, database=databases[data]) as w:  # the refused start has let everything go
        assert w.get(HOSPITAL, "/fhir/Patient/p1").status_code == 200


def test_a_log_without_any_table_is_enough(data: Path) -> None:
    """What is restored need not hold the views: they follow from the log."""
    with opened(data) as store, store.write() as tx:
        store.remake(tx, ["views", *(table for view in VIEWS.values() for table in view.TABLES)], ())
    assert sorted(replayed(data).older) == sorted(VIEWS)
    assert sorted(brought_up(data)) == sorted(VIEWS)
    assert replayed(data).differing == {}


# ── what it costs ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_opens_no_body_that_the_view_has_no_use_for(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hub.tables import all as tables

    asked: list[tuple[str, str]] = []
    real: Callable[..., bytes | None] = tables.open_content

    def noted(keys: Any, one: Any) -> bytes | None:
        asked.append((one.topic, one.header.kind))
        return real(keys, one)

    monkeypatch.setattr(tables, "open_content", noted)
    swapped(data, "messages", "moments")
    assert asked == []
    swapped(data, "directives")
    assert {kind for topic, kind in asked if topic == RESOURCE_RECORDED} == {"Consent"}


def test_each_topic_with_rows_of_its_own_is_opened_for_some_view() -> None:
    opened_topics = {topic for topics in OPENED.values() for topic in topics}
    assert opened_topics == {*_STRUCTS, RESOURCE_RECORDED}


def test_memory_does_not_grow_with_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In batches of fifty events, ten times as many events take hardly more at their peak; held at once they would take megabytes more."""
    monkeypatch.setattr(making, "BATCH", 50)
    monkeypatch.setattr(shapes, "BATCH", 50)

    def peak(count: int) -> int:
        folder = tmp_path / f"data{count}"
        databases[folder] = ""
        with world(folder) as w:
            _filled(w, count)
        tracemalloc.start()
        try:
            assert replayed(folder).differing == {}
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)  # what is loaded once
    assert peak(1500) < peak(150) + 1_000_000


def _filled(w: World, count: int) -> None:
    assert w.put(HOSPITAL, a_patient()).status_code == 201
    for first in range(0, count, 100):
        entries = [
            {
                "resource": {
                    "resourceType": "Observation", "id": f"o{i}", "status": "final", "code": {"text": "体温"},
                    "subject": {"reference": "Patient/p1"}, "valueQuantity": {"value": 36.5, "unit": "度"},
                },
                "request": {"method": "PUT", "url": f"Observation/o{i}"},
            }
            for i in range(first, min(first + 100, count))
        ]  # fmt: skip
        assert w.bundle(HOSPITAL, entries).status_code == 200


# ── shapes of tables ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_table_is_known_as_the_database_knows_it(tmp_path: Path) -> None:
    """Columns and primary keys are read from the definitions; SQLite tells the same of the tables it made from them."""
    with closing(sqlite3.connect(tmp_path / "x.db")) as db:
        for view in VIEWS.values():
            for statement in view.SCHEMA:
                db.execute(statement)
            assert [t.name for t in shapes.of_view(view)] == list(view.TABLES)
            for table in shapes.of_view(view):
                told = db.execute(f"PRAGMA table_info({table.name})").fetchall()
                assert [c.strip('"') for c in table.columns] == [name for _, name, *_ in told]
                assert list(table.key) == [name for _, name, *_, at in sorted(told, key=lambda row: row[5]) if at]
