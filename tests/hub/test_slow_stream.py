"""A stream that is taken slowly: each event is sent only while what it was decided on still stands."""

from __future__ import annotations

import asyncio

from hub.commands import Asking
from hub.followers.feeds import application
from tests.hub.world import HOSPITAL, OFFICE, World, a_consent, a_patient, an_encounter


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
        stream = w.app.state.events._stream(asking, 0)
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
