"""The comparison of two worlds can fail: leaks that are planted, each of another kind, are found by what is asked of every door."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders

from hub.log.store import Store
from hub.reads import persons
from hub.reads.events import Heard, Hearing
from hub.reads.resources import Page, Reading
from hub.tables import all as tables
from hub.tables import apart, feeds, identities, resources
from hub.web.app import Guard
from hub.writes import owners, submit, targets
from schemas.errors import Denied, NotFound
from tests.hub.doors.asking import injected
from tests.hub.doors.compared import Compared, compare
from tests.hub.doors.pasts import INSIDE, PASTS, lived, spread
from tests.hub.world import NETWORK, OFFICE, STATION

Plant = Callable[[pytest.MonkeyPatch], None]
COUNT = 1_200


@pytest.fixture(autouse=True)
def _injected() -> Iterator[None]:
    with injected():
        yield


def compared(folder: Path, hidden: Any, askers: tuple[str, ...], users: tuple[str, ...], *generators: str) -> Compared:
    with ExitStack() as stack:
        one, two = (stack.enter_context(lived(folder / name, past, users)) for name, past in (("one", {}), ("two", hidden)))
        return compare(one, two, askers, seed=5, count=COUNT, generators=generators)


# ── what one custodian's records would tell another ──────────────────────────────────────────────────────────────────


def a_count_of_all_that_matched(patch: pytest.MonkeyPatch) -> None:
    candidates, search, held = Reading._candidates, Reading.search, threading.local()

    def counting(self: Reading, *args: Any) -> Any:
        found = candidates(self, *args)
        held.number = len(found)
        return found

    def searching(self: Reading, *args: Any, **more: Any) -> Page:
        return replace(search(self, *args, **more), total=held.number)

    patch.setattr(Reading, "_candidates", counting)
    patch.setattr(Reading, "search", searching)


def a_position_of_the_log_as_the_cursor_of_a_page(patch: pytest.MonkeyPatch) -> None:
    search = Reading.search

    def searching(self: Reading, *args: Any, **more: Any) -> Page:
        page = search(self, *args, **more)
        return replace(page, next=str(page.found[-1].row.position)) if page.next else page

    patch.setattr(Reading, "search", searching)


def an_id_that_hangs_on_how_much_there_is(patch: pytest.MonkeyPatch) -> None:
    made, aim = vars(targets)["new_stream"], targets.Aim.__init__
    size = threading.local()

    def aiming(self: targets.Aim, tx: Any, *args: Any) -> None:
        size.number = int(tx.one("SELECT count(*) FROM events")[0])
        aim(self, tx, *args)

    patch.setattr(targets.Aim, "__init__", aiming)
    patch.setattr(targets, "new_stream", lambda: made()[:14] + size.number.to_bytes(2, "big"))


def another_answer_for_what_is_hidden_than_for_what_is_not(patch: pytest.MonkeyPatch) -> None:
    read = Reading.read

    def reading(self: Reading, asking: Any, kind: str, number: str, version: int | None = None) -> Any:
        try:
            return read(self, asking, kind, number, version)
        except NotFound:
            with self._store.read() as tx:
                if resources.newest(tx, self.stream(asking, kind, number)) is not None:
                    raise Denied("HUB-5043") from None
            raise

    patch.setattr(Reading, "read", reading)


def a_condition_that_matches_what_others_hold(patch: pytest.MonkeyPatch) -> None:
    def matching(tx: Any, kind: str, mark: bytes, custodian: str, compartment: str) -> Any:
        return [r for r in resources.found(tx, mark, compartment) if r.type == kind]

    patch.setattr(targets, "matching", matching)
    patch.setattr(submit, "matching", matching)


def another_refusal_where_somebody_else_s_patient_is_named(patch: pytest.MonkeyPatch) -> None:
    reach = owners.Owners._reach

    def reaching(self: owners.Owners, write: Any, kind: str, patient: bytes, place: str) -> None:
        row = self._aim.newest(patient)
        if row is not None and row.custodian != self._aim.custodian:
            raise Denied("HUB-5043")
        reach(self, write, kind, patient, place)

    patch.setattr(owners.Owners, "_reach", reaching)


def a_header_that_counts(patch: pytest.MonkeyPatch) -> None:
    call = Guard.__call__

    async def called(self: Guard, scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                store = scope["app"].state.metrics._hub.store
                MutableHeaders(scope=message)["X-Size"] = str(await run_in_threadpool(_head, store))
            await send(message)

        await call(self, scope, receive, sending)

    patch.setattr(Guard, "__call__", called)


def _head(store: Store) -> int:
    with store.read() as tx:
        return store.head(tx)


def numbers_of_events_that_others_hear(patch: pytest.MonkeyPatch) -> None:
    after = Hearing.after

    def hearing(self: Hearing, asking: Any, number: int, limit: int, **more: Any) -> list[Heard]:
        with self._store.read() as tx:
            places = {f.number: f.position for f in feeds.after(tx, asking.requester.organization, number, limit)}
        return [replace(one, number=places[one.number]) for one in after(self, asking, number, limit, **more)]

    patch.setattr(Hearing, "after", hearing)


def a_person_found_by_what_others_told(patch: pytest.MonkeyPatch) -> None:
    def finding(tx: Any, token: bytes) -> list[bytes]:
        found = identities.by_token(tx, token)
        return sorted({p for one in found for p in identities.patients_of(tx, identities.person_of(tx, one))})

    class Loose:
        by_token = staticmethod(finding)

        def __getattr__(self, name: str) -> Any:
            return getattr(identities, name)

    patch.setattr(persons, "identities", Loose())


def an_order_that_hangs_on_the_neighbours(patch: pytest.MonkeyPatch) -> None:
    candidates = Reading._candidates

    def even(head: int) -> bool:
        return sha256(str(head).encode()).digest()[0] % 2 == 0  # by whatever number of events the two worlds differ

    def turning(self: Reading, tx: Any, *args: Any) -> Any:
        found = candidates(self, tx, *args)
        return found if even(self._store.head(tx)) else found[::-1]

    search = Reading.search

    def searching(self: Reading, *args: Any, **more: Any) -> Page:
        page = search(self, *args, **more)
        with self._store.read() as tx:
            return page if even(self._store.head(tx)) else replace(page, found=page.found[::-1])

    patch.setattr(Reading, "_candidates", turning)
    patch.setattr(Reading, "search", searching)


OF_OTHERS: tuple[tuple[Plant, tuple[str, ...]], ...] = (
    (a_count_of_all_that_matched, ("search",)),
    (a_position_of_the_log_as_the_cursor_of_a_page, ("search",)),
    (an_id_that_hangs_on_how_much_there_is, ("create", "bundle")),
    (another_answer_for_what_is_hidden_than_for_what_is_not, ("read",)),
    (a_condition_that_matches_what_others_hold, ("create", "conditional_update", "bundle")),
    (another_refusal_where_somebody_else_s_patient_is_named, ("update", "create", "bundle")),
    (a_header_that_counts, ("service",)),
    (numbers_of_events_that_others_hear, ("events",)),
    (a_person_found_by_what_others_told, ("forms", "update", "create")),
    (an_order_that_hangs_on_the_neighbours, ("search",)),
)


@pytest.mark.parametrize(("plant", "generators"), OF_OTHERS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_planted_leak_of_others_records_is_found(tmp_path: Path, plant: Plant, generators: tuple[str, ...], monkeypatch: Any) -> None:
    plant(monkeypatch)
    done = compared(tmp_path, PASTS["between"], (OFFICE, "manager"), ("manager",), *generators)
    assert done.found


# ── what a compartment would tell outside ────────────────────────────────────────────────────────────────────────────


def decisions_of_a_compartment_in_the_officer_s_record(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tables, "lies_in", lambda _: "main")


def events_of_a_compartment_in_the_counts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(apart, "count", lambda tx, until: 0)


def a_record_that_is_looked_up_in_every_compartment(patch: pytest.MonkeyPatch) -> None:
    newest = resources.newest
    patch.setattr(resources, "newest", lambda tx, stream, compartment="main": newest(tx, stream, compartment) or newest(tx, stream, "case"))


def a_number_that_links_across(patch: pytest.MonkeyPatch) -> None:
    from hub.log.secrets import Secrets

    patch.setattr(Secrets, "within", lambda self, compartment: self)


def refused_messages_listed_across(patch: pytest.MonkeyPatch) -> None:
    from hub.tables import messages

    refused = messages.refused
    patch.setattr(
        messages, "refused",
        lambda tx, custodian, *, limit=200, compartment="main": [
            *refused(tx, custodian, limit=limit, compartment=compartment), *refused(tx, custodian, limit=limit, compartment="case"),
        ],
    )  # fmt: skip


OF_COMPARTMENTS: tuple[tuple[Plant, tuple[str, ...]], ...] = (
    (decisions_of_a_compartment_in_the_officer_s_record, ("audit",)),
    (events_of_a_compartment_in_the_counts, ("service",)),
    (a_record_that_is_looked_up_in_every_compartment, ("audit", "links", "erasures", "read")),
    (a_number_that_links_across, ("links", "read", "update", "audit")),
    (refused_messages_listed_across, ("refused",)),
)


@pytest.mark.parametrize(("plant", "generators"), OF_COMPARTMENTS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_planted_leak_of_a_compartment_is_found(tmp_path: Path, plant: Plant, generators: tuple[str, ...], monkeypatch: Any) -> None:
    plant(monkeypatch)
    askers, users = ("officer", NETWORK, "clerk", STATION, OFFICE), ("officer", "clerk")
    done = compared(tmp_path, spread(INSIDE * 2, 5), askers, users, *generators)
    assert done.found


def test_without_a_leak_the_same_questions_find_none(tmp_path: Path) -> None:
    asked = tuple(sorted({name for _, names in OF_OTHERS for name in names}))
    done = compared(tmp_path, PASTS["between"], (OFFICE, "manager"), ("manager",), *asked)
    assert not done.found, str(done)
