"""What a person said last outlives what a machine sends again: an active Consent is a new statement, or it is refused (`consent.restating`).

Judged on one snapshot, and anew under the lock where another version of that consent, or any consent of the person, came meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, zip_longest

from consent.restating import Kept, overturns, repeats, reverts
from consent.rules import Directive
from hub.clock import moment
from hub.log.event import NewEvent
from hub.log.keys import Keyring
from hub.log.store import Tx
from hub.tables import directives, resources
from hub.tables.derive import read_directive
from hub.tables.identities import Groups
from hub.writes.targets import Aim
from schemas.errors import BrokenRule
from schemas.events import RESOURCE_RECORDED


class Withdrawals:
    """Judges the Consents of one submission."""

    def __init__(self, tx: Tx, aim: Aim, keys: Keyring) -> None:
        self._tx, self._aim, self._keys = tx, aim, keys

    def hold(self, made: Iterable[NewEvent], people: Groups) -> None:
        """Let these events pass.

        Raises BrokenRule for a Consent that would bring back what was withdrawn (HUB-3068, under another id HUB-3069) or stated anew since
        (HUB-3070).
        """
        for event in made:
            if event.topic == RESOURCE_RECORDED and event.header.kind == "Consent" and (rule := self._broken(event, people)):
                target = next(t for t in self._aim.targets if t.stream == event.stream)
                raise BrokenRule(rule, where=self._aim.where(target.write, ".resource.dateTime"))

    def _broken(self, event: NewEvent, people: Groups) -> str:
        """Give the rule that a Consent breaks; empty = none. The version that was the newest is noted, to be compared under the lock."""
        row = self._aim.newest(event.stream)
        self._aim.reading.versions.setdefault(event.stream, row.version if row is not None else 0)
        if event.rows is None or event.rows.directive is None:
            return ""
        new = read_directive(self._keys, event.header.key, event.rows.directive, event.header.event)
        if new is None or new.status != "active":
            return ""
        if overturns(new, self._before(row)):
            return "HUB-3068"
        if reverts(new, self._before(row)):
            return "HUB-3070"
        newest = self._said(row) if row is not None else None
        if newest is not None and newest.status == "active":
            return ""
        patients = people.patients[people.person[event.header.patient]]
        return "HUB-3069" if any(repeats(new, versions) for versions in self._others(patients, event.stream)) else ""

    def _before(self, row: resources.Row | None) -> Iterator[Kept]:
        """Give the versions from a row back to the first, read one by one as they are asked for."""
        while row is not None:
            yield Kept(moment(row.updated), self._said(row))
            row = resources.version(self._tx, row.stream, row.version - 1, self._aim.compartment) if row.version > 1 else None

    def _said(self, row: resources.Row) -> Directive | None:
        held = directives.version(self._tx, row.stream, row.version) if not row.deleted else None
        return read_directive(self._keys, held.key, held.directive, held.event) if held is not None else None

    def _others(self, patients: Iterable[bytes], stream: bytes) -> Iterator[list[Directive | None]]:
        """Give the versions of each other consent of these Patients, oldest first; None where it was taken away. What cannot be read is left out."""
        rows = [held for held in directives.history(self._tx, patients) if held.row.consent != stream and held.row.key]
        for _, versions in groupby(rows, key=lambda held: held.row.consent):
            held = list(versions)
            found: list[Directive | None] = []
            for one, following in zip_longest(held, held[1:]):
                if (said := read_directive(self._keys, one.row.key, one.row.directive, one.row.event)) is not None:
                    found.append(said)
                if one.until is not None and (following is None or following.since != one.until):
                    found.append(None)
            yield found
