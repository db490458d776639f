"""A real PostgreSQL for the tests: one throwaway cluster a test process, on a Unix socket and a free port of loopback; one new database a test.

With CI set a missing server is a failure; elsewhere those tests are skipped.
"""

from __future__ import annotations

import atexit
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql*/bin")


def programs() -> Path | None:
    """Give the folder of PostgreSQL's programs, newest first; None where there is none."""
    if named := os.environ.get("TSUNAGU_TEST_POSTGRES_BIN"):
        return Path(named)
    found = sorted(p for place in _PLACES for p in Path("/").glob(place[1:]) if (p / "initdb").exists())
    if found:
        return found[-1]
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@dataclass
class Cluster:
    """A running server, and what it takes to stop it, kill it and start it again."""

    home: Path
    port: int
    bin: Path
    user: str
    process: subprocess.Popen[bytes] | None = None
    _names: Iterator[int] = field(default_factory=itertools.count)

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = self._as(str(self.bin / "postgres"), "-D", str(self.home / "data"))
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        for _ in range(600):
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if self.process.poll() is not None:
                    raise RuntimeError((self.home / "server.log").read_text(encoding="utf-8")[-2000:]) from None
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("PostgreSQL does not answer")

    def kill(self) -> None:
        """End every process of it as a power cut would."""
        master = int((self.home / "data" / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])
        children = subprocess.run(["pgrep", "-P", str(master)], capture_output=True, text=True, check=False).stdout.split()
        for one in (master, *map(int, children)):
            try:
                os.kill(one, signal.SIGKILL)
            except ProcessLookupError:
                continue
        assert self.process is not None
        self.process.wait(timeout=30)

    def stop(self) -> None:
        """End it in good order."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM) if self.user == _me() else subprocess.run(
                self._as(str(self.bin / "pg_ctl"), "-D", str(self.home / "data"), "-m", "immediate", "stop"),
                check=False,
                capture_output=True,
            )
            self.process.wait(timeout=30)

    def url(self, database: str) -> str:
        return f"postgresql://{self.user}@127.0.0.1:{self.port}/{database}"

    def local(self, url: str) -> str:
        """Give the same database by the server's Unix socket."""
        return f"postgresql://{self.user}@/{url.rpartition('/')[2]}?host={self.home}&port={self.port}"

    def new(self) -> str:
        """Make a new database; give its URL."""
        name = f"hub_{os.getpid()}_{next(self._names)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def _as(self, *command: str) -> list[str]:
        return list(command) if self.user == _me() else ["runuser", "-u", self.user, "--", *command]


def _me() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def make(home: Path, binaries: Path, *settings: str) -> Cluster:
    """Make a cluster in a folder and start it. Root may not run a server: then it runs as `postgres`."""
    user = "postgres" if os.getuid() == 0 else _me()
    home.mkdir(parents=True, exist_ok=True)
    if os.getuid() == 0:
        shutil.chown(home, user)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    made = Cluster(home, port, binaries, user)
    subprocess.run(
        made._as(str(binaries / "initdb"), "-D", str(home / "data"), "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"),
        check=True, capture_output=True,
    )  # fmt: skip
    lines = (
        f"port={port}", "listen_addresses='127.0.0.1'", f"unix_socket_directories='{home}'", "max_connections=200", "shared_buffers=128MB",
        *settings,
    )  # fmt: skip
    with (home / "data" / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    made.start()
    return made


_running: list[Cluster] = []


def cluster() -> Cluster:
    """Give this process's cluster, made at first use; skips the test where there is no PostgreSQL, and fails in CI."""
    if not _running:
        binaries = programs()
        if binaries is None:
            if os.environ.get("CI"):
                pytest.fail("PostgreSQL is missing: apt-get install postgresql")
            pytest.skip("PostgreSQL is not installed")
        home = Path(tempfile.mkdtemp(prefix="tsunagu-postgres-"))
        home.chmod(0o755)
        _running.append(make(home, binaries))
        atexit.register(end)
    return _running[0]


def end() -> None:
    """Stop this process's cluster and let go of its files. At the end of a test session, not of the process: a worker is given no time there."""
    while _running:
        one = _running.pop()
        one.stop()
        shutil.rmtree(one.home, ignore_errors=True)
