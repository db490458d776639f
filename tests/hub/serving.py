"""A hub as a process of its own: `python -m tests.hub.serving FOLDER`, on a free port of loopback, until SIGTERM.

When it answers it prints one line of JSON: base, tokens by organization. `--port N` = the port; `--watch DIR` = a folder to watch;
`--roll-back N` = each N-th submission fails inside its transaction, after its events were appended; `--clock FILE` = the hub's clock is wrong by
as many seconds as the file says at that moment; `--fault unchecked` = a decision is recorded without looking whether consents have moved since it
was taken; `--fault kept` = what is known of a person is kept for half a second.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson

from hub.log.event import Recorded
from hub.log.store import Tx
from hub.writer import Proposal, Writer
from schemas.events import RESOURCE_RECORDED

ROOT = Path(__file__).resolve().parents[2]
ADAPTERS = ("hospital", "visiting_nurse", "care_manager")


@dataclass(slots=True)
class Served:
    """A hub that answers."""

    process: subprocess.Popen[bytes]
    base: str
    tokens: dict[str, str]

    @property
    def port(self) -> int:
        return int(self.base.rpartition(":")[2])

    def client(self, organization: str) -> httpx.Client:
        """Give a client of an organization's application."""
        headers = {"Authorization": f"Bearer {self.tokens[organization]}", "Content-Type": "application/fhir+json"}
        return httpx.Client(base_url=self.base, headers=headers, timeout=60, trust_env=False)

    def kill(self) -> None:
        """End it as the kernel does when memory runs out: nothing is finished, nothing is said."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)

    def stop(self) -> int:
        """End it in good order; give its exit status."""
        self.process.terminate()
        return self.process.wait(timeout=30)

    def memory(self, name: str = "VmHWM") -> float:
        """Give resident memory in MB (10^6 bytes); `VmHWM` = the most that it ever was (proc(5))."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise RuntimeError(f"{name} is not in /proc")


def start(folder: Path, *more: str) -> Served:
    """Start a hub over a folder; raises RuntimeError with what it said when it does not come up."""
    from tests.hub.world import database_of

    command = [sys.executable, "-m", "tests.hub.serving", str(folder), "--database", database_of(folder), *more]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "said.log").open("ab") as said:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=said, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert process.stdout is not None
    line = process.stdout.readline()
    process.stdout.close()
    if not line:
        process.wait(timeout=30)
        raise RuntimeError((folder / "said.log").read_text(encoding="utf-8")[-2000:])
    told = orjson.loads(line)
    return Served(process, told["base"], told["tokens"])


@contextmanager
def served(folder: Path, *more: str) -> Iterator[Served]:
    """Start a hub over a folder and end it at the end."""
    made = start(folder, *more)
    try:
        yield made
    finally:
        if made.process.poll() is None:
            made.stop()


def region_file(folder: Path) -> Path:
    """Write the region of these tests as the register's file."""
    from tests.hub.world import register

    held = register()
    written = folder / "region.json"
    written.write_bytes(orjson.dumps({
        "name": held.name, "edition": held.edition, "network": held.network,
        "organizations": [{"code": o.code, "name": o.name, "kind": o.kind, "purpose": held.purposes[o.code]} for o in held.offices.values()],
        "users": [{"id": u.id, "organization": u.organization, "name": u.name, "role": u.role, "purpose": u.purpose} for u in held.users.values()],
    }))  # fmt: skip
    return written


def _rolling_back(writer: Writer, each: int, kept: Path) -> None:
    """Let each n-th submission that records a resource fail when its tables are moved: the log's rows are there already. `kept` = a mark for each."""
    apply, count = writer._apply, 0

    def failing(tx: Tx, recorded: Sequence[Recorded]) -> None:
        nonlocal count
        apply(tx, recorded)
        if any(r.topic == RESOURCE_RECORDED for r in recorded):
            count += 1
            if count % each == 0:
                with kept.open("a", encoding="ascii") as marks:
                    marks.write("|")
                raise OSError("no space left")

    writer._apply = failing


def _unchecked(hub: Any) -> None:
    """Let the gate's decisions hold whatever moved, and make the time between taking and recording them long enough to be met."""
    writer, submit = hub.gate._writer, hub.gate._writer.submit

    def late(proposal: Proposal) -> Any:
        proposal.holds = None
        time.sleep(0.005)
        return submit(proposal)

    hub.gate._writer = type("Late", (), {"submit": staticmethod(late), "__getattr__": lambda _, name: getattr(writer, name)})()


def _kept(hub: Any) -> None:
    """Let the gate keep what it knows of persons, as a cache would that no consent moves."""
    known, state, until = hub.gate._knowing, hub.gate._knowing.state, 0.5
    held: dict[Any, tuple[float, Any]] = {}

    def keeping(tx: Tx, people: Any, *more: Any) -> Any:
        name = tuple(sorted(people.patients))
        if name not in held or time.monotonic() - held[name][0] > until:
            held[name] = time.monotonic(), state(tx, people, *more)
        return held[name][1]

    known.state = keeping


def _wrong(said: Path) -> Callable[[], datetime]:
    return lambda: datetime.now(UTC) + timedelta(seconds=int(said.read_text(encoding="ascii")))


def main() -> None:
    """Serve until told to stop."""
    from hub.assemble import assemble
    from hub.cli.serving import bind, run
    from hub.clock import clock
    from hub.ingest.adapters import load_adapters
    from hub.ingest.folder import Watching
    from hub.web.app import create_app
    from tests.hub.world import register

    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--watch", type=Path)
    parser.add_argument("--database", default="")
    parser.add_argument("--roll-back", type=int, default=0)
    parser.add_argument("--clock", type=Path)
    parser.add_argument("--fault", choices=["unchecked", "kept"])
    asked = parser.parse_args()
    bound = bind("127.0.0.1", asked.port)
    base = f"http://127.0.0.1:{bound.getsockname()[1]}"
    hub = assemble(
        data=asked.folder,
        region=register(),
        base=base,
        adapters=load_adapters(ADAPTERS),
        now=_wrong(asked.clock) if asked.clock else clock(None),
        database=asked.database,
    )
    if asked.fault:
        {"unchecked": _unchecked, "kept": _kept}[asked.fault](hub)
    if asked.roll_back:
        _rolling_back(hub.writer, asked.roll_back, asked.folder / "rolled-back")
    watching = Watching(hub, asked.watch, asked.folder / "watched.json") if asked.watch else None
    if watching:
        watching.start()
    told = {"base": base, "tokens": {code: hub.credentials.issue(code) for code in hub.region.offices}}
    try:
        run(hub, create_app(hub), bound, lambda: print(orjson.dumps(told).decode(), flush=True))
    finally:
        if watching:
            watching.close()


if __name__ == "__main__":
    main()
