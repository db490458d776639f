"""Finding one person by what somebody at the bedside knows: kana and birth date, or the care-insurance number. Exact, never a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.commands import Asking
from hub.gate import Gate, Given
from hub.log.secrets import Secrets
from hub.log.store import Store
from hub.reads.opaque import Opaque
from hub.reads.presenting import Presented, Presenting
from hub.tables import directives, identities, resources
from hub.tables.derive import name_token
from hub.tables.resources import Row


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """One person. `patients` = what the asker may see of who it is; empty for an emergency role that may see nothing yet."""

    reference: str
    patients: tuple[Presented, ...]


class Finding:
    """The question over its ports."""

    def __init__(self, *, store: Store, secrets: Secrets, gate: Gate, presenting: Presenting, opaque: Opaque) -> None:
        self._store, self._secrets, self._gate, self._presenting, self._opaque = store, secrets, gate, presenting, opaque

    def by_name(self, asking: Asking, kana: str, birth: str) -> tuple[FoundPerson, ...]:
        """Find by the whole kana name (blanks and script do not matter) and birth date YYYY-MM-DD."""
        return self._by(asking, name_token(self._secrets, kana, birth))

    def by_number(self, asking: Asking, insurer: str, insured: str) -> tuple[FoundPerson, ...]:
        """Find by insurer number and insured number of the care insurance."""
        return self._by(asking, self._secrets.token("insured", f"{insurer}:{insured}"))

    def _by(self, asking: Asking, token: bytes) -> tuple[FoundPerson, ...]:
        with self._store.read() as tx:
            bearing = frozenset(identities.by_token(tx, token))
            persons = dict.fromkeys(identities.person_of(tx, p) for p in sorted(bearing))
            groups = {p: identities.patients_of(tx, p) for p in persons}
            rows = {p: resources.of_patients(tx, patients, ("Patient",)) for p, patients in groups.items()}
            barred = directives.barred(tx, [patient for patients in groups.values() for patient in patients])
        given = self._given(asking, rows, bearing)
        organization = asking.requester.organization
        with self._store.read() as tx:
            shown = [p for g in given if (p := self._presenting(tx, g, organization)) is not None]
        known = {person: tuple(s for s in shown if s.row in found) for person, found in rows.items()}
        # that somebody is there at all is not told of who is to be erased
        named = {p for p, patients in groups.items() if barred.keys().isdisjoint(patients)} if self.may_break(asking) else set[bytes]()
        found = [
            FoundPerson(self._opaque.shut("person", organization, min((s.row.stream for s in seen), default=person)), seen)
            for person, seen in known.items()
            # by what the asker may see: whoever registers a number could else learn by which name others know its bearer
            if any(s.row.stream in bearing for s in seen) or person in named
        ]
        return tuple(sorted(found, key=lambda one: one.reference))

    def _given(self, asking: Asking, rows: Mapping[bytes, Sequence[Row]], bearing: frozenset[bytes]) -> list[Given]:
        """Ask for what may be seen: first of the Patients that were searched by, and of a person's others only where one of these may be seen.

        What is asked for is recorded as given, for its custodian to read: that somebody was searched by a name which only others know must
        not show there. Who may break the glass is told of a person either way.
        """
        if self.may_break(asking):
            return list(self._gate.release(asking, [r for found in rows.values() for r in found], about=tuple(rows)).given)
        named = [r for found in rows.values() for r in found if r.stream in bearing]
        given = list(self._gate.release(asking, named, about=tuple(rows)).given)
        seen = {g.row.stream for g in given}
        beside = [r for found in rows.values() if any(r.stream in seen for r in found) for r in found if r.stream not in bearing]
        return sorted(given + (list(self._gate.release(asking, beside).given) if beside else []), key=lambda g: g.row)

    def may_break(self, asking: Asking) -> bool:
        """Say whether this asker could open an emergency access: only such a role learns that a person exists without seeing anything."""
        network, requester = self._gate.network, asking.requester
        return requester.kind in network.emergency_kinds and requester.role in network.emergency_roles and bool(requester.person)
