"""The hub's process seen from outside: started, measured by /proc, ended by its id."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

ROOT = Path(__file__).resolve().parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Served:
    """A hub that answers. `tokens` by organization, `links` (paths of one-time sign-in) by user."""

    pids: tuple[int, ...]
    port: int
    tokens: dict[str, str]
    links: dict[str, str]

    def cpu(self) -> float:
        """Give the CPU seconds that all threads of its processes have taken."""
        return sum(map(cpu_of, self.pids))

    @property
    def pid(self) -> int:
        return self.pids[0]


@contextmanager
def served(folder: Path, database: str = "", processes: int = 1) -> Iterator[Served]:
    """Start a hub over a folder and end it by SIGTERM; raises RuntimeError when it does not come up or ends badly."""
    process = _start(str(folder), *([database, str(processes)] if database else []), output=True)
    try:
        assert process.stdout is not None
        said = []
        for _ in range(processes):
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"the hub did not start: exit {process.wait()}")
            said.append(orjson.loads(line))
        yield Served(tuple(s["pid"] for s in said), int(said[0]["base"].rpartition(":")[2]), said[0]["tokens"], said[0]["links"])
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def bare() -> Iterator[int]:
    """Start an interpreter with the same imports and no hub; give its process id."""
    process = _start("--bare", output=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=30)


def _start(*arguments: str, output: bool) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.bench.server", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if output else None,
    )


def cpu_of(pid: int) -> float:
    """Give user and system time of a process in seconds (proc(5), stat fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_of(pid: int, name: str = "VmRSS") -> float:
    """Give resident memory in MB (10^6 bytes); `VmHWM` = the most that it ever was."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"{name} is not in /proc")
