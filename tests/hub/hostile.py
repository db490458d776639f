"""What the hostile tests stand on: a person whose records the office may see, and a stranger whom nobody asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from hub.names import hub_id
from tests.hub.doors.pasts import but_not_of, observation
from tests.hub.world import (
    HOSPITAL,
    NETWORK,
    OFFICE,
    OTHER_HOSPITAL,
    World,
    a_consent,
    a_patient,
    a_plan,
    an_encounter,
    world,
)

Test = TypeVar("Test", bound=Callable[..., Any])
OTHERS = "131016:0000099999"


def numbering(table: dict[int, str]) -> Callable[[int], Callable[[Test], Test]]:
    """Give the decorator that puts a test into a table under its number, which no other has."""

    def number(n: int) -> Callable[[Test], Test]:
        def named(test: Test) -> Test:
            assert n not in table
            table[n] = test.__name__
            return test

        return named

    return number


@contextmanager
def stranger(folder: Path) -> Iterator[World]:
    """A person whose records the office may see, but not those of the other hospital; and a stranger whom nobody asked."""
    with world(folder) as made:
        for by, tree in (
            (HOSPITAL, a_patient()), (HOSPITAL, a_consent(provision=but_not_of(OTHER_HOSPITAL))), (HOSPITAL, an_encounter()),
            (HOSPITAL, observation("o1", "Patient/p1")), (OFFICE, a_patient("u1")), (OFFICE, a_plan(patient="Patient/u1")),
            (OTHER_HOSPITAL, a_patient("p1")), (OTHER_HOSPITAL, observation("o1", "Patient/p1")),
            (OTHER_HOSPITAL, a_patient("x1", insured=OTHERS, kana="タナカ　タロウ", birth="1940-01-01")),
            (OTHER_HOSPITAL, observation("o2", "Patient/x1")), (OTHER_HOSPITAL, an_encounter("e2", patient="Patient/x1")),
        ):  # fmt: skip
            assert made.put(by, tree).status_code == 201
        yield made


def id_of(w: World, by: str, kind: str, number: str) -> str:
    """Give the hub's id of what somebody else holds."""
    from hub.tables.derive import namer

    return f"{kind}/{hub_id(namer(w.hub.secrets, by, 'main')(kind, number))}"


ABSENT = "tsu-" + "a" * 25 + "e"


def told(w: World, by: str = NETWORK) -> str:
    return w.get(by, "/fhir/AuditEvent?_count=200").text
