"""Tells Kafka what each organization that wants it so would hear by GET /events: its own numbers, decided at that moment, each once.

Its position is no row of this store: it lies in Kafka, in the transaction that carries the events.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from hub.commands import Asking, Came
from hub.followers.feeds import application
from hub.kafka.faults import Away, Late, TooLarge
from hub.kafka.records import Record, binary
from hub.kafka.sending import Outlet
from hub.region import Region

LIMIT = 100
"""Events of one organization in one step."""
FULL = 500
"""Records of one transaction, about."""
FRESH = 5.0
"""Seconds after which a decision is too old to be sent upon: it is taken anew."""
LOOK = 1.0
"""Seconds after which feeds are looked at without having been told of anything: another process may have filled them."""
KNOCK = 10.0
"""Seconds after which it is seen whether there is a broker, while nothing is to be sent."""
GATHER = 1.0
"""Seconds after which what was decided until then is sent, however little it is."""
REST = 1.0, 10.0
"""Seconds until Kafka is tried again: at first, at most."""
ASIDE = 60.0
"""Seconds until an organization is tried again whose topic does not take even what is thin."""
CONTENT = "content"
UP, IDLE = "", "idle"
_log = logging.getLogger("tsunagu.kafka")


class Heard(Protocol):
    """One number of a feed; `event` None = it passes without a word."""

    @property
    def number(self) -> int:
        """Give the organization's own number."""

    @property
    def event(self) -> Mapping[str, Any] | None:
        """Give the CloudEvent."""


class Hear(Protocol):
    """Gives an organization's feed after a number, decided now and recorded."""

    def __call__(self, asking: Asking, number: int, limit: int, *, sealed: bool) -> Sequence[Heard]:
        """Give it in order."""


@dataclass(slots=True)
class _Load:
    """What one transaction is to carry: records, whose they are, and how far each organization has come with them."""

    begun: float
    records: list[Record] = field(default_factory=list)
    whose: list[tuple[str, int]] = field(default_factory=list)
    moved: dict[str, int] = field(default_factory=dict)


class Publishing:
    """The follower `kafka`. `state` = empty while it goes, `idle` before the first step, else the rule that says what is wrong."""

    name = "kafka"
    hurried = True

    def __init__(self, *, hear: Hear, last: Callable[[str], int], region: Region, outlet: Outlet) -> None:
        self._hear, self._last, self._region, self._outlet = hear, last, region, outlet
        self._positions: dict[str, int] | None = None
        self._rest, self._again, self._looked, self._rung = REST[0], 0.0, float("-inf"), False
        self._knocked = float("-inf")
        self._limit = LIMIT
        self._bare: set[tuple[str, int]] = set()
        """Numbers whose content is larger than the broker takes: they go out without it."""
        self._aside: dict[str, tuple[str, float]] = {}
        """Organizations whose topic (named) does not take even what is thin, and when they are tried again."""
        self.state, self.missing = IDLE, ()  # type: str, tuple[str, ...]
        """`missing` = the topics that the rule is about."""

    def ring(self) -> None:
        """Say that a feed has something new."""
        self._rung = True

    def lag(self) -> dict[str, int] | None:
        """Give how many numbers each organization has not been sent yet; None while the position is not known."""
        known = self._positions
        return None if known is None else {code: self._last(code) - known.get(code, 0) for code in self._region.kafka}

    def step(self) -> bool:
        """Send what is new to all; say whether there may be more at once. Never fails for Kafka's sake: it rests, and says so."""
        now = time.monotonic()
        if not self._region.kafka or now < self._again or not (self._rung or now - self._looked >= LOOK):
            return False
        self._rung, self._looked = False, now
        try:
            if self._positions is None:
                self._positions = self._outlet.open(self._region.kafka)
            more = self._send(self._positions)
            self._up()
        except TooLarge:  # it was sent by nobody: at once again, with less
            self._outlet.drop()
            self._positions = None
            self._rung = True
            return True
        except Late as late:
            self._limit = max(1, self._limit // 2)
            self._away(late)
            return False
        except Away as away:
            self._away(away)
            return False
        except BaseException:
            self.close()
            raise
        self._rest, self._limit = REST[0], min(LIMIT, self._limit * 2)
        self._rung |= more
        return more

    def _send(self, positions: dict[str, int]) -> bool:
        """Send the next of each organization; a transaction for about FULL records, or for what GATHER seconds gave."""
        more, request = False, uuid.uuid4().hex
        load = _Load(time.monotonic())
        for code, form in self._region.kafka.items():
            if code in self._aside and time.monotonic() < self._aside[code][1]:
                continue
            requester, purpose = application(self._region, code)
            asking = Asking(requester, purpose, request, "deliver", came=Came(channel="kafka"))
            heard = self._hear(asking, positions.get(code, 0), self._limit, sealed=form == "sealed")
            if not heard:
                continue
            self._put(load, code, heard)
            more |= len(heard) == self._limit
            if len(load.records) >= FULL or time.monotonic() - load.begun > GATHER:
                self._sent(positions, load)
                load = _Load(time.monotonic())
        if load.moved:
            self._sent(positions, load)
        elif time.monotonic() - self._knocked > KNOCK:
            self._outlet.knock()
            self._knocked = time.monotonic()
        return more

    def _put(self, load: _Load, code: str, heard: Sequence[Heard]) -> None:
        load.moved[code] = heard[-1].number
        for one in heard:
            if one.event is None:
                continue
            event = _thin(one.event) if (code, one.number) in self._bare else one.event
            load.records.append(binary(code, event))
            load.whose.append((code, one.number))

    def _sent(self, positions: dict[str, int], load: _Load) -> None:
        try:
            self._outlet.send(load.records, load.moved, until=load.begun + FRESH)
        except TooLarge as large:
            self._lessen(large, *load.whose[large.which])
            raise
        self._knocked = time.monotonic()
        positions.update(load.moved)
        self._bare = {(code, number) for code, number in self._bare if number > positions.get(code, 0)}
        for code in load.moved:
            self._aside.pop(code, None)

    def _lessen(self, large: TooLarge, code: str, number: int) -> None:
        """Let a number go out without its content; where that does not help, let its organization wait, so that the others do not."""
        if (code, number) in self._bare:
            self._aside[code] = large.topics[0], time.monotonic() + ASIDE
        else:
            self._bare.add((code, number))
        _log.warning("kafka: %s", " ".join((large.rule, *large.topics)))

    def _up(self) -> None:
        aside = tuple(sorted(topic for topic, _ in self._aside.values()))
        state = "HUB-5094" if aside else UP
        if self.state not in {UP, IDLE, state}:
            _log.info("kafka answers again")
        self.state, self.missing = state, aside

    def _away(self, away: Away) -> None:
        if away.rule != self.state:
            _log.warning("kafka: %s", " ".join((away.rule, away.kind, *away.topics)))
        self.state, self.missing = away.rule, away.topics
        self._outlet.drop()
        self._positions = None
        self._again = time.monotonic() + self._rest
        self._rest = min(self._rest * 2, REST[1])
        self._rung = True

    def close(self) -> None:
        """Let Kafka go."""
        self._outlet.drop()
        self._positions = None


def _thin(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give an event without the content that came with it."""
    return {**event, "data": {name: value for name, value in event["data"].items() if name != CONTENT}}
