"""Clients of the library, made so that none that does not come up leaves a thread and its sockets behind: the library's own constructors do."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, TypeVar

from kafka.net.compat import KafkaNetClient

from hub.kafka.faults import Away
from hub.kafka.options import Options

T = TypeVar("T")
KNOCK = 3.0
"""Seconds in which a server takes a connection."""


def made(kind: Callable[..., T], **told: Any) -> T:
    """Make a client of a kind. Raises what its constructor raises, after all that it had opened is closed."""
    held: list[KafkaNetClient] = []

    def network(**configs: Any) -> KafkaNetClient:
        held.append(KafkaNetClient(**configs))
        return held[-1]

    try:
        return kind(**told, kafka_client=network)
    except BaseException:
        for one in held:
            one.close()
        raise


def knock(options: Options) -> None:
    """See that one of the servers takes a connection, before the library tries for seconds. Raises Away (HUB-5090)."""
    for server in options.servers:
        host, _, port = server.rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK):
                return
        except OSError:
            continue
    raise Away("HUB-5090")
