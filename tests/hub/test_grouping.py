"""Who is whom, from numbers borne and from what the clerk has said: a pure function, whatever came first."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from hub.tables.grouping import Borne, Statement, leaders, newest

A, B, C, D = (bytes([n]) * 16 for n in (1, 2, 3, 4))
ONE, TWO = b"one", b"two"
BORN = {A: 1, B: 2, C: 3, D: 4}


def groups(borne: Iterable[Borne], said: Iterable[Statement] = ()) -> set[frozenset[bytes]]:
    lead = leaders(borne, said, BORN)
    return {frozenset(p for p in lead if lead[p] == one) for one in lead.values()}


def bear(*patients: bytes, token: bytes = ONE) -> list[Borne]:
    return [Borne(token, patient, BORN[patient]) for patient in patients]


def link(position: int, first: bytes, second: bytes) -> Statement:
    return Statement(position, first, second, apart=False)


def part(position: int, first: bytes, second: bytes) -> Statement:
    return Statement(position, first, second, apart=True)


def test_one_number_makes_one_person_and_the_first_leads() -> None:
    assert leaders(bear(C, A, B), (), BORN) == {A: A, B: A, C: A}


def test_numbers_join_through_a_patient_that_bears_both() -> None:
    assert groups([*bear(A, B), *bear(B, C, token=TWO)]) == {frozenset({A, B, C})}


def test_who_was_taken_out_stays_out_and_the_others_stay_together() -> None:
    assert groups(bear(A, B, C), [part(9, A, B)]) == {frozenset({A, C}), frozenset({B})}
    assert groups(bear(A, B, C), [part(9, B, A)]) == {frozenset({B, C}), frozenset({A})}
    assert groups([], [link(5, A, C), link(6, C, B), part(9, A, B)]) == {frozenset({A, C}), frozenset({B})}


def test_the_last_word_on_a_pair_stands() -> None:
    assert groups(bear(A, B), [part(9, A, B), link(10, B, A)]) == {frozenset({A, B})}
    assert groups([], [link(9, A, B), part(10, A, B)]) == {frozenset({A}), frozenset({B})}


def test_a_later_link_overrules_an_earlier_parting_that_stands_in_its_way() -> None:
    assert groups([], [link(5, A, B), part(6, B, C), link(7, A, C)]) == {frozenset({A, B, C})}


_pairs = st.tuples(st.sampled_from([A, B, C, D]), st.sampled_from([A, B, C, D])).filter(lambda pair: pair[0] != pair[1])
_said = st.lists(st.tuples(_pairs, st.booleans()), max_size=6).map(
    lambda rows: [Statement(10 + i, *pair, apart) for i, (pair, apart) in enumerate(rows)]
)
_borne = st.lists(st.builds(Borne, st.sampled_from([ONE, TWO]), st.sampled_from([A, B, C, D]), st.integers(1, 9)), max_size=6)


@given(_borne, _said, st.randoms())
def test_the_order_in_which_it_is_told_makes_no_difference(borne: list[Borne], said: list[Statement], random: Random) -> None:
    mixed, words = list(borne), list(said)
    random.shuffle(mixed)
    random.shuffle(words)
    assert leaders(mixed, words, BORN) == leaders(borne, said, BORN)


@given(_borne, _said)
def test_whom_the_last_word_parts_is_joined_by_no_rule(borne: list[Borne], said: list[Statement]) -> None:
    """Only a link that was said later may bring them together."""
    lead = leaders(borne, said, BORN)
    for word in newest(said):
        if word.apart and lead[word.first] == lead[word.second]:
            assert any(not s.apart and s.position > word.position for s in said)
