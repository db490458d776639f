"""Tells custodians of consents that are about to end: ConsentExpiring, once for each consent, end and horizon (`data_audit/horizons.csv`)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from hub.clock import milliseconds, moment
from hub.log.event import NewEvent
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import MAIN, hub_id
from hub.tables import directives, expiries, resources
from hub.tables.expiries import ExpiryRow
from hub.views.audit_tables import rows
from hub.writer import Proposal, Writer
from hub.writes.events import event
from schemas.events import CONSENT_EXPIRING, DOMAIN_EVENT, Derived

EVERY = 60.0
"""Seconds between two looks."""
BATCH = 500
_DAY = timedelta(days=1)


def horizons() -> list[int]:
    """Give the days before its end at which a consent is told of, the nearest first."""
    return sorted(int(row["days"]) for row in rows("horizons"))


class Expiring:
    """The follower `expiring`: it follows the clock, and what it has told stands in the log."""

    name = "expiring"

    def __init__(
        self, *, store: Store, keys: Keyring, secrets: Secrets, writer: Writer, now: Callable[[], datetime], every: float = EVERY
    ) -> None:
        self._store, self._keys, self._secrets, self._writer, self._now, self._every = store, keys, secrets, writer, now, every
        self._looked = float("-inf")

    def step(self) -> bool:
        """Tell what is due, at most once in so many seconds."""
        if time.monotonic() - self._looked < self._every:
            return False
        self.look()
        self._looked = time.monotonic()
        return False

    def look(self) -> int:
        """Tell what is due now; give how many events that made."""
        now, after, told = self._now(), expiries.FIRST, 0
        begins, ends = milliseconds(now), milliseconds(now + horizons()[-1] * _DAY)
        while True:
            with self._store.read() as tx:
                found = expiries.between(tx, begins, ends, limit=BATCH, after=after)
                made = self._events(tx, found, now)
            if made:
                told += self._record(made)
            if len(found) < BATCH:
                return told
            after = found[-1].ends, found[-1].consent, found[-1].what

    def _record(self, made: list[NewEvent]) -> int:
        streams = {one.stream for one in made}

        def holds(tx: Tx) -> bool:
            return not self._store.last_versions(tx, streams)

        def again(_: Tx) -> Proposal:  # another process was faster; the next look tells what is left
            return Proposal(os.urandom(16), [], answer=0)

        answer = self._writer.submit(Proposal(os.urandom(16), made, holds=holds, again=again, answer=len(made))).result().answer
        return int(answer)

    def _events(self, tx: Tx, found: list[ExpiryRow], now: datetime) -> list[NewEvent]:
        """Make the events of the nearest horizon of each, where they were not told yet. Of who is to be erased nothing is told."""
        barred = directives.barred(tx, {row.patient for row in found})
        due: dict[bytes, tuple[ExpiryRow, resources.Row]] = {}
        for row in found:
            version = resources.version(tx, row.consent, row.version)
            if version is not None and row.patient not in barred and self._keys.held(version.key) is not None:
                within = next(days for days in horizons() if moment(row.ends) - now <= days * _DAY)
                stream = self._secrets.name("consent-expiring", row.consent.hex(), row.what, str(row.ends), str(within))
                due[stream] = row, version
        known = self._store.last_versions(tx, due)
        return [self._event(stream, *one) for stream, one in due.items() if stream not in known]

    def _event(self, stream: bytes, row: ExpiryRow, version: resources.Row) -> NewEvent:
        body = Derived(
            CONSENT_EXPIRING, "", f"Consent/{hub_id(row.consent)}", row.custodian, moment(row.ends).isoformat(), version.event.hex()
        )
        made = event(
            topic=DOMAIN_EVENT, kind=CONSENT_EXPIRING, body=body, key=self._keys.of(row.patient, MAIN), custodian=row.custodian,
            patient=row.patient, secrets=self._secrets, at=self._now(), stream=stream,
        )  # fmt: skip
        made.version = 1
        return made
