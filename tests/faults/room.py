"""A disk that is full: nothing acknowledged is lost, nothing is taken by half, nothing is read that cannot be audited, and it goes on with room.

The disks are small ones in memory (tmpfs), which only root may mount: elsewhere these loops are skipped, in CI that is a failure.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from tests.faults.effort import Effort
from tests.faults.loads import Counts, Load, judge, refused_reading, running, wait_for
from tests.faults.whole import assert_whole
from tests.hub.serving import start
from tests.postgres import Cluster, cluster, make, programs

FULL, AWAY = (503, "HUB-5103"), (503, "HUB-5100")


@contextmanager
def disk(megabytes: int) -> Iterator[Path]:
    """Mount a small disk, at a place that PostgreSQL's own user can come to."""
    at = Path(tempfile.mkdtemp(prefix="tsunagu-disk-"))
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(at)], capture_output=True, check=False)
    if done.returncode:
        at.rmdir()
        if os.environ.get("CI"):
            pytest.fail("a small disk cannot be mounted")
        pytest.skip("a small disk cannot be mounted: not root, or not permitted")
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)
        at.rmdir()


def fill(at: Path) -> Path:
    """Take all the room that a disk has; give the file that holds it."""
    ballast = at / "ballast"
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4_096))
    return ballast


def sqlite_full(folder: Path, effort: Effort) -> Counts:
    """Fill the disk under the hub's own files."""
    counts = Counts("disk full, sqlite")
    with disk(48) as small, running() as hold:
        data = small / "data"
        hub = hold(start(data))
        tokens = hub.tokens
        for turn in effort.turns():
            with Load(folder / "clients", [hub], tokens, turn.number) as load:
                load.start(on=True)
                load.until_told(40)
                ballast = fill(small)
                load.until_told(20, "503")
                wait_for(lambda: refused_reading(load) == FULL, 30, "a reading that is refused")
                if turn.number % 2:
                    hub.kill()
                ballast.unlink()
                if turn.number % 2:
                    hub = hold(start(data, "--port", str(hub.port)))
                    load.hubs = [hub]
                load.until_told(40)
                load.stop()
                judge(load, counts)
                turn.flying = _refused_for_room(load)
                counts.add(fills=1)
        assert hub.stop() == 0
        counts.add(events=assert_whole(data))
    return counts


def postgresql_full(folder: Path, effort: Effort) -> Counts:
    """Fill the disk under PostgreSQL's data: it may end itself then, and is started again when there is room."""
    counts = Counts("disk full, postgresql")
    cluster()  # says what is missing
    binaries = programs()
    assert binaries is not None
    with disk(256) as small:
        server = make(small / "server", binaries, "max_wal_size=64MB", "min_wal_size=32MB", "shared_buffers=16MB")
        try:
            _fill_server(folder, small, server, effort, counts)
        finally:
            server.stop()
    return counts


def _fill_server(folder: Path, small: Path, server: Cluster, effort: Effort, counts: Counts) -> None:
    data, database = folder / "data", server.new()
    with running() as hold:
        hub = hold(start(data, "--database", database))
        for turn in effort.turns():
            with Load(folder / "clients", [hub], hub.tokens, turn.number) as load:
                load.start(on=True)
                load.until_told(40)
                ballast = fill(small)
                load.until_told(20, "503", 120)
                wait_for(lambda: refused_reading(load) in {FULL, AWAY}, 30, "a reading that is refused")
                if turn.number % 2:
                    _use_up_wal(server)
                    assert refused_reading(load) == AWAY
                ballast.unlink()
                ended = server.process is not None and server.process.poll() is not None
                if ended:
                    server.start()
                load.until_told(40, seconds=120)
                load.stop()
                judge(load, counts)
                turn.flying = sum(len(r.refused) for r in load.records().values())
                counts.add(fills=1, the_server_ended_itself=int(ended))
    counts.add(events=assert_whole(data, database))


def _use_up_wal(server: Cluster) -> None:
    """Let the server need a new file of its write-ahead log, which it cannot have: it ends itself then, and cannot come up again."""

    def ended() -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_logical_emit_message(false, 'faults', '')")
            connection.execute("SELECT pg_switch_wal()")
        return server.process is not None and server.process.poll() is not None

    wait_for(ended, 60, "the end of a server that has no room for its log")


def _refused_for_room(load: Load) -> int:
    return sum(rule == FULL[1] for record in load.records().values() for rule in record.refused.values())
