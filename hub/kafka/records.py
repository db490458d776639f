"""A CloudEvent as a Kafka record (CloudEvents 1.0, Kafka protocol binding 1.0.2 §3.2, binary mode): attributes are headers, data the value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from hub.kafka import topics

MEDIA = "content-type"


@dataclass(frozen=True, slots=True)
class Record:
    """One record on its way out."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Arrived:
    """One record that came in. `headers` by their names in small letters; of several of a name the last."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes
    headers: Mapping[str, str]


def binary(code: str, event: Mapping[str, Any]) -> Record:
    """Make the record of a CloudEvent for an organization. The key is its `subject`: one person, one partition, in order."""
    attributes = {k: v for k, v in event.items() if k not in {"data", "datacontenttype"}}
    headers = [(f"ce_{name}", str(value).encode()) for name, value in attributes.items()]
    headers.append((MEDIA, str(event["datacontenttype"]).encode()))
    value = msgspec.json.encode(event["data"])
    return Record(topics.out(code, event["data"]["event"]), str(event["subject"]).encode(), value, tuple(headers))
