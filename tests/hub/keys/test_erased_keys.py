"""What is erased is gone from every file of the key store and never comes back: not by asking, not by a power cut, not by an older copy."""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.log.erased import Ledger, mark, owner_hash
from hub.log.keys import KeyMoved, Receipt
from hub.log.unlocking import KeyPlace, open_keys
from schemas.errors import Broken, Gone
from tests.hub.keys.looking import ANNA, BERTA, CHIYO, MASTER, Open, content, stored

AT = datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)


def ledger_of(place: KeyPlace) -> Path:
    assert place.ledger is not None
    return place.ledger


# ── erased ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_destroyed_key_is_gone_with_all_its_copies_and_never_made_again(place: KeyPlace, open_: Open) -> None:
    keys = open_()
    one, audit, other = keys.of(ANNA, "main"), keys.of(ANNA, "audit"), keys.of(BERTA, "main")
    keys.store_fresh()
    wrapped = [row[0] for row in stored(place, "SELECT wrapped FROM data_keys")]
    assert keys.destroy([ANNA, CHIYO], at=AT) == Receipt(tuple(sorted([one.key_id, audit.key_id])), AT)
    for ring in (keys, open_()):
        assert ring.by_id(one.key_id) is ring.held(audit.key_id) is None
        assert (ring.erased(one.key_id), ring.erased(other.key_id)) == (True, False)
        assert ring.held(other.key_id) == other
        for owner, compartment in ((ANNA, "main"), (ANNA, "audit"), (ANNA, "consult"), (CHIYO, "main")):
            with pytest.raises(Gone, match="HUB-5072"):
                ring.of(owner, compartment)
    left = content(place)
    assert [sum(one in left for one in wrapped), stored(place, "SELECT count(*) FROM data_keys")] == [1, [(1,)]]


def test_only_the_compartments_named_are_destroyed(open_: Open) -> None:
    keys = open_()
    one, consult = keys.of(ANNA, "main"), keys.of(ANNA, "consult")
    keys.store_fresh()
    assert keys.destroy([ANNA], ["consult", "sos"], at=AT).key_ids == (consult.key_id,)
    assert keys.of(ANNA, "main") == one
    for compartment in ("consult", "sos"):
        with pytest.raises(Gone):
            keys.of(ANNA, compartment)
    assert keys.of(ANNA, "audit").owner == ANNA


def test_destroying_twice_is_destroying_once(place: KeyPlace, open_: Open) -> None:
    keys = open_()
    keys.of(ANNA, "main")
    keys.store_fresh()
    receipt = keys.destroy([ANNA], at=AT)
    ledger = ledger_of(place).read_bytes()
    assert keys.destroy([ANNA], at=datetime(2027, 1, 1, tzinfo=UTC)) == receipt
    assert open_().destroy([ANNA], at=datetime(2027, 1, 1, tzinfo=UTC)) == receipt
    assert ledger_of(place).read_bytes() == ledger


def test_a_fresh_key_of_an_owner_destroyed_meanwhile_is_lost_wherever_it_waits(open_: Open) -> None:
    one, other = open_(), open_()
    here, there = one.of(ANNA, "main"), other.of(ANNA, "main")
    assert one.destroy([ANNA], at=AT) == Receipt((), AT)
    for ring, key in ((one, here), (other, there)):
        with pytest.raises(KeyMoved) as moved:
            ring.store_fresh([key.key_id])
        assert moved.value.lost == {key.key_id}
        with pytest.raises(Gone):
            ring.of(ANNA, "main")


def test_the_ledger_tells_ids_and_times_and_nothing_else(place: KeyPlace, open_: Open) -> None:
    keys = open_()
    one = keys.of(ANNA, "main")
    keys.store_fresh()
    keys.destroy([ANNA], at=AT)
    lines = ledger_of(place).read_text(encoding="ascii").splitlines()
    assert len(lines) == 2
    assert all(re.fullmatch(r"[0-9a-f]{32} 2026-11-24T01:02:03Z", line) for line in lines)
    assert f"{one.key_id.hex()} 2026-11-24T01:02:03Z" in lines
    assert ANNA.hex() not in "".join(lines)


def test_an_erasure_that_a_power_cut_broke_off_is_finished_at_the_next_opening(place: KeyPlace, open_: Open) -> None:
    keys = open_()
    one, other = keys.of(ANNA, "main"), keys.of(BERTA, "main")
    keys.store_fresh()
    keys.close()
    wrapped = {row[0]: row[1] for row in stored(place, "SELECT key_id, wrapped FROM data_keys")}
    Ledger(place.ledger).append({one.key_id: 1, mark(ANNA, "*"): 1})  # so far it had come
    again = open_()
    assert again.held(one.key_id) is None
    assert again.held(other.key_id) == other
    with pytest.raises(Gone):
        again.of(ANNA, "main")
    assert wrapped[one.key_id] not in content(place)
    assert again.destroy([ANNA], at=AT).key_ids == (one.key_id,)


def test_a_line_that_was_torn_counts_for_nothing_and_spoils_no_other(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "erased.txt")
    ledger.append({ANNA: 0, BERTA: 3_600})
    for torn in range(1, 54):
        whole = (tmp_path / "erased.txt").read_bytes()
        with (tmp_path / "erased.txt").open("ab") as file:
            file.write(b"00112233445566778899aabbccddeeff 2026-11-24T01:02:03Z\n"[:torn])
        ledger.append({CHIYO: 7_200})
        assert ledger.read() == {ANNA: 0, BERTA: 3_600, CHIYO: 7_200}, torn
        (tmp_path / "erased.txt").write_bytes(whole)


