"""Names of topics, each of one organization alone, and making those that are missing.

    tsunagu.<organization>.<family>   what the organization hears
    tsunagu.in.<organization>         what it sends
    tsunagu.dead.<organization>       what of that was not taken, and why
    tsunagu.positions                 how far the hub has come with each (compacted; the hub's own)

The names hold nothing but codes of the register and families of the table, so that a broker's access rules go by prefix.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from hub.kafka.clients import knock, made
from hub.kafka.faults import Away, named
from hub.kafka.options import REQUEST_MS, Options

POSITIONS = "tsunagu.positions"
PARTITIONS = 6
"""Of topics that the hub makes. Never changed later: the order of a person's events hangs on it."""
_IN = "tsunagu.in."
_TABLE = Path(__file__).parent / "data" / "families.csv"
_POSITIONS = {"cleanup.policy": "compact", "segment.bytes": "4194304", "min.cleanable.dirty.ratio": "0.1"}
"""Small segments: at a start the hub reads the topic whole."""
_PACKED = "compression.type"
_COMPRESSED = {_PACKED: "gzip"}
"""The broker packs anew whatever it gets, so that the hub can read what senders packed by libraries that it does not have."""
_READ = frozenset({"gzip", "zstd", "uncompressed"})


@cache
def families() -> Mapping[str, str]:
    """Give the family of each kind of domain event."""
    with _TABLE.open(encoding="utf-8", newline="") as rows:
        return {row["kind"]: row["family"] for row in csv.DictReader(rows)}


SHOWN = 5.0
"""Seconds at most until a topic that was made is shown."""


def out(code: str, kind: str) -> str:
    """Name the topic on which an organization hears events of a kind."""
    return f"tsunagu.{code}.{families()[kind]}"


def outs(code: str) -> tuple[str, ...]:
    """Name all topics of an organization, whether anything ever comes on them or not."""
    return tuple(f"tsunagu.{code}.{family}" for family in sorted(set(families().values())))


def into(code: str) -> str:
    """Name the topic on which an organization sends."""
    return _IN + code


def sender(topic: str) -> str:
    """Give the organization whose topic for sending this is."""
    return topic.removeprefix(_IN)


def dead(code: str) -> str:
    """Name the topic on which an organization learns what was not taken."""
    return f"tsunagu.dead.{code}"


def present(options: Options) -> frozenset[str]:
    """Give the topics that the broker shows. Raises Away."""
    knock(options)
    with named():
        admin = made(KafkaAdminClient, **options.client("tsunagu-admin"))
        try:
            return frozenset(admin.list_topics())
        finally:
            admin.close()


def ensure(options: Options, wanted: Iterable[str], there: frozenset[str]) -> None:
    """Make what is missing of these topics, where the hub may. Raises Away (HUB-5093) with the names of what is still missing."""
    missing = tuple(sorted(set(wanted) - there))
    if not missing:
        return
    if not options.replicas:
        raise Away("HUB-5093", missing)
    new = {name: _form(name, options.replicas) for name in missing}
    with named():
        admin = made(KafkaAdminClient, **options.client("tsunagu-admin"))
        try:
            admin.create_topics(new, timeout_ms=REQUEST_MS, raise_errors=False)  # another hub may have been first
            until = time.monotonic() + SHOWN  # a broker shows a topic a moment after it was made
            while left := tuple(sorted(set(missing) - set(admin.list_topics()))):
                if time.monotonic() > until:
                    raise Away("HUB-5093", left)
                time.sleep(0.1)
            admin.wait_for_topics(list(missing), timeout_ms=REQUEST_MS)
        finally:
            admin.close()


def unread(options: Options, names: Iterable[str]) -> tuple[str, ...]:
    """Give those topics that a broker leaves packed as senders packed it: one record of theirs could stop whoever reads. Raises Away."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    if not asked:
        return ()
    with named():
        admin = made(KafkaAdminClient, **options.client("tsunagu-admin"))
        try:
            told = admin.describe_configs(asked, config_filter="all")
        finally:
            admin.close()
    return tuple(sorted(name for name, configs in told["topic"].items() if configs.get(_PACKED, {}).get("value") not in _READ))


def _form(name: str, replicas: int) -> dict[str, object]:
    """Say how a topic is to be made."""
    configs = {"min.insync.replicas": str(min(2, replicas))}
    if name == POSITIONS:
        configs |= _POSITIONS
    elif name.startswith(_IN):
        configs |= _COMPRESSED
    return {"num_partitions": 1 if name == POSITIONS else PARTITIONS, "replication_factor": replicas, "configs": configs}
