"""Followers that stand: kept beside the log, so that every process of a hub can tell of them, and a restart does not forget since when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from hub.log.store import Store, Tx
from hub.tables import skips
from hub.tables.skips import StandingRow
from hub.writer import Writer
from schemas.errors import Refusal


@dataclass(frozen=True, slots=True)
class Stopped:
    """A follower that stands: kind of the fault (never its words), since when, how often tried. `kept` = all processes know of it."""

    fault: str
    since: datetime
    tried: int
    kept: bool = False
    wanted: bool = False
    """It was asked to try at once."""

    @classmethod
    def first(cls, fault: BaseException) -> Stopped:
        """Give the first fault."""
        return cls(kind_of(fault), datetime.now(UTC), 1)

    def again(self, fault: BaseException) -> Stopped:
        """Give the same after one more try."""
        return replace(self, fault=kind_of(fault), tried=self.tried + 1)


def kind_of(fault: BaseException) -> str:
    """Name a fault: the rule of a refusal and the kind of what is behind it; never words, which may quote data."""
    behind = fault.__cause__ if isinstance(fault, Refusal) else None
    names = [i.rule for i in fault.issues[:1]] if isinstance(fault, Refusal) else [type(fault).__name__]
    return " ".join([*names, *([type(behind).__name__] if behind is not None else [])])


class Standing:
    """What stands, over the store."""

    def __init__(self, *, store: Store, writer: Writer, now: Callable[[], datetime]) -> None:
        self._store, self._writer, self._now = store, writer, now

    def all(self) -> dict[str, Stopped]:
        """Give all that stand."""
        with self._store.read() as tx:
            return {name: _stopped(row) for name, row in skips.all_standing(tx).items()}

    def look(self, name: str) -> Stopped | None:
        """Give one that stands; None when it goes on."""
        return self.all().get(name)

    def stand(self, name: str, fault: str) -> Stopped:
        """Keep that a follower cannot take the event after its position; give how it stands now."""
        at = int(self._now().timestamp() * 1000)

        def work(tx: Tx) -> Stopped:
            skips.stand(tx, name, skips.claim(tx, name) + 1, fault, at)
            return _stopped(skips.all_standing(tx)[name])

        found: Stopped = self._writer.work(work).result()
        return found

    def want(self, name: str) -> None:
        """Ask the process that runs it to try at once."""

        def work(tx: Tx) -> None:
            skips.want(tx, name)

        self._writer.work(work).result()
        self._store.ring()

    def clear(self, name: str) -> None:
        """Keep that it goes on."""

        def work(tx: Tx) -> None:
            skips.clear(tx, name)

        self._writer.work(work).result()


def _stopped(row: StandingRow) -> Stopped:
    return Stopped(row.fault, datetime.fromtimestamp(row.since / 1000, UTC), row.tried, kept=True, wanted=bool(row.wanted))
