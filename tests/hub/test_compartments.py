"""What lies in one compartment is nowhere else: not seen, not found, not counted, not linked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.compartments import parse_compartments
from hub.log.unlocking import KeyPlace
from hub.names import hub_id
from hub.replay.checking import replay
from hub.tables import apart, identities, resources
from schemas.errors import Broken
from tests.hub.apart import CASE, COMPARTMENTS, a_case, inside, opened
from tests.hub.world import (
    HOSPITAL,
    INSURED,
    NETWORK,
    OFFICE,
    OTHER_OFFICE,
    STATION,
    World,
    a_consent,
    a_patient,
    a_plan,
    an_encounter,
    database_of,
    register,
    world,
)


@pytest.fixture
def case_world(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "data", compartments=COMPARTMENTS) as made:
        yield opened(made)


def plan_of(w: World) -> str:
    """Give the plan of the case by the hub's id."""
    with w.hub.store.read() as tx:
        (row,) = resources.own(tx, STATION, "CarePlan", CASE)
    return f"CarePlan/{hub_id(row.stream)}"


def test_a_member_reads_there_what_another_member_wrote_and_the_person_agreed_to(case_world: World) -> None:
    a_case(case_world)
    assert case_world.get(inside(OFFICE), f"/fhir/{plan_of(case_world)}").status_code == 200
    assert case_world.put(inside(STATION), a_consent(patient="Patient/c1", status="inactive")).status_code == 200
    assert case_world.get(inside(OFFICE), f"/fhir/{plan_of(case_world)}").status_code == 404


def test_nobody_outside_reads_it_and_the_answer_is_that_of_an_id_that_is_none(case_world: World) -> None:
    a_case(case_world)
    absent = "CarePlan/tsu-" + "a" * 25 + "e"
    for by in (HOSPITAL, OFFICE, STATION, NETWORK, OTHER_OFFICE):
        for suffix in ("", "/_history/1"):
            hidden = case_world.get(by, f"/fhir/{plan_of(case_world)}{suffix}")
            assert hidden.status_code == 404
            assert hidden.content == case_world.get(by, f"/fhir/{absent}{suffix}").content


def test_an_organization_s_own_application_outside_finds_none_of_what_it_wrote_inside(case_world: World) -> None:
    a_case(case_world)
    assert case_world.get(STATION, "/fhir/Patient/c1").status_code == 404
    assert case_world.get(STATION, f"/fhir/Patient?identifier={INSURED}").json()["total"] == 0
    assert case_world.get(STATION, "/fhir/CarePlan").json()["total"] == 0
    assert case_world.get(inside(STATION), f"/fhir/Patient?identifier={INSURED}").json()["total"] == 2


def test_the_same_id_inside_and_outside_is_two_resources(case_world: World) -> None:
    a_case(case_world)
    made = case_world.put(STATION, a_patient("c1", kana="ベツノ　ヒト"))
    assert made.status_code == 201
    assert made.headers["ETag"] == 'W/"1"'
    assert "ヤマダ" in case_world.get(inside(STATION), "/fhir/Patient/c1").text


def test_a_number_that_is_borne_inside_and_outside_links_nobody_across(case_world: World) -> None:
    case_world.put(HOSPITAL, a_patient())
    a_case(case_world)
    with case_world.hub.store.read() as tx:
        (outside,) = resources.own(tx, HOSPITAL, "Patient")
        (mine,), (theirs,) = (resources.own(tx, code, "Patient", CASE) for code in (STATION, OFFICE))
        assert identities.patients_of(tx, identities.person_of(tx, outside.stream)) == [outside.stream]
        inside_it = identities.groups(tx, [mine.stream, theirs.stream], compartment=CASE).person
        assert inside_it[mine.stream] == inside_it[theirs.stream]
        assert identities.person_of(tx, theirs.stream) == theirs.stream
    names = {"first": f"Patient/{hub_id(outside.stream)}", "second": f"Patient/{hub_id(mine.stream)}"}
    told = case_world.ask("POST", "/links", by=NETWORK, json=names)
    unknown = case_world.ask("POST", "/links", by=NETWORK, json={**names, "second": "Patient/tsu-" + "a" * 25 + "e"})
    assert (told.status_code, told.content) == (unknown.status_code, unknown.content)


