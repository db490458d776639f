"""The consent desk's questions: whom it is about, what is on file, in which versions, on which paper. All through the gate, and recorded.

Nobody finds more here than elsewhere: staff find their own organization's persons, and see the consents that the gate gives them. The
network's clerk finds anybody by what the person says at the desk, and sees of them the consents that speak to the network.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consent.ask import Requester
from consent.restating import withdraws
from consent.rules import Directive
from hub.commands import Asking
from hub.gate import Gate
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import MAIN, hub_id, stream_of
from hub.reads.consent_state import States, states
from hub.reads.opaque import Opaque
from hub.reads.presenting import Presented, Presenting
from hub.tables import directives, identities, resources
from hub.tables.derive import name_token, namer, read_directive
from hub.writes.consent_entry import may_sit_at_desk
from hub.writes.consent_form import TAKEN_BY
from schemas.errors import Denied, NotFound


@dataclass(frozen=True, slots=True)
class AtDesk:
    """One person who was found. `patient` = as the asker may see them; None at the network's desk, where nothing may be seen."""

    reference: str
    patient: Presented | None


@dataclass(frozen=True, slots=True)
class Filed:
    """One consent on file, in one version. `own` = the asker's organization records it, and so may change it."""

    reference: str
    shown: Presented
    directive: Directive
    own: bool
    state: str
    """`active`, `later`, `ended`, `replaced`, `withdrawn`, `unreadable` (see `hub.reads.consent_state`)."""

    @property
    def about(self) -> str:
        """Give the id of the Patient that it is about."""
        return hub_id(self.shown.row.patient)

    @property
    def scan(self) -> str:
        """Give the reference of its paper; empty when there is none."""
        return _reference(self.shown.tree.get("sourceReference"))

    @property
    def taken_by(self) -> str:
        """Give the name of who took the paper at the desk; empty where that was not recorded."""
        for one in self.shown.tree.get("extension", ()):
            if isinstance(one, Mapping) and one.get("url") == TAKEN_BY:
                return str(one.get("valueReference", {}).get("display", ""))
        return ""

    @property
    def power(self) -> str:
        """Give the reference of the paper that gives the power; empty when there is none."""
        for one in self.shown.tree.get("extension", ()):
            for part in one.get("extension", ()) if isinstance(one, Mapping) else ():
                if part.get("url") == "document":
                    return _reference(part.get("valueReference"))
        return ""


