"""Events that are no resource: made, sealed and appended one by one (links, break-glass, reviews, refused messages)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from hub.log.envelope import Header
from hub.log.event import NewEvent, seal_json
from hub.log.keys import DataKey
from hub.log.secrets import Secrets
from hub.log.store import Tx
from hub.names import MAIN, event_id
from hub.writer import Proposal, Writer, free
from schemas.events import JSON

T = TypeVar("T")


def event(
    *,
    topic: str,
    kind: str,
    body: Any,
    key: DataKey,
    custodian: str,
    patient: bytes,
    secrets: Secrets,
    at: datetime,
    stream: bytes | None = None,
    compartment: str = MAIN,
) -> NewEvent:
    """Make one event whose body is a struct of schemas.events, sealed under `key`; a stream of its own unless one is given."""
    milliseconds = int(at.timestamp() * 1000)
    name = event_id(milliseconds)
    stream = stream or os.urandom(16)
    header = Header(
        event=name, submission=b"", recorded=milliseconds, occurred=0, schema=JSON, shard=0, compartment=compartment, custodian=custodian, kind=kind,
        patient=patient, pseudonym=secrets.pseudonym(patient) if patient else b"", key=key.key_id, digest=b"", confidentiality="", sensitivities=(),
    )  # fmt: skip
    return NewEvent(stream, topic, header, seal_json(key, body, stream=stream, event=name), rows=body)


def within(writer: Writer, make: Callable[[Tx], tuple[Sequence[NewEvent], T]]) -> T:
    """Append what `make` gives from what holds under the lock, or nothing; give what it says beside. It may raise a Refusal. Blocks.

    What is judged and what is recorded are one: no other submission of any process comes between.
    """
    name = os.urandom(16)

    def again(tx: Tx) -> Proposal:
        events, answer = make(tx)
        return Proposal(name, list(events), answer=answer)

    answer: T = writer.submit(Proposal(name, [], holds=lambda _: False, again=again)).result().answer
    return answer


def append(writer: Writer, make: Callable[[], NewEvent]) -> None:
    """Append one event that rests on nothing in the log; blocks until it is durable."""
    writer.submit(free(lambda: [make()])).result()
