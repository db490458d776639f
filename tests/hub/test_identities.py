"""One person under many numbers: linked by rule or by the clerk, and unlinked with every view corrected."""

from __future__ import annotations

from hub.names import hub_id
from hub.tables import identities, resources
from tests.hub.world import HOSPITAL, INSURED, NETWORK, OFFICE, OTHER_HOSPITAL, World, a_consent, a_patient, an_encounter


def patient(w: World, code: str) -> bytes:
    with w.hub.store.read() as tx:
        return resources.own(tx, code, "Patient")[0].stream


def person(w: World, code: str) -> bytes:
    stream = patient(w, code)
    with w.hub.store.read() as tx:
        return identities.person_of(tx, stream)


def test_the_same_insured_number_is_the_same_person(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient("1"))
    hub_world.put(OFFICE, a_patient("2"))
    assert person(hub_world, HOSPITAL) == person(hub_world, OFFICE)


def test_the_same_local_number_of_two_hospitals_is_two_persons(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient("0000123456", insured=""))
    hub_world.put(OTHER_HOSPITAL, a_patient("0000123456", insured="", kana="スズキ　イチロウ", birth="1950-01-01"))
    assert person(hub_world, HOSPITAL) != person(hub_world, OTHER_HOSPITAL)
    assert hub_world.get(HOSPITAL, "/fhir/Patient/0000123456").json()["birthDate"] == "1938-05-02"
    assert hub_world.get(OTHER_HOSPITAL, "/fhir/Patient/0000123456").json()["birthDate"] == "1950-01-01"


def test_a_corrected_number_takes_the_rules_link_back(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient("1"))
    hub_world.put(OFFICE, a_patient("2"))
    hub_world.put(OFFICE, a_patient("2", insured="131016:0000099999"))
    assert person(hub_world, HOSPITAL) != person(hub_world, OFFICE)


def test_a_corrected_number_of_the_one_that_leads_takes_it_from_the_others(hub_world: World) -> None:
    """The first Patient of a group gives it its name: corrected, it goes, and the others stay one person."""
    hub_world.put(HOSPITAL, a_patient("1"))
    hub_world.put(OFFICE, a_patient("2"))
    hub_world.put(OTHER_HOSPITAL, a_patient("3"))
    hub_world.put(HOSPITAL, a_patient("1", insured="131016:0000099999"))
    assert person(hub_world, HOSPITAL) != person(hub_world, OFFICE)
    assert person(hub_world, OTHER_HOSPITAL) == person(hub_world, OFFICE)
    hub_world.put(HOSPITAL, a_patient("1"))
    assert person(hub_world, HOSPITAL) == person(hub_world, OTHER_HOSPITAL)


def test_a_withdrawn_patient_stays_the_person_that_it_was_and_is_found_no_more(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient("1"))
    hub_world.put(OFFICE, a_patient("2"))
    one, both = patient(hub_world, HOSPITAL), person(hub_world, OFFICE)
    assert hub_world.ask("DELETE", "/fhir/Patient/1", by=HOSPITAL).status_code == 204
    with hub_world.hub.store.read() as tx:
        assert identities.person_of(tx, one) == both
        assert one not in identities.by_token(tx, hub_world.hub.secrets.token("insured", INSURED))


def two_alike(w: World) -> tuple[str, str]:
    w.put(HOSPITAL, a_patient("1", insured=""))
    w.put(OFFICE, a_patient("2"))
    (pair,) = w.get(NETWORK, "/links").json()["pairs"]
    return pair["first"], pair["second"]


def test_the_clerk_sees_who_may_be_one_person_and_links_them(hub_world: World) -> None:
    first, second = two_alike(hub_world)
    assert person(hub_world, HOSPITAL) != person(hub_world, OFFICE)
    answer = hub_world.ask("POST", "/links", by=NETWORK, json={"first": first, "second": second, "reason": "電話で確認"})
    assert answer.status_code == 200
    assert person(hub_world, HOSPITAL) == person(hub_world, OFFICE)
    assert hub_world.get(NETWORK, "/links").json()["pairs"] == []


def test_the_clerk_may_name_them_by_the_numbers_their_organizations_use(hub_world: World) -> None:
    two_alike(hub_world)
    named = [{"organization": HOSPITAL, "number": "1"}, {"organization": OFFICE, "number": "131016:0000012342"}]
    assert hub_world.ask("POST", "/links", by=NETWORK, json={"first": named[0], "second": named[1]}).status_code == 200
    assert person(hub_world, HOSPITAL) == person(hub_world, OFFICE)


def test_nobody_but_the_networks_office_links(hub_world: World) -> None:
    first, second = two_alike(hub_world)
    answer = hub_world.ask("POST", "/links", by=HOSPITAL, json={"first": first, "second": second})
    assert answer.status_code == 403
    assert hub_world.get(HOSPITAL, "/links").status_code == 403


def test_unlinking_takes_away_what_the_link_had_shown(hub_world: World) -> None:
    first, second = two_alike(hub_world)
    hub_world.put(HOSPITAL, an_encounter(patient="Patient/1"))
    hub_world.put(OFFICE, a_consent(patient="Patient/2"))
    with hub_world.hub.store.read() as tx:
        (stay,) = resources.own(tx, HOSPITAL, "Encounter")
    reference = f"/fhir/Encounter/{hub_id(stay.stream)}"
    assert hub_world.get(OFFICE, reference).status_code == 404
    hub_world.ask("POST", "/links", by=NETWORK, json={"first": first, "second": second})
    assert hub_world.get(OFFICE, reference).status_code == 200
    assert hub_world.ask("POST", "/links/undo", by=NETWORK, json={"first": first, "second": second}).status_code == 200
    assert hub_world.get(OFFICE, reference).status_code == 404
    assert hub_world.get(NETWORK, "/links").json()["pairs"] == []


def test_after_an_unlinking_the_rule_does_not_join_the_two_again(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient("1"))
    hub_world.put(OFFICE, a_patient("2"))
    pair = {"first": f"Patient/{hub_id(patient(hub_world, HOSPITAL))}", "second": f"Patient/{hub_id(patient(hub_world, OFFICE))}"}
    assert hub_world.ask("POST", "/links/undo", by=NETWORK, json=pair).status_code == 200
    hub_world.put(OFFICE, {**a_patient("2"), "gender": "male"})
    assert person(hub_world, HOSPITAL) != person(hub_world, OFFICE)
