"""An outsider checks a log from stored bytes and public keys: whatever was changed is named, and where."""

from __future__ import annotations

import ast
import base64
import io
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

import hub.log.exported
import hub.log.proof_file
import hub.log.verify
import hub.log.verify_postgres
import hub.log.verify_sqlite
from hub.assemble import DATABASE
from hub.cli.main import main
from hub.log import exported
from hub.log.merkle import Tree, event_data, leaf
from hub.log.notes import Checkpoint, Verifier, cosign, public_bytes, sign
from hub.log.verify import LISTED, Event, Finding, Head, Item, Torn, Verified, check
from hub.log.verify_sqlite import of_sqlite
from tests.hub.watching import filled, key_of, line_of, verifier_of, watched
from tests.hub.world import database_of
from tests.postgres import cluster

pytestmark = pytest.mark.sqlite  # asks both engines by itself
ORIGIN = "log.example.jp/test"
LOG = key_of(77)
KEY = Verifier(ORIGIN, 1, public_bytes(LOG)).text
WITNESSES = [verifier_of(n).text for n in (1, 2, 3)]
LINES = (
    (11, "a.v1"),
    (12, "a.v1"),
    (11, "b.v1"),
    (13, "a.v1"),
    (12, "a.v1"),
    (11, "a.v1"),
    (14, "c.v1"),
    (12, "b.v1"),
    (15, "a.v1"),
    (16, "a.v1"),
)
"""Stream and topic of ten events."""


@dataclass
class Row:
    """A stored event, as one who changes it sees it."""

    position: int
    stream: bytes
    version: int
    topic: str
    state: bytes
    leaf: bytes = bytes(32)

    @property
    def event(self) -> Event:
        return Event(self.leaf, self.data)

    @property
    def data(self) -> bytes:
        return event_data(position=self.position, stream=self.stream, version=self.version, topic=self.topic, state=self.state)


def rows() -> list[Row]:
    versions: dict[int, int] = {}
    made = []
    for position, (stream, topic) in enumerate(LINES, 1):
        versions[stream] = versions.get(stream, 0) + 1
        one = Row(position, bytes((stream,)) * 16, versions[stream], topic, b"\x01\x00\x04head" + b"body %d" % position)
        one.leaf = leaf(one.data)
        made.append(one)
    return made


def notes(held: list[Row], at: tuple[int, ...] = (3, 7, 10), key=LOG) -> dict[int, str]:  # type: ignore[no-untyped-def]
    tree, made = Tree(), {}
    for size, one in enumerate(held, 1):
        tree.append(leaf(one.data))
        if size in at:
            made[size] = sign(Checkpoint(ORIGIN, size, tree.root), key)
    return made


NOTES = notes(rows())


def items(held: list[Row], heads: dict[int, str]) -> list[Item]:
    left = dict(sorted(heads.items()))
    made: list[Item] = []
    for one in held:
        made.append(one.event)
        if one.position in left:
            made.append(Head(one.position, left.pop(one.position)))
    return made + [Head(size, note) for size, note in left.items()]


def checked(held: list[Row], heads: dict[int, str] | None = None, **more) -> Verified:  # type: ignore[no-untyped-def]
    """Check what was written to a file and read again."""
    file = io.BytesIO()
    exported.write(items(held, NOTES if heads is None else heads), file)
    file.seek(0)
    return check(exported.read(file), **{"keys": [KEY], **more})


def named(found: Verified) -> set[tuple[str, int]]:
    return {(f.what, f.position) for f in found.findings}


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


def cosigned(size: int, *who: int) -> str:
    text = NOTES[size].partition("\n\n")[0] + "\n"
    return NOTES[size] + "".join(line_of(n, text) for n in who)


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


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_file_is_what_its_page_says() -> None:
    one = Row(1, bytes(range(16)), 1, "t", b"s")
    one.leaf = leaf(one.data)
    note = notes([one], (1,))[1]
    file = io.BytesIO()
    assert exported.write([one.event, Head(1, note)], file) == 1
    data = bytes.fromhex("0000000000000001" + bytes(range(16)).hex() + "0000000000000001" + "0001" + "74" + "0000000000000001" + "73")
    head = note.encode()
    assert file.getvalue() == (
        b"tsunagu-log 1\n" + (33 + len(data)).to_bytes(4, "big") + b"E" + leaf(data) + data
        + (9 + len(head)).to_bytes(4, "big") + b"H" + (1).to_bytes(8, "big") + head + bytes.fromhex("00000009") + b"Z" + (1).to_bytes(8, "big")
    )  # fmt: skip


