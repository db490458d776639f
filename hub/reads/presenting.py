"""An opened version as its asker sees it: the custodian with its own ids, everybody else with the hub's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import orjson

from consent.redact import redact
from hub.gate import Given
from hub.log.secrets import Secrets
from hub.log.store import Tx
from hub.names import hub_id
from hub.tables.derive import hubwide, namer
from hub.tables.resources import Row
from hub.vault import Content, Vault, Worded
from schemas.fhir.present import present

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"


class _Sent(msgspec.Struct):
    id: str = ""


_sent = msgspec.json.Decoder(_Sent)


@dataclass(frozen=True, slots=True)
class Presented:
    """A version ready to leave. `facts` never leave: they are for the views."""

    row: Row
    id: str
    text: bytes
    facts: Mapping[str, str]

    @property
    def tree(self) -> dict[str, Any]:
        """Give the text as a tree."""
        tree: dict[str, Any] = orjson.loads(self.text)
        return tree


@lru_cache(4_096)
def instant(milliseconds: int) -> str:
    """Say a time of the log as a FHIR instant."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Presenting:
    """Opens what the gate gave, and words it for the asker."""

    def __init__(self, vault: Vault, secrets: Secrets) -> None:
        self._vault, self._secrets = vault, secrets

    def __call__(self, tx: Tx, given: Given, organization: str) -> Presented | None:
        """Open one version; None when its key was erased or the masks leave nothing of it."""
        row, masks, own = given.row, given.permit.masks, given.row.custodian == organization

        def word(content: Content) -> Worded | None:
            return self._worded(row, content, masks, own=own)

        worded = self._vault.worded(tx, given.permit, row, (own, masks, row.confidentiality), word)
        return None if worded is None else Presented(row, worded.id, worded.text, worded.facts)

    def _worded(self, row: Row, content: Content, masks: frozenset[str], *, own: bool) -> Worded | None:
        text = content.text
        name = namer(self._secrets, row.custodian, row.compartment)
        sent = _sent.decode(text).id if own else ""
        number = sent if sent and name(row.type, sent) == row.stream else hub_id(row.stream)
        if masks:
            left = redact(orjson.loads(text), masks)
            if left is None:
                return None
            text = orjson.dumps(left)
        tags = [] if own or not row.confidentiality else [(CONFIDENTIALITY, row.confidentiality)]
        shown = present(
            text, id=number, version=row.version, updated=instant(row.updated), tags=tags, change=None if own else hubwide(name)
        )
        return Worded(number, shown, content.facts)
