"""Whether the person can decide alone, as dated findings, and what a representative's consent is worth by them (consent-and-audit facts §1.9)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from consent.ask import Network
from consent.rules import Directive
from consent.times import midnight, months_later, tokyo_day

State = Literal["capable", "incapable"]
BY_MANDATE = "agent"
"""The kind of proxy whose power comes from the person, and so does not end when the person can decide alone."""
OF_NECESSITY = "family"
"""The kind of proxy without power by law: it speaks only while the person is found unable to decide."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """One finding: whether the person could decide, found by whom (registered id) and when, and until which day (Asia/Tokyo) it holds."""

    state: State
    by: str
    at: datetime
    review_at: date | None = None
    """The day by which it is to be looked at again; it no longer holds after it. None = an inability is never relied upon without one."""


def unable(found: Sequence[Capacity], network: Network, at: datetime) -> bool:
    """Say whether the newest finding is that the person cannot decide, and its day of review has not passed.

    However late that day, it does not reach further than the network's months.
    """
    newest = _newest(found, at)
    if newest is None or newest.state == "capable" or newest.review_at is None:
        return False
    last = min(newest.review_at, months_later(tokyo_day(newest.at), network.family_months))
    return at < midnight(last + timedelta(days=1))


def regained(found: Sequence[Capacity], at: datetime) -> datetime | None:
    """Give the moment since which the person can decide again; None = never found unable, or still so."""
    lost = max((one.at for one in found if one.state == "incapable" and one.at <= at), default=None)
    if lost is None:
        return None
    return min((one.at for one in found if one.state == "capable" and lost <= one.at <= at), default=None)


def may_permit(d: Directive, found: Sequence[Capacity], network: Network, at: datetime) -> bool:
    """Say whether what a representative permits still counts; what it denies always does, until the person says otherwise.

    Once the person can decide again, what was signed before stays usable for the network's days, and nothing signed since counts. A family
    member without power by law is heard only while the person is found unable, and no longer than the network's months from its signing.
    """
    if not d.proxy or d.proxy == BY_MANDATE:
        return True
    again = regained(found, at)
    if again is not None:
        last = tokyo_day(again) + timedelta(days=network.regained_days)
        if d.at >= again or at >= midnight(last + timedelta(days=1)):
            return False
    if d.proxy != OF_NECESSITY:
        return True
    return d.proxy_until is not None and at < _heard_until(d, network) and (again is not None or unable(found, network, at))


def turns(found: Sequence[Capacity], network: Network) -> Iterator[datetime]:
    """Give every moment at which an answer above may change by the findings alone."""
    for one in found:
        yield one.at
        days = [tokyo_day(one.at) + timedelta(days=network.regained_days), months_later(tokyo_day(one.at), network.family_months)]
        days += [one.review_at] if one.review_at is not None else []
        yield from (midnight(day + timedelta(days=1)) for day in days)


def turns_of(d: Directive, network: Network) -> Iterator[datetime]:
    """Give the moment at which a family member's consent stops to be heard by its age."""
    if d.proxy == OF_NECESSITY:
        yield _heard_until(d, network)


def _heard_until(d: Directive, network: Network) -> datetime:
    return midnight(months_later(tokyo_day(d.at), network.family_months) + timedelta(days=1))


def _newest(found: Sequence[Capacity], at: datetime) -> Capacity | None:
    """Give the newest finding; of two at one moment, that the person can decide."""
    return max((one for one in found if one.at <= at), key=lambda one: (one.at, one.state == "capable"), default=None)
