"""What an operator is handed is true: settings, image, unit, and a backup that can be restored."""

import configparser
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from hub.assemble import DATABASE, KEYS, MASTER, TOKENS
from hub.log.envelope import Header, pack
from hub.log.event import open_content, seal_json
from hub.log.keys import Keyring
from hub.log.sqlite import SqliteStore
from hub.log.store import stored_event
from hub.log.wrapping import Wrapping
from hub.settings import SETTINGS
from schemas.events import RESOURCE_RECORDED

DEPLOY = Path(__file__).parents[1] / "deploy"
WRAPPING = Wrapping.of(bytes(range(32)))


def text(name):
    return (DEPLOY / name).read_text(encoding="utf-8")


# ── settings ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def written(name):
    """The settings that a file sets, with their values, in its order."""
    return dict(re.findall(r"^(TSUNAGU_[A-Z_]+)=(.*)$", text(name), re.MULTILINE))


def test_the_example_has_every_setting_with_its_default():
    assert list(written("env.example").items()) == [(one.name, one.default) for one in SETTINGS]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.name)
def test_each_setting_of_the_example_is_told_in_both_languages(setting):
    before = text("env.example").split(f"\n{setting.name}=")[0].splitlines()[-2:]
    assert before[0] == f"# {setting.help_ja}"
    assert before[1].lower() == f"# {setting.help_en}".lower()


OF_CLIENTS = {"TSUNAGU_TOKEN"}
"""Read by `tsunagu import`, which is a client of the hub."""


def test_the_hub_reads_no_setting_that_is_not_in_the_list():
    named = {
        name
        for path in (DEPLOY.parent / "hub").rglob("*.py")
        for name in re.findall(r"\bTSUNAGU_[A-Z_]+\b", path.read_text(encoding="utf-8"))
    }
    assert named - OF_CLIENTS == {one.name for one in SETTINGS}


def test_no_file_beside_it_names_a_setting_that_does_not_exist():
    named = {
        name for path in DEPLOY.iterdir() if path.is_file() for name in re.findall(r"\bTSUNAGU_[A-Z_]+\b", path.read_text(encoding="utf-8"))
    }
    assert named - OF_CLIENTS == {one.name for one in SETTINGS}


# ── backup ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def name_of(number):
    return number.to_bytes(16, "big")


def record(store, keys, number):
    """One event about a person of its own, as the writer does it: the key is durable before what it seals is committed."""
    stream, event = name_of(number), name_of(number + 1_000_000)
    key = keys.of(stream, "medical")
    header = Header(
        event, b"", 0, 0, 1, 0, "medical", "1119900014", "Patient", stream, b"", key.key_id, b"", "N", (),
    )  # fmt: skip
    body = seal_json(key, {"number": number}, stream=stream, event=event)
    keys.store_fresh()
    with store.write() as tx:
        store.append(tx, [stored_event(stream, 1, RESOURCE_RECORDED, pack(header, body))])


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    store, keys = SqliteStore(folder / DATABASE), Keyring(folder / KEYS, WRAPPING)
    (folder / MASTER).write_text("00" * 32)
    yield folder, store, keys
    keys.close()
    store.close()


