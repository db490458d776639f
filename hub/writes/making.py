"""Makes the events of one submission: text, owner, label, rows, seal."""

from __future__ import annotations

from functools import partial

from consent.labels import label
from hub.commands import Message, Taken, Write
from hub.log.envelope import Header
from hub.log.event import NewEvent, joined
from hub.log.keys import DataKey, Keyring
from hub.log.seal import seal_body
from hub.log.secrets import Secrets
from hub.names import event_id, event_ids
from hub.tables import derive
from hub.tables.resources import UNKNOWN
from hub.tables.told import told_of
from hub.writes.numbered import Numbered
from hub.writes.owners import Owners
from hub.writes.targets import Aim, Target
from schemas import events
from schemas.errors import Gone, Refusal


class Making:
    """Makes the events of one submission."""

    def __init__(self, aim: Aim, owners: Owners, secrets: Secrets, keys: Keyring, at: int, submission: bytes) -> None:
        self._aim, self._owners, self._secrets, self._keys, self._at, self.submission = aim, owners, secrets, keys, at, submission
        self.owner: dict[bytes, bytes] = {}
        self._texts: dict[bytes, bytes] = {}
        self._keys_of: dict[bytes, DataKey] = {}
        self._ids = iter(event_ids(at, len(aim.targets)))
        self._hubwide = derive.hubwide(aim.name)
        self._widened: dict[str, str] = {}
        self._pseudonyms: dict[bytes, bytes] = {b"": b""}

    def event(self, target: Target) -> NewEvent | None:
        """Make the event of one write."""
        write = target.write
        if write.method == "DELETE":
            return self._withdrawal(target)
        body = write.body
        if body is None:
            return None
        text = self._aim.text(write, body.raw)
        told = told_of(body)
        patient, key_owner = self._owners.of(target, body.type, told)
        self.owner[target.stream] = patient
        self._texts[target.stream] = text
        content = joined(text, write.facts)
        labels = label(body.type, codes=told.codes | told.reasons, security=told.security, custodian_kind=self._aim.kind)
        key = self._key(key_owner, self._aim.where(write, ".resource"))
        event = next(self._ids)
        header = Header(
            event=event, submission=self.submission, recorded=self._at, occurred=0, schema=events.TEXT_WITH_FACTS, shard=0, compartment=self._aim.compartment,
            custodian=self._aim.custodian, kind=body.type, patient=patient, pseudonym=self._pseudonym(patient),
            key=key.key_id, digest=self._secrets.digest(content if write.facts else text), confidentiality=labels.confidentiality or "",
            sensitivities=UNKNOWN if labels.sensitivities is None else tuple(sorted(labels.sensitivities)),
        )  # fmt: skip
        try:
            rows = derive.make(
                header=header, stream=target.stream, told=told, text=text, key=key, secrets=self._secrets, name=self._aim.name,
                wide=partial(self._wide, write), beside=write.facts,
            )  # fmt: skip
        except Refusal as refusal:
            place = self._aim.where(write, ".resource")
            raise type(refusal)(issues=[i.at(place) for i in refusal.issues]) from refusal
        sealed = seal_body(key, content, stream=target.stream, event=event)
        return NewEvent(target.stream, events.RESOURCE_RECORDED, header, sealed, target.version, rows)

    def _wide(self, write: Write, sent: str) -> str:
        """Give a reference as the whole hub knows it, made once for all resources that hold it."""
        made = self._widened.get(sent)
        if made is None:
            here = self._aim.change(write)(sent) or sent
            made = self._widened[sent] = self._hubwide(here) or here
        return made

    def _key(self, owner: bytes, where: str) -> DataKey:
        """Ask for a key once for all that it seals here. Raises Gone (HUB-5112) for who is erased."""
        made = self._keys_of.get(owner)
        if made is None:
            try:
                made = self._keys_of[owner] = self._keys.of(owner, self._aim.compartment)
            except Gone:
                raise Gone("HUB-5112", where=where) from None
        return made

    def _pseudonym(self, patient: bytes) -> bytes:
        """Make a person's pseudonym once for all its resources; empty for the directory."""
        made = self._pseudonyms.get(patient)
        if made is None:
            made = self._pseudonyms[patient] = self._secrets.pseudonym(patient)
        return made

    def _withdrawal(self, target: Target) -> NewEvent:
        row = self._owners.row(target.stream)
        event = event_id(self._at)
        header = Header(
            event=event, submission=self.submission, recorded=self._at, occurred=0, schema=events.JSON, shard=0, compartment=self._aim.compartment,
            custodian=self._aim.custodian, kind=target.type, patient=row.patient, pseudonym=self._pseudonym(row.patient),
            key=b"", digest=b"", confidentiality=row.confidentiality, sensitivities=(), deleted=True,
        )  # fmt: skip
        self.owner[target.stream] = row.patient
        return NewEvent(target.stream, events.RESOURCE_WITHDRAWN, header, b"")

    def message(self, message: Numbered, sent: Message | None) -> NewEvent:
        """Keep the message as it came, under the person's own key."""
        assert sent is not None
        key = self._key(message.patient, "")
        event = event_id(self._at)
        header = Header(
            event=event, submission=self.submission, recorded=self._at, occurred=sent.occurred, schema=events.JSON, shard=0, compartment=self._aim.compartment,
            custodian=self._aim.custodian, kind=sent.layout, patient=message.patient, pseudonym=self._secrets.pseudonym(message.patient),
            key=key.key_id, digest=message.digest, confidentiality="", sensitivities=(),
        )  # fmt: skip
        sealed = seal_body(key, sent.raw, stream=message.stream, event=event)
        return NewEvent(message.stream, events.MESSAGE_RECEIVED, header, sealed)

    def settled(self, refusal: bytes) -> NewEvent:
        """Say that a refused message was taken after all."""
        header = Header(
            event=event_id(self._at), submission=self.submission, recorded=self._at, occurred=0, schema=events.JSON, shard=0, compartment=self._aim.compartment,
            custodian=self._aim.custodian, kind="MessageSettled", patient=b"", pseudonym=b"", key=b"", digest=b"", confidentiality="", sensitivities=(),
        )  # fmt: skip
        return NewEvent(refusal, events.MESSAGE_SETTLED, header, b"")

    def taken(self, target: Target) -> Taken:
        """Say what became of a write; version and time are known after the commit."""
        row = target.existing
        if row is not None:
            status = 204 if target.write.method == "DELETE" else 200
            return Taken(target.write.index, status, target.type, target.id, target.stream, row.version, row.updated)
        status = 204 if target.write.method == "DELETE" else 201
        return Taken(target.write.index, status, target.type, target.id, target.stream, text=self._texts.get(target.stream, b""))
