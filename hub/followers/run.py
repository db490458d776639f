"""Runs followers: one thread each, woken by an append and by the clock; the clock is the truth, the wake a hint.

On several processes each follower runs in the one that leads it. Nothing that is right rests on that: a step reads its position again
inside the transaction that moves it, and does nothing when it has moved.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from hub.followers.standing import Standing, Stopped, kind_of
from schemas.errors import Busy, quiet

POLL = 1.0
"""Seconds after which a follower looks by itself."""
LONGEST = 60.0
"""Seconds at most between two tries of a follower that stands; twice as many each time until then."""
GATHER, HURRIED = 0.25, 0.02
"""Seconds that a follower lets pass under load once it is woken, so that one step takes the appends of several: a step costs about a
millisecond beside what it finds. `HURRIED` = of one that somebody waits for at the far end of an append: what it tells comes so much later,
twice so much where one follower stands behind another."""
LOAD = 20, 0.5
"""Load is so many appends within so many seconds; below it nothing waits."""
BATCH = 500
"""Positions of the log that one step takes at most."""
_log = logging.getLogger("tsunagu.followers")


class Follower(Protocol):
    """Pulls from the log.

    With an attribute `everywhere = True` it runs in every process, not only in the one that leads it; with `hurried = True` somebody waits for
    what it tells.
    """

    name: str

    def step(self) -> bool:
        """Take the next events; say whether there may be more at once."""
        ...


@runtime_checkable
class Pulling(Follower, Protocol):
    """A follower whose position stands in `tracking` under its name, and whose steps can be made as small as one event.

    So the event that it cannot take is found, all before it is done, and it can be told to pass that one by (`hub.tables.skips`).
    """

    def take(self, limit: int) -> bool:
        """Take at most so many positions; say whether there may be more at once."""
        ...


class _Seat:
    """What one follower's thread knows."""

    __slots__ = ("due", "known", "wake")

    def __init__(self) -> None:
        self.wake = threading.Event()
        self.due = 0.0
        """Moment of the next try, while it stands."""
        self.known = False
        """Whether it was looked up, since this process leads, if it stands."""


