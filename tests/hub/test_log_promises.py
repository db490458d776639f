"""What is sealed opens only in its place, holds no plain text anywhere, and is rebuilt and proved from stored bytes alone."""

from __future__ import annotations

import ast
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from hub.assemble import DATABASE
from hub.log.event import open_content
from hub.log.sqlite import SqliteStore
from hub.log.unlocking import KeyPlace, open_keys
from hub.log.verify import Verified
from hub.log.verify_sqlite import verify_file
from hub.replay import replay
from hub.tables import resources
from hub.tables.derive import open_facts
from schemas.errors import Broken
from tests.hub.test_gate import admitted
from tests.hub.world import HOSPITAL, OFFICE, World, a_consent, a_patient, an_encounter, register, world

pytestmark = pytest.mark.sqlite
NAMES = ("山田", "花子", "ヤマダ", "やまだ", "0000012342", "1938-05-02", "131016")


def lived(w: World) -> None:
    """Let a hub live a little: admissions, consents, reads, corrections, a break of the glass, an event heard."""
    reference = admitted(w)
    w.put(HOSPITAL, an_encounter(status="finished", period={"start": "2026-11-24T09:30:00+09:00", "end": "2026-11-24T10:00:00+09:00"}))
    w.get(OFFICE, f"/fhir/{reference}")
    w.file(HOSPITAL, "nonsense.bin", "山田 花子".encode("utf-16"))
    w.settle()
    w.put(HOSPITAL, a_consent(status="inactive"))
    w.put(HOSPITAL, an_encounter("e2"))
    w.sign_in("doctor")
    w.put(OFFICE, {**a_patient("u2", insured="", kana="ヤマダ　ハナコ"), "gender": "male"})
    w.settle()
    w.hub.checkpoints.sign_now()


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    with world(tmp_path / "data") as w:
        lived(w)
        yield tmp_path / "data"


def test_no_name_stands_in_any_file_of_the_hub(data: Path) -> None:
    for file in sorted(p for p in data.rglob("*") if p.is_file()):
        held = file.read_bytes()
        for name in NAMES:
            for charset in ("utf-8", "utf-16-le", "cp932"):
                assert name.encode(charset) not in held, file.name


def test_a_sealed_body_opens_in_its_own_stream_event_and_column_alone(data: Path) -> None:
    _, keys = open_keys(KeyPlace.under(data), begun=True)
    source, target = sqlite3.connect(data / DATABASE), sqlite3.connect(data / "copy.db")
    source.backup(target)
    source.close()
    target.close()
    store = SqliteStore(data / "copy.db")
    try:
        with store.read() as tx:
            rows = resources.own(tx, HOSPITAL, "Patient") + resources.own(tx, HOSPITAL, "Encounter")
            one, two = (store.event(tx, r.position) for r in rows[:2])
            assert one is not None
            assert two is not None
            assert open_content(keys, one) is not None
            moved = (
                type(one)(two.position, two.stream, two.version, two.topic, two.header, one.body),
                type(one)(one.position, two.stream, one.version, one.topic, one.header, one.body),
                type(one)(one.position, one.stream, one.version, one.topic, two.header, one.body),
            )
            for planted in moved:
                with pytest.raises(Broken):
                    open_content(keys, planted)
            key = keys.by_id(rows[0].key)
            assert key is not None
            with pytest.raises(Broken):
                open_facts(key, one.body, one.header.event)
            with pytest.raises(Broken):
                open_facts(key, rows[0].facts, rows[1].event)
    finally:
        store.close()
        keys.close()


