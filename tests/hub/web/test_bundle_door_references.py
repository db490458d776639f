"""What the entries of a Bundle refer to is found, nothing else of their text is touched, and whose data they are is judged (facts: fhir-api §2.1)."""

from __future__ import annotations

import orjson

from tests.hub.web.answers import outcome
from tests.hub.web.bundles import BY_NUMBER, URN, count, observation, post, practitioner, put, statuses
from tests.hub.world import FHIR, HOSPITAL, OTHER_HOSPITAL, World, a_patient, an_encounter

# ── references ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_entries_refer_to_one_another_whatever_their_order(hub_world: World) -> None:
    entries = [
        post(
            {**observation("", URN.format(1)), "encounter": {"reference": URN.format(2)}, "derivedFrom": [{"reference": URN.format(4)}]}, 3
        ),
        post({**an_encounter("", patient=URN.format(1))}, 2),
        post(a_patient(), 1),
        post({**observation("", URN.format(1)), "derivedFrom": [{"reference": URN.format(3)}]}, 4),
    ]
    answer = hub_world.bundle(HOSPITAL, entries)
    places = [e["response"]["location"].removeprefix("http://hub.test/fhir/").removesuffix("/_history/1") for e in answer.json()["entry"]]
    assert [p.partition("/")[0] for p in places] == ["Observation", "Encounter", "Patient", "Observation"]
    first = hub_world.get(HOSPITAL, f"/fhir/{places[0]}").json()
    assert first["subject"] == {"reference": places[2]}
    assert first["encounter"] == {"reference": places[1]}
    assert first["derivedFrom"] == [{"reference": places[3]}]
    assert hub_world.get(HOSPITAL, f"/fhir/{places[3]}").json()["derivedFrom"] == [{"reference": places[0]}]


def test_only_references_are_replaced_and_nothing_else_of_the_text(hub_world: World) -> None:
    text = (
        '{ "resourceType":"Observation","id":"o1", "status" : "final",\n "code":{"text":"URN Patient/p1"},"subject":{ "reference" : "URN" },'
        '"valueQuantity":{"value":1.10},"note":[{"text":"see URN and Practitioner?identifier=urn:example:doctors|7"}],'
        '"performer":[{"reference":"Practitioner?identifier=urn:example:doctors|7"}]}'
    ).replace("URN", URN.format(1))
    hub_world.put(HOSPITAL, practitioner("d7", "7"))
    bundle = (
        (
            '{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"URN","resource":PATIENT,"request":{"method":"PUT","url":"Patient/p1"}},'
            '{"resource":TEXT,"request":{"method":"PUT","url":"Observation/o1"}}]}'
        )
        .replace("URN", URN.format(1))
        .replace("PATIENT", orjson.dumps(a_patient()).decode())
        .replace("TEXT", text)
    )
    assert hub_world.ask("POST", "/fhir", by=HOSPITAL, content=bundle.encode(), headers=FHIR).status_code == 200
    given = hub_world.get(HOSPITAL, "/fhir/Observation/o1").text
    for part in (
        '"subject":{ "reference" : "Patient/p1" }',
        '"valueQuantity":{"value":1.10}',
        f'"note":[{{"text":"see {URN.format(1)} and Practitioner?identifier=urn:example:doctors|7"}}]',
        f'"code":{{"text":"{URN.format(1)} Patient/p1"}}',
        '"performer":[{"reference":"Practitioner/d7"}]',
    ):
        assert part in given


def test_a_text_that_needs_no_change_is_kept_as_it_came(hub_world: World) -> None:
    raw = b'{  "resourceType" : "Patient" , "id":"p1",  "name":[ {"text":"\\u5c71"} ] }'
    bundle = (
        b'{"resourceType":"Bundle","type":"transaction","entry":[{"resource":' + raw + b',"request":{"method":"PUT","url":"Patient/p1"}}]}'
    )
    assert hub_world.ask("POST", "/fhir", by=HOSPITAL, content=bundle, headers=FHIR).status_code == 200
    assert b'"name":[ {"text":"\\u5c71"} ]' in hub_world.get(HOSPITAL, "/fhir/Patient/p1").content


def test_a_conditional_reference_finds_what_the_same_transaction_writes(hub_world: World) -> None:
    reference = "Practitioner?identifier=urn:example:doctors|7"
    entries = [put(observation("o1", performer=[{"reference": reference}])), put(practitioner("d7", "7")), put(a_patient())]
    assert statuses(hub_world, entries) == ["201", "201", "201"]
    assert hub_world.get(HOSPITAL, "/fhir/Observation/o1").json()["performer"] == [{"reference": "Practitioner/d7"}]
    # what loses the number in the same transaction is found no longer, and what fits twice is refused
    entries = [put(observation("o2", performer=[{"reference": reference}])), put(practitioner("d7", "8"))]
    assert hub_world.bundle(HOSPITAL, entries).status_code == 422
    entries = [put(observation("o2", performer=[{"reference": reference}])), put(practitioner("d8", "7"))]
    assert hub_world.bundle(HOSPITAL, entries).status_code == 412
    assert count(hub_world, "Practitioner") == 1