class Runner:
    """Keeps followers going. A failing one stands by itself and is tried again: at ticks of the clock further and further apart, and on demand.

    `lead` says whether this process leads a follower now; `standing` keeps what stands, so that other processes can tell of it.
    """

    def __init__(
        self,
        followers: Sequence[Follower],
        *,
        lead: Callable[[str], bool] = lambda _: True,
        standing: Standing | None = None,
        poll: float = POLL,
    ) -> None:
        self.followers = tuple(followers)
        self._lead, self._standing, self._poll = lead, standing, poll
        self._seats = {f.name: _Seat() for f in followers}
        self._closing = threading.Event()
        self._recent: deque[float] = deque(maxlen=LOAD[0])
        self._stopped: dict[str, Stopped] = {}
        self._threads = [threading.Thread(target=self._run, args=(f,), name=f"follower-{f.name}", daemon=True) for f in followers]

    @property
    def stopped(self) -> Mapping[str, Stopped]:
        """Give the followers that stand, as this process knows it: what another one leads is looked up at each tick."""
        return dict(self._stopped)

    def start(self) -> None:
        """Start all."""
        for thread in self._threads:
            thread.start()

    def heard(self) -> None:
        """Wake all: something was appended."""
        self._recent.append(time.monotonic())
        for seat in self._seats.values():
            seat.wake.set()

    def wake(self, name: str) -> None:
        """Wake one: something that is no event of the log has changed for it."""
        if name in self._seats:
            self._seats[name].wake.set()

    def retry(self, name: str) -> None:
        """Let a follower that stands try at once, in whatever process it runs. One that goes on is only woken."""
        if self._standing is not None:
            self._standing.want(name)
        self._seats[name].due = 0.0
        self.wake(name)

    def close(self) -> None:
        """Stop all and wait for the step under way."""
        self._closing.set()
        self.heard()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _run(self, follower: Follower) -> None:
        name, seat, ticked = follower.name, self._seats[follower.name], True
        gather = HURRIED if getattr(follower, "hurried", False) else GATHER
        while not self._closing.is_set():
            seat.wake.clear()
            if not self._leads(follower):
                seat.known = False
                self._told(name)
                self._closing.wait(self._poll)  # what is heard meanwhile is for the process that leads
                continue
            if self._due(name, seat, ticked=ticked):
                self._steps(follower, seat)
            ticked = not seat.wake.wait(self._poll)
            if not ticked and self._loaded():
                self._closing.wait(gather)

    def _leads(self, follower: Follower) -> bool:
        return bool(getattr(follower, "everywhere", False)) or self._lead(follower.name)

    def _told(self, name: str) -> Stopped | None:
        """Learn from what is kept whether a follower stands; one that was passed by, or tried by another process, goes on."""
        if self._standing is None:
            return None
        try:
            row = self._standing.look(name)
        except Exception as fault:  # noqa: BLE001  a store that is away is told of by the steps themselves
            _log.warning("whether follower %s stands is not known", name, exc_info=quiet(fault))
            return None
        before = self._stopped.get(name)
        if row is not None:
            self._stopped[name] = row
        elif before is not None and before.kept:
            del self._stopped[name]
        return row

    def _due(self, name: str, seat: _Seat, *, ticked: bool) -> bool:
        """Say whether a follower is to run now: it goes on, its time has come, it was asked to, or its event was passed by."""
        if ticked or not seat.known or name in self._stopped:
            row = self._told(name)
            if not seat.known or (row is not None and row.wanted):
                seat.known = True
                return True
        return name not in self._stopped or time.monotonic() >= seat.due

    def _steps(self, follower: Follower, seat: _Seat) -> None:
        name = follower.name
        try:
            self._go(follower, one=name in self._stopped)
        except Exception as fault:  # noqa: BLE001  a poisoned event stops its follower alone, and is shown
            if name not in self._stopped:
                _log.error("follower %s stopped", name, exc_info=quiet(fault))
            self._stopped[name] = self._stands(follower, fault)
            seat.due = time.monotonic() + (self._poll if isinstance(fault, Busy) else self._rest(self._stopped[name].tried))
        else:
            seat.due = 0.0
            if name in self._stopped:
                self._goes(name)

    def _go(self, follower: Follower, *, one: bool) -> None:
        """Step to the head of the log, at least once: only what was tried says whether a follower goes on.

        A step that fails is made smaller, down to one event, so that all before that one is done.
        """
        if not isinstance(follower, Pulling):
            while follower.step() and not self._closing.is_set():
                pass
            return
        limit, more = (1 if one else BATCH), True
        while more:
            try:
                more = follower.take(limit)
            except Busy:
                raise  # the store is away or full: no event is at fault
            except Exception:
                if limit == 1:
                    raise
                limit //= 2
            else:
                limit = min(limit * 2, BATCH)
            more = more and not self._closing.is_set()

    def _rest(self, tried: int) -> float:
        return min(self._poll * 2.0 ** min(tried - 1, 30), LONGEST)

    def _stands(self, follower: Follower, fault: Exception) -> Stopped:
        before = self._stopped.get(follower.name)
        here = Stopped.first(fault) if before is None else before.again(fault)
        if self._standing is None or isinstance(fault, Busy):
            return here
        try:
            return self._standing.stand(follower.name, kind_of(fault))
        except Exception as other:  # noqa: BLE001  told of by this process alone then
            _log.warning("that follower %s stands could not be kept", follower.name, exc_info=quiet(other))
            return here

    def _goes(self, name: str) -> None:
        if self._standing is not None:
            try:
                self._standing.clear(name)
            except Exception as fault:  # noqa: BLE001  it is tried again with the next step
                _log.warning("that follower %s goes on could not be kept", name, exc_info=quiet(fault))
                return
        self._stopped.pop(name, None)
        _log.info("follower %s goes on", name)

    def _loaded(self) -> bool:
        recent = tuple(self._recent)
        return len(recent) == LOAD[0] and time.monotonic() - recent[0] < LOAD[1]
