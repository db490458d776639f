"""The hub as a process of its own, with everything on, over an empty folder: `python -m tests.bench.server FOLDER [URL [PROCESSES]]`, until SIGTERM.

When it answers each process prints one line of JSON: base, process id, API tokens by organization, one-time sign-in links by user. `--bare` imports the same,
prints a line and waits for the end of its input: what the interpreter alone weighs.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import orjson

from hub.assemble import TOKENS, assemble
from hub.cli.processes import run_many
from hub.cli.serving import bind, run
from hub.clock import clock
from hub.credentials import Credentials
from hub.ingest.adapters import load_adapters
from hub.web.app import create_app
from tests.bench.region import region

ADAPTERS = ("hospital", "visiting_nurse", "care_manager")


def main(folder: Path, database: str = "", processes: int = 1) -> int:
    """Serve on any free port of loopback, in so many processes; give the exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    register = region()
    credentials = Credentials(folder / TOKENS, register)
    tokens = {code: credentials.issue(code) for code in register.offices}
    first = bind("127.0.0.1", 0, shared=processes > 1)
    if processes == 1:
        serve(folder, database, first, tokens)
        return 0
    port = first.getsockname()[1]
    first.close()

    def work(_: int) -> int:
        serve(folder, database, bind("127.0.0.1", port, shared=True), tokens)
        return 0

    return run_many(processes, work)


def serve(folder: Path, database: str, bound: socket.socket, tokens: dict[str, str]) -> None:
    """Serve until told to stop."""
    register = region()
    base = f"http://127.0.0.1:{bound.getsockname()[1]}"
    hub = assemble(data=folder, region=register, base=base, adapters=load_adapters(ADAPTERS), now=clock(None), database=database)
    app = create_app(hub, demo=True)
    links = {user: f"/sign-in/{app.state.sessions.link(user)}" for user in register.users}
    said = {"base": base, "pid": os.getpid(), "tokens": tokens, "links": links}
    run(hub, app, bound, lambda: print(f"{orjson.dumps(said).decode()}\n", end="", flush=True))


if __name__ == "__main__":
    if sys.argv[1:] == ["--bare"]:
        load_adapters(ADAPTERS)
        print("ready", flush=True)
        sys.stdin.read()
    else:
        sys.exit(main(Path(sys.argv[1]), *sys.argv[2:3], *map(int, sys.argv[3:4])))
