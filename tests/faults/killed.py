"""Hubs and servers that are ended without a word while clients write."""

from __future__ import annotations

import random
import time
from pathlib import Path

from tests.faults.effort import Effort
from tests.faults.loads import Counts, Load, judge, refused_reading, running
from tests.faults.whole import assert_whole
from tests.hub.serving import start
from tests.postgres import Cluster


def hub_killed(folder: Path, database: str, effort: Effort) -> Counts:
    """End the hub by SIGKILL at a random moment; start it again on what it left."""
    counts = Counts(f"hub killed, {'postgresql' if database else 'sqlite'}")
    data, chance = folder / "data", random.Random()
    with running() as hold:
        hub = hold(start(data, "--database", database))
        tokens = hub.tokens
        for turn in effort.turns():
            with Load(folder / "clients", [hub], tokens, turn.number) as load:
                load.start()
                load.until_told(40)
                time.sleep(chance.random())
                hub.kill()
                load.ended()
                hub = hold(start(data, "--database", database, "--port", str(hub.port)))
                load.hubs = [hub]
                turn.flying = judge(load, counts)
                counts.add(kills=1)
    counts.add(events=assert_whole(data, database))
    return counts


def one_of_two_killed(folder: Path, database: str, effort: Effort) -> Counts:
    """End one of two hubs on one database, now the one that leads the followers, now the other: the living one goes on, and feeds stay whole."""
    counts = Counts("one of two hubs killed")
    data, chance = folder / "data", random.Random()
    with running() as hold:
        hubs = [hold(start(data, "--database", database))]
        tokens = hubs[0].tokens
        hubs.append(hold(start(data, "--database", database)))
        for turn in effort.turns():
            with Load(folder / "clients", hubs, tokens, turn.number) as load:
                load.start(on=True)
                load.until_told(40)
                time.sleep(chance.random())
                dying, living = hubs
                dying.kill()
                load.hubs = [living]
                load.until_told(60)
                hubs = [living, hold(start(data, "--database", database, "--port", str(dying.port)))]
                load.until_told(20)
                load.stop()
                turn.flying = judge(load, counts)
                counts.add(kills=1)
    counts.add(events=assert_whole(data, database))
    return counts


def server_killed(folder: Path, cluster: Cluster, effort: Effort) -> Counts:
    """End PostgreSQL by SIGKILL under load: 503 meanwhile, the hub comes back by itself, and no lost answer makes a second append."""
    counts = Counts("PostgreSQL killed")
    data, chance, database = folder / "data", random.Random(), cluster.new()
    with running() as hold:
        hub = hold(start(data, "--database", database))
        for turn in effort.turns():
            with Load(folder / "clients", [hub], hub.tokens, turn.number) as load:
                load.start(on=True)
                load.until_told(40)
                time.sleep(chance.random())
                turn.flying = load.waiting()
                cluster.kill()
                try:
                    assert refused_reading(load) == (503, "HUB-5100")
                    load.until_told(1, "503")
                    time.sleep(chance.random())
                finally:
                    cluster.start()
                load.until_told(40)
                load.stop()
                judge(load, counts)
                counts.add(kills=1, waiting_then=turn.flying)
    counts.add(events=assert_whole(data, database))
    return counts
