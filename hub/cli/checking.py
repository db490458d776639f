"""`tsunagu replay` and `tsunagu verify`: both leave a running hub alone."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hub.assemble import DATABASE
from hub.log.unlocking import KeyPlace
from hub.log.verify import verify_file
from hub.region import read_region
from hub.replay import replay as rebuild
from schemas.errors import Broken


def replay(data: Path, keys: KeyPlace, region: Path) -> int:
    """Rebuild all tables from the log and compare; 0 when every row is the same."""
    with tempfile.TemporaryDirectory(prefix="tsunagu-replay-") as folder:
        made = rebuild(
            database=data / DATABASE,
            keys=keys,
            region=read_region(region),
            work=Path(folder),
        )
    for table, rows in made.rows.items():
        state = "同じ / equal" if table not in made.differing else f"違う行 {made.differing[table]} / rows that differ"
        print(f"{table:<14}{rows:>10,}  {state}")
    print(f"記録 {made.events:,} 件から作り直しました / rebuilt from {made.events:,} events")
    return 1 if made.differing else 0


def verify(data: Path, key: Path | None) -> int:
    """Recompute the tree from stored bytes and check it against the signed checkpoints; 0 when all fits."""
    pub = key or data / "checkpoint.pub"
    if not (data / DATABASE).exists() or not pub.exists():
        raise Broken("HUB-5016", where=DATABASE if pub.exists() else pub.name)
    outside = data / "checkpoint.txt"
    found = verify_file(
        data / DATABASE, pub.read_text(encoding="utf-8").strip(), outside.read_text(encoding="utf-8") if outside.exists() else ""
    )
    print(
        f"記録 {found.size:,} 件、根 {found.root.hex()}、合う署名 {found.checkpoints} / {found.size:,} events, {found.checkpoints} checkpoints fit"
    )
    for one in found.findings[:20]:
        print(f"合いません / does not fit: {one.what} (#{one.position})")
    return 1 if found.findings or not found.checkpoints else 0
