"""Messages that were not taken: kept sealed under a key of their own, shown without their content, sent again on demand."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from hub.log.envelope import Header
from hub.log.event import NewEvent, open_event, seal_json
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import MAIN, QUARANTINE, event_id
from hub.reads.opaque import Opaque
from hub.tables import messages
from hub.writer import Writer, free
from schemas.errors import Broken, Issue, NotFound, Refusal
from schemas.events import JSON, MESSAGE_REFUSED, Refused

KEEP_BYTES = 20_000_000
FORGOTTEN = frozenset({"HUB-5111", "HUB-5112"})
"""Rules by which nothing is taken in about somebody who is to be erased, or is."""
KEEP_DAYS = 30
"""Days for which the content of a refused message is kept, unless the settings say otherwise."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One refused message without its content."""

    reference: str
    at: datetime
    layout: str
    door: str
    issues: tuple[Issue, ...]
    settled: bool
    until: datetime
    """When its content is given up at the latest."""


class Refusals:
    """Keeps and gives back refused messages. Only the organization that sent one sees it."""

    def __init__(
        self, *, store: Store, keys: Keyring, secrets: Secrets, writer: Writer, opaque: Opaque, now: Callable[[], datetime],
        keep: timedelta = timedelta(days=KEEP_DAYS),
    ) -> None:  # fmt: skip
        self._store, self._keys, self._secrets, self._writer, self._opaque, self._now = store, keys, secrets, writer, opaque, now
        self._kept_for = keep

    def keep(
        self, *, custodian: str, name: str, layout: str, door: str, media: str, refusal: Refusal, raw: bytes, once: bytes = b"",
        compartment: str = MAIN,
    ) -> bytes:  # fmt: skip
        """Keep one, sealed under a key of its own; give its reference. `once` = the reference of what may come again: it is kept once.

        So is the message about a person who has refused the hub: nobody sees it, and its sender can send it again when consent is given. Of
        what is too large to be a message, and of what is about a person who is to be erased or is, only the digest, the time and the reason are kept.
        """
        stream = once or os.urandom(16)
        place = QUARANTINE if compartment == MAIN else compartment
        milliseconds = int(self._now().timestamp() * 1000)
        event = event_id(milliseconds)
        kept = raw if len(raw) <= KEEP_BYTES and FORGOTTEN.isdisjoint(i.rule for i in refusal.issues) else b""
        body = Refused(name, layout, door, media, [_plain(i) for i in refusal.issues], kept)
        digest = self._secrets.within(compartment).digest(raw)

        def made() -> list[NewEvent]:
            key = self._keys.of(stream, place)
            header = Header(
                event=event, submission=b"", recorded=milliseconds, occurred=0, schema=JSON, shard=0, compartment=place, custodian=custodian,
                kind="MessageRefused", patient=b"", pseudonym=b"", key=key.key_id, digest=digest, confidentiality="", sensitivities=(),
            )  # fmt: skip
            return [NewEvent(stream, MESSAGE_REFUSED, header, seal_json(key, body, stream=stream, event=event), version=1, rows=body)]

        self._writer.submit(free(made, once)).result()
        return stream

    def held(self, custodian: str, once: bytes) -> tuple[Issue, ...] | None:
        """Say why a message of this reference was not taken when it came before; None when it did not, or was taken."""
        with self._store.read() as tx:
            row = messages.refusal(tx, custodian, once) if once else None
            if row is not None and row.erased is not None and row.settled is None:
                return (Issue("HUB-5119", code="not-found"),)
            body = self._body(tx, row) if row is not None else None
            return None if body is None else tuple(_issue(i) for i in body.issues)

    def shown(self, custodian: str, reference: bytes) -> str:
        """Give the reference as its sender sees it."""
        return self._opaque.shut("refusal", custodian, reference)

    def listed(self, custodian: str, compartment: str = MAIN) -> list[Kept]:
        """Give an organization's refused messages, newest first, without those that were erased."""
        with self._store.read() as tx:
            found = [(row, self._body(tx, row)) for row in messages.refused(tx, custodian, compartment=compartment)]
            return [self._kept(row, body) for row, body in found if body is not None]

    def _kept(self, row: messages.RefusalRow, body: Refused) -> Kept:
        return Kept(
            self.shown(row.custodian, row.reference),
            datetime.fromtimestamp(row.at / 1000, UTC),
            body.layout,
            body.door,
            tuple(_issue(i) for i in body.issues),
            row.settled is not None,
            datetime.fromtimestamp(row.at / 1000, UTC) + self._kept_for,
        )

    def _body(self, tx: Tx, row: messages.RefusalRow) -> Refused | None:
        """Open a message; None when its key was erased, or is to be by now."""
        if row.erased is not None:
            return None
        recorded = self._store.event(tx, row.position)
        if recorded is None:
            raise Broken("HUB-5008")
        opened = open_event(self._keys, recorded)
        return None if opened is None else msgspec.json.decode(opened, type=Refused)

    def again(self, custodian: str, shown: str, compartment: str = MAIN) -> tuple[bytes, Refused]:
        """Give one of an organization's own refused messages with its bytes: (reference, message). Raises NotFound."""
        reference = self._opaque.open("refusal", custodian, shown)
        with self._store.read() as tx:
            row = messages.refusal(tx, custodian, reference, compartment)
            if row is None or row.settled is not None:
                raise NotFound("HUB-5053")
            if row.erased is not None:
                raise NotFound("HUB-5119")
            body = self._body(tx, row)
        if body is None or not body.raw:
            raise NotFound("HUB-5054")
        return reference, body

    def own(self, custodian: str, shown: str) -> bytes:
        """Give the reference of one of an organization's own refused messages whose content is still kept. Raises NotFound."""
        reference = self._opaque.open("refusal", custodian, shown)
        with self._store.read() as tx:
            row = messages.refusal(tx, custodian, reference)
        if row is None or row.erased is not None:
            raise NotFound("HUB-5119")
        return reference


def _plain(issue: Issue) -> dict[str, object]:
    return {"rule": issue.rule, "where": issue.where, "words": dict(issue.words), "code": issue.code, "severity": issue.severity}


def _issue(plain: dict[str, object]) -> Issue:
    return msgspec.convert(plain, Issue)
