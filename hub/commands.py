"""What is asked of the hub: commands are imperatives, with who asks and for which purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from consent.ask import Requester
from hub.names import MAIN
from schemas.events import Action
from schemas.fhir.resource import Body


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched by, as it was sent: method, path, parameters in their order."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Came:
    """How a request came in: for its record alone, never for a decision.

    `address` = of the network, as the hub sees it; `interaction` = FHIR's, where the action does not tell it; `channel` = by what it was
    delivered or came in.
    """

    address: str = ""
    interaction: str = ""
    channel: str = ""
    query: Query | None = None


NOHOW = Came()


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, for which purpose, in which request, and what for: read, search, view, deliver, write, audit."""

    requester: Requester
    purpose: str
    request: str
    action: Action
    asof: str = ""
    """The moment of the past that a view is asked for (ISO 8601, UTC); empty = the present."""
    came: Came = NOHOW
    compartment: str = MAIN
    """Where the asker is registered: what it reads and writes lies there, and nothing else is there for it."""
    login: str = ""
    """Name of the sign-in that a user came by; empty = by none. A break-glass session holds for the sign-in that it was opened in."""


class Write(msgspec.Struct, frozen=True):
    """One resource to record (POST, PUT) or to take back (DELETE), as it was asked.

    `url` is `Type`, `Type/id` or `Type?condition`. `key` names the stream of an adapter's draft. `facts` and `same_is_silent` are for drafts of adapters: a draft whose text and facts
    have not changed makes no new version.
    """

    index: int
    method: str
    url: str
    body: Body | None = None
    full_url: str | None = None
    if_none_exist: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None
    key: str = ""
    facts: Mapping[str, str] = msgspec.field(default_factory=dict)
    same_is_silent: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """The message that the writes came out of: kept as it came, so that a better adapter can read it again."""

    control: str
    """Its number for the sender; the same number with other bytes is a duplicate unless `revises`."""
    layout: str
    raw: bytes
    patient: str
    """Key of the Patient draft that it speaks of."""
    occurred: int = 0
    revises: bool = False


@dataclass(frozen=True, slots=True)
class Submit:
    """Record all these, or none of them."""

    asking: Asking
    writes: tuple[Write, ...]
    message: Message | None = None
    settles: bytes = b""
    """Reference of a refused message that this one sends again."""
    where: str = "Bundle.entry[{index}]"
    """Place of a write in what was sent, for refusals."""
    submission: bytes = b""
    """Name of 16 bytes of what may come again though it was taken; empty = it has none."""


class Taken(msgspec.Struct, frozen=True):
    """What became of one write. `version` 0 = not known yet; `status` 200, 201 or 204."""

    index: int
    status: int
    type: str
    id: str
    stream: bytes
    version: int = 0
    updated: int = 0
    text: bytes = b""
