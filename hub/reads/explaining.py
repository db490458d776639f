"""なぜ見えた・なぜ見えない: a recorded decision with the consents that decided, and a question that nobody asked, both as of their own moment.

For officers alone; each look is recorded. Of consents their canonical form is opened, of records nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from consent.ask import Decision, Requester
from consent.rules import Directive
from hub.commands import Asking
from hub.gate import Gate
from hub.log.keys import Keyring
from hub.log.store import Store, Tx
from hub.names import hub_id, stream_of
from hub.reads.audits import Auditing
from hub.reads.officers import LOOK, officer
from hub.reads.opaque import Opaque
from hub.reads.past import Past
from hub.reads.redeciding import Question, Redeciding
from hub.tables import directives, identities, resources
from hub.tables.derive import read_directive
from hub.tables.directives import DirectiveRow
from hub.tables.resources import Row
from hub.views.audit_shapes import Decided
from schemas.errors import NotFound

MOST = 5_000
"""Records of a question at most; what is beyond is not decided, and told."""
NAMED = 5


@dataclass(frozen=True, slots=True)
class Spoke:
    """A consent that took part in a decision, as it was then. `directive` None = its key was erased."""

    consent: str
    version: int
    effect: str
    directive: Directive | None


@dataclass(frozen=True, slots=True)
class Explained:
    """A recorded decision, what comes out when it is taken again, and the consents that spoke."""

    decided: Decided
    again: dict[str, Any]
    consents: tuple[Spoke, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question about a person: who would have seen which type of resource. `type` empty = all."""

    requester: Requester
    purpose: str
    person: str
    """Opaque reference."""
    type: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Records that came out alike. `resources` names some of them (`Type/tsu-…`), `number` counts all."""

    decision: Decision
    types: tuple[tuple[str, int], ...]
    number: int
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a question came to. `consents` = all that were in force then, whether or not they spoke. `left` = records that were not looked at."""

    at: datetime
    network: str
    requester: Requester
    purpose: str
    pseudonym: str
    groups: tuple[Group, ...]
    consents: tuple[Spoke, ...]
    left: int = 0


class Explaining:
    """These questions over their ports. All raise Denied for anybody but officers."""

    def __init__(
        self, *, store: Store, keys: Keyring, gate: Gate, opaque: Opaque, audit: Auditing, redecide: Redeciding, now: Callable[[], datetime]
    ) -> None:
        self._store, self._keys, self._gate, self._opaque = store, keys, gate, opaque
        self._audit, self._redecide, self._now = audit, redecide, now

    def recorded(self, asking: Asking, reference: str) -> Explained:
        """Explain a recorded decision. Raises NotFound."""
        officer(asking)
        again = self._redecide.recorded(asking, reference)
        decided = self._audit.one(asking, reference)
        with self._store.read() as tx:
            spoke = tuple(self._spoke(tx, *one) for one in decided.consents)
        return Explained(decided, again, spoke)

    def asked(self, asking: Asking, wanted: Wanted, past: Past | None) -> Answered:
        """Decide what somebody would have seen of a person at a moment (None = now). Raises NotFound for a person who is not known here."""
        officer(asking)
        person = self._opaque.open("person", asking.requester.organization, wanted.person)
        with self._store.read() as tx:
            position, at = (past.position, past.at) if past else (self._store.head(tx), self._now())
            patients = identities.patients_of(tx, person)
            rows = resources.of_patients(tx, patients, (wanted.type,) if wanted.type else (), until=position)
            answer = self._answer(tx, asking, wanted, rows[:MOST], patients, position=position, at=at)
        self._gate.note(past.named(asking) if past else asking, person, LOOK)
        return replace(answer, pseudonym=self._audit.pseudonym(person), left=max(len(rows) - MOST, 0))

    def of_resource(self, asking: Asking, question: Question, past: Past | None) -> Answered:
        """Decide the same for one resource. Raises NotFound when there was no such resource then."""
        officer(asking)
        stream = stream_of(question.number)
        with self._store.read() as tx:
            position, at = (past.position, past.at) if past else (self._store.head(tx), self._now())
            row = resources.as_of(tx, stream, position) if stream else None
            if row is None or row.deleted or row.type != question.type:
                raise NotFound("HUB-5041")
            person = identities.person_of(tx, row.patient) if row.patient else b""
            patients = identities.patients_of(tx, person) if person else []
            wanted = Wanted(question.requester, question.purpose, "", row.type)
            answer = self._answer(tx, asking, wanted, [row], patients, position=position, at=at)
        self._gate.note(past.named(asking) if past else asking, person, LOOK)
        return replace(answer, pseudonym=self._audit.pseudonym(person) if person else "")

    def _answer(
        self, tx: Tx, asking: Asking, wanted: Wanted, rows: list[Row], patients: Iterable[bytes], *, position: int, at: datetime
    ) -> Answered:
        put = Asking(wanted.requester, wanted.purpose, asking.request, "read")
        decided = self._gate.as_of(tx, put, rows, position=position, at=at) if rows else []
        spoke: dict[tuple[str, int], set[str]] = {}
        for consent in (c for d in decided for c in d.consents):
            spoke.setdefault((consent.consent, consent.version), set()).add(consent.effect)
        then = {p for patient in patients for p in identities.patients_of(tx, identities.person_of(tx, patient, position), position)}
        held = [self._held(row) for row in directives.in_force(tx, then, position) if row.key]
        consents = tuple(replace(one, effect=_together(spoke.get((one.consent, one.version), set()))) for one in held)
        return Answered(at, self._gate.networks.at(at).version, wanted.requester, wanted.purpose, "", _grouped(rows, decided), consents)

    def _held(self, row: DirectiveRow) -> Spoke:
        return Spoke(f"Consent/{hub_id(row.consent)}", row.version, "", self._open(row))

    def _spoke(self, tx: Tx, consent: str, version: int, effect: str) -> Spoke:
        stream = stream_of(consent.removeprefix("Consent/"))
        row = directives.version(tx, stream, version) if stream else None
        return Spoke(consent, version, effect, self._open(row) if row is not None and row.key else None)

    def _open(self, row: DirectiveRow) -> Directive | None:
        said = read_directive(self._keys, row.key, row.directive, row.event)
        return replace(said, version=row.version) if said is not None else None


def _together(effects: set[str]) -> str:
    """Say in one word what a consent said of many records; `both` = yes to some and no to others."""
    if {"permit", "deny"} <= effects:
        return "both"
    return next((one for one in ("permit", "deny", "not-covered") if one in effects), "")


def _grouped(rows: list[Row], decided: list[Decision]) -> tuple[Group, ...]:
    """Put together what came out alike, what is given first."""
    found: dict[tuple[object, ...], list[tuple[Row, Decision]]] = {}
    for row, one in zip(rows, decided, strict=True):
        found.setdefault((one.effect, one.reason, one.basis, one.masks, one.trail, one.consents), []).append((row, one))
    groups = []
    for alike in found.values():
        types: dict[str, int] = {}
        for row, _ in alike:
            types[row.type] = types.get(row.type, 0) + 1
        names = tuple(f"{row.type}/{hub_id(row.stream)}" for row, _ in alike[:NAMED])
        groups.append(Group(alike[0][1], tuple(sorted(types.items())), len(alike), names))
    return tuple(sorted(groups, key=lambda g: (not g.decision.gives, -g.number, g.decision.reason)))
