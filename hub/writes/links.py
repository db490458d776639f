"""LinkPerson, UnlinkPerson: the network's clerk says that two Patients are one person, or are not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from hub.commands import Asking
from hub.log.event import NewEvent
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store
from hub.names import MAIN, hub_id, stream_of
from hub.tables import identities, resources
from hub.tables.derive import namer, token
from hub.writer import Writer
from hub.writes.events import append, event
from schemas.errors import BrokenRule, Denied, NotFound
from schemas.events import PERSON_LINKED, PERSON_UNLINKED, Link

ROLES = frozenset({"clerk", "operator", "system"})


class Linking:
    """The commands LinkPerson and UnlinkPerson over their ports."""

    def __init__(self, *, store: Store, keys: Keyring, secrets: Secrets, writer: Writer, now: Callable[[], datetime]) -> None:
        self._store, self._keys, self._secrets, self._writer, self._now = store, keys, secrets, writer, now

    def patient(self, organization: str, number: str) -> str:
        """Give the hub id of an organization's Patient by any number that it bears there; whether there is one is judged when it is linked."""
        with self._store.read() as tx:
            found = [r for r in resources.found(tx, token(self._secrets, "Patient", "*", number)) if r.custodian == organization]
        if len(found) == 1:
            return hub_id(found[0].stream)
        return hub_id(namer(self._secrets, organization, MAIN)("Patient", number))

    def link(self, asking: Asking, first: str, second: str, reason: str = "") -> None:
        """Say that two Patients (hub ids) are one person. Raises Denied, NotFound, BrokenRule when they are one already."""
        one, two = self._both(asking, first, second)
        with self._store.read() as tx:
            if identities.person_of(tx, one) == identities.person_of(tx, two):
                raise BrokenRule("HUB-5045")
        self._append(asking, PERSON_LINKED, one, two, reason)

    def unlink(self, asking: Asking, first: str, second: str, reason: str = "") -> None:
        """Say that `second` is not the person of `first`; no rule joins the two again."""
        one, two = self._both(asking, first, second)
        with self._store.read() as tx:
            if identities.person_of(tx, one) != identities.person_of(tx, two):
                raise BrokenRule("HUB-5046")
        self._append(asking, PERSON_UNLINKED, one, two, reason)

    def _both(self, asking: Asking, first: str, second: str) -> tuple[bytes, bytes]:
        requester = asking.requester
        if requester.kind != "network" or requester.role not in ROLES:
            raise Denied("HUB-5043")
        one, two = (stream_of(text.removeprefix("Patient/")) for text in (first, second))
        if one is None or two is None or one == two:
            raise NotFound("HUB-5044")
        with self._store.read() as tx:
            rows = [resources.newest(tx, s) for s in (one, two)]
        if any(row is None or row.type != "Patient" or row.deleted for row in rows):
            raise NotFound("HUB-5044")
        return one, two

    def _append(self, asking: Asking, topic: str, one: bytes, two: bytes, reason: str) -> None:
        body = Link(one.hex(), two.hex(), asking.requester.person or asking.requester.organization, reason)

        def made() -> NewEvent:
            return event(
                topic=topic, kind="Person", body=body, key=self._keys.of(one, MAIN), custodian=asking.requester.organization, patient=one,
                secrets=self._secrets, at=self._now(),
            )  # fmt: skip

        append(self._writer, made)
