"""What is measured, as Prometheus reads it: one registry a hub, labels from closed tables alone. Never a person, an organization or an address."""

from __future__ import annotations

import os
import time
from collections import Counter as Counted
from collections.abc import Iterator, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, Metric, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.assemble import Hub
from hub.names import MAIN, lies_in
from hub.writer import Written
from schemas.errors import Busy, Refusal
from schemas.events import MESSAGE_REFUSED, Decided, Refused

MEDIA = CONTENT_TYPE_LATEST
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_GROUPS = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The measures of one hub process, over a hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._process = str(os.getpid()) if hub.store.shared else ""
        """Several processes answer at one address: each has counters of its own, told apart by this label."""
        held = self._registry = CollectorRegistry()
        self._requests = Histogram(
            "tsunagu_request_seconds", "Time until an answer begins", ["method", "route", "status"], registry=held, buckets=_SECONDS
        )
        self._refusals = Counter("tsunagu_refusals", "Requests refused as a whole, by rule", ["rule"], registry=held)
        self._messages = Counter("tsunagu_messages_refused", "Messages and Bundles kept as not taken, by rule", ["rule"], registry=held)
        self._events = Counter("tsunagu_events_appended", "Events appended, by topic", ["topic"], registry=held)
        self._submissions = Counter("tsunagu_submissions", "Submissions that appended something", registry=held)
        self._decisions = Counter("tsunagu_decisions", "Decisions recorded, by effect", ["effect"], registry=held)
        self._groups = Histogram(
            "tsunagu_writer_group", "Submissions and follower steps of one transaction", registry=held, buckets=_GROUPS
        )
        ProcessCollector(registry=held, namespace="tsunagu")
        held.register(self)
        hub.writer.wrote = self.wrote

    def text(self) -> bytes:
        """Give everything in the text format."""
        return generate_latest(_Labelled(self._registry, self._process))

    def asked(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request. `route` = the template of its address, never the address."""
        self._requests.labels(method, route, str(status)).observe(seconds)

    def refused(self, refusal: Refusal) -> None:
        """Count a refusal, by each of its rules once."""
        for rule in {issue.rule for issue in refusal.issues}:
            self._refusals.labels(rule).inc()

    def wrote(self, group: int, written: Sequence[Written]) -> None:
        """Count one transaction of the writer. What lies in another compartment than the main one is measured nowhere."""
        of_main = [[e for e in one.recorded if lies_in(e.header.compartment) == MAIN] for one in written]
        if written and not any(of_main):
            return
        self._groups.observe(group)
        self._submissions.inc(sum(bool(recorded) for recorded in of_main))
        for topic, count in Counted(event.topic for recorded in of_main for event in recorded).items():
            self._events.labels(topic).inc(count)
        for recorded in of_main:
            for event in recorded:
                if isinstance(event.rows, Decided):
                    self._decisions.labels(event.rows.effect).inc()
                elif event.topic == MESSAGE_REFUSED and isinstance(event.rows, Refused):
                    for rule in sorted({str(issue.get("rule", "")) for issue in event.rows.issues}):
                        self._messages.labels(rule).inc()

    def collect(self) -> Iterator[Metric]:
        """Measure what is looked up at the moment of asking: the log, its followers, the writer's queue."""
        halt = self._hub.writer.halt
        yield GaugeMetricFamily("tsunagu_reading_stopped", "1 = nothing can be recorded, and so nothing is read", int(halt is not None))
        if (room := self._hub.oversee.room()) is not None:
            yield GaugeMetricFamily("tsunagu_store_free_bytes", "Free room of the disk that the store grows on", room.free)
        try:
            seen = self._hub.oversee.overview()
        except Busy:  # the store gives nothing; that reading stands still is told all the same
            return
        assert seen.head is not None
        assert seen.unsigned is not None
        yield CounterMetricFamily("tsunagu_log_events", "Events of the log", seen.head)
        yield GaugeMetricFamily(
            "tsunagu_writer_waiting", "Submissions and follower steps that wait for the writer", self._hub.writer.waiting
        )
        if seen.signed is not None:
            yield GaugeMetricFamily("tsunagu_checkpoint_age_seconds", "Age of the newest signed head", seen.signed)
        yield GaugeMetricFamily("tsunagu_unsigned_events", "Events behind the newest signed head", seen.unsigned)
        events = GaugeMetricFamily("tsunagu_follower_lag_events", "Events that a follower has not taken", labels=["follower"])
        seconds = GaugeMetricFamily("tsunagu_follower_lag_seconds", "Age of the first event that it has not taken", labels=["follower"])
        stopped = GaugeMetricFamily("tsunagu_follower_stopped", "1 = it stands at an event that it cannot take", labels=["follower"])
        for one in seen.followers:
            if one.events is not None:
                events.add_metric([one.name], one.events)
            if one.seconds is not None:
                seconds.add_metric([one.name], one.seconds)
            stopped.add_metric([one.name], int(one.stopped is not None))
        yield from (events, seconds, stopped)

    def describe(self) -> list[Metric]:
        """Give no names in advance: nothing is looked up when the hub starts."""
        return []


class _Labelled:
    """A registry as it is shown: without the moments at which counters were made, and with the process where there are several."""

    def __init__(self, registry: CollectorRegistry, process: str) -> None:
        self._registry, self._process = registry, process

    def collect(self) -> Iterator[Metric]:
        """Give the families."""
        for family in self._registry.collect():
            kept = [s for s in family.samples if not s.name.endswith("_created")]
            family.samples = [s._replace(labels={**s.labels, "process": self._process}) for s in kept] if self._process else kept
            yield family


class Timing:
    """Around everything: how long each request took until its answer began."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and not asked_apart(scope):
                route = getattr(scope.get("route"), "path", "none")
                self._metrics.asked(_method(scope["method"]), route, message["status"], time.perf_counter() - begun)
            await send(message)

        await self._app(scope, receive, sending)


def asked_apart(scope: Scope) -> bool:
    """Say whether an application of another compartment asked: that it did is measured nowhere."""
    return bool(scope.get("state", {}).get("apart"))


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})


def _method(told: str) -> str:
    return told if told in _METHODS else "other"
