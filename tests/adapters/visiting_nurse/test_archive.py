"""A ZIP is opened within limits: what is no pair of the station's files, or bursts, is refused before it is unpacked."""

import io
import os
import struct
import time
import tracemalloc
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.visiting_nurse import adapter
from adapters.visiting_nurse.archive import pack, unpack
from schemas.adapter import Wire
from schemas.errors import BadInput
from tests.adapters.visiting_nurse.builders import STATION, csv_of, measure, visit, zip_of

GOOD = zip_of(vn_visit=csv_of(visit()), vn_observation=csv_of(measure()))


def refused(data):
    with pytest.raises(BadInput) as caught:
        adapter.convert(Wire("vn_visit.zip", data, STATION))
    return caught.value.issues[0].rule


def made(*entries, **how):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **how) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.getvalue()


def test_names_are_found_in_folders_in_any_case_and_beside_what_a_mac_adds():
    data = made(("2026/VN_Visit_1104.csv", b"a"), ("2026/vn_observation.csv", b"b"), ("__MACOSX/2026/._vn_visit.csv", b"c"), ("2026/", b""))
    assert unpack(data) == {"vn_visit.csv": b"a", "vn_observation.csv": b"b"}


@pytest.mark.parametrize(
    ("entries", "rule"),
    [
        ([("vn_visit.csv", b"a"), ("readme.txt", b"b")], "HUB-2115"),
        ([("vn_visit.csv", b"a"), ("old/vn_visit_1.csv", b"b")], "HUB-2115"),
        ([("other.csv", b"a")], "HUB-2115"),
        ([("vn_observation.csv", b"a")], "HUB-2112"),
        ([(f"vn_visit{n}.csv", b"a") for n in range(9)], "HUB-2115"),
    ],
)
def test_a_zip_of_anything_else_is_refused(entries, rule):
    assert refused(made(*entries)) == rule


def test_a_bomb_is_refused_by_what_it_claims_in_bounded_memory():
    bomb = made(("vn_visit.csv", b"0" * 300_000_000), compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 500_000
    tracemalloc.start()
    begun = time.monotonic()
    assert refused(bomb) == "HUB-2114"
    took, (_, peak) = time.monotonic() - begun, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000
    assert took < 2


def test_a_bomb_that_lies_about_its_size_is_never_unpacked_past_the_limit():
    bomb = bytearray(made(("vn_visit.csv", b"0" * 100_000_000), compression=zipfile.ZIP_DEFLATED))
    entry = bomb.rindex(b"PK\x01\x02")
    bomb[entry + 24 : entry + 28] = struct.pack("<I", 1000)
    tracemalloc.start()
    assert refused(bytes(bomb)) in {"HUB-2113", "HUB-2114"}
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 70_000_000


def test_a_pack_of_small_entries_is_refused_before_it_is_listed():
    many = made(*((f"vn_visit{n}.csv", b"") for n in range(3000)))
    assert refused(many) == "HUB-2115"


def test_a_locked_or_oddly_packed_zip_is_refused():
    locked = bytearray(GOOD)
    for mark, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        place = locked.index(mark)
        locked[place + at] |= 1
    assert refused(bytes(locked)) == "HUB-2113"
    assert refused(made(("vn_visit.csv", csv_of(visit())), compression=zipfile.ZIP_BZIP2)) == "HUB-2113"


@pytest.mark.parametrize("keep", [10, 100, len(GOOD) - 30, len(GOOD) - 1])
def test_a_zip_that_was_cut_off_is_refused(keep):
    assert refused(GOOD[:keep]) == "HUB-2113"


@given(st.integers(4, len(GOOD) - 1), st.binary(min_size=1, max_size=4))
def test_a_damaged_zip_is_refused_or_read(at, put):
    assert opened(GOOD[:at] + put + GOOD[at + len(put) :]) in {"read", "HUB-2112", "HUB-2113", "HUB-2114", "HUB-2115"}


def opened(data):
    try:
        return "read" if "vn_visit.csv" in unpack(data) else "no visits"
    except BadInput as error:
        return error.issues[0].rule


def test_fifty_megabytes_of_rubbish_are_refused_at_once():
    for data in (b"PK\x03\x04" + os.urandom(1_000_000) * 50, b"PK\x03\x04vn_visit" + b"PK\x01\x02" * 4_000_000, os.urandom(1_000_000) * 50):
        begun = time.monotonic()
        assert refused(data) in {"HUB-2000", "HUB-2115"}
        assert time.monotonic() - begun < 2


def test_a_zip_made_anew_is_the_same_for_the_same_files():
    contents = {"vn_visit.csv": b"a\r\n", "vn_observation.csv": b"b"}
    assert pack(contents) == pack(contents)
    assert unpack(pack(contents)) == contents
