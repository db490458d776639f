"""The judge of revocations finds what is planted: a hub that does not look again before it records, and one that keeps what it knew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.revoking import Received, Said, late, race
from tests.postgres import cluster

GIVEN, TAKEN = Said("k1", active=True, sent=100, told=110), Said("k1", active=False, sent=200, told=210)
AGAIN = Said("k1", active=True, sent=300, told=310)


@pytest.mark.parametrize(
    ("sent", "there", "found"),
    [
        (150, 160, False),  # while it was given
        (190, 220, False),  # sent before the withdrawal was acknowledged: the log alone can tell
        (205, 290, False),
        (210, 290, True),  # sent after it was, and there before anything was said again
        (250, 299, True),
        (250, 305, False),  # there after consent was on its way again
        (320, 330, False),
        (50, 60, False),  # before anybody said anything
    ],
)
def test_what_came_in_a_request_sent_after_a_withdrawal_is_late(sent: int, there: int, found: bool) -> None:
    got = Received("r", "read", sent, there, 1, ("k1",))
    assert bool(list(late([got], [AGAIN, TAKEN, GIVEN]))) is found


def test_nothing_about_somebody_else_is_late() -> None:
    assert list(late([Received("r", "read", 250, 260, 1, ("k2",)), Received("r", "read", 250, 260, 1, ())], [GIVEN, TAKEN])) == []


@pytest.mark.parametrize("fault", ["unchecked", "kept"])
def test_the_judge_finds_what_is_planted(fault: str, tmp_path: Path) -> None:
    counts, found = race(tmp_path, cluster().new(), 1_500, "--fault", fault)
    print(counts)
    assert found.stale
    assert found.unrecorded == []
    if fault == "kept":
        assert found.late
