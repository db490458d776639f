"""Events on their way into the log and out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from hub.log.envelope import Header
from hub.log.keys import DataKey, Keyring
from hub.log.seal import open_body, seal_body
from hub.log.upcast import raised
from schemas.errors import Broken
from schemas.events import MESSAGE_RECEIVED, RESOURCE_RECORDED


@dataclass(slots=True)
class NewEvent:
    """An event made before the lock. `version` None = the next one, assigned under the lock. `rows` = what its tables will take."""

    stream: bytes
    topic: str
    header: Header
    body: bytes
    version: int | None = None
    rows: Any = None
    state: bytes = b""
    """Header and body as they are stored, once they were packed."""


class Recorded(msgspec.Struct, frozen=True):
    """An event as the log holds it. `rows` as in NewEvent; None = to be made from the opened body."""

    position: int
    stream: bytes
    version: int
    topic: str
    header: Header
    body: bytes
    rows: Any = None


def seal_json(key: DataKey, value: Any, *, stream: bytes, event: bytes) -> bytes:
    """Seal a body that is one JSON object (a struct of schemas.events)."""
    return seal_body(key, msgspec.json.encode(value), stream=stream, event=event)


CONTENT = frozenset({RESOURCE_RECORDED, MESSAGE_RECEIVED})
"""Topics whose bodies are what was told of people: opened by the vault against a permit, and for tables that keep nothing of it in clear."""


def open_event(keys: Keyring, recorded: Recorded) -> bytes | None:
    """Open the body of an event that is no content, in the newest form of its topic; None when it has none or its key was erased.

    Raises Broken: HUB-5030 = it is content, and needs a permit; HUB-5073 = the key is missing otherwise; HUB-5124 = the body is of no form
    that is known here.
    """
    if recorded.topic in CONTENT and keys.held(recorded.header.key) is not None:
        raise Broken("HUB-5030")
    return open_content(keys, recorded)


def open_content(keys: Keyring, recorded: Recorded) -> bytes | None:
    """Open the body of any event: for the vault (`hub.vault`) and the tables (`hub.tables.all`) alone."""
    key = keys.held(recorded.header.key)
    if key is None:
        return None
    body = open_body(key, recorded.body, stream=recorded.stream, event=recorded.header.event)
    return raised(recorded.topic, recorded.header.schema, body)


_facts = msgspec.json.Decoder(dict[str, str]).decode


def joined(text: bytes, facts: Mapping[str, str]) -> bytes:
    """Join a text and the adapter's facts into one body (form TEXT_WITH_FACTS)."""
    head = msgspec.json.encode(facts, order="sorted")
    return len(head).to_bytes(4, "big") + head + text


def parted(body: bytes) -> tuple[bytes, dict[str, str]]:
    """Part an opened body of RESOURCE_RECORDED into text and facts; raise Broken when it is no such body."""
    try:
        end = 4 + int.from_bytes(body[:4], "big")
        return body[end:], _facts(body[4:end])
    except msgspec.DecodeError as fault:
        raise Broken("HUB-5004") from fault
