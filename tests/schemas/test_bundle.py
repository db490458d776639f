import pytest

from schemas.errors import BadInput, Malformed, MissingValue, TooLong, Unsupported
from schemas.fhir.bundle import read_bundle

from .good import CONDITION, OBSERVATION, PATIENT, bundle, but, post, put, text


def issues(raw: bytes) -> set[tuple[str, str]]:
    with pytest.raises(BadInput) as caught:
        read_bundle(raw)
    return {(i.rule, i.where) for i in caught.value.issues}


def test_entries_keep_their_order_their_conditions_and_the_received_bytes():
    slice_ = b'{ "resourceType":"Observation", "status":"final", "code":{"text":"x"}, "valueQuantity":{"value":1.10} }'
    raw = (
        b'{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:a","resource":'
        + slice_
        + b',"request":{"method":"POST","url":"Observation","ifNoneExist":"identifier=a|b"}},'
        + b'{"request":{"method":"DELETE","url":"Patient/p1","ifMatch":"W/\\"3\\""}},{"request":{"method":"GET","url":"Patient?name=a"}}]}'
    )
    envelope = read_bundle(raw)
    assert envelope.type == "transaction"
    first, second, third = envelope.entries
    assert first.body is not None
    assert (first.index, first.full_url, first.method, first.url, first.if_none_exist) == (
        0,
        "urn:uuid:a",
        "POST",
        "Observation",
        "identifier=a|b",
    )
    assert first.body.raw == slice_
    assert (second.method, second.url, second.if_match, second.body) == ("DELETE", "Patient/p1", 'W/"3"', None)
    assert (third.index, third.method, third.url) == (2, "GET", "Patient?name=a")


@pytest.mark.parametrize("kind", ["document", "message", "collection", "searchset", "history", "transaction-response", "zzz"])
def test_other_types_of_bundle_are_refused_with_what_to_do(kind):
    with pytest.raises(Unsupported) as caught:
        read_bundle(bundle(put(PATIENT), kind=kind))
    assert caught.value.issues[0].rule == "HUB-4050"


def test_faults_of_all_entries_of_a_transaction_are_told_together():
    raw = bundle(put(but(PATIENT, gender="zzz")), put(OBSERVATION), post(but(CONDITION, onsetDateTime="2026-02-30")))
    assert issues(raw) == {("HUB-4030", "Bundle.entry[0].resource.gender"), ("HUB-4026", "Bundle.entry[2].resource.onsetDateTime")}


