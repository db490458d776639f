"""The way out: a transactional producer, whose position lies in the same Kafka transaction as what it sends.

At each start (and after each doubt) a new producer of the same name ends what the last one left open, and the position is read back from
Kafka: so nothing is lost and nothing is doubled for whoever reads committed records, whichever of broker and hub died, and when.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError, RecordListTooLargeError

from hub.kafka import topics
from hub.kafka.clients import knock, made
from hub.kafka.faults import Away, Late, TooLarge, named
from hub.kafka.options import REQUEST_MS, Options
from hub.kafka.records import Record

BLOCK_MS = 10_000
"""The longest that any step of a transaction is waited for."""
TRANSACTION_MS = 15_000
"""After it the broker gives up what a dead hub left open, so that readers of committed records go on."""
READ_SECONDS = 60.0
_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
_TOLD_SECONDS = 1.0
"""Within it the library has told which record it was that a broker did not take."""


class _Producer(KafkaProducer):  # type: ignore[misc]  # the library tells no types
    """The library's producer with an end to each wait."""

    def commit_within(self, milliseconds: int) -> None:
        """Commit; raise KafkaTimeoutError when the broker does not say in time that it is done: whether it was is then not known."""
        result = self._transaction_manager.begin_commit()
        self._sender.wakeup()
        if not result.wait(timeout_ms=milliseconds):
            raise KafkaTimeoutError("commit")

    @contextmanager
    def truly(self) -> Iterator[None]:
        """Raise what ended the producer, where the library only says that it has ended."""
        try:
            yield
        except KafkaError:
            if (fatal := self._transaction_manager.last_error) is not None:
                raise fatal from None
            raise

    def too_large(self, fault: KafkaError, sent: Sequence[Any]) -> int | None:
        """Give the place of the record that the broker did not take for its size; None when that is not what the fault was.

        Or when the record itself never went into a batch: then it is the one after the last that did.
        """
        if isinstance(fault, _LARGE) and not any(one.failed() for one in sent):
            return len(sent)
        if not isinstance(fault, _LARGE) and not isinstance(self._transaction_manager.last_error, _LARGE):
            return None
        until = time.monotonic() + _TOLD_SECONDS
        while time.monotonic() < until:
            for place, one in enumerate(sent):
                if one.failed() and isinstance(one.exception, _LARGE):
                    return place
            time.sleep(0.01)
        return None

    def abandon(self) -> None:
        """Let go of everything at once; what was under way is left to the next producer of this name."""
        self._unregister_cleanup()
        self._sender.force_close()
        self._sender.join(REQUEST_MS / 1000)
        self._closed = True


class Outlet:
    """The way out of one hub. Not for several threads at a time; a second one of the same name shuts the first out."""

    def __init__(self, options: Options, name: str) -> None:
        self._options, self._name = options, name
        self._producer: _Producer | None = None

    def open(self, codes: Iterable[str]) -> dict[str, int]:
        """Take the way out over, for these organizations; give the last number that each was sent. Raises Away."""
        self.drop()
        there = topics.present(self._options)
        topics.ensure(self._options, [topics.POSITIONS, *(t for code in codes for t in topics.outs(code))], there)
        with named():
            producer = made(
                _Producer, **self._options.client(self._name), transactional_id=self._name, transaction_timeout_ms=TRANSACTION_MS,
                max_block_ms=BLOCK_MS, delivery_timeout_ms=BLOCK_MS, linger_ms=5, metrics_enabled=False, allow_auto_create_topics=False, compression_type="gzip",
            )  # fmt: skip
            try:
                producer.init_transactions()
                found = positions(self._options)
            except BaseException:
                producer.abandon()
                raise
        self._producer = producer
        return found

    def send(self, records: Sequence[Record], moved: Mapping[str, int], *, until: float) -> None:
        """Send all of it and the new positions, or nothing. `until` = time.monotonic() at which what was decided is too old to go out.

        Raises Away (TooLarge, Late among them); then nothing is known but what `open` will read.
        """
        producer = self._producer
        if producer is None:
            raise Away("HUB-5090")
        sent: list[Any] = []
        with named(), producer.truly():
            producer.begin_transaction()
            try:
                for r in records:
                    one = producer.send(r.topic, key=r.key, value=r.value, headers=list(r.headers))
                    sent.append(one)
                sent += [producer.send(topics.POSITIONS, key=k.encode(), value=b"%d" % n, partition=0) for k, n in moved.items()]
                producer.flush(timeout=BLOCK_MS / 1000)
                for one in sent:
                    one.get(timeout=BLOCK_MS / 1000)
            except KafkaError as fault:
                if (which := producer.too_large(fault, sent)) is not None:
                    raise TooLarge(records[which].topic, which) from fault
                raise
            if time.monotonic() > until:
                raise Late
            producer.commit_within(BLOCK_MS)

    def knock(self) -> None:
        """See whether there is a broker, while there is nothing to send. Raises Away."""
        knock(self._options)

    def drop(self) -> None:
        """Let the way out go."""
        if self._producer is not None:
            self._producer.abandon()
            self._producer = None


def positions(options: Options) -> dict[str, int]:
    """Read the last number that each organization was sent: the newest committed record of each. Raises Away."""
    found: dict[str, int] = {}
    place = TopicPartition(topics.POSITIONS, 0)
    with named():
        end = _end(options, place)
        consumer: Any = made(
            KafkaConsumer, **options.client("tsunagu-positions"), isolation_level="read_committed", metrics_enabled=False, enable_auto_commit=False, auto_offset_reset="earliest",
            allow_auto_create_topics=False,
        )  # fmt: skip
        try:
            consumer.assign([place])
            consumer.seek_to_beginning(place)
            until = time.monotonic() + READ_SECONDS
            while consumer.position(place, timeout_ms=BLOCK_MS) < end:
                if time.monotonic() > until:
                    raise Away("HUB-5090")
                for one in consumer.poll(timeout_ms=500).get(place, ()):
                    found[one.key.decode()] = int(one.value)
        finally:
            consumer.close(autocommit=False, timeout_ms=REQUEST_MS)
    return found


def _end(options: Options, place: TopicPartition) -> int:
    """Give the end of a partition, what is not committed yet included.

    The end of what is committed stands still at whatever another region's hub has open: what was committed behind it would be missed.
    """
    consumer: Any = made(
        KafkaConsumer,
        **options.client("tsunagu-positions"),
        enable_auto_commit=False,
        allow_auto_create_topics=False,
        metrics_enabled=False,
    )
    try:
        return int(consumer.end_offsets([place], timeout_ms=BLOCK_MS)[place])
    finally:
        consumer.close(autocommit=False, timeout_ms=REQUEST_MS)
