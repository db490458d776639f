"""Whether a consent has an effect now, as far as the consents tell that somebody may see. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from consent.ask import Network
from consent.rules import CONFIRMATION, RESERVATION, Directive
from consent.selecting import confirmed_until, confirms, select

States = Mapping[str, str]
"""Consent (`Consent/tsu-…`) → its state."""


def states(directives: Sequence[Directive], network: Network, at: datetime) -> States:
    """Give the state of each: active, later (not begun), ended, replaced (by a newer one of its group), withdrawn, unreadable."""
    found: dict[str, str] = {}
    for d in directives:
        found[d.consent] = _state(d, directives, network, at)
    return found


def _state(d: Directive, directives: Sequence[Directive], network: Network, at: datetime) -> str:
    if not d.readable:
        return "unreadable"
    if d.status != "active":
        return "withdrawn"
    if d.policy_uri == CONFIRMATION:
        return "active" if confirms(d, directives, network, at) else "withdrawn" if at < confirmed_until(d, network) else "ended"
    if d.root.ends is not None and d.root.ends <= at:
        return "ended"
    if d.root.begins is not None and d.root.begins > at:
        return "later"
    if d.policy_uri == RESERVATION:
        return "active"
    custodian = d.custodian if d.controller in network.controllers else d.controller
    live = {one.directive.consent: one.void for one in select(custodian, directives, network, at).live}
    if d.consent not in live:
        return "replaced"
    return "withdrawn" if live[d.consent] and d.root.effect == "permit" else "active"
