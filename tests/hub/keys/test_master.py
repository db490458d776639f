"""The master key comes from where the setting says, opens its own key store alone, and can be changed at any moment without a name changing."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.log.keys import Keyring
from hub.log.kms import VaultTransit
from hub.log.master import FileMaster, GivenMaster, KmsMaster, Master, master_at, read_master
from hub.log.secrets import Secrets
from hub.log.unlocking import KeyPlace, open_keys, rotate
from hub.log.wrapping import Wrapping
from schemas.errors import Broken
from tests.hub.keys.transit import TOKEN, Transit, vault

HISTORY = Path(__file__).parents[2] / "histories" / "0.1.0"
ANNA, BERTA = b"a" * 16, b"b" * 16


def opened(place: KeyPlace, *, begun: bool = False) -> tuple[Secrets, dict[bytes, bytes]]:
    """Open a store, look at two persons' keys, close it: (secrets, owner → secret)."""
    secrets, keys = open_keys(place, begun=begun)
    try:
        held = {one: keys.of(one, "main").secret for one in (ANNA, BERTA)}
        keys.store_fresh()
    finally:
        keys.close()
    return secrets, held


def refused(rule: str, what: Callable[[], object]) -> Broken:
    with pytest.raises(Broken) as said:
        what()
    assert said.value.issues[0].rule == rule
    return said.value


@pytest.fixture
def transit() -> Iterator[Transit]:
    with vault() as made:
        yield made


def kms(transit: Transit, token: str = TOKEN) -> KmsMaster:
    return KmsMaster(VaultTransit.at(transit.address, token))


# ── where it comes from ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_fresh_folder_gets_a_master_key_for_its_owner_alone_and_a_root_that_is_not_it(tmp_path: Path) -> None:
    place = KeyPlace.under(tmp_path)
    secrets, held = opened(place)
    assert stat.S_IMODE((tmp_path / "master.key").stat().st_mode) == 0o600
    assert secrets != Secrets.of(read_master(tmp_path / "master.key"))
    assert opened(place) == (secrets, held)
    assert sorted(p.name for p in tmp_path.iterdir() if "-" not in p.name) == ["keys.db", "keys.db.lock", "master.key"]


@pytest.mark.parametrize("text", ["env:MASTER", "file:{folder}/apart/hub.key"])
def test_a_master_key_that_is_given_is_the_one_that_wraps(tmp_path: Path, text: str) -> None:
    (tmp_path / "apart").mkdir()
    (tmp_path / "apart" / "hub.key").write_text("ab" * 32 + "\n", encoding="ascii")
    master = master_at(text.format(folder=tmp_path), folder=tmp_path, environ={"MASTER": "ab" * 32})
    secrets, held = opened(KeyPlace.under(tmp_path, master=master))
    assert not (tmp_path / "master.key").exists()
    assert opened(KeyPlace.under(tmp_path, master=GivenMaster("X", "ab" * 32))) == (secrets, held)
    refused("HUB-5003", lambda: opened(KeyPlace.under(tmp_path, master=GivenMaster("X", "ac" * 32))))


@pytest.mark.parametrize("text", ["", "vault", "env:", "hsm:1", "vault:", "vault:http://kms.example/transit/k", "vault:https://kms.example/k",
                                  "vault:https://u:p@kms.example/transit/k", "vault:https://kms.example/transit/k?x=1"])  # fmt: skip
def test_a_place_of_no_known_form_is_a_wrong_setting(tmp_path: Path, text: str) -> None:
    fault = refused("HUB-5012", lambda: master_at(text, folder=tmp_path, environ={}))
    assert fault.issues[0].where == "TSUNAGU_MASTER"


@pytest.mark.parametrize(("given", "rule"), [(None, "HUB-5002"), ("", "HUB-5002"), ("ab" * 31, "HUB-5001"), ("no key", "HUB-5001")])
def test_a_variable_without_a_key_is_named_and_its_value_is_not(tmp_path: Path, given: str | None, rule: str) -> None:
    fault = refused(rule, lambda: opened(KeyPlace.under(tmp_path, master=GivenMaster("HUB_KEY", given))))
    assert not given or given not in str(fault)
    assert not (tmp_path / "keys.db").exists()


def test_two_hubs_that_start_at_once_agree_on_master_key_and_root(tmp_path: Path) -> None:
    found: list[tuple[Secrets, dict[bytes, bytes]]] = []
    start = threading.Barrier(6)

    def begin() -> None:
        start.wait()
        secrets, keys = open_keys(KeyPlace.under(tmp_path), begun=False)
        keys.close()
        found.append((secrets, {}))

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 6
    assert all(one == found[0] for one in found)
    assert opened(KeyPlace.under(tmp_path))[0] == found[0][0]


# ── a service that guards it ─────────────────────────────────────────────────────────────────────────────────────────


