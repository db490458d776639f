"""A file or message as it came → adapter → drafts → the same door as everything else. What is not taken is kept, visible, to be sent again."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from hashlib import sha256

import orjson

from hub.commands import Asking, Message, Submit, Write
from hub.ingest.refusals import Refusals
from hub.writes.submit import Submitting
from hub.writes.targets import FHIR_ID
from schemas.adapter import Adapter, Conversion, Draft, Part, Wire
from schemas.errors import BadInput, Broken, Issue, Refusal, Unsupported, quiet
from schemas.fhir.resource import read

MAX_BYTES = 20_000_000
_log = logging.getLogger("tsunagu.ingest")
_PLACE = "resource[{index}]"


@dataclass(frozen=True, slots=True)
class TakenPart:
    """One person's part that was taken: how many resources were recorded anew, what was remarked."""

    resources: int
    warnings: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class NotTaken:
    """One part that was not, the reference under which it is kept, and why. `rows` = lines of the file."""

    reference: str
    issues: tuple[Issue, ...]
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file."""

    layout: str
    taken: tuple[TakenPart, ...] = ()
    refused: tuple[NotTaken, ...] = ()
    repeats: int = 0
    """Messages that had come before, byte for byte."""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Way:
    """How something came: the door, and the name (16 bytes) under which it may come again although it was dealt with; empty = it cannot."""

    door: str = "file"
    once: bytes = b""

    def nth(self, what: str) -> bytes:
        """Name one part of it."""
        return sha256(self.once + what.encode()).digest()[:16] if self.once else b""

    def failed(self, fault: Exception) -> Refusal:
        """Make the refusal of what the hub failed on by a fault of its own. Raises the fault where somebody waits for an answer.

        Where nobody does, it would come again for ever, and nothing behind it would be taken.
        """
        if not self.once:
            raise fault
        _log.error("what came could not be dealt with", exc_info=quiet(fault))
        return Broken("HUB-5097")


_FILE = Way()


class Receiving:
    """The door for files over its ports."""

    def __init__(self, *, adapters: Sequence[Adapter], submit: Submitting, refusals: Refusals) -> None:
        self._adapters, self._submit, self._refusals = adapters, submit, refusals

    def __call__(self, asking: Asking, name: str, data: bytes, *, settles: bytes = b"", way: Way = _FILE) -> Report:
        """Take a file in; never raises for what it holds. `settles` = the refused message that this is, sent again."""
        wire = Wire(name, data, asking.requester.organization)
        try:
            conversion = self._convert(wire)
        except BadInput as refusal:
            return Report("", refused=(self._kept(asking, wire, "", data, refusal, settles, way=way, nth="file"),))
        except Exception as fault:  # noqa: BLE001  an adapter is anybody's
            return Report("", refused=(self._kept(asking, wire, "", data, way.failed(fault), settles, way=way, nth="file"),))
        taken: list[TakenPart] = []
        refused: list[tuple[bytes, Refusal, tuple[int, ...], str]] = []
        before: list[NotTaken] = []
        repeats = 0
        for i, part in enumerate(conversion.parts):
            if (held := self._refusals.held(wire.sender, way.nth(f"refused part {i}"))) is not None:
                before.append(NotTaken(self._refusals.shown(wire.sender, way.nth(f"refused part {i}")), held))
                continue
            try:
                command = self._command(asking, conversion.layout, part, settles)
                answer = self._submit(replace(command, submission=way.nth(f"part {i}")))
            except Refusal as refusal:
                if refusal.issue in {"exception", "throttled"}:
                    raise
                refused.append((part.raw, refusal, (), f"refused part {i}"))
                continue
            except Exception as fault:  # noqa: BLE001  as above
                refused.append((part.raw, way.failed(fault), (), f"refused part {i}"))
                continue
            settles = b""  # the first part that is taken settles it; what is refused of the rest stands for itself
            if answer.repeat:
                repeats += 1
            else:
                taken.append(TakenPart(sum(1 for t in answer.taken if t.version), part.warnings))
        refused += [(bad.raw, BadInput(issues=bad.issues), bad.rows, f"unread part {i}") for i, bad in enumerate(conversion.refused)]
        kept = [self._kept(asking, wire, conversion.layout, raw, fault, settles, rows, way, nth) for raw, fault, rows, nth in refused]
        return Report(conversion.layout, tuple(taken), (*before, *kept), repeats)

    def too_large(self, asking: Asking, name: str) -> Report:
        """Refuse a file by its size alone, before it is read."""
        wire = Wire(name, b"", asking.requester.organization)
        return Report("", refused=(self._kept(asking, wire, "", b"", BadInput("HUB-5052", limit=f"{MAX_BYTES:,}"), b""),))

    def _convert(self, wire: Wire) -> Conversion:
        if len(wire.data) > MAX_BYTES:
            raise BadInput("HUB-5052", limit=f"{MAX_BYTES:,}")
        adapter = next((a for a in self._adapters if a.claims(wire)), None)
        if adapter is None:
            raise Unsupported("HUB-5051", names="、".join(a.name for a in self._adapters))
        return adapter.convert(wire)

    @staticmethod
    def _command(asking: Asking, layout: str, part: Part, settles: bytes) -> Submit:
        told = part.occurred.astimezone(UTC).isoformat() if part.occurred else ""
        writes = tuple(_write(i, draft, told) for i, draft in enumerate(part.drafts))
        occurred = int(part.occurred.timestamp() * 1000) if part.occurred else 0
        message = Message(part.control, layout, part.raw, part.patient_key, occurred, revises=part.revises)
        return Submit(asking, writes, message, settles, where=_PLACE)

    def _kept(
        self, asking: Asking, wire: Wire, layout: str, raw: bytes, refusal: Refusal, settles: bytes, rows: tuple[int, ...] = (),
        way: Way = _FILE, nth: str = "",
    ) -> NotTaken:  # fmt: skip
        """Keep what was not taken; a message that was sent again and refused again stays where it was."""
        custodian = asking.requester.organization
        reference = settles or self._refusals.keep(
            custodian=custodian, name=wire.name, layout=layout, door=way.door, media="", refusal=refusal, raw=raw, once=way.nth(nth)
        )
        return NotTaken(self._refusals.shown(custodian, reference), refusal.issues, rows)


def _write(index: int, draft: Draft, told: str) -> Write:
    """Make the write of a draft: its text passes the same check as what comes by HTTP. `told` = when the message's content happened."""
    facts = {**draft.facts, **({"told": told} if told and "sent" not in draft.facts else {})}
    tree = dict(draft.body)
    if FHIR_ID.fullmatch(draft.key):
        tree = {"resourceType": draft.type, "id": draft.key, **{k: v for k, v in tree.items() if k not in {"resourceType", "id"}}}
    body = read(orjson.dumps(tree), expected_type=draft.type)
    return Write(index, "PUT", draft.type, body, key=draft.key, facts=facts, same_is_silent=True)
