"""What has happened around an emergency: break-glass, its notices and its review, the switch of a disaster. Topics and bodies, part of `schemas.events`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

EMERGENCY_OPENED = "emergency-access-opened.v1"
EMERGENCY_CLOSED = "emergency-access-closed.v1"
"""A break-glass session is over: by its user, by its time, by the officer, or with the sign-in that it was bound to."""
EMERGENCY_REVIEWED = "emergency-access-reviewed.v1"
EMERGENCY_CODE_REFUSED = "emergency-code-refused.v1"
"""A one-time code was wrong, where one was asked for: so many within some minutes lock the user out for a while."""
NOTICE_QUEUED = "notice-queued.v1"
"""Somebody is to be told of something, by when. Recorded with what it is about, in one submission."""
NOTICE_SETTLED = "notice-settled.v1"
"""What became of a notice: seen, posted, handed over, or put off and why."""
BREACH_SUSPECTED = "breach-suspected.v1"
"""The officer holds that something was given out that was not to be: from here on the clocks of Art. 26 run."""
DISASTER_PROPOSED = "disaster-proposed.v1"
"""One officer asks for the switch of a disaster; alone that opens nothing."""
DISASTER_DECLARED = "disaster-declared.v1"
"""Another officer has agreed: for these organizations and until then, emergency doctors see the summary."""
DISASTER_ENDED = "disaster-ended.v1"
"""It was ended by an officer, or by its time."""


class Opened(msgspec.Struct, frozen=True):
    """Body of EMERGENCY_OPENED. Times in milliseconds since 1970."""

    session: str
    organization: str
    kind: str
    role: str
    user: str
    reason: str
    attested: bool
    step: int
    """Time step of the one-time code (RFC 6238 §4.2), so that no code serves twice."""
    opened: int
    closes: int
    identity: str = ""
    """How the person was identified (`identity.csv`); empty = of an edition that did not ask."""
    login: str = ""
    """Name of the sign-in that it is bound to; empty = of an edition that did not bind it."""
    decision: str = ""
    """Reference of the decision by which the normal path was tried in the same request, and did not give all."""
    rules: str = ""
    """Edition of the network's rules that let it be opened."""


class Closed(msgspec.Struct, frozen=True):
    """Body of EMERGENCY_CLOSED, under the network's own key. `at` in milliseconds; `by` = user, empty where nobody closed it."""

    session: str
    how: Literal["user", "officer", "sign-out", "time"]
    at: int
    by: str = ""


class Reviewed(msgspec.Struct, frozen=True):
    """Body of EMERGENCY_REVIEWED. `result`: justified, not-justified, question; `text` = what is asked, or found."""

    session: str
    by: str
    result: str
    text: str = ""


class CodeRefused(msgspec.Struct, frozen=True):
    """Body of EMERGENCY_CODE_REFUSED, under the network's own key. `door` = what the code was asked for: emergency, disaster."""

    organization: str
    user: str
    at: int
    door: str = "emergency"


Receiver = Literal["patient", "officer", "second-officer", "head"]
"""Whom a notice is for: the person, the network's officers, an officer other than who let it lie, the head of the organization that looked."""


class NoticeQueued(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of NOTICE_QUEUED, under the network's own key, so that it outlives the person. Times in milliseconds."""

    reference: str
    about: str
    """Break-glass session, or whatever else it is about."""
    to: Receiver
    why: Literal["opened", "many", "overdue", "codes"]
    due: int
    organization: str = ""
    """Whose head is meant, or whose user it is about."""
    user: str = ""


class NoticeSettled(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of NOTICE_SETTLED, under the network's own key. `delayed` stays open, until `due`; all others are the end of it."""

    reference: str
    state: Literal["seen", "posted", "handed", "delayed"]
    by: str
    reason: str = ""
    due: int = 0


class BreachSuspected(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of BREACH_SUSPECTED, under the network's own key: the reason lies nowhere but here. `known_at` in milliseconds."""

    reference: str
    known_at: int
    by: str
    reason: str
    sessions: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()
    """References of decisions; those of a session are not listed again."""
    malicious: bool = False
    """Likely done with ill intent: 60 days for the report instead of 30 (個人情報保護委員会規則 8条2項)."""


class DisasterProposed(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of DISASTER_PROPOSED, under the network's own key. Times in milliseconds; `step` as in Opened, of the officer's own code."""

    reference: str
    by: str
    area: str
    organizations: tuple[str, ...]
    """Codes of those whose emergency doctors may see."""
    hours: int
    reason: str
    step: int
    at: int
    void: int
    """From when on nobody can agree any more."""
    renews: str = ""


class DisasterDeclared(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of DISASTER_DECLARED, under the network's own key. `reference` = the proposal's; `until` exclusive."""

    reference: str
    first: str
    second: str
    area: str
    organizations: tuple[str, ...]
    since: int
    until: int
    step: int
    renews: str = ""


class DisasterEnded(msgspec.Struct, frozen=True):
    """Body of DISASTER_ENDED, under the network's own key. `by` = officer; empty = its time was over."""

    reference: str
    at: int
    by: str = ""


BODIES: Mapping[str, type[msgspec.Struct]] = MappingProxyType({
    EMERGENCY_OPENED: Opened,
    EMERGENCY_CLOSED: Closed,
    EMERGENCY_REVIEWED: Reviewed,
    EMERGENCY_CODE_REFUSED: CodeRefused,
    NOTICE_QUEUED: NoticeQueued,
    NOTICE_SETTLED: NoticeSettled,
    BREACH_SUSPECTED: BreachSuspected,
    DISASTER_PROPOSED: DisasterProposed,
    DISASTER_DECLARED: DisasterDeclared,
    DISASTER_ENDED: DisasterEnded,
})  # fmt: skip
"""Topic → form of its body."""
