"""The application: routes, one handler for refusals, and the headers that every answer carries."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version

import orjson
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.assemble import Hub
from hub.reads.presenting import instant
from hub.web.auth import Doorkeeper, Recognising, Sessions
from hub.web.bodies import acceptable, whole
from hub.web.confirming import ConfirmingDoor
from hub.web.deciding import DecisionsDoor
from hub.web.erasing import ErasingDoor
from hub.web.errors import FHIR, answer
from hub.web.events import Events
from hub.web.fhir.auditing import Auditing
from hub.web.fhir.capability import statement
from hub.web.fhir.operations import Operations
from hub.web.fhir.reading import FhirReading, known_type, pretty
from hub.web.fhir.writing import Writing
from hub.web.handing import Handing
from hub.web.inside import InsideDoor
from hub.web.log import LogDoor
from hub.web.metrics import Metrics, Timing, asked_apart
from hub.web.ops import Operations as Operating
from hub.web.redeciding import Redecided
from hub.web.showing import Showing
from hub.web.showing_expiring import ExpiringDoor
from hub.web.showing_persons import PersonsDoor
from hub.web.showing_rules import RulesDoor
from hub.web.showing_unusual import UnusualDoor
from schemas.errors import Broken, Issue, NotFound, NotOffered, Refusal, quiet

_REQUEST_ID = re.compile(r"[A-Za-z0-9\-_.]{1,64}")
_log = logging.getLogger("tsunagu.web")
THREADS = 12
"""Requests that are worked on at a time; the others wait their turn. Those that wait for the commit are among them: what waits together is
written together. Each holds a connection to the database while it reads, beside the writer's and the followers'."""


def create_app(hub: Hub, *, demo: bool = False) -> FastAPI:
    """Make the application over a hub. `demo` = sign-in by one-time links, and the band that says so on each page."""
    sessions = Sessions(hub)
    door = Doorkeeper(hub, sessions)
    events = Events(hub, door)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = THREADS
        yield
        events.closing.set()

    app = FastAPI(
        title="Tsunagu つなぐ", version=version("tsunagu"), lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.state.sessions, app.state.events = sessions, events
    metrics = app.state.metrics = Metrics(hub)
    app.add_middleware(Recognising, sessions=sessions)
    _guards(app, metrics)
    Operating(hub, door, metrics).routes(app)
    _fhir(app, hub, door)
    handing = Handing(hub, door)
    app.add_api_route("/hand-in", handing.hand_in, methods=["POST"], response_class=Response)
    app.add_api_route("/links", handing.pairs, methods=["GET"], response_class=Response)
    app.add_api_route("/links", handing.link, methods=["POST"], response_class=Response)
    app.add_api_route("/links/undo", handing.unlink, methods=["POST"], response_class=Response)
    app.add_api_route("/refused.json", handing.refused, methods=["GET"], response_class=Response)
    app.add_api_route("/refused/{reference}/send", handing.send_again, methods=["POST"], response_class=Response)
    app.add_api_route("/events", events.events, methods=["GET"], response_class=Response)
    app.add_api_route("/events/keys/{id}", events.key, methods=["GET"], response_class=Response)
    LogDoor(hub, door).routes(app.add_api_route)
    InsideDoor(hub, door).routes(app.add_api_route)
    Redecided(hub, door).routes(app.add_api_route)
    ConfirmingDoor(hub, door).routes(app.add_api_route)
    DecisionsDoor(hub, door).routes(app.add_api_route)
    PersonsDoor(hub, door).routes(app.add_api_route)
    UnusualDoor(hub, door).routes(app.add_api_route)
    ExpiringDoor(hub, door).routes(app.add_api_route)
    RulesDoor(hub, door).routes(app.add_api_route)
    ErasingDoor(hub, door).routes(app.add_api_route)
    Showing(hub, door, demo=demo).routes(app)
    return app


class Guard:
    """Around everything: the request's id, the headers that every answer carries, and what nobody foresaw."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        name = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = name
        scope["path"], scope["query_string"] = scope["path"].replace("\0", "\ufffd"), whole(scope["query_string"])
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = name
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as fault:  # noqa: BLE001  named in the log without its words, which may quote data
            _log.error("request %s failed", name, exc_info=quiet(fault))
            if not begun:
                await answer(Broken("HUB-5000"))(scope, receive, sending)


