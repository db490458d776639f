"""Content is opened against a permit, only the gate makes permits, and each is made after its decision was recorded."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from hub.log.event import open_event
from hub.tables import resources
from hub.vault import Permit
from schemas.errors import Broken
from tests.hub.world import HOSPITAL, OFFICE, World, a_patient

HUB = Path(__file__).parents[2] / "hub"
SECRETS = ("山田", "ヤマダ", "1938-05-02", "0000012342")
OPENERS = {
    "open_content": {
        "hub/log/event.py": "where it stands",
        "hub/vault.py": "against a permit",
        "hub/tables/all.py": "for rows that keep nothing of it in clear, when views are made anew",
    },
    "parted": {"hub/log/event.py": "where it stands", "hub/vault.py": "against a permit", "hub/tables/all.py": "as above"},
    "open_body": {
        "hub/log/seal.py": "where it stands", "hub/log/event.py": "of an event", "hub/gate/querying.py": "what an officer's search was by",
        "hub/tables/capacities.py": "a finding on the person's capacity, which the gate decides with",
    },
    "open_cell": {"hub/log/seal.py": "where it stands", "hub/tables/derive.py": "what a decision may know of a row: no content"},
    "Permit": {"hub/gate/deciding.py": "the gate"},
    "inside": {"hub/followers/derive.py": "folding stays: what it opens goes back into the log"},
}  # fmt: skip
"""Who may call what opens content, and why. A new one is named here, or goes through the gate."""


def calls(text: str) -> Iterator[str]:
    """Give the names of all functions that a module calls, or takes by name from the log."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            yield node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
        elif isinstance(node, ast.ImportFrom) and node.module in {"hub.log.event", "hub.log.seal"}:
            yield from (f"{one.name} of the log" for one in node.names)


def callers(name: str) -> set[str]:
    wanted = name if name in {"Permit", "inside"} else f"{name} of the log"
    texts = {p.relative_to(HUB.parent).as_posix(): p.read_text(encoding="utf-8") for p in HUB.rglob("*.py")}
    return {
        p
        for p, text in texts.items()
        if wanted in set(calls(text)) or (wanted != name and f"def {name}(" in text and p.startswith("hub/log/"))
    }


@pytest.mark.parametrize("name", sorted(OPENERS))
def test_what_opens_content_is_called_where_it_is_allowed_and_nowhere_else(name: str) -> None:
    assert callers(name) == set(OPENERS[name])


def test_a_module_that_was_planted_beside_the_gate_is_found() -> None:
    planted = "from hub.log.event import open_content as oc\ndef door(hub, event):\n    return oc(hub.keys, event)\n"
    assert "open_content of the log" in set(calls(planted))
    assert "Permit" in set(
        calls("from hub.vault import Permit\ndef door(row):\n    return Permit(row.stream, 1, frozenset(), False, None)\n")
    )


def planted(w: World, handler: Any) -> Any:
    """Ask a route that was put beside the gate."""

    async def door(request: Request) -> Response:
        return Response(await run_in_threadpool(handler, request))

    w.app.add_api_route("/planted", door, methods=["GET"], response_class=Response)
    w.app.router.routes.insert(0, w.app.router.routes.pop())
    return w.get(OFFICE, "/planted")


def test_a_planted_route_that_makes_its_own_permit_gives_nothing(hub_world: World) -> None:
    w = hub_world
    w.put(HOSPITAL, a_patient())

    def door(_: Request) -> bytes:
        with w.hub.store.read() as tx:
            (row,) = resources.own(tx, HOSPITAL, "Patient")
            content = w.hub.view._presenting._vault.open(
                tx, Permit(row.stream, row.version, frozenset(), inside=False, proof=object()), row
            )
        return b"" if content is None else content.text

    told = planted(w, door)
    assert told.status_code == 500
    assert not [secret for secret in SECRETS if secret in told.text]


def test_a_planted_route_that_reads_the_log_gives_sealed_bytes_alone(hub_world: World) -> None:
    w = hub_world
    w.put(HOSPITAL, a_patient())

    def door(_: Request) -> bytes:
        with w.hub.store.read() as tx:
            return b"".join(row[4] for row in w.hub.store.raw(tx, 0, 100))

    told = planted(w, door)
    assert told.status_code == 200
    assert len(told.content) > 500
    assert not [secret for secret in SECRETS if secret.encode() in told.content]


def test_a_planted_route_that_opens_an_event_gives_nothing(hub_world: World) -> None:
    w = hub_world
    w.put(HOSPITAL, a_patient())

    def door(_: Request) -> bytes:
        with w.hub.store.read() as tx:
            (row,) = resources.own(tx, HOSPITAL, "Patient")
            event = w.hub.store.event(tx, row.position)
        return (open_event(w.hub.keys, event) or b"") if event else b""

    told = planted(w, door)
    assert told.status_code == 500
    assert not [secret for secret in SECRETS if secret in told.text]


def test_what_was_opened_for_the_hub_s_own_reckoning_is_worded_for_nobody(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    with hub_world.hub.store.read() as tx:
        (row,) = resources.own(tx, HOSPITAL, "Patient")
        (given,) = hub_world.hub.gate.inside([row])
        with pytest.raises(Broken, match="HUB-5030"):
            hub_world.hub.view._presenting(tx, given, OFFICE)


def test_a_permit_is_not_made_before_its_decision_was_recorded(hub_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    w = hub_world
    w.put(HOSPITAL, a_patient())
    made: list[tuple[int, int]] = []
    from hub.gate import deciding

    def permit(*args: Any, **more: Any) -> Permit:
        with w.hub.store.read() as tx:
            made.append((w.hub.store.head(tx), before))
        return Permit(*args, **more)

    monkeypatch.setattr(deciding, "Permit", permit)
    with w.hub.store.read() as tx:
        before = w.hub.store.head(tx)
    assert w.get(HOSPITAL, "/fhir/Patient/p1").status_code == 200
    assert made == [(before + 1, before)]
