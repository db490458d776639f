"""Makes every table anew beside a running hub, from one snapshot of the log, and compares the two row for row."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.log.merkle import event_leaf
from hub.log.opening import open_store
from hub.log.store import Store, Tx
from hub.log.unlocking import KeyPlace, open_keys
from hub.region import Region
from hub.replay import shapes
from hub.replay.current import found_in, known_views
from hub.replay.making import KEEP, Making, fed
from hub.tables import tree
from hub.tables.all import VIEWS

EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay made: events read, rows by table, tables that differ (with the number of rows)."""

    events: int
    rows: Mapping[str, int]
    differing: Mapping[str, int]
    older: Collection[str] = field(default=())
    """Views that lie there in an older version or not at all: nothing to compare with. They are made anew when the hub starts."""


def replay(*, database: Path | str, keys: KeyPlace, region: Region, work: Path, views: Collection[str] = ()) -> Replayed:
    """Make the views (none named = all) in `work`, an empty folder, and compare with those of a database (a file, or `postgresql://…`).

    The stored leaves are compared too. Raises NotFound (HUB-5125) for a view that there is not.
    """
    named = known_views(views)
    old = open_store(database, beside=True)
    try:
        with old.read() as tx:
            head = old.head(tx)
            secrets, keyring = open_keys(keys, begun=head > 0, keep=KEEP)
            try:
                with Making(old, work / "views.db", views=named, keys=keyring, secrets=secrets, region=region) as made:
                    return _compared(old, tx, made, head, named)
            finally:
                keyring.close()
    finally:
        old.close()


def _compared(old: Store, tx: Tx, made: Making, head: int, named: Sequence[str]) -> Replayed:
    leaves = _Leaves()
    made.until(tx, head, leaves)
    made.feed(fed(old, tx, named))
    held = found_in(old, tx)
    older = [name for name in named if held.get(name) != VIEWS[name].VERSION]
    rows, differing = {EVENTS: head}, {EVENTS: leaves.unlike} if leaves.unlike else {}
    with made.store.read() as new:
        for name in named:
            for table in shapes.of_view(VIEWS[name]) if name not in older else ():
                rows[table.name], unlike = shapes.differing(tx, new, table)
                if unlike:
                    differing[table.name] = unlike
    return Replayed(head, rows, differing, older)


class _Leaves:
    """Compares the leaves that are stored with those that the events have."""

    def __init__(self) -> None:
        self.unlike = 0

    def __call__(self, tx: Tx, rows: Sequence[Any]) -> None:
        stored = tree.leaves(tx, rows[0][0] - 1, len(rows))
        made = [(p, event_leaf(position=p, stream=s, version=v, topic=t, state=b)) for p, s, v, t, b in rows]
        self.unlike += sum(a != b for a, b in zip(stored, made, strict=True))
