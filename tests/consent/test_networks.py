"""Rules through time: dated editions of the program, a region's own laid over them, and a moment that finds its edition."""

import json
from dataclasses import replace
from datetime import datetime

import pytest

from consent.ask import NO_RULES, Ask, Requester
from consent.decide import decide, decide_write
from consent.networks import delivered, read_networks
from schemas.errors import Broken
from tests.consent.given import HA, HB, T0, consents, record

FIRST = delivered().editions[0].network


def moment(text):
    return datetime.fromisoformat(text)


def overlay(**parts):
    return json.dumps({"edition": "east-1", "since": "2026-09-01", "source": "協議会 2026-08-20 の申し合わせ", **parts})


def test_an_edition_holds_from_the_midnight_of_its_day_in_japan():
    networks = read_networks({"2026-09-01.json": overlay(own_purposes=["TREAT"])})
    assert (
        networks.at(moment("2026-08-31T23:59:59.999999+09:00")).own_purposes
        == delivered().at(moment("2026-08-31T00:00:00+09:00")).own_purposes
    )
    assert networks.at(moment("2026-09-01T00:00:00+09:00")).own_purposes == {"TREAT"}
    assert networks.at(moment("2026-08-31T15:00:00+00:00")).own_purposes == {"TREAT"}


def test_before_the_first_edition_nothing_is_given_and_nothing_taken_in():
    networks = delivered()
    early = moment("2026-03-31T23:59:59+09:00")
    assert networks.at(early) is NO_RULES
    assert networks.at(moment("2026-04-01T00:00:00+09:00")) is FIRST
    ask = Ask(Requester(HB, "hospital", "doctor", "P1"), "TREAT", early)
    found = decide(ask, record("o1"), consents("A"), networks.at(early))
    assert (found.effect, found.reason) == ("deny", "D-NORULES")
    own = replace(ask, requester=Requester(HA, "hospital", "system"))
    assert decide(own, record("o1"), consents("A"), networks.at(early)).reason == "D-NORULES"
    assert decide_write(own, (), networks.at(early)).reason == "D-NORULES"


def test_a_region_says_otherwise_only_what_it_names():
    networks = read_networks(
        {"2026-09-01.json": overlay(implied={"on": True}, lead_roles={"pharmacy": "clerk"}, written_purposes=["CAREMGT"])}
    )
    below, made = delivered().at(T0.replace(month=9)), networks.at(T0.replace(month=9))
    assert (made.implied, made.implied_kinds) == (True, below.implied_kinds)
    assert (made.lead_roles["pharmacy"], made.lead_roles["hospital"]) == ("clerk", "doctor")
    assert made.written_purposes == {"CAREMGT"}
    assert made.version == f"{below.version}+east-1"
    assert networks.edition(made.version) is made
    assert networks.editions[-1].tree["source"].endswith("協議会 2026-08-20 の申し合わせ")


def test_the_newest_file_of_a_region_stands_alone():
    files = {
        "2026-09-01.json": overlay(own_purposes=["TREAT"]),
        "2026-10-01.json": overlay(edition="east-2", since="2026-10-01", written_purposes=["COC"]),
    }
    later = read_networks(files).at(moment("2026-10-01T09:00:00+09:00"))
    assert (later.version.split("+")[1], later.own_purposes, later.written_purposes) == ("east-2", FIRST.own_purposes, {"COC"})


def test_the_edition_that_came_after_its_first_day_changes_nothing_of_what_was_there():
    """Feeds and decisions of before come out the same when they are made anew."""
    first, second = (e.network for e in delivered().editions)
    for kind, purposes in first.purposes_by_kind.items():
        assert purposes <= second.purposes_by_kind[kind]
        lead = first.lead_roles.get(kind, "")
        assert second.ceiling.get(second.lead_roles.get(kind, "")) == first.ceiling.get(lead), kind
    assert {role: second.ceiling[role] for role in first.ceiling} == first.ceiling
    assert second.own_purposes == first.own_purposes
    assert (first.implied, second.implied) == (False, False)


def test_an_edition_that_is_there_is_found_by_name_and_another_is_not():
    assert delivered().edition("2026-04-01") is FIRST
    assert delivered().edition("2020-01-01") is None


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("2026-09-01.json", "{", "2026-09-01.json"),
        ("2026-09-01.json", "[]", "2026-09-01.json"),
        ("2026-09-01.json", "{}", "2026-09-01.json: since"),
        ("2026-09-01.json", overlay(since="soon"), "2026-09-01.json: since"),
        ("2026-09-02.json", overlay(), "2026-09-02.json: since"),
        ("rules.txt", overlay(), "rules.txt: since"),
        ("2026-09-01.json", overlay(edition="a+b"), "2026-09-01.json: edition"),
        ("2026-09-01.json", overlay(edition=""), "2026-09-01.json: edition"),
        ("2026-09-01.json", json.dumps({"edition": "e", "since": "2026-09-01"}), "2026-09-01.json: source"),
        ("2026-09-01.json", overlay(purposes={}), "2026-09-01.json: purposes"),
        ("2026-09-01.json", overlay(emergency={"minutes": 0}), "2026-09-01.json: emergency.minutes"),
        ("2026-09-01.json", overlay(emergency=3), "2026-09-01.json: emergency"),
        ("2026-01-01.json", overlay(since="2026-01-01"), "2026-01-01.json: since"),
    ],
)
def test_a_wrong_file_of_a_region_is_refused_at_its_place(name, text, where):
    with pytest.raises(Broken) as caught:
        read_networks({name: text})
    assert [(i.rule, i.where) for i in caught.value.issues] == [("HUB-3051", where)]


def test_one_name_for_two_editions_is_refused():
    with pytest.raises(Broken) as caught:
        read_networks({"2026-09-01.json": overlay(), "2026-10-01.json": overlay(since="2026-10-01")})
    assert caught.value.issues[0].where == "2026-10-01.json: edition"
