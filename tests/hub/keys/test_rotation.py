"""The master key can be changed at any moment without a name changing; broken off at any moment it was changed or it was not."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from hub.log.keys import Keyring
from hub.log.master import FileMaster, GivenMaster, KmsMaster, Master, read_master
from hub.log.secrets import Secrets
from hub.log.unlocking import KeyPlace, open_keys, rotate
from hub.log.wrapping import Wrapping
from tests.hub.keys.looking import HISTORY, every_row, files, of_0_1_0, opened, refused
from tests.hub.keys.transit import Transit, kms

# ── stores of 0.1.0 ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_store_of_0_1_0_opens_with_every_name_and_every_key(tmp_path: Path) -> None:
    place = of_0_1_0(tmp_path / "data")
    before = every_row(tmp_path / "data")
    master = read_master(HISTORY / "master.key")
    for _ in range(2):
        secrets, keys = open_keys(place, begun=True)
        assert secrets == Secrets.of(master)  # in 0.1.0 all secrets were drawn from the master key itself
        assert {k.key_id for row in before if (k := keys.by_id(row[0])) is not None} == {row[0] for row in before}
        keys.close()
    assert every_row(tmp_path / "data") == before


def test_a_store_of_0_1_0_keeps_its_names_when_the_master_key_changes(tmp_path: Path) -> None:
    place = of_0_1_0(tmp_path / "data")
    before = every_row(tmp_path / "data")
    assert rotate(place, place.master) == len(before)
    secrets, keys = open_keys(place, begun=True)
    assert secrets == Secrets.of(read_master(HISTORY / "master.key"))
    assert all(keys.by_id(row[0]) is not None for row in before)
    keys.close()
    shutil.copy(HISTORY / "master.key", tmp_path / "data" / "master.key")
    refused("HUB-5003", lambda: open_keys(place, begun=True))


def test_an_emptied_store_of_0_1_0_beside_a_log_is_refused(tmp_path: Path) -> None:
    place = of_0_1_0(tmp_path / "data")
    with sqlite3.connect(tmp_path / "data" / "keys.db") as db:
        db.execute("DELETE FROM data_keys")
    db.close()
    refused("HUB-5073", lambda: open_keys(place, begun=True))


# ── changing it ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_after_a_change_everything_opens_with_the_new_key_and_nothing_with_the_old(tmp_path: Path) -> None:
    place = KeyPlace.under(tmp_path)
    secrets, held = opened(place)
    old, wrapped = read_master(tmp_path / "master.key"), [row[4] for row in every_row(tmp_path)]
    assert rotate(place, place.master) == 2
    assert read_master(tmp_path / "master.key") != old
    assert opened(place, begun=True) == (secrets, held)
    refused("HUB-5003", lambda: opened(KeyPlace.under(tmp_path, master=GivenMaster("old", old.hex())), begun=True))
    ring = Keyring(tmp_path / "keys.db", Wrapping.of(old))
    for row in every_row(tmp_path):
        refused("HUB-5071", lambda row=row: ring.by_id(row[0]))
    ring.close()
    stored = b"".join(files(tmp_path).values())
    assert not any(one in stored for one in wrapped)


def test_the_master_key_moves_from_a_file_to_the_environment_and_to_a_service_and_back(tmp_path: Path, transit: Transit) -> None:
    here = KeyPlace.under(tmp_path)
    secrets, held = opened(here)
    ways: list[Master] = [
        GivenMaster("NEXT", "77" * 32),
        kms(transit),
        kms(transit),
        FileMaster(tmp_path / "apart" / "hub.key"),
        here.master,
    ]
    now = here.master
    (tmp_path / "master.key").rename(tmp_path / "first.key")
    now = FileMaster(tmp_path / "first.key")
    for following in ways:
        assert rotate(KeyPlace.under(tmp_path, master=now), following) == 2
        if not isinstance(now, KmsMaster) or not isinstance(following, KmsMaster):
            refused("HUB-5003", lambda now=now: opened(KeyPlace.under(tmp_path, master=now), begun=True))
        assert opened(KeyPlace.under(tmp_path, master=following), begun=True) == (secrets, held)
        now = following


def test_a_key_that_is_the_same_is_no_change(tmp_path: Path) -> None:
    given = GivenMaster("HUB_KEY", "55" * 32)
    place = KeyPlace.under(tmp_path, master=given)
    opened(place)
    before = files(tmp_path)
    assert refused("HUB-5076", lambda: rotate(place, given)).issues[0].where == "HUB_KEY"
    assert files(tmp_path) == before


def test_it_is_not_changed_while_a_hub_has_the_store_open_nor_the_store_opened_meanwhile(tmp_path: Path) -> None:
    place = KeyPlace.under(tmp_path)
    _, keys = open_keys(place, begun=False)
    old = read_master(tmp_path / "master.key")
    refused("HUB-5075", lambda: rotate(place, place.master))
    keys.close()
    assert read_master(tmp_path / "master.key") == old

    class Meanwhile(FileMaster):
        def following(self, old: bytes) -> object:
            refused("HUB-5075", lambda: open_keys(place, begun=True))
            return super().following(old)

    assert rotate(place, Meanwhile(tmp_path / "master.key")) == 0


STEPS = ("made", "wrapped", "committed", "purged", "settled")


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_it_has_happened_or_not(tmp_path: Path, step: str, legacy: bool) -> None:
    data = tmp_path / "data"
    place = of_0_1_0(data) if legacy else KeyPlace.under(data)
    secrets, held = opened(place, begun=legacy)
    old = read_master(data / "master.key")
    command = [sys.executable, "-m", "tests.hub.keys.rotating", str(data), step]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    happened = step in {"committed", "purged", "settled"}
    assert opened(place, begun=True) == (secrets, held)
    assert (read_master(data / "master.key") != old) == happened
    the_old = KeyPlace.under(data, master=GivenMaster("old", old.hex()))
    if happened:
        refused("HUB-5003", lambda: opened(the_old, begun=True))
        assert not (data / "master.key.new").exists()
    else:
        assert opened(the_old, begun=True) == (secrets, held)
    rotate(place, place.master)  # and the next one goes through
    assert opened(place, begun=True) == (secrets, held)
    assert sorted(p.name for p in data.iterdir() if "new" in p.name or p.name.startswith("master")) == ["master.key"]
    refused("HUB-5003", lambda: opened(the_old, begun=True))


def test_the_verb_changes_it_and_says_so(tmp_path: Path) -> None:
    place = KeyPlace.under(tmp_path)
    secrets, held = opened(place)
    command = [sys.executable, "-m", "hub.cli.main", "rotate-key", "--data", str(tmp_path)]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3]), "NEXT": "99" * 32}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2" in done.stdout
    assert read_master(tmp_path / "master.key").hex() not in done.stdout
    assert opened(place, begun=True) == (secrets, held)
    done = subprocess.run([*command, "--to", "env:NEXT"], env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "99" * 32 not in done.stdout
    assert opened(KeyPlace.under(tmp_path, master=GivenMaster("NEXT", "99" * 32)), begun=True) == (secrets, held)
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "HUB-5003" in done.stderr
