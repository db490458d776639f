"""The contract for sources: a file or message as it came → what it says of each person, as FHIR R4 resources.

An adapter is pure: no clock, no socket, no hub id. It names each resource by a business key of the source; the hub turns
(custodian, type, key) into the resource's stream, so that a message sent twice lands on the same stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

from schemas.errors import Issue

BASE = "https://tsunagu.example.jp"
"""Root of the project's own identifier systems, code systems and extensions."""


def link(resource_type: str, key: str) -> str:
    """Give the text for `Reference.reference` to another draft of the same custodian: `urn:tsunagu:Patient:0000123456`."""
    return f"urn:tsunagu:{resource_type}:{quote(key, safe='')}"


@dataclass(frozen=True, slots=True)
class Wire:
    """One file or message as it came. `name` is the path inside what was handed in; it may hold a patient number: never log it."""

    name: str
    data: bytes
    sender: str
    """Ten-character code of the organization that the hub knows the sender to be (医療機関コード or 事業所番号)."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One resource that a message speaks of.

    `key` is unique within (custodian, type) and stable over repeats and corrections of the same thing. `body` is FHIR R4 JSON
    without `id` and `meta.versionId`; links to other drafts are made by `link()`. `facts` are what the message says beyond FHIR and
    that the views need to put late and repeated messages in order (for ADT: event, occurred, sent, control); strings only.
    """

    type: str
    key: str
    body: Mapping[str, Any]
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """What one message, or one person's rows of a file, says of one person.

    `raw` holds this person's bytes only (a CSV is cut: header line + this person's rows, in the file's own encoding).
    `patient_key` is the key of the Patient draft that all drafts belong to. `control` identifies the message for its sender
    (MSH-10 and MSH-7, or file name without date + person key); the same control with other bytes is a duplicate, unless `revises`
    is true (files that are corrected by sending them again).
    """

    patient_key: str
    raw: bytes
    drafts: tuple[Draft, ...]
    control: str
    revises: bool = False
    occurred: datetime | None = None
    warnings: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class RefusedPart:
    """One message, or one person's rows, that cannot be taken; the rest of the file goes on. `rows` are 1-based lines of the file."""

    raw: bytes
    issues: tuple[Issue, ...]
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversion:
    """All that a file says: parts that can be taken and parts that cannot, in the file's order."""

    layout: str
    """Name of the layout that was recognised, for the report: `ADT-22`, `vn_visit.csv`, `UP1KYO`."""
    parts: tuple[Part, ...]
    refused: tuple[RefusedPart, ...] = ()


class Adapter(Protocol):
    """A source. Found by the entry-point group `hub.adapters`."""

    name: str

    def claims(self, wire: Wire) -> bool:
        """Say by name and first bytes whether this wire is for this adapter; never raises."""
        ...

    def convert(self, wire: Wire) -> Conversion:
        """Turn the wire into resources. Raises schemas.errors.BadInput when the file as a whole cannot be read."""
        ...
