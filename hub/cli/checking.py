"""`tsunagu replay`: leaves a running hub alone."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hub.assemble import DATABASE
from hub.log.unlocking import KeyPlace
from hub.region import read_region
from hub.replay import replay as rebuild


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
