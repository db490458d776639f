"""The planted faults still fit the code that they are planted in; `make mutants` plants them and sees each one found."""

from __future__ import annotations

import ast

import pytest

from tests.mutants.planted import ROOT, Mutant, mutants

ALL = list(mutants())


@pytest.mark.parametrize("mutant", ALL, ids=[m.name for m in ALL])
def test_a_planted_fault_changes_one_place_and_leaves_a_program(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text("utf-8")
    planted = mutant.planted(text)
    if mutant.file.endswith(".py"):
        assert ast.dump(ast.parse(planted)) != ast.dump(ast.parse(text))
    for place in mutant.tests:
        assert (ROOT / place.partition("::")[0]).exists()


def test_there_are_thirty_in_consent_gate_and_proofs() -> None:
    rooms = [m.name.partition("/")[0] for m in ALL]
    assert set(rooms) == {"consent", "gate", "proofs"}
    assert len(rooms) >= 30
    assert len({m.name for m in ALL}) == len(ALL)
