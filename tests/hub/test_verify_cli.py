"""The checker on the command line, over both databases, an exported file and a proof."""

from __future__ import annotations

import base64
import io
import os
import sqlite3
from pathlib import Path

import psycopg
import pytest

import hub.log.proof_file
import hub.log.verify
from hub.assemble import DATABASE
from hub.cli.main import main
from hub.log import exported
from hub.log.merkle import leaf
from hub.log.notes import Checkpoint, sign
from hub.log.verify import Head, Torn, check
from hub.log.verify_sqlite import of_sqlite
from tests.hub.ten_events import KEY, LOG, ORIGIN, WITNESSES
from tests.hub.watching import filled, line_of, watched
from tests.hub.world import database_of
from tests.postgres import cluster

pytestmark = pytest.mark.sqlite  # asks both engines by itself


@pytest.fixture(params=["sqlite", "postgresql"])
def data(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a hub that is stopped, its settings in the environment."""
    folder = tmp_path / "data"
    url = cluster().new() if request.param == "postgresql" else ""
    monkeypatch.setenv("TSUNAGU_DATA", str(folder))
    monkeypatch.setenv("TSUNAGU_DATABASE", url)
    with watched(folder, (), database=url) as w:
        for count in (3, 600, 4):
            filled(w, count)
            w.hub.checkpoints.sign_now()
    assert url or not database_of(folder) or request.config.getoption("--postgres")
    return folder


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_the_database_itself_is_checked(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify"]) == 0
    assert "607 events, 4 checkpoints fit" in said(capsys)  # three heads, and the one that is published


def test_an_exported_log_is_checked_with_its_public_key_alone(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "log.export"
    assert main(["export-log", str(file)]) == 0
    assert "607 events written" in said(capsys)
    assert not (tmp_path / "log.export.new").exists()
    for name in (p.name for p in data.iterdir() if p.is_file() and p.suffix in {".key", ".json"}):
        assert (data / name).read_bytes()[:32] not in file.read_bytes()
    monkeypatch.delenv("TSUNAGU_DATA")
    monkeypatch.delenv("TSUNAGU_DATABASE")
    monkeypatch.chdir(tmp_path)
    key = (data / "checkpoint.pub").read_text(encoding="utf-8").strip()
    for one in (key, str(data / "checkpoint.pub")):
        assert main(["verify", str(file), "--key", one]) == 0
        assert "607 events, 3 checkpoints fit" in said(capsys)
    held = bytearray(file.read_bytes())
    held[held.index(b"message-settled.v1") + 20] ^= 1
    file.write_bytes(held)
    assert main(["verify", str(file), "--key", key]) == 1
    out = said(capsys)
    assert "leaf #1" in out
    assert "root #3" in out


def test_the_database_and_its_file_tell_the_same(data: Path, tmp_path: Path) -> None:
    main(["export-log", str(tmp_path / "log")])
    with (tmp_path / "log").open("rb") as file:
        listed = list(exported.read(file))
    assert [item.size for item in listed if isinstance(item, Head)] == [3, 603, 607]
    assert len(listed) == 610
    if (data / DATABASE).exists():
        assert list(of_sqlite(data / DATABASE)) == listed


def test_what_is_missing_or_unreadable_is_said(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(tmp_path / "nothing"), "--key", KEY]) == 1
    (tmp_path / "junk").write_bytes(b"junk")
    assert main(["verify", str(tmp_path / "junk"), "--key", KEY]) == 1
    assert main(["verify", str(tmp_path / "junk"), "--key", "a+b"]) == 1
    assert main(["verify", str(tmp_path / "junk"), "--key", str(tmp_path / "no.pub")]) == 1
    assert main(["verify", str(tmp_path / "junk")]) == 1
    assert main(["verify", "--outside", str(tmp_path / "gone")]) == 1
    heard = capsys.readouterr()
    for rule in ("HUB-5016 [nothing]", "HUB-5085", "HUB-5016 [--key]", "HUB-5085 [--key]", "HUB-5016 [gone]"):
        assert rule in heard.err
    assert "torn" in heard.out


def test_a_head_kept_outside_and_witnesses_are_asked_for_on_the_command_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note = (data / "checkpoint.txt").read_text(encoding="utf-8")
    kept = tmp_path / "kept.txt"
    kept.write_text(note + line_of(1, note.partition("\n\n")[0] + "\n"), encoding="utf-8")
    keys = tmp_path / "witnesses"
    keys.write_text("\n".join(WITNESSES), encoding="utf-8")
    main(["export-log", str(tmp_path / "log")])
    told = ["verify", str(tmp_path / "log"), "--key", str(data / "checkpoint.pub"), "--witness", str(keys)]
    assert main([*told]) == 1
    assert "witnesses #607" in said(capsys)
    assert main([*told, "--outside", str(kept)]) == 0
    assert "witnessed up to event 607" in said(capsys)
    assert main([*told, "--outside", str(kept), "--quorum", "2"]) == 1
    assert main([*told, "--quorum", "0"]) == 0


def test_a_proof_file_is_checked_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry, other = b"entry", leaf(b"other")
    root = hub.log.verify.Tree()
    root.append(leaf(entry))
    root.append(other)
    note = sign(Checkpoint(ORIGIN, 2, root.root), LOG)
    file = tmp_path / "entry.tlog-proof"
    file.write_text(hub.log.proof_file.write(entry, 0, [other], note), encoding="utf-8")
    assert file.read_text(encoding="utf-8") == (
        f"c2sp.org/tlog-proof@v1\nextra ZW50cnk=\nindex 0\n{base64.b64encode(other).decode()}\n\n{note}"
    )
    assert main(["verify", str(file), "--key", KEY]) == 0
    assert "event #1 of 2" in said(capsys)
    assert main(["verify", str(file), "--key", KEY, "--witness", WITNESSES[0]]) == 1
    with file.open("a", encoding="utf-8") as more:
        more.write(line_of(1, note.partition("\n\n")[0] + "\n"))
    assert main(["verify", str(file), "--key", KEY, "--witness", WITNESSES[0]]) == 0
    file.write_text(file.read_text(encoding="utf-8").replace("ZW50cnk=", "ZW50cnl="), encoding="utf-8")
    assert main(["verify", str(file), "--key", KEY]) == 1


def test_a_damaged_database_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSUNAGU_DATA", str(tmp_path))
    (tmp_path / "checkpoint.pub").write_text(KEY, encoding="utf-8")
    (tmp_path / DATABASE).write_bytes(b"no database at all" * 100)
    assert main(["verify"]) == 1
    assert "torn #0" in said(capsys)
    assert main(["export-log", str(tmp_path / "log")]) == 1
    assert "HUB-5086" in capsys.readouterr().err
    (tmp_path / DATABASE).unlink()
    assert main(["export-log", str(tmp_path / "log")]) == 1
    assert "HUB-5016" in capsys.readouterr().err
    assert not list(tmp_path.glob("log*"))
    sqlite3.connect(tmp_path / DATABASE).close()
    assert main(["verify"]) == 1
    assert list(of_sqlite(tmp_path / DATABASE)) == [Torn()]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE events SET originator_id='zz' WHERE position=2",
        "UPDATE events SET originator_id='' WHERE position=2",
        "UPDATE events SET originator_version=-1 WHERE position=2",
        "UPDATE events SET originator_version='x' WHERE position=2",
        "UPDATE events SET topic=x'ff' WHERE position=2",
        "UPDATE events SET topic=printf('%70000d', 1) WHERE position=2",
        "UPDATE events SET state='text' WHERE position=2",
        "UPDATE events SET state=7 WHERE position=2",
        "UPDATE events SET leaf='text' WHERE position=2",
        "UPDATE events SET leaf=x'00' WHERE position=2",
        "UPDATE events SET position=-2 WHERE position=2",
        "UPDATE checkpoints SET note=x'ff'",
        "UPDATE checkpoints SET note=7",
        "UPDATE checkpoints SET size=-1",
    ],
)
def test_columns_that_no_event_can_have_are_named_and_stop_nothing(tmp_path: Path, sql: str) -> None:
    with watched(tmp_path / "data", ()) as w:
        filled(w, 3)
    connection = sqlite3.connect(tmp_path / "data" / DATABASE)
    connection.execute(sql)
    connection.commit()
    connection.close()
    key = (tmp_path / "data" / "checkpoint.pub").read_text(encoding="utf-8").strip()
    listed = list(of_sqlite(tmp_path / "data" / DATABASE))
    file = io.BytesIO()
    exported.write(listed, file)
    file.seek(0)
    for found in (check(listed, keys=[key]), check(exported.read(file), keys=[key])):
        assert found.size == 3
        assert {f.what for f in found.findings} & ({"leaf"} if "events" in sql else {"signature", "order"})


def test_a_database_that_does_not_answer_or_holds_no_log_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSUNAGU_DATA", str(tmp_path))
    (tmp_path / "checkpoint.pub").write_text(KEY, encoding="utf-8")
    for url, rule in ((cluster().new(), "HUB-5016 [events]"), (cluster().url("nothing_here"), "HUB-5100")):
        monkeypatch.setenv("TSUNAGU_DATABASE", url)
        for verb in (["verify"], ["export-log", str(tmp_path / "log")]):
            assert main(verb) == 1
            assert rule in capsys.readouterr().err
    assert not list(tmp_path.glob("log*"))


def test_rights_to_read_are_enough(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if not (url := os.environ["TSUNAGU_DATABASE"]):
        (data / DATABASE).chmod(0o400)
        assert main(["verify"]) == 0
        return
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS auditor")
        connection.execute("CREATE ROLE auditor LOGIN")
        connection.execute("REVOKE CREATE ON SCHEMA public FROM public")
        connection.execute("GRANT SELECT ON events, checkpoints, cosignatures TO auditor")
    monkeypatch.setenv("TSUNAGU_DATABASE", url.replace(f"//{cluster().user}@", "//auditor@"))
    assert main(["verify"]) == 0
    assert "607 events, 4 checkpoints fit" in said(capsys)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP OWNED BY auditor")
        connection.execute("DROP ROLE auditor")
