"""The emergency path (緊急開示): only where the normal one does not give all, and only in an open session (facts §2.5 step 9, §7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from consent.ask import Ask, Decision, Network, Record
from consent.granting import WHOLE, Granted, capped
from consent.selecting import Selected

_AFTER_EMERGENCY = frozenset({"NOTIFY_PATIENT", "NOTIFY_PO", "REVIEW", "NORDSCLCD"})


def by_emergency(ask: Ask, record: Record, on_file: Selected, network: Network, normal: Decision) -> Decision:
    """Open the glass (緊急開示) where the normal path does not give all: life and body, Art. 27(1)2."""
    trail = (*normal.trail, "emergency:asked")
    if not _session_holds(ask, record, network):
        return Decision("deny", "D-BTG-INVALID", consents=normal.consents, trail=(*trail, "session:no"))
    if on_file.emergency_refused:
        obliged = frozenset({"NOTIFY_PO"})
        return Decision(
            "deny", "D-BTG-REFUSED", consents=normal.consents, obligations=obliged, trail=(*trail, "session:ok", "wish:refused")
        )
    trail = (*trail, "session:ok", "wish:no")
    if on_file.unreadable and not network.emergency_overrides_unreadable:
        return Decision("deny", "D-UNPARSABLE", trail=(*trail, "override:no"))
    if not network.emergency_overrides_optout and any(r.effect == "deny" for r in normal.consents):
        return replace(normal, trail=(*trail, "override:no"))
    level = record.labels.confidentiality
    if level is None or level == "V":
        reason = "R-LABEL" if level is None else "R-BTG-V"
        return Decision("redact", reason, consents=normal.consents, masks=WHOLE, trail=(*trail, "label:masked"))
    opened = Granted("P-BTG", "JP-EMERG", (*trail, "label:ok"), normal.consents, _AFTER_EMERGENCY, named=True)
    return capped(ask, record, opened, network)


def _session_holds(ask: Ask, record: Record, network: Network) -> bool:
    """Check the session: role, kind, one person, one patient, typed reason, attestation, second factor, time."""
    session, requester = ask.emergency, ask.requester
    return (
        session is not None
        and requester.kind in network.emergency_kinds
        and requester.role in network.emergency_roles
        and requester.resolved
        and bool(requester.person)
        and session.person == requester.person
        and (session.patient == record.patient or session.patient in record.same_person)
        and bool(session.reason.strip())
        and session.attested
        and session.second_factor
        and session.opened <= ask.at < min(session.closes, session.opened + timedelta(minutes=network.emergency_minutes))
    )
