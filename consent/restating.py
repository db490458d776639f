"""Whether an active consent is a new statement, or only what was withdrawn or stated anew since, sent once more by a machine.

A rule for the door alone: what was recorded is judged by `consent.selecting`, by the moments that it states.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from consent.reading import CLOCK_SKEW
from consent.rules import REFUSING, Directive

_OVER = REFUSING | {"entered-in-error"}
"""Statuses by which a consent is over (R4 consent-state-codes)."""


class Kept(NamedTuple):
    """One version of a consent as it lies here: when it was recorded, and what it says; None = it was taken away, or cannot be read."""

    recorded: datetime
    said: Directive | None


def overturns(new: Directive, before: Iterable[Kept]) -> bool:
    """Say whether a version would bring back what was withdrawn: it was not signed after the last withdrawal was recorded.

    `before` = all earlier versions of the same consent, newest first; it is read no further than needed. What is not active, or does not
    speak of sharing, brings nothing back.
    """
    if not _counts(new):
        return False
    ended: datetime | None = None
    for recorded, said in before:
        if ended is None:
            if said is None or said.status in _OVER:
                if new.at <= recorded:
                    return True
                ended = recorded
            elif _counts(said) and new.at >= said.at:
                return False  # that one was judged when it came
        elif recorded < ended - CLOCK_SKEW:
            return False  # a clock may go so fast and no faster: what was signed here lies before the withdrawal
        elif said is not None and _counts(said) and recorded <= ended and new.at <= said.at:
            return True  # signed by a fast clock, and withdrawn since
    return False


def _counts(said: Directive) -> bool:
    return said.status == "active" and said.speaks


def withdraws(over: Directive, before: Iterable[Directive]) -> Directive | None:
    """Give what a withdrawal withdraws beside what it says itself: the matter of which its consent spoke last; None = nothing more.

    It is taken with whatever is wrong or left out in it, and so may not name that matter, or an earlier day. `before` = its consent's earlier
    versions, newest first.
    """
    if over.status not in REFUSING:
        return None
    last = next((one for one in before if _counts(one)), None)
    if last is None or (over.speaks and over.at >= last.at and _matter(over) == _matter(last)):
        return None
    return replace(last, version=over.version, status=over.status, at=max(over.at, last.at))


def _matter(d: Directive) -> tuple[object, ...]:
    return d.controller, d.policy_uri, d.proxy, d.proxy_verified, d.proxy_until


def reverts(new: Directive, before: Iterable[Kept]) -> bool:
    """Say whether a version is an earlier one, sent once more after the person stated something newer: the same word, signed at the same moment.

    `before` = all earlier versions of the same consent, newest first. What was never said before is a correction, whatever day it bears.
    """
    versions = iter(before)
    newest = next(versions, None)
    if newest is None or newest.said is None or not _counts(newest.said) or not _counts(new) or new.at >= newest.said.at:
        return False
    return any(one.said is not None and _counts(one.said) and _word(one.said) == _word(new) for one in versions)


def repeats(new: Directive, versions: Iterable[Directive | None]) -> bool:
    """Say whether a consent is one that was withdrawn or taken away, under another id.

    `versions` = those of another consent, oldest first; None = it was taken away. It is the same where the same organization recorded the same
    word, of the same grantor, for the same controller, under the same policy, signed at the same moment: two papers of one day that say
    different things are two. What was entered in error is not withdrawn: it is entered rightly under another id, with the day of its paper.
    """
    if not _counts(new):
        return False
    same = False
    for one in versions:
        if one is None or one.status in _OVER:
            if same and (one is None or one.status != "entered-in-error"):
                return True
            same = False
        elif _counts(one):
            same = same or _word(one) == _word(new)
    return False


def _word(d: Directive) -> tuple[object, ...]:
    return d.custodian, d.controller, d.policy_uri, d.proxy, d.at, d.root, d.emergency, d.hub_refused
