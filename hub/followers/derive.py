"""Derives what organizations hear (AdmissionNotified, Discharged …) from recorded resources, and records it in the log with its cause."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import orjson

from hub.followers.looking import Looking
from hub.followers.run import BATCH
from hub.gate import Gate
from hub.log.event import NewEvent, Recorded
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import MAIN, hub_id
from hub.region import Region
from hub.tables import resources, skips
from hub.tables.resources import Row
from hub.vault import Vault
from hub.views import domain_events
from hub.views.board_marks import TYPES
from hub.views.shapes import Known
from hub.views.stays_read import pieces
from hub.writer import Proposal, Writer
from hub.writes.events import event
from schemas import events

CAUSES = tuple(sorted({"Encounter", "CarePlan", "Flag", "Appointment"} | TYPES))
"""Types of resources that can make an organization hear something."""
Opened = dict[int, Known | None]
"""Versions that were opened in this step, by position: one serves several causes. None = there is nothing to see."""
_KEEP = 50_000


class Deriving:
    """The follower `derive`."""

    name = "derive"
    hurried = True

    def __init__(
        self, *, store: Store, keys: Keyring, secrets: Secrets, writer: Writer, gate: Gate, vault: Vault, region: Region,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._store, self._keys, self._secrets, self._writer = store, keys, secrets, writer
        self._gate, self._vault, self._region, self._now = gate, vault, region, now
        self._no_stay: set[int] = set()
        """Positions of Encounters that tell of no stay (a visit at home): with or without them every stay is the same."""

    def step(self) -> bool:
        """Derive from the next batch."""
        return self.take(BATCH)

    def take(self, limit: int) -> bool:
        """Derive outside the lock; events and position are one transaction, which does nothing when the position has moved meanwhile."""
        with self._store.read() as tx:
            after, head = self._store.position_of(tx, self.name), self._store.head(tx)
            last = min(head, after + limit)  # positions have no gaps
            made = self._derived(tx, after, last)
        if last == after:
            return False
        return last < head if self._put(after, last, made) else True

    def _put(self, after: int, last: int, made: list[NewEvent]) -> bool:
        """Record what was derived and move on; False when it is to be made anew."""

        def holds(tx: Tx) -> bool:
            return skips.claim(tx, self.name) == after

        def moved(tx: Tx, _: Sequence[Recorded] = ()) -> None:
            self._store.track(tx, self.name, last)

        def work(tx: Tx) -> bool:
            if not holds(tx):
                return False
            moved(tx)
            return True

        def dropped(_: Tx) -> Proposal:
            return Proposal(os.urandom(16), [], answer=False)

        if not made:
            return bool(self._writer.work(work).result())
        proposal = Proposal(os.urandom(16), made, holds=holds, again=dropped, also=moved, answer=True)
        return bool(self._writer.submit(proposal).result().answer)

    def _derived(self, tx: Tx, after: int, last: int) -> list[NewEvent]:
        """Derive from each cause what it changed, as of its own position: how many are taken at once makes no difference."""
        causes = resources.between(tx, CAUSES, after, last)
        # what was passed by is as if it had never come, also where a later version is compared with it
        opened: Opened = dict.fromkeys(skips.passed(tx, self.name, 0, last)) if causes else {}
        looking = Looking(tx, last)
        read = self._store.events_at(tx, [c.position for c in causes if c.position not in opened])
        made: list[NewEvent] = []
        for cause in causes:
            if cause.position not in opened:
                opened[cause.position] = self._open(tx, cause, read.get(cause.position))
            made += self._events(cause, self._changed(tx, cause, opened, looking))
        return made

    def _changed(self, tx: Tx, cause: Row, opened: Opened, looking: Looking) -> Sequence[domain_events.DomainEvent]:
        new = self._known(tx, cause, opened)
        if new is None:
            return ()
        patients = looking.together(cause.patient, cause.position)
        row = resources.earlier(tx, cause)
        while row is not None and self._known(tx, row, opened) is None:
            row = resources.earlier(tx, row)
        before = self._known(tx, row, opened) if row is not None and row.patient in patients else None
        near = [before] if before is not None else []
        staying = bool(pieces([*near, new]))
        found = () if staying else domain_events.derive(near, [*near, new], new, organizations=self._region.offices)
        if not found and not staying:
            return ()  # stays would only say to which of them it belongs: none needs to be opened
        # one custodian's word alone: what another told may be nothing that the subscriber is to know
        rows = looking.versions(patients, ("Encounter",), cause.custodian)
        told = self._stays(tx, [r for r in rows if r.position < cause.position and not r.deleted], opened)
        if not told and not staying:
            return found
        if row is not None and before is not None:
            told[row.position] = before
        held = [told[position] for position in sorted(told)]
        return domain_events.derive(held, [*held, new], new, organizations=self._region.offices)

    def _stays(self, tx: Tx, rows: Sequence[Row], opened: Opened) -> dict[int, Known]:
        """Open those Encounters that tell of stays, by position."""
        found = {}
        for row in rows:
            if row.position in self._no_stay:
                continue
            known = self._known(tx, row, opened)
            if known is not None and pieces([known]):
                found[row.position] = known
            elif known is not None:
                if len(self._no_stay) >= _KEEP:
                    self._no_stay.clear()
                self._no_stay.add(row.position)
        return found

    def _known(self, tx: Tx, row: Row, opened: Opened) -> Known | None:
        if row.position not in opened:
            opened[row.position] = self._open(tx, row)
        return opened[row.position]

    def _open(self, tx: Tx, row: Row, recorded: Recorded | None = None) -> Known | None:
        (given,) = self._gate.inside([row])
        content = self._vault.open(tx, given.permit, row, recorded)
        if content is None:
            return None
        return Known(
            row.type, hub_id(row.stream), row.version, row.custodian, row.custodian, datetime.fromtimestamp(row.updated / 1000, UTC),
            orjson.loads(content.text), content.facts, self._secrets.person(row.patient),
        )  # fmt: skip

    def _events(self, cause: Row, found: Sequence[domain_events.DomainEvent]) -> list[NewEvent]:
        named: Counter[tuple[str, str, str]] = Counter()
        made = []
        for one in found:
            name = (one.kind, one.episode, one.encounter)
            made.append(self._event(cause, one, named[name]))
            named[name] += 1  # a stay whose both ends were corrected by one version is corrected twice
        return made

    def _event(self, cause: Row, one: domain_events.DomainEvent, number: int) -> NewEvent:
        stream = self._secrets.name(
            "domain-event", cause.event.hex(), one.kind, one.episode, one.encounter, *([str(number)] if number else [])
        )
        occurred = one.occurred.isoformat() if one.occurred else ""
        body = events.Derived(one.kind, one.episode, one.about, cause.custodian, occurred, cause.event.hex())
        made = event(
            topic=events.DOMAIN_EVENT, kind=one.kind, body=body, key=self._keys.of(cause.patient, MAIN), custodian=cause.custodian,
            patient=cause.patient, secrets=self._secrets, at=self._now(), stream=stream,
        )  # fmt: skip
        made.version = 1
        return made
