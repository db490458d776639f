"""Two hubs meet over a new person: whichever key is stored first, nothing that was acknowledged is sealed under one that is nowhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.gate import AUDIT
from hub.log.envelope import Header
from hub.log.event import NewEvent, open_event, seal_json
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.sqlite import SqliteStore
from hub.log.unlocking import KeyPlace, assert_belongs, open_keys
from hub.writer import Proposal, Writer
from hub.writes.acts import Acts
from hub.writes.tombstone import Network
from schemas.errors import Broken, Gone
from schemas.events import HUB_STARTED, JSON, MESSAGE_REFUSED
from tests.hub.keys.looking import ANNA, BERTA, MASTER

CUSTODIAN = "1319000129"
SECRETS = Secrets.of(b"r" * 32)
NOW = datetime(2026, 4, 1, tzinfo=UTC)


class Two:
    """A log with its writer, the keys of its hub, and those of another hub beside it."""

    def __init__(self, folder: Path) -> None:
        place = KeyPlace.under(folder, master=MASTER)
        self.log = SqliteStore(folder / "hub.db")
        self.mine, self.others = (open_keys(place, begun=False)[1] for _ in range(2))
        self.writer = Writer(self.log, self.mine, lambda _tx, _recorded: None)

    def proposal(self, owner: bytes, *, again: bool = True) -> Proposal:
        """Prepare a submission about somebody: one event, sealed under the key of now."""
        key, stream, event = self.mine.of(owner, "main"), os.urandom(16), os.urandom(16)
        header = Header(event, b"", 0, 0, JSON, 0, "main", CUSTODIAN, "MessageRefused", owner, b"", key.key_id, b"", "", ())
        made = NewEvent(stream, MESSAGE_REFUSED, header, seal_json(key, {"about": owner.hex()}, stream=stream, event=event))
        renewed = (lambda _tx: self.proposal(owner)) if again else None
        return Proposal(os.urandom(16), [made], again=renewed)

    def bodies(self, keys: Keyring) -> list[bytes | None]:
        with self.log.read() as tx:
            return [open_event(keys, one) for one in self.log.events(tx, 0, 100)]

    def close(self) -> None:
        self.writer.close()
        for one in (self.log, self.mine, self.others):
            one.close()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    made = Two(tmp_path)
    yield made
    made.close()


def test_a_submission_under_a_key_that_lost_is_prepared_anew_and_its_neighbour_stays(two: Two) -> None:
    losing, neighbour = two.proposal(ANNA), two.proposal(BERTA, again=False)
    stored = two.others.of(ANNA, "main")
    two.others.store_fresh()
    for one in [two.writer.submit(losing), two.writer.submit(neighbour)]:
        assert len(one.result(timeout=30).recorded) == 1
    assert sorted(two.bodies(two.others)) == sorted(f'{{"about":"{one.hex()}"}}'.encode() for one in (ANNA, BERTA))
    assert two.mine.of(ANNA, "main") == stored


def test_one_that_comes_late_under_a_key_that_lost_long_ago_is_prepared_anew_too(two: Two) -> None:
    late, first = two.proposal(ANNA), two.proposal(ANNA)
    two.others.of(ANNA, "main")
    two.others.store_fresh()
    two.writer.submit(first).result(timeout=30)
    assert two.mine.by_id(late.events[0].header.key) is None
    two.writer.submit(late).result(timeout=30)
    assert two.bodies(two.others) == [f'{{"about":"{ANNA.hex()}"}}'.encode()] * 2
    assert_belongs(two.others, two.log)


def test_one_that_cannot_be_prepared_anew_is_refused_and_nothing_is_written(two: Two) -> None:
    losing = two.proposal(ANNA, again=False)
    two.others.of(ANNA, "main")
    two.others.store_fresh()
    with pytest.raises(Broken, match="HUB-5022"):
        two.writer.submit(losing).result(timeout=30)
    assert two.bodies(two.others) == []


def test_what_the_hub_does_itself_is_recorded_though_another_made_the_networks_key_first(two: Two) -> None:
    network = Network(CUSTODIAN, two.mine, SECRETS)
    acts = Acts(store=two.log, writer=two.writer, network=network, now=lambda: NOW, editions=lambda: {"network": "1", "region": "1"})
    network.key()
    stored = two.others.of(SECRETS.name("audit", CUSTODIAN), AUDIT)
    two.others.store_fresh()
    acts.started()
    with two.log.read() as tx:
        assert [(e.topic, e.header.key) for e in two.log.events(tx, 0, 9)] == [(HUB_STARTED, stored.key_id)]


def test_what_was_prepared_before_a_person_was_erased_is_refused_after_it(two: Two) -> None:
    waiting = two.proposal(ANNA)
    two.others.destroy([ANNA])
    with pytest.raises(Gone, match="HUB-5072"):
        two.writer.submit(waiting).result(timeout=30)
    assert two.bodies(two.others) == []


def test_a_log_whose_newest_events_the_key_store_does_not_know_is_refused(two: Two) -> None:
    two.writer.submit(two.proposal(ANNA)).result(timeout=30)
    assert_belongs(two.others, two.log)
    two.mine._store.run("DELETE FROM data_keys")
    two.others.forget(ANNA)
    with pytest.raises(Broken, match="HUB-5073"):
        assert_belongs(two.others, two.log)
    with pytest.raises(Broken, match="HUB-5073"):
        two.bodies(two.others)


def test_an_erased_body_is_a_hole_and_no_fault(two: Two) -> None:
    for owner in (ANNA, BERTA):
        two.writer.submit(two.proposal(owner)).result(timeout=30)
    two.others.destroy([ANNA])
    assert two.bodies(two.others) == [None, f'{{"about":"{BERTA.hex()}"}}'.encode()]
    assert_belongs(two.others, two.log)
