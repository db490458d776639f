"""What a consent says, as values: periods, rules with their dimensions, and the directive that carries them.

A rule stands here *expanded*: each dimension that a nested provision does not name is already taken over from the provision above it, and
its period is already cut with the one above. So a rule can be judged alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from schemas.adapter import BASE

Effect = Literal["permit", "deny"]
Form = Literal["written", "electronic", "oral", "unknown"]
EmergencyWish = Literal["permit", "refuse", "unasked"]

REFUSING = frozenset({"inactive", "rejected"})
"""Statuses that take back what was said, and what was said of the same matter before."""
CONFIDENTIALITY = {"U": 0, "L": 1, "M": 2, "N": 3, "R": 4, "V": 5}
"""v3-Confidentiality, from unrestricted to very restricted."""


PRACTITIONER = f"{BASE}/sid/practitioner"
"""Identifier system of a user's registered id inside the network."""
RESERVATION = f"{BASE}/policy/reservation"
"""Policy of a reservation (異議): it neither permits nor denies, it shuts the implied path for what it names."""
CONFIRMATION = f"{BASE}/policy/receiver-confirmation"
"""Policy of a receiver's confirmation at the visit (third condition of the network notice): it only opens the implied path for the day."""


@dataclass(frozen=True, slots=True)
class Days:
    """A data period on the calendar of Asia/Tokyo, ends inclusive, None = open.

    `first`–`last` are the days that lie wholly inside, `outer_first`–`outer_last` those that it touches: they differ where an end is a
    time within a day.
    """

    first: date | None = None
    last: date | None = None
    outer_first: date | None = None
    outer_last: date | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Permit or deny, and for what. An empty dimension is no limit; several values in one are alternatives; dimensions add up."""

    effect: Effect
    begins: datetime | None = None
    """First instant, UTC."""
    ends: datetime | None = None
    """First instant after the end, UTC."""
    recipients: frozenset[str] = frozenset()
    """Who asks: `Organization/<code>`, `Practitioner/<registered id>`, `PractitionerRole/…`, `CareTeam/…`, `Group/…`."""
    custodians: frozenset[str] = frozenset()
    """Codes of the organizations that hold the record."""
    authors: frozenset[str] = frozenset()
    """References of authors; `Organization/<code>` = what that organization holds."""
    purposes: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()
    confidentiality: str = ""
    bound: Literal["", "at-most", "at-least"] = ""
    """How `confidentiality` is meant: a permit names a ceiling, a deny a floor; what is taken over keeps its sense."""
    sensitivities: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    """Resource types, profile URLs, document types as `system|code`."""
    codes: frozenset[str] = frozenset()
    days: Days | None = None
    instances: frozenset[str] = frozenset()
    related: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()
    narrow: bool = field(init=False, compare=False, repr=False, default=False)
    """Names a dimension beside period, purpose, action and confidentiality: those few rules cost more to judge."""

    def __post_init__(self) -> None:
        """Note what it costs to judge."""
        dimensions = (
            self.recipients,
            self.custodians,
            self.authors,
            self.sensitivities,
            self.classes,
            self.codes,
            self.instances,
            self.related,
        )
        object.__setattr__(self, "narrow", self.days is not None or any(dimensions))


@dataclass(frozen=True, slots=True)
class Directive:
    """One version of a consent in its canonical form (consent-and-audit facts §2.4)."""

    consent: str
    """`Consent/tsu-…`."""
    version: int
    patient: str
    custodian: str
    """Who recorded it, ten-character code."""
    controller: str
    """For whom it speaks: the code of one custodian, or a name of the whole network."""
    policy_uri: str
    status: str
    """R4 consent-state-codes."""
    at: datetime
    """Signed, UTC."""
    root: Rule
    dialect: str = ""
    """`r4`, `root-type`, `pcf` or `leap`; empty when it was not read."""
    form: Form = "unknown"
    proxy: str = ""
    """Kind of the proxy who consents; empty = the person."""
    proxy_verified: bool = False
    proxy_until: datetime | None = None
    """First instant after the proxy's power has ended, UTC."""
    family: frozenset[str] = frozenset()
    """Family members who agree to what is said of them; `*` = one has signed for all."""
    emergency: EmergencyWish = "unasked"
    hub_refused: bool = False
    """The person wants nothing taken into the hub at all; an opt-out alone only stops provision."""
    speaks: bool = True
    """False for a Consent that is about something else than sharing (treatment, wishes for the end of life)."""
    readable: bool = True
    edition: int = 1
    """Edition of the rules by which it was read."""
    confirmed_by: str = ""
    """Registered id of who confirmed at the visit; only of a confirmation."""

    @property
    def ends(self) -> datetime | None:
        """Give the first instant at which it no longer holds; None = without end."""
        return self.root.ends


NOTHING = Rule("deny")
"""The rule of a directive that is never judged."""


def unreadable(*, consent: str, version: int, patient: str, custodian: str, controller: str, at: datetime) -> Directive:
    """Stand for a stored consent that this edition cannot read: nothing is provided while it is active."""
    return Directive(consent, version, patient, custodian, controller, "", "active", at, NOTHING, readable=False)
