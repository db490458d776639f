"""Makes views from the log, in a file of their own: nothing but stored events and keys goes in.

The file holds no body beside what the views keep, and of the log only where each stream's events lie. Memory is that of one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from hub.followers.feeds import Feeding
from hub.followers.tallying import Tallying
from hub.gate import Gate
from hub.log.event import Recorded
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.sqlite import SqliteStore
from hub.log.store import Store, Tx, recorded
from hub.region import Region
from hub.replay.shapes import definitions
from hub.tables import provisions
from hub.tables.all import FED, NEEDS, VIEWS, Rows, put
from hub.writer import Writer
from schemas.errors import Broken
from schemas.events import DOMAIN_EVENT, KEY_ERASED

BATCH = 2_000
KEEP = 2_000
"""Opened keys in memory at most: a replay goes through the log once, and there whatever is about one person stands close together."""
Seen = Callable[[Tx, Sequence[Any]], None]
"""Is shown each batch of stored events."""


class Making:
    """Views of one log, as far as they were made. To be closed."""

    def __init__(self, source: Store, file: Path, *, views: Collection[str], keys: Keyring, secrets: Secrets, region: Region) -> None:
        wanted = _with_needed(views)
        bodies = {*views, *_with_needed([name for name in FED if name in views])}
        """Of views that are made only because another one reads them, what stands in the clear is enough; but followers read all of them."""
        self._source, self._views = source, [name for name in VIEWS if name in wanted]
        self.store = SqliteStore(file, tables=[s for name in self._views for s in definitions(VIEWS[name])], scratch=True)
        self._rows = Rows(keys, secrets, bodies)
        self._writer = Writer(self.store, keys, _nothing)
        gate = Gate(
            store=self.store, keys=keys, secrets=secrets, writer=self._writer, networks=region.rules, region=region,
            now=lambda: datetime.now(UTC),
            proof=object(),
        )  # fmt: skip
        feeding = Feeding(store=self.store, keys=keys, writer=self._writer, gate=gate, region=region, rung=lambda: None)
        self._advance = {Feeding.name: feeding.advance, Tallying.name: Tallying(store=self.store, writer=self._writer).advance}
        self.position = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.close()
        self.store.close()

    def until(self, tx: Tx, position: int, seen: Seen | None = None) -> None:
        """Move the views up to a position, reading the log in `tx`. Raises Broken (HUB-5008) where an event is missing."""
        while self.position < position:
            rows = self._source.raw(tx, self.position, min(BATCH, position - self.position))
            if [row[0] for row in rows] != list(range(self.position + 1, self.position + len(rows) + 1)) or not rows:
                raise Broken("HUB-5008")
            if seen is not None:
                seen(tx, rows)
            self._take(rows)
            self.position = rows[-1][0]

    def _take(self, rows: Sequence[Any]) -> None:
        batch = [self._made(recorded(*row)) for row in rows]
        self._rows.forget()
        with self.store.write() as out:
            # of bodies only those of domain events are read again (by whom they are matched to), and of all events their streams
            self.store.put_names(out, [(p, s, v, t, b if t == DOMAIN_EVENT else b"") for p, s, v, t, b in rows])
            for part in parts(batch):
                put(out, [VIEWS[name] for name in self._views if name not in self._advance], part)

    def _made(self, one: Recorded) -> Recorded:
        rows = self._rows.of(one)
        return one if rows is None else msgspec.structs.replace(one, rows=rows)

    def feed(self, positions: Mapping[str, int]) -> None:
        """Move views that followers fill up to a position each: where those of the log that this is made of have come to."""
        for name, position in positions.items():
            if name == provisions.NAME:  # each line follows from its own event alone: all were made, and later ones are taken off
                with self.store.write() as out:
                    provisions.cut(out, position)
            while name in self._advance:
                with self.store.write() as out:
                    after = self.store.position_of(out, name)
                    if after >= position:
                        break
                    self._advance[name](out, min(BATCH, position - after))


def fed(store: Store, tx: Tx, views: Collection[str]) -> Mapping[str, int]:
    """Give the positions of the followers that fill those of these views that followers fill."""
    return {name: store.position_of(tx, name) for name in FED if name in views}


def _nothing(tx: Tx, events: Sequence[Recorded]) -> None:
    """Take no append: what is made here comes from another log."""


def _with_needed(views: Collection[str]) -> set[str]:
    """Give views with all that they read when they are made."""
    wanted = set(views)
    while more := {needed for name in wanted for needed in NEEDS.get(name, ())} - wanted:
        wanted |= more
    return wanted


def parts(batch: Sequence[Recorded]) -> Iterator[Sequence[Recorded]]:
    """Part a batch at tombstones: what one takes out of a view hangs on what others held just then."""
    first = 0
    for i, one in enumerate(batch):
        if one.topic == KEY_ERASED:
            yield batch[first:i]
            yield batch[i : i + 1]
            first = i + 1
    yield batch[first:]
