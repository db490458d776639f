"""What would be sent by Kafka: the follower as it is, with a place in memory where its records are laid down instead of a broker."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace

import orjson
import pytest

from hub.followers.kafka import Publishing
from hub.kafka.records import Record
from schemas.errors import Refusal
from tests.hub.doors.asking import chance
from tests.hub.world import World


class Laid:
    """Takes records and positions as the outlet does."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.positions: dict[str, int] = {}

    def open(self, organizations: Mapping[str, str]) -> dict[str, int]:
        return dict.fromkeys(organizations, 0)

    def send(self, records: Sequence[Record], moved: Mapping[str, int], *, until: float) -> None:
        del until
        self.records += records
        self.positions |= moved

    def knock(self) -> None:
        """There is nobody to knock at."""

    def drop(self) -> None:
        """Nothing is held open."""


def sent(w: World, codes: Sequence[str], *, seed: str, form: str = "sealed", fails: bool = False) -> Laid:
    """Give all that these organizations would be sent from the first number on, with content sealed for each.

    `fails` = the follower is to fail at it, as the runner would note; what it had laid down until then is given.
    """
    laid = Laid()
    region = replace(w.hub.region, kafka=dict.fromkeys(codes, form))
    follower = Publishing(hear=w.hub.hear.after, last=w.hub.hear.last_of, region=region, outlet=laid)  # type: ignore[arg-type]  # it takes records as an outlet does, and keeps them
    with chance(seed), pytest.raises(Refusal) if fails else nullcontext():
        while follower.step():
            pass
    assert fails or not follower.state
    return laid


def content_keys(laid: Laid) -> list[str]:
    """Give the names of the keys of what was sent sealed: `GET /events/keys/{id}`."""
    contents = [orjson.loads(r.value).get("content", "") for r in laid.records]
    heads = [c.partition(".")[0] for c in contents if c]
    return [orjson.loads(base64.urlsafe_b64decode(h + "=" * (-len(h) % 4)))["kid"] for h in heads]