@dataclass(frozen=True, slots=True)
class PersonFile:
    """What the desk sees of one person. `number` = the id of the Patient that a new consent is to be about."""

    person: bytes
    reference: str
    patient: Presented | None
    number: str
    patients: tuple[bytes, ...]
    consents: tuple[Filed, ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """A scan."""

    media: str
    data: bytes


class Consents:
    """These questions over their ports."""

    def __init__(
        self,
        *,
        store: Store,
        keys: Keyring,
        secrets: Secrets,
        gate: Gate,
        presenting: Presenting,
        opaque: Opaque,
        now: Callable[[], datetime],
        sits: Callable[[Requester], bool] = may_sit_at_desk,
        closed: str = "HUB-5138",
    ) -> None:
        """Take the ports. `sits` = who may ask; everybody else is told the rule `closed`."""
        self._store, self._keys, self._secrets, self._gate, self._presenting = store, keys, secrets, gate, presenting
        self._opaque, self._now, self._sits, self._closed = opaque, now, sits, closed

    def may(self, requester: Requester) -> None:
        """Raise Denied for who does not sit at the desk."""
        if not self._sits(requester):
            raise Denied(self._closed)

    def reference(self, asking: Asking, stream: bytes) -> str:
        """Give the reference of a consent for addresses."""
        return self._opaque.shut("consent", asking.requester.organization, stream)

    # ── whom ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def by_name(self, asking: Asking, kana: str, birth: str) -> tuple[AtDesk, ...]:
        """Find by the whole kana name and birth date YYYY-MM-DD."""
        return self._by(asking, name_token(self._secrets, kana, birth))

    def by_number(self, asking: Asking, insurer: str, insured: str) -> tuple[AtDesk, ...]:
        """Find by insurer number and insured number of the care insurance."""
        return self._by(asking, self._secrets.token("insured", f"{insurer}:{insured}"))

    def _by(self, asking: Asking, token: bytes) -> tuple[AtDesk, ...]:
        """Find who bears a token in a record that the asker may search by: its own organization's; at the network's desk any."""
        self.may(asking.requester)
        anybody = asking.requester.kind == "network"
        with self._store.read() as tx:
            rows = resources.of_patients(tx, sorted(set(identities.by_token(tx, token))), ("Patient",))
            barred = directives.barred(tx, [row.patient for row in rows])
            mine = [r for r in rows if r.patient not in barred and (anybody or r.custodian == asking.requester.organization)]
            persons = {r.stream: identities.person_of(tx, r.stream) for r in mine}
        released = self._gate.release(asking, mine, about=tuple(dict.fromkeys(persons.values())))
        with self._store.read() as tx:
            shown = {g.row.stream: self._presenting(tx, g, asking.requester.organization) for g in released.given}
        first = {person: min(s for s, p in persons.items() if p == person) for person in persons.values()}
        found = [self._at_desk(asking, stream, shown.get(stream)) for stream in first.values() if anybody or stream in shown]
        return tuple(sorted(found, key=lambda one: one.reference))

    def _at_desk(self, asking: Asking, stream: bytes, shown: Presented | None) -> AtDesk:
        return AtDesk(self._opaque.shut("desk", asking.requester.organization, stream), shown)

    # ── what is on file ──────────────────────────────────────────────────────────────────────────────────────────────

    def file(self, asking: Asking, reference: str) -> PersonFile:
        """Give what is on file of the person of a reference. Raises Denied for other roles, NotFound where the desk is not theirs any more."""
        self.may(asking.requester)
        organization = asking.requester.organization
        stream = self._opaque.open("desk", organization, reference)
        with self._store.read() as tx:
            row = resources.newest(tx, stream)
            patients = tuple(identities.patients_of(tx, identities.person_of(tx, stream)))
            person = identities.person_of(tx, stream)
            if row is None or row.deleted or directives.barred(tx, patients):
                raise NotFound("HUB-5041")
            if asking.requester.kind != "network" and row.custodian != organization:
                raise NotFound("HUB-5041")
        released = self._gate.release(asking, [row], about=(person,))
        with self._store.read() as tx:
            shown = next((self._presenting(tx, g, organization) for g in released.given), None)
        if shown is None and asking.requester.kind != "network":
            raise NotFound("HUB-5041")
        return PersonFile(person, reference, shown, shown.id if shown else hub_id(stream), patients, self.of(asking, patients))

    def of(self, asking: Asking, patients: Sequence[bytes]) -> tuple[Filed, ...]:
        """Give the consents to share of these Patients that the asker may see, newest signature first."""
        with self._store.read() as tx:
            rows = resources.of_patients(tx, patients, ("Consent",))
        return self._filed(asking, rows, patients)

    def versions(self, asking: Asking, file: PersonFile, reference: str) -> tuple[Filed, ...]:
        """Give all versions of one consent, newest first; NotFound when none may be seen."""
        stream = self._opaque.open("consent", asking.requester.organization, reference)
        with self._store.read() as tx:
            rows = [r for r in resources.of_patients(tx, file.patients, ("Consent",), all_versions=True) if r.stream == stream]
        found = self._filed(asking, rows, file.patients)
        if not found:
            raise NotFound("HUB-5041")
        return tuple(sorted(found, key=lambda one: -one.shown.row.version))

    def one(self, asking: Asking, file: PersonFile, reference: str) -> Filed:
        """Give the newest version of one consent on file; NotFound."""
        stream = self._opaque.open("consent", asking.requester.organization, reference)
        found = next((one for one in file.consents if one.shown.row.stream == stream), None)
        if found is None:
            raise NotFound("HUB-5041")
        return found

    def paper(self, asking: Asking, reference: str) -> Paper:
        """Give the scan that a consent points to; NotFound when there is none, or it may not be seen."""
        number = reference.removeprefix("DocumentReference/")
        stream = stream_of(number) or namer(self._secrets, asking.requester.organization, MAIN)("DocumentReference", number)
        with self._store.read() as tx:
            row = resources.newest(tx, stream)
        if row is None or row.deleted or row.type != "DocumentReference":
            raise NotFound("HUB-5041")
        given = self._gate.release(asking, [row]).given
        with self._store.read() as tx:
            shown = next((self._presenting(tx, g, asking.requester.organization) for g in given), None)
        for content in shown.tree.get("content", ()) if shown is not None else ():
            attachment = content.get("attachment", {})
            try:
                return Paper(str(attachment["contentType"]), base64.b64decode(attachment["data"], validate=True))
            except (KeyError, binascii.Error):
                continue
        raise NotFound("HUB-5041")

    # ── shared ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _filed(self, asking: Asking, rows: Sequence[resources.Row], patients: Sequence[bytes]) -> tuple[Filed, ...]:
        organization = asking.requester.organization
        released = self._gate.release(asking, rows)
        with self._store.read() as tx:
            shown = [p for g in released.given if (p := self._presenting(tx, g, organization)) is not None]
            read = self._read(tx, patients, shown)
            newest = [d for p, d in read if p.row.newest]
            newest += [more for p, d in read if p.row.newest and (more := self._also_withdrawn(tx, p, d)) is not None]
        known = states(newest, self._gate.network, self._now())
        found = [self._one(asking, p, d, known) for p, d in read if d.speaks]
        return tuple(sorted(found, key=lambda one: (one.directive.at, one.shown.row.position), reverse=True))

    def _read(self, tx: Tx, patients: Sequence[bytes], shown: Iterable[Presented]) -> list[tuple[Presented, Directive]]:
        """Open the canonical forms of what was given, each under its own key."""
        cells = {(h.row.consent, h.row.version): h.row for h in directives.history(tx, patients) if h.row.key}
        found = []
        for p in shown:
            cell = cells.get((p.row.stream, p.row.version))
            if cell is not None and (said := self._opened(cell)) is not None:
                found.append((p, said))
        return found

    def _also_withdrawn(self, tx: Tx, shown: Presented, over: Directive) -> Directive | None:
        row = directives.version(tx, shown.row.stream, shown.row.version)
        before = (self._opened(one) for one in directives.earlier(tx, row)) if row is not None else ()
        return withdraws(over, (one for one in before if one is not None))

    def _opened(self, row: directives.DirectiveRow) -> Directive | None:
        return read_directive(self._keys, row.key, row.directive, row.event)

    def _one(self, asking: Asking, shown: Presented, directive: Directive, known: States) -> Filed:
        organization = asking.requester.organization
        reference = self._opaque.shut("consent", organization, shown.row.stream)
        state = known.get(directive.consent, "") if shown.row.newest else "old"
        return Filed(reference, shown, directive, shown.row.custodian == organization, state)


def _reference(value: Any) -> str:
    found = value.get("reference", "") if isinstance(value, Mapping) else ""
    return found if isinstance(found, str) else ""
