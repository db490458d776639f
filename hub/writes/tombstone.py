"""The tombstone of a person: the event that names the keys that are to be no more, under the network's own key, so that it outlives them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from hub.gate import AUDIT
from hub.log.event import NewEvent, open_event
from hub.log.keys import DataKey, Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import MAIN, stream_of
from hub.tables import decisions, emergencies, heard, identities, resources
from hub.tables.decisions import GIVEN, Filter
from hub.writes.events import event
from schemas import events
from schemas.events import Decided, Erased, Key, Notice, Session


@dataclass(frozen=True, slots=True)
class Network:
    """What the network's own office seals: under the key of its own audit, which no erasure takes away."""

    code: str
    keys: Keyring
    secrets: Secrets

    def event(
        self, topic: str, kind: str, body: Any, *, patient: bytes, at: datetime, stream: bytes = b"", compartment: str = MAIN
    ) -> NewEvent:
        """Make one event."""
        return event(
            topic=topic, kind=kind, body=body, key=self.key(), custodian=self.code, patient=patient, secrets=self.secrets, at=at,
            stream=stream or os.urandom(16), compartment=compartment,
        )  # fmt: skip

    def key(self) -> DataKey:
        """Give its key."""
        return self.keys.of(self.secrets.name("audit", self.code), AUDIT)

    def tombstone(self, body: Erased, *, patient: bytes, at: datetime, compartment: str = MAIN) -> NewEvent:
        """Make the tombstone."""
        return self.event(events.KEY_ERASED, "Erasure", body, patient=patient, at=at, compartment=compartment)


def body(
    tx: Tx, keys: Iterable[Key], *, fed: int, basis: str, by: str, reference: str = "", reason: str = "", due: str = "", early: bool = False
) -> Erased:
    """Make the body of a tombstone for these keys, with what no replay could find out without them.

    `fed` = how far domain events have been matched to their subscribers.
    """
    named = tuple(sorted(set(keys), key=lambda key: (key.compartment, key.owner, key.id)))
    owners = {bytes.fromhex(key.owner) for key in named if key.compartment == MAIN}
    known = heard.matched(tx, owners | identities.ever_joined(tx, owners), fed) if owners else ()
    return Erased(
        reference=reference, keys=named, basis=basis, by=by, reason=reason, due=due, early=early, heard=known,
        sessions=tuple(_session(row) for row in emergencies.of(tx, owners)),
    )  # fmt: skip


def _session(row: emergencies.EmergencyRow) -> Session:
    return Session(row.position, row.session, row.patient.hex(), *row[3:])


def notices(network: Network, hearers: Mapping[bytes, Iterable[str]], at: datetime) -> list[NewEvent]:
    """Make what organizations hear of it: one a Patient, without content."""
    made = []
    for patient, codes in sorted(hearers.items()):
        body = Notice(patient.hex(), at.isoformat(), tuple(sorted(codes)))
        if body.hearers:
            made.append(network.event(events.DOMAIN_EVENT, events.NOTICE, body, patient=patient, at=at))
    return made


def hearers(tx: Tx, store: Store, keys: Keyring, patients: Iterable[bytes], network: str) -> dict[bytes, set[str]]:
    """Give who had received something of each of these Patients: its custodian, and whoever any decision gave a record of it."""
    named = sorted(set(patients))
    found: dict[bytes, set[str]] = {patient: set() for patient in named}
    of: dict[bytes, bytes] = {}
    for row in resources.of_patients(tx, named, all_versions=True):
        of[row.stream] = row.patient
        if row.type == "Patient":
            found[row.patient].add(row.custodian)
    below, asked = None, (*named, *sorted(identities.ever_joined(tx, set(named))))
    while rows := decisions.search(tx, Filter(persons=asked, effect=GIVEN), limit=500, below=below):
        for decision in rows:
            recorded = store.event(tx, decision.position)
            body = open_event(keys, recorded) if recorded is not None else None
            if body is None:
                continue
            for seen in msgspec.json.decode(body, type=Decided).seen:
                patient = of.get(stream_of(seen.id) or b"")
                if patient is not None and seen.effect != "deny":
                    found[patient].add(decision.organization)
        below = rows[-1].position
    return {patient: codes - {network} for patient, codes in found.items()}