def written() -> bytes:
    file = io.BytesIO()
    exported.write(items(rows(), NOTES), file)
    return file.getvalue()


def test_a_file_cut_off_anywhere_is_torn() -> None:
    whole = written()
    for end in range(len(whole)):
        found = check(exported.read(io.BytesIO(whole[:end])), keys=[KEY])
        assert "torn" in {f.what for f in found.findings}, end
    assert check(exported.read(io.BytesIO(whole + b"\0")), keys=[KEY]).findings == (Finding("torn", 10),)
    for junk in (b"", b"SQLite format 3\0", b"tsunagu-log 2\n" + whole[14:], os.urandom(100), b"tsunagu-log 1\n" + b"\xff" * 50):
        assert check(exported.read(io.BytesIO(junk)), keys=[KEY]).findings == (Finding("torn", 0),)


def test_a_byte_changed_anywhere_in_the_file_is_found(long: bool) -> None:
    whole, draw = written(), random.Random(4)
    places = range(len(whole)) if long else sorted(draw.sample(range(len(whole)), 300))
    for place in places:
        for bit in range(8) if long else [draw.randrange(8)]:
            changed = whole[:place] + bytes((whole[place] ^ 1 << bit,)) + whole[place + 1 :]
            found = check(exported.read(io.BytesIO(changed)), keys=[KEY])
            assert found.findings, (place, bit)


def test_a_thousand_faults_are_counted_and_a_hundred_listed() -> None:
    held = [Row(n, n.to_bytes(16, "big"), 1, "t", b"s", b"wrong" * 6 + b"!!") for n in range(1, 1_001)]
    found = check((one.event for one in held), keys=[KEY])
    assert (len(found.findings), found.more) == (LISTED, 1_000 - LISTED)


@pytest.mark.parametrize("key", ["nonsense", "", "a+b+c", WITNESSES[0][:-2]])
def test_a_key_that_is_none_is_no_reason_to_believe(key: str) -> None:
    with pytest.raises(ValueError):
        check([], keys=[key])
    with pytest.raises(ValueError):
        check([], keys=[KEY], witnesses=[key])


def test_memory_stays_flat_however_long_the_log_is(long: bool) -> None:
    """The peak of a process that writes and checks a log four times as long is the same but for a few MB."""
    code = """
import io, resource, sys, tempfile
from hub.log import exported
from hub.log.merkle import event_data, leaf
from hub.log.verify import Event, check
def events(count):
    for n in range(1, count + 1):
        data = event_data(position=n, stream=leaf(n.to_bytes(8, "big"))[:16], version=1, topic="resource-recorded.v1", state=bytes(2000))
        yield Event(leaf(data), data)
with tempfile.TemporaryFile() as file:
    count = int(sys.argv[1])
    exported.write(events(count), file)
    file.seek(0)
    found = check(exported.read(file), keys=[sys.argv[2]])
    assert (found.size, found.findings) == (count, ()), found
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    sizes = (100_000, 1_000_000) if long else (2_000, 20_000)
    peaks = []
    for size in sizes:
        done = subprocess.run(
            [sys.executable, "-c", code, str(size), KEY], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
        )
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout) / 1024)
    assert peaks[1] - peaks[0] < 16, peaks


# ── what it shares with the writer ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        (hub.log.verify, {"hub.log.merkle", "hub.log.notes"}),
        (hub.log.exported, {"hub.log.verify"}),
        (hub.log.proof_file, {"hub.log.merkle", "hub.log.notes"}),
        (hub.log.verify_postgres, {"hub.log.verify"}),
        (hub.log.verify_sqlite, {"hub.log.verify"}),
        (sys.modules["hub.log.merkle"], set()),
        (sys.modules["hub.log.notes"], set()),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_the_checker_imports_the_hash_rules_and_nothing_else_of_the_hub(module, allowed: set[str]) -> None:  # type: ignore[no-untyped-def]
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    found = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    found |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert {name for name in found if name.split(".")[0] in {"hub", "schemas", "consent", "adapters"}} == allowed


def test_no_more_of_the_hub_is_loaded_when_it_runs() -> None:
    code = "import sys, hub.log.verify, hub.log.exported, hub.log.proof_file; print(*sorted(m for m in sys.modules if m.split('.')[0] in ('hub', 'schemas', 'consent')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.split() == [
        "hub",
        "hub.log",
        "hub.log.exported",
        "hub.log.merkle",
        "hub.log.notes",
        "hub.log.proof_file",
        "hub.log.verify",
    ]


# ── the command line ─────────────────────────────────────────────────────────────────────────────────────────────────


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
