"""Tells Kafka what each organization that wants it so would hear by GET /events: its own numbers, decided at that moment, each once.

Its position is no row of this store: it lies in Kafka, in the transaction that carries the events.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from hub.commands import Asking
from hub.followers.feeds import application
from hub.kafka.faults import Away
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
REST = 1.0, 30.0
"""Seconds until Kafka is tried again: at first, at most."""
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


class Publishing:
    """The follower `kafka`. `state` = empty while it goes, `idle` before the first step, else the rule that says what is wrong."""

    name = "kafka"

    def __init__(self, *, hear: Hear, last: Callable[[str], int], region: Region, outlet: Outlet) -> None:
        self._hear, self._last, self._region, self._outlet = hear, last, region, outlet
        self._positions: dict[str, int] | None = None
        self._rest, self._again, self._looked, self._rung = REST[0], 0.0, float("-inf"), False
        self._knocked = float("-inf")
        self.state, self.missing = IDLE, ()  # type: str, tuple[str, ...]
        """`missing` = topics that are not there and that the hub may not make."""

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
                self._up()
            more = self._send(self._positions)
        except Away as away:
            self._away(away)
            return False
        except BaseException:
            self.close()
            raise
        self._rest = REST[0]
        self._rung |= more
        return more

    def _send(self, positions: dict[str, int]) -> bool:
        """Send the next of each organization; a transaction for about FULL records."""
        more = False
        request, records = uuid.uuid4().hex, []  # type: str, list[Record]
        moved: dict[str, int] = {}
        begun = time.monotonic()
        for code, form in self._region.kafka.items():
            requester, purpose = application(self._region, code)
            asking = Asking(requester, purpose, request, "deliver")
            heard = self._hear(asking, positions.get(code, 0), LIMIT, sealed=form == "sealed")
            if heard:
                moved[code] = heard[-1].number
                records += [binary(code, one.event) for one in heard if one.event is not None]
                more |= len(heard) == LIMIT
            if len(records) >= FULL:
                self._sent(positions, records, moved, begun)
                records, moved, begun = [], {}, time.monotonic()
        if moved:
            self._sent(positions, records, moved, begun)
        elif time.monotonic() - self._knocked > KNOCK:
            self._outlet.knock()
            self._knocked = time.monotonic()
        return more

    def _sent(self, positions: dict[str, int], records: Sequence[Record], moved: Mapping[str, int], begun: float) -> None:
        self._outlet.send(records, moved, until=begun + FRESH)
        self._knocked = time.monotonic()
        positions.update(moved)

    def _up(self) -> None:
        if self.state not in {UP, IDLE}:
            _log.info("kafka answers again")
        self.state, self.missing = UP, ()

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