def test_a_line_that_is_none_is_named(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "erased.txt")
    ledger.append({ANNA: 0, BERTA: 0})
    text = (tmp_path / "erased.txt").read_text()
    (tmp_path / "erased.txt").write_text(text.replace("62", "6?", 1))
    with pytest.raises(Broken) as fault:
        ledger.read()
    assert (fault.value.issues[0].rule, fault.value.issues[0].where) == ("HUB-5079", "erased.txt:2")


def test_an_owner_stands_in_the_store_of_the_erased_as_a_hash_alone(place: KeyPlace, open_: Open) -> None:
    keys = open_()
    keys.of(ANNA, "main")
    keys.store_fresh()
    keys.destroy([ANNA])
    assert ANNA not in content(place)
    assert {row[0] for row in stored(place, "SELECT owner FROM erased")} == {owner_hash(ANNA), b""}


# ── any order ────────────────────────────────────────────────────────────────────────────────────────────────────────

STEPS = st.one_of(
    st.tuples(st.just("seal"), st.integers(0, 1), st.sampled_from([ANNA, BERTA, CHIYO])),
    st.tuples(st.just("destroy"), st.integers(0, 1), st.sampled_from([ANNA, BERTA, CHIYO])),
    st.tuples(st.sampled_from(["copy", "restore", "lose the ledger"]), st.just(0), st.just(b"")),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(STEPS, max_size=14))
def test_in_any_order_an_owner_has_one_key_until_it_is_erased_and_none_ever_after(steps: list[tuple[str, int, bytes]]) -> None:
    """Two hubs, copies of the store made and put back, the ledger lost while the store is whole: whatever was told holds."""
    with tempfile.TemporaryDirectory() as folder:
        place = KeyPlace.under(Path(folder), master=MASTER)
        rings = [open_keys(place, begun=False)[1] for _ in range(2)]
        held: dict[bytes, bytes] = {}  # owner → its key, by all that was acknowledged
        copied: dict[bytes, bytes] | None = None
        gone: set[bytes] = set()
        erased: set[bytes] = set()

        def again() -> None:
            rings[:] = [open_keys(place, begun=True)[1] for _ in range(2)]

        for what, which, owner in steps:
            if what == "seal":
                try:
                    key = rings[which].of(owner, "main").key_id
                    rings[which].store_fresh([key])
                except (Gone, KeyMoved):
                    continue
                assert owner not in gone
                assert held.setdefault(owner, key) == key
            elif what == "destroy":
                receipt = rings[which].destroy([owner])
                rings[1 - which].forget(owner)
                assert set(receipt.key_ids) >= ({held[owner]} if owner in held else set())
                gone.add(owner)
                erased |= set(receipt.key_ids)
                held.pop(owner, None)
            elif what == "copy":
                (Path(folder) / "copy.db").unlink(missing_ok=True)
                rings[0].copy_to(Path(folder) / "copy.db")
                copied = dict(held)
            else:
                for one in rings:
                    one.close()
                if what == "restore" and copied is not None:
                    for file in Path(folder).glob("keys.db*"):
                        file.unlink()
                    shutil.copy(Path(folder) / "copy.db", Path(folder) / "keys.db")
                    held = {one: key for one, key in copied.items() if one not in gone}
                elif what == "lose the ledger":
                    (Path(folder) / "erased.txt").unlink(missing_ok=True)
                again()
            for one in rings:
                assert all(one.held(key) is not None for key in held.values())
                assert all(one.by_id(key) is None and one.erased(key) for key in erased)
        for one in rings:
            one.close()


# ── older copies ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_older_copy_of_the_file_brings_no_erased_key_back(tmp_path: Path) -> None:
    place = KeyPlace.under(tmp_path / "data", master=MASTER)
    _, keys = open_keys(place, begun=False)
    one, other = keys.of(ANNA, "main"), keys.of(BERTA, "main")
    keys.store_fresh()
    keys.copy_to(tmp_path / "yesterday.db")
    keys.destroy([ANNA], at=AT)
    keys.close()
    (wrapped,) = [
        row[0] for row in sqlite3.connect(tmp_path / "yesterday.db").execute("SELECT wrapped FROM data_keys WHERE owner=?", (ANNA,))
    ]
    for file in (tmp_path / "data").glob("keys.db*"):
        file.unlink()
    shutil.copy(tmp_path / "yesterday.db", tmp_path / "data" / "keys.db")
    assert wrapped in content(place)
    for _ in range(2):
        _, keys = open_keys(place, begun=True)
        assert (keys.held(one.key_id), keys.held(other.key_id)) == (None, other)
        with pytest.raises(Gone):
            keys.of(ANNA, "main")
        assert wrapped not in content(place)
        assert keys.destroy([ANNA]) == Receipt((one.key_id,), AT)
        keys.close()


def test_a_ledger_that_was_lost_is_written_again_from_the_store(place: KeyPlace, open_: Open) -> None:
    keys = open_()
    keys.of(ANNA, "main")
    keys.store_fresh()
    keys.destroy([ANNA], at=AT)
    assert place.ledger is not None
    whole = Ledger(place.ledger).read()
    place.ledger.unlink()
    open_()
    assert Ledger(place.ledger).read() == whole


def test_a_copy_of_the_store_is_a_store(place: KeyPlace, open_: Open, tmp_path: Path) -> None:
    keys = open_()
    one, other = keys.of(ANNA, "main"), keys.of(BERTA, "main")
    keys.store_fresh()
    keys.destroy([BERTA])
    keys.copy_to(tmp_path / "copy.db")
    _, copy = open_keys(KeyPlace(tmp_path / "copy.db", MASTER, None), begun=True)
    assert (copy.held(one.key_id), copy.held(other.key_id)) == (one, None)
    copy.close()
