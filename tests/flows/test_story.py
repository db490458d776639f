"""One stay, one emergency, one audit: the whole path over HTTP and files, with no part of the hub's inside known."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from random import Random

import pytest

from hub.demo.region import write
from hub.demo.story import NOW, tell
from hub.region import read_region
from tests.hub.world import World, known_root, world
from tests.postgres import cluster


def test_the_story_is_seen_from_the_first_step_to_the_last() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hub.cli.main", "demo", "--story"], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "すべて見えました / every step was seen"


@pytest.mark.parametrize(
    ("now", "seed"),
    [("2027-01-09T15:30:00+09:00", 1), ("2026-05-06T07:45:00+09:00", 5)],
    ids=["a Saturday in January", "a holiday in May, other people"],
)
def test_another_day_other_people_and_other_names_give_the_same_story(now: str, seed: int, capfd: pytest.CaptureFixture[str]) -> None:
    renamed = {"ひばり野中央病院": "みなと総合医療センター", "れんげ居宅介護支援事業所": "すずらん居宅"}
    assert tell(now, seed, renamed) == 0
    told = capfd.readouterr().out
    assert "みなと総合医療センター" in told
    assert "ひばり野中央病院" not in told


def test_the_story_is_the_same_on_postgresql(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TSUNAGU_DATABASE", cluster().new())
    assert tell() == 0
    assert "すべて見えました" in capfd.readouterr().out


def boards(folder: Path, steps: list[tuple[str, str, bytes]]) -> object:
    """Hand steps into a fresh hub and give what the care manager's board says."""
    home = folder / "region"
    home.mkdir(parents=True)
    write(home, now=datetime.fromisoformat(NOW))
    known_root(folder / "data")
    with world(
        folder / "data", region=read_region(home / "region.json"), now=lambda: datetime.fromisoformat(NOW),
        adapters=("hospital", "visiting_nurse", "care_manager"),
    ) as w:  # fmt: skip
        built(w, home)
        for by, name, data in steps:
            assert w.file(by, name, data).status_code == 200
        story = json.loads((home / "story.json").read_text(encoding="utf-8"))
        told = w.get(story["organizations"]["renge"], "/fhir/$board").json()
    return sorted((plain(e["resource"]) for e in told["entry"]), key=lambda r: json.dumps(r, sort_keys=True))


def plain(resource: dict[str, object]) -> dict[str, object]:
    """Leave out when and in which version a thing was recorded: the order of delivery may show in nothing else."""
    return {k: v for k, v in resource.items() if k != "meta"}


def built(w: World, home: Path) -> None:
    """Build the region over the doors."""
    import orjson

    for row in orjson.loads((home / "hand-ins.json").read_bytes()):
        path, by = home / row["path"], row["by"]
        if row["door"] == "fhir":
            answers = [w.ask("POST", "/fhir", by=by, content=path.read_bytes(), headers={"Content-Type": "application/fhir+json"})]
        elif row["door"] == "put":
            answers = [w.put(by, orjson.loads(path.read_bytes()))]
        elif row["door"] == "links":
            answers = [w.ask("POST", "/links", by=by, json={"first": a, "second": b}) for a, b in orjson.loads(path.read_bytes())]
        else:
            files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
            answers = [w.file(by, f.name, f.read_bytes()) for f in files]
        assert all(a.is_success for a in answers), (row, [a.text[:300] for a in answers if not a.is_success])


def test_a_permuted_and_doubled_delivery_gives_the_same_board(tmp_path: Path) -> None:
    write(tmp_path, now=datetime.fromisoformat(NOW))
    story = json.loads((tmp_path / "story.json").read_text(encoding="utf-8"))
    told = [s for s in story["steps"] if s["name"] in {"admission", "discharge", "urgent-visit", "corrected-message"}]
    steps = [(s["by"], Path(s["path"]).name, (tmp_path / s["path"]).read_bytes()) for s in told]
    mixed = [*steps, *steps]
    Random(7).shuffle(mixed)
    assert mixed[: len(steps)] != steps
    assert boards(tmp_path / "one", steps) == boards(tmp_path / "two", mixed)
