"""Kafka's settings and its part of the register: what is wrong is named, its value never."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.kafka.options import Options
from hub.settings import SETTINGS, Settings
from schemas.errors import Broken
from tests.kafka.region import a_region


def read(**given: str) -> Options | None:
    return Options.read({s.name: s.default for s in SETTINGS} | {f"TSUNAGU_KAFKA{name}": value for name, value in given.items()})


def test_without_servers_there_is_no_kafka() -> None:
    assert read() is None
    assert Settings.read({}).kafka is None


def test_servers_are_all_that_is_needed() -> None:
    made = Settings.read({"TSUNAGU_KAFKA": "one:9092, [::1]:9093"}).kafka
    assert made is not None
    assert (made.servers, made.security, made.replicas) == (("one:9092", "[::1]:9093"), "PLAINTEXT", 3)
    assert "sasl_mechanism" not in made.client("x")


def test_a_password_lies_in_a_file_and_is_read_at_each_connection(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first\n", encoding="ascii")
    made = read(**{"": "one:9092", "_SECURITY": "SASL_SSL", "_SASL": "SCRAM-SHA-512:hub", "_PASSWORD": str(file)})
    assert made is not None
    told = made.client("x")
    assert (told["sasl_mechanism"], told["sasl_plain_username"], told["sasl_plain_password"]) == ("SCRAM-SHA-512", "hub", "first")
    file.write_text("second\n", encoding="ascii")
    assert made.client("x")["sasl_plain_password"] == "second"
    assert "second" not in repr(made)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"": "one"}, "TSUNAGU_KAFKA"),
        ({"": "one:9092,two"}, "TSUNAGU_KAFKA"),
        ({"": "one:9092", "_SECURITY": "plain"}, "TSUNAGU_KAFKA_SECURITY"),
        ({"": "one:9092", "_SECURITY": "SASL_SSL"}, "TSUNAGU_KAFKA_SASL"),
        ({"": "one:9092", "_SECURITY": "SASL_SSL", "_SASL": "MD5:hub"}, "TSUNAGU_KAFKA_SASL"),
        ({"": "one:9092", "_SECURITY": "SASL_SSL", "_SASL": "PLAIN:hub"}, "TSUNAGU_KAFKA_PASSWORD"),
        ({"": "one:9092", "_SECURITY": "SSL", "_CA": "nowhere.pem"}, "TSUNAGU_KAFKA_CA"),
        ({"": "one:9092", "_SECURITY": "SSL", "_KEY": __file__}, "TSUNAGU_KAFKA_KEY"),
        ({"": "one:9092", "_REPLICAS": "-1"}, "TSUNAGU_KAFKA_REPLICAS"),
    ],
)
def test_a_wrong_setting_is_named(given: dict[str, str], named: str) -> None:
    with pytest.raises(Broken) as refused:
        read(**given)
    (issue,) = refused.value.issues
    assert (issue.rule, issue.where, dict(issue.words)) == ("HUB-5012", named, {})


def test_the_register_says_who_hears_by_kafka_and_how() -> None:
    region = a_region(office="sealed", hospital="thin")
    assert sorted(region.kafka.values()) == ["sealed", "thin"]
    assert a_region().kafka == {}


def test_a_form_that_is_none_stops_the_start_and_is_named() -> None:
    with pytest.raises(Broken) as refused:
        a_region(office="plain")
    assert refused.value.issues[0].where == "organizations[1].kafka"