def test_a_condition_on_a_person_means_the_senders_own_patient(hub_world: World) -> None:
    hub_world.put(OTHER_HOSPITAL, a_patient("other"))
    assert hub_world.bundle(HOSPITAL, [put(observation("o1", BY_NUMBER))]).status_code == 422
    hub_world.put(HOSPITAL, a_patient())
    assert statuses(hub_world, [put(observation("o1", BY_NUMBER))]) == ["201"]
    assert hub_world.get(HOSPITAL, "/fhir/Observation/o1").json()["subject"] == {"reference": "Patient/p1"}


def test_an_entry_that_is_there_already_gives_its_place_to_those_that_refer_to_it(hub_world: World) -> None:
    hub_world.put(HOSPITAL, a_patient())
    entries = [post(a_patient(), 1, ifNoneExist=BY_NUMBER.partition("?")[2]), post(observation("", URN.format(1)))]
    answer = hub_world.bundle(HOSPITAL, entries)
    first, second = answer.json()["entry"]
    assert first["response"]["status"] == "200 OK"
    assert first["response"]["location"] == "http://hub.test/fhir/Patient/p1/_history/1"
    assert second["response"]["status"] == "201 Created"
    made = second["response"]["location"].removesuffix("/_history/1")
    assert hub_world.get(HOSPITAL, made).json()["subject"] == {"reference": "Patient/p1"}
    assert count(hub_world, "Patient") == 1


def test_two_creations_under_one_condition_are_refused(hub_world: World) -> None:
    condition = BY_NUMBER.partition("?")[2]
    answer = hub_world.bundle(HOSPITAL, [post(a_patient(), 1, ifNoneExist=condition), post(a_patient(), 2, ifNoneExist=condition)])
    assert answer.status_code == 422
    assert outcome(answer)[0][:2] == ("HUB-4072", "Bundle.entry[1].request.ifNoneExist")
    assert count(hub_world, "Patient") == 0


# ── whose data ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_resource_that_speaks_of_two_persons_is_refused(hub_world: World) -> None:
    meeting = {
        "resourceType": "Appointment", "id": "a1", "status": "booked",
        "participant": [{"actor": {"reference": f"Patient/{n}"}, "status": "accepted"} for n in ("p1", "p2")],
    }  # fmt: skip
    answer = hub_world.bundle(HOSPITAL, [put(a_patient("p1")), put(a_patient("p2", insured="")), put(meeting)])
    assert answer.status_code == 422
    assert outcome(answer)[0][:2] == ("HUB-4076", "Bundle.entry[2].resource.participant[1].actor")


def test_what_says_nothing_of_whose_data_it_is_is_refused(hub_world: World) -> None:
    for tree in (observation("o1"), an_encounter()):
        del tree["subject"]
        answer = hub_world.bundle(HOSPITAL, [put(tree)])
        assert outcome(answer)[0][:2] == ("HUB-4077", "Bundle.entry[0].resource.subject")


def test_a_person_in_a_form_that_cannot_be_followed_is_refused(hub_world: World) -> None:
    answer = hub_world.bundle(HOSPITAL, [put(observation("o1", "https://other.example/fhir/Patient/9"))])
    assert answer.status_code == 422
    assert outcome(answer)[0][:2] == ("HUB-4075", "Bundle.entry[0].resource.subject")
    hub_world.put(HOSPITAL, a_patient())
    assert statuses(hub_world, [put(observation("o1", "http://hub.test/fhir/Patient/p1"))]) == ["201"]


def test_a_foreign_patient_is_refused_in_the_same_words_as_one_that_does_not_exist(hub_world: World) -> None:
    made = hub_world.ask("POST", "/fhir/Patient", by=OTHER_HOSPITAL, content=orjson.dumps(a_patient()), headers=FHIR)
    there, nowhere = made.json()["id"], "tsu-" + "a" * 25 + "e"
    answers = []
    for number in (there, nowhere):
        entries = [put(observation("o1", f"Patient/{number}"))]
        single = orjson.dumps(observation("o1", f"Patient/{number}"))
        consent = orjson.dumps({**observation("o1"), "subject": {"reference": f"http://hub.test/fhir/Patient/{number}"}})
        answers.append([
            (a.status_code, a.content, sorted(a.headers.items()))
            for a in (
                hub_world.ask(
                    "POST", "/fhir", by=HOSPITAL, content=orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}),
                    headers=FHIR | {"X-Request-Id": "same"},
                ),
                hub_world.ask("PUT", "/fhir/Observation/o1", by=HOSPITAL, content=single, headers=FHIR | {"X-Request-Id": "same"}),
                hub_world.ask("PUT", "/fhir/Observation/o1", by=HOSPITAL, content=consent, headers=FHIR | {"X-Request-Id": "same"}),
            )
        ])  # fmt: skip
    assert answers[0] == answers[1]
    assert {a[0] for a in answers[0]} == {404}


def test_a_patient_that_is_yet_to_come_may_be_named_by_the_senders_own_id(hub_world: World) -> None:
    assert statuses(hub_world, [put(observation("o1"))]) == ["201"]
    assert statuses(hub_world, [put(a_patient())]) == ["201"]
    assert hub_world.get(HOSPITAL, "/fhir/Observation?patient=Patient/p1").json()["total"] == 1
