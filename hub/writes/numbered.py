"""A message's number for its sender: the same bytes again are silent, other bytes under it are a duplicate."""

from __future__ import annotations

from dataclasses import dataclass

from hub.commands import Message
from hub.log.secrets import Secrets
from hub.log.store import Tx
from hub.tables import messages
from hub.writes.targets import Aim
from schemas.errors import Duplicate


@dataclass(frozen=True, slots=True)
class Numbered:
    """A message with its stream and what stood under its number before."""

    stream: bytes
    digest: bytes
    before: bytes | None
    patient: bytes
    repeat: bool


def number(tx: Tx, aim: Aim, message: Message | None, secrets: Secrets) -> Numbered | None:
    """Compare a message's number with those that came before (hospital facts §5.1: facility, number, time and bytes together)."""
    if message is None:
        return None
    stream = secrets.name("message", aim.custodian, message.control)
    digest = secrets.digest(message.raw)
    before = messages.digest_of(tx, stream)
    if before is not None and before != digest and not message.revises:
        raise Duplicate("HUB-5050", where="MSH-10")
    return Numbered(stream, digest, before, aim.name("Patient", message.patient), repeat=before == digest)
