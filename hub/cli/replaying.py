"""`tsunagu replay`: makes the views anew, to compare them beside a running hub or to put them in the place of those that lie there."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path

from hub.log.opening import open_store
from hub.log.unlocking import KeyPlace, open_keys
from hub.region import read_region
from hub.replay import replay as rebuild
from hub.replay.current import bring_up, known_views, swap
from hub.replay.making import KEEP


def replay(database: Path | str, *, data: Path, keys: KeyPlace, region: Path, rules: Path | None, views: Collection[str]) -> int:
    """Rebuild from the log and compare; 0 when every row is the same."""
    known_views(views)
    with tempfile.TemporaryDirectory(prefix="replay-", dir=data if data.is_dir() else None) as folder:
        made = rebuild(database=database, keys=keys, region=read_region(region, rules), work=Path(folder), views=views)
    for table, rows in made.rows.items():
        state = "同じ / equal" if table not in made.differing else f"違う行 {made.differing[table]} / rows that differ"
        print(f"{table:<14}{rows:>10,}  {state}")
    for view in made.older:
        print(
            f"{view:<14}{'':>10}  前の版か、まだありません。ハブが始まるときに作り直します / older or not there yet: made anew when the hub starts"
        )
    print(f"記録 {made.events:,} 件から作り直しました / rebuilt from {made.events:,} events")
    return 1 if made.differing else 0


def replace(database: Path | str, *, data: Path, keys: KeyPlace, region: Path, rules: Path | None, views: Collection[str]) -> int:
    """Put views that were made anew in the place of those that lie there; the hub has to be stopped."""
    known_views(views)
    held = read_region(region, rules)
    store = open_store(database)
    try:
        with store.read() as tx:
            begun = store.head(tx) > 0
        secrets, ring = open_keys(keys, begun=begun, keep=KEEP)
        try:
            done = bring_up(store, keys=ring, secrets=secrets, region=held, work=data)
            left = [name for name in known_views(views) if name not in done]
            rows = swap(store, left, keys=ring, secrets=secrets, region=held, work=data) if left else {}
        finally:
            ring.close()
    finally:
        store.close()
    for view in done:
        print(f"{view:<14}{'':>10}  新しい版に作り直しました / made anew in its new version")
    for table, count in rows.items():
        print(f"{table:<14}{count:>10,}  入れ替えました / put in its place")
    return 0
