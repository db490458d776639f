"""The hub as a process of its own, with everything on, over an empty folder: `python -m tests.bench.server FOLDER`, until SIGTERM.

When it answers it prints one line of JSON: base, API tokens by organization, one-time sign-in links by user. `--bare` imports the same,
prints a line and waits for the end of its input: what the interpreter alone weighs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import orjson

from hub.assemble import assemble
from hub.cli.serving import bind, run
from hub.clock import clock
from hub.ingest.adapters import load_adapters
from hub.web.app import create_app
from tests.bench.region import region

ADAPTERS = ("hospital", "visiting_nurse", "care_manager")


def main(folder: Path) -> None:
    """Serve on any free port of loopback."""
    register = region()
    bound = bind("127.0.0.1", 0)
    base = f"http://127.0.0.1:{bound.getsockname()[1]}"
    hub = assemble(data=folder, region=register, base=base, adapters=load_adapters(ADAPTERS), now=clock(None))
    app = create_app(hub, demo=True)
    said = {
        "base": base,
        "tokens": {code: hub.credentials.issue(code) for code in register.offices},
        "links": {user: f"/sign-in/{app.state.sessions.link(user)}" for user in register.users},
    }
    run(hub, app, bound, lambda: print(orjson.dumps(said).decode(), flush=True))


if __name__ == "__main__":
    if sys.argv[1:] == ["--bare"]:
        load_adapters(ADAPTERS)
        print("ready", flush=True)
        sys.stdin.read()
    else:
        main(Path(sys.argv[1]))
