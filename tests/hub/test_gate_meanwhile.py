"""What happens between a decision and its record is seen; what cannot be read refuses; what is masked leaves masked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consent.redact import INLINE
from hub.commands import Asking
from hub.names import hub_id
from hub.tables import resources
from hub.tables.resources import Row
from tests.hub.test_erasure import restricted
from tests.hub.world import FHIR, HOSPITAL, OFFICE, OTHER_HOSPITAL, World, a_consent, a_patient, an_encounter, world


@pytest.fixture
def w(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "data") as made:
        yield made


def own(w: World, code: str, kind: str) -> Row:
    with w.hub.store.read() as tx:
        return resources.own(tx, code, kind)[0]


def asking(w: World, code: str) -> Asking:
    known = w.hub.credentials.identify(w.tokens[code])
    assert known is not None
    return Asking(known.requester, known.purpose, "r", "read")


def effects_before_and_after(w: World, row: Row, meanwhile: Any) -> tuple[str, str]:
    """Decide for the other hospital, let something happen, and record: give what was decided at first and what in the end."""
    gate = w.hub.gate
    with w.hub.store.read() as tx:
        proposal = gate._decided(tx, asking(w, OTHER_HOSPITAL), [row], ())
    first = proposal.answer[0][0].effect
    meanwhile()
    proposal.again = lambda tx: gate._decided(tx, asking(w, OTHER_HOSPITAL), [row], ())
    return first, w.hub.writer.submit(proposal).result().answer[0][0].effect


def admitted(w: World) -> Row:
    for tree in (a_patient(), a_consent(), an_encounter()):
        assert w.put(HOSPITAL, tree).status_code == 201
    return own(w, HOSPITAL, "Encounter")


def refusing(patient: str) -> dict[str, Any]:
    """A later opt-out for the whole network."""
    made = {**a_consent("k9", patient=patient), "dateTime": "2026-02-01T10:00:00+09:00"}
    return {**made, "provision": {"type": "deny"}}


def test_a_refusal_told_elsewhere_by_the_same_insured_number_meanwhile_counts(w: World) -> None:
    """The person of the decision is another one afterwards: a second Patient has come to it, with a refusal of its own."""
    row = admitted(w)

    def told() -> None:
        assert w.put(OFFICE, a_patient("u1")).status_code == 201
        assert w.put(OFFICE, refusing("Patient/u1")).status_code == 201

    assert effects_before_and_after(w, row, told) == ("permit", "deny")


def test_who_is_parted_from_the_person_meanwhile_is_not_given_by_that_persons_consent(w: World) -> None:
    """Its number was a slip and is set right: no consent moved, and yet none speaks for it any more."""
    for by, tree in (
        (OFFICE, a_patient("u1")),
        (OFFICE, a_consent(patient="Patient/u1")),
        (HOSPITAL, a_patient()),
        (HOSPITAL, an_encounter()),
    ):
        assert w.put(by, tree).status_code == 201

    def told() -> None:
        assert w.put(HOSPITAL, a_patient(insured="131016:0000077777")).status_code == 200

    assert effects_before_and_after(w, own(w, HOSPITAL, "Encounter"), told) == ("permit", "deny")


def test_who_comes_to_the_person_meanwhile_brings_a_refusal_that_is_older_than_its_consents(w: World) -> None:
    assert w.put(HOSPITAL, a_patient()).status_code == 201
    assert w.put(OFFICE, a_patient("u1", insured="")).status_code == 201
    assert w.put(OFFICE, refusing("Patient/u1")).status_code == 201
    row = admitted_again(w)

    def told() -> None:
        assert w.put(OFFICE, a_patient("u1")).status_code == 200

    assert effects_before_and_after(w, row, told) == ("permit", "deny")


def admitted_again(w: World) -> Row:
    for tree in (a_consent(), an_encounter()):
        assert w.put(HOSPITAL, tree).status_code == 201
    return own(w, HOSPITAL, "Encounter")


def test_without_anything_between_the_first_decision_is_the_recorded_one(w: World) -> None:
    assert effects_before_and_after(w, admitted(w), lambda: None) == ("permit", "permit")


def test_somebody_of_the_directory_who_is_restricted_meanwhile_does_not_leave(w: World) -> None:
    assert w.put(HOSPITAL, {"resourceType": "Practitioner", "id": "d7", "name": [{"text": "佐々木 誠"}]}).status_code == 201
    row = own(w, HOSPITAL, "Practitioner")
    name = f"Practitioner/{hub_id(row.stream)}"
    assert effects_before_and_after(w, row, lambda: restricted(w, name)) == ("permit", "deny")


def test_while_a_consent_on_file_cannot_be_read_nothing_is_provided(tmp_path: Path) -> None:
    with world(tmp_path / "data") as before:
        name = f"Encounter/{hub_id(admitted(before).stream)}"
        assert before.get(OTHER_HOSPITAL, f"/fhir/{name}").status_code == 200
        with before.hub.store.write() as tx:
            tx.run("UPDATE directives SET directive=?", (bytes(64),))
    with world(tmp_path / "data") as after:
        assert after.get(OTHER_HOSPITAL, f"/fhir/{name}").status_code == 404
        assert after.get(HOSPITAL, "/fhir/Encounter/e1").status_code == 200
        row, hub = own(after, HOSPITAL, "Encounter"), after.hub
        with hub.store.read() as tx:
            (decision,) = hub.gate.as_of(tx, asking(after, OTHER_HOSPITAL), [row], position=hub.store.head(tx), at=hub.now())
        assert (decision.effect, decision.reason) == ("deny", "D-UNPARSABLE")


def test_an_identifier_that_is_masked_finds_nothing_for_whom_it_is_masked(w: World) -> None:
    """Its custodian finds by it, and its conditions do; to others it answers as one that nobody bears."""
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    masked = {"extension": [{"url": INLINE, "valueCoding": label}], "system": "urn:example:special", "value": "77"}
    told = an_encounter(identifier=[{"system": "urn:example:plain", "value": "1"}, masked])
    for tree in (a_patient(), a_consent(), told):
        assert w.put(HOSPITAL, tree).status_code == 201

    def total(by: str, value: str) -> int:
        return int(w.get(by, f"/fhir/Encounter?identifier={value}&_summary=count").json()["total"])

    asked = ("urn:example:plain|1", "urn:example:special|77", "77")
    assert [total(OTHER_HOSPITAL, one) for one in asked] == [1, 0, 0]
    assert [total(HOSPITAL, one) for one in asked] == [1, 1, 1]
    again = {name: value for name, value in told.items() if name != "id"}
    made = w.ask("POST", "/fhir/Encounter", by=HOSPITAL, json=again, headers={**FHIR, "If-None-Exist": "identifier=urn:example:special|77"})
    assert made.status_code == 200


def test_what_is_said_of_the_family_stays_where_no_family_member_has_agreed(w: World) -> None:
    told = {**a_patient(), "contact": [{"name": {"text": "山田　一郎"}, "telecom": [{"system": "phone", "value": "090-0000-0000"}]}]}
    assert w.put(HOSPITAL, told).status_code == 201
    assert w.put(HOSPITAL, a_consent()).status_code == 201
    read = w.get(OTHER_HOSPITAL, f"/fhir/Patient/{hub_id(own(w, HOSPITAL, 'Patient').stream)}")
    assert read.status_code == 200
    assert "一郎" not in read.text
    assert "contact" not in read.json()
    assert {tag["code"] for tag in read.json()["meta"]["tag"]} == {"SUBSETTED", "REDACTED"}
    assert "一郎" in w.get(HOSPITAL, "/fhir/Patient/p1").text