def test_replay_from_the_log_and_the_keys_alone_gives_the_same_rows(data: Path, tmp_path: Path) -> None:
    region = tmp_path / "region.json"
    held = register()
    region.write_bytes(orjson.dumps({
        "name": held.name, "edition": held.edition, "network": held.network,
        "organizations": [{"code": o.code, "name": o.name, "kind": o.kind, "purpose": held.purposes[o.code]} for o in held.offices.values()],
        "users": [{"id": u.id, "organization": u.organization, "name": u.name, "role": u.role, "purpose": u.purpose} for u in held.users.values()],
    }))  # fmt: skip
    environ = {
        "TSUNAGU_DATA": str(data),
        "TSUNAGU_REGION": str(region),
        "PATH": "",
        "TZ": "America/New_York",
        "PYTHONPATH": str(Path.cwd()),
    }
    done = subprocess.run([sys.executable, "-m", "hub.cli.main", "replay"], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "resources" in done.stdout


def test_a_replay_names_a_table_whose_row_was_changed(data: Path, tmp_path: Path) -> None:
    connection = sqlite3.connect(data / DATABASE)
    connection.execute("UPDATE resources SET confidentiality='R' WHERE type='Encounter'")
    connection.commit()
    connection.close()
    (tmp_path / "work").mkdir()
    made = replay(
        database=data / DATABASE,
        keys=KeyPlace.under(data),
        region=register(),
        work=tmp_path / "work",
    )
    assert set(made.differing) == {"resources"}


def checked(data: Path) -> Verified:
    outside = (data / "checkpoint.txt").read_text(encoding="utf-8") if (data / "checkpoint.txt").exists() else ""
    return verify_file(data / DATABASE, (data / "checkpoint.pub").read_text(encoding="utf-8").strip(), outside)


def test_an_untouched_log_verifies(data: Path) -> None:
    found = checked(data)
    assert found.findings == ()
    assert found.checkpoints == 2  # the one in the database, and the same as it was published


def _flip(where: str) -> Callable[[sqlite3.Connection], None]:
    def flip(c: sqlite3.Connection) -> None:
        (state,) = c.execute("SELECT state FROM events WHERE position=3").fetchone()
        held = bytearray(state)
        held[-1 if where == "body" else 10] ^= 1
        c.execute("UPDATE events SET state=? WHERE position=3", (bytes(held),))

    return flip


def _swap(c: sqlite3.Connection) -> None:
    for a, b in ((2, -2), (4, 2), (-2, 4)):
        c.execute("UPDATE events SET position=? WHERE position=?", (b, a))


TAMPERED = {
    "body": _flip("body"),
    "header": _flip("header"),
    "version": lambda c: c.execute("UPDATE events SET originator_version=7 WHERE position=3"),
    "topic": lambda c: c.execute("UPDATE events SET topic='resource-withdrawn.v1' WHERE position=3"),
    "stream": lambda c: c.execute("UPDATE events SET originator_id=? WHERE position=3", ("0" * 32,)),
    "removed tail": lambda c: c.execute("DELETE FROM events WHERE position=(SELECT max(position) FROM events)"),
    "removed middle": lambda c: c.execute("DELETE FROM events WHERE position=3"),
    "two rows swapped": _swap,
}


@pytest.mark.parametrize("how", sorted(TAMPERED))
def test_verify_finds_what_was_changed(data: Path, how: str) -> None:
    connection = sqlite3.connect(data / DATABASE)
    TAMPERED[how](connection)
    connection.commit()
    connection.close()
    assert checked(data).findings


@pytest.mark.parametrize("how", ["body", "version", "removed tail", "two rows swapped"])
def test_verify_finds_it_even_where_the_leaves_were_made_anew(data: Path, how: str) -> None:
    """Whoever can write the file can write the leaf column too; the signed head is what they cannot make."""
    from hub.log.merkle import event_leaf

    connection = sqlite3.connect(data / DATABASE)
    TAMPERED[how](connection)
    rows = connection.execute("SELECT position, originator_id, originator_version, topic, state FROM events").fetchall()
    for position, stream, version, topic, state in rows:
        leaf = event_leaf(position=position, stream=bytes.fromhex(stream), version=version, topic=topic, state=state)
        connection.execute("UPDATE events SET leaf=? WHERE position=?", (leaf, position))
    connection.commit()
    connection.close()
    assert {f.what for f in checked(data).findings} & {"root", "missing", "version", "order"}


def test_the_checker_shares_only_the_hash_rules_with_the_writer() -> None:
    import hub.log.verify as module

    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    imported = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module and n.module.startswith("hub")}
    assert imported == {"hub.log.merkle", "hub.log.notes"}


def test_positions_survive_a_dump_and_restore(data: Path) -> None:
    source, target = sqlite3.connect(data / DATABASE), sqlite3.connect(data / "restored.db")
    target.executescript("\n".join(source.iterdump()))
    query = "SELECT position, originator_id, originator_version FROM events ORDER BY position"
    assert source.execute(query).fetchall() == target.execute(query).fetchall()
    source.close()
    target.close()


def test_a_second_hub_on_the_same_file_is_refused(data: Path) -> None:
    with pytest.raises(Broken) as refused:
        SqliteStore(data / DATABASE)
    assert refused.value.issues[0].rule == "HUB-5006"