def test_a_fault_in_a_batch_stays_with_its_entry():
    envelope = read_bundle(bundle(put(but(PATIENT, gender="zzz")), put(OBSERVATION), {"request": {"method": "PUT"}}, 5, kind="batch"))
    first, second, third, fourth = envelope.entries
    assert first.refusal is not None
    assert [(i.rule, i.where) for i in first.refusal.issues] == [("HUB-4030", "Bundle.entry[0].resource.gender")]
    assert (first.body, second.refusal) == (None, None)
    assert second.body is not None
    assert third.refusal is not None
    assert fourth.refusal is not None
    assert [e.index for e in envelope.entries] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("entry", "rule", "where"),
    [
        ({"resource": PATIENT}, "HUB-4052", "Bundle.entry[0].request"),
        (put(PATIENT, request={"method": "TRACE", "url": "Patient/p1"}), "HUB-4030", "Bundle.entry[0].request.method"),
        (put(PATIENT, request={"method": "PUT"}), "HUB-4020", "Bundle.entry[0].request.url"),
        (put(PATIENT, request={"method": "PUT", "url": "Patient"}), "HUB-4054", "Bundle.entry[0].request.url"),
        (put(PATIENT, request={"method": "PUT", "url": "https://example.org/fhir/Patient/p1"}), "HUB-4054", "Bundle.entry[0].request.url"),
        (put(PATIENT, request={"method": "PUT", "url": "Patient/../x"}), "HUB-4054", "Bundle.entry[0].request.url"),
        (post(PATIENT, request={"method": "POST", "url": "Patient/p1"}), "HUB-4054", "Bundle.entry[0].request.url"),
        (put(PATIENT, request={"method": "PUT", "url": "Zzz/p1"}), "HUB-4011", "Bundle.entry[0].request.url"),
        (put(PATIENT, request={"method": "PUT", "url": "Observation/p1"}), "HUB-4058", "Bundle.entry[0].resource"),
        (put(PATIENT, request={"method": "PUT", "url": "Patient/p2"}), "HUB-4059", "Bundle.entry[0].resource.id"),
        (put(but(PATIENT, id=None), request={"method": "PUT", "url": "Patient/p1"}), "HUB-4059", "Bundle.entry[0].resource.id"),
        ({"request": {"method": "PUT", "url": "Patient/p1"}}, "HUB-4057", "Bundle.entry[0].resource"),
        (put(PATIENT, request={"method": "DELETE", "url": "Patient/p1"}), "HUB-4057", "Bundle.entry[0].resource"),
        (put(PATIENT, fullUrl="Patient/p1"), "HUB-4056", "Bundle.entry[0].fullUrl"),
        (put(PATIENT, fullUrl="http://example.org/Patient/p1/_history/2"), "HUB-4056", "Bundle.entry[0].fullUrl"),
        (put(PATIENT, response={"status": "200"}), "HUB-4060", "Bundle.entry[0]"),
        (put(PATIENT, search={"mode": "match"}), "HUB-4060", "Bundle.entry[0]"),
        (
            put(PATIENT, request={"method": "PUT", "url": "Patient/p1", "ifNoneExist": "a=b"}),
            "HUB-4061",
            "Bundle.entry[0].request.ifNoneExist",
        ),
        (put(PATIENT, foo=1), "HUB-4021", "Bundle.entry[0]"),
        ({"resource": 5, "request": {"method": "PUT", "url": "Patient/p1"}}, "HUB-4022", "Bundle.entry[0].resource"),
        (
            post({"resourceType": "Citation"}, request={"method": "POST", "url": "Patient"}),
            "HUB-4011",
            "Bundle.entry[0].resource.resourceType",
        ),
    ],
)
def test_each_rule_of_an_entry_is_named_by_its_place(entry, rule, where):
    assert (rule, where) in issues(bundle(entry))


def test_two_entries_may_not_have_the_same_full_url():
    raw = bundle(put(PATIENT, fullUrl="urn:uuid:a"), post(CONDITION, fullUrl="urn:uuid:a"))
    assert issues(raw) == {("HUB-4055", "Bundle.entry[1].fullUrl")}


def test_conditional_requests_pass_with_or_without_an_id():
    raw = bundle(
        put(but(PATIENT, id=None), request={"method": "PUT", "url": "Patient?identifier=a|b"}),
        post(PATIENT, request={"method": "POST", "url": "Patient", "ifNoneExist": "identifier=a|c"}),
        {"request": {"method": "DELETE", "url": "Condition?code=x"}},
    )
    assert [e.refusal for e in read_bundle(raw).entries] == [None, None, None]


def test_the_number_of_entries_is_limited_before_they_are_looked_at():
    with pytest.raises(TooLong) as caught:
        read_bundle(bundle(*[5] * 11), max_entries=10)
    assert caught.value.issues[0].words == {"limit": "10"}


def test_what_is_no_bundle_is_refused():
    with pytest.raises(BadInput):
        read_bundle(text(PATIENT))
    with pytest.raises(MissingValue):
        read_bundle(b'{"resourceType":"Bundle"}')
    with pytest.raises(Malformed):
        read_bundle(b'{"resourceType":"Bundle","type":"batch","entry":{}}')
    assert issues(b'{"resourceType":"Bundle","type":"transaction","total":1,"entry":[]}') == {
        ("HUB-4060", "Bundle.total"),
        ("HUB-4023", "Bundle.entry"),
    }
    assert read_bundle(b'{"resourceType":"Bundle","type":"batch"}').entries == ()


def test_no_more_than_fifty_issues_are_told():
    with pytest.raises(BadInput) as caught:
        read_bundle(bundle(*[post(but(PATIENT, gender="zzz"))] * 80))
    assert len(caught.value.issues) == 50
    assert caught.value.issues[-1].rule == "HUB-4049"