def test_names_inside_are_no_work_for_the_clerk(case_world: World) -> None:
    for code, number in ((STATION, "c1"), (OFFICE, "c2")):
        case_world.put(inside(code), a_patient(number, insured=""))
    assert case_world.get(NETWORK, "/links").json() == {"pairs": []}


def test_a_consent_speaks_where_it_was_given(case_world: World) -> None:
    a_case(case_world)
    case_world.put(STATION, a_patient("s1"))
    case_world.put(STATION, a_plan("outside", patient="Patient/s1"))
    with case_world.hub.store.read() as tx:
        (row,) = resources.own(tx, STATION, "CarePlan")
    assert case_world.get(OFFICE, f"/fhir/CarePlan/{hub_id(row.stream)}").status_code == 404
    assert case_world.put(STATION, a_consent(patient="Patient/s1")).status_code == 201
    assert case_world.get(OFFICE, f"/fhir/CarePlan/{hub_id(row.stream)}").status_code == 200


def test_one_who_refused_the_hub_outside_is_not_refused_the_case_and_the_other_way_round(case_world: World) -> None:
    from schemas.adapter import BASE

    def refusing(patient: str) -> dict[str, object]:
        tree = a_consent("no", patient=patient)
        refusal = {"url": f"{BASE}/StructureDefinition/consent-hub-refusal", "valueBoolean": True}
        return {**tree, "extension": [*tree["extension"], refusal], "provision": {"type": "deny"}}

    case_world.put(HOSPITAL, a_patient())
    assert case_world.put(HOSPITAL, refusing("Patient/p1")).status_code == 201
    assert case_world.put(HOSPITAL, a_plan()).status_code == 403
    a_case(case_world)
    assert case_world.put(inside(OFFICE), refusing("Patient/c2")).status_code == 201
    assert case_world.put(inside(OFFICE), a_plan(patient="Patient/c2")).status_code == 403
    case_world.put(STATION, a_patient("s9", insured="131016:0000055555"))
    assert case_world.put(STATION, a_plan("s", patient="Patient/s9")).status_code == 201


def test_a_reference_across_is_one_to_nobody(case_world: World) -> None:
    a_case(case_world)
    with case_world.hub.store.read() as tx:
        (mine,) = resources.own(tx, STATION, "Patient", CASE)
    plan = a_plan("across", patient=f"Patient/{hub_id(mine.stream)}")
    nobody = a_plan("across", patient="Patient/tsu-" + "a" * 25 + "e")
    refused, unknown = case_world.put(STATION, plan), case_world.put(STATION, nobody)
    assert refused.status_code == unknown.status_code == 404
    assert refused.content == unknown.content
    conditional = a_plan("across", patient=f"Patient?identifier={INSURED}")
    assert case_world.bundle(HOSPITAL, [_written(conditional)]).status_code == 422


def _written(tree: dict[str, object]) -> dict[str, object]:
    return {"resource": tree, "request": {"method": "PUT", "url": f"{tree['resourceType']}/{tree['id']}"}}


def test_a_condition_inside_matches_nothing_outside(case_world: World) -> None:
    case_world.put(STATION, a_patient("s1"))
    post = {"resource": a_patient(""), "request": {"method": "POST", "url": "Patient", "ifNoneExist": f"identifier={INSURED}"}}
    post["resource"].pop("id")
    told = case_world.bundle(inside(STATION), [post])
    assert told.json()["entry"][0]["response"]["status"] == "201 Created"


def test_what_was_not_taken_inside_waits_inside_and_can_be_sent_again_there(case_world: World) -> None:
    bad = case_world.bundle(inside(STATION), [{"request": {"method": "PUT", "url": "Patient/1"}}])
    assert bad.status_code == 422
    assert case_world.get(STATION, "/refused.json").json() == {"refused": []}
    (kept,) = case_world.get(inside(STATION), "/refused.json").json()["refused"]
    path = f"/refused/{kept['reference']}/send"
    assert case_world.ask("POST", path, by=STATION).status_code == 404
    assert case_world.ask("POST", path, by=inside(STATION)).status_code == 422


def test_a_page_of_a_search_inside_goes_on_nowhere_else(case_world: World) -> None:
    for number in ("c1", "c3"):
        case_world.put(inside(STATION), a_patient(number, insured=""))
    (following,) = [
        link["url"] for link in case_world.get(inside(STATION), "/fhir/Patient?_count=1").json()["link"] if link["relation"] == "next"
    ]
    assert case_world.get(STATION, following).status_code == 404
    assert case_world.get(inside(STATION), following).json()["entry"][0]["resource"]["id"] == "c3"


