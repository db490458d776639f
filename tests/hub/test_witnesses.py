"""New heads are pushed to witnesses, which judge for themselves; one that is silent, wrong or ahead stops nothing."""

from __future__ import annotations

import base64
import socket
import threading
import time
from pathlib import Path

import pytest

from hub.followers import witnesses as pushing
from hub.followers.witnesses import Witnessing
from hub.log.merkle import EMPTY
from hub.log.notes import COSIGNATURE, ED25519, Verifier, cosignatures, public_bytes
from hub.log.witnesses import Witness, parse_witnesses
from hub.settings import Settings
from hub.tables import tree
from schemas.errors import Broken
from tests.hub.watching import Watcher, filled, key_of, line_of, serving, verifier_of, watched
from tests.hub.world import HOSPITAL, STATION, World, a_patient
from tests.waiting import until


def pusher(w: World) -> Witnessing:
    (found,) = (f for f in w.hub.runner.followers if isinstance(f, Witnessing))
    return found


def published(w: World) -> str:
    with w.hub.store.read() as tx:
        head = tree.newest(tx)
        return tree.note(tx, head) if head else ""


def grown(w: World, count: int) -> int:
    filled(w, count)
    w.hub.checkpoints.sign_now()
    return int(published(w).split("\n")[1])


def test_a_witness_signs_head_after_head_from_the_one_it_knows(tmp_path: Path) -> None:
    watcher = Watcher()
    with serving(watcher) as url, watched(tmp_path / "data", [Witness(verifier_of(1), url)]) as w:
        watcher.log = w.hub.checkpoints.verifier
        sizes = []
        for count in (1, 6, 250, 1, 700):
            sizes.append(grown(w, count))
            pusher(w).step()
            assert pusher(w).state == "signed"
            assert watcher.size == sizes[-1]
            ((at, line),) = cosignatures(published(w), verifier_of(1))
            assert at > 0
            assert published(w).endswith(line)
            assert (tmp_path / "data" / "checkpoint.txt").read_text(encoding="utf-8") == published(w)
        assert watcher.answered == [200] * 5
        assert [body.split(b"\n")[0] for body in watcher.asked] == [b"old 0", *(b"old %d" % size for size in sizes[:-1])]
        assert all(len(body.split(b"\n\n")[0].split(b"\n")) - 1 <= 63 for body in watcher.asked)
        pusher(w).step()
        assert len(watcher.asked) == 5, "what it has signed is not asked for again"
        with w.hub.store.read() as tx:
            assert w.hub.store.position_of(tx, pusher(w).name) == sizes[-1]


def test_a_witness_that_knows_another_size_says_so_and_is_asked_from_there(tmp_path: Path) -> None:
    watcher = Watcher()
    with serving(watcher) as url, watched(tmp_path / "data", [Witness(verifier_of(1), url)]) as w:
        watcher.log = w.hub.checkpoints.verifier
        grown(w, 5)
        pusher(w).step()
        known = watcher.size, watcher.root
        grown(w, 5)
        with w.hub.store.write() as tx:
            tx.run("DELETE FROM cosignatures")
        pusher(w).step()
        assert (pusher(w).state, watcher.answered) == ("signed", [200, 409, 200])
        watcher.size, watcher.root = 0, EMPTY  # it lost its memory
        grown(w, 5)
        pusher(w).step()
        assert (pusher(w).state, watcher.answered[3:]) == ("signed", [409, 200])
        watcher.size, watcher.root = known
        grown(w, 1)
        pusher(w).step()
        assert (pusher(w).state, watcher.answered[5:]) == ("signed", [409, 200])


def test_a_witness_that_knows_a_larger_log_is_told_of_and_never_answered_with_another_tree(tmp_path: Path) -> None:
    watcher = Watcher(size=500, root=bytes(32))
    with serving(watcher) as url, watched(tmp_path / "data", [Witness(verifier_of(1), url)]) as w:
        watcher.log = w.hub.checkpoints.verifier
        grown(w, 5)
        pusher(w).step()
        assert (pusher(w).state, watcher.answered) == ("ahead", [409])
        assert cosignatures(published(w), verifier_of(1)) == []


def test_a_witness_that_saw_another_tree_of_this_log_does_not_sign(tmp_path: Path) -> None:
    for size, answers in ((5, [409, 409]), (3, [409, 422])):
        watcher = Watcher(size=size, root=bytes(32))
        with serving(watcher) as url, watched(tmp_path / str(size), [Witness(verifier_of(1), url)]) as w:
            watcher.log = w.hub.checkpoints.verifier
            grown(w, 5)
            pusher(w).step()
            assert (pusher(w).state, watcher.answered) == ("refused", answers)


