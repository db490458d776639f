"""Every door by which data could leave stands in the list, and what gives out data about people is asked in the two-worlds test."""

from __future__ import annotations

from collections import Counter

from hub.cli.main import _parser
from tests.hub.doors import grammar_desk, grammar_fhir, grammar_rest
from tests.hub.doors.grammar import GRAMMAR
from tests.hub.doors.listed import KINDS, listed, routes, verbs
from tests.hub.world import World

assert all((grammar_desk, grammar_fhir, grammar_rest))
BESIDE = {"kafka": "tests/hub/doors/kafka.py compares the records that would be sent"}
"""Generators that are no request: what the two worlds would send by themselves."""


def named(kind: str) -> set[str]:
    return {d.door for d in listed() if d.kind == kind}


def test_the_list_is_whole_and_says_each_door_once() -> None:
    doors = listed()
    assert [d for d in doors if d.kind not in KINDS] == []
    assert [name for name, number in Counter((d.kind, d.door) for d in doors).items() if number > 1] == []
    assert [d.door for d in doors if not d.who] == []


def test_a_door_that_gives_out_data_names_what_asks_it_in_two_worlds_and_one_that_does_not_says_why() -> None:
    assert [d.door for d in listed() if d.gives and d.generator not in GRAMMAR and d.generator not in BESIDE] == []
    assert [d.door for d in listed() if not d.gives and not d.why] == []
    assert [d.door for d in listed() if d.generator and d.generator not in GRAMMAR and d.generator not in BESIDE] == []


def test_every_route_is_listed_and_every_listed_one_is_there(hub_world: World) -> None:
    real = set(routes(hub_world.app))
    assert real - named("route") == set(), "routes that tests/hub/doors/doors.csv does not name: add a line for each"
    assert named("route") - real == set(), "routes that are no more"


def test_every_follower_is_listed_and_every_listed_one_is_there(hub_world: World) -> None:
    real = {f.name for f in hub_world.hub.runner.followers}
    beside = {"kafka", "witness"}  # only where there is Kafka, or a witness that is pushed to
    assert real - named("follower") == set(), "followers that tests/hub/doors/doors.csv does not name: add a line for each"
    assert named("follower") - real - beside == set(), "followers that are no more"


def test_every_verb_of_the_command_line_is_listed_and_every_listed_one_is_there() -> None:
    assert set(verbs(_parser())) == named("verb")


def test_the_list_fails_for_a_door_that_was_added_beside_it(hub_world: World) -> None:
    hub_world.app.add_api_route("/planted/{number}", lambda: None, methods=["GET"])
    assert set(routes(hub_world.app)) - named("route") == {"GET /planted/{number}"}
    hub_world.app.add_api_websocket_route("/planted", lambda: None)
    assert "APIWebSocketRoute /planted" in set(routes(hub_world.app)) - named("route")
