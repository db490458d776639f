"""Whether one look at one person is unusual by whom it was at: one's own surname, a colleague, oneself, somebody whose stay is long over.

Names and numbers are compared as keyed hashes; of records only what decisions know of them is opened (begin, end), never their content.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from datetime import date

from hub.clock import moment
from hub.gate import Gate
from hub.log.secrets import Secrets
from hub.log.store import Tx
from hub.region import Region
from hub.tables import identities, resources, surnames
from hub.tables.decisions import DecisionRow
from hub.tables.derive import name_token, surname_token
from hub.views.ages import JST
from hub.views.unusual import Rule, surname

RELATIONS = ("Encounter", "EpisodeOfCare", "CarePlan", "ServiceRequest", "MedicationRequest", "Appointment")
"""By which an organization has to do with a person: stays and visits, plans, orders, appointments."""


class Persons:
    """These rules over their ports."""

    def __init__(self, *, secrets: Secrets, gate: Gate, region: Region) -> None:
        self._secrets, self._gate, self._region = secrets, gate, region
        self._staff: dict[bytes, list[str]] = {}
        """Hash of a number, or of a name with birth date → users."""
        for user in region.users.values():
            if user.kana:
                self._staff.setdefault(name_token(secrets, user.kana, user.birth), []).append(user.id)
            if user.insured:
                self._staff.setdefault(secrets.token("insured", user.insured), []).append(user.id)

    def unusual(self, tx: Tx, row: DecisionRow, held: dict[str, Rule]) -> Iterator[tuple[str, int]]:
        """Give the rules by which a look is unusual, with the number of each."""
        patients = identities.patients_of(tx, identities.person_of(tx, row.person))
        if "surname" in held and self._same_surname(tx, row, patients):
            yield "surname", 1
        users = self._users(tx, patients, held)
        if row.user in users:
            yield from self._named("self", held)
        elif any(self._region.users[user].organization == row.organization for user in users):
            yield from self._named("colleague", held)
        if "after-discharge" in held:
            days = self._since_the_end(tx, row, patients)
            if days is not None and held["after-discharge"].unusual(days, 0):
                yield "after-discharge", days

    @staticmethod
    def _named(rule: str, held: Container[str]) -> Iterator[tuple[str, int]]:
        if rule in held:
            yield rule, 1

    def _same_surname(self, tx: Tx, row: DecisionRow, patients: list[bytes]) -> bool:
        user = self._region.users.get(row.user)
        names = {surname(user.name), surname(user.kana)} - {""} if user else set[str]()
        asked = {(patient, surname_token(self._secrets, patient, name)) for patient in patients for name in names}
        return bool(asked) and not asked.isdisjoint(surnames.of(tx, patients))

    def _users(self, tx: Tx, patients: list[bytes], held: Container[str]) -> set[str]:
        """Give the users that these Patients are."""
        if not self._staff or ("self" not in held and "colleague" not in held):
            return set()
        tokens = identities.tokens_of(tx, patients)
        return {user for token in tokens for user in self._staff.get(token, ())}

    def _since_the_end(self, tx: Tx, row: DecisionRow, patients: list[bytes]) -> int | None:
        """Give the days since all that the asking organization had to do with a person ended; None where it goes on, or there never was a stay."""
        day = moment(row.at).astimezone(JST).date()
        ended: list[date] = []
        stayed = False
        for one in resources.of_patients(tx, patients, RELATIONS, custodian=row.organization):
            record = self._gate.record(one)
            if record is None or record.in_error:
                continue
            if record.ends is None or record.ends >= day:
                return None
            ended.append(record.ends)
            stayed = stayed or (one.type == "Encounter" and record.begins is not None and record.begins < record.ends)
        return (day - max(ended)).days if stayed else None
