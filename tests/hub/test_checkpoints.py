"""The tree grows with the log and its head is signed in time; there is never a second tree."""

from __future__ import annotations

import base64
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.assemble import DATABASE, assemble
from hub.followers import checkpoints
from hub.followers.checkpoints import Checkpoints
from hub.log.merkle import Tree, consistent, root_of
from hub.log.notes import verify
from hub.log.verify_sqlite import verify_file
from hub.region import read_region
from hub.tables import tree
from hub.writer import Writer
from schemas.errors import Broken
from tests.hub.watching import filled, watched
from tests.hub.world import NOW, World


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    with watched(tmp_path / "data", ()) as made:
        yield made


def heads(w: World) -> list[int]:
    with w.hub.store.read() as tx:
        return [int(r[0]) for r in tx.all("SELECT size FROM checkpoints ORDER BY size")]


def leaves(w: World) -> list[bytes]:
    with w.hub.store.read() as tx:
        return [bytes(r[0]) for r in tx.all("SELECT leaf FROM events ORDER BY position")]


def another(w: World, folder: Path, writer: Writer | None = None) -> Checkpoints:
    """Give the same follower as another process has it."""
    folder.mkdir(exist_ok=True)
    return Checkpoints(
        store=w.hub.store, writer=writer or w.hub.writer, signing=w.hub.secrets.signing, origin="tsunagu.example.jp/log", folder=folder, now=lambda: NOW
    )  # fmt: skip


def test_a_head_is_signed_at_once_after_a_thousand_events_and_else_in_ten_seconds(w: World) -> None:
    follower = w.hub.checkpoints
    filled(w, 1)
    follower.step()
    assert heads(w) == [1]
    filled(w, 999)
    follower.step()
    assert heads(w) == [1]
    filled(w, 1)
    follower.step()
    assert heads(w) == [1, 1_001]
    filled(w, 1)
    follower.step()
    assert heads(w) == [1, 1_001]
    follower._signed -= 9.0
    follower.step()
    assert heads(w) == [1, 1_001]
    follower._signed -= 1.0
    follower.step()
    assert heads(w) == [1, 1_001, 1_002]
    follower._signed -= 100.0
    follower.step()
    assert heads(w) == [1, 1_001, 1_002], "nothing new, nothing signed"


def test_every_head_is_the_root_of_all_leaves_before_it(w: World) -> None:
    for count in (1, 2, 253, 1, 700, 3):
        filled(w, count)
        w.hub.checkpoints.sign_now()
    held = leaves(w)
    with w.hub.store.read() as tx:
        signed = [h for size in heads(w) if (h := tree.of_size(tx, size))]
    assert [h.size for h in signed] == [1, 3, 256, 257, 957, 960]
    for head in signed:
        point = verify(head.note, w.hub.checkpoints.verifier)
        assert point is not None
        assert point.root == head.root == root_of(held[: head.size])
    assert w.hub.store.engine != "sqlite" or (w.hub.checkpoints._folder / "checkpoint.txt").read_text(encoding="utf-8") == signed[-1].note


def test_a_long_log_is_taken_in_by_pieces_and_signed_at_its_end_alone(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "BATCH", 500)
    filled(w, 1_700)
    steps = 1
    while w.hub.checkpoints.step():
        assert heads(w) == []
        steps += 1
    assert (steps, heads(w)) == (4, [1_700])
    with w.hub.store.read() as tx:
        assert tree.size(tx) == 1_700
        assert w.hub.store.position_of(tx, "checkpoints") == 1_700
        head = tree.newest(tx)
    assert head is not None
    assert head.root == root_of(leaves(w))


def test_what_was_taken_in_and_not_signed_is_signed_after_a_restart(w: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "BATCH", 500)
    filled(w, 1_000)
    assert w.hub.checkpoints.step()
    assert w.hub.checkpoints.step()  # all is taken in, but not known to be all
    assert heads(w) == []
    another(w, tmp_path / "other").step()
    assert heads(w) == [1_000]


