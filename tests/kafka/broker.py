"""A real Apache Kafka for the tests: one node (KRaft) on loopback, from jars that Maven fetched once into the user's cache folder.

Needs Java (17 or later); Maven only where the jars are not there yet. Two listeners: one in clear, one with SASL (SCRAM-SHA-512, PLAIN).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).parent
HEAP = "-Xmx384m"
USER, PASSWORD = "tsunagu", "open-sesame"
READER, READING = "reader", "reading"
"""A user without any right of its own, by PLAIN."""
UP = 60.0
"""Seconds in which a broker is up, on a machine that does something else too."""


class NoBroker(Exception):
    """No broker can run on this machine; the text says what is missing."""


def cache_folder() -> Path:
    """Give the folder of the jars: XDG cache, named after pom.xml, so that another version gets another folder."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "tsunagu" / f"kafka-{sha256((HERE / 'pom.xml').read_bytes()).hexdigest()[:16]}"


def jars() -> Path:
    """Give the folder of the jars, fetched when it is not there. Raises NoBroker."""
    folder = cache_folder()
    if folder.is_dir():
        return folder
    maven = _tool("mvn")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        fetched = Path(scratch) / "jars"
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={fetched}", "-DincludeScope=runtime"]
        command = [maven, "-q", "-B", "-f", str(HERE / "pom.xml"), *goal]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=600)
        if done.returncode:
            raise NoBroker("Maven could not fetch Kafka's jars")
        if not folder.is_dir():
            fetched.rename(folder)
    return folder


def java(main: str, *arguments: str, heap: str = "-Xmx128m") -> list[str]:
    """Give the command that runs one of Kafka's own programs."""
    return [_tool("java"), heap, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{jars()}{os.sep}*", main, *arguments]


class Broker:
    """One broker over a folder; killed and started again it has its ports and its data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True)
        self._port, self._secured, controller = _free(3)
        self.servers, self.secured = f"127.0.0.1:{self._port}", f"127.0.0.1:{self._secured}"
        self._settings = folder / "server.properties"
        self._settings.write_text(_settings(folder / "log", self._port, self._secured, controller), encoding="ascii")
        self._process: subprocess.Popen[bytes] | None = None
        self._run("kafka.tools.StorageTool", "format", "-t", "QWxsIGluIG9uZSBwbGFjZQ", "-c", str(self._settings),
                  "--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]")  # fmt: skip

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._folder / "said.log").open("ab") as said:
            command = java("kafka.Kafka", str(self._settings), heap=HEAP)
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=said, stderr=said, stdin=subprocess.DEVNULL)
        until = time.monotonic() + UP
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise NoBroker((self._folder / "said.log").read_text(encoding="utf-8")[-2000:])

    def kill(self) -> None:
        """End it as the kernel does when memory runs out."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it, when it runs."""
        if self._process is not None and self._process.poll() is None:
            self._end(signal.SIGKILL)  # nothing that it holds is wanted any more, and in good order takes seconds

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(timeout=60)

    def _answers(self) -> bool:
        """Ask it which requests it knows (ApiVersions v0): a bare answer, which leaves nothing of a client behind when there is none."""
        asked = struct.pack(">hhih1s", 18, 0, 1, 1, b"t")
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=2) as line:
                line.sendall(struct.pack(">i", len(asked)) + asked)
                return len(line.recv(10, socket.MSG_WAITALL)) == 10
        except OSError:
            time.sleep(0.05)
            return False

    def _run(self, main: str, *arguments: str) -> None:
        done = subprocess.run(java(main, *arguments), capture_output=True, text=True, check=False, timeout=120, cwd=self._folder)
        if done.returncode:
            raise NoBroker(done.stderr[-2000:])


def _free(count: int) -> Sequence[int]:
    """Give free ports: a broker has to know the one that it tells its clients."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def _settings(folder: Path, port: int, secured: int, controller: int) -> str:
    lines = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{secured},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{secured}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
        "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config":
            "org.apache.kafka.common.security.scram.ScramLoginModule required;",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config":
            f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{READER}="{READING}";',
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:ANONYMOUS;User:{USER}",
        "log.dirs": str(folder),
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
    }  # fmt: skip
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def _tool(name: str) -> str:
    found = shutil.which(name)
    if not found:
        raise NoBroker(f"`{name}` is not on this machine (Java of version 17 or later and Maven are needed)")
    return found


if __name__ == "__main__":
    print(jars())
