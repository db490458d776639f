"""One contract for both engines: order, atomicity, snapshots, and the library's own recorder over our table."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent

from hub.log.envelope import Header, pack
from hub.log.merkle import event_leaf
from hub.log.opening import open_store
from hub.log.postgres import PostgresStore
from hub.log.sqlite import SqliteStore
from hub.log.store import Store, Stored
from schemas.errors import Broken
from schemas.events import ACCESS_DECIDED, PERSON_LINKED, RESOURCE_RECORDED
from tests.postgres import cluster

TABLES = (
    "CREATE TABLE IF NOT EXISTS held (name BLOB PRIMARY KEY, told TEXT, number INTEGER) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS held_told ON held (told)",
)
LEAVES = "SELECT position, leaf FROM events ORDER BY position"


def stream(number: int) -> bytes:
    return number.to_bytes(16, "big")


def state(number: int, body: bytes = b"sealed") -> bytes:
    header = Header(
        number.to_bytes(16, "big"), b"", 0, 0, 1, 0, "main", "1319000129", "Patient", b"", b"", b"", b"", "N", (),
    )  # fmt: skip
    return pack(header, body)


def stored(number: int, version: int = 1, topic: str = RESOURCE_RECORDED) -> Stored:
    return Stored(stream(number), version, topic, state(number))


def append(store: Store, *events: Stored) -> list[int]:
    with store.write() as tx:
        return list(store.append(tx, events))


def together(*work: Callable[[], None]) -> None:
    """Run all at once; raise what one of them raised."""
    faults: list[BaseException] = []

    def one(fn: Callable[[], None]) -> None:
        try:
            fn()
        except BaseException as fault:  # noqa: BLE001
            faults.append(fault)

    threads = [threading.Thread(target=one, args=(fn,)) for fn in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Give what opens a new, empty store of the engine."""
    made: list[Store] = []

    def new() -> Store:
        place = cluster().new() if request.param == "postgresql" else tmp_path / f"{len(made)}.db"
        made.append(open_store(place, tables=TABLES))
        return made[-1]

    yield new
    for one in made:
        one.close()


@pytest.fixture
def store(opened: Callable[[], Store]) -> Store:
    return opened()


