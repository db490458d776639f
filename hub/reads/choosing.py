"""Which person an officer means: found by kana name and birth date, or by the number of the care insurance; never by a list of all."""

from __future__ import annotations

from dataclasses import dataclass

from hub.commands import Asking
from hub.gate import Gate
from hub.log.secrets import Secrets
from hub.log.store import Store
from hub.reads.audits import Auditing
from hub.reads.officers import LOOK, officer
from hub.reads.opaque import Opaque
from hub.tables import identities, resources
from hub.tables.derive import name_token


@dataclass(frozen=True, slots=True)
class Chosen:
    """One person as officers see them: an opaque reference for addresses, the pseudonym, and who holds records of them. No name is opened."""

    person: str
    pseudonym: str
    custodians: tuple[str, ...]


class Choosing:
    """The question over its ports; raises Denied for anybody but officers. That somebody was looked for is recorded."""

    def __init__(self, *, store: Store, secrets: Secrets, gate: Gate, opaque: Opaque, audit: Auditing) -> None:
        self._store, self._secrets, self._gate, self._opaque, self._audit = store, secrets, gate, opaque, audit

    def by_name(self, asking: Asking, kana: str, birth: str) -> tuple[Chosen, ...]:
        """Find by the whole kana name (blanks and script do not matter) and birth date YYYY-MM-DD."""
        return self._by(asking, name_token(self._secrets, kana, birth))

    def by_number(self, asking: Asking, insurer: str, insured: str) -> tuple[Chosen, ...]:
        """Find by insurer number and insured number of the care insurance."""
        return self._by(asking, self._secrets.token("insured", f"{insurer}:{insured}"))

    def named(self, asking: Asking, person: str) -> Chosen:
        """Give the person of an opaque reference; raise NotFound for a reference that was not made here."""
        officer(asking)
        return self._chosen(asking, self._opaque.open("person", asking.requester.organization, person))

    def _by(self, asking: Asking, token: bytes) -> tuple[Chosen, ...]:
        officer(asking)
        with self._store.read() as tx:
            persons = sorted({identities.person_of(tx, p) for p in identities.by_token(tx, token)})
        for person in persons or [b""]:
            self._gate.note(asking, person, LOOK)
        return tuple(self._chosen(asking, person) for person in persons)

    def _chosen(self, asking: Asking, person: bytes) -> Chosen:
        with self._store.read() as tx:
            rows = resources.of_patients(tx, identities.patients_of(tx, person), ("Patient",))
        reference = self._opaque.shut("person", asking.requester.organization, person)
        return Chosen(reference, self._audit.pseudonym(person), tuple(sorted({row.custodian for row in rows})))
