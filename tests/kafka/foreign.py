"""A reader that knows nothing of the hub: kcat (librdkafka), committed records alone. Without kcat, Apache's console consumer."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

import orjson

from tests.kafka.broker import Broker, java


@dataclass(frozen=True, slots=True)
class Seen:
    """One record as the foreign reader saw it."""

    topic: str
    partition: int
    offset: int
    key: str
    headers: dict[str, str]
    value: bytes


def read(broker: Broker, topic: str) -> list[Seen]:
    """Give all committed records of a topic, by partition in their order."""
    if kcat := shutil.which("kcat"):
        return _kcat(kcat, broker, topic)
    return read_by_console(broker, topic)


def _kcat(kcat: str, broker: Broker, topic: str) -> list[Seen]:
    command = [kcat, "-C", "-q", "-e", "-J", "-b", broker.servers, "-t", topic, "-o", "beginning", "-X", "isolation.level=read_committed"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    found = []
    for line in done.stdout.splitlines():
        one = orjson.loads(line)
        pairs = one.get("headers") or []
        headers = dict(zip(pairs[::2], pairs[1::2], strict=True))
        found.append(Seen(one["topic"], one["partition"], one["offset"], one["key"], headers, (one["payload"] or "").encode()))
    return sorted(found, key=lambda s: (s.partition, s.offset))


def read_by_console(broker: Broker, topic: str) -> list[Seen]:
    """Give the same by `kafka-console-consumer`."""
    lines = [
        "print.headers=true",
        "print.key=true",
        "print.partition=true",
        "print.offset=true",
        "key.separator=\t",
        "headers.separator=\x1f",
    ]
    more = [word for line in lines for word in ("--property", line)]
    command = java(
        "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", broker.servers, "--topic", topic, "--from-beginning",
        "--isolation-level", "read_committed", "--timeout-ms", "5000", *more,
    )  # fmt: skip
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=120)
    found = []
    for line in done.stdout.splitlines():
        if not line.startswith("Partition:"):
            continue
        partition, offset, headers, key, value = line.split("\t", 4)
        pairs = dict(h.split(":", 1) for h in headers.split("\x1f")) if headers != "NO_HEADERS" else {}
        found.append(Seen(topic, int(partition.split(":")[1]), int(offset.split(":")[1]), key, pairs, value.encode()))
    return sorted(found, key=lambda s: (s.partition, s.offset))


def send(broker: Broker, topic: str, value: bytes, header: str) -> None:
    """Send one record by kcat; without kcat by Apache's console producer."""
    if kcat := shutil.which("kcat"):
        command = [kcat, "-P", "-b", broker.servers, "-t", topic, "-H", header]
        line = value.replace(b"\n", b" ")
    else:
        command = java(
            "org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", broker.servers, "--topic", topic, "--property",
            "parse.headers=true", "--property", "headers.key.separator==",
        )  # fmt: skip
        line = header.encode() + b"\t" + value.replace(b"\n", b" ")
    subprocess.run(command, input=line + b"\n", capture_output=True, check=True, timeout=60)
