"""Any order and any doubling of a stay's messages gives the same stays."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.views.stays import fold, unplaced
from tests.hub.views.stay_messages import (
    REHAB,
    admit,
    deliver,
    discharge,
    encounter,
    plan,
    told,
    undo_admission,
    undo_discharge,
    undo_plan,
    unnamed,
    ward,
)

STORY = (
    plan(), admit(), unnamed("A21", "04-12 10:00", "04-11 15:00"), unnamed("A22", "04-13 16:40", "04-13 16:45"),
    unnamed("A02", "04-14 10:15", "04-14 10:22", **ward("4階東", left="5階東")), unnamed("A16", "04-25 10:00", "04-18 14:00"),
    unnamed("A25", "04-25 10:00", "04-24 08:30"), discharge(), undo_discharge(), discharge("04-30 11:00", "04-30 11:20", to="02"),
    plan("04-21 00:00", "04-14 09:30", patient="pat-2"), undo_plan("04-21 00:00", "04-18 17:00", patient="pat-2"),
    admit("05-10 09:00", "05-10 09:10", stay="0000123456:20260510"), undo_admission("05-10 12:00", admitted="05-10 09:00", stay="0000123456:20260510"),
    admit("05-01 09:00", "05-01 09:10", custodian=REHAB, stay="77:20260501", patient="pat-9"),
    unnamed("A03", "05-28 05:12", "05-28 05:55", custodian=REHAB, patient="pat-9"),
)  # fmt: skip
"""Two hospitals, a plan, leave, move, planned discharge given up, discharge cancelled and told again, transfer, a cancelled admission."""


def test_the_story_in_its_own_order():
    assert [(one.source, one.status) for one in told(*STORY)] == [
        ("中央病院", "discharged"), ("中央病院", "cancelled"), ("みなと回復期リハビリ病院", "discharged"), ("中央病院", "cancelled"),
    ]  # fmt: skip


@given(st.permutations(STORY), st.lists(st.sampled_from(STORY), max_size=6), st.randoms(use_true_random=False))
@settings(max_examples=120, deadline=None)
def test_any_permutation_and_any_doubling_gives_the_same_stays(order, again, chance):
    arrived = [*order, *again]
    chance.shuffle(arrived)
    assert fold(deliver(arrived), person="p-1") == told(*STORY)
    assert unplaced(deliver(arrived)) == unplaced(deliver(STORY))


@given(st.sets(st.sampled_from(range(len(STORY))), min_size=1), st.randoms(use_true_random=False))
@settings(max_examples=120, deadline=None)
def test_whatever_part_has_arrived_its_order_does_not_matter(chosen, chance):
    part = [STORY[i] for i in sorted(chosen)]
    shuffled = list(part)
    chance.shuffle(shuffled)
    assert fold(deliver(shuffled), person="p-1") == fold(deliver(part), person="p-1")
    assert unplaced(deliver(shuffled)) == unplaced(deliver(part))


@given(st.permutations(range(4)))
def test_versions_of_a_fhir_encounter_in_any_order_give_the_same_stay(order):
    versions = [
        encounter("planned", "04-07 10:00", version=1, updated="04-01 09:00"),
        encounter("in-progress", "04-07 10:10", version=2, updated="04-07 11:00"),
        encounter("finished", "04-07 10:10", end="04-20 10:00", version=3, updated="04-20 10:10"),
        encounter("in-progress", "04-07 10:10", version=4, updated="04-20 12:00"),
    ]
    (stay,) = fold([versions[i] for i in order], person="p-1")
    assert (stay, stay.status) == (*fold(versions, person="p-1"), "in")


@given(st.permutations(STORY))
@settings(max_examples=60, deadline=None)
def test_as_messages_arrive_an_episode_keeps_its_name_once_the_first_admission_is_known(order):
    names = set()
    for n in range(1, len(order) + 1):
        part = order[:n]
        if STORY[1] in part:
            names |= {one.episode for one in fold(deliver(part), person="p-1") if "Encounter/enc-0000123456-20260407" in one.references}
    assert len(names) == 1
