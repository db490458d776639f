"""Who asks for which data of whom, why and when: the values that a decision is taken on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

Kind = Literal[
    "hospital",
    "clinic",
    "pharmacy",
    "dentist",
    "visiting-nurse",
    "care-manager",
    "home-help",
    "day-care",
    "disability",
    "support-center",
    "city",
    "insurer",
    "university",
    "public-health",
    "police",
    "consultation-support",
    "welfare-council",
    "self-reliance-support",
    "child-family-center",
    "welfare-volunteer",
    "network",
    "subject",
]
"""Kind of the registered organization.

`support-center` 地域包括支援センター, `disability` 障がい福祉サービス事業所, `consultation-support` 指定特定・障害児相談支援事業所, `welfare-council`
社会福祉協議会, `self-reliance-support` 生活困窮者の自立相談支援機関, `child-family-center` こども家庭センター, `welfare-volunteer`
民生委員・児童委員, `network` the network's own office (officers, clerk).
"""

Role = Literal[
    "doctor",
    "nurse",
    "pharmacist",
    "dentist",
    "rehabilitation",
    "dietitian",
    "care-manager",
    "consultation-support",
    "helper",
    "day-care",
    "disability-support",
    "social-worker",
    "welfare-council",
    "self-reliance-support",
    "child-family-center",
    "clerk",
    "municipality",
    "welfare-volunteer",
    "police",
    "privacy-officer",
    "operator",
    "system",
    "subject",
    "proxy",
]
"""Role in which somebody asks. `system` is an organization's own application (API token), with the ceiling of its kind's lead role."""


@dataclass(frozen=True, slots=True)
class Requester:
    """Organization + person + role that asks or subscribes. All of it comes from registration, never from the request itself."""

    organization: str
    """Ten-character code of the registered organization; empty = not signed in."""
    kind: Kind
    role: Role
    person: str = ""
    """Identifier of the user inside the network (a practitioner's registered id); empty for applications."""
    groups: frozenset[str] = frozenset()
    """References (`Group/x`, `CareTeam/y`) of which the requester is a member at the time of asking."""
    resolved: bool = True
    """False when the actor could not be looked up: deny rules then count as matching."""
    unsure: frozenset[str] = frozenset()
    """Of the recipients that consents name, those of which it is not known whether the requester is meant (a Group that cannot be read)."""
    entities: frozenset[str] = frozenset()
    """Codes of the registered legal entities that the organization is part of (`Organization.partOf`): a rule about them is about it too."""
    patients: frozenset[str] | None = None
    """Patients that the token is bound to; None = not bound."""
    second_factor: bool = False


@dataclass(frozen=True, slots=True)
class Emergency:
    """An open break-glass session (緊急開示): one patient, one person, at most 240 minutes."""

    session: str
    person: str
    patient: str
    reason: str
    attested: bool
    second_factor: bool
    opened: datetime
    closes: datetime


@dataclass(frozen=True, slots=True)
class Disaster:
    """The switch of a disaster (災害時の開示), declared by two officers: for the doctors of which organizations, from when until when."""

    reference: str
    organizations: frozenset[str]
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Ask:
    """One question. `purpose` is a v3-ActReason code (TREAT, CAREMGT, ETREAT, BTG …) fixed at the token's registration."""

    requester: Requester
    purpose: str
    at: datetime
    action: Literal["access", "collect", "use", "disclose", "correct"] = "access"
    emergency: Emergency | None = None
    statute: str = ""
    meeting: str = ""
    """The meeting (`Group/x`) for which a statute about meetings is claimed: the requester must be among its members."""
    disaster: Disaster | None = None


@dataclass(frozen=True, slots=True)
class Labels:
    """How sensitive a resource is. `confidentiality` is U L M N R V, or None when unknown; `sensitivities` None when labelling has not run."""

    confidentiality: str | None
    sensitivities: frozenset[str] | None


UNKNOWN = Labels(None, None)


@dataclass(frozen=True, slots=True)
class Record:
    """What the decision may know of a resource, without opening it.

    `begins` and `ends` are the clinical time (effective, onset, period, authoredOn …), inclusive days in Asia/Tokyo; None = unknown,
    never filled from lastUpdated.
    """

    custodian: str
    type: str
    id: str
    """`Type/tsu-…`, the hub-wide id."""
    patient: str
    """`Patient/tsu-…`; empty for what is about nobody (an organization, a place)."""
    labels: Labels = UNKNOWN
    begins: date | None = None
    ends: date | None = None
    author: str = ""
    """Reference of the author; empty = unknown."""
    related: frozenset[str] = frozenset()
    """Encounter, EpisodeOfCare, CarePlan that it hangs on."""
    codes: frozenset[str] = frozenset()
    """`system|code` of its main codings."""
    profiles: frozenset[str] = frozenset()
    in_error: bool = False
    family: bool = False
    """Holds class F: what is said of a family member."""
    harm: bool = False
    """A doctor has flagged that disclosure to the person may harm (Art. 33(2))."""
    members: frozenset[str] = frozenset()
    """The family members that class F speaks of (`RelatedPerson/tsu-…`); empty = unknown."""
    inline: bool = False
    """Holds elements with a security label of their own (DS4P inline labels, tag PROCESSINLINELABEL)."""
    same_person: frozenset[str] = frozenset()
    """Further Patients that are linked to the same person as of now."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One consent that took part in a decision."""

    consent: str
    version: int
    effect: Literal["permit", "deny", "not-covered"]


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer: what, why, on which ground, from which consents, and what has to be done with it.

    `effect`: permit = give, redact = give what the masks leave (whole resource dropped when `masks` holds `resource`), deny = as if it
    did not exist. `reason` is a code of consent-and-audit §7 (P-EXPLICIT … D-BTG-REFUSED). `basis` is a code of §1.2, empty on denial.
    `obligations`: NORDSCLCD, NOTIFY_PATIENT, NOTIFY_PO, REVIEW … ; `masks`: `resource`, `family`, `inline`.
    """

    effect: Literal["permit", "redact", "deny"]
    reason: str
    basis: str = ""
    consents: tuple[Reason, ...] = ()
    obligations: frozenset[str] = frozenset()
    masks: frozenset[str] = frozenset()
    trail: tuple[str, ...] = ()
    """The steps of the algorithm that were passed, for 「なぜ見えた・なぜ見えない」: closed words such as `own:no`, `live:2`, `deny:nested`."""

    statute: str = ""
    """The statute of the network's list that it rests on; empty = none."""

    @property
    def gives(self) -> bool:
        """Say whether anything of the resource leaves."""
        return self.effect == "permit" or (self.effect == "redact" and "resource" not in self.masks)


@dataclass(frozen=True, slots=True)
class Posting:
    """What one custodian has posted at its entrance: for which purposes, from and to which day, in which paper."""

    organization: str
    purposes: frozenset[str]
    since: date
    until: date | None = None
    """Last day; None = without end."""
    code: str = ""
    """Name of this posting in the custodian's own papers."""
    document: str = ""
    """SHA-256 of the paper, in hexadecimal."""


@dataclass(frozen=True, slots=True)
class Member:
    """An organization that joined the network later than consents were signed."""

    organization: str
    joined: date
    notice: date | None = None
    """Day on which the members' list that names it was published; None = not yet."""


@dataclass(frozen=True, slots=True)
class Statute:
    """A law that asks for data without consent: which resource types, for whom, labelled how, for which purposes."""

    id: str
    types: frozenset[str]
    kinds: frozenset[str]
    purposes: frozenset[str]
    sensitivities: frozenset[str] = frozenset()
    """The resource must carry one of them; empty = any."""
    basis: str = "JP-27-1-1-LAW"
    meeting: bool = False
    """Holds inside a meeting that a municipality has called, for its listed members alone."""


@dataclass(frozen=True, slots=True)
class Network:
    """One edition of the network's rules; read from `consent/data/networks/` and the region's own folder, checked at start.

    `purposes_by_kind`: which purposes an organization of a kind may ask for at all. `own_purposes`: purposes under which a custodian
    uses its own record. `ceiling`: role → data classes (S C K F X) it may see after consent.
    """

    version: str
    purposes_by_kind: Mapping[str, frozenset[str]]
    own_purposes: frozenset[str]
    implied: bool = False
    implied_kinds: frozenset[str] = frozenset()
    implied_purposes: frozenset[str] = frozenset()
    posted: Mapping[str, tuple[Posting, ...]] = field(default_factory=dict)
    emergency_kinds: frozenset[str] = frozenset()
    emergency_roles: frozenset[str] = frozenset()
    emergency_minutes: int = 240
    emergency_overrides_unreadable: bool = True
    written_purposes: frozenset[str] = frozenset()
    """Purposes for which an oral consent is not enough."""
    controllers: frozenset[str] = frozenset()
    """Names under which a consent speaks for the whole network rather than for one custodian."""
    ceiling: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Role → what it may see after consent: a class (`C`), one part of it (`C.lab`), or a class where the consent names the resource type
    (`C?`). `X` = labelled R, `V` = labelled V, `F` = what is said of the family. A role that is not here sees nothing."""
    lead_roles: Mapping[str, str] = field(default_factory=dict)
    """Kind of organization → the role whose ceiling its own applications have."""
    statutes: Mapping[str, Statute] = field(default_factory=dict)
    proxy_kinds: frozenset[str] = frozenset()
    """Kinds of proxies (`guardian`, `parent` …) whose verified consents count."""
    family_months: int = 12
    """For how long at most a finding that the person cannot decide, and a family member's consent, may be relied upon."""
    regained_days: int = 30
    """For how many days after the person can decide again a representative's earlier consents stay usable."""
    receiver_confirm: bool = True
    """The implied path asks that the receiver has confirmed the person's consent (third condition of the network notice)."""
    confirmed_days: int = 1
    """For how many days, that of the visit the first, a receiver's confirmation holds."""
    confirming_kinds: frozenset[str] = frozenset()
    confirming_roles: frozenset[str] = frozenset()
    """Who may confirm at the visit."""
    concern_kinds: frozenset[str] = frozenset()
    """Kinds that may put a concern in and get nothing out by any door."""
    concern_types: frozenset[str] = frozenset()
    members: Mapping[str, Member] = field(default_factory=dict)
    """Members that have joined since the beginning; one that is not here was there from the start."""
    emergency_overrides_optout: bool = True
    since: date = date.min
    """First day of this edition, in Asia/Tokyo."""


NO_RULES = Network("", {}, frozenset())
"""Before the first edition nothing is agreed, and so nothing is given."""
