"""What has happened: the closed table of topics. A topic outlives every module; one that is not here is refused, never looked up by name."""

from __future__ import annotations

from typing import Literal

import msgspec

from schemas import breach_events, capacity_events, emergency_events, sign_in_events

Effect = Literal["permit", "redact", "deny"]
Action = Literal["read", "search", "view", "deliver", "write", "emergency", "audit"]
RESOURCE_RECORDED = "resource-recorded.v1"
"""A custodian's resource was accepted; the body is its received text."""
RESOURCE_WITHDRAWN = "resource-withdrawn.v1"
"""A custodian took a resource back; no body."""
MESSAGE_RECEIVED = "message-received.v1"
"""What one message or one person's rows of a file said, as it came."""
MESSAGE_REFUSED = "message-refused.v1"
"""A message that was not taken, kept sealed so that it can be sent again."""
MESSAGE_SETTLED = "message-settled.v1"
"""A refused message was sent again and taken."""
ACCESS_DECIDED = "access-decided.v1"
"""The gate's answer to one request about one person, recorded before anything leaves."""
PERSON_LINKED = "person-linked.v1"
PERSON_UNLINKED = "person-unlinked.v1"
DOMAIN_EVENT = "domain-event.v1"
"""What organizations hear (AdmissionNotified, Discharged …), derived from a recorded resource and carrying its cause."""
FOLLOWER_SKIPPED = "follower-skipped.v1"
"""A follower was told to pass by an event that it cannot take, by whom and why."""
PROVISION_RESTRICTED = "provision-restricted.v1"
"""A person is to be erased: from here on nothing of them is provided."""
PROVISION_RESTORED = "provision-restored.v1"
"""A restriction was lifted before the keys were destroyed."""
KEY_ERASED = "key-erased.v1"
"""The tombstone: which keys are no more and why, under the network's own key, so that it outlives them."""
KEY_DESTROYED = "key-destroyed.v1"
"""The receipt: the store of keys has let them go."""
LABELS_REVISED = "labels-revised.v1"
"""Another edition of the table of labels came in force, or versions that were recorded before it have other labels by it."""
HUB_STARTED = "hub-started.v1"
"""A process of the hub answers from here on, and records what it gives out."""
HUB_STOPPED = "hub-stopped.v1"
"""It ended in good order."""
AUDIT_RESUMED = "audit-resumed.v1"
"""Nothing could be recorded for a while, and nothing was given out meanwhile; from here on it can."""
SIGNED_IN = "signed-in.v1"
SIGNED_OUT = "signed-out.v1"
SIGN_IN_REFUSED = "sign-in-refused.v1"
"""Somebody did not get in, as often as counted within one minute."""
TOKEN_ISSUED = "token-issued.v1"  # noqa: S105  the name of a topic
TOKEN_REVOKED = "token-revoked.v1"  # noqa: S105
ACCESS_REVIEWED = "access-reviewed.v1"
"""The privacy officer has looked through a period of the record of disclosures and signs for it."""
CONSENT_EXPIRING = "ConsentExpiring"
"""Kind of the domain event by which a custodian hears that a consent, or the power of who gave it, is about to end."""
UNUSUAL_NOTICED = "unusual-noticed.v1"
"""A rule of the officer's list found something unusual in who looked at whom."""
UNUSUAL_SETTLED = "unusual-settled.v1"
"""The officer has looked into it: explained, or a breach."""

TOPICS = frozenset({
    *emergency_events.BODIES, *capacity_events.BODIES, *breach_events.BODIES, *sign_in_events.BODIES, RESOURCE_RECORDED, RESOURCE_WITHDRAWN, MESSAGE_RECEIVED, MESSAGE_REFUSED, MESSAGE_SETTLED, ACCESS_DECIDED,
    PERSON_LINKED, PERSON_UNLINKED, DOMAIN_EVENT, PROVISION_RESTRICTED, PROVISION_RESTORED, KEY_ERASED, KEY_DESTROYED,
    FOLLOWER_SKIPPED, UNUSUAL_NOTICED, UNUSUAL_SETTLED,
    LABELS_REVISED, HUB_STARTED, HUB_STOPPED, AUDIT_RESUMED, SIGNED_IN, SIGNED_OUT, SIGN_IN_REFUSED, TOKEN_ISSUED, TOKEN_REVOKED, ACCESS_REVIEWED,
})  # fmt: skip

