"""StateCapacity: a doctor of a custodian, or the network's clerk by a paper, says that a person can or cannot decide alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from consent.ask import Requester
from consent.times import midnight, tokyo_day
from hub.clock import milliseconds
from hub.commands import Asking
from hub.log.event import NewEvent
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store
from hub.names import MAIN
from hub.tables import capacities, identities, resources
from hub.writer import Writer
from hub.writes.events import append, event
from schemas.capacity_events import CAPACITY_STATED, CapacityStated
from schemas.errors import BadValue, Denied, MissingValue, NotFound

LEAST = 4
"""Fewest characters by which a paper is named."""
LONGEST = timedelta(days=366)
"""How far ahead the day of the next look may lie (consent-and-audit facts §1.9: at most 12 months)."""
EARLIEST = date(1900, 1, 1)
"""No day before it is one on which somebody now alive was looked at: a year mistyped."""
_STATES = frozenset({"capable", "incapable"})
_CLERKS = frozenset({"clerk"})


class StatingCapacity:
    """The command and its question over their ports."""

    def __init__(self, *, store: Store, keys: Keyring, secrets: Secrets, writer: Writer, now: Callable[[], datetime]) -> None:
        self._store, self._keys, self._secrets, self._writer, self._now = store, keys, secrets, writer, now

    @staticmethod
    def may(requester: Requester) -> bool:
        """Say whether somebody in this role may state it at all: a doctor, or the clerk of the network's office."""
        if not requester.person:
            return False
        return requester.role == "doctor" or (requester.kind == "network" and requester.role in _CLERKS)

    def __call__(self, asking: Asking, person: bytes, *, state: str, found: date, review: date | None, document: str) -> None:
        """State it of a person; blocks until it is durable, and no decision taken before holds any more.

        `found` = the day on which it was found, `review` = by when it is looked at again, needed for who cannot decide. Raises Denied
        for other roles, NotFound where a doctor's organization holds no record of the person, BadValue, MissingValue.
        """
        requester = asking.requester
        if not self.may(requester):
            raise Denied("HUB-5128")
        self._judge(state, found, review, document)
        with self._store.read() as tx:
            patients = identities.patients_of(tx, identities.person_of(tx, person))
            rows = resources.of_patients(tx, patients, ("Patient",))
        own = [r.stream for r in rows if r.custodian == requester.organization]
        streams = own or ([r.stream for r in rows] if requester.kind == "network" else [])
        if not streams:
            raise NotFound("HUB-5041")
        patient, at = min(streams), self._now()
        day = at if found == tokyo_day(at) else midnight(found)
        body = CapacityStated(
            "capable" if state == "capable" else "incapable", requester.person, requester.organization, requester.role, milliseconds(day),
            document.strip(), review.isoformat() if review and state == "incapable" else "",
        )  # fmt: skip

        def made() -> NewEvent:
            return event(
                topic=CAPACITY_STATED, kind="Capacity", body=body, key=self._keys.of(patient, MAIN), custodian=requester.organization,
                patient=patient, secrets=self._secrets, at=at,
            )  # fmt: skip

        append(self._writer, made)

    def _judge(self, state: str, found: date, review: date | None, document: str) -> None:
        today = tokyo_day(self._now())
        if state not in _STATES:
            raise BadValue("HUB-5129", where="state")
        if not EARLIEST <= found <= today:
            raise BadValue("HUB-5129", where="found")
        if len(document.strip()) < LEAST:
            raise MissingValue("HUB-5135", where="document", least=str(LEAST))
        if state == "incapable" and (review is None or not today <= review <= today + LONGEST):
            raise BadValue("HUB-5136", where="review")

    def known(self, patients: Sequence[bytes]) -> list[CapacityStated]:
        """Give the findings about these Patients, oldest first; who may read them is for the caller to judge."""
        with self._store.read() as tx:
            rows = capacities.of(tx, patients)
        return [one for row in rows if (one := capacities.opened(self._keys, row)) is not None]
