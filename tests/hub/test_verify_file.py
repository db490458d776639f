"""The file of an exported log: its bytes, what damages it, how much memory its checker takes and how little of the hub it loads."""

from __future__ import annotations

import ast
import io
import os
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import hub.log.exported
import hub.log.proof_file
import hub.log.verify
import hub.log.verify_postgres
import hub.log.verify_sqlite
from hub.log import exported
from hub.log.merkle import leaf
from hub.log.verify import LISTED, Finding, Head, check
from tests.hub.ten_events import KEY, NOTES, WITNESSES, Row, items, notes, rows

pytestmark = pytest.mark.sqlite  # asks both engines by itself


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
def test_the_checker_imports_the_hash_rules_and_nothing_else_of_the_hub(module: ModuleType, allowed: set[str]) -> None:
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
