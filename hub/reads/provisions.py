"""Records of provision: for officers all, for an organization what it gave; and what a person is told of who got or saw what about them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.ask import Decision
from hub.commands import Asking
from hub.followers.provisions import Providing
from hub.gate import Gate
from hub.log import signed_json, signed_pdf
from hub.log.certificates import Certified, certified
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.names import MAIN, hub_id
from hub.reads.audits import Auditing
from hub.reads.officers import LOOK, is_officer
from hub.reads.opaque import Opaque
from hub.region import Region
from hub.tables import apart, identities, provisions
from hub.tables.derive import namer
from hub.tables.provisions import Wanted
from hub.views import disclosure, disclosure_pdf
from hub.views.ages import JST
from hub.views.disclosure import Head, Sorted
from hub.views.pdf_file import Attached
from schemas.errors import Denied
from schemas.provision import ProvisionRow

PAGE, AT_ONCE = 50, 2_000
CUSTODIANS = frozenset({"privacy-officer", "clerk", "system"})
"""Roles that may list what their own organization gave."""
_TOLD = Decision("permit", "P-SUBJECT", "JP-SUBJECT", trail=("audit:yes",))
FILE = "disclosure"


@dataclass(frozen=True, slots=True)
class Asked:
    """What lines are asked for. Days, both included; `person` = an officer's opaque reference; `patient` = the organization's own number."""

    person: str = ""
    patient: str = ""
    custodian: str = ""
    receiver: str = ""
    since: date | None = None
    until: date | None = None
    third: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """One line with the pseudonym of whom it is about."""

    row: ProvisionRow
    pseudonym: str
    patient: str
    """`Patient/tsu-…`, for the organization whose Patient it is; empty for officers."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One page, newest first, with the cursor of the next."""

    told: tuple[Told, ...]
    next: str


