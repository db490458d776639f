"""An outsider checks a log from stored bytes and public keys: whatever was changed is named, and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hub.log.merkle import Tree, leaf
from hub.log.notes import Checkpoint, Verifier, cosign, public_bytes, sign
from hub.log.verify import Head, check
from tests.hub.ten_events import KEY, LOG, NOTES, ORIGIN, WITNESSES, Row, checked, cosigned, items, named, notes, rows
from tests.hub.watching import key_of, line_of

pytestmark = pytest.mark.sqlite  # asks both engines by itself


def test_a_log_that_was_not_touched_fits() -> None:
    found = checked(rows())
    assert (found.size, found.checkpoints, found.findings, found.more) == (10, 3, (), 0)
    tree = Tree()
    for one in rows():
        tree.append(one.leaf)
    assert found.root == tree.root


# ── what is changed ──────────────────────────────────────────────────────────────────────────────────────────────────


def body(held: list[Row]) -> None:
    held[4].state = held[4].state[:-1] + b"!"


def header(held: list[Row]) -> None:
    held[4].state = held[4].state[:3] + b"H" + held[4].state[4:]


def version(held: list[Row]) -> None:
    held[4].version = 7


def topic(held: list[Row]) -> None:
    held[4].topic = "b.v1"


def stream(held: list[Row]) -> None:
    held[4].stream = bytes(16)


def tail(held: list[Row]) -> None:
    del held[8:]


def middle(held: list[Row]) -> None:
    del held[4]


def swapped(held: list[Row]) -> None:
    held[4], held[6] = held[6], held[4]


def exchanged(held: list[Row]) -> None:
    """Two rows with their places exchanged and numbered anew."""
    one, two = held[4], held[6]
    one.position, two.position = two.position, one.position
    held[4], held[6] = two, one


def doubled(held: list[Row]) -> None:
    held.insert(5, replace(held[4]))


def closed_up(held: list[Row]) -> None:
    """One row taken out, the others numbered anew."""
    del held[4]
    for position, one in enumerate(held, 1):
        one.position = position


def added(held: list[Row]) -> None:
    held.insert(2, Row(3, bytes(16), 1, "a.v1", b"\x01\x00\x04headnew"))
    for position, one in enumerate(held, 1):
        one.position = position


CHANGES: dict[Callable[[list[Row]], None], set[tuple[str, int]]] = {
    body: {("leaf", 5), ("root", 7)},
    header: {("leaf", 5), ("root", 7)},
    version: {("leaf", 5), ("root", 7), ("version", 5), ("version", 8)},
    topic: {("leaf", 5), ("root", 7)},
    stream: {("leaf", 5), ("root", 7), ("version", 5), ("version", 8)},
    tail: {("missing", 10)},
    middle: {("order", 6), ("root", 7), ("version", 8)},
    swapped: {("order", 7), ("order", 6), ("order", 5), ("order", 8), ("root", 7), ("missing", 10)},
    exchanged: {("leaf", 5), ("leaf", 7), ("root", 7)},
    doubled: {("order", 5), ("version", 5), ("root", 7)},
    closed_up: {("leaf", n) for n in (5, 6, 7, 8, 9)} | {("version", 7), ("root", 7), ("missing", 10)},
    added: {("leaf", n) for n in range(3, 12)} | {("root", 3)},
}


@pytest.mark.parametrize("how", CHANGES, ids=lambda how: how.__name__)
def test_what_was_changed_is_named_with_its_place(how: Callable[[list[Row]], None]) -> None:
    held = rows()
    how(held)
    assert CHANGES[how] - {("missing", 10)} <= named(checked(held))
    assert {f.what for f in checked(held).findings} <= {what for what, _ in CHANGES[how]} | {"root", "missing", "order"}


@pytest.mark.parametrize("how", CHANGES, ids=lambda how: how.__name__)
def test_it_is_found_where_all_leaves_were_made_anew(how: Callable[[list[Row]], None]) -> None:
    """Whoever can write the bytes can write the leaves; the signed head is what they cannot make."""
    held = rows()
    how(held)
    for one in held:
        one.leaf = leaf(one.data)
    assert {f.what for f in checked(held).findings} & {"root", "missing"}


@pytest.mark.parametrize("how", [how for how in CHANGES if how is not version], ids=lambda how: how.__name__)
def test_it_is_found_by_a_head_kept_outside_where_the_whole_log_was_made_and_signed_anew(how: Callable[[list[Row]], None]) -> None:
    """The operator holds the signing key; what was kept elsewhere is what they cannot call back."""
    held = rows()
    how(held)
    for position, one in enumerate(held, 1):
        one.position = position
    for one in held:
        one.leaf = leaf(one.data)
    versions: dict[bytes, int] = {}
    for one in held:
        versions[one.stream] = one.version = versions.get(one.stream, 0) + 1
        one.leaf = leaf(one.data)
    heads = notes(held, (3, 7, len(held)))
    assert checked(held, heads).findings == ()
    assert {f.what for f in checked(held, heads, outside=[NOTES[10]]).findings} & {"root", "missing"}


def test_heads_that_are_not_the_logs_own_are_named() -> None:
    forged = notes(rows(), key=key_of(78))
    assert named(checked(rows(), {**NOTES, 7: forged[7]})) == {("signature", 7)}
    assert named(checked(rows(), {**NOTES, 7: NOTES[7].replace("\n7\n", "\n8\n")})) == {("signature", 7)}
    assert named(checked(rows(), {**NOTES, 7: "nonsense"})) == {("signature", 7)}
    other = rows()
    body(other)
    assert named(checked(rows(), {**NOTES, 7: notes(other)[7]})) == {("root", 7)}
    assert named(checked(rows(), {**NOTES, 8: NOTES[7]})) == {
        ("signature", 8),
    }
    assert checked(rows(), {}).checkpoints == 0


def test_a_head_that_does_not_stand_behind_its_event_is_named() -> None:
    listed = items(rows(), {})
    found = check([*listed[:5], Head(7, NOTES[7]), *listed[5:8], Head(3, NOTES[3]), *listed[8:]], keys=[KEY])
    assert named(found) == {("missing", 7), ("order", 3)}


def test_a_file_of_heads_kept_outside_may_hold_several() -> None:
    assert checked(rows(), {}, outside=["".join(NOTES.values())]).checkpoints == 3
    assert checked(rows(), NOTES, outside=[NOTES[3], NOTES[10]]).checkpoints == 5
    longer = [*rows(), Row(11, bytes(16), 1, "a.v1", b"later")]
    ahead = notes(longer, (11,))[11]
    assert named(checked(rows(), outside=[NOTES[3] + ahead])) == {("missing", 11)}
    assert named(checked(rows(), outside=["nonsense\n"])) == {("signature", 0)}
    assert named(checked(rows(), outside=[sign(Checkpoint(ORIGIN, 0, Tree().root), LOG)])) == set()
    assert named(checked(rows(), outside=[sign(Checkpoint(ORIGIN, 0, bytes(32)), LOG)])) == {("root", 0)}


def test_heads_under_an_older_key_are_checked_with_that_key() -> None:
    older = key_of(78)
    mixed = {3: notes(rows(), key=older)[3], 10: NOTES[10]}
    both = [Verifier(ORIGIN, 1, public_bytes(older)).text, KEY]
    assert checked(rows(), mixed, keys=both).checkpoints == 2
    assert named(checked(rows(), mixed)) == {("signature", 3)}


# ── witnesses ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("newest", "quorum", "enough"),
    [
        ((1, 2), 2, True),
        ((1, 2), 3, False),
        ((1,), 2, False),
        ((), 1, False),
        ((), 0, True),
        ((1, 1, 1), 2, False),
        ((1, 2, 3), 3, True),
        ((4, 5), 1, False),
    ],
)
def test_so_many_witnesses_have_to_have_signed_the_newest_head(newest: tuple[int, ...], quorum: int, enough: bool) -> None:
    heads = {**NOTES, 7: cosigned(7, 1, 2, 3), 10: cosigned(10, *newest)}
    found = checked(rows(), heads, witnesses=WITNESSES, quorum=quorum)
    assert named(found) == (set() if enough else {("witnesses", 10)})
    assert found.witnessed == (10 if enough and newest else 7)


def test_witnesses_under_a_note_kept_outside_count_with_those_inside() -> None:
    found = checked(rows(), {**NOTES, 10: cosigned(10, 1)}, witnesses=WITNESSES, quorum=2, outside=[cosigned(10, 2)])
    assert found.findings == ()


def test_a_false_signature_of_a_known_witness_is_named_and_one_of_a_stranger_is_passed_by() -> None:
    text = NOTES[7].partition("\n\n")[0] + "\n"
    for false in (
        cosign(text, "witness.example.jp/w1", key_of(1), 5).replace("— witness.example.jp/w1 ", "— witness.example.jp/w2 "),
        line_of(9, text),
    ):
        assert named(checked(rows(), {**NOTES, 10: NOTES[10] + false}, witnesses=WITNESSES)) == set()
    assert named(checked(rows(), {**NOTES, 10: NOTES[10] + line_of(1, text)}, witnesses=WITNESSES)) == {("signature", 10)}
