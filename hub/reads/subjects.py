"""Whose record somebody of the role `subject` or `proxy` may ask for: the Patients of the person they are registered with, as of now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from consent.ask import Requester
from consent.times import tokyo_day
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import hub_id
from hub.region import Region, User
from hub.tables import identities, resources
from hub.tables.derive import token


class Subjects:
    """The question over its ports."""

    def __init__(self, *, store: Store, secrets: Secrets, region: Region, now: Callable[[], datetime]) -> None:
        self._store, self._secrets, self._region, self._now = store, secrets, region, now

    def requester(self, user: User) -> Requester:
        """Give who a signed-in user is: staff of an organization, or a person bound to their own record, a proxy to somebody's."""
        if user.kind is None:
            return Requester(user.organization, self._region.kind_of(user.organization), user.role, user.id)
        return Requester(user.organization, user.kind, user.role, user.id, patients=self._patients(user))

    def _patients(self, user: User) -> frozenset[str]:
        """Give the Patients; none where the number is nobody's or is borne by two who are not one, and none once the power has ended."""
        today = tokyo_day(self._now())
        if user.role == "proxy" and (
            user.power is None or user.power.until < today or user.power.kind not in self._region.rules.at(self._now()).proxy_kinds
        ):
            return frozenset()
        with self._store.read() as tx:
            persons = {identities.person_of(tx, p) for p in self._bearers(tx, user.person)}
            if len(persons) != 1:
                return frozenset()
            return frozenset(f"Patient/{hub_id(p)}" for p in identities.patients_of(tx, persons.pop()))

    def _bearers(self, tx: Tx, person: str) -> list[bytes]:
        code, mark, number = person.partition("#")
        if not mark:
            return list(identities.by_token(tx, self._secrets.token("insured", person)))
        found = resources.found(tx, token(self._secrets, "Patient", "*", number))
        return [r.stream for r in found if r.custodian == code and r.type == "Patient"]
