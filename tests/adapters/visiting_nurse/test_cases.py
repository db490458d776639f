"""Golden cases: a file as a station writes it, and what it says, written by hand from the domain facts."""

from pathlib import Path

import pytest

from adapters.visiting_nurse import adapter
from tests.adapters.golden import agrees, cases, explained

CASES = cases(Path(__file__).parent)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_file_says_what_the_facts_say_of_it(case):
    agrees(adapter, case)


def test_every_case_says_why_it_is_there():
    explained(CASES, 5)
