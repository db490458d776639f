"""SettleUnusualAccess: what the privacy officer found out about an access that a rule had noticed."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime

import msgspec

from hub.clock import milliseconds
from hub.commands import Asking
from hub.log.event import NewEvent, open_event
from hub.log.keys import Keyring
from hub.log.store import Store, Tx
from hub.names import reference as new_reference
from hub.tables import unusual
from hub.writer import Proposal, Writer
from hub.writes.tombstone import Network
from schemas.emergency_events import BREACH_SUSPECTED, BreachSuspected
from schemas.errors import BadValue, BrokenRule, Denied, MissingValue, NotFound
from schemas.events import UNUSUAL_SETTLED, Noticed, UnusualSettled

NOTE_LEAST = 10
"""Characters."""
RESULTS = ("explained", "breach")


class Settling:
    """The command over its ports."""

    def __init__(self, *, store: Store, keys: Keyring, writer: Writer, network: Network, now: Callable[[], datetime]) -> None:
        self._store, self._keys, self._writer, self._network, self._now = store, keys, writer, network, now

    def settle(self, asking: Asking, reference: str, result: str, note: str) -> None:
        """Record the outcome: `explained`, or `breach`, which is a suspected breach with its clocks from now, on the decisions of the finding.

        What was explained may turn out a breach; a breach stays one.

        Raises Denied (HUB-5043) for anybody but a privacy officer who is signed in, BadValue (HUB-5182), MissingValue (HUB-5183: note too
        short), NotFound (HUB-5041), BrokenRule (HUB-5184: settled so, or as a breach, already).
        """
        requester = asking.requester
        if requester.kind != "network" or requester.role != "privacy-officer" or not requester.person:
            raise Denied("HUB-5043")
        if result not in RESULTS:
            raise BadValue("HUB-5182", where="result")
        if len(note.strip()) < NOTE_LEAST:
            raise MissingValue("HUB-5183", where="note", least=str(NOTE_LEAST))

        def again(tx: Tx) -> Proposal:
            found = unusual.one(tx, reference)
            if found is None:
                raise NotFound("HUB-5041")
            if found.status in {result, "breach"}:
                raise BrokenRule("HUB-5184")
            body = UnusualSettled(reference, "breach" if result == "breach" else "explained", requester.person, note.strip())
            at = self._now()
            made = [self._network.event(UNUSUAL_SETTLED, "UnusualAccess", body, patient=found.patient, at=at)]
            if result == "breach":
                made.append(self._suspected(tx, found, requester.person, note.strip(), at))

            def holds(later: Tx) -> bool:
                return unusual.one(later, reference) == found

            return Proposal(os.urandom(16), made, holds=holds, again=again)

        with self._store.read() as tx:
            proposal = again(tx)
        self._writer.submit(proposal).result()

    def _suspected(self, tx: Tx, found: unusual.UnusualRow, by: str, reason: str, at: datetime) -> NewEvent:
        recorded = self._store.event(tx, found.position)
        text = open_event(self._keys, recorded) if recorded else None
        decisions = msgspec.json.decode(text, type=Noticed).decisions if text else ()
        body = BreachSuspected(new_reference(), milliseconds(at), by, reason, decisions=decisions)
        return self._network.event(BREACH_SUSPECTED, "Breach", body, patient=b"", at=at)
