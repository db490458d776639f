"""The record of a decision: one event for each request about each person, under the asking organization's key (docs/decisions/0003)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from consent.ask import Decision
from consent.times import tokyo_day
from consent.words import ground_name
from hub.clock import milliseconds
from hub.commands import Asking
from hub.gate.querying import queried
from hub.log.envelope import Header
from hub.log.event import NewEvent, seal_json
from hub.log.keys import DataKey, Keyring
from hub.log.secrets import Secrets
from hub.names import MAIN, event_id, hub_id, reference
from hub.tables.resources import Row
from schemas.events import ACCESS_DECIDED, JSON, Decided, Effect, Owner, SeenRow

AUDIT = "audit"
"""Compartment of the keys that decisions are sealed under: one for each asking organization, so that erasing a person leaves the audit whole."""
Items = Sequence[tuple[Decision, Sequence[SeenRow]]]


class Recording:
    """Makes these events."""

    def __init__(self, *, keys: Keyring, secrets: Secrets) -> None:
        self._keys, self._secrets = keys, secrets

    def event(
        self,
        asking: Asking,
        person: bytes,
        items: Items,
        at: datetime,
        *,
        rules: str,
        session: str = "",
        switch: str = "",
        owners: tuple[Owner, ...] = (),
        persons: DataKey | None = None,
    ) -> tuple[NewEvent, str]:
        """Make the event of one request about one person; give its reference too.

        `rules` = edition of the network's rules that held; `session`, `switch` = the break-glass session and the switch of a disaster that
        were asked, recorded where anything came of them, a refusal too; `persons` = the person's own key, for a query that could name the person.
        """
        lead, effect, obligations = summed_up([d for d, _ in items])
        name = reference()
        requester = asking.requester
        recorded = milliseconds(at)
        event = event_id(recorded)
        stream = os.urandom(16)
        body = Decided(
            reference=name,
            request=asking.request,
            organization=requester.organization,
            kind=requester.kind,
            role=requester.role,
            user=requester.person,
            purpose=asking.purpose,
            action=asking.action,
            effect=effect,
            reason=lead.reason,
            basis=lead.basis,
            network=rules,
            grounds=tuple(ground_name(basis, tokyo_day(at)) for basis in sorted({d.basis for d, _ in items if d.basis})),
            statute=lead.statute,
            consents=tuple((c.consent, c.version, c.effect) for c in lead.consents),
            trail=lead.trail,
            obligations=obligations,
            seen=tuple(s for _, rows in items for s in rows),
            session=_rests_on(items, session, switch),
            asof=asking.asof,
            owners=owners,
            address=asking.came.address,
            interaction=asking.came.interaction,
            channel=asking.came.channel,
            query=queried(asking.came.query, persons, stream=stream, event=event),
        )
        place = asking.compartment
        secrets = self._secrets.within(place)
        key = self._keys.of(secrets.name("audit", requester.organization), AUDIT if place == MAIN else f"{AUDIT}/{place}")
        header = Header(
            event=event, submission=b"", recorded=recorded, occurred=0, schema=JSON, shard=0, compartment=place, custodian=requester.organization,
            kind="AccessDecided", patient=person, pseudonym=secrets.pseudonym(person) if person else b"", key=key.key_id, digest=b"",
            confidentiality="", sensitivities=(),
        )  # fmt: skip
        return NewEvent(stream, ACCESS_DECIDED, header, seal_json(key, body, stream=stream, event=event), version=1, rows=body), name


def _rests_on(items: Items, session: str, switch: str) -> str:
    if session and any("emergency:asked" in d.trail for d, _ in items):
        return session
    return switch if any("disaster:on" in d.trail for d, _ in items) else ""


def seen_rows(decided: Iterable[tuple[Decision, Row]]) -> tuple[Items, tuple[Owner, ...]]:
    """Say of resources what was decided, and whose they are."""
    owners: dict[tuple[str, bytes], int] = {}
    items = [(decision, (_seen(row, decision, owners.setdefault((row.custodian, row.patient), len(owners))),)) for decision, row in decided]
    return items, tuple(Owner(custodian, hub_id(patient) if patient else "") for custodian, patient in owners)


def _seen(row: Row, decision: Decision, owner: int) -> SeenRow:
    return SeenRow(
        row.type, hub_id(row.stream), row.version, decision.effect, decision.reason, decision.basis, tuple(sorted(decision.masks)), owner
    )


def summed_up(decisions: Sequence[Decision]) -> tuple[Decision, Effect, tuple[str, ...]]:
    """Give what one request about one person came to: the decision that speaks for it, its effect, its obligations."""
    return _lead(decisions), _effect(decisions), tuple(sorted({o for d in decisions for o in d.obligations}))


def _lead(decisions: Sequence[Decision]) -> Decision:
    """Give the decision that speaks for the request: the commonest of those that gave something, else the commonest refusal."""
    if not decisions:
        return Decision("deny", "D-NOTHING", trail=("found:no",))
    given = [d for d in decisions if d.gives] or list(decisions)
    reason, _ = Counter(d.reason for d in given).most_common(1)[0]
    return next(d for d in given if d.reason == reason)


def _effect(decisions: Sequence[Decision]) -> Effect:
    if not any(d.gives for d in decisions):
        return "deny"
    return "permit" if all(d.effect == "permit" for d in decisions) else "redact"