def run(folder, into):
    command = [sys.executable, str(DEPLOY / "backup.py"), str(folder), str(into)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def opened(folder):
    """Read every event of a restored copy with a restored key store."""
    store, keys = SqliteStore(folder / DATABASE), Keyring(folder / KEYS, WRAPPING)
    try:
        with store.read() as tx:
            return [open_content(keys, one) for one in store.events(tx, 0, 10_000)]
    finally:
        keys.close()
        store.close()


def test_a_backup_made_while_the_hub_writes_opens_whole(data, tmp_path):
    folder, store, keys = data
    for number in range(20):
        record(store, keys, number)
    stop = threading.Event()

    def write_on():
        number = 20
        while not stop.is_set():
            record(store, keys, number)
            number += 1

    writing = threading.Thread(target=write_on)
    writing.start()
    try:
        done = run(folder, tmp_path / "backup")
    finally:
        stop.set()
        writing.join()
    assert done.returncode == 0, done.stderr
    (copy,) = (tmp_path / "backup").iterdir()
    bodies = opened(copy)
    assert len(bodies) >= 20
    assert None not in bodies


def test_a_backup_is_for_its_owner_alone_and_holds_no_master_key(data, tmp_path):
    folder, store, keys = data
    record(store, keys, 1)
    (folder / TOKENS).write_text("{}")
    assert run(folder, tmp_path / "backup").returncode == 0
    (copy,) = (tmp_path / "backup").iterdir()
    assert {one.name for one in copy.iterdir()} == {DATABASE, KEYS, TOKENS}
    assert stat.S_IMODE(copy.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in copy.iterdir()} == {0o600}


def test_a_backup_of_a_folder_without_keys_fails_and_says_so(data, tmp_path):
    _, store, keys = data
    record(store, keys, 1)
    alone = tmp_path / "alone"
    alone.mkdir()
    store.copy_to(alone / DATABASE)
    done = run(alone, tmp_path / "backup")
    assert done.returncode != 0
    assert "key store" in done.stderr
    assert not (tmp_path / "backup").exists()


def test_a_restored_copy_has_the_positions_of_the_original(data, tmp_path):
    folder, store, keys = data
    for number in range(5):
        record(store, keys, number)
    assert run(folder, tmp_path / "backup").returncode == 0
    (copy,) = (tmp_path / "backup").iterdir()
    columns = "SELECT position, originator_id, originator_version, topic, state, leaf FROM events ORDER BY position"
    with closing(sqlite3.connect(copy / DATABASE)) as restored, store.read() as tx:
        assert restored.execute(columns).fetchall() == tx.all(columns)


# ── unit, image, compose ───────────────────────────────────────────────────────────────────────────────────────────────


def unit():
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read_string(text("tsunagu.service"))
    return parser


def test_the_unit_gives_the_hub_its_own_folder_and_little_else():
    service = unit()["Service"]
    expected = {
        "User": "tsunagu", "StateDirectory": "tsunagu", "StateDirectoryMode": "0700", "UMask": "0077", "ProtectSystem": "strict",
        "ProtectHome": "yes", "PrivateTmp": "yes", "NoNewPrivileges": "yes", "CapabilityBoundingSet": "",
    }  # fmt: skip
    assert {name: service[name] for name in expected} == expected


def test_the_unit_starts_the_hub_as_the_page_says():
    assert unit()["Service"]["ExecStart"] == "/opt/tsunagu/bin/tsunagu serve"
    assert "/opt/tsunagu/bin/pip install --require-hashes -r deploy/requirements.lock" in text("README.md")


def test_systemd_understands_the_unit(tmp_path):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        assert unit().sections() == ["Unit", "Service", "Install"]
        return
    here = tmp_path / "tsunagu.service"
    here.write_text(text("tsunagu.service").replace("/opt/tsunagu/bin/tsunagu serve", sys.executable))
    done = subprocess.run([analyze, "verify", str(here)], capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    assert not [line for line in done.stderr.splitlines() if "tsunagu.service" in line], done.stderr


def test_the_image_does_not_run_as_root_and_says_whether_it_lives():
    last = text("Dockerfile").split("\nFROM ")[-1]
    assert re.search(r"^USER tsunagu$", last, re.MULTILINE)
    assert "/livez" in last
    assert last.index("USER ") < last.index("\nCMD ")


def test_the_image_is_given_every_file_it_copies():
    wanted = {name for line in re.findall(r"^COPY (?!--from)(.*)$", text("Dockerfile"), re.MULTILINE) for name in line.split()[:-1]}
    let_in = {line[1:] for line in text("Dockerfile.dockerignore").splitlines() if line.startswith("!")}
    assert wanted == let_in
    assert all((DEPLOY.parent / name).exists() for name in wanted)


def test_the_compose_file_publishes_the_hub_to_this_machine_alone():
    ports = re.findall(r'^ +- "([^"]*):8080:8080"$', text("compose.yaml"), re.MULTILINE)
    assert ports == ["127.0.0.1"]
