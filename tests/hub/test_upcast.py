"""Bodies of old forms are raised to the newest before anybody decodes them; what is not known is refused by name."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.log.event import joined, open_event, parted
from hub.log.upcast import NEWEST, STEPS, raised
from hub.writer import Proposal
from hub.writes.events import event
from schemas.errors import Broken
from schemas.events import MESSAGE_SETTLED, PERSON_LINKED, RESOURCE_RECORDED, TEXT, TOPICS, Link
from tests.hub.world import HOSPITAL, World, a_patient


@given(st.binary(max_size=200))
def test_a_text_that_stood_alone_is_one_with_no_facts(text: bytes) -> None:
    assert parted(raised(RESOURCE_RECORDED, TEXT, text)) == (text, {})


@given(st.binary(max_size=200), st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=4))
def test_the_newest_form_stays_as_it_is(text: bytes, facts: dict[str, str]) -> None:
    body = joined(text, facts)
    assert raised(RESOURCE_RECORDED, NEWEST[RESOURCE_RECORDED], body) == body
    assert parted(body) == (text, facts)


def test_every_topic_has_a_newest_form_that_steps_lead_to_without_a_gap() -> None:
    assert set(NEWEST) == set(TOPICS)
    assert {topic for topic, _ in STEPS} <= set(TOPICS)
    for topic, newest in NEWEST.items():
        assert sorted(form for known, form in STEPS if known == topic) == list(range(1, newest))


@pytest.mark.parametrize(("topic", "form"), [(RESOURCE_RECORDED, 3), (RESOURCE_RECORDED, 0), (PERSON_LINKED, 2), (MESSAGE_SETTLED, 99)])
def test_a_form_that_is_not_known_is_refused_by_name(topic: str, form: int) -> None:
    with pytest.raises(Broken) as refused:
        raised(topic, form, b"{}")
    (issue,) = refused.value.issues
    assert (issue.rule, issue.words) == ("HUB-5124", {"topic": topic, "form": str(form)})


def test_an_event_of_a_newer_form_does_not_open(hub_world: World) -> None:
    """Written by a later release: a body that may mean something else is not read as if it meant what it means today."""
    hub = hub_world.hub
    made = event(
        topic=PERSON_LINKED, kind="Link", body=Link("00" * 16, "11" * 16, "somebody"), key=hub.keys.of(bytes(16), "main"), custodian=HOSPITAL,
        patient=b"", secrets=hub.secrets, at=hub.now(),
    )  # fmt: skip
    made.rows = None
    made.header = type(made.header)(**{f: getattr(made.header, f) for f in made.header.__struct_fields__} | {"schema": 2})
    hub.writer.submit(Proposal(bytes(15) + b"x", [made])).result()
    with hub.store.read() as tx:
        (recorded,) = hub.store.events(tx, 0, 10)
    with pytest.raises(Broken) as refused:
        open_event(hub.keys, recorded)
    assert refused.value.issues[0].rule == "HUB-5124"


def test_nothing_is_written_in_an_old_form(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    assert forms(hub_world) == {RESOURCE_RECORDED: {NEWEST[RESOURCE_RECORDED]}}


def forms(w: World) -> dict[str, set[int]]:
    found: Counter[tuple[str, int]] = Counter()
    with w.hub.store.read() as tx:
        found.update((e.topic, e.header.schema) for e in w.hub.store.events(tx, 0, 100) if e.topic == RESOURCE_RECORDED)
    return {RESOURCE_RECORDED: {form for _, form in found}}