@pytest.mark.parametrize(
    ("status", "media", "text"),
    [
        (404, "text/plain", b""),
        (403, "text/plain", b""),
        (422, "text/plain", b""),
        (500, "text/html", b"<p>sorry</p>"),
        (302, "text/plain", b""),
        (200, "text/plain", b""),
        (200, "text/plain", b"nonsense"),
        (200, "text/plain", "— witness.example.jp/w1 AAAA\n".encode()),
        (200, "text/plain", b"\xff\xfe"),
        (200, "text/plain", line_of(1, "tsunagu.example.jp/log\n1\nAAAA\n").encode()),
        (200, "text/plain", line_of(2, "tsunagu.example.jp/log\n5\nAAAA\n").encode()),
        (409, "text/plain", b"3\n"),
        (409, "text/x.tlog.size", b"three\n"),
        (409, "text/x.tlog.size", b"-3\n"),
        (409, "text/x.tlog.size", b"9" * 40),
        (409, "text/x.tlog.size", b"0\n"),
    ],
)
def test_an_answer_that_is_no_signature_changes_nothing(tmp_path: Path, status: int, media: str, text: bytes) -> None:
    watcher = Watcher(instead=(status, media, text))
    with serving(watcher) as url, watched(tmp_path / "data", [Witness(verifier_of(1), url)]) as w:
        grown(w, 5)
        note = published(w)
        pusher(w).step()
        assert (pusher(w).state, published(w)) == ("refused", note)
        assert len(watcher.asked) == 1


def test_an_answer_without_end_is_not_read(tmp_path: Path) -> None:
    watcher = Watcher(instead=(200, "text/plain", b"x" * 100_000))
    with serving(watcher) as url, watched(tmp_path / "data", [Witness(verifier_of(1), url)]) as w:
        grown(w, 5)
        pusher(w).step()
        assert pusher(w).state == "silent"


def test_one_that_does_not_answer_is_asked_again_later_and_later(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
    moment = [0.0]
    with watched(tmp_path / "data", [Witness(verifier_of(1), nowhere)]) as w:
        one = Witnessing(store=w.hub.store, cosigning=w.hub.proofs._cosigning, witness=pusher(w).witness, clock=lambda: moment[0])
        tries = []
        grown(w, 5)
        push = one.push
        one.push = lambda: (tries.append(moment[0]), push())[1]  # type: ignore[method-assign]  # its tries are counted
        for second in range(1_000):
            moment[0] = float(second)
            one.step()
        assert tries == [0, 10, 30, 70, 150, 300, 450, 600, 750, 900]
        assert one.state == "silent"


def test_one_that_hangs_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "LIMIT", 0.5)
    dead, alive = Watcher(number=1, hangs=threading.Event()), Watcher(number=2)
    with serving(dead) as one, serving(alive) as two:
        named = [Witness(verifier_of(1), one), Witness(verifier_of(2), two)]
        with watched(tmp_path / "data", named, followers=True) as w:
            dead.log = alive.log = w.hub.checkpoints.verifier
            began = time.monotonic()
            assert w.put(HOSPITAL, a_patient()).status_code == 201
            w.hub.checkpoints.sign_now()
            until(lambda: len(cosignatures(published(w), verifier_of(2))) == 1)
            assert cosignatures(published(w), verifier_of(1)) == []
            states = {f.witness.id: f for f in w.hub.runner.followers if isinstance(f, Witnessing)}
            until(lambda: states[named[0].id].state == "silent")
            assert w.hub.runner.stopped == {}
            assert time.monotonic() - began < 15
        assert time.monotonic() - began < 20


def test_a_witness_without_an_address_is_asked_nothing(tmp_path: Path) -> None:
    with watched(tmp_path / "data", [Witness(verifier_of(1), organization=STATION)]) as w:
        assert not [f for f in w.hub.runner.followers if isinstance(f, Witnessing)]


# ── the setting ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_setting_names_key_address_and_organization() -> None:
    one, two = verifier_of(1), verifier_of(2)
    told = f"{one.text} https://w1.example.jp/log/ 1319000129 ,\n {two.text} "
    assert parse_witnesses(told) == (Witness(one, "https://w1.example.jp/log", "1319000129"), Witness(two))
    assert parse_witnesses("") == ()
    assert Witness(one).id == f"witness.example.jp/w1+{one.key_id.hex()}"


@pytest.mark.parametrize(
    "told",
    [
        "nonsense",
        Verifier("log.example.jp", ED25519, public_bytes(key_of(1))).text,
        verifier_of(1).text[:-1],
        f"{verifier_of(1).text} https://a https://b",
        f"{verifier_of(1).text} ftp://a",
        f"{verifier_of(1).text} A B",
        verifier_of(1).text.replace("+", "-"),
        base64.b64encode(bytes((COSIGNATURE,)) + bytes(32)).decode(),
    ],
)
def test_a_setting_that_names_no_witness_stops_the_start_without_its_value(told: str) -> None:
    with pytest.raises(Broken) as refused:
        Settings.read({"TSUNAGU_WITNESSES": told})
    assert (refused.value.issues[0].rule, refused.value.issues[0].where) == ("HUB-5012", "TSUNAGU_WITNESSES")


@pytest.mark.parametrize("told", ["a b", "a+b", "a\tb"])
def test_a_name_of_the_log_that_no_note_can_carry_stops_the_start(told: str) -> None:
    with pytest.raises(Broken) as refused:
        Settings.read({"TSUNAGU_ORIGIN": told})
    assert refused.value.issues[0].where == "TSUNAGU_ORIGIN"
    assert Settings.read({"TSUNAGU_ORIGIN": "hub.example.jp/log"}).origin == "hub.example.jp/log"
