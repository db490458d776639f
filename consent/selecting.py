"""Which of a person's consents speak for a record at a moment (consent-and-audit facts §2.5, steps 4 and 5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from consent.ask import Network
from consent.capacity import OF_NECESSITY, Capacity, may_permit
from consent.rules import Directive

_REFUSING = frozenset({"inactive", "rejected"})
_Group = tuple[str, str, bool]
"""Controller (empty = the whole network), policy, whether a proxy consents: consents of one group replace each other."""


class Live(NamedTuple):
    """A consent in force. A `void` one no longer permits, but what it denies still holds."""

    directive: Directive
    void: bool = False


class Selected(NamedTuple):
    """What is on file for a question."""

    live: tuple[Live, ...] = ()
    unreadable: bool = False
    """An active consent cannot be read."""
    expired: bool = False
    """A consent is outside its period."""
    withdrawn: bool = False
    """A consent was withdrawn, or the person declined to give one."""
    emergency_refused: bool = False


def select(
    custodian: str, directives: Sequence[Directive], network: Network, at: datetime, capacity: Sequence[Capacity] = ()
) -> Selected:  # fmt: skip
    """Choose the newest consent of each group (controller, policy, self or proxy); at the same instant all stay.

    A consent that was withdrawn after an older one was signed leaves that one void: a withdrawal must not bring an earlier permit back.
    """
    groups: dict[_Group, list[Directive]] = {}
    withdrawn: dict[_Group, datetime] = {}
    unreadable = False
    for d in directives:
        if not d.speaks or d.at > at or (d.status != "active" and d.status not in _REFUSING):
            continue
        wide = d.controller in network.controllers
        if not wide and d.controller != custodian:
            continue
        if d.proxy and not _has_power(d, network, at):
            continue
        group = ("" if wide else d.controller, d.policy_uri, bool(d.proxy))
        if d.status in _REFUSING:
            withdrawn[group] = max(withdrawn.get(group, d.at), d.at)
        elif not d.readable:
            unreadable = True
        else:
            groups.setdefault(group, []).append(d)
    live: list[Live] = []
    expired = refused = False
    for group, members in groups.items():
        newest = members[0].at if len(members) == 1 else max(d.at for d in members)
        void = group in withdrawn and withdrawn[group] > newest
        for d in members:
            if d.at < newest:
                continue
            if _in_force(d, at):
                live.append(Live(d, void or not _may_speak(d, network) or not may_permit(d, capacity, network, at)))
            else:
                expired = True
        refused = refused or _refuses_emergency(members, at)
    live = _without_replaced(live)
    if len(live) > 1:
        live.sort(key=lambda one: (one.directive.consent, one.directive.version))
    return Selected(tuple(live), unreadable, expired, bool(withdrawn), refused)


def _without_replaced(live: list[Live]) -> list[Live]:
    """Leave out what a family member without power by law said before the person's own consent of the same matter."""
    own = [one.directive for one in live if not one.directive.proxy]
    return [
        one
        for one in live
        if one.directive.proxy != OF_NECESSITY
        or not any(
            d.at > one.directive.at and (d.controller, d.policy_uri) == (one.directive.controller, one.directive.policy_uri) for d in own
        )
    ]


def _has_power(d: Directive, network: Network, at: datetime) -> bool:
    return d.proxy_verified and d.proxy in network.proxy_kinds and (d.proxy_until is None or at < d.proxy_until)


def _may_speak(d: Directive, network: Network) -> bool:
    """Say whether who recorded it may permit in the controller's name: the custodian itself, the network's desk, or anybody for the network."""
    return d.controller in network.controllers or d.custodian == d.controller or d.custodian in network.controllers


def _in_force(d: Directive, at: datetime) -> bool:
    begins, ends = d.root.begins, d.root.ends
    return (begins is None or at >= begins) and (ends is None or at < ends)


def _refuses_emergency(members: Sequence[Directive], at: datetime) -> bool:
    """Say whether the newest answer to the question of emergencies is no: a later consent that did not ask does not take it back."""
    asked = [d for d in members if d.emergency != "unasked" and _in_force(d, at)]
    if not asked:
        return False
    newest = max(d.at for d in asked)
    return any(d.at == newest and d.emergency == "refuse" for d in asked)


def refuses_hub(custodian: str, directives: Sequence[Directive], network: Network, at: datetime) -> Directive | None:
    """Give the consent by which the person refuses the hub itself, for the network or for this custodian.

    It ends when it is withdrawn, when its period is over, or when a later consent of its group permits; a later opt-out does not end it.
    """
    speaking = [
        d
        for d in directives
        if d.speaks and d.readable and d.status == "active" and d.at <= at and _in_force(d, at)
        and (d.controller in network.controllers or d.controller == custodian)
        and (not d.proxy or _has_power(d, network, at))
    ]  # fmt: skip
    for d in speaking:
        wide = d.controller in network.controllers
        later = [
            o for o in speaking
            if o.root.effect == "permit" and o.at > d.at and (o.policy_uri, bool(o.proxy)) == (d.policy_uri, bool(d.proxy))
            and (o.controller in network.controllers if wide else o.controller == d.controller)
        ]  # fmt: skip
        if d.hub_refused and not later:
            return d
    return None
