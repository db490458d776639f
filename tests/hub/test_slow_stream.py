"""A stream that is taken slowly: each event is sent only while what it was decided on still stands."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request

from hub.commands import Asking
from hub.followers.feeds import application
from tests.hub.world import HOSPITAL, OFFICE, World, a_consent, a_patient, an_encounter


def opened_by(*headers: tuple[str, str]) -> Request:
    """Give the request that a stream was opened by."""
    sent = [(name.encode(), value.encode()) for name, value in headers]
    return Request(
        {"type": "http", "method": "GET", "path": "/events", "query_string": b"", "headers": sent, "state": {"request_id": "slow"}}
    )


def test_a_withdrawal_reaches_what_was_decided_and_not_yet_sent(hub_world: World) -> None:
    w = hub_world
    for n in range(3):
        insured = f"131016:000000000{n}"
        assert w.put(HOSPITAL, a_patient(f"p{n}", insured=insured)).status_code == 201
        assert w.put(OFFICE, a_patient(f"u{n}", insured=insured)).status_code == 201
        assert w.put(HOSPITAL, a_consent(f"k{n}", patient=f"Patient/p{n}")).status_code == 201
        assert w.put(HOSPITAL, an_encounter(f"e{n}", patient=f"Patient/p{n}")).status_code == 201
    w.settle()
    requester, purpose = application(w.hub.region, OFFICE)
    asking = Asking(requester, purpose, "slow", "deliver")

    async def taken() -> list[bytes]:
        request = opened_by(("authorization", f"Bearer {w.tokens[OFFICE]}"))
        stream = w.app.state.events._stream(request, asking, 0)
        parts = [await anext(stream), await anext(stream)]  # the greeting, and the first event; two more are decided
        withdrawn = await asyncio.to_thread(w.put, HOSPITAL, a_consent("k2", patient="Patient/p2", status="inactive"))
        assert withdrawn.status_code == 200
        parts += [await anext(stream), await anext(stream)]
        await stream.aclose()
        return parts

    greeting, first, second, third = asyncio.run(taken())
    assert greeting.startswith(b"retry")
    assert b"data:" in first
    assert b"data:" in second
    assert third == b"id: 3\n\n"


@pytest.mark.parametrize("end", ["revoked", "over"])
def test_a_stream_ends_before_the_next_event_when_its_users_session_does(
    hub_world: World, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    w = hub_world
    assert w.put(HOSPITAL, a_patient()).status_code == 201
    assert w.put(OFFICE, a_patient("u1")).status_code == 201
    assert w.put(HOSPITAL, a_consent()).status_code == 201
    w.sign_in("manager")
    requester, purpose = application(w.hub.region, OFFICE)
    asking = Asking(requester, purpose, "slow", "deliver")
    request = opened_by(("cookie", f"tsunagu={w.cookies['manager']['tsunagu']}"))

    async def taken() -> list[bytes]:
        stream = w.app.state.events._stream(request, asking, 0)
        parts = [await anext(stream)]
        if end == "revoked":
            await asyncio.to_thread(w.hub.passkeys.revoke, "manager", None)
        else:
            later = w.app.state.sessions._seconds() + 13 * 3600
            monkeypatch.setattr(w.app.state.sessions, "_seconds", lambda: later)
        assert (await asyncio.to_thread(w.put, HOSPITAL, an_encounter())).status_code == 201
        await asyncio.to_thread(w.settle)
        async with asyncio.timeout(8):  # shorter than the time of a ping: what goes on is waited for no longer
            return parts + [part async for part in stream]

    assert len(asyncio.run(taken())) == 1