def test_vault_wraps_the_master_key_and_nothing_that_opens_lies_in_the_folder(tmp_path: Path, transit: Transit) -> None:
    place = KeyPlace.under(tmp_path, master=kms(transit))
    secrets, held = opened(place)
    assert transit.asked == ["/v1/secrets/transit/encrypt/tsunagu"]
    transit.rotate()  # the service's own rotation: what older versions wrapped still opens
    assert opened(place) == (secrets, held)
    assert transit.asked[1:] == ["/v1/secrets/transit/decrypt/tsunagu"]
    with sqlite3.connect(tmp_path / "keys.db") as db:
        wrapped = dict(db.execute("SELECT name, wrapped FROM roots").fetchall())
    db.close()
    assert wrapped["kek"].startswith(b"vault:v1:")
    assert not (tmp_path / "master.key").exists()


@pytest.mark.parametrize("fault", [500, 403, 503, "hang up", "nonsense"])
def test_a_service_that_fails_is_named_and_nothing_is_made_or_told(tmp_path: Path, transit: Transit, fault: int | str) -> None:
    transit.fault = fault
    said = refused("HUB-5077", lambda: opened(KeyPlace.under(tmp_path, master=kms(transit))))
    assert TOKEN not in repr(said) + str(said)
    assert not (tmp_path / "keys.db").exists()
    transit.fault = 0
    secrets, held = opened(KeyPlace.under(tmp_path, master=kms(transit)))
    transit.fault = fault
    before = (tmp_path / "keys.db").read_bytes()
    refused("HUB-5077", lambda: opened(KeyPlace.under(tmp_path, master=kms(transit))))
    assert (tmp_path / "keys.db").read_bytes() == before
    transit.fault = 0
    assert opened(KeyPlace.under(tmp_path, master=kms(transit))) == (secrets, held)


def test_a_token_that_may_not_and_a_service_that_is_not_there_are_refused(tmp_path: Path, transit: Transit) -> None:
    refused("HUB-5077", lambda: opened(KeyPlace.under(tmp_path, master=kms(transit, "hvs.another"))))
    nobody = KmsMaster(VaultTransit.at("http://127.0.0.1:9/transit/k", TOKEN))
    refused("HUB-5077", lambda: opened(KeyPlace.under(tmp_path, master=nobody)))
    assert TOKEN not in repr(nobody) + repr(nobody.kms)


def test_the_token_comes_from_the_variable_that_vault_itself_uses(tmp_path: Path, transit: Transit) -> None:
    master = master_at(f"vault:{transit.address}", folder=tmp_path, environ={"VAULT_TOKEN": TOKEN})
    secrets, held = opened(KeyPlace.under(tmp_path, master=master))
    assert opened(KeyPlace.under(tmp_path, master=kms(transit))) == (secrets, held)


# ── what does not belong together ────────────────────────────────────────────────────────────────────────────────────


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file() and not p.name.endswith((".lock", "-shm"))}


def _other_master(folder: Path) -> None:
    (folder / "master.key").write_text("11" * 32, encoding="ascii")


def _flip_root(folder: Path) -> None:
    with sqlite3.connect(folder / "keys.db") as db:
        (held,) = db.execute("SELECT wrapped FROM roots WHERE name='root'").fetchone()
        db.execute("UPDATE roots SET wrapped=? WHERE name='root'", (held[:-1] + bytes([held[-1] ^ 1]),))
    db.close()


def _no_root(folder: Path) -> None:
    with sqlite3.connect(folder / "keys.db") as db:
        db.execute("DELETE FROM roots")
    db.close()


def _another_database(folder: Path) -> None:
    (folder / "keys.db").unlink()
    with sqlite3.connect(folder / "keys.db") as db:
        db.execute("CREATE TABLE events (position INTEGER PRIMARY KEY)")
    db.close()


WRONG: dict[str, tuple[str, Callable[[Path], object]]] = {
    "another master key": ("HUB-5003", _other_master),
    "a master key that is none": ("HUB-5001", lambda d: (d / "master.key").write_bytes(b"\xff\xfe garbage")),
    "an empty master key": ("HUB-5001", lambda d: (d / "master.key").write_bytes(b"")),
    "no master key": ("HUB-5002", lambda d: (d / "master.key").unlink()),
    "no key store": ("HUB-5070", lambda d: (d / "keys.db").unlink()),
    "an empty key store": ("HUB-5070", lambda d: (d / "keys.db").write_bytes(b"")),
    "a database that is another": ("HUB-5070", _another_database),
    "a file that is no database": ("HUB-5071", lambda d: (d / "keys.db").write_bytes(b"not a database" * 400)),
    "a damaged root": ("HUB-5071", _flip_root),
    "a root that is gone": ("HUB-5071", _no_root),
    "a damaged ledger": ("HUB-5079", lambda d: (d / "erased.txt").write_text("nothing\n")),
}


