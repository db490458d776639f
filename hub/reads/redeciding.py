"""Decisions of the past, decided again as of then: for a question that is put now, and for one that was recorded, to prove that it comes out the same.

For the network's officers alone. Each look is itself recorded. Nothing is released on what is decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from consent.ask import Decision, Network, Requester
from consent.words import basis_words, reason_words
from hub.clock import moment
from hub.commands import Asking
from hub.gate import Gate, summed_up
from hub.log.event import Recorded, open_event
from hub.log.keys import Keyring
from hub.log.store import Store, Tx
from hub.names import stream_of
from hub.reads.officers import LOOK, officer
from hub.reads.past import Past
from hub.tables import decisions, identities, resources
from hub.tables.decisions import Filter
from hub.tables.resources import Row
from schemas import events
from schemas.errors import NotFound
from schemas.events import SeenRow

_NOT_DECIDED = frozenset({"P-AUDIT"})
"""Reasons of records of a use that was no question about resources."""


@dataclass(frozen=True, slots=True)
class Question:
    """Who asks for which version of which resource: `number` is the hub's id; `version` None = the newest as of then."""

    requester: Requester
    purpose: str
    type: str
    number: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class _Base:
    """What a recorded decision was taken on: the log up to a position, at a moment."""

    position: int
    at: datetime


class Redeciding:
    """The two questions over their ports."""

    def __init__(self, *, store: Store, keys: Keyring, gate: Gate, now: Callable[[], datetime]) -> None:
        self._store, self._keys, self._gate, self._now = store, keys, gate, now

    # ── a question put now ───────────────────────────────────────────────────────────────────────────────────────────

    def asked(self, asking: Asking, question: Question, past: Past | None) -> dict[str, Any]:
        """Decide a question as of a moment (None = now). Raises Denied, and NotFound when there was no such resource then."""
        officer(asking)
        stream = stream_of(question.number)
        with self._store.read() as tx:
            base = _Base(past.position, past.at) if past else _Base(self._store.head(tx), self._now())
            row = self._row(tx, stream, question, base) if stream else None
            if row is None:
                raise NotFound("HUB-5041")
            person = identities.person_of(tx, row.patient) if row.patient else b""
            put = Asking(question.requester, question.purpose, asking.request, "read")
            (decision,) = self._gate.as_of(tx, put, [row], position=base.position, at=base.at)
        self._gate.note(past.named(asking) if past else asking, person, LOOK)
        return {
            "at": _instant(base.at), "network": self._gate.networks.at(base.at).version, **_asker(question.requester, question.purpose),
            "resource": {"type": row.type, "id": question.number, "version": row.version}, **_told(decision),
            "masks": sorted(decision.masks),
        }  # fmt: skip

    @staticmethod
    def _row(tx: Tx, stream: bytes, question: Question, base: _Base) -> Row | None:
        number = question.version
        row = resources.as_of(tx, stream, base.position) if number is None else resources.version(tx, stream, number)
        return row if row is not None and row.type == question.type and not row.deleted and row.position <= base.position else None

    # ── one that was recorded ────────────────────────────────────────────────────────────────────────────────────────

    def recorded(self, asking: Asking, reference: str) -> dict[str, Any]:
        """Decide a recorded question again, on what its decision was taken on, and say whether it comes out the same.

        `same` is None where it cannot be decided again: it was no question about resources, or a key was erased since.
        """
        officer(asking)
        with self._store.read() as tx:
            rows = decisions.search(tx, Filter(reference=reference), limit=1) if reference else []
            event = self._store.event(tx, rows[0].position) if rows else None
            body = open_event(self._keys, event) if event is not None else None
            if event is None or body is None:
                raise NotFound("HUB-5041")
            made = self._again(tx, event, msgspec.json.decode(body, type=events.Decided))
        self._gate.note(asking, rows[0].person, LOOK)
        return made

    def _again(self, tx: Tx, event: Recorded, was: events.Decided) -> dict[str, Any]:
        base = _Base(self._before(tx, event) if was.action == "write" else event.position - 1, moment(event.header.recorded))
        requester = Requester(was.organization, was.kind, was.role, was.user)  # type: ignore[arg-type]  # kind and role were known when the decision was recorded
        asker = Asking(requester, was.purpose, was.request, was.action)
        head = {
            "reference": was.reference, "at": _instant(base.at), **_asker(requester, was.purpose), "action": was.action,
            "network": {"then": was.network, "now": self._gate.network.version, "there": self._gate.networks.edition(was.network) is not None},
        }  # fmt: skip
        if was.reason in _NOT_DECIDED:
            return {**head, "same": None, "why": "not-decided", "recorded": _recorded(was)}
        rules = self._gate.networks.edition(was.network)
        if rules is None:
            return {**head, "same": None, "why": "rules-gone", "recorded": _recorded(was)}
        seen: list[SeenRow] = []
        if was.action == "write":
            given = self._collected(tx, asker, event, was, base, rules)
        else:
            known = [self._version(tx, s) for s in was.seen]
            if any(row is None or self._gate.record(row) is None for row in known):
                return {**head, "same": None, "why": "erased", "recorded": _recorded(was)}
            held = [row for row in known if row is not None]
            # a session that was open and that nothing came to rest on is not named: it may have lent its purpose for all that
            for session in (was.session, None) if not was.session and requester.person else (was.session,):
                given = self._gate.as_of(tx, asker, held, position=base.position, at=base.at, rules=rules, session=session)
                seen = [_again(s, d) for s, d in zip(was.seen, given, strict=True)]
                if tuple(seen) == was.seen:
                    break
        lead, effect, obligations = summed_up(given)
        now = {**_told(lead), "effect": effect, "obligations": list(obligations)}
        differs = [name for name, told in _recorded(was).items() if now[name] != told]
        unlike = [i for i, (a, b) in enumerate(zip(was.seen, seen, strict=False)) if a != b]
        return {
            **head, "same": not differs and not unlike, "differs": differs, "recorded": _recorded(was), "recomputed": now,
            "resources": [_row_told(s, seen[i] if seen else None) for i, s in enumerate(was.seen)],
        }  # fmt: skip

    def _collected(self, tx: Tx, asker: Asking, event: Recorded, was: events.Decided, base: _Base, rules: Network) -> list[Decision]:
        """Decide again whether data might be taken in: by what was in force before the submission that brought it."""
        known = [row for s in was.seen if (row := self._version(tx, s)) is not None]
        patient = known[0].patient if known else event.header.patient
        people = identities.groups(tx, [patient], base.position)
        kinds = {"Consent"} if "consent-itself:yes" in was.trail else {"Consent", "*"}
        return [d for _, d in self._gate.collect(tx, asker, {patient: kinds}, people, base.at, base.position, rules=rules)]

    def _before(self, tx: Tx, event: Recorded) -> int:
        """Give the last position before the submission that a decision on taking in came with."""
        at = event.position - 1
        while at and (one := self._store.event(tx, at)) is not None:
            if one.topic != events.ACCESS_DECIDED:
                span = self._store.submission(tx, one.header.submission) if one.header.submission else None
                return span[0] - 1 if span is not None and span[0] <= event.position <= span[1] else event.position - 1
            at -= 1
        return event.position - 1

    @staticmethod
    def _version(tx: Tx, seen: SeenRow) -> Row | None:
        stream = stream_of(seen.id)
        return resources.version(tx, stream, seen.version) if stream is not None else None


