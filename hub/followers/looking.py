"""What one step of a follower reads of persons: each table once for each of them, whatever the number of their events, as of any of these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hub.log.store import Tx
from hub.tables import directives, identities, resources
from hub.tables.directives import DirectiveRow, Held
from hub.tables.identities import Spell
from hub.tables.resources import Row

Patients = tuple[bytes, ...]


class Looking:
    """Looks inside one snapshot and up to one position; made anew for each step, and forgotten with it."""

    def __init__(self, tx: Tx, until: int) -> None:
        self.tx, self._until = tx, until
        self._spells: dict[bytes, list[Spell]] = {}
        self._rows: dict[tuple[Patients, tuple[str, ...], str], list[Row]] = {}
        self._held: dict[Patients, list[Held]] = {}

    def together(self, patient: bytes, at: int) -> Patients:
        """Give all Patients of a Patient's person as of a position."""
        if patient not in self._spells:
            self._spells[patient] = identities.spells(self.tx, patient)
        return identities.together(self._spells[patient], patient, at)

    def versions(self, patients: Patients, types: tuple[str, ...], custodian: str = "") -> Sequence[Row]:
        """Give all versions of these types about these Patients, in the order of the log; those that took something back too."""
        name = patients, types, custodian
        if name not in self._rows:
            self._rows[name] = resources.versions(self.tx, patients, types, until=self._until, custodian=custodian)
        return self._rows[name]

    def standing(self, patients: Patients, types: tuple[str, ...], at: int) -> Iterable[Row]:
        """Give the newest version of each resource as of a position, without what was taken back by then."""
        newest = {row.stream: row for row in self.versions(patients, types) if row.position <= at}
        return [row for row in newest.values() if not row.deleted]

    def directives(self, patients: Patients, at: int) -> list[DirectiveRow]:
        """Give the consents that counted as of a position."""
        if patients not in self._held:
            self._held[patients] = directives.history(self.tx, patients)
        return directives.counting_as_of(self._held[patients], at)
