"""One contract for both engines of the key store: one key an owner however many hubs ask, and no use of it for longer than a minute."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest

from hub.log.keys import KEPT, SWEEP, KeyMoved, Keyring
from hub.log.master import GivenMaster
from hub.log.unlocking import KeyPlace, open_keys, rotate
from schemas.errors import Broken, Gone
from tests.hub.keys.looking import ANNA, BERTA, CHIYO, MASTER, Open, content, stored
from tests.postgres import cluster

# ── one key an owner ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_is_the_same_on_every_asking_and_after_opening_again(place: KeyPlace, open_: Open) -> None:
    keys = open_()
    one, other, apart = keys.of(ANNA, "main"), keys.of(BERTA, "main"), keys.of(ANNA, "audit")
    assert keys.of(ANNA, "main") == one
    assert len({k.secret for k in (one, other, apart)}) == len({k.key_id for k in (one, other, apart)}) == 3
    keys.store_fresh([one.key_id, other.key_id, apart.key_id, b""])
    again = open_()
    assert again.of(ANNA, "main") == again.by_id(one.key_id) == again.held(one.key_id) == one
    assert not any(k.secret in content(place) for k in (one, other, apart))


def test_what_was_never_stored_is_no_key_of_anybody_else(open_: Open) -> None:
    one, other = open_(), open_()
    fresh = one.of(ANNA, "main")
    assert one.by_id(fresh.key_id) == fresh
    assert other.by_id(fresh.key_id) is None


def test_the_hub_that_was_second_drops_its_key_and_takes_the_first_ones(open_: Open) -> None:
    one, other = open_(), open_()
    first, second, alone = one.of(ANNA, "main"), other.of(ANNA, "main"), other.of(BERTA, "main")
    one.store_fresh([first.key_id])
    with pytest.raises(KeyMoved) as moved:
        other.store_fresh([second.key_id, alone.key_id])
    assert moved.value.lost == {second.key_id}
    assert second.secret.hex() not in repr(moved.value) + str(moved.value)
    assert other.by_id(second.key_id) is None
    assert other.of(ANNA, "main") == first
    other.store_fresh([first.key_id, alone.key_id])
    assert one.of(BERTA, "main") == alone


def test_what_was_sealed_under_a_lost_key_is_found_when_it_comes_later(open_: Open) -> None:
    one, other = open_(), open_()
    one.of(ANNA, "main")
    late = other.of(ANNA, "main").key_id  # a thread seals under it and is slow
    one.store_fresh()
    with pytest.raises(KeyMoved):
        other.store_fresh()  # somebody else's submission
    with pytest.raises(KeyMoved) as moved:
        other.store_fresh([late])
    assert moved.value.lost == {late}
    other.store_fresh([other.of(ANNA, "main").key_id])


def test_many_hubs_that_ask_at_once_agree_on_one_key_for_each_owner(place: KeyPlace, open_: Open) -> None:
    rings = [open_() for _ in range(4)]
    owners = [bytes([i]) * 16 for i in range(25)]
    used: list[set[bytes]] = [set() for _ in rings]
    start = threading.Barrier(len(rings))

    def write(ring: Keyring, mine: set[bytes]) -> None:
        start.wait()
        for owner in owners:
            for _ in range(10):
                sealed = ring.of(owner, "main").key_id
                try:
                    ring.store_fresh([sealed])
                except KeyMoved:
                    continue
                mine.add(sealed)
                break

    threads = [threading.Thread(target=write, args=pair) for pair in zip(rings, used, strict=True)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    rows = stored(place, "SELECT owner, key_id FROM data_keys")
    assert len(rows) == len(owners)
    assert used == [{row[1] for row in rows}] * len(rings)


def test_a_key_whose_storing_was_not_answered_is_stored_once(place: KeyPlace, open_: Open) -> None:
    keys = open_()
    one = keys.of(ANNA, "main")
    keys.store_fresh()
    keys._fresh[ANNA, "main"] = one  # as it is when the connection breaks while the commit is under way
    keys.store_fresh([one.key_id])
    assert stored(place, "SELECT key_id FROM data_keys") == [(one.key_id,)]


def test_a_store_that_was_wrapped_anew_takes_nothing_from_a_hub_that_missed_it(place: KeyPlace, open_: Open) -> None:
    """As when a server was started again, and let go of what a hub had told it: that the store is in use."""
    keys = open_()
    fresh = keys.of(ANNA, "main")
    held = keys._store
    held.close()
    rotate(place, GivenMaster("N", "4d" * 32))
    for _ in range(2):
        with pytest.raises(Broken, match="HUB-5003"):
            keys.store_fresh([fresh.key_id])
    assert keys.of(ANNA, "main") == fresh
    assert stored(place, "SELECT count(*) FROM data_keys") == [(0,)]


# ── memory ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_opened_key_is_out_of_use_in_less_than_a_minute_and_out_of_memory_too(place: KeyPlace, open_: Open) -> None:
    assert KEPT + SWEEP <= 60
    moment = [0.0]
    keys = open_()
    keys._clock = lambda: moment[0]
    one, other = keys.of(ANNA, "main"), keys.of(BERTA, "main")
    keys.store_fresh()
    behind = open_()
    behind.destroy([ANNA])
    moment[0] = KEPT - 0.1
    assert keys.by_id(one.key_id) == one  # until it looks again
    moment[0] = KEPT + 0.1
    assert keys.by_id(one.key_id) is None
    assert keys.by_id(other.key_id) == other
    with pytest.raises(Gone, match="HUB-5072"):
        keys.of(ANNA, "main")
    moment[0] = 3 * KEPT
    keys._sweep()
    assert (keys._by_id, keys._newest) == ({}, {})


def test_a_key_that_waits_for_its_storing_outlives_its_time(open_: Open) -> None:
    moment = [0.0]
    keys = open_()
    keys._clock = lambda: moment[0]
    one = keys.of(ANNA, "main")
    moment[0] = 10 * KEPT
    keys._sweep()
    keys.forget(ANNA)
    assert keys.of(ANNA, "main") == keys.by_id(one.key_id) == one
    keys.store_fresh([one.key_id])
    assert open_().by_id(one.key_id) == one


def test_an_owner_that_is_forgotten_is_read_again(open_: Open) -> None:
    keys = open_()
    one, other = keys.of(ANNA, "main"), keys.of(BERTA, "main")
    keys.store_fresh()
    open_().destroy([ANNA])
    assert keys.by_id(one.key_id) == one
    keys.forget(ANNA)
    assert keys.by_id(one.key_id) is None
    assert other.key_id in keys._by_id


def test_only_so_many_stay_in_memory(place: KeyPlace) -> None:
    _, first = open_keys(place, begun=False)
    keys = Keyring(first._store, first._wrapping, keep=50)
    made = [keys.of(i.to_bytes(16, "big"), "main") for i in range(200)]
    assert len(keys._by_id) <= 50
    keys.store_fresh([k.key_id for k in made])
    assert [keys.by_id(k.key_id) for k in made] == made
    assert len(keys._by_id) <= 50
    keys.close()
    first.close()


# ── what is missing ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_key_that_is_neither_here_nor_erased_is_named(open_: Open) -> None:
    keys = open_()
    one, other = keys.of(ANNA, "main"), keys.of(BERTA, "main")
    keys.store_fresh()
    keys.destroy([BERTA])
    with pytest.raises(Broken, match="HUB-5073"):
        keys.held(CHIYO)
    assert keys.by_id(CHIYO) is None
    assert keys.held(b"") is None
    assert keys.missing([one.key_id, other.key_id, CHIYO, b""]) == {CHIYO}


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    place = KeyPlace.under(tmp_path, store="postgresql://nobody:secret-word@127.0.0.1:9/keys", master=MASTER)
    with pytest.raises(Broken, match="HUB-5078") as fault:
        open_keys(place, begun=False)
    assert "secret-word" not in repr(fault.value) + str(fault.value) + repr(place)


def test_a_connection_that_broke_is_opened_again_and_still_says_that_the_store_is_in_use(tmp_path: Path) -> None:
    place = KeyPlace.under(tmp_path, store=cluster().new(), master=MASTER)
    _, keys = open_keys(place, begun=False)
    one = keys.of(ANNA, "main")
    keys.store_fresh()
    keys.forget(ANNA)
    with psycopg.connect(str(place.store), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert keys.by_id(one.key_id) == one
    with pytest.raises(Broken, match="HUB-5075"):
        rotate(place, GivenMaster("N", "4d" * 32))
    keys.of(BERTA, "main")
    keys.store_fresh()
    keys.close()
    assert rotate(place, GivenMaster("N", "4d" * 32)) == 2