CLOSED = (
    ("GET", "/events?after=0"), ("GET", "/fhir/$board"), ("GET", "/fhir/Patient/c1/$summary"), ("GET", "/fhir/AuditEvent"),
    ("GET", "/links"), ("POST", "/links"), ("POST", "/hand-in"), ("GET", "/status.json"), ("GET", "/metrics"), ("GET", "/log/checkpoint"),
    ("POST", "/followers/derive/retry"), ("GET", "/erasures"), ("POST", "/erasures"),
)  # fmt: skip


@pytest.mark.parametrize(("method", "path"), CLOSED, ids=lambda text: text)
def test_a_door_that_is_not_made_for_compartments_is_none_inside(case_world: World, method: str, path: str) -> None:
    told = case_world.ask(method, path, by=inside(NETWORK))
    assert told.status_code == 404
    assert "HUB-5142" in told.text


def test_only_members_have_an_application_inside_and_only_as_long_as_they_are(case_world: World, tmp_path: Path) -> None:
    for code in (HOSPITAL, OTHER_OFFICE):
        with pytest.raises(Broken, match="HUB-5141"):
            case_world.hub.credentials.issue(code, CASE)
    with pytest.raises(Broken, match="HUB-5141"):
        case_world.hub.credentials.issue(STATION, "none")
    token = case_world.tokens[inside(STATION)]
    case_world.hub.credentials.compartments = {}
    assert case_world.hub.credentials.identify(token) is None


def test_a_decision_inside_is_recorded_and_no_officer_outside_sees_it(case_world: World) -> None:
    before = case_world.get(NETWORK, "/fhir/AuditEvent?_count=200").json()["total"]
    a_case(case_world)
    case_world.get(inside(OFFICE), f"/fhir/{plan_of(case_world)}", headers={"X-Request-Id": "the-read"})
    found = case_world.get(NETWORK, "/fhir/AuditEvent?_count=200")
    assert found.json()["total"] == before + 1
    assert "the-read" not in found.text
    with case_world.hub.store.read() as tx:
        newest, *_ = apart.decided(tx, CASE, limit=10)
    assert (newest.organization, newest.effect) == (OFFICE, "permit")


def test_an_overseer_reads_who_saw_what_there_and_that_look_stands_there_too(case_world: World) -> None:
    a_case(case_world)
    case_world.get(inside(OFFICE), f"/fhir/{plan_of(case_world)}", headers={"X-Request-Id": "the-read"})
    before = case_world.get(NETWORK, "/fhir/AuditEvent?_summary=count").json()["total"]
    told = case_world.get(inside(NETWORK), "/compartment/decisions.json")
    assert told.status_code == 200
    (one,) = [d for d in told.json()["decisions"] if d["request"] == "the-read"]
    assert (one["organization"], one["effect"], one["seen"][0]["resource"]) == (OFFICE, "permit", plan_of(case_world))
    assert "山田" not in told.text
    again = case_world.get(inside(NETWORK), "/compartment/decisions.json").json()["decisions"]
    assert (again[0]["organization"], again[0]["reason"]) == (NETWORK, "P-AUDIT")
    assert case_world.get(NETWORK, "/fhir/AuditEvent?_summary=count").json()["total"] == before + 1  # that it was counted, and nothing else
    for by in (inside(OFFICE), NETWORK, HOSPITAL):
        assert case_world.get(by, "/compartment/decisions.json").status_code == 403


def test_neither_status_nor_measures_count_what_lies_inside(case_world: World) -> None:
    def told() -> tuple[object, object, list[str]]:
        status = case_world.get(NETWORK, "/status.json").json()
        lines = case_world.get(NETWORK, "/metrics").text.splitlines()
        measured = [
            line
            for line in lines
            if line.startswith(("tsunagu_log", "tsunagu_events", "tsunagu_unsigned", "tsunagu_follower", "tsunagu_sub"))
        ]
        del status["store"]["free_bytes"]  # of the whole disk, in steps of 64 MiB
        return status["store"], status["followers"], [line for line in measured if "_seconds" not in line]

    before = told()
    a_case(case_world)
    case_world.bundle(inside(STATION), [{"request": {"method": "PUT", "url": "Patient/1"}}])
    assert told() == before