class TestContract:
    def test_positions_follow_each_other_from_one(self, store: Store) -> None:
        assert append(store, stored(1), stored(2)) == [1, 2]
        assert append(store, stored(3)) == [3]
        with store.read() as tx:
            assert store.head(tx) == 3
            assert [(e.position, e.stream, e.version, e.topic) for e in store.events(tx, 0, 10)] == [
                (1, stream(1), 1, RESOURCE_RECORDED), (2, stream(2), 1, RESOURCE_RECORDED), (3, stream(3), 1, RESOURCE_RECORDED),
            ]  # fmt: skip

    def test_two_appends_of_one_transaction_follow_each_other(self, store: Store) -> None:
        with store.write() as tx:
            assert list(store.append(tx, [stored(1), stored(2)])) == [1, 2]
            assert store.head(tx) == 2
            assert list(store.append(tx, [stored(3)])) == [3]
            assert store.last_versions(tx, [stream(3)]) == {stream(3): 1}
        assert append(store, stored(4)) == [4]

    def test_what_is_rolled_back_leaves_no_gap(self, store: Store) -> None:
        append(store, stored(1))
        for _ in range(3):
            with pytest.raises(OSError), store.write() as tx:  # noqa: PT012
                store.append(tx, [stored(2), stored(3)])
                raise OSError
        assert append(store, stored(2)) == [2]

    def test_a_version_that_is_taken_takes_its_whole_transaction_back(self, store: Store) -> None:
        append(store, stored(1))
        with pytest.raises(Exception, match=r"(?i)unique"), store.write() as tx:  # noqa: PT012
            tx.insert("held", ("name", "told", "number"), [(b"x", "told", 1)])
            store.append(tx, [stored(2), stored(1)])
        with store.read() as tx:
            assert store.head(tx) == 1
            assert tx.all("SELECT * FROM held") == []
        assert append(store, stored(2)) == [2]

    def test_events_rows_submission_and_position_are_one_step(self, store: Store) -> None:
        def work(number: int, *, fails: bool) -> None:
            with store.write() as tx:
                positions = store.append(tx, [stored(number)])
                tx.insert("held", ("name", "told", "number"), [(stream(number), None, number)])
                store.settle(tx, stream(number), positions)
                store.track(tx, "follower", number)
                if fails:
                    raise OSError

        work(1, fails=False)
        with pytest.raises(OSError):
            work(2, fails=True)
        with store.read() as tx:
            assert store.head(tx) == 1
            assert tx.all("SELECT number FROM held") == [(1,)]
            assert store.known(tx, [stream(1), stream(2)]) == {stream(1)}
            assert store.submission(tx, stream(1)) == (1, 1)
            assert store.submission(tx, stream(2)) is None
            assert store.position_of(tx, "follower") == 1
            assert store.position_of(tx, "another") == 0

    def test_a_submission_is_settled_once(self, store: Store) -> None:
        with store.write() as tx:
            store.settle(tx, b"name", store.append(tx, [stored(1), stored(2)]))
        with pytest.raises(Exception, match=r"(?i)unique"), store.write() as tx:
            store.settle(tx, b"name", store.append(tx, [stored(3)]))
        with store.read() as tx:
            assert store.submission(tx, b"name") == (1, 2)
            assert store.head(tx) == 2

    def test_events_of_one_topic_between_two_positions(self, store: Store) -> None:
        topics = [RESOURCE_RECORDED, ACCESS_DECIDED, RESOURCE_RECORDED, ACCESS_DECIDED, RESOURCE_RECORDED]
        append(store, *(stored(n, topic=t) for n, t in enumerate(topics, 1)))
        with store.read() as tx:
            assert [e.position for e in store.events_of(tx, RESOURCE_RECORDED, 1, 5)] == [3, 5]
            assert [e.position for e in store.events_of(tx, RESOURCE_RECORDED, 0, 4)] == [1, 3]
            assert store.events_of(tx, PERSON_LINKED, 0, 5) == []

    def test_a_snapshot_sees_one_state(self, store: Store) -> None:
        append(store, stored(1))
        with store.read() as tx:
            assert store.head(tx) == 1
            together(lambda: [append(store, stored(2)), None][1])
            assert store.head(tx) == 1
            assert store.event(tx, 2) is None
            assert store.last_versions(tx, [stream(2)]) == {}
        with store.read() as tx:
            assert store.head(tx) == 2

    def test_what_is_not_committed_is_seen_by_nobody_else(self, store: Store) -> None:
        def looks() -> None:
            with store.read() as other:
                assert store.head(other) == 0

        with store.write() as tx:
            store.append(tx, [stored(1)])
            assert store.head(tx) == 1
            together(looks)

    def test_versions_read_under_the_lock_never_clash(self, store: Store) -> None:
        streams = [stream(n) for n in range(3)]

        def writes() -> None:
            for n in range(20):
                with store.write() as tx:
                    if store.shared:
                        store.lock(tx)
                    else:
                        tx.run("DELETE FROM held")  # SQLite's write lock is the first change
                    name = streams[n % 3]
                    version = store.last_versions(tx, [name, stream(99)]).get(name, 0) + 1
                    store.append(tx, [Stored(name, version, RESOURCE_RECORDED, state(n))])

        together(*[writes] * 4)
        with store.read() as tx:
            held = store.events(tx, 0, 1_000)
        assert [e.position for e in held] == list(range(1, 81))
        for name in streams:
            versions = [e.version for e in held if e.stream == name]
            assert versions == list(range(1, len(versions) + 1))

    def test_last_versions_of_many_streams(self, store: Store) -> None:
        append(store, *(stored(n) for n in range(1, 1_203)), stored(7, 2))
        with store.read() as tx:
            found = store.last_versions(tx, [stream(n) for n in range(1, 2_000)])
        assert len(found) == 1_202
        assert found[stream(7)] == 2
        assert found[stream(8)] == 1

    def test_a_topic_of_no_table_is_refused_when_it_is_read(self, store: Store) -> None:
        append(store, stored(1, topic="os.system"))
        with store.read() as tx, pytest.raises(Broken) as refused:
            store.event(tx, 1)
        assert refused.value.issues[0].rule == "HUB-5007"

    def test_bytes_of_no_known_layout_are_refused_when_they_are_read(self, store: Store) -> None:
        append(store, Stored(stream(1), 1, RESOURCE_RECORDED, b"\x09" + state(1)[1:]))
        with store.read() as tx, pytest.raises(Broken) as refused:
            store.events(tx, 0, 1)
        assert refused.value.issues[0].rule == "HUB-5004"

    def test_a_log_that_is_put_back_has_the_same_positions_and_leaves(self, opened: Callable[[], Store]) -> None:
        old, new = opened(), opened()
        append(old, stored(1), stored(2), stored(1, 2))
        with old.read() as tx:
            rows, leaves = old.raw(tx, 0, 10), tx.all(LEAVES)
        with new.write() as tx:
            new.put_back(tx, rows[:2])
            new.put_back(tx, rows[2:])
        with new.read() as tx:
            assert new.raw(tx, 0, 10) == rows
            assert tx.all(LEAVES) == leaves
        assert append(new, stored(9)) == [4]

    def test_a_log_with_a_hole_is_not_put_back(self, opened: Callable[[], Store]) -> None:
        old, new = opened(), opened()
        append(old, stored(1), stored(2))
        with old.read() as tx:
            rows = old.raw(tx, 1, 10)
        with pytest.raises(Broken) as refused, new.write() as tx:
            new.put_back(tx, rows)
        assert refused.value.issues[0].rule == "HUB-5008"
        with new.read() as tx:
            assert new.head(tx) == 0

    def test_cells_come_back_as_they_were(self, store: Store) -> None:
        rows = [(b"\x00\xff?'", "つなぐ ? ' \\", 2**62), (b"", "", -1), (b"n", None, None)]
        with store.write() as tx:
            tx.insert("held", ("name", "told", "number"), rows)
            assert sorted(tx.all("SELECT name, told, number FROM held")) == sorted(rows)
        with store.read() as tx:
            assert tx.one("SELECT told, number FROM held WHERE name=?", (b"n",)) == (None, None)
            assert tx.one("SELECT number FROM held WHERE told=?", ("つなぐ ? ' \\",)) == (2**62,)

    def test_texts_are_in_the_order_of_their_bytes(self, store: Store) -> None:
        words = ["b", "B", "a", "é", "z", "_", "あ", "ア", "10", "9"]
        with store.write() as tx:
            tx.insert("held", ("name", "told"), [(w.encode(), w) for w in words])
        with store.read() as tx:
            assert [w for (w,) in tx.all("SELECT told FROM held ORDER BY told")] == sorted(words, key=str.encode)

    def test_any_number_of_names_is_asked_for_at_once(self, store: Store) -> None:
        with store.write() as tx:
            tx.insert("held", ("name", "number"), [(stream(n), n) for n in range(1_300)])
        with store.read() as tx:
            found = tx.each("SELECT number FROM held WHERE name IN", [stream(n) for n in range(0, 2_600, 2)], (100,), then=" AND number>=?")
            assert sorted(n for (n,) in found) == list(range(100, 1_300, 2))
            assert tx.each("SELECT number FROM held WHERE name IN", []) == []

    def test_rows_that_are_there_may_stay_or_be_moved(self, store: Store) -> None:
        columns = ("name", "number")
        with store.write() as tx:
            tx.insert("held", columns, [(b"a", 1)])
            tx.insert("held", columns, [(b"a", 2), (b"b", 2)], "ON CONFLICT DO NOTHING")
            tx.insert("held", columns, [(b"b", 3)], "ON CONFLICT (name) DO UPDATE SET number=excluded.number")
        with store.read() as tx:
            assert tx.all("SELECT name, number FROM held ORDER BY name") == [(b"a", 1), (b"b", 3)]

    def test_a_reading_changes_nothing(self, store: Store) -> None:
        with suppress(Exception), store.read() as tx:  # PostgreSQL refuses it, SQLite rolls it back
            tx.run("INSERT INTO held (name) VALUES (?)", (b"x",))
        with store.read() as tx:
            assert tx.all("SELECT name FROM held") == []

    def test_a_second_opening_finds_everything(self, store: Store) -> None:
        append(store, stored(1))
        store.make_tables(TABLES)
        assert append(store, stored(2)) == [2]