def test_two_processes_that_both_believe_they_lead_sign_one_tree(w: World, tmp_path: Path) -> None:
    writers = [Writer(w.hub.store, w.hub.keys, lambda *_: None) for _ in range(2)]
    both = [another(w, tmp_path / str(i), writer) for i, writer in enumerate(writers)]
    stop, faults = threading.Event(), []

    def go(follower: Checkpoints) -> None:
        try:
            while not stop.is_set():
                follower.sign_now()
        except Exception as fault:  # noqa: BLE001  told below
            faults.append(fault)

    threads = [threading.Thread(target=go, args=(f,)) for f in both]
    for thread in threads:
        thread.start()
    for _ in range(40):
        filled(w, 17)
    stop.set()
    for thread in threads:
        thread.join(60)
    for follower, writer in zip(both, writers, strict=True):
        follower.sign_now()
        writer.close()
    assert faults == []
    held, grown = leaves(w), Tree()
    with w.hub.store.read() as tx:
        signed = {h.size: h.root for size in heads(w) if (h := tree.of_size(tx, size))}
    for one in held:
        grown.append(one)
        if grown.size in signed:
            assert signed.pop(grown.size) == grown.root
    assert signed == {}
    assert max(heads(w)) == 40 * 17


def test_what_another_process_was_first_with_is_left_alone(w: World) -> None:
    filled(w, 300)
    with w.hub.store.read() as tx:
        late = w.hub.checkpoints._grown(tx, None)
    w.hub.checkpoints.sign_now()
    filled(w, 10)
    w.hub.checkpoints.sign_now()
    assert w.hub.writer.work(lambda tx: w.hub.checkpoints._record(tx, late)).result() == ""
    assert heads(w) == [300, 310]
    with w.hub.store.read() as tx:
        assert tree.size(tx) == 310


def planted(w: World, sql: str, *params: object) -> None:
    with w.hub.store.write() as tx:
        tx.run(sql, params)


@pytest.mark.parametrize(
    ("sql", "param"),
    [
        ("UPDATE checkpoints SET root=?", bytes(32)),
        ("UPDATE tiles SET hashes=? WHERE level=0 AND number=1", bytes(44 * 32)),
        ("UPDATE tiles SET hashes=? WHERE level=0 AND number=1", bytes(30 * 32)),
        ("UPDATE tiles SET hashes=? WHERE level=1", bytes(32)),
        ("DELETE FROM tiles WHERE level=1 AND hashes<>?", b""),
        ("DELETE FROM events WHERE position=301 AND topic<>?", ""),
    ],
)
def test_no_head_is_signed_that_does_not_go_on_from_the_one_before(w: World, sql: str, param: bytes | str) -> None:
    filled(w, 300)
    w.hub.checkpoints.sign_now()
    filled(w, 2)
    planted(w, sql, param)
    with pytest.raises(Broken) as refused:
        w.hub.checkpoints.sign_now()
    assert refused.value.issues[0].rule == "HUB-5080"
    assert heads(w) == [300]


