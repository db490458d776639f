"""The tree and its notes against known values: RFC 6962 / RFC 9162 (SHA-256), C2SP signed-note, tlog-checkpoint, tlog-cosignature."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from hub.log.merkle import EMPTY, consistent, event_data, event_leaf, includes, leaf, node, root_of
from hub.log.notes import COSIGNATURE, Checkpoint, Verifier, cosign, cosignatures, notes_in, public_bytes, sign, verifier_text, verify
from hub.log.tiles import Lost, Tiles, grow, split

INPUTS = [bytes.fromhex(h) for h in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]
LEAVES = [bytes.fromhex(h) for h in (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
    "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
    "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
    "46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1",
)]  # fmt: skip
ROOTS = [bytes.fromhex(h) for h in (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)]  # fmt: skip
N02, N04 = ROOTS[2], ROOTS[4]
N24 = bytes.fromhex("5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e")
N46 = bytes.fromhex("0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a")
N68 = bytes.fromhex("ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0")
N47 = bytes.fromhex("837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e")
N48 = bytes.fromhex("6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4")
INCLUSION = {
    (0, 8): [LEAVES[1], N24, N48],
    (5, 8): [LEAVES[4], N68, N04],
    (2, 3): [N02],
    (1, 5): [LEAVES[0], N24, LEAVES[4]],
}
CONSISTENCY = {
    (1, 8): [LEAVES[1], N24, N48],
    (2, 5): [N24, LEAVES[4]],
    (3, 7): [LEAVES[2], LEAVES[3], N02, N47],
    (4, 8): [N48],
    (6, 8): [N46, N68, N04],
}


def tiles(leaves: Sequence[bytes]) -> Tiles:
    made = grow(lambda *_: b"", 0, leaves)
    return Tiles(lambda level, number: made.get((level, number), b""))


def test_leaves_and_roots_are_those_of_the_known_tree() -> None:
    assert [leaf(data) for data in INPUTS] == LEAVES
    assert ROOTS[0] == EMPTY
    assert [root_of(LEAVES[:n]) for n in range(9)] == ROOTS
    assert [tiles(LEAVES).root(n) for n in range(9)] == ROOTS
    assert node(LEAVES[4], LEAVES[5]) == N46


def test_a_record_in_canonical_json_has_its_known_leaf() -> None:
    record = (
        '{"decision":"permit","patient":"p-001","seq":0,"t":"2026-04-01T00:00:00.000Z","type":"consent.decision","v":1,"氏名":"\u00e9"}'
    )
    assert leaf(record.encode()).hex() == "f06ec3bcc38a4edbe0fd3edd4c664f43bbc406c60dfdd16db3240ea1b6ab8631"


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_a_path_of_inclusion_is_the_known_one(index: int, size: int) -> None:
    path = INCLUSION[index, size]
    assert tiles(LEAVES).inclusion(index, size) == path
    assert includes(index, size, LEAVES[index], path, ROOTS[size])


@pytest.mark.parametrize(("old", "size"), CONSISTENCY)
def test_a_path_of_consistency_is_the_known_one(old: int, size: int) -> None:
    path = CONSISTENCY[old, size]
    assert tiles(LEAVES).consistency(old, size) == path
    assert consistent(old, size, ROOTS[old], ROOTS[size], path)


def flipped(held: bytes) -> bytes:
    return held[:7] + bytes((held[7] ^ 1,)) + held[8:]


def tampered(path: Sequence[bytes]) -> list[list[bytes]]:
    """Give paths that differ from a good one: each step changed, left out, doubled or cut short; one more; the order turned."""
    made: list[list[bytes]] = []
    for i, step in enumerate(path):
        made += [[*path[:i], other, *path[i + 1 :]] for other in (flipped(step), step[:31], step + b"\0", b"")]
        made += [[*path[:i], *path[i + 1 :]], [*path[:i], step, *path[i:]]]
    made.append([*path, bytes(32)])
    if len(set(path)) > 1:
        made.append(list(reversed(path)))
    return [one for one in made if one != list(path)]


def test_every_path_of_every_small_tree_holds_and_no_other_does() -> None:
    leaves = [leaf(bytes((i,))) for i in range(40)]
    roots = [root_of(leaves[:n]) for n in range(41)]
    look, proofs = tiles(leaves), 0
    for size in range(1, 41):
        for index in range(size):
            path = look.inclusion(index, size)
            assert includes(index, size, leaves[index], path, roots[size])
            assert not any(includes(index, size, leaves[index], other, roots[size]) for other in tampered(path))
            assert not includes(index, size, flipped(leaves[index]), path, roots[size])
            assert not includes(index, size, leaves[index], path, flipped(roots[size]))
            assert not includes(index ^ 1, size, leaves[index], path, roots[size]) or size == 1
            proofs += 1
        for old in range(1, size + 1):
            path = look.consistency(old, size)
            assert consistent(old, size, roots[old], roots[size], path)
            assert not any(consistent(old, size, roots[old], roots[size], other) for other in tampered(path))
            assert not consistent(old, size, flipped(roots[old]), roots[size], path)
            assert not consistent(old, size, roots[old], flipped(roots[size]), path)
            proofs += 1
    assert proofs == 1_640


def test_a_path_of_a_smaller_tree_proves_nothing_of_a_larger() -> None:
    assert includes(0, 2, LEAVES[0], [LEAVES[1]], ROOTS[2])
    assert not any(includes(0, size, LEAVES[0], [LEAVES[1]], ROOTS[2]) for size in range(3, 20))
    assert not includes(0, 2, LEAVES[0], [], LEAVES[0])
    assert not includes(0, 8, LEAVES[0], INCLUSION[0, 8][:2], N04)


def test_what_lies_outside_a_tree_is_never_proved() -> None:
    assert not includes(8, 8, LEAVES[0], [], ROOTS[8])
    assert not includes(-1, 8, LEAVES[7], [], ROOTS[8])
    assert not includes(0, 0, EMPTY, [], EMPTY)
    assert not consistent(8, 7, ROOTS[8], ROOTS[7], [])
    assert not consistent(-1, 7, ROOTS[0], ROOTS[7], [])
    assert consistent(0, 7, EMPTY, ROOTS[7], [])
    assert not consistent(0, 7, EMPTY, ROOTS[7], [ROOTS[1]])
    assert not consistent(0, 7, ROOTS[1], ROOTS[7], [])
    look = tiles(LEAVES)
    for asked in (lambda: look.inclusion(8, 8), lambda: look.inclusion(0, 9), lambda: look.consistency(9, 8), lambda: look.root(9)):
        with pytest.raises(Lost):
            asked()


@given(st.lists(st.integers(0, 700), min_size=1, max_size=4), st.data())
def test_tiles_grown_in_any_steps_prove_what_the_leaves_themselves_prove(steps: list[int], data: st.DataObject) -> None:
    leaves = [leaf(n.to_bytes(4, "big")) for n in range(sum(steps))]
    held: dict[tuple[int, int], bytes] = {}
    size = 0
    for step in steps:
        held.update(grow(lambda level, number: held.get((level, number), b""), size, leaves[size : size + step]))
        size += step
    reads: list[tuple[int, int]] = []

    def read(level: int, number: int) -> bytes:
        reads.append((level, number))
        return held.get((level, number), b"")

    assert Tiles(read).root(size) == root_of(leaves)
    if size:
        at = data.draw(st.integers(1, size))
        index = data.draw(st.integers(0, at - 1))
        reads.clear()
        assert includes(index, at, leaves[index], Tiles(read).inclusion(index, at), root_of(leaves[:at]))
        assert len(reads) == len(set(reads)) <= 4
        old = data.draw(st.integers(1, at))
        assert consistent(old, at, root_of(leaves[:old]), root_of(leaves[:at]), Tiles(read).consistency(old, at))
    assert b"".join(held[key] for key in sorted(held) if key[0] == 0) == b"".join(leaves)


def test_a_tree_of_three_levels_is_proved_by_few_tiles() -> None:
    leaves = [leaf(n.to_bytes(4, "big")) for n in range(70_000)]
    held = grow(lambda *_: b"", 0, leaves)
    assert sorted({level for level, _ in held}) == [0, 1, 2]
    assert split(held[2, 0]) == [root_of(leaves[: 256 * 256])]
    reads: list[tuple[int, int]] = []

    def read(level: int, number: int) -> bytes:
        reads.append((level, number))
        return held.get((level, number), b"")

    path = Tiles(read).inclusion(33_333, 69_999)
    assert includes(33_333, 69_999, leaves[33_333], path, root_of(leaves[:69_999]))
    assert len(reads) <= 5


def test_a_lost_or_shortened_tile_is_said_to_be_lost() -> None:
    held = grow(lambda *_: b"", 0, [leaf(bytes((n,))) for n in range(200)])
    short = {key: row[:-32] for key, row in held.items()}
    for left in ({}, short):
        with pytest.raises(Lost):
            Tiles(lambda level, number, left=left: left.get((level, number), b"")).root(200)
        with pytest.raises(Lost):
            grow(lambda level, number, left=left: left.get((level, number), b""), 200, [leaf(b"more")])


def test_the_leaf_of_an_event_covers_every_column_with_its_length() -> None:
    one: dict[str, Any] = {"position": 1, "stream": bytes(16), "version": 2, "topic": "a", "state": b"bc"}
    written = "0000000000000001" + "00" * 16 + "0000000000000002" + "0001" + "61" + "0000000000000002" + "6263"
    assert event_data(**one).hex() == written
    assert event_leaf(**one) == leaf(bytes.fromhex(written))
    others = [one | {"position": 2}, one | {"stream": b"\1" + bytes(15)}, one | {"version": 3}, one | {"topic": "ab", "state": b"c"}]
    assert len({event_leaf(**other) for other in (one, *others)}) == 5


# ── notes ────────────────────────────────────────────────────────────────────────────────────────────────────────────

ORIGIN, WITNESS = "hub.example.jp/audit", "witness.example.jp/w1"
LOG_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
WITNESS_KEY = Ed25519PrivateKey.from_private_bytes(b"\xaa" * 32)
VKEY = "hub.example.jp/audit+a841658b+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
NOTE = """hub.example.jp/audit
8
XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=

