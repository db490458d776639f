"""A withdrawal outlives what a machine sends again: an active Consent is a new statement, or it is refused (`consent.restating`).

Judged on one snapshot, and anew under the lock where another version of that consent came meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from consent.restating import Kept, overturns
from consent.rules import Directive
from hub.clock import moment
from hub.log.event import NewEvent
from hub.log.keys import Keyring
from hub.log.store import Tx
from hub.tables import directives, resources
from hub.tables.derive import open_directive
from hub.writes.targets import Aim
from schemas.errors import BrokenRule, Refusal
from schemas.events import RESOURCE_RECORDED


class Withdrawals:
    """Judges the Consents of one submission."""

    def __init__(self, tx: Tx, aim: Aim, keys: Keyring) -> None:
        self._tx, self._aim, self._keys = tx, aim, keys

    def hold(self, made: Iterable[NewEvent]) -> None:
        """Let these events pass. Raises BrokenRule HUB-3068 for a Consent that would bring back what was withdrawn."""
        for event in made:
            if event.topic == RESOURCE_RECORDED and event.header.kind == "Consent" and self._overturns(event):
                target = next(t for t in self._aim.targets if t.stream == event.stream)
                raise BrokenRule("HUB-3068", where=self._aim.where(target.write, ".resource.dateTime"))

    def _overturns(self, event: NewEvent) -> bool:
        """Judge one Consent. The version that was the newest is noted, to be compared under the lock."""
        row = self._aim.newest(event.stream)
        self._aim.reading.versions.setdefault(event.stream, row.version if row is not None else 0)
        if row is None or event.rows is None or event.rows.directive is None:
            return False
        new = self._opened(event.header.key, event.rows.directive, event.header.event)
        return new is not None and overturns(new, self._before(row))

    def _before(self, row: resources.Row | None) -> Iterator[Kept]:
        """Give the versions from a row back to the first, read one by one as they are asked for."""
        while row is not None:
            yield Kept(moment(row.updated), self._said(row))
            row = resources.version(self._tx, row.stream, row.version - 1, self._aim.compartment) if row.version > 1 else None

    def _said(self, row: resources.Row) -> Directive | None:
        held = directives.version(self._tx, row.stream, row.version) if not row.deleted else None
        return self._opened(held.key, held.directive, held.event) if held is not None else None

    def _opened(self, key: bytes, sealed: bytes, event: bytes) -> Directive | None:
        """Open what a version says; None when its key was erased, or it cannot be read."""
        opener = self._keys.held(key)
        try:
            return open_directive(opener, sealed, event) if opener is not None else None
        except Refusal:
            return None
