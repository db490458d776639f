"""Whom the recipients of a consent mean, at the moment of asking: members of Groups and CareTeams, holders of roles, offices of a legal entity.

What counts was written by the consent's own custodian or by the network's office: nobody comes to be meant by what they wrote themselves. Of
whom it cannot be told for sure (unreadable, taken back, written by another, too deep) the requester stays `unsure`: a permit does not apply
to it, a refusal does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from consent.ask import Requester
from consent.directive import Directive, Rule
from hub.gate.membership import MOST, OFFICE, Answer, Meant, Membership
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Tx
from hub.names import MAIN, stream_of
from hub.region import Region
from hub.tables import actors
from hub.tables.actors import ActorRow
from hub.tables.belonging import Belonging
from hub.tables.derive import office_token, open_belonging
from schemas.errors import Refusal

_KEEP = 20_000
Named = Mapping[str, frozenset[str]]
"""Recipient that consents of a person name → custodians of all consents that name it."""


def named(directives: Iterable[Directive]) -> Named:
    """Give all recipients that these consents name."""
    found: dict[str, frozenset[str]] = {}
    for one in directives:
        for recipient in frozenset(_recipients(one.root)):
            found[recipient] = found.get(recipient, frozenset()) | {one.custodian}
    return found


def _recipients(rule: Rule) -> Iterator[str]:
    yield from rule.recipients
    for inner in rule.rules:
        yield from _recipients(inner)


class Actors:
    """Resolves requesters over the ports. Thread-safe."""

    def __init__(self, *, keys: Keyring, secrets: Secrets, region: Region) -> None:
        self._keys, self._secrets, self._region = keys, secrets, region
        self._opened: dict[bytes, Belonging] = {}
        """By event; given only after their key was found."""

    def look(self, tx: Tx, requester: Requester, at: datetime, position: int | None = None, compartment: str = MAIN) -> Resolution:
        """Begin to resolve a requester inside one snapshot, now or as of a position."""
        return Resolution(self, tx, Meant(requester, at, position, compartment), self._region)

    def parents(self, tx: Tx, code: str, meant: Meant) -> Iterator[tuple[str, str]]:
        """Give what the network's office and the office itself say of what it is part of: (code, who says so)."""
        token = office_token(self._secrets, OFFICE + code)
        for row in actors.offices(tx, token, sorted({self._region.network, code}), meant.position, meant.compartment):
            cell = self.opened(row)
            if cell is None or not cell.open:
                continue
            for parent in cell.members:
                if (name := self._name(tx, parent.who, row.custodian, meant)) is not None:
                    yield name, row.custodian

    def _name(self, tx: Tx, who: str, custodian: str, meant: Meant) -> str | None:
        """Give the code of an office that is named by number or by an Organization of the same custodian; None when it is none that is registered."""
        stream = stream_of(who.partition("/")[2])
        if stream is not None:
            row = actors.of(tx, [stream], meant.position, meant.compartment).get(stream)
            cell = self.opened(row) if row is not None and row.custodian == custodian else None
            who = next(iter(cell.names), "") if cell is not None else ""
        code = who.removeprefix(OFFICE)
        return code if code in self._region.offices else None

    def opened(self, row: ActorRow) -> Belonging | None:
        """Open a cell; None when it was taken back, its key was erased, or it cannot be read."""
        key = self._keys.held(row.key) if row.cell else None
        if key is None:
            return None
        if (known := self._opened.get(row.event)) is not None:
            return known
        try:
            made = open_belonging(key, row.cell, row.event)
        except (Refusal, ValueError):  # what cannot be read says nothing: the requester stays unsure
            return None
        if len(self._opened) >= _KEEP:
            self._opened.clear()
        self._opened[row.event] = made
        return made


class Resolution:
    """One requester inside one snapshot, resolved for as many persons as are asked about."""

    def __init__(self, resolving: Actors, tx: Tx, meant: Meant, region: Region) -> None:
        self._resolving, self._tx, self._meant, self._region = resolving, tx, meant, region
        self._above: tuple[frozenset[str], frozenset[str]] | None = None
        self._membership: Membership | None = None
        self._answers: dict[tuple[str, frozenset[str]], Answer] = {}
        self._made: dict[tuple[tuple[str, frozenset[str]], ...], Requester] = {}
        self._moved = 0

    def requester(self, recipients: Named) -> Requester:
        """Give the requester with its groups, legal entities and what is unsure, as far as these recipients ask for it."""
        name = tuple(sorted((r, w) for r, w in recipients.items() if not r.startswith("Practitioner/")))
        if not name:
            return self._meant.requester
        if name not in self._made:
            self._made[name] = self._resolved(name)
        return self._made[name]

    def stands(self, later: Tx) -> bool:
        """Say whether a later snapshot would resolve the same."""
        if not self._made or actors.moved(later) == self._moved:
            return True
        again = Resolution(self._resolving, later, self._meant, self._region)
        return all(again.requester(dict(name)) == made for name, made in self._made.items())

    def _resolved(self, recipients: tuple[tuple[str, frozenset[str]], ...]) -> Requester:
        if self._above is None:
            self._moved = actors.moved(self._tx)
            self._above = self._entities()
        entities, maybe = self._above
        groups, unsure = set[str](), set(maybe)
        for reference, custodians in recipients:
            if reference.startswith(OFFICE):
                continue
            # what several custodians name, one of them could widen for the others: then the network's office alone is trusted
            trusted = frozenset({self._region.network, *(custodians if len(custodians) == 1 else ())})
            answer = self._holds(reference, trusted)
            if answer:
                groups.add(reference)
            elif answer is None:
                unsure.add(reference)
        if not (entities or groups or unsure):
            return self._meant.requester
        return replace(self._meant.requester, groups=frozenset(groups), entities=entities, unsure=frozenset(unsure))

    def _holds(self, reference: str, trusted: frozenset[str]) -> Answer:
        if (reference, trusted) not in self._answers:
            if self._membership is None:
                self._membership = Membership(self._tx, self._meant, self._resolving.opened, *(self._above or ((), ())))
            self._answers[reference, trusted] = self._membership.holds(reference, trusted)
        return self._answers[reference, trusted]

    def _entities(self) -> tuple[frozenset[str], frozenset[str]]:
        """Give the codes of what the requester's office is part of, and as recipients those that it alone says so of itself."""
        own = self._meant.requester.organization
        surely, maybe, waiting = set[str](), set[str](), [own]
        while waiting and len(surely) < MOST:
            code = waiting.pop()
            if not code or code in surely:
                continue
            surely.add(code)
            office = self._region.offices.get(code)
            waiting.append(office.entity if office is not None else "")
            for parent, told_by in self._resolving.parents(self._tx, code, self._meant):
                if told_by == self._region.network:
                    waiting.append(parent)
                else:
                    maybe.add(parent)
        surely.discard(own)
        return frozenset(surely), frozenset(OFFICE + code for code in maybe - surely)
