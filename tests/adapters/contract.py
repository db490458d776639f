"""What every source promises; inherited once a source.

A subclass names its `adapter`, gives good wires and, for each person in them, bytes that are that person's alone:

    class TestHospitalKeepsTheContract(AdapterContract):
        adapter = adapter

        def good(self) -> list[Good]: ...
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from string import Formatter

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.adapter import Adapter, Conversion, Draft, Part, Wire, link
from schemas.errors import BadInput, Issue
from schemas.fhir.references import references
from schemas.fhir.resource import read
from schemas.messages import catalogue

SOME = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.differing_executors, HealthCheck.function_scoped_fixture]
)
"""Inherited tests run under several classes: that is meant."""


@dataclass(frozen=True, slots=True)
class Good:
    """A wire that is taken. `marks`: patient key → bytes as they stand in the wire (a name in its encoding) that are this person's alone."""

    wire: Wire
    marks: Mapping[str, bytes]


class AdapterContract:
    """Tests that hold for every source."""

    adapter: Adapter

    def good(self) -> list[Good]:
        """Give wires that are taken; at least one, and one with two persons where the layout can hold several."""
        raise NotImplementedError

    # ── good wires ──

    def test_a_good_wire_is_claimed_and_every_person_in_it_is_taken(self):
        for one in self.good():
            assert self.adapter.claims(one.wire) is True
            conversion = self.adapter.convert(one.wire)
            assert conversion.layout
            assert {part.patient_key for part in conversion.parts} == set(one.marks)
            assert all(part.drafts and part.control for part in conversion.parts)

    def test_the_same_bytes_give_the_same_conversion(self):
        for one in self.good():
            assert self.adapter.convert(one.wire) == self.adapter.convert(replace(one.wire))

    def test_every_draft_is_a_right_resource_of_its_type(self):
        for draft in self._drafts():
            read(orjson.dumps(dict(draft.body)), expected_type=draft.type)
            assert "id" not in draft.body
            assert "versionId" not in draft.body.get("meta", {})

    def test_a_key_stands_once_in_a_part_and_facts_are_strings(self):
        for part in self._parts():
            keys = [(draft.type, draft.key) for draft in part.drafts]
            assert len(keys) == len(set(keys))
            assert all(key for _, key in keys)
            assert all(isinstance(k, str) and isinstance(v, str) for draft in part.drafts for k, v in draft.facts.items())

    def test_every_draft_belongs_to_the_person_of_its_part(self):
        for part in self._parts():
            mine = link("Patient", part.patient_key)
            for draft in part.drafts:
                if draft.type == "Patient":
                    assert draft.key == part.patient_key
                    continue
                about = [target for _, target in references(dict(draft.body)) if target.startswith(link("Patient", ""))]
                assert mine in about
                assert set(about) == {mine}

    def test_the_raw_of_a_part_holds_that_persons_bytes_and_nobody_elses(self):
        for one in self.good():
            for part in self.adapter.convert(one.wire).parts:
                assert one.marks[part.patient_key] in part.raw
                assert not [key for key, mark in one.marks.items() if key != part.patient_key and mark in part.raw]

    def test_times_know_their_zone(self):
        assert all(part.occurred is None or part.occurred.tzinfo is not None for part in self._parts())

    def test_warnings_stand_in_the_catalogue(self):
        for part in self._parts():
            _speak(part.warnings)

    # ── bad wires ──

    @SOME
    @given(st.binary(max_size=400))
    def test_random_bytes_under_a_good_name_are_refused(self, data):
        wire = replace(self.good()[0].wire, data=data)
        assert self.adapter.claims(wire) in {True, False}
        assert not self._taken(wire).parts

    @SOME
    @given(st.text(max_size=200), st.binary(max_size=200))
    def test_claims_answers_for_any_name_and_bytes(self, name, data):
        assert self.adapter.claims(Wire(name, data, self.good()[0].wire.sender)) in {True, False}

    @SOME
    @given(st.data())
    def test_a_truncated_wire_is_refused_or_read_as_far_as_it_is_right(self, data):
        one = data.draw(st.sampled_from(self.good()))
        cut = data.draw(st.integers(0, len(one.wire.data) - 1))
        self._holds(replace(one.wire, data=one.wire.data[:cut]))

    @SOME
    @given(st.data())
    def test_a_damaged_wire_is_refused_or_gives_right_resources(self, data):
        one = data.draw(st.sampled_from(self.good()))
        at = data.draw(st.integers(0, len(one.wire.data) - 1))
        put = data.draw(st.binary(max_size=6))
        self._holds(replace(one.wire, data=one.wire.data[:at] + put + one.wire.data[at + data.draw(st.integers(0, 6)) :]))

    def test_an_empty_wire_is_refused(self):
        assert not self._taken(replace(self.good()[0].wire, data=b"")).parts

    # ── helps ──

    def _parts(self) -> list[Part]:
        return [part for one in self.good() for part in self.adapter.convert(one.wire).parts]

    def _drafts(self) -> list[Draft]:
        return [draft for part in self._parts() for draft in part.drafts]

    def _taken(self, wire: Wire) -> Conversion:
        """Convert; a refusal of the whole counts as nothing taken. Any other exception fails the test."""
        try:
            conversion = self.adapter.convert(wire)
        except BadInput as error:
            _speak(error.issues)
            return Conversion("", ())
        for refused in conversion.refused:
            assert refused.issues
            _speak(refused.issues)
        return conversion

    def _holds(self, wire: Wire) -> None:
        for part in self._taken(wire).parts:
            _speak(part.warnings)
            assert part.patient_key
            for draft in part.drafts:
                read(orjson.dumps(dict(draft.body)), expected_type=draft.type)


def _speak(issues: tuple[Issue, ...]) -> None:
    """Check that each issue has a place and a rule of the catalogue, and gives all the words that its texts ask for."""
    for issue in issues:
        assert issue.where, issue.rule
        message = catalogue()[issue.rule]
        for text in (message.ja, message.en, message.next_ja, message.next_en):
            assert {name for _, name, _, _ in Formatter().parse(text) if name} <= set(issue.words), issue.rule
