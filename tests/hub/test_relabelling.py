"""After a new edition the follower says what is other, once, wherever it was stopped; a moment of the past has the labels of then."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from consent.ask import Requester
from hub.commands import Asking
from hub.followers import relabel
from hub.log.unlocking import KeyPlace
from hub.replay import replay
from hub.tables import labels
from tests.hub.relabelled import (
    ALCOHOL,
    ANY,
    FIRST,
    HEART,
    SECOND,
    THIRD,
    YJ,
    a_drug,
    a_row,
    all_steps,
    drug,
    edition,
    events_of,
    following,
    lived,
    seen,
)
from tests.hub.world import HOSPITAL, NOW, OTHER_HOSPITAL, World, database_of, register, world

# ── the follower ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_goes_through_everything_and_says_only_what_is_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relabel, "BATCH", 2)
    with edition(monkeypatch, FIRST), world(tmp_path / "data") as w:
        lived(w, a_drug("m1", ANY), a_drug("m2", ALCOHOL), a_drug("m3", HEART))
        assert w.put(HOSPITAL, a_drug("m1", ANY, note=[{"text": "二"}])).status_code == 200
    with edition(monkeypatch, SECOND), world(tmp_path / "data") as w:
        with w.hub.store.read() as tx:
            headers = [r.header for r in w.hub.store.events(tx, 0, 100)]
        all_steps(following(w))
        with w.hub.store.read() as tx:
            told = tx.all("SELECT confidentiality, sensitivities FROM labels ORDER BY resource")
            assert told == [("", None), ("R", "ETH|SUD"), ("", None)], "both versions of the first drug, and the second"
            assert [r.header for r in w.hub.store.events(tx, 0, len(headers))] == headers
            assert labels.edition(tx) == SECOND
        before = events_of(w)
        all_steps(following(w))
        assert events_of(w) == before, "gone through once"
        assert seen(w, "m3") == "P-EXPLICIT"


def test_stopped_anywhere_it_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relabel, "BATCH", 1)
    with edition(monkeypatch, FIRST), world(tmp_path / "data") as w:
        lived(w, *(a_drug(f"m{n}", ANY) for n in range(6)))
    for _ in range(200):
        with edition(monkeypatch, SECOND), world(tmp_path / "data") as w:
            if not following(w).step():
                break
    with edition(monkeypatch, SECOND), world(tmp_path / "data") as w, w.hub.store.read() as tx:
        assert tx.all("SELECT count(*), count(DISTINCT resource) FROM labels")[0] == (6, 6)
        assert tx.all("SELECT count(*) FROM label_revisions WHERE begins=1")[0] == (1,)


def test_two_processes_that_do_the_same_record_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with edition(monkeypatch, FIRST), world(tmp_path / "data") as w:
        lived(w, a_drug("m1", ANY), a_drug("m2", ALCOHOL))
    with edition(monkeypatch, SECOND), world(tmp_path / "data") as w:
        one, two = following(w), following(w)
        put, reached = one._put, []

        def late(*told: Any) -> None:
            if not reached:
                reached.append(1)
                all_steps(two)
            put(*told)

        one._put = late  # type: ignore[method-assign]  # the other one steps in between
        all_steps(one)
        assert events_of(w) == 2
        with w.hub.store.read() as tx:
            assert tx.all("SELECT count(*) FROM labels")[0] == (2,)


def test_a_hub_that_begins_with_an_edition_records_nothing_of_it(tmp_path: Path) -> None:
    with world(tmp_path / "data") as w:
        following(w).begin()
        lived(w, a_drug("m1", ANY))
        all_steps(following(w))
        assert events_of(w) == 0


def test_a_program_that_goes_back_to_an_earlier_edition_says_so_and_lowers_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with edition(monkeypatch, FIRST), world(tmp_path / "data") as w:
        lived(w, a_drug("m1", ANY))
        all_steps(following(w))
    with edition(monkeypatch, SECOND), world(tmp_path / "data") as w:
        all_steps(following(w))
        assert seen(w, "m1") == "D-NOTCOVERED"
    with edition(monkeypatch, FIRST), world(tmp_path / "data") as w:
        assert seen(w, "m1") == "D-NOTCOVERED", "the log still says unknown"
        all_steps(following(w))
        assert seen(w, "m1") == "P-EXPLICIT"


def test_who_was_erased_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with edition(monkeypatch, FIRST), world(tmp_path / "data") as w:
        lived(w, a_drug("m1", ANY))
    with edition(monkeypatch, SECOND), world(tmp_path / "data") as w:
        w.hub.writer.work(lambda tx: tx.run("UPDATE resources SET deleted=2, facts=?", (b"",))).result()
        all_steps(following(w))
        with w.hub.store.read() as tx:
            assert tx.all("SELECT count(*) FROM labels")[0] == (0,)


# ── moments ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_as_of_then_the_labels_of_then_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = [NOW]
    heads = []

    def as_of(w: World, position: int) -> str:
        asking = Asking(Requester(OTHER_HOSPITAL, "hospital", "doctor", "d2"), "TREAT", "r", "read")
        row = drug(w, "m1")
        with w.hub.store.read() as tx:
            (decision,) = w.hub.gate.as_of(tx, asking, [row], position=position, at=moment[0])
        return decision.reason

    def head(w: World) -> int:
        with w.hub.store.read() as tx:
            return w.hub.store.head(tx)

    with edition(monkeypatch, FIRST), world(tmp_path / "data", now=lambda: moment[0]) as w:
        lived(w, a_drug("m1", ANY))
        heads.append(head(w))
    moment[0] += timedelta(days=1)
    with edition(monkeypatch, SECOND), world(tmp_path / "data", now=lambda: moment[0]) as w:
        follower = following(w)
        follower.begin()
        heads.append(head(w))  # begun, and not gone through
        all_steps(follower)
        heads.append(head(w))
    with edition(monkeypatch, THIRD, {**a_row("*", "N"), "system": "hot"}), world(tmp_path / "data", now=lambda: moment[0]) as w:
        all_steps(following(w))
        heads.append(head(w))
        assert [as_of(w, p) for p in heads] == ["P-EXPLICIT", "D-NOTCOVERED", "D-NOTCOVERED", "P-EXPLICIT"]


def test_a_decision_under_way_is_taken_anew_when_labels_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with edition(monkeypatch, SECOND), world(tmp_path / "data") as w:
        lived(w, a_drug("m1", f"{YJ}|6250999F1020"))
    with edition(monkeypatch, THIRD, a_row("6250999*", "N")), world(tmp_path / "data") as w:
        submit, once = w.hub.writer.submit, [True]

        def late(proposal: Any) -> Any:
            if once:
                once.clear()
                all_steps(following(w))
            return submit(proposal)

        monkeypatch.setattr(w.hub.gate, "_writer", type("Late", (), {"submit": staticmethod(late)})())
        assert seen(w, "m1") == "P-EXPLICIT"


def test_a_replay_makes_the_same_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with edition(monkeypatch, FIRST), world(tmp_path / "data") as w:
        lived(w, a_drug("m1", ANY), a_drug("m2", ALCOHOL))
    with edition(monkeypatch, SECOND), world(tmp_path / "data") as w:
        all_steps(following(w))
        (tmp_path / "work").mkdir()
        place = database_of(tmp_path / "data") or tmp_path / "data" / "hub.db"
        made = replay(database=place, keys=KeyPlace.under(tmp_path / "data"), region=register(), work=tmp_path / "work")
        assert (made.differing, made.rows["labels"], made.rows["label_revisions"]) == ({}, 2, 2)
