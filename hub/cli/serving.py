"""Runs a hub behind uvicorn until SIGTERM or Ctrl+C."""

from __future__ import annotations

import gc
import os
import signal
import socket
from collections.abc import Callable
from datetime import timedelta

import uvicorn
from fastapi import FastAPI

from hub.assemble import Hub, assemble
from hub.cli.processes import run_many
from hub.clock import clock
from hub.ingest.adapters import load_adapters
from hub.ingest.folder import Watching
from hub.region import read_region
from hub.settings import Settings
from hub.web.app import create_app
from schemas.fhir.warm import warm

BACKLOG = 1_024
AHEAD = timedelta(seconds=60)
"""How far the newest event may lie in the future when the hub starts: more than clocks that are kept by NTP ever differ, and less than anybody
would set one back by hand. 医療情報システムの安全管理に関するガイドライン 6.0, システム運用編 17③."""
GRACE = 3
"""Seconds that open requests get at the end; event streams end by themselves."""


class Server(uvicorn.Server):
    """uvicorn's server that says when it answers and ends event streams when it is told to stop."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._app, self._said = app, started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            self._said()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams first: they never end by themselves."""
        self._app.state.events.closing.set()
        await super().shutdown(sockets)


def run(hub: Hub, app: FastAPI, bound: socket.socket, started: Callable[[], None] = lambda: None) -> None:
    """Serve on a bound socket until told to stop."""
    warm()
    gc.collect()
    gc.freeze()  # what start-up made lives as long as the process: no collection needs to look at it again
    gc.set_threshold(50_000, 20, 20)  # a Bundle's trees hold no cycles: they go without a collection
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=GRACE, server_header=False, lifespan="on")
    server = Server(config, app, started)
    hub.acts.started()
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises it once more at the end, and the hub is still to be closed
    try:
        server.run(sockets=[bound])
    finally:
        hub.acts.stopped()
        hub.close()


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Bind a listening socket; port 0 = any free one. `shared` = several processes listen there, and the kernel spreads the connections."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    if os.name == "posix":  # elsewhere it would take a port that another program holds
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((host, port))
    bound.listen(BACKLOG)  # at once: two hubs that start together would else both believe that the port is theirs
    return bound


def serve(settings: Settings) -> int:
    """Run the hub that the settings describe, in as many processes as they say."""
    if settings.processes == 1:
        return _serve(settings, bind(settings.host, settings.port))
    first = bind(settings.host, settings.port, shared=True)  # holds the port, and hands nothing out
    first.close()
    return run_many(settings.processes, lambda _: _serve(settings, bind(settings.host, settings.port, shared=True)))


def _serve(settings: Settings, bound: socket.socket) -> int:
    hub = assemble(
        data=settings.data,
        region=read_region(settings.region, settings.rules),
        base=settings.base,
        adapters=load_adapters(settings.adapters),
        now=clock(settings.starts),
        database=settings.database,
        keys_at=settings.keys,
        origin=settings.origin,
        witnesses=settings.witnesses,
        kafka=settings.kafka,
        keep_refused=settings.keep_refused,
        key_backups=settings.key_backups,
        ahead=AHEAD if settings.starts is None else None,
    )
    watching = Watching(hub, settings.watch, settings.data / "watched.json") if settings.watch else None
    if watching:
        watching.start()
    try:
        run(hub, create_app(hub), bound)
    finally:
        if watching:
            watching.close()
    return 0
