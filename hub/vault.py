"""Content of what is stored, given only against a permit; and permits, which only the gate can make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.log.event import open_event, parted
from hub.log.keys import Keyring
from hub.log.store import Store, Tx
from hub.tables.resources import Row
from schemas.errors import Broken


@dataclass(frozen=True, slots=True)
class Permit:
    """The gate's word that one version may be opened. `inside` = for the hub's own reckoning: what is opened so does not leave."""

    stream: bytes
    version: int
    masks: frozenset[str]
    inside: bool
    proof: object = field(repr=False)


@dataclass(frozen=True, slots=True)
class Content:
    """An opened version: received text, the adapter's facts beside it."""

    text: bytes
    facts: Mapping[str, str]


class Vault:
    """The one place that opens resources. `proof` is shared with the gate alone, where both are built."""

    def __init__(self, store: Store, keys: Keyring, proof: object) -> None:
        self._store, self._keys, self._proof = store, keys, proof

    def open(self, tx: Tx, permit: Permit, row: Row) -> Content | None:
        """Open a version; None when its key was erased. Raises Broken (HUB-5030) without a permit for just this version."""
        if type(permit) is not Permit or permit.proof is not self._proof or (permit.stream, permit.version) != (row.stream, row.version):
            raise Broken("HUB-5030")
        recorded = self._store.event(tx, row.position)
        if recorded is None or recorded.stream != row.stream:
            raise Broken("HUB-5008")
        body = open_event(self._keys, recorded)
        if body is None:
            return None
        text, facts = parted(recorded.header.schema, body)
        return Content(text, facts)
