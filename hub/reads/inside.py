"""Who saw what in a compartment, for those whom its rule names as overseers. Each look is itself recorded there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from hub.commands import Asking
from hub.compartments import Compartment
from hub.gate import Gate
from hub.log.event import open_event
from hub.log.keys import Keyring
from hub.log.store import Store, Tx
from hub.reads.officers import LOOK
from hub.reads.opaque import Opaque
from hub.tables import apart
from hub.tables.apart import ApartRow
from schemas.errors import Denied
from schemas.events import Decided

PAGE = 200


@dataclass(frozen=True, slots=True)
class Inside:
    """One decision; a reading names resources by the hub's ids, and no person."""

    at: datetime
    decided: Decided


class LookingInside:
    """The question over its ports."""

    def __init__(self, *, store: Store, keys: Keyring, gate: Gate, opaque: Opaque, compartments: Mapping[str, Compartment]) -> None:
        self._store, self._keys, self._gate, self._opaque, self._compartments = store, keys, gate, opaque, compartments

    def decisions(self, asking: Asking, cursor: str = "") -> tuple[list[Inside], str]:
        """Give decisions of the asker's own compartment, newest first, and the cursor of the next page. Raises Denied for who oversees none."""
        place, organization = self._compartments.get(asking.compartment), asking.requester.organization
        if place is None or organization not in place.overseers:
            raise Denied("HUB-5043")
        purpose = f"inside/{place.name}"
        below = msgspec.msgpack.decode(self._opaque.open(purpose, organization, cursor), type=int) if cursor else None
        self._gate.note(asking, b"", LOOK)
        with self._store.read() as tx:
            rows = apart.decided(tx, place.name, limit=PAGE + 1, below=below)
            found = [
                Inside(datetime.fromtimestamp(row.at / 1000, UTC), body) for row in rows[:PAGE] if (body := self._body(tx, row)) is not None
            ]
        more = self._opaque.shut(purpose, organization, msgspec.msgpack.encode(rows[PAGE - 1].position)) if len(rows) > PAGE else ""
        return found, more

    def _body(self, tx: Tx, row: ApartRow) -> Decided | None:
        recorded = self._store.event(tx, row.position)
        body = open_event(self._keys, recorded) if recorded is not None else None
        return None if body is None else msgspec.json.decode(body, type=Decided)