TEXT = 1
"""Body form of 0.1.0: the received text alone."""
TEXT_WITH_FACTS = 2
"""Body form: four bytes of length, the adapter's facts as JSON, the text."""
JSON = 1
"""Body form of every topic other than `resource-recorded.v1`: one JSON object."""


class Refused(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of MESSAGE_REFUSED beside the raw bytes' own seal: how it came and why it was not taken."""

    name: str
    layout: str
    door: str
    media: str
    issues: list[dict[str, object]]
    raw: bytes


class Link(msgspec.Struct, frozen=True):
    """Body of PERSON_LINKED and PERSON_UNLINKED: two Patient streams (hex) and who says so."""

    first: str
    second: str
    by: str
    reason: str = ""


class Derived(msgspec.Struct, frozen=True):
    """Body of DOMAIN_EVENT."""

    kind: str
    episode: str
    resource: str
    """`Type/tsu-…` that the event is about."""
    custodian: str
    occurred: str
    cause: str
    """Event id (hex) of the recorded resource."""


class Skipped(msgspec.Struct, frozen=True):
    """Body of FOLLOWER_SKIPPED."""

    follower: str
    position: int
    """Of the event that was passed by."""
    reason: str
    by: str
    """User who said so; empty = the network's own application."""
    fault: str
    """Kind of the fault that it stood at."""


class Restricted(msgspec.Struct, frozen=True):
    """Body of PROVISION_RESTRICTED. `patient` (hex) names the person; whoever is linked to it is meant with it."""

    reference: str
    patient: str
    basis: str
    reason: str
    by: str
    due: str
    """Day (ISO) from which the keys may go, by what was kept at that moment."""


class Restored(msgspec.Struct, frozen=True):
    """Body of PROVISION_RESTORED."""

    reference: str
    patient: str
    by: str
    reason: str


class Key(msgspec.Struct, frozen=True, array_like=True):
    """One key that is to be no more: its id, whose it is (both hex), in which compartment."""

    id: str
    owner: str
    compartment: str


class Session(msgspec.Struct, frozen=True, array_like=True):
    """A break-glass session of an erased person, without its reason: what was opened stays known. Times in milliseconds."""

    position: int
    session: str
    patient: str
    organization: str
    user: str
    step: int
    opened: int
    closes: int
    review: str
    kind: str = ""
    role: str = ""
    identity: str = ""
    login: str = ""
    decision: str = ""
    rules: str = ""
    closed: int = 0
    how: str = ""
    shut: int = 0
    """Position of its closing; 0 = not closed yet."""
    reviewed: int = 0


class Erased(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of KEY_ERASED: the keys, and what no replay could find out without them."""

    reference: str
    """Of the erasure that it ends; empty where nothing was asked for (a refused message past its end date)."""
    keys: tuple[Key, ...]
    basis: str
    by: str
    reason: str = ""
    due: str = ""
    early: bool = False
    """Before the day that the rules of retention gave."""
    heard: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """Position of each domain event that was matched already, of the erased and of whoever was ever linked to them → its subscribers."""
    sessions: tuple[Session, ...] = ()


class Destroyed(msgspec.Struct, frozen=True):
    """Body of KEY_DESTROYED. `tombstone` = its position; `at` as the store of keys says (ISO)."""

    tombstone: int
    keys: tuple[str, ...]
    at: str


class Relabelled(msgspec.Struct, frozen=True, array_like=True):
    """One version of a resource, by the position at which it was recorded, and its label from now on, as in a header."""

    position: int
    confidentiality: str
    """U L M N R V; empty = unknown."""
    sensitivities: tuple[str, ...]
    """`?` alone = labelling could not say."""


class LabelsRevised(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of LABELS_REVISED, under the network's own key. Without labels it says that the edition begins: from here on it raises what it raises."""

    edition: str
    before: str = ""
    """Edition until now; empty = none was named."""
    labels: tuple[Relabelled, ...] = ()


NOTICE = "KeyErased"
"""Kind of the domain event by which those hear of an erasure who had received something."""


class Notice(msgspec.Struct, frozen=True):
    """Body of the domain event NOTICE, under the network's own key: whose, and who had received something of them."""

    patient: str
    occurred: str
    hearers: tuple[str, ...]


class Noticed(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of UNUSUAL_NOTICED, under the network's own key. Times in milliseconds; whom it is about, if one person, stands in the header."""

    reference: str
    rule: str
    edition: str
    """Day (ISO) since which the rule is as it was applied."""
    organization: str
    user: str
    """Empty = the organization's application."""
    since: int
    until: int
    """The stretch of time that was looked at; exclusive."""
    number: int
    """What was counted: persons, refusals, sessions, days since the stay."""
    usual: int = 0
    """The user's own median of the days before; 0 = there was none."""
    bound: int = 0
    """What the number had to pass."""
    decisions: tuple[str, ...] = ()
    """References of decisions that it stands on, oldest first, some where they are many."""


class UnusualSettled(msgspec.Struct, frozen=True):
    """Body of UNUSUAL_SETTLED, under the network's own key. `reference` = the finding's."""

    reference: str
    result: Literal["explained", "breach"]
    by: str
    note: str


class Ran(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of HUB_STARTED and HUB_STOPPED: which program over which editions. `process` = its number where several share a database."""

    version: str
    network: str
    region: str
    engine: str
    process: str = ""


class Resumed(msgspec.Struct, frozen=True):
    """Body of AUDIT_RESUMED: since when (milliseconds) and for which reason (rule) nothing could be recorded."""

    since: int
    rule: str


class Signed(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of SIGNED_IN and SIGNED_OUT. `door` = by which way; `address` = of the network, as the hub saw it."""

    organization: str
    kind: str
    role: str
    user: str
    door: str
    address: str = ""
    credential: str = ""
    """Of the door `passkey`: the passkey's id (base64url), its counter, and when the challenge that it answered was made (milliseconds)."""
    counter: int = 0
    challenged: int = 0
    login: str = ""
    """Of SIGNED_OUT: the name of the sign-in that ends."""


class SignInRefused(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of SIGN_IN_REFUSED: how often within `since` and `until` (milliseconds). Of whoever is unknown no name is kept, whatever was typed."""

    door: str
    count: int
    since: int
    until: int
    organization: str = ""
    """Of a known user or application; empty = not known."""


class Token(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of TOKEN_ISSUED and TOKEN_REVOKED: of whose applications, by whom (user; empty = at the machine itself). Never the token."""

    organizations: tuple[str, ...]
    by: str = ""


class AccessReviewed(msgspec.Struct, frozen=True):
    """Body of ACCESS_REVIEWED: days in Japan (ISO, both inclusive), how many decisions lay in them, and what the officer says of it."""

    since: str
    until: str
    decisions: int
    by: str
    note: str


class Queried(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """What was searched by. `described` = method, path and names of parameters.

    `raw` = with their values, where none of them can name a person. Else it is `sealed` (base64) under the person's own key, whose id (hex) is
    `key`; empty = the person was not known, and no value is kept.
    """

    described: str
    raw: str = ""
    key: str = ""
    sealed: str = ""


class SeenRow(msgspec.Struct, frozen=True, array_like=True):
    """One resource of a decision."""

    type: str
    id: str
    version: int
    effect: Effect
    reason: str
    basis: str = ""
    masks: tuple[str, ...] = ()
    owner: int = -1
    """Place in the decision's `owners`; -1 = of an edition that did not say."""


class Owner(msgspec.Struct, frozen=True, array_like=True):
    """Whose a resource is: its custodian, and the Patient (hub id) that it is about, at that custodian; empty = it is about no person."""

    custodian: str
    patient: str = ""


class Decided(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of ACCESS_DECIDED."""

    reference: str
    request: str
    organization: str
    kind: str
    role: str
    user: str
    purpose: str
    action: Action
    effect: Effect
    reason: str
    basis: str
    network: str
    """Edition of the network's rules that were in force."""
    consents: tuple[tuple[str, int, str], ...] = ()
    trail: tuple[str, ...] = ()
    obligations: tuple[str, ...] = ()
    seen: tuple[SeenRow, ...] = ()
    session: str = ""
    """Break-glass session, or switch of a disaster (`dis-…`), that something of it rests on or was refused by."""
    grounds: tuple[str, ...] = ()
    """The legal bases of all that was given, each with the first day of its edition: `JP-CONSENT 2023-04-01`."""
    statute: str = ""
    """The statute of the network's list that it rests on."""
    asof: str = ""
    """The moment of the past that was looked at (ISO 8601, UTC); empty = the present. Decided was as of the present all the same."""
    owners: tuple[Owner, ...] = ()
    """Whose the resources of `seen` are."""
    address: str = ""
    """Of the network, as the hub saw it; empty = none: a folder, a topic, or recorded before addresses were."""
    interaction: str = ""
    """The FHIR interaction, where the action does not tell it (vread, history-instance)."""
    channel: str = ""
    """What it was delivered by or came in by: sse, lines, kafka, content-key, folder."""
    query: Queried | None = None