def _guards(app: FastAPI, metrics: Metrics) -> None:
    app.add_middleware(Guard)
    app.add_middleware(Timing, metrics=metrics)

    @app.exception_handler(Refusal)
    async def refused(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, Refusal)
        if not asked_apart(request.scope):
            metrics.refused(fault)
        return answer(fault)

    @app.exception_handler(HTTPException)
    async def framework(request: Request, fault: Exception) -> Response:
        assert isinstance(fault, HTTPException)
        if fault.status_code != 405:
            beside = request.url.path.startswith(
                "/fhir/"
            )  # an interaction, an operation or a compartment that R4 knows and the hub does not offer
            issues = [Issue("HUB-5144", code="not-supported")] if beside else [Issue("HUB-5041", code="not-found")]
            return answer(NotFound(issues=issues), headers=fault.headers)
        return answer(NotOffered("HUB-5037"), headers={"Allow": ", ".join(sorted(_offered(app, request)))})


def _offered(app: FastAPI, request: Request) -> set[str]:
    """Give the methods of all routes that an address fits."""
    routes = [r for r in app.routes if isinstance(r, Route) and r.matches(request.scope)[0] is not Match.NONE]
    return {method for route in routes for method in route.methods or ()}


def _fhir(app: FastAPI, hub: Hub, door: Doorkeeper) -> None:
    started = instant(int(hub.now().timestamp() * 1000))
    writing, reading, operations = Writing(hub, door), FhirReading(hub, door), Operations(hub, door)
    auditing = Auditing(hub, door)

    async def metadata(request: Request) -> Response:
        acceptable(request)
        return Response(pretty(request, orjson.dumps(statement(hub.fhir, started))), media_type=FHIR)

    async def absent(_: Request) -> Response:
        """Discovery of sign-in by OAuth: not offered, so that no client starts a login."""
        raise NotFound("HUB-5058")

    def typed(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def checked(request: Request) -> Response:
            known_type(request.path_params["kind"])
            return await handler(request)

        return checked

    def add(path: str, handler: Callable[[Request], Awaitable[Response]], method: str) -> None:
        app.add_api_route(path, handler, methods=[method], response_class=Response)

    for base in ("/fhir", "/fhir/"):
        add(base, writing.bundle, "POST")
    for path in ("/fhir/metadata", "/fhir/metadata/"):
        add(path, metadata, "GET")
    add("/fhir/.well-known/smart-configuration", absent, "GET")
    add("/fhir/.well-known/openid-configuration", absent, "GET")
    add("/fhir/$board", operations.board, "GET")
    for path in ("/fhir/AuditEvent", "/fhir/AuditEvent/"):
        add(path, auditing.search, "GET")
    add("/fhir/AuditEvent/_search", auditing.search, "POST")
    add("/fhir/AuditEvent/{number}", auditing.read, "GET")
    add("/fhir/Patient/{number}/$summary", operations.summary, "GET")
    for path in ("/fhir/{kind}", "/fhir/{kind}/"):
        add(path, typed(writing.create), "POST")
        add(path, typed(writing.update), "PUT")
        add(path, typed(writing.delete), "DELETE")
        add(path, reading.search, "GET")
    add("/fhir/{kind}/_search", reading.search, "POST")
    add("/fhir/{kind}/{number}", reading.read, "GET")
    add("/fhir/{kind}/{number}", typed(writing.update), "PUT")
    add("/fhir/{kind}/{number}", typed(writing.delete), "DELETE")
    add("/fhir/{kind}/{number}/_history/{version}", reading.read, "GET")