def _asker(requester: Requester, purpose: str) -> dict[str, Any]:
    return {
        "organization": requester.organization, "kind": requester.kind, "role": requester.role, "user": requester.person, "purpose": purpose,
    }  # fmt: skip


def _told(decision: Decision) -> dict[str, Any]:
    return {
        "effect": decision.effect, "reason": decision.reason, "reason_ja": reason_words(decision.reason)[0], "basis": decision.basis,
        "basis_ja": basis_words(decision.basis)[0] if decision.basis else "", "obligations": sorted(decision.obligations),
        "trail": list(decision.trail),
        "consents": [{"consent": c.consent, "version": c.version, "effect": c.effect} for c in decision.consents],
    }  # fmt: skip


def _recorded(was: events.Decided) -> dict[str, Any]:
    """Give a recorded decision in the words of `_told`, to be compared."""
    return {
        "effect": was.effect, "reason": was.reason, "basis": was.basis, "obligations": list(was.obligations), "trail": list(was.trail),
        "consents": [{"consent": c, "version": v, "effect": e} for c, v, e in was.consents],
    }  # fmt: skip


def _again(was: SeenRow, decision: Decision) -> SeenRow:
    masks = tuple(sorted(decision.masks))
    return SeenRow(was.type, was.id, was.version, decision.effect, decision.reason, decision.basis, masks, was.owner)


def _row_told(was: SeenRow, now: SeenRow | None) -> dict[str, Any]:
    told = {"type": was.type, "id": was.id, "version": was.version}
    if now is None:
        return told
    return {**told, "recorded": _seen(was), "recomputed": _seen(now), "same": was == now}


def _seen(row: SeenRow) -> dict[str, Any]:
    return {"effect": row.effect, "reason": row.reason, "basis": row.basis, "masks": list(row.masks)}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
