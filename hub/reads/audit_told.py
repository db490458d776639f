"""Rows of the record of disclosures, opened for AuditEvents: decisions and acts as `hub.views` draw them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import msgspec

from hub.gate.querying import opened
from hub.log.event import Recorded, open_event
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import stream_of
from hub.region import Region
from hub.tables import emergencies, identities, resources
from hub.tables.acts import ActRow
from hub.tables.all import struct_of
from hub.tables.decisions import DecisionRow
from hub.views.audit_fhir import Change, Told
from hub.views.audit_fhir_acts import Act
from hub.views.audit_shapes import Decided, Seen
from schemas import events
from schemas.errors import Broken


class Telling:
    """Opens rows over the store and the keys."""

    def __init__(self, *, store: Store, keys: Keyring, secrets: Secrets, region: Region) -> None:
        self._store, self._keys, self._secrets, self._region = store, keys, secrets, region

    def pseudonym(self, tx: Tx, person: bytes) -> str:
        """Say how a person is named, by the links of today; empty for nobody."""
        if not person:
            return ""
        return f"P-{base64.b32encode(self._secrets.pseudonym(identities.person_of(tx, person))).decode()[:6]}"

    def decision(self, tx: Tx, row: DecisionRow, recorded: Recorded, *, whole: bool = False) -> Told:
        """Open a decision. `whole` = with a query that names somebody, for an officer who asks for this one event."""
        body = open_event(self._keys, recorded)
        if body is None:
            raise Broken("HUB-5008")  # the key of an organization's audit is never erased
        d = msgspec.json.decode(body, type=events.Decided)
        session = emergencies.session(tx, d.session) if d.session else None
        kept, raw = d.query, ""
        if kept is not None:
            raw = opened(kept, self._keys, stream=recorded.stream, event=recorded.header.event) if whole else kept.raw
        decided = Decided(
            reference=d.reference, request=d.request, at=_moment(row.at), organization=d.organization, kind=d.kind, role=d.role, user=d.user,
            purpose=d.purpose, action=d.action, person="", pseudonym=self.pseudonym(tx, row.person), effect=d.effect, reason=d.reason,
            basis=d.basis, consents=d.consents, trail=d.trail, obligations=d.obligations,
            seen=tuple(Seen(s.type, s.id, s.version, s.effect, s.reason, s.basis, s.masks) for s in d.seen),
            closes=_moment(session.closes) if session else None, review=session.review if session else "",
            asof=datetime.fromisoformat(d.asof) if d.asof else None,
        )  # fmt: skip
        return Told(
            decided, d.address, d.interaction, d.channel, kept.described if kept else "", raw,
            changes=self._changes(tx, d, row.position) if d.action == "write" else (),
            custodians=tuple(self._custodian(d, s.owner) for s in d.seen) if d.action == "deliver" else (),
        )  # fmt: skip

    def _custodian(self, d: events.Decided, owner: int) -> tuple[str, str]:
        if not 0 <= owner < len(d.owners):
            return "", ""
        code = d.owners[owner].custodian
        return code, self._region.kind_of(code) if code in self._region.offices else ""

    def _changes(self, tx: Tx, d: events.Decided, position: int) -> tuple[Change | None, ...]:
        """Give what became of each write: a decision is made before versions are given, and recorded behind what it let in."""
        found = [resources.as_of(tx, stream, position - 1) if (stream := stream_of(s.id)) else None for s in d.seen]
        at = self._store.events_at(tx, [row.position for row in found if row is not None])
        return tuple(_change(at[row.position]) if row is not None and row.position in at else None for row in found)

    def act(self, tx: Tx, row: ActRow, recorded: Recorded) -> Act:
        """Open an act; its body is None once the key of the person concerned is no more."""
        body = open_event(self._keys, recorded)
        made = msgspec.json.decode(body, type=struct_of(row.topic)) if body is not None else None
        kind = self._region.kind_of(row.organization) if row.organization in self._region.offices else ""
        return Act(row.name, row.topic, _moment(row.at), row.organization, kind, row.user, self.pseudonym(tx, row.person), made)


def _change(recorded: Recorded) -> Change:
    if recorded.header.deleted:
        return Change("delete", recorded.version)
    return Change("create" if recorded.version == 1 else "update", recorded.version)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
