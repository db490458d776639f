"""The switch of a disaster (災害時の開示): two officers have declared it, and emergency doctors see the summary (facts §1.11 row 11, Art. 27(1)2)."""

from __future__ import annotations

from consent.ask import Ask, Decision, Network, Record
from consent.classes import data_class
from consent.granting import NO_REDISCLOSURE, Granted, at_most_normal, capped
from consent.selecting import Selected

_PURPOSES = frozenset({"TREAT", "ETREAT", "BTG"})
_SUMMARY = "S"


def by_disaster(ask: Ask, record: Record, on_file: Selected, network: Network, normal: Decision) -> Decision:
    """Open the summary where no other path gives anything; give `normal` where this one does not either.

    It overrides what an emergency access overrides, by the same rules of the network, and no more: a refusal of emergencies wins, what is
    labelled above N or not labelled stays shut, and of the family it tells nothing.
    """
    found = data_class(record.type, record.codes)
    if (
        not _switched_on(ask, network)
        or found is None
        or found.name != _SUMMARY
        or not at_most_normal(record)
        or on_file.emergency_refused
        or (on_file.unreadable and not network.emergency_overrides_unreadable)
        or (not network.emergency_overrides_optout and any(r.effect == "deny" for r in normal.consents))
    ):
        return normal
    trail = (*normal.trail, "disaster:on", "wish:no", "label:ok")
    opened = capped(
        ask, record, Granted("P-DISASTER", "JP-27-1-2-LIFE", trail, normal.consents, NO_REDISCLOSURE, family=not record.family), network
    )
    return opened if opened.gives else normal


def _switched_on(ask: Ask, network: Network) -> bool:
    """Check the switch: on now, for this organization, for somebody of the kinds and roles of emergencies, who treats."""
    switch, requester = ask.disaster, ask.requester
    return (
        switch is not None
        and switch.since <= ask.at < switch.until
        and requester.organization in switch.organizations
        and requester.kind in network.emergency_kinds
        and requester.role in network.emergency_roles
        and requester.resolved
        and bool(requester.person)
        and ask.purpose in _PURPOSES
    )