def test_every_table_is_made_anew_the_same_with_events_of_a_compartment(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with world(folder, compartments=COMPARTMENTS) as w:
        a_case(opened(w))
        w.put(STATION, a_patient("s1"))
        w.bundle(inside(STATION), [{"request": {"method": "PUT", "url": "Patient/1"}}])
        w.settle()
    (work := tmp_path / "work").mkdir()
    made = replay(database=database_of(folder) or folder / "hub.db", keys=KeyPlace.under(folder), region=register(), work=work)
    assert made.differing == {}
    assert made.rows["apart"] > 5


WRONG: tuple[tuple[dict[str, object], str], ...] = (
    ({"name": "main"}, "name"), ({"name": "Ａ"}, "name"), ({"purposes": []}, "purposes"), ({"members": {}}, "members"),
    ({"members": {"kinds": ["nobody"]}}, "members"), ({"title": ""}, "title"), ({"basis": None}, "basis"),
)  # fmt: skip


@pytest.mark.parametrize(("change", "place"), WRONG, ids=str)
def test_a_list_of_compartments_that_is_wrong_is_refused_with_its_place(change: dict[str, object], place: str) -> None:
    right = {"name": "a1", "title": "あ", "purposes": ["COC"], "basis": "consent", "members": {"kinds": ["city"]}}
    assert set(parse_compartments({"compartments": [right]})) == {"a1"}
    with pytest.raises(Broken, match="HUB-5140") as told:
        parse_compartments({"compartments": [{**right, **change}]})
    assert place in str(told.value.issues[0].where)


def test_a_compartment_that_rests_on_a_law_that_the_network_does_not_know_stops_the_start(tmp_path: Path) -> None:
    unknown = parse_compartments({
        "compartments": [{"name": "a1", "title": "あ", "purposes": ["COC"], "basis": "no-such-law", "members": {"kinds": ["city"]}}]
    })  # fmt: skip
    with pytest.raises(Broken, match="HUB-5140"), world(tmp_path / "data", compartments=unknown):
        pass


def test_where_a_compartment_rests_on_a_law_its_members_see_by_that_law_and_what_it_names_alone(tmp_path: Path) -> None:
    law = parse_compartments({
        "compartments": [{
            "name": "meeting", "title": "試験の支援会議", "purposes": ["CAREMGT"], "basis": "shakai-106-6",
            "members": {"organizations": [OFFICE, OTHER_OFFICE]},
        }]
    })  # fmt: skip
    with world(tmp_path / "data", compartments=law) as w:
        w.register_in("meeting", OFFICE, OTHER_OFFICE)
        here, there = f"{OFFICE}@meeting", f"{OTHER_OFFICE}@meeting"
        assert w.put(here, a_patient("m1")).status_code == 201
        assert w.put(here, a_plan("m", patient="Patient/m1")).status_code == 201
        assert w.put(here, an_encounter("m", patient="Patient/m1")).status_code == 201
        with w.hub.store.read() as tx:
            (plan,), (stay,) = (resources.own(tx, OFFICE, kind, "meeting") for kind in ("CarePlan", "Encounter"))
            before = len(apart.decided(tx, "meeting", limit=100))
        assert w.get(there, f"/fhir/CarePlan/{hub_id(plan.stream)}").status_code == 200
        assert w.get(there, f"/fhir/Encounter/{hub_id(stay.stream)}").status_code == 404
        assert w.get(OTHER_OFFICE, f"/fhir/CarePlan/{hub_id(plan.stream)}").status_code == 404
        with w.hub.store.read() as tx:
            assert len(apart.decided(tx, "meeting", limit=100)) == before + 2


def test_tables_that_hold_every_compartment_are_read_by_their_own_modules_alone() -> None:
    """Each of these gives rows of the main compartment unless another is asked for; a statement elsewhere would give all."""
    own = {"resources": "resources", "tokens": "resources", "persons": "identities", "person_tokens": "identities", "refusals": "messages"}
    hub = Path(__file__).parents[2] / "hub"
    named = re.compile(rf"(?:FROM|JOIN|INTO|UPDATE) ({'|'.join(own)})\b")
    beside = {("directives", "resources"), ("identities", "resources"), ("directives", "statements"), ("replay", "resources")}
    found = {(p.stem, t) for p in hub.rglob("*.py") for t in named.findall(p.read_text(encoding="utf-8")) if own[t] != p.stem}
    assert found <= beside
