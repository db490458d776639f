"""The master key comes from where the setting says and opens its own key store alone; what does not belong together is named and left as it is."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.log.kms import VaultTransit
from hub.log.master import GivenMaster, KmsMaster, master_at, read_master
from hub.log.secrets import Secrets
from hub.log.unlocking import KeyPlace, open_keys, rotate
from tests.hub.keys.looking import ANNA, BERTA, files, opened, refused
from tests.hub.keys.transit import TOKEN, Transit, kms

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


def test_a_hub_that_starts_while_another_makes_the_file_waits_for_it(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "keys.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")  # as while it goes over to the write-ahead log
    done = threading.Timer(0.2, other.rollback)
    done.start()
    opened(KeyPlace.under(tmp_path))
    done.join()
    other.close()


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
