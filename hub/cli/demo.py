"""`tsunagu demo`: a hub with an invented region, started by one command, on loopback only."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from hub.assemble import Hub, assemble
from hub.cli.serving import bind, run
from hub.clock import clock
from hub.demo.play import Hands, build
from hub.demo.region import write
from hub.ingest.adapters import load_adapters
from hub.region import read_region
from hub.settings import Settings
from hub.web.app import create_app
from schemas.errors import Refusal
from schemas.messages import japanese

HOST, PORT = "127.0.0.1", 8080
_ADAPTERS = ("hospital", "visiting_nurse", "care_manager")


def demo(*, port: int, data: Path | None, as_json: bool, seed: int) -> int:
    """Run the demo until it is told to stop. A region that lies in `data` already is used as it is."""
    if data is not None:
        return _run(data, port, as_json=as_json, seed=seed)
    with tempfile.TemporaryDirectory(prefix="tsunagu-demo-") as folder:
        return _run(Path(folder), port, as_json=as_json, seed=seed)


def _run(data: Path, port: int, *, as_json: bool, seed: int) -> int:
    settings = Settings.read(os.environ)
    starts = settings.starts
    now = clock(starts)
    home = data / "region"
    if not (home / "region.json").exists():
        home.mkdir(parents=True, exist_ok=True)
        write(home, seed=seed, now=starts or datetime.now(UTC))
    region = read_region(home / "region.json", settings.rules)
    bound = _bound(port)
    base = f"http://{HOST}:{bound.getsockname()[1]}"
    hub = assemble(data=data, region=region, base=base, adapters=load_adapters(_ADAPTERS), now=now, database=settings.database)
    with hub.store.read() as tx:
        fresh = hub.store.head(tx) == 0
    app = create_app(hub, demo=True)
    if not fresh:
        hub.acts.token(*region.offices, issued=False)
    hub.credentials.forget()  # each start of the demo prints tokens of its own
    hub.acts.token(*region.offices, issued=True)
    tokens = {code: hub.credentials.issue(code) for code in region.offices}
    failed: list[str] = []

    def started() -> None:
        threading.Thread(
            target=_open, args=(hub, app.state.sessions, tokens, home if fresh else None, as_json, failed), daemon=True
        ).start()

    run(hub, app, bound, started)
    return 1 if failed else 0


def _bound(port: int) -> Any:
    if port:
        return bind(HOST, port)
    try:
        return bind(HOST, PORT)
    except OSError:
        return bind(HOST, 0)


def _open(hub: Hub, sessions: Any, tokens: Mapping[str, str], home: Path | None, as_json: bool, failed: list[str]) -> None:
    """Hand the region in, then say where to go."""
    if home is not None:
        hands = Hands(hub.base, tokens)
        try:
            build(hands, home)
        except Refusal as refusal:
            failed.append(refusal.issues[0].rule)
            print(f"{refusal.issues[0].rule} [{refusal.issues[0].where}] {japanese(refusal.issues[0])}", file=sys.stderr, flush=True)
            os.kill(os.getpid(), 15)
            return
        finally:
            hands.close()
    ways = {user.id: f"{hub.base}/sign-in/{sessions.link(user.id)}" for user in hub.region.users.values()}
    if as_json:
        print(orjson.dumps(described(hub, tokens, ways)).decode(), flush=True)
        return
    print(f"\nつなぐのデモが動いています / the demo is running:  {hub.base}/sign-in\n")
    for office in hub.region.offices.values():
        people = [u for u in hub.region.users.values() if u.organization == office.code]
        if people:
            print(f"  {office.name}")
        for user in people:
            print(f"    {user.name}　{ways[user.id]}")
    print("\n終わるには Ctrl+C / stop with Ctrl+C。人物・組織はすべて架空です / all people and places are invented.", flush=True)


def described(hub: Hub, tokens: Mapping[str, str], ways: Mapping[str, str]) -> dict[str, Any]:
    """Say what scripts need to start from."""
    return {
        "base": hub.base,
        "fhir": hub.fhir,
        "organizations": [
            {
                "code": office.code,
                "name": office.name,
                "kind": office.kind,
                "token": tokens[office.code],
                "roles": [
                    {"user": u.id, "name": u.name, "role": u.role, "purpose": u.purpose, "link": ways[u.id]}
                    for u in hub.region.users.values()
                    if u.organization == office.code
                ],
            }
            for office in hub.region.offices.values()
        ],
    }
