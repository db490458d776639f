"""The commands around emergencies, wired: they share one second factor, so that a code serves once at whatever door."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from hub.gate import Gate
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store
from hub.region import Region
from hub.writer import Writer
from hub.writes.emergency import Breaking
from hub.writes.emergency_codes import SecondFactor
from hub.writes.emergency_disaster import Switching
from hub.writes.emergency_review import Reviewing
from hub.writes.tombstone import Network


def emergency_parts(
    *,
    store: Store,
    keys: Keyring,
    secrets: Secrets,
    writer: Writer,
    gate: Gate,
    network: Network,
    region: Region,
    now: Callable[[], datetime],
    seconds: Callable[[], float],
) -> tuple[Breaking, Reviewing, Switching]:
    """Give break-glass, what follows it, and the switch of a disaster; `seconds` = the wall clock of codes and sign-ins."""
    second = SecondFactor(store=store, writer=writer, secrets=secrets, network=network, now=now, seconds=seconds)
    breaking = Breaking(
        store=store, keys=keys, secrets=secrets, writer=writer, gate=gate, network=network, second=second, networks=region.rules, now=now,
        seconds=seconds,
    )  # fmt: skip
    reviewing = Reviewing(store=store, writer=writer, network=network, now=now)
    return (
        breaking,
        reviewing,
        Switching(store=store, writer=writer, network=network, second=second, region=region, networks=region.rules, now=now),
    )
