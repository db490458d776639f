"""The way in: records of the organizations' topics, one after the other, and the dead letters of what was not taken.

An offset is committed only after what it stands for is durable: whatever dies, a record comes again, never less than once.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from hub.kafka import topics
from hub.kafka.clients import knock, made
from hub.kafka.faults import Away, named
from hub.kafka.options import REQUEST_MS, Options
from hub.kafka.records import Arrived, Record
from hub.kafka.sending import BLOCK_MS

GROUP = "tsunagu"
AT_ONCE = 100
LOOK_SECONDS = 60.0
"""After so long the hub looks whether another organization has a topic now."""
KNOCK_SECONDS = 10.0
"""After so long without a record the hub sees whether there is a broker."""
SESSION_MS = 6_000
"""After so long without a word a hub is taken for dead, and the others take over what it read."""


class Inlet:
    """The way in of one hub. Not for several threads at a time. Several hubs share the topics' partitions among them."""

    def __init__(self, options: Options, codes: Iterable[str], made: Iterable[str]) -> None:
        self._options, self._codes, self._made = options, tuple(codes), tuple(made)
        self._consumer: Any = None
        self._producer: Any = None
        self._looked, self._knocked = 0.0, time.monotonic()
        self._listening: tuple[str, ...] = ()
        self.unread: tuple[str, ...] = ()
        """Topics that are there and are not listened to: senders may pack what they send on them in ways that the hub cannot unpack."""

    def open(self) -> None:
        """Listen to each topic of a registered organization that is there; those of `made` are made. Raises Away."""
        self.drop()
        self._look()
        with named():
            self._consumer = made(
                KafkaConsumer, **self._options.client("tsunagu-in"), group_id=GROUP, isolation_level="read_committed", metrics_enabled=False, enable_auto_commit=False,
                auto_offset_reset="earliest", allow_auto_create_topics=False, max_poll_records=AT_ONCE, session_timeout_ms=SESSION_MS,
                heartbeat_interval_ms=SESSION_MS // 3,
            )  # fmt: skip
            if self._listening:
                self._consumer.subscribe(list(self._listening))
            self._producer = made(
                KafkaProducer, **self._options.client("tsunagu-dead"), max_block_ms=BLOCK_MS, delivery_timeout_ms=BLOCK_MS, allow_auto_create_topics=False,
                acks="all", enable_idempotence=True, metrics_enabled=False,
            )  # fmt: skip

    def _look(self) -> None:
        there = topics.present(self._options)
        topics.ensure(self._options, [t for code in self._made for t in (topics.into(code), topics.dead(code))], there)
        told = tuple(topics.into(c) for c in self._codes if topics.into(c) in there or c in self._made)
        self.unread = topics.unread(self._options, told)
        told = tuple(t for t in told if t not in self.unread)
        topics.ensure(self._options, [topics.dead(topics.sender(t)) for t in told], there | {topics.dead(c) for c in self._made})
        self._looked, self._listening = time.monotonic(), told

    def take(self, seconds: float) -> list[list[Arrived]]:
        """Give what has come, by partition, in the order of each. Raises Away."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            before = self._listening
            self._look()
            if before != self._listening:
                self._consumer.subscribe(list(self._listening))
        if not self._listening:
            time.sleep(seconds)
            return []
        with named():
            polled: Mapping[TopicPartition, Sequence[Any]] = self._consumer.poll(timeout_ms=int(seconds * 1000))
        if not polled and time.monotonic() - self._knocked > KNOCK_SECONDS:
            knock(self._options)  # the library says nothing of a broker that went away: it waits
            self._knocked = time.monotonic()
        return [[_arrived(one) for one in some] for some in polled.values()]

    def done(self, last: Iterable[Arrived]) -> None:
        """Commit all up to these, the last of each partition. Raises Away."""
        offsets = {TopicPartition(a.topic, a.partition): OffsetAndMetadata(a.offset + 1, "", -1) for a in last}
        if offsets:
            with named():
                self._consumer.commit(offsets, timeout_ms=BLOCK_MS)

    def bury(self, records: Sequence[Record]) -> None:
        """Send dead letters and wait until they are durable. Raises Away."""
        with named():
            sent = [self._producer.send(r.topic, key=r.key, value=r.value, headers=list(r.headers)) for r in records]
            for one in sent:
                one.get(timeout=BLOCK_MS / 1000)

    def drop(self) -> None:
        """Let the way in go."""
        consumer, producer, self._consumer, self._producer = self._consumer, self._producer, None, None
        try:
            with named():
                if producer is not None:
                    producer.close(timeout=1)
        except Away:
            pass
        try:
            with named():
                if consumer is not None:
                    consumer.close(autocommit=False, timeout_ms=REQUEST_MS)
        except Away:
            pass


def _arrived(one: Any) -> Arrived:
    headers = {name.lower(): bytes(value or b"").decode("utf-8", "replace") for name, value in one.headers}
    return Arrived(one.topic, one.partition, one.offset, one.timestamp, bytes(one.value or b""), headers)
