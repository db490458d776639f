"""All tables in the order in which they take an append, and the rows that each event brings them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import orjson

from hub.log.event import Recorded, open_event, parted
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Tx
from hub.tables import decisions, derive, directives, emergencies, feeds, identities, messages, moments, resources, skips, tree
from schemas import events
from schemas.fhir import facts

_TABLES = (resources, identities, directives, messages, decisions, emergencies, skips, moments)
SCHEMA: tuple[str, ...] = tuple(s for t in (*_TABLES, feeds, tree) for s in t.SCHEMA)
REBUILT: tuple[str, ...] = tuple(n for t in (*_TABLES, feeds) for n in t.TABLES)
"""Tables that a replay makes anew, row for row."""
_STRUCTS: dict[str, type[msgspec.Struct]] = {
    events.ACCESS_DECIDED: events.Decided,
    events.EMERGENCY_OPENED: events.Opened,
    events.EMERGENCY_REVIEWED: events.Reviewed,
    events.PERSON_LINKED: events.Link,
    events.PERSON_UNLINKED: events.Link,
    events.FOLLOWER_SKIPPED: events.Skipped,
}


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Move all tables by what one submission recorded."""
    for table in _TABLES:
        table.apply(tx, recorded)


def rows_of(recorded: Recorded, keys: Keyring, secrets: Secrets) -> object:
    """Make an event's rows anew from its sealed body; None when there are none or its key was erased."""
    wanted = _STRUCTS.get(recorded.topic)
    if wanted is None and recorded.topic != events.RESOURCE_RECORDED:
        return None
    body = open_event(keys, recorded)
    key = keys.by_id(recorded.header.key)
    if body is None or key is None:
        return None
    if wanted is not None:
        return msgspec.json.decode(body, type=wanted)
    text, beside = parted(body)
    value = orjson.loads(text)
    name = derive.namer(secrets, recorded.header.custodian, recorded.header.compartment)
    return derive.make(
        header=recorded.header,
        stream=recorded.stream,
        value=value,
        text=text,
        key=key,
        secrets=secrets,
        name=name,
        wide=derive.hubwide(name),
        beside=beside,
        codes=facts.main_codes(recorded.header.kind, value),
    )
