"""Two hubs with different pasts, of which an outsider may know nothing, answer the outsider with the same bytes.

Both live through what the outsider may see at the same moments; in one of them another custodian's events lie before, between and after.
Compared are status, every header and every byte: ids, versions, times, order, counts, cursors. What is asked is drawn by the generators of
tests/hub/doors, over every door that gives out data about people.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.hub.doors.asking import Answer, injected
from tests.hub.doors.compared import Compared, compare
from tests.hub.doors.listed import listed, routes
from tests.hub.doors.pasts import HIDDEN, INSIDE, PASTS, POLICE, VOLUNTEER, Past, both, lived, spread
from tests.hub.world import HOSPITAL, NETWORK, OFFICE, OTHER_HOSPITAL, OTHER_OFFICE, STATION, World

OUTSIDERS = (OFFICE, OTHER_OFFICE, "manager", OFFICE, "manager", "", OFFICE, POLICE, "manager", VOLUNTEER)
EVERYBODY = (
    HOSPITAL,
    OTHER_HOSPITAL,
    OFFICE,
    OTHER_OFFICE,
    STATION,
    NETWORK,
    "doctor",
    "nurse",
    "manager",
    "officer",
    "clerk",
    "officer",
    "person",
    "person",
    NETWORK,
    "",
)
USERS = ("doctor", "nurse", "manager", "officer", "clerk", "person")
OF_OUTSIDERS, OF_EVERYBODY = 1_000, 3_600
"""Questions by those whom a past is hidden from, in each of four pasts; and by everybody outside a compartment."""
INSIDE_ONLY = frozenset({"GET /compartment/decisions.json"})
"""Doors that give something to members of a compartment alone, who ask nothing here."""
GIVING = {d.door: d.generator for d in listed() if d.kind == "route" and d.gives and not d.door.endswith("/") and d.door not in INSIDE_ONLY}
asked: Counter[str] = Counter()
"""Questions by route, of all tests of this file."""
given: Counter[str] = Counter()


@pytest.fixture(autouse=True)
def _injected() -> Iterator[None]:
    with injected():
        yield


@contextmanager
def worlds(folder: Path, one: Past, two: Past, users: Sequence[str] = ("manager",)) -> Iterator[tuple[World, World]]:
    with ExitStack() as stack:
        yield stack.enter_context(lived(folder / "one", one, users)), stack.enter_context(lived(folder / "two", two, users))


def count(done: Compared) -> None:
    """Fail with the first difference; otherwise count what was asked."""
    assert done.records >= 3
    assert done.broken == []
    if done.found:
        pytest.fail(str(done), pytrace=False)
    asked.update(done.routes)
    given.update(done.given)


@pytest.mark.parametrize("past", sorted(PASTS))
def test_an_outsider_cannot_tell_one_past_from_another(tmp_path: Path, past: str, long: bool) -> None:
    with worlds(tmp_path, {}, PASTS[past]) as (one, two):
        done = compare(one, two, OUTSIDERS, seed=sorted(PASTS).index(past), count=OF_OUTSIDERS * (10 if long else 1))
        count(done)
        with one.hub.store.read() as a, two.hub.store.read() as b:
            assert two.hub.store.head(b) - one.hub.store.head(a) > len(HIDDEN)


def without_the_proof(answer: Answer) -> Answer:
    """Take out the one named exception, the log's own doors (size, root, signed heads: for officers and witnesses), and measures of the machine."""
    if "/log/" in answer.route:
        return replace(answer, status=0, headers=(), body=b"")
    if answer.route == "GET /metrics":
        kept = sorted(line for line in answer.body.splitlines(keepends=True) if not MACHINE.match(line))
        return replace(answer, body=b"".join(kept), headers=tuple(h for h in answer.headers if h[0] != "content-length"))
    if answer.route == "GET /status.json":
        return replace(answer, body=re.sub(rb'"(resident|free)_bytes":\d+', b"", answer.body))
    if (
        answer.route == "POST /audit/provisions/disclosure"
    ):  # a signature has a random number in it (FIPS 186-5 §6.4), and so has the id of a PDF file
        return replace(answer, body=re.sub(rb"/Contents <[0-9a-f]+>|/ID \[[^]]+\]", b"", answer.body))
    return answer


MACHINE = re.compile(rb"tsunagu_(process|request_seconds_(sum|bucket)|writer_group|checkpoint)")
"""Measures of the machine: how busy it was. They are no count of what the hub holds."""


def test_nobody_outside_a_compartment_can_tell_what_lies_in_it(tmp_path: Path, long: bool) -> None:
    """Everybody outside: all organizations, their users, the network's officer and clerk; the members too, by their other applications."""
    shown = both(spread(HIDDEN[:18], 4))
    with worlds(tmp_path, shown, both(shown, spread(INSIDE * 3, 5)), USERS) as (one, two):
        done = compare(one, two, EVERYBODY, seed=11, count=OF_EVERYBODY * (10 if long else 1), told=without_the_proof, seek=GIVING)
        count(done)
        with one.hub.store.read() as a, two.hub.store.read() as b:
            assert two.hub.store.head(b) - one.hub.store.head(a) > 90


def test_every_door_that_gives_out_data_was_asked_and_at_least_once_gave_some(hub_world: World) -> None:
    """After the tests above: 5,000 questions and more, each listed route among them."""
    if not asked:
        pytest.skip("this test counts what those before it asked")
    there = set(routes(hub_world.app))
    wanted = [d.door for d in listed() if d.kind == "route" and d.gives and d.door in there]
    assert sum(asked.values()) >= 5_000
    seldom = [door for door in wanted if asked[door] < 3]
    assert not seldom, f"asked less than three times: {seldom}"
    never = [door for door in wanted if door not in INSIDE_ONLY and not given[door.rstrip("/")] + given[door]]
    assert not never, f"asked and never answered with anything: {never}"


def test_the_two_pasts_do_differ_for_those_whom_they_concern(tmp_path: Path) -> None:
    with worlds(tmp_path, {}, PASTS["before"]) as (one, two):
        for seed, by in enumerate((OTHER_HOSPITAL, HOSPITAL)):
            assert compare(one, two, [by], seed=seed, count=300, generators=["search", "read"]).found
