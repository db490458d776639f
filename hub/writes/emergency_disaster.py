"""The switch of a disaster (災害時の開示): one officer asks, another agrees within some minutes, each with the second factor; any of them ends it.

Source: consent-and-audit facts §1.11 row 11 (two officers, a time box, each read recorded).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from consent.ask import Requester
from consent.networks import Networks
from hub.clock import milliseconds
from hub.commands import Asking
from hub.log.event import NewEvent
from hub.log.store import Store, Tx
from hub.names import reference
from hub.region import Region
from hub.tables import disasters
from hub.tables.disasters import PREFIX, DisasterRow
from hub.views import breaking
from hub.writer import Writer
from hub.writes.emergency_codes import SecondFactor
from hub.writes.events import within
from hub.writes.tombstone import Network
from schemas.emergency_events import (
    DISASTER_DECLARED,
    DISASTER_ENDED,
    DISASTER_PROPOSED,
    DisasterDeclared,
    DisasterEnded,
    DisasterProposed,
)
from schemas.errors import BadValue, BrokenRule, Denied, MissingValue, NotFound


class Switching:
    """The switch over its ports. Thread-safe."""

    def __init__(
        self,
        *,
        store: Store,
        writer: Writer,
        network: Network,
        second: SecondFactor,
        region: Region,
        networks: Networks,
        now: Callable[[], datetime],
    ) -> None:
        self._store, self._writer, self._network, self._second = store, writer, network, second
        self._region, self._networks, self._now = region, networks, now

    def whose(self) -> list[str]:
        """Give the organizations for whose doctors it may be switched on: registered, and of the kinds of emergencies by today's rules."""
        kinds = self._networks.at(self._now()).emergency_kinds
        return [code for code, office in self._region.offices.items() if office.kind in kinds]

    def propose(
        self, asking: Asking, *, area: str, organizations: Sequence[str], hours: int, reason: str, code: str, renews: str = ""
    ) -> str:  # fmt: skip
        """Ask for the switch; give its reference. Nothing opens by it before another officer agrees. `renews` = one that is on, to go on from.

        Raises Denied, MissingValue (HUB-5160 area, HUB-5157 reason), BadValue (HUB-5161 organizations, HUB-5162 hours, HUB-5063 code).
        """
        requester = _officer(asking)
        at = self._now()
        held = breaking.rules(at)
        if not area.strip():
            raise MissingValue("HUB-5160", where="area")
        if len(reason.strip()) < held.reason_least:
            raise MissingValue("HUB-5157", where="reason", least=str(held.reason_least))
        named = tuple(sorted(set(organizations)))
        if not named or not set(self.whose()).issuperset(named):
            raise BadValue("HUB-5161", where="organizations")
        if not 1 <= hours <= held.disaster_hours:
            raise BadValue("HUB-5162", where="hours", most=str(held.disaster_hours))
        step, name = self._second.step(requester, code, "disaster"), f"{PREFIX}{reference()}"

        def make(tx: Tx) -> tuple[Sequence[NewEvent], str]:
            self._once(tx, requester, step)
            if renews and not any(row.reference == renews for row in disasters.on(tx, milliseconds(self._now()))):
                raise BrokenRule("HUB-5164")
            asked = milliseconds(self._now())
            void = asked + held.proposal_minutes * 60_000
            body = DisasterProposed(name, requester.person, area.strip(), named, hours, reason.strip(), step, asked, void, renews)
            return [self._event(DISASTER_PROPOSED, body)], name

        return within(self._writer, make)

    def agree(self, asking: Asking, switch: str, code: str) -> None:
        """Agree to what another officer asked for: from here on it is on; one that it renews ends.

        Raises Denied, NotFound, BrokenRule (HUB-5163 by the same officer, HUB-5165 not waiting any more).
        """
        requester = _officer(asking)
        with self._store.read() as tx:
            self._waiting(tx, switch, requester)
        step = self._second.step(requester, code, "disaster")

        def make(tx: Tx) -> tuple[Sequence[NewEvent], None]:
            self._once(tx, requester, step)
            row, since = self._waiting(tx, switch, requester), milliseconds(self._now())
            until = since + row.hours * 3_600_000
            body = DisasterDeclared(
                row.reference, row.first, requester.person, row.area, tuple(row.organizations.split()), since, until, step, row.renews
            )
            before = disasters.one(tx, row.renews) if row.renews else None
            ended = [self._end(before, since, requester.person)] if before is not None and before.declared and not before.shut else []
            return [self._event(DISASTER_DECLARED, body), *ended], None

        within(self._writer, make)

    def end(self, asking: Asking, switch: str) -> None:
        """End a switch, or take back what was asked for: one officer is enough to shut. Raises Denied, NotFound, BrokenRule (HUB-5164)."""
        requester = _officer(asking)

        def make(tx: Tx) -> tuple[Sequence[NewEvent], None]:
            row, at = disasters.one(tx, switch), milliseconds(self._now())
            if row is None:
                raise NotFound("HUB-5041")
            if row.shut or (row.until if row.declared else row.void) <= at:
                raise BrokenRule("HUB-5164")
            return [self._end(row, at, requester.person)], None

        within(self._writer, make)

    def timed_out(self) -> int:
        """Record the end of switches whose time is over, each once; give how many."""

        def make(tx: Tx) -> tuple[Sequence[NewEvent], int]:
            rows = disasters.over(tx, milliseconds(self._now()))
            return [self._end(row, row.until) for row in rows], len(rows)

        with self._store.read() as tx:
            if not disasters.over(tx, milliseconds(self._now())):
                return 0
        return within(self._writer, make)

    def _waiting(self, tx: Tx, switch: str, requester: Requester) -> DisasterRow:
        row = disasters.one(tx, switch)
        if row is None:
            raise NotFound("HUB-5041")
        if row.declared or row.shut or row.void <= milliseconds(self._now()):
            raise BrokenRule("HUB-5165")
        if row.first == requester.person:
            raise BrokenRule("HUB-5163")
        return row

    def _once(self, tx: Tx, requester: Requester, step: int) -> None:
        self._second.free(tx, requester.person)
        self._second.unused(tx, requester.person, step)

    def _end(self, row: DisasterRow, at: int, by: str = "") -> NewEvent:
        return self._event(DISASTER_ENDED, DisasterEnded(row.reference, at, by))

    def _event(self, topic: str, body: DisasterProposed | DisasterDeclared | DisasterEnded) -> NewEvent:
        return self._network.event(topic, "Disaster", body, patient=b"", at=self._now())


def _officer(asking: Asking) -> Requester:
    requester = asking.requester
    if requester.kind != "network" or requester.role != "privacy-officer" or not requester.person:
        raise Denied("HUB-5043")
    return requester