def of_library(number: int, version: int = 1) -> StoredEvent:
    return StoredEvent(UUID(bytes=stream(number)), version, RESOURCE_RECORDED, state(number))


Library = SqliteStore | PostgresStore
"""A store with the recorder of the library."""


class TestLibrary:
    """The recorder of the eventsourcing library over our table, as the library's own applications would use it."""

    def test_it_appends_and_selects(self, store: Library) -> None:
        recorder = store.recorder
        assert recorder.max_notification_id() is None
        assert list(recorder.insert_events([of_library(1), of_library(1, 2), of_library(2)])) == [1, 2, 3]
        assert recorder.max_notification_id() == 3
        assert [e.originator_version for e in recorder.select_events(UUID(bytes=stream(1)))] == [1, 2]
        assert [e.originator_version for e in recorder.select_events(UUID(bytes=stream(1)), gt=1)] == [2]
        assert [e.originator_version for e in recorder.select_events(UUID(bytes=stream(1)), desc=True, limit=1)] == [2]
        assert bytes(recorder.select_events(UUID(bytes=stream(2)))[0].state) == state(2)

    def test_it_gives_notifications_in_the_order_of_the_log(self, store: Library) -> None:
        recorder = store.recorder
        recorder.insert_events([of_library(n) for n in range(1, 6)])
        append(store, stored(9, topic=ACCESS_DECIDED))
        told = recorder.select_notifications(start=2, limit=3)
        assert [n.id for n in told] == [2, 3, 4]
        assert [n.originator_id.bytes for n in told] == [stream(2), stream(3), stream(4)]
        assert [n.id for n in recorder.select_notifications(start=2, limit=10, inclusive_of_start=False)] == [3, 4, 5, 6]
        assert [n.id for n in recorder.select_notifications(start=1, limit=10, stop=3)] == [1, 2, 3]
        assert [n.id for n in recorder.select_notifications(start=1, limit=10, topics=[ACCESS_DECIDED])] == [6]

    def test_its_positions_and_ours_are_one_row_and_its_leaves_are_ours(self, store: Library) -> None:
        append(store, stored(1))
        assert list(store.recorder.insert_events([of_library(2)])) == [2]
        assert append(store, stored(3)) == [3]
        with store.read() as tx:
            leaves = [bytes(leaf) for _, leaf in tx.all(LEAVES)]
        assert leaves == [event_leaf(position=n, stream=stream(n), version=1, topic=RESOURCE_RECORDED, state=state(n)) for n in (1, 2, 3)]

    def test_a_version_that_is_taken_is_its_integrity_error_and_leaves_no_gap(self, store: Library) -> None:
        recorder = store.recorder
        recorder.insert_events([of_library(1)])
        with pytest.raises(IntegrityError):
            recorder.insert_events([of_library(2), of_library(1)])
        assert list(recorder.insert_events([of_library(2)])) == [2]

    def test_a_reader_that_follows_four_writers_misses_and_doubles_nothing(self, store: Library, long: bool) -> None:
        """Where positions are given without a lock, a later one can be seen before an earlier one is committed, and is passed over."""
        each = 25_000 if long else 300
        recorder = store.recorder
        done = threading.Event()
        seen: list[tuple[int, bytes]] = []

        def writes(writer: int) -> None:
            number = 0
            while number < each:
                some = [of_library(writer * 1_000_000 + number + i) for i in range(min(1 + number % 5, each - number))]
                if number % 10 == 0:
                    with pytest.raises(IntegrityError):
                        recorder.insert_events([*some, some[0]])
                recorder.insert_events(some)
                number += len(some)

        def follows() -> None:
            while True:
                last = done.is_set()
                found = recorder.select_notifications(start=len(seen) + 1, limit=500)
                seen.extend((n.id, n.originator_id.bytes) for n in found)
                if last and not found:
                    return

        following = threading.Thread(target=follows)
        following.start()
        try:
            together(*[lambda w=w: writes(w) for w in range(4)])
        finally:
            done.set()
            following.join()
        assert [position for position, _ in seen] == list(range(1, 4 * each + 1))
        assert {name for _, name in seen} == {stream(w * 1_000_000 + n) for w in range(4) for n in range(each)}


def test_both_engines_hold_the_same_bytes(tmp_path: Path) -> None:
    held = []
    for place in (tmp_path / "hub.db", cluster().new()):
        one = open_store(place, tables=TABLES)
        append(one, stored(1), stored(2, topic=ACCESS_DECIDED), stored(1, 2))
        with one.read() as tx:
            held.append((one.raw(tx, 0, 10), [(p, bytes(leaf)) for p, leaf in tx.all(LEAVES)]))
        one.close()
    assert held[0] == held[1]


def test_the_functions_that_the_library_would_put_into_the_database_stay_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """With them a reader that follows four writers missed 4,400 to 5,000 of 28,500 events: they take no lock."""
    monkeypatch.setitem(os.environ, "POSTGRES_ENABLE_DB_FUNCTIONS", "y")
    made = PostgresStore(cluster().new(), tables=TABLES)
    try:
        assert made.datastore.enable_db_functions is False
        made.recorder.insert_events([of_library(1)])
        with made.read() as tx:
            functions = "SELECT count(*) FROM pg_proc JOIN pg_namespace n ON n.oid=pronamespace WHERE nspname=current_schema()"
            assert tx.one(functions) == (0,)
    finally:
        made.close()
