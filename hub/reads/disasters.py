"""The switch of a disaster as the officers read it: what is on, what waits, what was; and every read that rested on it. Each look is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from hub.clock import milliseconds
from hub.commands import Asking
from hub.gate import Gate
from hub.log.event import open_event
from hub.log.keys import Keyring
from hub.log.store import Store, Tx
from hub.reads.audits import Auditing
from hub.reads.officers import LOOK, officer
from hub.tables import decisions, disasters, identities
from hub.tables.decisions import DecisionRow, Filter
from hub.tables.disasters import DisasterRow
from schemas.emergency_events import DisasterProposed

MOST = 50


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch with what was typed and how many reads rested on it."""

    row: DisasterRow
    reason: str
    reads: int


@dataclass(frozen=True, slots=True)
class Switches:
    """All that the page shows. `reads` = newest first, with how the person is named to officers."""

    on: tuple[Switch, ...]
    waiting: tuple[Switch, ...]
    past: tuple[Switch, ...]
    reads: tuple[tuple[DecisionRow, str], ...]


class Disasters:
    """The question over its ports."""

    def __init__(self, *, store: Store, keys: Keyring, gate: Gate, audit: Auditing, now: Callable[[], datetime]) -> None:
        self._store, self._keys, self._gate, self._audit, self._now = store, keys, gate, audit, now

    def __call__(self, asking: Asking) -> Switches:
        """Give the newest switches and reads. Raises Denied for anybody but officers."""
        officer(asking)
        self._gate.note(asking, b"", LOOK)
        at = milliseconds(self._now())
        with self._store.read() as tx:
            rows = disasters.listed(tx, limit=MOST)
            on, waiting = disasters.on(tx, at), disasters.waiting(tx, at)
            named = {row.reference for row in (*on, *waiting)}
            reads = [r for row in rows for r in decisions.search(tx, Filter(session=row.reference), limit=MOST)]
            reads = sorted(reads, key=lambda r: -r.position)[:MOST]
            return Switches(
                tuple(self._switch(tx, row) for row in on), tuple(self._switch(tx, row) for row in waiting),
                tuple(self._switch(tx, row) for row in rows if row.reference not in named),
                tuple((r, self._audit.pseudonym(identities.person_of(tx, r.person)) if r.person else "") for r in reads),
            )  # fmt: skip

    def _switch(self, tx: Tx, row: DisasterRow) -> Switch:
        recorded = self._store.event(tx, row.position)
        body = open_event(self._keys, recorded) if recorded else None
        reason = msgspec.json.decode(body, type=DisasterProposed).reason if body else ""
        return Switch(row, reason, decisions.count(tx, Filter(session=row.reference)))
