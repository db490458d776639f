"""A whole region lives in a hub, and no name, number, address or telephone of anybody stands in any of its files or logs."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

import pytest

from hub.cli.logs import JsonLines
from hub.demo.region import write
from hub.demo.region.write import people
from hub.demo.story import NOW
from hub.region import read_region
from tests.flows.test_story import built
from tests.hub.world import world


def marks() -> set[str]:
    """What would tell of a person, of at least four characters, as it was handed in."""
    found: set[str] = set()
    for case in people(seed=1, now=datetime.fromisoformat(NOW)):
        person = case.person
        found |= {person.name, person.name.replace(" ", "　"), person.kana, person.kana.replace(" ", "　"), person.address, person.phone}
        found |= {person.pair or "", person.insured or "", *person.numbers.values()}
    return {m for m in found if len(m) >= 4 and not (m.isdigit() and len(m) < 8)}


def test_nothing_of_anybody_stands_in_a_file_or_a_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    home, data = tmp_path / "region", tmp_path / "data"
    write(home, now=datetime.fromisoformat(NOW))
    with (
        caplog.at_level(logging.DEBUG),
        world(
            data,
            region=read_region(home / "region.json"),
            now=lambda: datetime.fromisoformat(NOW),
            adapters=("hospital", "visiting_nurse", "care_manager"),
        ) as w,
    ):
        built(w, home)
        w.file("1119900015", "0000413925_20261123_ADT-22_x", b"MSH|^~\\&|broken\rPID|1||0000413925")
        w.settle()
        held = {p.name: p.read_bytes() for p in data.rglob("*") if p.is_file()}
    said = "\n".join(JsonLines().format(r) for r in caplog.records)
    told = marks()
    assert len(told) > 150
    assert {"hub.db", "hub.db-wal", "keys.db"} <= held.keys()
    for mark in told:
        assert mark not in said
        for name, content in held.items():
            for charset in ("utf-8", "cp932", "iso2022_jp", "utf-16-le"):
                try:
                    looked_for = mark.encode(charset)
                except UnicodeEncodeError:
                    continue
                assert looked_for not in content, (name, charset)
