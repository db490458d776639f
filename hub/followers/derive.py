"""Derives what organizations hear (AdmissionNotified, Discharged …) from recorded resources, and records it in the log with its cause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import orjson

from hub.gate import Gate
from hub.log.event import NewEvent, Recorded
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import MAIN, hub_id
from hub.region import Region
from hub.tables import identities, resources
from hub.vault import Vault
from hub.views import domain_events
from hub.views.board_marks import TYPES
from hub.views.shapes import Known
from hub.writer import Proposal, Writer
from hub.writes.events import event
from schemas import events

BATCH = 500
CAUSES = tuple(sorted({"Encounter", "CarePlan", "Flag", "Appointment"} | TYPES))
"""Types of resources that can make an organization hear something."""


class Deriving:
    """The follower `derive`."""

    name = "derive"

    def __init__(
        self, *, store: Store, keys: Keyring, secrets: Secrets, writer: Writer, gate: Gate, vault: Vault, region: Region,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._store, self._keys, self._secrets, self._writer = store, keys, secrets, writer
        self._gate, self._vault, self._region, self._now = gate, vault, region, now

    def step(self) -> bool:
        """Derive from the next batch; events and position are one transaction."""
        with self._store.read() as tx:
            after = self._store.position_of(tx, self.name)
            last = min(self._store.head(tx), after + BATCH)  # positions have no gaps
            made = self._derived(tx, self._store.events_of(tx, events.RESOURCE_RECORDED, after, last))
        if last == after:
            return False

        def moved(tx: Tx, _: Sequence[Recorded]) -> None:
            self._store.track(tx, self.name, last)

        submission = self._secrets.name("derive", str(after), str(last))
        self._writer.submit(Proposal(submission, made, also=moved)).result()
        return last - after == BATCH

    def _derived(self, tx: Tx, batch: Sequence[Recorded]) -> list[NewEvent]:
        causes = [r for r in batch if r.header.kind in CAUSES and r.header.patient]
        by_person: dict[bytes, list[Recorded]] = {}
        for cause in causes:
            by_person.setdefault(identities.person_of(tx, cause.header.patient, cause.position), []).append(cause)
        made: list[NewEvent] = []
        for person, caused in by_person.items():
            made += self._of_person(tx, person, caused)
        return made

    def _of_person(self, tx: Tx, person: bytes, causes: Sequence[Recorded]) -> list[NewEvent]:
        last = causes[-1].position
        patients = identities.patients_of(tx, person, last)
        rows = resources.of_patients(tx, patients, CAUSES, all_versions=True, until=last)
        known = {row.position: self._known(tx, row) for row in rows}
        made = []
        for cause in causes:
            new = known.get(cause.position)
            if new is None:
                continue
            # one custodian's word alone: what another told may be nothing that the subscriber is to know
            before = [k for p, k in known.items() if k is not None and p < cause.position and k.custodian == new.custodian]
            found = domain_events.derive(before, [*before, new], new, organizations=self._region.offices)
            made += [self._event(cause, one) for one in found]
        return made

    def _known(self, tx: Tx, row: resources.Row) -> Known | None:
        (given,) = self._gate.inside([row])
        content = self._vault.open(tx, given.permit, row)
        if content is None:
            return None
        return Known(
            row.type, hub_id(row.stream), row.version, row.custodian, row.custodian, datetime.fromtimestamp(row.updated / 1000, UTC),
            orjson.loads(content.text), content.facts, self._secrets.person(row.patient),
        )  # fmt: skip

    def _event(self, cause: Recorded, one: domain_events.DomainEvent) -> NewEvent:
        stream = self._secrets.name("domain-event", cause.header.event.hex(), one.kind, one.episode, one.encounter)
        occurred = one.occurred.isoformat() if one.occurred else ""
        body = events.Derived(one.kind, one.episode, one.about, cause.header.custodian, occurred, cause.header.event.hex())
        made = event(
            topic=events.DOMAIN_EVENT, kind=one.kind, body=body, key=self._keys.of(cause.header.patient, MAIN), custodian=cause.header.custodian,
            patient=cause.header.patient, secrets=self._secrets, at=self._now(), stream=stream,
        )  # fmt: skip
        made.version = 1
        return made
