"""Messages from Kafka: each organization's own topic, through the same doors as by HTTP. A message's offset moves when it is durable here.

A record may come again (the hub died after it was recorded, before its offset was): it is known by its topic, partition, offset, time and
bytes, and taken once. What is refused is kept like every refused message, and told by a dead letter, which may come twice with one reference.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import orjson

from hub.commands import Asking, Came
from hub.followers.feeds import application
from hub.ingest.bundles import FHIR
from hub.ingest.receive import NotTaken, Report, Way
from hub.kafka import topics
from hub.kafka.faults import Away
from hub.kafka.records import MEDIA, Arrived, Record
from schemas.errors import Refusal, quiet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.ingest.bundles import Bundling
    from hub.ingest.receive import Receiving
    from hub.kafka.receiving import Inlet
    from hub.log.secrets import Secrets
    from hub.region import Region

POLL = 1.0
"""Seconds that the hub waits for something to come."""
REST = 0.5, 10.0
"""Seconds until what could not be taken now is tried again: at first, at most."""
NAME = "name"
"""Header of a file's name."""
UP, IDLE = "", "idle"
_FHIR = frozenset({FHIR, "application/json", "application/json+fhir"})
_log = logging.getLogger("tsunagu.kafka")


class Listening:
    """Takes records in by a thread of its own. `state` = empty while it goes, else the rule that says what is wrong."""

    def __init__(self, *, region: Region, secrets: Secrets, bundle: Bundling, receive: Receiving, inlet: Inlet) -> None:
        self._region, self._secrets, self._bundle, self._receive, self._inlet = region, secrets, bundle, receive, inlet
        self._closing = threading.Event()
        self._rest = REST[0]
        self._thread = threading.Thread(target=self._run, name="kafka-in", daemon=True)
        self.state, self.missing = IDLE, ()  # type: str, tuple[str, ...]

    def start(self) -> None:
        """Start listening; Kafka need not be there."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the record under way."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._listen()
            except Away as away:
                self._stopped(away.rule, away.topics, away.kind)
            except Refusal as refusal:
                self._stopped(refusal.issues[0].rule)
            except Exception as fault:  # noqa: BLE001  whatever it is, the record is not lost: it comes again
                _log.error("a record from kafka was not dealt with", exc_info=quiet(fault))
                self._stopped("HUB-5000")
        self._inlet.drop()

    def _stopped(self, rule: str, missing: tuple[str, ...] = (), kind: str = "") -> None:
        if rule != self.state:
            _log.warning("kafka, in: %s", " ".join((rule, kind, *missing)))
        self.state, self.missing = rule, missing
        self._inlet.drop()
        self._closing.wait(self._rest)
        self._rest = min(self._rest * 2, REST[1])

    def _listen(self) -> None:
        """Take in until told to stop. Raises what keeps it from going on: then all that is not committed comes again."""
        self._inlet.open()
        while not self._closing.is_set():
            self._up()
            for some in self._inlet.take(POLL):
                self._partition(some)
                self._rest = REST[0]

    def _up(self) -> None:
        """Say that it goes, and which topics it cannot read (HUB-5096): the others it does."""
        state, missing = ("HUB-5096" if self._inlet.unread else UP), self._inlet.unread
        if missing and missing != self.missing:
            _log.warning("kafka, in: %s", " ".join((state, *missing)))
        self.state, self.missing = state, missing

    def _partition(self, some: Sequence[Arrived]) -> None:
        """Deal with records of one partition in their order, and commit as far as it went, whatever stops it."""
        last: Arrived | None = None
        try:
            for one in some:
                if self._closing.is_set():
                    break
                self._one(one)
                last = one
        finally:
            if last is not None:
                self._inlet.done([last])

    def _one(self, one: Arrived) -> None:
        code = topics.sender(one.topic)
        digest = self._secrets.digest(one.value).hex()
        once = self._secrets.name("kafka", one.topic, str(one.partition), str(one.offset), str(one.timestamp), digest)
        requester, purpose = application(self._region, code)
        report = self._taken(Asking(requester, purpose, once.hex(), "write", came=Came(channel="kafka")), one, Way("kafka", once))
        if report.refused:
            self._inlet.bury([_letter(code, no) for no in report.refused])
        _log.info(
            "record taken in: layout %s, taken %d, repeats %d, refused %d",
            report.layout, len(report.taken), report.repeats, len(report.refused),
        )  # fmt: skip

    def _taken(self, asking: Asking, one: Arrived, way: Way) -> Report:
        media = one.headers.get(MEDIA, "").partition(";")[0].strip().lower()
        name = one.headers.get(NAME, "")
        if media in _FHIR or (not name and one.value.lstrip()[:1] == b"{"):
            return self._bundle(asking, one.value, way=way)
        return self._receive(asking, name, one.value, way=way)


def _letter(code: str, no: NotTaken) -> Record:
    """Make the dead letter of what was not taken: rules, places and the reference to send it again by; nothing of what was sent."""
    issues = [{"rule": i.rule, "where": i.where} for i in no.issues]
    value = orjson.dumps({"reference": no.reference, "issues": issues, "rows": list(no.rows)})
    headers = (
        (MEDIA, b"application/json"),
        ("reference", no.reference.encode()),
        ("rule", ",".join(dict.fromkeys(i.rule for i in no.issues)).encode()),
        ("where", no.issues[0].where.encode()),
    )
    return Record(topics.dead(code), no.reference.encode(), value, headers)