@pytest.mark.parametrize("how", sorted(WRONG))
def test_what_is_wrong_is_named_refused_and_left_as_it_is(tmp_path: Path, how: str) -> None:
    place = KeyPlace.under(tmp_path)
    opened(place)
    rule, damage = WRONG[how]
    damage(tmp_path)
    before = files(tmp_path)
    for _ in range(2):
        refused(rule, lambda: opened(place, begun=True))
        refused(rule, lambda: rotate(place, place.master))
    assert files(tmp_path) == before


def test_a_damaged_row_is_refused_where_it_is_read_and_stops_a_change_of_the_master_key(tmp_path: Path) -> None:
    place = KeyPlace.under(tmp_path)
    opened(place)
    with sqlite3.connect(tmp_path / "keys.db") as db:
        db.execute("UPDATE data_keys SET wrapped=zeroblob(60) WHERE owner=?", (ANNA,))
        (key_id,) = db.execute("SELECT key_id FROM data_keys WHERE owner=?", (ANNA,)).fetchone()
    db.close()
    _, keys = open_keys(place, begun=True)
    refused("HUB-5071", lambda: keys.by_id(key_id))
    refused("HUB-5071", lambda: keys.of(ANNA, "main"))
    assert keys.of(BERTA, "main").generation == 1
    keys.close()
    before = files(tmp_path)["keys.db"], files(tmp_path)["master.key"]
    assert refused("HUB-5071", lambda: rotate(place, place.master)).issues[0].where == key_id.hex()
    assert (files(tmp_path)["keys.db"], files(tmp_path)["master.key"]) == before


# ── stores of 0.1.0 ──────────────────────────────────────────────────────────────────────────────────────────────────


def _of_0_1_0(folder: Path) -> KeyPlace:
    folder.mkdir(exist_ok=True)
    for name in ("keys.db", "master.key"):
        shutil.copy(HISTORY / name, folder / name)
    return KeyPlace.under(folder)


def _all(folder: Path) -> list[tuple[bytes, bytes, str, int, bytes]]:
    with sqlite3.connect(folder / "keys.db") as db:
        rows = db.execute("SELECT key_id, owner, compartment, generation, wrapped FROM data_keys ORDER BY key_id").fetchall()
    db.close()
    return rows


def test_a_store_of_0_1_0_opens_with_every_name_and_every_key(tmp_path: Path) -> None:
    place = _of_0_1_0(tmp_path / "data")
    before = _all(tmp_path / "data")
    master = read_master(HISTORY / "master.key")
    for _ in range(2):
        secrets, keys = open_keys(place, begun=True)
        assert secrets == Secrets.of(master)  # in 0.1.0 all secrets were drawn from the master key itself
        assert {k.key_id for row in before if (k := keys.by_id(row[0])) is not None} == {row[0] for row in before}
        keys.close()
    assert _all(tmp_path / "data") == before


def test_a_store_of_0_1_0_keeps_its_names_when_the_master_key_changes(tmp_path: Path) -> None:
    place = _of_0_1_0(tmp_path / "data")
    before = _all(tmp_path / "data")
    assert rotate(place, place.master) == len(before)
    secrets, keys = open_keys(place, begun=True)
    assert secrets == Secrets.of(read_master(HISTORY / "master.key"))
    assert all(keys.by_id(row[0]) is not None for row in before)
    keys.close()
    shutil.copy(HISTORY / "master.key", tmp_path / "data" / "master.key")
    refused("HUB-5003", lambda: open_keys(place, begun=True))


def test_an_emptied_store_of_0_1_0_beside_a_log_is_refused(tmp_path: Path) -> None:
    place = _of_0_1_0(tmp_path / "data")
    with sqlite3.connect(tmp_path / "data" / "keys.db") as db:
        db.execute("DELETE FROM data_keys")
    db.close()
    refused("HUB-5073", lambda: open_keys(place, begun=True))


# ── changing it ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_after_a_change_everything_opens_with_the_new_key_and_nothing_with_the_old(tmp_path: Path) -> None:
    place = KeyPlace.under(tmp_path)
    secrets, held = opened(place)
    old, wrapped = read_master(tmp_path / "master.key"), [row[4] for row in _all(tmp_path)]
    assert rotate(place, place.master) == 2
    assert read_master(tmp_path / "master.key") != old
    assert opened(place, begun=True) == (secrets, held)
    refused("HUB-5003", lambda: opened(KeyPlace.under(tmp_path, master=GivenMaster("old", old.hex())), begun=True))
    ring = Keyring(tmp_path / "keys.db", Wrapping.of(old))
    for row in _all(tmp_path):
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
    place = _of_0_1_0(data) if legacy else KeyPlace.under(data)
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
