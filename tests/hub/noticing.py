"""Users who look at Patients, and what is found unusual of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from consent.ask import Requester
from hub.commands import Asking
from hub.followers.noticing import Noticing
from hub.region import Region, User
from hub.tables import resources, unusual
from hub.tables.unusual import UnusualRow
from schemas.events import Action
from tests.hub.world import (
    HOSPITAL,
    NOW,
    World,
    a_patient,
    register,
    world,
)

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
CLINIC_HOURS = NOW  # a Tuesday, ten o'clock
STAFF = User("clerk2", HOSPITAL, "受付 次子", "clerk", "PATADMIN", kana="ウケツケ　ツギコ", birth="1980-05-05")


class Told:
    def __init__(self, w: World, clock: list[datetime]) -> None:
        self.w, self.clock = w, clock

    def at(self, moment: datetime) -> None:
        self.clock[0] = moment

    def look(self, user: str, patients: list[bytes], *, apart: bool = True, action: Action = "read") -> None:
        """Let a user look at Patients through the gate: each by a request of its own, or all by one."""
        held = self.w.hub.region.users[user]
        requester = Requester(held.organization, self.w.hub.region.kind_of(held.organization), held.role, user)
        self._release(Asking(requester, held.purpose, "r", action), patients, apart)

    def read_by_program(self, organization: str, patients: list[bytes]) -> None:
        region = self.w.hub.region
        requester = Requester(organization, region.kind_of(organization), "system")
        self._release(Asking(requester, region.purposes[organization], "r", "read"), patients, True)

    def _release(self, asking: Asking, patients: list[bytes], apart: bool) -> None:
        with self.w.hub.store.read() as tx:
            rows = [resources.newest(tx, one) for one in patients]
        for some in [[row] for row in rows] if apart else [rows]:
            self.w.hub.gate.release(asking, [row for row in some if row is not None])
            self.clock[0] += timedelta(milliseconds=1)

    def noticed(self, batch: int = 500) -> list[UnusualRow]:
        """Let the follower come to the head of the log; give what it has found, oldest first."""
        follower = next(f for f in self.w.hub.runner.followers if isinstance(f, Noticing))
        while follower.take(batch):
            pass
        with self.w.hub.store.read() as tx:
            return list(reversed(unusual.listed(tx, "open", limit=100)))

    def rules(self, batch: int = 500) -> list[tuple[str, str, int]]:
        return [(row.rule, row.asker, row.number) for row in self.noticed(batch)]


def a_region(*more: User) -> Region:
    held = register()
    return replace(held, users={**held.users, **{user.id: user for user in more}})


@contextmanager
def living(folder: Path, *more: User) -> Iterator[Told]:
    clock = [NOW]
    with world(folder, now=lambda: clock[0], region=a_region(*more)) as w:
        yield Told(w, clock)


def persons(told: Told, by: str, count: int, *, kana: str = "スズキ　タロウ", family: str = "鈴木") -> list[bytes]:
    """Record so many Patients of an organization; give their streams."""
    for n in range(count):
        tree = a_patient(f"x{n}", insured=f"131016:{n:010}", kana=kana, birth=f"19{20 + n % 70}-01-{1 + n % 28:02}")
        tree["name"][0] = {"text": f"{family}　太郎", "family": family, "given": ["太郎"]}
        assert told.w.put(by, tree).status_code in {200, 201}
    with told.w.hub.store.read() as tx:
        return [row.stream for row in resources.own(tx, by, "Patient")]
