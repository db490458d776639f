"""How the hub is: where its followers are, what waits, what stands. Counts alone; for the network's office."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hub.commands import Asking
from hub.followers.operating import operator
from hub.followers.run import Pulling, Runner
from hub.followers.standing import Standing, Stopped, kind_of
from hub.log.store import Room, Store, Tx
from hub.tables import apart, skips
from hub.writer import QUEUE, Halt, Writer
from schemas.errors import Busy, Issue, Refusal
from schemas.messages import english, japanese

_STEP = 64 << 20
"""Bytes of a step of free room."""
Section = Callable[[], Mapping[str, object]]
"""One more part of the status: counts and states, no data."""


@dataclass(frozen=True, slots=True)
class Following:
    """One follower. `events` and `seconds` that it is behind: None = its position is not kept here, or the next event cannot be read."""

    name: str
    events: int | None
    seconds: float | None
    stopped: Stopped | None
    skipped: int
    skippable: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """The main compartment's log and its followers in one snapshot: events of others are counted nowhere. `unsigned` = events behind the newest signed head, `signed` = its age in seconds.

    None = not known, because the store does not answer.
    """

    head: int | None
    followers: tuple[Following, ...]
    unsigned: int | None
    signed: float | None


class Overseeing:
    """These looks over their ports. `sections` are what other parts have to say, by name."""

    def __init__(
        self, *, store: Store, runner: Runner, writer: Writer, standing: Standing, now: Callable[[], datetime], versions: Callable[[], Mapping[str, str]],
        sections: Mapping[str, Section],
    ) -> None:  # fmt: skip
        self._store, self._runner, self._writer, self._standing, self._now = store, runner, writer, standing, now
        self._versions, self._sections = versions, sections
        self._started = now()

    def status(self, asking: Asking) -> dict[str, Any]:
        """Give the whole status. Raises Denied for anybody but the network's office."""
        operator(asking)
        away = None
        try:
            seen = self.overview()
        except Busy as busy:  # the store gives nothing, not even this: what is known without it is told all the same
            seen, away = Overview(None, (), None, None), busy
        reading, room = self.reading(away), self.room()
        return {
            "ok": not any(f.stopped for f in seen.followers) and not reading["stopped"],
            "reading": reading,
            "at": self._now().astimezone(UTC).isoformat(timespec="seconds"),
            "versions": {"tsunagu": version("tsunagu"), "python": sys.version.split(" ", maxsplit=1)[0], **self._versions()},
            "store": {
                "engine": self._store.engine,
                "events": seen.head,
                "free_bytes": room.free if room else None,
                "low": bool(room and room.low),
            },
            "followers": [_told(f) for f in seen.followers],
            "writer": {"waiting": self._writer.waiting, "most": QUEUE},
            "checkpoints": {"age_seconds": seen.signed, "unsigned_events": seen.unsigned},
            "process": {"started": self._started.astimezone(UTC).isoformat(timespec="seconds"), "resident_bytes": resident()},
            **{name: _said(section) for name, section in self._sections.items()},
        }

    def reading(self, away: Busy | None = None) -> dict[str, Any]:
        """Say whether reading stands still because nothing can be recorded, since when, and why in both languages. From memory.

        `away` = what the store has just answered.
        """
        halt = self._writer.halt or (Halt(datetime.now(UTC), away.issues[0].rule) if away else None)
        if halt is None:
            return {"stopped": False}
        why = Issue(halt.rule)
        return {
            "stopped": True, "since": halt.since.isoformat(timespec="seconds"), "rule": halt.rule, "ja": japanese(why), "en": english(why),
        }  # fmt: skip

    def room(self) -> Room | None:
        """Give the room that is left to the store, in steps: to the byte it would tell of each event, whatever compartment it lies in.

        None where it is the database server's to know.
        """
        room = self._store.room()
        return Room(room.free - room.free % _STEP, room.total) if room else None

    def overview(self) -> Overview:
        """Give where the log and its followers are; without a look at who asks (for measuring)."""
        with self._store.read() as tx:
            head = self._store.head(tx)
            positions = {str(name): int(at) for name, at in tx.all("SELECT application_name, notification_id FROM tracking")}
            passed = skips.counts(tx)
            size, at = tx.one("SELECT coalesce(max(size), 0), max(at) FROM checkpoints")
            behind = {f.name: self._behind(tx, f, positions, head) for f in self._runner.followers}
            events, signed = head - apart.count(tx, head), int(size) - apart.count(tx, int(size))
        stopped = {**self._runner.stopped, **self._standing.all()}
        followers = tuple(
            Following(f.name, *behind[f.name], stopped.get(f.name), passed.get(f.name, 0), isinstance(f, Pulling))
            for f in self._runner.followers
        )
        return Overview(events, followers, events - signed, self._age(int(at)) if at is not None else None)

    def _behind(self, tx: Tx, follower: object, positions: Mapping[str, int], head: int) -> tuple[int | None, float | None]:
        name = getattr(follower, "name", "")
        if name not in positions and not isinstance(follower, Pulling):
            return None, None
        at = positions.get(name, 0)
        left = head - at - apart.count(tx, head) + apart.count(tx, at)
        if left <= 0:
            return 0, 0.0
        try:
            following = self._store.event(tx, apart.following(tx, at))
        except Refusal:
            return left, None
        return left, self._age(following.header.recorded) if following else None

    def _age(self, milliseconds: int) -> float:
        return max(round(self._now().timestamp() - milliseconds / 1000, 3), 0.0)


def _told(f: Following) -> dict[str, Any]:
    stopped = None
    if f.stopped is not None:
        stopped = {"fault": f.stopped.fault, "since": f.stopped.since.isoformat(timespec="seconds"), "tried": f.stopped.tried}
    return {
        "name": f.name, "lag_events": f.events, "lag_seconds": f.seconds, "stopped": stopped, "skipped": f.skipped, "skippable": f.skippable,
    }  # fmt: skip


def _said(section: Section) -> Mapping[str, object]:
    try:
        return section()
    except Exception as fault:  # noqa: BLE001  one part that cannot tell does not hide the others
        return {"fault": kind_of(fault)}


def resident() -> int | None:
    """Give the resident memory of this process in bytes (proc(5), statm); None where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None