class Provided:
    """The questions over their ports. Raises Denied (HUB-5190) for whoever is neither an officer nor of an organization that gave."""

    def __init__(
        self, *, store: Store, gate: Gate, opaque: Opaque, region: Region, secrets: Secrets, audit: Auditing, following: Providing,
        origin: str, now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._store, self._gate, self._opaque, self._region = store, gate, opaque, region
        self._secrets, self._audit, self._following, self._now = secrets, audit, following, now
        self._origin = origin
        self._key = Ed25519PrivateKey.from_private_bytes(secrets.signing)
        self.entities = {code: _entity(region, code) for code in region.offices}

    def certificate(self) -> Certified:
        """Give the certificate that signs documents."""
        return certified(self._secrets.signing, self._origin)

    # ── lines ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def listed(self, asking: Asking, asked: Asked, cursor: str = "", size: int = PAGE) -> Listed:
        """Give a page of lines; the look is recorded first."""
        organization = asking.requester.organization
        below: tuple[int, int] | None = None
        by = Wanted()
        if cursor:
            (rank, line), by = msgspec.msgpack.decode(
                self._opaque.open("provisions", organization, cursor), type=tuple[tuple[int, int], Wanted]
            )
            _may(asking, by.custodian)
            with self._store.read() as tx:
                below = apart.position_of(tx, rank), line
        else:
            by = self._wanted(asking, asked)
        self._gate.note(asking, by.patients[0] if by.patients else b"", LOOK)
        with self._store.read() as tx:
            rows = provisions.search(tx, by, limit=size + 1, below=below)
            told = tuple(self._told(tx, asking, rows[:size]))
            following = (apart.rank(tx, rows[size - 1].position), rows[size - 1].line) if len(rows) > size else None
        more = "" if following is None else self._opaque.shut("provisions", organization, msgspec.msgpack.encode((following, by)))
        return Listed(told, more)

    def every(self, asking: Asking, asked: Asked) -> Iterator[list[Told]]:
        """Give all lines up to this moment, oldest first, some at a time, in the memory of some; recorded before the first."""
        by = self._wanted(asking, asked)
        self._gate.note(asking, by.patients[0] if by.patients else b"", LOOK)
        with self._store.read() as tx:
            head = self._store.head(tx)
        return self._batches(asking, by, head)

    def _batches(self, asking: Asking, by: Wanted, head: int) -> Iterator[list[Told]]:
        after = (0, -1)
        while True:
            with self._store.read() as tx:
                rows = self._after(tx, by, after, head)
                told = list(self._told(tx, asking, rows))
            if not rows:
                return
            after = rows[-1].position, rows[-1].line
            yield told

    def _after(self, tx: Tx, by: Wanted, after: tuple[int, int], head: int) -> list[ProvisionRow]:
        rows = provisions.after(tx, by, after, until=head, limit=AT_ONCE)
        return rows or [row for row in self._following.coming(tx, head) if (row.position, row.line) > after and provisions.fits(row, by)]

    def _wanted(self, asking: Asking, asked: Asked) -> Wanted:
        organization = asking.requester.organization
        patients: tuple[bytes, ...] = ()
        custodian = asked.custodian
        if is_officer(asking):
            patients = self._audit.persons(asking, asked.person) if asked.person else ()
        else:
            custodian = organization
            if asked.patient:
                patients = (namer(self._secrets, organization, MAIN)("Patient", asked.patient),)
        _may(asking, custodian)
        return Wanted(patients, custodian, asked.receiver, *_span(asked.since, asked.until), asked.third)

    def _told(self, tx: Tx, asking: Asking, rows: list[ProvisionRow]) -> Iterator[Told]:
        own = not is_officer(asking)
        # to an organization its own Patient: by whom else the person is known would show in the name of the person
        people = {row.patient: row.patient for row in rows} if own else identities.groups(tx, {row.patient for row in rows}).person
        names = {person: self._audit.pseudonym(person) for person in set(people.values())}
        for row in rows:
            yield Told(row, names[people[row.patient]], f"Patient/{hub_id(row.patient)}" if own else "")

    # ── the person ───────────────────────────────────────────────────────────────────────────────────────────────────

    def officers_print(self, asking: Asking, person: str, since: date | None, until: date | None, form: str) -> bytes:
        """Give what a person is told, for an officer who answers the person's request; the disclosure is recorded first."""
        if not is_officer(asking):
            raise Denied("HUB-5043")
        opened = self._opaque.open("person", asking.requester.organization, person)
        asker = f"{self._region.name_of(asking.requester.organization)}（個人情報保護責任者が、ご本人または代理の方の求めを受けて作成）"
        return self.of_person(asking, opened, since, until, form, asker)

    def of_person(self, asking: Asking, person: bytes, since: date | None, until: date | None, form: str, asker: str) -> bytes:
        """Give the document about a person as `json` or `pdf`, signed, whole up to this moment. The caller answers for who asks.

        All Patients that are linked to the person at this moment are meant.
        """
        reference = self._gate.note(asking, person, _TOLD)
        now, by = self._now(), self.certificate()
        with self._store.read() as tx:
            lead = identities.person_of(tx, person)
            patients = tuple(dict.fromkeys((lead, *identities.patients_of(tx, lead))))
            rows = self._whole(tx, Wanted(patients, "", "", *_span(since, until), third=False))
        head = Head(
            person=self._audit.pseudonym(lead), asker=asker, reference=reference, made=now, since=since, until=until, network=self._region.name,
            edition=self._gate.network.version, certificate=by.fingerprint,
        )  # fmt: skip
        people = {user.id: user.name for user in self._region.users.values()}
        day = now.astimezone(JST).date()
        found = Sorted(rows, self._region.parties, entities=self.entities, day=day)
        signed = signed_json.sign(disclosure.document(head, found, people), name=self._origin, key=self._key)
        if form == "json":
            return signed
        office = self._region.offices[self._region.network]
        made = disclosure_pdf.pdf(
            head, found, people, office=self._region.parties.on(office.code, day), phone=office.phone,
            attached=Attached(f"{FILE}.json", "application/json", signed), name=os.urandom(16),
        )  # fmt: skip
        return signed_pdf.sign(made.data, made.gap, by)

    def _whole(self, tx: Tx, by: Wanted) -> list[ProvisionRow]:
        head = self._store.head(tx)
        rows = [row for batch in provisions.ascending(tx, by, until=head, at_once=100_000) for row in batch]
        return rows + [row for row in self._following.coming(tx, head) if provisions.fits(row, by)]


def _may(asking: Asking, custodian: str) -> None:
    if is_officer(asking):
        return
    requester = asking.requester
    if requester.kind == "network" or requester.role not in CUSTODIANS or custodian != requester.organization:
        raise Denied("HUB-5190")


def _span(since: date | None, until: date | None) -> tuple[int | None, int | None]:
    return (
        disclosure.milliseconds(since) if since else None,
        disclosure.milliseconds(until + timedelta(days=1)) if until else None,
    )


def _entity(region: Region, code: str) -> str:
    """Give the legal entity that an organization is of in the end."""
    while (above := region.offices[code].entity) and above in region.offices:
        code = above
    return code