@pytest.mark.sqlite
def test_a_database_put_back_to_an_earlier_state_is_not_signed_on_from_there(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with watched(data, ()) as w:
        filled(w, 20)
    shutil.copytree(data, tmp_path / "kept")
    with watched(data, ()) as w:
        filled(w, 5)
    published = (data / "checkpoint.txt").read_bytes()
    for left in data.glob("hub.db*"):
        left.unlink()
    shutil.copy(tmp_path / "kept" / DATABASE, data / DATABASE)
    with watched(data, ()) as w:
        with pytest.raises(Broken):
            w.hub.checkpoints.step()  # nothing is new, and what was published is not written over
        assert (data / "checkpoint.txt").read_bytes() == published
        filled(w, 9, version=2)  # longer than what was signed, and another log
        with pytest.raises(Broken) as refused:
            w.hub.checkpoints.sign_now()
        assert refused.value.issues[0].rule == "HUB-5080"
        assert heads(w) == [20]
    assert (data / "checkpoint.txt").read_bytes() == published
    (data / "checkpoint.txt").unlink()
    with watched(data, ()) as w:
        w.hub.checkpoints.sign_now()
        assert heads(w) == [20, 29]


@pytest.mark.sqlite
def test_a_log_of_the_first_release_gets_its_tiles_from_its_leaves(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with watched(data, ()) as w:
        filled(w, 600)
    connection = sqlite3.connect(data / DATABASE)
    connection.execute("DROP TABLE tiles")
    connection.execute("DROP TABLE cosignatures")
    connection.execute("CREATE TABLE tree (level INTEGER PRIMARY KEY, size INTEGER NOT NULL, hash BLOB NOT NULL)")
    connection.commit()
    connection.close()
    with watched(data, ()) as w:
        filled(w, 3)
        w.hub.checkpoints.sign_now()
        assert heads(w) == [600, 603]
        with w.hub.store.read() as tx:
            assert tree.size(tx) == 603
            head = tree.newest(tx)
        assert head is not None
        assert head.root == root_of(leaves(w))


@pytest.mark.sqlite
def test_a_log_moved_to_another_database_goes_on_from_the_head_that_was_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "BATCH", 500)
    data = tmp_path / "data"
    with watched(data, ()) as w:
        filled(w, 1_100)
    connection = sqlite3.connect(data / DATABASE)
    for table in ("tiles", "checkpoints", "tracking"):
        connection.execute(f"DELETE FROM {table}")
    connection.commit()
    connection.close()
    with watched(data, ()) as w:
        filled(w, 1)
        while w.hub.checkpoints.step():
            pass
        assert heads(w) == [1_101]


def test_a_hub_whose_head_cannot_be_signed_closes_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with watched(tmp_path / "data", ()) as w:
        filled(w, 3)
        w.hub.checkpoints.sign_now()
        filled(w, 1)
        planted(w, "UPDATE checkpoints SET root=?", bytes(32))
    assert "no last head was signed" in caplog.text
    with watched(tmp_path / "data", ()) as w:
        assert heads(w) == [3]


@pytest.mark.sqlite
def test_a_backup_taken_while_heads_are_signed_holds_no_head_beyond_its_log(tmp_path: Path) -> None:
    backup = Path(__file__).parents[2] / "deploy" / "backup.py"
    with watched(tmp_path / "data", ()) as w:
        filled(w, 5)
        w.hub.checkpoints.sign_now()
        stop = threading.Event()

        def live() -> None:
            while not stop.is_set():
                filled(w, 1)
                w.hub.checkpoints.sign_now()

        thread = threading.Thread(target=live)
        thread.start()
        try:
            for _ in range(3):
                subprocess.run([sys.executable, backup, tmp_path / "data", tmp_path / "copies"], check=True, capture_output=True)
        finally:
            stop.set()
            thread.join(30)
        key = w.hub.checkpoints.verifier
    copies = list((tmp_path / "copies").iterdir())
    assert len(copies) == 3
    for copy in copies:
        found = verify_file(copy / DATABASE, key, (copy / "checkpoint.txt").read_text(encoding="utf-8"))
        assert found.findings == ()
        assert found.checkpoints >= 2


@pytest.mark.sqlite
def test_the_log_of_a_past_release_is_signed_on_from_its_own_heads(tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(Path(__file__).parents[1] / "histories" / "0.1.0", data)
    note = (data / "checkpoint.txt").read_text(encoding="utf-8")
    assert verify_file(data / DATABASE, (data / "checkpoint.pub").read_text(encoding="utf-8"), note).findings == ()
    hub = assemble(
        data=data, region=read_region(data / "region.json"), base="http://hub.test", adapters=(), now=lambda: NOW, followers=False
    )
    w = World(hub)
    try:
        filled(w, 1)
        hub.checkpoints.sign_now()
        assert heads(w)[-2:] == [53, 54]
        network = hub.region.network
        proof = w.get(network, "/log/proof/consistency?from=53&to=54").text.partition("\n\n")
        old, new = verify(note, hub.checkpoints.verifier), verify(proof[2], hub.checkpoints.verifier)
        assert old is not None
        assert new is not None
        path = [base64.b64decode(line) for line in proof[0].split("\n")[1:]]
        assert consistent(53, 54, old.root, new.root, path)
    finally:
        w.close()
        hub.close()
    found = verify_file(data / DATABASE, (data / "checkpoint.pub").read_text(encoding="utf-8"), note)
    assert (found.findings, found.checkpoints) == ((), len_heads(data) + 1)


def len_heads(data: Path) -> int:
    connection = sqlite3.connect(data / DATABASE)
    (count,) = connection.execute("SELECT count(*) FROM checkpoints").fetchone()
    connection.close()
    return int(count)
