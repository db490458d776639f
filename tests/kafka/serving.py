"""A hub that knows a broker, as a process of its own: `python -m tests.kafka.serving FOLDER REGION SERVERS DATABASE PORT`, until SIGTERM.

When it answers it prints one line of JSON: base, tokens by organization.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson

from tests.hub.serving import ADAPTERS, ROOT, Served


def start(folder: Path, region: Path, servers: str, database: str = "", port: int = 0) -> Served:
    """Start a hub over a folder; raises RuntimeError with what it said when it does not come up."""
    command = [sys.executable, "-m", "tests.kafka.serving", str(folder), str(region), servers, database, str(port)]
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


def main(folder: str, region: str, servers: str, database: str, port: str) -> None:
    """Serve until told to stop."""
    from hub.assemble import assemble
    from hub.cli.logs import to_standard_error
    from hub.cli.serving import bind, run
    from hub.clock import clock
    from hub.ingest.adapters import load_adapters
    from hub.kafka.options import Options
    from hub.region import read_region
    from hub.web.app import create_app

    to_standard_error()
    bound = bind("127.0.0.1", int(port))
    base = f"http://127.0.0.1:{bound.getsockname()[1]}"
    hub = assemble(
        data=Path(folder), region=read_region(Path(region)), base=base, adapters=load_adapters(ADAPTERS), now=clock(None),
        database=database, kafka=Options((servers,), replicas=1),
    )  # fmt: skip
    told = {"base": base, "tokens": {code: hub.credentials.issue(code) for code in hub.region.offices}}
    run(hub, create_app(hub), bound, lambda: print(orjson.dumps(told).decode(), flush=True))


if __name__ == "__main__":
    main(*sys.argv[1:6])
