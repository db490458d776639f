"""One broker for all tests of Kafka: without one they are left out, and say why; where CI is set a missing broker is a failure."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.hub import world as worlds
from tests.kafka.broker import Broker, NoBroker
from tests.postgres import cluster


def pytest_configure(config: pytest.Config) -> None:
    """With `--postgres` each hub gets a new database."""
    if config.getoption("--postgres", default=False):
        worlds.new_database = lambda: cluster().new()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that runs; a test that kills it starts it again."""
    try:
        made = Broker(tmp_path_factory.mktemp("kafka") / "broker")
        made.start()
    except NoBroker as missing:
        if os.environ.get("CI"):
            pytest.fail(f"no broker: {missing}")
        pytest.skip(f"no broker: {missing}")
    try:
        yield made
    finally:
        made.stop()