— hub.example.jp/audit qEFlixd98NnX21326B+Ccj4hXq+ex/1+NiIWnAHiw47o3LOg4XyR2mKPxGr1pxehJEpU70TF5UqeATreyA8ZtnEdPA0=
"""
COSIGNED = (
    "— witness.example.jp/w1 u9RhUwAAAABqsTuAnJvqipWo1POsWl7/v45RIfuwHe65Ai7cqsQr1132+Q4Denlhe2KDp0MUAwWQpzg9DN/vza8cCGJKYqfxRekbAA==\n"
)
POINT = Checkpoint(ORIGIN, 8, ROOTS[8])


def test_keys_and_notes_are_the_known_ones() -> None:
    assert public_bytes(LOG_KEY).hex() == "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
    assert verifier_text(ORIGIN, public_bytes(LOG_KEY)) == VKEY
    assert Verifier.parse(VKEY).text == VKEY
    assert sign(POINT, LOG_KEY) == NOTE
    assert verify(NOTE, VKEY) == POINT
    assert verify(NOTE + COSIGNED, VKEY) == POINT


def test_a_cosignature_is_the_known_one_and_tells_its_time() -> None:
    assert public_bytes(WITNESS_KEY).hex() == "e734ea6c2b6257de72355e472aa05a4c487e6b463c029ed306df2f01b5636b58"
    key = Verifier(WITNESS, COSIGNATURE, public_bytes(WITNESS_KEY))
    assert key.key_id.hex() == "bbd46153"
    assert cosign(POINT.text, WITNESS, WITNESS_KEY, 1_790_000_000) == COSIGNED
    assert cosignatures(NOTE + COSIGNED, key) == [(1_790_000_000, COSIGNED)]
    assert cosignatures(NOTE, key) == []


@pytest.mark.parametrize(
    "other",
    [
        NOTE.replace("\n8\n", "\n9\n"),
        NOTE.replace("\n8\n", "\n08\n"),
        NOTE.replace("\n8\n", "\n８\n"),
        NOTE.replace("XcnaeacG", "XcnaeacH"),
        NOTE.replace("hub.example.jp/audit\n", "hub.example.jp/other\n", 1),
        NOTE.replace("\n\n—", "\nextension\n\n—"),
        NOTE.replace("\n\n—", "\n—"),
        NOTE.replace("— ", "- "),
        NOTE.replace("dPA0=", "dPA1="),
        NOTE.replace("qEFlix", "qEFliy"),
        NOTE.rstrip("\n"),
        NOTE.replace("audit", "audit\t"),
        COSIGNED,
        "",
    ],
)
def test_a_note_that_was_changed_is_not_read(other: str) -> None:
    assert other != NOTE
    assert verify(other, VKEY) is None


@pytest.mark.parametrize(
    "other", [VKEY.replace("a841658b", "a841658c"), VKEY.replace("AQOh", "BAOh"), VKEY[:-4], "name", "", VKEY.replace("hub.", "hub ")]
)
def test_a_text_that_is_no_key_is_not_taken_for_one(other: str) -> None:
    with pytest.raises(ValueError):
        Verifier.parse(other)
    assert verify(NOTE, other) is None


def test_a_second_signature_of_the_same_key_has_to_hold_too() -> None:
    bad = base64.b64encode(Verifier.parse(VKEY).key_id + bytes(64)).decode()
    assert verify(f"{NOTE}— {ORIGIN} {bad}\n", VKEY) is None
    unknown = base64.b64encode(b"abcd" + bytes(64)).decode()
    assert verify(f"{NOTE}— {ORIGIN} {unknown}\n", VKEY) == POINT


def test_a_cosignature_over_another_head_or_time_is_refused() -> None:
    key = Verifier(WITNESS, COSIGNATURE, public_bytes(WITNESS_KEY))
    moved = sign(replace(POINT, size=9), LOG_KEY) + COSIGNED
    held = base64.b64decode(COSIGNED.split(" ")[2])
    later = base64.b64encode(held[:4] + (1_790_000_001).to_bytes(8, "big") + held[12:]).decode()
    for note in (moved, f"{NOTE}— {WITNESS} {later}\n"):
        with pytest.raises(ValueError):
            cosignatures(note, key)


def test_the_log_itself_cannot_stand_for_a_witness() -> None:
    own = Verifier(ORIGIN, COSIGNATURE, public_bytes(LOG_KEY))
    assert cosignatures(NOTE, own) == []
    assert verify(NOTE.replace("qEFli", "AAAAA"), own) is None


def test_a_file_may_hold_several_notes() -> None:
    other = sign(Checkpoint(ORIGIN, 4, ROOTS[4]), LOG_KEY)
    assert notes_in(NOTE + COSIGNED + other) == [NOTE + COSIGNED, other]
    assert notes_in(f"\n{other}\n{NOTE}\n\n") == [other, NOTE]
    assert notes_in("") == []
    assert verify(notes_in("nonsense")[0], VKEY) is None
