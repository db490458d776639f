"""Which of a person's consents speak for a record at a moment (consent-and-audit facts §2.5, steps 4 and 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from consent.ask import Network, Reason
from consent.capacity import OF_NECESSITY, Capacity, may_permit
from consent.matching import Judge, judging
from consent.rules import CONFIRMATION, REFUSING, RESERVATION, Directive
from consent.times import midnight, tokyo_day

_Group = tuple[str, str, bool]
"""Controller (empty = the whole network), policy, whether a proxy consents: consents of one group replace each other."""


class Live(NamedTuple):
    """A consent in force, ready to be asked. A `void` one no longer permits, but what it denies still holds."""

    directive: Directive
    void: bool
    judge: Judge
    reasons: Mapping[str, Reason]
    """How it is named in a decision, by what it said."""


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
    reservations: tuple[Judge, ...] = ()
    """Reservations against the implied path; one that says deny holds."""
    confirmed: frozenset[str] = frozenset()
    """The organizations that have confirmed the person's consent at the visit."""


def select(
    custodian: str, directives: Sequence[Directive], network: Network, at: datetime, capacity: Sequence[Capacity] = ()
) -> Selected:  # fmt: skip
    """Choose the newest consent of each group (controller, policy, self or proxy); at the same instant all stay.

    A consent that was withdrawn after an older one was signed leaves that one void: a withdrawal must not bring an earlier permit back.
    Reservations stand beside each other, each until it is taken back itself.
    """
    groups: dict[_Group, list[Directive]] = {}
    withdrawn: dict[_Group, datetime] = {}
    reservations: list[Directive] = []
    confirmations: list[Directive] = []
    unreadable = False
    for d in directives:
        if not d.speaks or d.at > at or (d.status != "active" and d.status not in REFUSING):
            continue
        if not d.readable:
            unreadable = unreadable or d.status == "active"  # for whom it speaks is not known either
            continue
        if d.policy_uri == CONFIRMATION:
            confirmations.append(d)
            continue
        wide = d.controller in network.controllers
        if not wide and d.controller != custodian:
            continue
        if d.proxy and not _has_power(d, network, at):
            continue
        if d.policy_uri == RESERVATION:
            if d.status == "active":
                reservations.append(d)
            continue
        group = ("" if wide else d.controller, d.policy_uri, bool(d.proxy))
        if d.status in REFUSING:
            withdrawn[group] = max(withdrawn.get(group, d.at), d.at)
        else:
            groups.setdefault(group, []).append(d)
    live: list[tuple[Directive, bool]] = []
    expired = refused = False
    for group, members in groups.items():
        newest = members[0].at if len(members) == 1 else max(d.at for d in members)
        void = group in withdrawn and withdrawn[group] > newest
        for d in members:
            if d.at < newest:
                continue
            if _in_force(d, at):
                live.append((d, void or not _may_speak(d, network) or not may_permit(d, capacity, network, at)))
            else:
                expired = True
        refused = refused or _refuses_emergency(members, at)
    found = [_live(d, void, network) for d, void in sorted(_without_replaced(live), key=lambda one: (one[0].consent, one[0].version))]
    judges = tuple(judging(d, network) for d in reservations)
    confirmed = frozenset(d.custodian for d in confirmations if confirms(d, confirmations, network, at))
    return Selected(tuple(found), unreadable, expired, bool(withdrawn), refused, judges, confirmed)


def confirms(d: Directive, others: Sequence[Directive], network: Network, at: datetime) -> bool:
    """Say whether a receiver's confirmation holds: its days are not over, and none of the same organization was taken back at its moment or later.

    `others` = what is on file of the person; one that was taken back brings no earlier one back.
    """
    return (
        d.status == "active"
        and at < confirmed_until(d, network)
        and not any(
            o.policy_uri == CONFIRMATION and o.speaks and o.readable and o.status in REFUSING and o.controller == d.controller and d.at <= o.at <= at
            for o in others
        )
    )  # fmt: skip


def confirmed_until(d: Directive, network: Network) -> datetime:
    """Give the first moment at which a receiver's confirmation no longer holds: it is of the day of the visit."""
    return midnight(tokyo_day(d.at) + timedelta(days=network.confirmed_days))


def _live(d: Directive, void: bool, network: Network) -> Live:  # a pair's second part
    return Live(d, void, judging(d, network), {said: Reason(d.consent, d.version, said) for said in ("permit", "deny", "not-covered")})


def _without_replaced(live: Sequence[tuple[Directive, bool]]) -> list[tuple[Directive, bool]]:
    """Leave out what a family member without power by law said before the person's own consent of the same matter."""
    own = [d for d, _ in live if not d.proxy]
    return [
        (d, void)
        for d, void in live
        if d.proxy != OF_NECESSITY or not any(o.at > d.at and (o.controller, o.policy_uri) == (d.controller, d.policy_uri) for o in own)
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
